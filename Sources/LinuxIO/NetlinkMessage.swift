import CLinuxIO

/// One netlink request under construction: a header, a fixed structure, then attributes, each padded to 4 bytes.
///
///     byte 0   length, of everything     byte 4   type      byte 6    flags
///     byte 8   sequence number           byte 12  port      byte 16   fixed structure, attributes
///     attribute: length (without padding), type, each 16 bits; value; zeros up to the next multiple of 4
///
/// All fields are in the host's byte order except where an attribute says otherwise.
/// - SeeAlso: netlink(7), linux/netlink.h.
package struct NetlinkMessage: Equatable, Sendable {
  package static let headerByteCount = 16

  /// The whole message as far as it is built; its length field is kept right by every call.
  package private(set) var bytes: [UInt8]

  /// A message without content. `flags` are added to `NLM_F_REQUEST`.
  package init(type: Int, flags: Int32) {
    bytes = [UInt8](repeating: 0, count: Self.headerByteCount)
    store(UInt16(truncatingIfNeeded: type), at: 4)
    store(UInt16(truncatingIfNeeded: NLM_F_REQUEST | flags), at: 6)
    storeLength()
  }

  /// The request's number, by which its answers are known.
  package var sequence: UInt32 {
    get { bytes[8..<12].netlinkInteger() ?? 0 }
    set { store(newValue, at: 8) }
  }

  /// Whether the answer is a list that ends with `NLMSG_DONE`.
  package var isDump: Bool {
    let flags: UInt16 = bytes[6..<8].netlinkInteger() ?? 0
    return Int32(flags) & NLM_F_DUMP == NLM_F_DUMP
  }

  /// Appends the fixed structure that the message's type starts with. It must have no implicit padding.
  package mutating func append<Structure: BitwiseCopyable>(structure: Structure) {
    // SAFETY: the bytes of a trivial value are copied out while it is alive.
    unsafe withUnsafeBytes(of: structure) { unsafe bytes.append(contentsOf: $0) }
    pad()
  }

  /// Appends an attribute. `value` is at most 65,531 bytes, which is what its length field can say.
  package mutating func append(_ type: Int, _ value: [UInt8]) {
    precondition(value.count <= Int(UInt16.max) - 4, "a netlink attribute is at most 65,531 bytes")
    appendInteger(UInt16(value.count + 4))
    appendInteger(UInt16(truncatingIfNeeded: type))
    bytes.append(contentsOf: value)
    pad()
  }

  /// Appends an attribute of 32 bits in the host's byte order.
  package mutating func append(_ type: Int, _ value: UInt32) {
    append(type, Self.octets(of: value))
  }

  /// Appends an attribute with the text and the zero byte that ends it.
  package mutating func append(_ type: Int, text: String) {
    append(type, Array(text.utf8) + [0])
  }

  /// Appends an attribute whose value is what `content` appends, and closes it.
  package mutating func appendNested(_ type: Int, _ content: (inout NetlinkMessage) -> Void) {
    let start = bytes.count
    appendInteger(UInt16(0))
    appendInteger(UInt16(truncatingIfNeeded: type) | UInt16(truncatingIfNeeded: NLA_F_NESTED))
    content(&self)
    precondition(bytes.count - start <= Int(UInt16.max), "a netlink attribute is at most 65,535 bytes with header")
    store(UInt16(bytes.count - start), at: start)
  }

  private mutating func pad() {
    while bytes.count % 4 != 0 { bytes.append(0) }
    storeLength()
  }

  private mutating func storeLength() {
    store(UInt32(bytes.count), at: 0)
  }

  private mutating func appendInteger(_ value: some FixedWidthInteger) {
    bytes.append(contentsOf: Self.octets(of: value))
    storeLength()
  }

  private mutating func store(_ value: some FixedWidthInteger, at offset: Int) {
    for (index, octet) in Self.octets(of: value).enumerated() { bytes[offset + index] = octet }
  }

  /// The bytes of `value` as they lie in memory.
  private static func octets<Integer: FixedWidthInteger>(of value: Integer) -> [UInt8] {
    let swapped = value.bigEndian
    let shifts = stride(from: Integer.bitWidth - 8, through: 0, by: -8)
    return shifts.map { UInt8(truncatingIfNeeded: swapped >> $0) }
  }
}
