import Glibc
import Testing
import VXLAN

@testable import LinuxIO

/// These make network namespaces: without CAP_SYS_ADMIN and CAP_NET_ADMIN they fail with EPERM.
@Suite("features of links, and the kernel's VXLAN (root)")
struct LinkFeatureTests {
  /// A namespace with the pair of devices `d0` and `e0`.
  private func namespaceWithPair() throws -> NetworkNamespace {
    let namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    try netlink.createVeth(
      named: "d0", inNamespace: nil, peerNamed: "e0", peerNamespace: nil, linkMTU: 1500)
    return namespace
  }

  /// What a program prints inside a namespace.
  private func output(_ command: String, in namespace: borrowing NetworkNamespace) throws -> String {
    let words = command.split(separator: " ").map(String.init)
    let path = try #require(ChildProcess.path(ofProgram: words[0]), "\(words[0]) is needed")
    let output = try ChildProcessOutput()
    var child = try ChildProcess(
      path, arguments: words, namespace: namespace.descriptor, output: output.descriptor, error: output.descriptor)
    let exit = try child.wait(until: .now + .seconds(10))
    let text = try output.text()
    try #require(exit == .status(0), "\(command): \(text)")
    return text
  }

  @Test("each feature of a pair of devices that can be switched is as ethtool sees it, off and on again")
  func switches() throws {
    let namespace = try namespaceWithPair()
    for feature in [LinkFeature.tcpSegmentation, .udpSegmentation, .genericSegmentation, .receiveOffload] {
      for isOn in [false, true, false] {
        #expect(try namespace.run { () throws(Errno) in try feature.set(isOn, ofLink: "d0") })
        // ethtool has names of its own for two of the kernel's features.
        let names = ["rx-gro": "generic-receive-offload", "tx-generic-segmentation": "generic-segmentation-offload"]
        let line = "\(names[feature.rawValue] ?? feature.rawValue): \(isOn ? "on" : "off")"
        #expect(try output("ethtool -k d0", in: namespace).contains(line), "\(line)")
      }
    }
  }

  @Test("a feature that the device cannot change answers false, a device that is not there ENODEV")
  func refuses() throws {
    let namespace = try namespaceWithPair()
    // The loopback device segments TCP whatever is wanted of its tunnels.
    #expect(try !namespace.run { () throws(Errno) in try LinkFeature.tunnelSegmentation.set(true, ofLink: "lo") })
    for name in ["none", String(repeating: "d", count: 16)] {
      var failure: Errno?
      do throws(Errno) {
        _ = try namespace.run { () throws(Errno) in try LinkFeature.receiveOffload.set(true, ofLink: name) }
      } catch {
        failure = error
      }
      #expect(failure?.number == ENODEV, "\(name)")
    }
  }

  @Test(
    "a VXLAN device of the kernel has the VNI, ends and port that it was made with",
    arguments: [
      ("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2"),
    ])
  func kernelVXLAN(local: String, remote: String) throws {
    let namespace = try namespaceWithPair()
    let localAddress = try #require(IPAddress(local))
    let remoteAddress = try #require(IPAddress(remote))
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    try netlink.createVXLAN(
      named: "vx0", vni: VNI(unchecked: 0xABCDEF), local: localAddress, remote: remoteAddress, udpPort: 4789,
      linkMTU: 1430)
    let text = try output("ip -d link show vx0", in: namespace)
    #expect(text.contains("vxlan id 11259375 remote \(remote) local \(local)"), "\(text)")
    #expect(text.contains("dstport 4789") && text.contains("mtu 1430"), "\(text)")
    #expect(try netlink.link(named: "vx0")?.kind == "vxlan")
  }

  @Test("a name that is taken is refused")
  func taken() throws {
    let namespace = try namespaceWithPair()
    let address = try #require(IPAddress("192.0.2.1"))
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    var failure: Errno?
    do throws(Errno) {
      try netlink.createVXLAN(
        named: "d0", vni: VNI(unchecked: 1), local: address, remote: address, udpPort: 4789, linkMTU: 1450)
    } catch {
      failure = error
    }
    #expect(failure?.number == EEXIST)
  }
}
