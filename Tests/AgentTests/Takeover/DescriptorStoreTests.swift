import Foundation
import Glibc
import LinuxIO
import Testing

@testable import Agent

@Suite("descriptors that the service manager keeps")
final class DescriptorStoreTests {
  private let directory: ControlTestDirectory
  private let manager: Int32

  init() throws {
    directory = try ControlTestDirectory()
    manager = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: directory.socket.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(manager, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
  }

  deinit { _ = close(manager) }

  private func said() -> [String] {
    var all: [String] = []
    while true {
      var bytes = [UInt8](repeating: 0, count: 1000)
      let count = recv(manager, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      guard count > 0 else { return all }
      all.append(String(decoding: bytes.prefix(count), as: UTF8.self))
    }
  }

  private func kept(_ name: DescriptorName) -> String { "FDSTORE=1\nFDPOLL=0\nFDNAME=\(name)" }
  private func released(_ name: DescriptorName) -> String { "FDSTOREREMOVE=1\nFDNAME=\(name)" }

  @Test("what is new is kept, what has gone or changed is let go of, and what stays is not spoken of")
  func follows() throws {
    let (a, b, c) = (
      DescriptorName.plain(worker: 0), DescriptorName.tap(vni: 42, queue: 0), DescriptorName.tap(vni: 43, queue: 0)
    )
    var store = DescriptorStore(ServiceNotification(socketPath: directory.socket), holding: [a, c], fitting: [:])
    try store.follow([(a, 0), (b, 1)])
    #expect(said() == [released(c), released(a), kept(a), kept(b)])
    try store.follow([(a, 0), (b, 1)])
    #expect(said() == [])
    try store.follow([(a, 0), (b, 2)])
    #expect(said() == [released(b), kept(b)])
    try store.follow([])
    #expect(said() == [released(b), released(a)])
    var heir = DescriptorStore(ServiceNotification(socketPath: directory.socket), holding: [a, b], fitting: [a: 0])
    try heir.follow([(a, 0), (b, 1)])
    #expect(said() == [released(b), kept(b)])
  }
}
