import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("ECN and DSCP of sealed segments")
struct SealedECNTests {
  private static let address = IPAddress(ipv6High: 0xFD42 << 48, low: 1)

  private func frame(_ isIPv6: Bool, trafficClass: UInt8, from source: MACAddress = SealedBench.here) -> [UInt8] {
    let packet =
      isIPv6
      ? Frames.ipv6(from: Self.address, to: Self.address, trafficClass: trafficClass, payload: [1, 2, 3, 4])
      : Frames.ipv4(
        from: SealedBench.address(0), to: SealedBench.address(1), trafficClass: trafficClass, payload: [1, 2, 3, 4])
    return Frames.ethernet(
      to: SealedBench.there, from: source, etherType: isIPv6 ? 0x86DD : 0x0800, payload: packet)
  }

  @Test(
    "RFC 6040, section 4.1: the four inner marks are copied outwards; DSCP is copied, or fixed",
    arguments: ECN.allCases, [false, true])
  func encapsulation(mark: ECN, isIPv6: Bool) {
    for (policy, dscp) in [(DSCPPolicy.copy, 46), (.fixed(10), 10)] as [(DSCPPolicy, UInt8)] {
      let bench = SealedBench { $0.dscp = policy }
      let sent = bench.seal([frame(isIPv6, trafficClass: 46 << 2 | mark.rawValue)])
      #expect(sent.map(\.trafficClass) == [dscp << 2 | mark.rawValue])
    }
  }

  @Test(
    "RFC 6040, figure 4: the sixteen pairs of inner and outer mark, through session and TAP, beside a clear one",
    arguments: ECN.allCases, ECN.allCases)
  func decapsulation(inner: ECN, outer: ECN) {
    for isIPv6 in [false, true] {
      let bench = SealedBench()
      let sent = bench.seal([frame(isIPv6, trafficClass: 0x28 | inner.rawValue)])
      let written = bench.far.engine.fromSealedPort(
        sent.map { .init($0.payload, from: SealedBench.address(0), trafficClass: outer.rawValue) })[0]
      let expected = ECN.decapsulated(inner: inner, outer: outer).map {
        [frame(isIPv6, trafficClass: 0x28 | $0.rawValue)]
      }
      #expect(written == expected ?? [])
      #expect(bench.farDrops(.ecn) == (expected == nil ? 1 : 0))
      bench.expectBalance()
    }
  }
}
