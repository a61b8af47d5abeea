import TestKit
import Testing

@testable import VXLAN

/// Messages of every version and what they say; nil where they do not hold.
enum GroupMessageSamples {
  struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    var frame: [UInt8]
    /// Of the message within the packet.
    var bodyByteCount: Int
    var message: GroupMessage?
    var testDescription: String { name }
  }

  private static let group = IPAddress(ipv4: 0xEF01_0203)
  private static let groupIPv6 = IPAddress(ipv6High: 0xFF15 << 48, low: 0x77)
  private static let host = IPAddress(ipv4: 0x0A2A_0002)
  private static let hostIPv6 = IPAddress(ipv6High: 0xFE80 << 48, low: 2)
  private static let everybody = IPAddress(ipv4: 0xE000_0001)
  private static let routers = IPAddress(ipv4: 0xE000_0002)
  private static let listeners = IPAddress(ipv4: 0xE000_0016)
  private static func ff02(_ low: UInt64) -> IPAddress { IPAddress(ipv6High: 0xFF02 << 48, low: low) }

  static func parse(_ frame: [UInt8]) -> GroupMessage? {
    let bytes = frame.span
    guard let packet = InnerPacket(inFrame: bytes) else { return nil }
    return GroupMessage(of: packet, inFrame: bytes)
  }

  private static func igmp(
    _ name: String, _ message: [UInt8], to destination: IPAddress, _ expected: GroupMessage?
  ) -> Sample {
    Sample(
      name: name, frame: GroupFrames.igmp(message, to: destination), bodyByteCount: message.count, message: expected)
  }

  private static func mld(
    _ name: String, _ message: [UInt8], to destination: IPAddress, _ expected: GroupMessage?,
    from source: IPAddress = hostIPv6, hopLimit: UInt8 = 1, options: [UInt8] = [5, 2, 0, 0, 1, 0]
  ) -> Sample {
    Sample(
      name: name,
      frame: GroupFrames.mld(message, from: source, to: destination, hopLimit: hopLimit, options: options),
      bodyByteCount: message.count, message: expected)
  }

  private static func report(
    _ changes: [(IPAddress, GroupMessage.Change)], silences: Bool = false
  ) -> GroupMessage {
    .report(
      GroupMessage.Report(
        family: changes.first?.0.family ?? .ipv4,
        records: changes.map { GroupMessage.Record(group: $0.0, change: $0.1) }, silencesOthers: silences))
  }

  private static func query(
    _ group: IPAddress?, milliseconds: Int, seconds: Int? = nil, suppresses: Bool = false, source: IPAddress = host
  ) -> GroupMessage {
    var query = GroupMessage.Query(
      family: source.family, group: group, responseTime: .milliseconds(milliseconds))
    query.membershipTime = seconds.map { .seconds($0) + query.responseTime }
    query.suppressesTimers = suppresses
    return .query(query)
  }

  /// A report of the newer versions with every type of record, with and without sources.
  private static func records(_ group: IPAddress) -> (bytes: [UInt8], changes: [(IPAddress, GroupMessage.Change)]) {
    let kinds: [(UInt8, Int, GroupMessage.Change?)] = [
      (1, 0, nil), (1, 2, .joins), (2, 0, .joins), (3, 0, .leaves), (3, 1, .joins), (4, 0, .joins), (5, 1, .joins),
      (5, 0, nil), (6, 1, .leaves), (7, 0, nil),
    ]
    var bytes: [UInt8] = [0, UInt8(kinds.count)]
    for (type, sourceCount, _) in kinds {
      // Auxiliary data of one word, which is passed over.
      bytes += [type, 1, 0, UInt8(sourceCount)] + group.octets
      bytes += [UInt8](repeating: 9, count: sourceCount * group.octets.count + 4)
    }
    return (bytes, kinds.compactMap { kind in kind.2.map { (group, $0) } })
  }

  static let igmp: [Sample] = [
    igmp("query v1", [0x11, 0, 0, 0, 0, 0, 0, 0], to: everybody, query(nil, milliseconds: 10_000)),
    igmp("query v2", [0x11, 50, 0, 0, 0, 0, 0, 0], to: everybody, query(nil, milliseconds: 5000)),
    igmp("query v2 of a group", [0x11, 10, 0, 0] + group.octets, to: group, query(group, milliseconds: 1000)),
    igmp(
      "query v3", [0x11, 100, 0, 0, 0, 0, 0, 0, 0x0A, 125, 0, 0], to: everybody,
      query(nil, milliseconds: 10_000, seconds: 250, suppresses: true)),
    igmp(
      "query v3 with codes", [0x11, 0x8A, 0, 0] + group.octets + [3, 0x91, 0, 1, 1, 2, 3, 4], to: group,
      query(group, milliseconds: 20_800, seconds: 3 * 272)),
    igmp(
      "query v3 without intervals", [0x11, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], to: everybody,
      query(nil, milliseconds: 900)),
    igmp("query with more sources than bytes", [0x11, 9, 0, 0, 0, 0, 0, 0, 2, 125, 0, 1], to: everybody, nil),
    igmp("query of ten bytes", [0x11, 9, 0, 0, 0, 0, 0, 0, 0, 0], to: everybody, nil),
    igmp("query of what is no group", [0x11, 9, 0, 0, 10, 0, 0, 1], to: everybody, nil),
    igmp("query to one host", [0x11, 9, 0, 0, 0, 0, 0, 0], to: routers, nil),
    igmp("report v1", [0x12, 0, 0, 0] + group.octets, to: group, report([(group, .joins)], silences: true)),
    igmp("report v2", [0x16, 0, 0, 0] + group.octets, to: group, report([(group, .joins)], silences: true)),
    igmp("report v2 to another group", [0x16, 0, 0, 0] + group.octets, to: listeners, nil),
    igmp("leave", [0x17, 0, 0, 0] + group.octets, to: routers, report([(group, .leaves)])),
    igmp("report v3", [0x22, 0, 0, 0, 0, 0] + records(group).bytes, to: listeners, report(records(group).changes)),
    igmp(
      "report v3 with more records than bytes", [0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0] + group.octets, to: listeners,
      nil),
    igmp(
      "report v3 with more sources than bytes", [0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0xFF, 0xFF] + group.octets,
      to: listeners, nil),
    igmp("an unknown type", [0x13, 0, 0, 0] + group.octets, to: everybody, nil),
    igmp("seven bytes", [0x16, 0, 0, 0, 0xEF, 1, 2], to: group, nil),
  ]

  private static let zero = [UInt8](repeating: 0, count: 16)

  static let mld: [Sample] = [
    mld(
      "query v1", [130, 0, 0, 0, 0x27, 0x10, 0, 0] + zero, to: ff02(1),
      query(nil, milliseconds: 10_000, source: hostIPv6)),
    mld(
      "query v2 of a group", [130, 0, 0, 0, 3, 0xE8, 0, 0] + groupIPv6.octets + [2, 125, 0, 0], to: groupIPv6,
      query(groupIPv6, milliseconds: 1000, seconds: 250, source: hostIPv6)),
    mld("query from a global address", [130, 0, 0, 0, 3, 0xE8, 0, 0] + zero, to: ff02(1), nil, from: groupIPv6),
    mld("query of 26 bytes", [130, 0, 0, 0, 3, 0xE8, 0, 0] + zero + [2, 125], to: ff02(1), nil),
    mld(
      "report v1", [131, 0, 0, 0, 0, 0, 0, 0] + groupIPv6.octets, to: groupIPv6,
      report([(groupIPv6, .joins)], silences: true)),
    mld("done", [132, 0, 0, 0, 0, 0, 0, 0] + groupIPv6.octets, to: ff02(2), report([(groupIPv6, .leaves)])),
    mld(
      "report v2", [143, 0, 0, 0, 0, 0] + records(groupIPv6).bytes, to: ff02(0x16),
      report(records(groupIPv6).changes)),
    mld(
      "report v2 from nowhere", [143, 0, 0, 0, 0, 0] + records(groupIPv6).bytes, to: ff02(0x16),
      report(records(groupIPv6).changes), from: IPAddress(ipv6High: 0, low: 0)),
    mld("report v1 with hop limit 2", [131, 0, 0, 0, 0, 0, 0, 0] + groupIPv6.octets, to: groupIPv6, nil, hopLimit: 2),
    mld(
      "report v1 without alert", [131, 0, 0, 0, 0, 0, 0, 0] + groupIPv6.octets, to: groupIPv6, nil,
      options: [1, 4, 0, 0, 0, 0]),
    mld(
      "report v1 with the alert of something else", [131, 0, 0, 0, 0, 0, 0, 0] + groupIPv6.octets, to: groupIPv6, nil,
      options: [5, 2, 0, 1, 1, 0]),
    mld(
      "report v1 with padding in front of the alert", [131, 0, 0, 0, 0, 0, 0, 0] + groupIPv6.octets, to: groupIPv6,
      report([(groupIPv6, .joins)], silences: true), options: [0, 0, 5, 2, 0, 0]),
    mld("a neighbour solicitation", [135, 0, 0, 0, 0, 0, 0, 0] + groupIPv6.octets, to: ff02(1), nil),
  ]

  /// The frame with right checksums, where one can tell where they are.
  static func repaired(_ frame: [UInt8]) -> [UInt8] {
    guard frame.count >= 34 else { return frame }
    var frame = frame
    if frame[12] == 8 {
      frame.replaceSubrange(24..<26, with: [0, 0])
      let start = 14 + Int(frame[14] & 0x0F) * 4
      let end = min(frame.count, 14 + (Int(frame[16]) << 8 | Int(frame[17])))
      guard start >= 34, end >= start + 8 else { return frame }
      let network = Checksum.finish(Checksum.sum(Array(frame[14..<start]).span))
      frame.replaceSubrange(24..<26, with: [UInt8(network >> 8), UInt8(network & 255)])
      frame.replaceSubrange((start + 2)..<(start + 4), with: [0, 0])
      let own = Checksum.finish(Checksum.sum(Array(frame[start..<end]).span))
      frame.replaceSubrange((start + 2)..<(start + 4), with: [UInt8(own >> 8), UInt8(own & 255)])
    } else if frame.count >= 70 {
      let end = min(frame.count, 54 + (Int(frame[18]) << 8 | Int(frame[19])))
      guard end >= 70 else { return frame }
      frame.replaceSubrange(64..<66, with: [0, 0])
      let length = end - 62
      let pseudo = Array(frame[22..<54]) + [0, 0, UInt8(length >> 8), UInt8(length & 255), 0, 58]
      let own = Checksum.finish(Checksum.sum(Array(frame[62..<end]).span, initial: Checksum.sum(pseudo.span)))
      frame.replaceSubrange(64..<66, with: [UInt8(own >> 8), UInt8(own & 255)])
    }
    return frame
  }
}
