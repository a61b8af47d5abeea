import Dataplane
import LinuxIO
import Sealing
import Testing
import VXLAN

@testable import Agent

/// The plan asks the routing table of a namespace of its own: without CAP_SYS_ADMIN and CAP_NET_ADMIN these fail.
@Suite("AgentPlan (root)")
final class AgentPlanTests {
  private let namespace: NetworkNamespace

  /// A device of 1500 bytes with 192.0.2.1/24 and 2001:db8::1/64.
  init() throws {
    namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let device = try netlink.createBridge(named: "under", linkMTU: 1500)
    try netlink.setLink(index: device, LinkChange(isUp: true))
    for text in ["192.0.2.1/24", "2001:db8::1/64"] {
      try netlink.addAddress(try #require(IPPrefix(text)), toLink: device)
    }
  }

  private func plan(_ configuration: Configuration) throws -> AgentPlan {
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    return try AgentPlan(configuration, netlink: &netlink)
  }

  private func refusal(_ configuration: Configuration) throws -> AgentError? {
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    do throws(AgentError) { _ = try AgentPlan(configuration, netlink: &netlink) } catch { return error }
    return nil
  }

  /// One segment, 42, and peers b (in all segments) and c (in 43 only).
  private func configuration(
    local: String = "192.0.2.1", _ change: (inout Configuration.Segment) -> Void = { _ in }
  ) throws -> Configuration {
    let isIPv4 = !local.contains(":")
    let (b, c) = isIPv4 ? ("192.0.2.2", "192.0.2.3") : ("2001:db8::2", "2001:db8::3")
    var segment = Configuration.Segment(vni: try #require(VNI(42)), tap: "vx42")
    change(&segment)
    var peerB = Configuration.Peer(name: "b", address: try #require(IPAddress(b)))
    peerB.udpPort = 8472
    peerB.fdbLimit = 7
    var peerC = Configuration.Peer(name: "c", address: try #require(IPAddress(c)))
    peerC.segments = [try #require(VNI(43))]
    return Configuration(
      local: .init(address: try #require(IPAddress(local))), segments: [segment], peers: [peerC, peerB])
  }

  @Test(
    "mtu: auto is the route's MTU less 50 or 70, and 4 where tags pass",
    arguments: [
      ("192.0.2.1", 1450), ("2001:db8::1", 1430),
    ])
  func automaticMTU(local: String, mtu: Int) throws {
    let segments = try plan(configuration(local: local)).segments
    #expect(segments.map(\.overlayMTU) == [mtu] && segments[0].frameByteCountMax == mtu + 14)
    let tagged = try plan(configuration(local: local) { $0.vlan = .pass }).segments
    #expect(tagged.map(\.overlayMTU) == [mtu - 4] && tagged[0].frameByteCountMax == mtu + 14)
  }

  @Test(
    "a sealed segment carries 74 or 94 less than the route, with aegis128l 16 less again, a plain one 50 or 70",
    arguments: [
      ("192.0.2.1", CipherChoice.automatic, 1426, 1450), ("2001:db8::1", .automatic, 1406, 1430),
      ("192.0.2.1", .named(.chacha20poly1305), 1426, 1450), ("192.0.2.1", .named(.aegis128l), 1410, 1450),
      ("2001:db8::1", .named(.aegis128l), 1390, 1430),
    ])
  func sealedMTU(local: String, cipher: CipherChoice, sealed: Int, plain: Int) throws {
    var configuration = try configuration(local: local) {
      $0.sealed = true
      $0.cipher = cipher
    }
    configuration.segments.append(Configuration.Segment(vni: try #require(VNI(43)), tap: "vx43"))
    configuration.local.privateKeyFile = SecretPath("/k", line: SourceLine())
    configuration.peers[1].publicKey = PublicKey(base64: SealingSamples.peerPublicKey)
    let plan = try plan(configuration)
    #expect(plan.segments.map(\.overlayMTU) == [sealed, plain] && plan.segments.map(\.isSealed) == [true, false])
    #expect(plan.segments[0].overhead.tagByteCount == (cipher == .named(.aegis128l) ? 32 : 16))
  }

  @Test(
    "the data path gets the overhead, the MTU of the way to each peer and whether to clamp",
    arguments: [
      ("192.0.2.1", 50), ("2001:db8::1", 70),
    ])
  func pathSizes(local: String, overhead: Int) throws {
    let clamped = try plan(configuration(local: local))
    #expect(clamped.peers.map(\.pathMTU) == [1500, 1500])
    #expect(clamped.segments.map(\.overhead.byteCount) == [overhead] && clamped.segments[0].clampsMSS)
    let changed = try plan(
      configuration(local: local) {
        $0.vlan = .pass
        $0.clampsMSS = false
        $0.suppressesNeighbors = false
      })
    #expect(changed.segments.map(\.overhead.byteCount) == [overhead + 4] && !changed.segments[0].clampsMSS)
    #expect(clamped.segments[0].suppressesNeighbors && !changed.segments[0].suppressesNeighbors)
  }

  @Test("a fixed MTU of 1450 fits 1500, 1451 is refused with the largest that does")
  func fixedMTU() throws {
    for value in [68, 1400, 1450] {
      #expect(try plan(configuration { $0.mtu = .fixed(value) }).segments.map(\.overlayMTU) == [value])
    }
    let error = try #require(try refusal(configuration { $0.mtu = .fixed(1451) }))
    #expect(error.message.contains("segment 42") && error.message.contains("1451") && error.message.contains("1450"))
    #expect(error.message.contains("peer b"))
  }

  @Test("an underlay MTU of 118 leaves 68, 117 is refused with what is needed")
  func smallUnderlay() throws {
    let segment = try #require(try configuration().segments.first)
    let local = try #require(IPAddress("192.0.2.1"))
    let least = UnderlayMTU(byteCount: 118, source: "here")
    #expect(try AgentPlan.overlayMTU(of: segment, overhead: Overhead(family: local.family), underlay: least) == 68)
    let less = UnderlayMTU(byteCount: 117, source: "here")
    #expect(throws: AgentError.self) {
      try AgentPlan.overlayMTU(of: segment, overhead: Overhead(family: local.family), underlay: less)
    }
  }

  @Test("with an IPv6 address the underlay must leave 1280: 1330 does, 1329 is refused with the sum and its line")
  func smallestForIPv6() throws {
    let local = try #require(IPAddress("192.0.2.1"))
    var segment = try #require(try configuration().segments.first)
    let enough = UnderlayMTU(byteCount: 1330, source: "here")
    let less = UnderlayMTU(byteCount: 1329, source: "here")
    #expect(try AgentPlan.overlayMTU(of: segment, overhead: Overhead(family: local.family), underlay: less) == 1279)
    segment.addresses = [try #require(IPPrefix("10.0.0.1/24")), try #require(IPPrefix("fd00::1/64"))]
    segment.mtuLine = SourceLine(7)
    #expect(try AgentPlan.overlayMTU(of: segment, overhead: Overhead(family: local.family), underlay: enough) == 1280)
    let error = #expect(throws: AgentError.self) {
      try AgentPlan.overlayMTU(of: segment, overhead: Overhead(family: local.family), underlay: less)
    }
    #expect(error?.kind == .refused && error?.line == 7)
    for word in ["segment 42", "1280", "1329", "50 bytes", "1279", "1330"] {
      #expect(error?.message.contains(word) == true, "\(word)")
    }
  }

  @Test("a fixed MTU that does not fit is refused at the line of mtu:")
  func lineOfMTU() throws {
    let text = "local: {address: 192.0.2.1}\nsegments:\n- vni: 42\n  tap: a\n  mtu: 1451\n"
    #expect(try refusal(Configuration.parse(text, file: "f"))?.line == 5)
    #expect(try refusal(configuration { $0.mtu = .fixed(1451) })?.line == nil)
  }

  @Test("slots follow the configuration: endpoints, limits, flood list and static entries by slot")
  func slots() throws {
    let station = try #require(MACAddress("02:00:00:00:00:02"))
    let plan = try plan(configuration { $0.fdb = [.init(mac: station, peer: "b")] })
    #expect(plan.peers.map(\.endpoint.description) == ["192.0.2.3:4789", "192.0.2.2:8472"])
    #expect(plan.peers.map(\.fdbLimit) == [0, 7])
    let segment = try #require(plan.segments.first)
    #expect(segment.vni.rawValue == 42 && segment.peers == [1])
    #expect(segment.staticEntries.map(\.mac) == [station] && segment.staticEntries.map(\.peer) == [1])
  }

  @Test("every setting of a segment reaches its plan")
  func settings() throws {
    let mac = try #require(MACAddress("02:00:00:00:00:99"))
    let changed = try plan(
      configuration {
        $0.mac = mac
        $0.vlan = .pass
        $0.reserved = .ignore
        $0.learning = false
        $0.fdbLimit = 9
        $0.ageing = .seconds(17)
        $0.dscp = .fixed(46)
        $0.stormLimit = 77
        $0.snoopsMulticast = false
      }
    ).segments[0]
    #expect(changed.ownMAC == mac && changed.passesVLANTags && changed.ignoresReservedBits && !changed.learns)
    #expect(changed.fdbLimit == 9 && changed.ageingTime == .seconds(17) && changed.dscp == .fixed(46))
    #expect(changed.stormLimit == 77 && !changed.snoopsMulticast)
    let plain = try plan(configuration()).segments[0]
    #expect(plain.stormLimit == 10_000 && plain.snoopsMulticast)
    #expect(!plain.passesVLANTags && !plain.ignoresReservedBits && plain.learns)
    #expect(plain.fdbLimit == 65_536 && plain.ageingTime == .seconds(300) && plain.dscp == .copy)
    let local = try #require(IPAddress("192.0.2.1"))
    #expect(plain.ownMAC == DefaultMAC.address(local: local, vni: plain.vni))
  }

  @Test("a segment without peers counts with the device of the own address; an address of nobody's is refused")
  func withoutPeers() throws {
    var lonely = try configuration()
    lonely.peers = []
    #expect(try plan(lonely).segments.map(\.overlayMTU) == [1450])
    lonely.local = .init(address: try #require(IPAddress("192.0.2.77")))
    #expect(try refusal(lonely)?.message.contains("192.0.2.77") == true)
  }
}
