import CLinuxIO
import Glibc

/// One message that the kernel answered: its type, its flags and what follows the header.
///
/// Lengths are checked before anything is read: a message or an attribute that claims more than there is, is
/// `EBADMSG`.
package struct NetlinkReply: Equatable, Sendable {
  package let type: Int
  package let flags: Int32
  package let sequence: UInt32
  /// What follows the header of 16 bytes, without padding.
  package let payload: ArraySlice<UInt8>

  /// Splits one received datagram into its messages.
  /// - Throws: `EBADMSG` when a length is below 16 or above what is left.
  package static func messages(in datagram: ArraySlice<UInt8>) throws(Errno) -> [NetlinkReply] {
    var replies: [NetlinkReply] = []
    var rest = datagram
    while !rest.isEmpty {
      guard let length: UInt32 = rest.netlinkInteger(), length >= NetlinkMessage.headerByteCount,
        Int(length) <= rest.count, let type: UInt16 = rest.netlinkInteger(at: 4),
        let flags: UInt16 = rest.netlinkInteger(at: 6), let sequence: UInt32 = rest.netlinkInteger(at: 8)
      else { throw Errno(EBADMSG, "netlink message header") }
      let payload = rest.prefix(Int(length)).dropFirst(NetlinkMessage.headerByteCount)
      replies.append(NetlinkReply(type: Int(type), flags: Int32(flags), sequence: sequence, payload: payload))
      rest = rest.dropFirst((Int(length) + 3) & ~3)
    }
    return replies
  }

  /// The attributes behind a fixed structure of `structureByteCount` bytes.
  package func attributes(after structureByteCount: Int) throws(Errno) -> NetlinkAttributes {
    guard payload.count >= structureByteCount else { throw Errno(EBADMSG, "netlink message of type \(type)") }
    return try NetlinkAttributes(parsing: payload.dropFirst((structureByteCount + 3) & ~3))
  }

  /// For `NLMSG_ERROR` and `NLMSG_DONE`: the positive error number, 0 for success, and the kernel's sentence about it.
  package func outcome() throws(Errno) -> (number: Int32, text: String?) {
    guard let code: Int32 = payload.netlinkInteger(), code <= 0, code > -4096 else {
      // The end of a dump need not carry a number.
      if type == Int(NLMSG_DONE), payload.isEmpty { return (0, nil) }
      throw Errno(EBADMSG, "netlink error message")
    }
    // Attributes follow the header of the request in an error (its body is left out: NETLINK_CAP_ACK), and the
    // number itself in the end of a dump.
    guard flags & NLM_F_ACK_TLVS != 0 else { return (-code, nil) }
    let start = type == Int(NLMSG_ERROR) ? 4 + NetlinkMessage.headerByteCount : 4
    return (-code, try attributes(after: start).text(Int(NLMSGERR_ATTR_MSG.rawValue)))
  }
}

/// A run of attributes, found by type; of several with one type the last stands, as in the kernel's own parser.
package struct NetlinkAttributes: Equatable, Sendable {
  private var values: [Int: ArraySlice<UInt8>] = [:]

  /// - Throws: `EBADMSG` when an attribute's length is below 4 or above what is left.
  package init(parsing bytes: ArraySlice<UInt8>) throws(Errno) {
    var rest = bytes
    while !rest.isEmpty {
      guard let length: UInt16 = rest.netlinkInteger(), length >= 4, Int(length) <= rest.count,
        let type: UInt16 = rest.netlinkInteger(at: 2)
      else { throw Errno(EBADMSG, "netlink attribute") }
      // The two highest bits are flags: nested, network byte order.
      values[Int(type & 0x3FFF)] = rest.prefix(Int(length)).dropFirst(4)
      rest = rest.dropFirst((Int(length) + 3) & ~3)
    }
  }

  /// The bytes of an attribute, nil when there is none.
  package func bytes(_ type: Int) -> ArraySlice<UInt8>? { values[type] }

  /// An integer in the host's byte order; nil when the attribute is missing or too short.
  package func integer<Integer: FixedWidthInteger>(_ type: Int, at offset: Int = 0) -> Integer? {
    values[type]?.netlinkInteger(at: offset)
  }

  /// A text without the zero byte that ends it.
  package func text(_ type: Int) -> String? {
    values[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// The attributes inside an attribute, nil when there is none.
  package func nested(_ type: Int) throws(Errno) -> NetlinkAttributes? {
    guard let value = values[type] else { return nil }
    return try NetlinkAttributes(parsing: value)
  }
}

extension ArraySlice<UInt8> {
  /// The integer in the host's byte order that starts `offset` bytes into the slice; nil when it does not fit.
  func netlinkInteger<Integer: FixedWidthInteger>(at offset: Int = 0) -> Integer? {
    let byteCount = Integer.bitWidth / 8
    guard offset >= 0, offset <= count - byteCount else { return nil }
    var value: Integer = 0
    for octet in self[(startIndex + offset)..<(startIndex + offset + byteCount)] {
      value = value << 8 | Integer(truncatingIfNeeded: octet)
    }
    return Integer(bigEndian: value)
  }
}
