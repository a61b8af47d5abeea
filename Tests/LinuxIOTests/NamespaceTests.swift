import Glibc
import Testing

@testable import LinuxIO

/// These make network namespaces: without CAP_SYS_ADMIN they fail with EPERM.
@Suite("network namespaces (root)")
struct NamespaceTests {
  private func inode(_ descriptor: Int32) -> UInt {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? UInt(status.st_ino) : 0
  }

  @Test("a closure runs inside, and the calling thread stays where it was")
  func runInside() throws {
    let before = try NetworkNamespace.current()
    let namespace = try NetworkNamespace.create()
    #expect(inode(before.descriptor) != inode(namespace.descriptor))
    let inside = try namespace.run { () throws(Errno) in
      let current = try NetworkNamespace.current()
      return inode(current.descriptor)
    }
    #expect(inside == inode(namespace.descriptor))
    let after = try NetworkNamespace.current()
    #expect(inode(after.descriptor) == inode(before.descriptor))
  }

  @Test("the loopback of a new namespace is up, and nothing else is there")
  func loopback() throws {
    let namespace = try NetworkNamespace.create()
    let links = try namespace.run { () throws(Errno) in
      var netlink = try NetlinkSocket()
      return try netlink.links()
    }
    let loopback = try #require(links.first { $0.name == "lo" })
    #expect(loopback.isUp && loopback.index == 1)
  }

  @Test("an error inside comes out")
  func errorComesOut() throws {
    let namespace = try NetworkNamespace.create()
    #expect(throws: Errno(ENOTTY, "inside")) {
      try namespace.run { () throws(Errno) -> Int in throw Errno(ENOTTY, "inside") }
    }
  }

  @Test("when the last descriptor is closed the namespace goes, with its devices")
  func goesWithDescriptor() throws {
    let observer = try NetworkNamespace.create()
    var netlink = try observer.run { () throws(Errno) in try NetlinkSocket() }
    do {
      let passing = try NetworkNamespace.create()
      try netlink.createVeth(
        named: "near", inNamespace: nil, peerNamed: "far", peerNamespace: passing.descriptor, linkMTU: 1500)
      #expect(try netlink.link(named: "near") != nil)
    }
    // The kernel removes it in the background.
    let deadline = ContinuousClock.now + .seconds(10)
    while try netlink.link(named: "near") != nil, ContinuousClock.now < deadline { usleep(10_000) }
    #expect(try netlink.link(named: "near") == nil)
  }
}
