import TestKit
import Testing
import VXLAN

@Suite("Group messages")
struct GroupMessageTests {
  private typealias Samples = GroupMessageSamples

  @Test("IGMP of all versions", arguments: Samples.igmp)
  func igmp(sample: GroupMessageSamples.Sample) { expect(sample) }

  @Test("MLD of both versions", arguments: Samples.mld)
  func mld(sample: GroupMessageSamples.Sample) { expect(sample) }

  private func expect(_ sample: GroupMessageSamples.Sample) {
    #expect(Samples.parse(sample.frame) == sample.message, "\(sample.name)")
  }

  @Test("a message with any bit of its own turned is none, but for what its checksum leaves alone")
  func checksums() {
    for sample in Samples.igmp + Samples.mld where sample.message != nil {
      let start = sample.frame.count - sample.bodyByteCount
      for bit in 0..<(8 * sample.bodyByteCount) {
        var frame = sample.frame
        frame[start + bit / 8] ^= 1 << (bit % 8)
        #expect(Samples.parse(frame) == nil, "\(sample.name), bit \(bit)")
      }
    }
  }

  @Test("a message that is cut anywhere is none")
  func cut() {
    for sample in Samples.igmp + Samples.mld {
      for count in 0..<sample.frame.count { #expect(Samples.parse(Array(sample.frame.prefix(count))) == nil) }
    }
  }

  @Test("a frame with bytes behind the packet, as short ones have, says the same")
  func padding() {
    for sample in Samples.igmp + Samples.mld {
      #expect(Samples.parse(sample.frame + [UInt8](repeating: 0xA5, count: 30)) == sample.message, "\(sample.name)")
    }
  }

  @Test("what the agent asks is what RFC 3376 and RFC 3810 lay down, and is read as it was meant")
  func ownQueries() throws {
    let mac = MACAddress.station(0x1234)
    let groups = [IPAddress("239.1.2.3"), IPAddress("ff15::77")]
    for (family, group) in zip(AddressFamily.allCases, groups) {
      for group in [nil, group] {
        for milliseconds in [500, 1000, 10_000] {
          let asked = GroupQuery(family: family, group: group, responseTime: .milliseconds(milliseconds))
          let frame = asked.frame(from: mac)
          guard case .query(let query)? = Samples.parse(frame) else {
            Issue.record("\(asked) is not read")
            continue
          }
          #expect(query.group == group && query.responseTime == .milliseconds(milliseconds) && query.family == family)
          #expect(query.membershipTime == .seconds(250) + .milliseconds(milliseconds))
          #expect(query.isOfAgent && Array(frame[6..<12]) == mac.octets)
          #expect(frame[0] & 1 == 1)
        }
      }
    }
    let general = GroupQuery(family: .ipv4, responseTime: .seconds(10)).frame(from: mac)
    // RFC 2113 and 3376, byte by byte; the checksums by hand.
    #expect(
      general == [1, 0, 0x5E, 0, 0, 1] + mac.octets + [8, 0, 0x46, 0xC0, 0, 36, 0x76, 0x74, 0x40, 0, 1, 2, 0x8D, 0x9E]
        + [0, 0, 0, 0, 224, 0, 0, 1, 0x94, 4, 0, 0] + [0x11, 100, 0xEC, 0x1E, 0, 0, 0, 0, 2, 125, 0, 0])
  }

  @Test("the query of a router or of a switch, which asks from 0.0.0.0 too, is no agent's")
  func others() throws {
    for sample in Samples.igmp + Samples.mld {
      guard case .query(let query)? = Samples.parse(sample.frame) else { continue }
      #expect(!query.isOfAgent, "\(sample.name)")
    }
    let mac = MACAddress.station(1)
    for (family, changed) in [(AddressFamily.ipv4, 18...19), (.ipv4, 26...29), (.ipv6, 24...27), (.ipv6, 30...33)] {
      let own = GroupQuery(family: family, responseTime: .seconds(1)).frame(from: mac)
      for offset in changed {
        var frame = own
        frame[offset] ^= 1
        guard case .query(let query)? = Samples.parse(Samples.repaired(frame)) else {
          Issue.record("\(family) with another byte \(offset) is not read")
          continue
        }
        #expect(!query.isOfAgent, "\(family), byte \(offset)")
      }
    }
  }

  @Test("a router's hello is read with its checksum only", arguments: AddressFamily.allCases)
  func hello(family: AddressFamily) {
    let frame = GroupFrames.hello(family)
    #expect(Samples.parse(frame) == .hello(family))
    for offset in (frame.count - 10)..<frame.count {
      var changed = frame
      changed[offset] ^= 1
      #expect(Samples.parse(changed) == nil, "byte \(offset)")
    }
  }

  @Test("groups within one link are always flooded; others may be snooped")
  func scopes() throws {
    for (text, isSnooped) in [
      ("224.0.0.0", false), ("224.0.0.251", false), ("224.0.0.255", false), ("224.0.1.0", true),
      ("239.255.255.250", true),
      ("223.255.255.255", false), ("240.0.0.0", false), ("ff02::1", false), ("ff02::fb", false), ("ff05::2", true),
      ("ff15::77", true), ("ff01::1", false), ("ff0e::1", true), ("fe80::1", false), ("ff12::1", true),
    ] { #expect(try #require(IPAddress(text)).isSnooped == isSnooped, "\(text)") }
  }

  @Test("200,000 frames that look like messages: nothing traps, and what is read is bounded by its frame")
  func fuzz() {
    var generator = SeededGenerator(seed: TestSeed.fixed("group messages"))
    let seeds = (Samples.igmp + Samples.mld).map(\.frame)
    var readCount = 0
    for _ in 0..<200_000 {
      var frame = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        frame[Int.random(in: 12..<frame.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if generator.isOne(in: 4) { frame.removeLast(Int.random(in: 0..<frame.count, using: &generator)) }
      if generator.isOne(in: 4) { frame += generator.bytes(Int.random(in: 0...64, using: &generator)) }
      // So that more than one check is reached.
      if generator.isOne(in: 2) { frame = Samples.repaired(frame) }
      guard let message = Samples.parse(frame) else { continue }
      readCount += 1
      if case .report(let report) = message { #expect(report.records.count * 8 <= frame.count) }
    }
    #expect(readCount > 1000, "the frames reach what lies behind the checks: \(readCount)")
  }
}
