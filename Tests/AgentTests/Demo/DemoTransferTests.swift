import Lab
import LinuxIO
import Testing
import VXLAN

@testable import Agent

/// These make network namespaces: without CAP_SYS_ADMIN they fail with EPERM.
@Suite("the demonstration's transfer (root)")
struct DemoTransferTests {
  private let transfer = DemoTransfer(byteCount: 3_000_000, seed: 1)

  @Test("a stream that is no whole number of chunks arrives, by IPv4 and IPv6")
  func arrives() throws {
    let namespace = try NetworkNamespace.create()
    for text in ["127.0.0.1", "::1"] {
      let address = try #require(IPAddress(text))
      let outcome = try transfer.run(from: namespace, to: address, in: namespace) { () throws(LabFailure) in }
      #expect(outcome.duration > .zero)
    }
  }

  @Test("what the check throws ends the transfer")
  func interruption() throws {
    let namespace = try NetworkNamespace.create()
    let address = try #require(IPAddress("127.0.0.1"))
    #expect(throws: LabFailure.interrupted(signal: 2)) {
      try transfer.run(from: namespace, to: address, in: namespace) { () throws(LabFailure) in
        throw .interrupted(signal: 2)
      }
    }
  }

  @Test("without a way to the other host the step fails and says what was tried")
  func unreachable() throws {
    let source = try NetworkNamespace.create()
    let sink = try NetworkNamespace.create()
    var netlink = try sink.run { () throws(Errno) in try NetlinkSocket() }
    let prefix = try #require(IPPrefix("192.0.2.9/32"))
    try netlink.addAddress(prefix, toLink: 1)
    #expect(throws: LabFailure.step("connect to 192.0.2.9: connect: Network is unreachable")) {
      try transfer.run(from: source, to: prefix.address, in: sink) { () throws(LabFailure) in }
    }
  }

  @Test("exit statuses are 1 for failures and 128 more than the signal for interruptions")
  func exitStatuses() {
    #expect(LabFailure.step("x").exitStatus == 1 && LabFailure.unavailable("x").exitStatus == 1)
    #expect(LabFailure.interrupted(signal: 2).exitStatus == 130)
    #expect(LabFailure.interrupted(signal: 15).exitStatus == 143)
  }
}
