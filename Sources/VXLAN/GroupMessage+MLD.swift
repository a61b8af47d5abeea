// MLD: RFC 3810, section 5. Messages of ICMPv6, from link-local addresses, with hop limit 1 and the router alert.
//
//   query v1       type 130, 0, checksum, response time, 0, group                              24 bytes
//   query v2       the same, then S and QRV, QQIC, number of sources, sources                  28 + 16 a source
//   report v1      type 131, done 132: as a query of version 1                                 24 bytes
//   report v2      type 143, 0, checksum, 0, number of records; each as in IGMPv3 with addresses of 16 bytes
extension GroupMessage {
  private static let allNodes = IPAddress(ipv6High: 0xFF02 << 48, low: 1)
  private static let allRoutersIPv6 = IPAddress(ipv6High: 0xFF02 << 48, low: 2)
  private static let allMLDv2Routers = IPAddress(ipv6High: 0xFF02 << 48, low: 0x16)

  init?(mld body: Body, inFrame frame: borrowing Span<UInt8>) {
    let start = body.range.lowerBound
    guard body.range.count >= 8, Self.isAlert(body, inFrame: frame), Self.hasRightChecksum(body, inFrame: frame) else {
      return nil
    }
    let isReport = frame[start] != 130
    // RFC 3590: a report may come before its sender has an address.
    guard body.source.isIPv6LinkLocal || isReport && body.source.isUnspecified else { return nil }
    if frame[start] == 143 {
      guard body.destination == Self.allMLDv2Routers,
        let records = GroupRecords(inFrame: frame, at: start, end: body.range.upperBound, addressByteCount: 16)
      else { return nil }
      self = .report(Report(family: .ipv6, records: records.records, silencesOthers: false))
      return
    }
    guard body.range.count >= 24 else { return nil }
    let group = IPAddress(ipv6At: start + 8, in: frame)
    switch frame[start] {
    case 130:
      guard let query = Self.query(mld: body, group: group, inFrame: frame) else { return nil }
      self = .query(query)
    case 131:
      guard group.isMulticast, body.destination == group else { return nil }
      self = .report(
        Report(family: .ipv6, records: [Record(group: group, change: .joins)], silencesOthers: true))
    case 132:
      guard group.isMulticast, body.destination == Self.allRoutersIPv6 else { return nil }
      self = .report(
        Report(family: .ipv6, records: [Record(group: group, change: .leaves)], silencesOthers: false))
    default: return nil
    }
  }

  private static func query(mld body: Body, group: IPAddress, inFrame frame: borrowing Span<UInt8>) -> Query? {
    let start = body.range.lowerBound
    let isGeneral = group.isUnspecified
    guard isGeneral || group.isMulticast else { return nil }
    guard body.destination == allNodes || !isGeneral && body.destination == group else { return nil }
    // RFC 3810, section 8.1: 24 bytes are version 1, 28 and more version 2, anything else is to be ignored.
    let isVersion2 = body.range.count >= 28
    guard isVersion2 || body.range.count == 24 else { return nil }
    let code = frame.bigEndian16(at: start + 4)
    var query = Query(
      family: .ipv6, group: isGeneral ? nil : group,
      responseTime: .milliseconds(isVersion2 ? Int(TimeCode.value(code)) : Int(code)))
    query.isOfAgent = GroupQuery.isMarked(source: body.source)
    guard isVersion2 else { return query }
    let sourceCount = Int(frame.bigEndian16(at: start + 26))
    guard body.range.count >= 28 + 16 * sourceCount else { return nil }
    query.take(flags: frame[start + 24], intervalCode: frame[start + 25])
    return query
  }

  /// Hop limit 1, and a hop-by-hop header with the router alert of MLD (RFC 2711).
  private static func isAlert(_ body: Body, inFrame frame: borrowing Span<UInt8>) -> Bool {
    let start = body.packetOffset
    guard frame[start + 7] == 1, frame[start + 6] == Specification.protocolHopByHop else { return false }
    var offset = start + Specification.ipv6HeaderByteCount
    // The header lies in front of the message, so within the frame.
    let end = offset + (Int(frame[offset + 1]) + 1) * 8
    offset += 2
    while offset + 2 <= end {
      // A single byte of padding has no length.
      if frame[offset] == 0 {
        offset += 1
        continue
      }
      let byteCount = 2 + Int(frame[offset + 1])
      if frame[offset] == 5 { return byteCount == 4 && offset + 4 <= end && frame.bigEndian16(at: offset + 2) == 0 }
      offset += byteCount
    }
    return false
  }

  private static func hasRightChecksum(_ body: Body, inFrame frame: borrowing Span<UInt8>) -> Bool {
    let pseudo = Checksum.ipv6PseudoHeader(from: body.source, to: body.destination, byteCount: body.range.count)
    return Checksum.isRight(frame.extracting(body.range), initial: pseudo)
  }
}
