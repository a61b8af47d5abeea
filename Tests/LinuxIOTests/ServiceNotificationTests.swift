import Foundation
import Glibc
import Testing

@testable import LinuxIO

@Suite("service notification")
struct ServiceNotificationTests {
  /// A datagram socket bound to a path or, with a leading zero byte, to an abstract name.
  private func receiver(_ name: [UInt8]) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(2 + name.count)) }
    }
    try #require(bound == 0)
    return descriptor
  }

  private func receive(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 1000)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  @Test(
    "there is a manager where a socket is named", arguments: [(nil, false), ("", false), ("@x", true), ("/x", true)])
  func manager(path: String?, isThere: Bool) {
    #expect(ServiceNotification(socketPath: path).hasManager == isThere)
  }

  @Test("ready, watchdog, status and stopping reach an abstract socket and a path")
  func messages() throws {
    let name = "vtep-notify-\(getpid())"
    let path = FileManager.default.temporaryDirectory.appending(path: "\(name).sock").path()
    defer { unlink(path) }
    for (text, bytes) in [("@\(name)", [0] + Array(name.utf8)), (path, Array(path.utf8))] {
      let descriptor = try receiver(bytes)
      defer { _ = close(descriptor) }
      let notification = ServiceNotification(socketPath: text)
      try notification.ready(status: "two\nlines")
      #expect(receive(descriptor) == "READY=1\nSTATUS=two lines")
      try notification.watchdog()
      #expect(receive(descriptor) == "WATCHDOG=1")
      try notification.status("busy")
      #expect(receive(descriptor) == "STATUS=busy")
      try notification.reloading(monotonic: 12)
      #expect(receive(descriptor) == "RELOADING=1\nMONOTONIC_USEC=12")
      try notification.stopping()
      #expect(receive(descriptor) == "STOPPING=1")
    }
  }

  @Test("without a socket nothing happens; one that nobody listens on or that has no valid name is an error")
  func absent() throws {
    try ServiceNotification(socketPath: nil).stopping()
    try ServiceNotification(socketPath: "").stopping()
    for path in ["relative", "/" + String(repeating: "x", count: 107), "@vtep-nobody-\(getpid())"] {
      #expect(throws: Errno.self) { try ServiceNotification(socketPath: path).stopping() }
    }
  }
}
