import LinuxIO

/// What the kernel could answer on a netlink socket, and what we write to one.
final class NetlinkTarget: FuzzTarget {
  static let name = "netlink"
  static let byteCountMax = 1_024
  private static let attributeMax = 64

  static var seeds: [[UInt8]] {
    var link = NetlinkMessage(type: 16, flags: 2)
    link.append(structure: (UInt64(0), UInt64(0)))
    link.append(3, text: "vx42")
    link.append(4, 1_450)
    link.appendNested(18) { $0.append(1, text: "vxlan") }
    var end = NetlinkMessage(type: 3, flags: 2)
    end.append(structure: UInt32(0))
    var failure = NetlinkMessage(type: 2, flags: 0x200)
    failure.append(structure: Int32(-17).littleEndian)
    failure.append(structure: (UInt64(0), UInt64(0)))
    failure.append(1, text: "exists")
    return [link.bytes, link.bytes + end.bytes, failure.bytes]
  }

  init() {}

  func run(_ bytes: [UInt8]) {
    written(bytes)
    guard let replies = try? NetlinkReply.messages(in: bytes[...]) else { return }
    let sum = replies.reduce(0) { $0 + $1.payload.count + NetlinkMessage.headerByteCount }
    require(sum <= bytes.count, "\(sum) bytes of messages in \(bytes.count)")
    for reply in replies {
      if let outcome = try? reply.outcome() { require((0..<4_096).contains(outcome.number), "\(outcome)") }
      for structureByteCount in [0, 4, 8, 12, 16, 20] {
        guard let attributes = try? reply.attributes(after: structureByteCount) else { continue }
        look(attributes, depth: 0, limit: reply.payload.count)
      }
    }
  }

  private func look(_ attributes: NetlinkAttributes, depth: Int, limit: Int) {
    for type in 0..<Self.attributeMax {
      guard let bytes = attributes.bytes(type) else { continue }
      require(bytes.count <= limit, "an attribute of \(bytes.count) bytes in \(limit)")
      let number: UInt32? = attributes.integer(type)
      require((number != nil) == (bytes.count >= 4), "a number of \(bytes.count) bytes")
      require((attributes.text(type)?.isEmpty ?? true) || !bytes.isEmpty, "text of nothing")
      if depth < 3, let nested = try? attributes.nested(type) { look(nested, depth: depth + 1, limit: bytes.count) }
    }
  }

  /// What is written is read again.
  private func written(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    var message = NetlinkMessage(type: Int(input.byte()), flags: 0)
    var values: [Int: [UInt8]] = [:]
    for _ in 0..<4 {
      let type = Int(input.byte() & 0x3F)
      let value = input.bytes(Int(input.byte()))
      values[type] = value
      message.append(type, value)
    }
    guard let reply = try? NetlinkReply.messages(in: message.bytes[...]).first,
      let attributes = try? reply.attributes(after: 0)
    else { return require(false, "our own message is not read") }
    for (type, value) in values { require(attributes.bytes(type).map(Array.init) == value, "attribute \(type)") }
  }
}
