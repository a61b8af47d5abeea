// IGMP: RFC 3376, section 4.
//
//   query v1, v2   type 0x11, response time, checksum, group                               8 bytes
//   query v3       the same, then S and QRV, QQIC, number of sources, sources             12 + 4 a source
//   report v1, v2  type 0x12 or 0x16, 0, checksum, group; leave 0x17                       8 bytes
//   report v3      type 0x22, 0, checksum, 0, number of records; each: type, length of its auxiliary data in words,
//                  number of sources, group, sources, auxiliary data
extension GroupMessage {
  private static let allSystems = IPAddress(ipv4: 0xE000_0001)
  private static let allRouters = IPAddress(ipv4: 0xE000_0002)
  private static let allIGMPv3Routers = IPAddress(ipv4: 0xE000_0016)

  init?(igmp body: Body, inFrame frame: borrowing Span<UInt8>) {
    let start = body.range.lowerBound
    guard body.range.count >= 8, Checksum.isRight(frame.extracting(body.range)) else { return nil }
    let group = IPAddress(ipv4At: start + 4, in: frame)
    switch frame[start] {
    case 0x11:
      guard let query = Self.query(igmp: body, group: group, inFrame: frame) else { return nil }
      self = .query(query)
    case 0x12, 0x16:
      guard group.isMulticast, body.destination == group else { return nil }
      self = .report(
        Report(family: .ipv4, records: [Record(group: group, change: .joins)], silencesOthers: true))
    case 0x17:
      guard group.isMulticast, body.destination == Self.allRouters || body.destination == group else { return nil }
      self = .report(
        Report(family: .ipv4, records: [Record(group: group, change: .leaves)], silencesOthers: false))
    case 0x22:
      guard body.destination == Self.allIGMPv3Routers,
        let records = GroupRecords(inFrame: frame, at: start, end: body.range.upperBound, addressByteCount: 4)
      else { return nil }
      self = .report(Report(family: .ipv4, records: records.records, silencesOthers: false))
    default: return nil
    }
  }

  private static func query(igmp body: Body, group: IPAddress, inFrame frame: borrowing Span<UInt8>) -> Query? {
    let start = body.range.lowerBound
    let isGeneral = group.isUnspecified
    guard isGeneral || group.isMulticast else { return nil }
    guard body.destination == allSystems || !isGeneral && body.destination == group else { return nil }
    // RFC 3376, section 7.1: 8 bytes are versions 1 and 2, 12 and more version 3, anything else is to be ignored.
    let isVersion3 = body.range.count >= 12
    guard isVersion3 || body.range.count == 8 else { return nil }
    let code = frame[start + 1]
    // Of version 1 the time is not said, and is ten seconds (RFC 2236, section 4).
    let tenths = isVersion3 ? TimeCode.value(code) : code == 0 ? 100 : UInt32(code)
    var query = Query(
      family: .ipv4, group: isGeneral ? nil : group,
      responseTime: .milliseconds(Int(tenths) * 100))
    query.isOfAgent = GroupQuery.isMarked(
      source: body.source, identification: frame.bigEndian16(at: body.packetOffset + 4))
    guard isVersion3 else { return query }
    let sourceCount = Int(frame.bigEndian16(at: start + 10))
    guard body.range.count >= 12 + 4 * sourceCount else { return nil }
    query.take(flags: frame[start + 8], intervalCode: frame[start + 9])
    return query
  }
}

extension GroupMessage.Query {
  /// What a query of the newer versions says of its sender: S and QRV in one byte, QQIC in the next.
  mutating func take(flags: UInt8, intervalCode: UInt8) {
    suppressesTimers = flags & 0x08 != 0
    let robustness = Int(flags & 0x07)
    let interval = Int(GroupMessage.TimeCode.value(intervalCode))
    // Zero stands for what the listener takes by itself.
    guard robustness > 0, interval > 0 else { return }
    membershipTime = .seconds(robustness * interval) + responseTime
  }
}

extension GroupMessage {
  /// The floating-point codes of times: RFC 3376, section 4.1.1; RFC 3810, section 5.1.3.
  enum TimeCode {
    static func value(_ code: UInt8) -> UInt32 {
      code < 128 ? UInt32(code) : (UInt32(code & 0x0F) | 0x10) << (UInt32(code >> 4 & 0x07) + 3)
    }

    static func value(_ code: UInt16) -> UInt32 {
      code < 32_768 ? UInt32(code) : (UInt32(code & 0x0FFF) | 0x1000) << (UInt32(code >> 12 & 0x07) + 3)
    }
  }

  /// The records of a report of the newer versions, which differ in the length of addresses only.
  struct GroupRecords {
    var records: [Record] = []

    /// Nil when one of them reaches beyond `end`. Those of unknown types and of addresses that are no groups are left
    /// out (RFC 3376, section 4.2.12).
    init?(inFrame frame: borrowing Span<UInt8>, at start: Int, end: Int, addressByteCount: Int) {
      var offset = start + 8
      for _ in 0..<Int(frame.bigEndian16(at: start + 6)) {
        guard end - offset >= 4 + addressByteCount else { return nil }
        let sourceCount = Int(frame.bigEndian16(at: offset + 2))
        let byteCount = 4 + addressByteCount * (1 + sourceCount) + 4 * Int(frame[offset + 1])
        guard end - offset >= byteCount else { return nil }
        let group =
          addressByteCount == 4 ? IPAddress(ipv4At: offset + 4, in: frame) : IPAddress(ipv6At: offset + 4, in: frame)
        if group.isMulticast, let change = Self.change(type: frame[offset], hasSources: sourceCount > 0) {
          records.append(Record(group: group, change: change))
        }
        offset += byteCount
      }
    }

    /// RFC 3376, section 4.2.12; the numbers of MLD are the same.
    private static func change(type: UInt8, hasSources: Bool) -> Change? {
      switch type {
      // MODE_IS_EXCLUDE, CHANGE_TO_EXCLUDE.
      case 2, 4: .joins
      // MODE_IS_INCLUDE, ALLOW_NEW_SOURCES.
      case 1, 5: hasSources ? .joins : nil
      // CHANGE_TO_INCLUDE.
      case 3: hasSources ? .joins : .leaves
      // BLOCK_OLD_SOURCES: perhaps the last of them, which a query will tell.
      case 6: .leaves
      default: nil
      }
    }
  }
}
