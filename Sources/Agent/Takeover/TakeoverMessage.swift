import LinuxIO

/// What two agents say to each other while one takes over from the other, each a message of a `MessageSocket`.
///
///     new                                old
///     hello                   ->
///                             <-         hello, descriptors..., offered       goes on as ever
///     (makes what it needs)
///     freeze                  ->                                              stops reading, between two batches
///                             <-         state..., entries..., complete
///     taken                   ->                                              is over
///                             <-         ended
///     (end of connection)     ->                                              closes its control socket and ends
///
/// Until `taken` either may say `refused` or go, and the old one goes on; it does so as well when `taken` does not come
/// in time, and says so.
///
///     byte 0   kind        then  hello: "vtep", version (2 bytes); descriptors: names, a newline between each;
///                                state: bytes of JSON; entries: `CarriedEntry`s; refused: text; otherwise nothing
enum TakeoverMessage: Equatable {
  case hello(version: UInt16)
  /// With as many descriptors as names.
  case descriptors([DescriptorName])
  case offered
  case freeze
  /// The next part of it.
  case state([UInt8])
  case entries([CarriedEntry])
  case complete
  case taken
  case ended
  case refused(String)

  /// What both ends must speak.
  static let version: UInt16 = 1
  static let stateByteCountMax = MessageSocket.byteCountMax - 1
  static let entryCountMax = (MessageSocket.byteCountMax - 1) / CarriedEntry.byteCount
  private static let reasonByteCountMax = 1_000
  private static let magic = Array("vtep".utf8)

  private enum Kind: UInt8 {
    case hello = 1
    case descriptors, offered, freeze, state, entries, complete, taken, ended, refused
  }

  /// Nil for what is no message.
  init?(parsing bytes: [UInt8]) {
    guard let kind = bytes.first.flatMap(Kind.init), bytes.count <= MessageSocket.byteCountMax else { return nil }
    let rest = Array(bytes.dropFirst())
    switch kind {
    case .hello:
      guard rest.count == Self.magic.count + 2, rest.starts(with: Self.magic) else { return nil }
      self = .hello(version: UInt16(rest[4]) << 8 | UInt16(rest[5]))
    case .descriptors:
      guard let names = Self.names(rest) else { return nil }
      self = .descriptors(names)
    case .state: self = .state(rest)
    case .entries:
      guard let entries = CarriedEntry.all(parsing: rest) else { return nil }
      self = .entries(entries)
    case .refused: self = .refused(String(decoding: rest.prefix(Self.reasonByteCountMax), as: UTF8.self))
    case .offered, .freeze, .complete, .taken, .ended:
      guard rest.isEmpty else { return nil }
      self =
        switch kind {
        case .offered: .offered
        case .freeze: .freeze
        case .complete: .complete
        case .taken: .taken
        default: .ended
        }
    }
  }

  /// As it is sent.
  var bytes: [UInt8] {
    switch self {
    case .hello(let version):
      [Kind.hello.rawValue] + Self.magic + [UInt8(version >> 8), UInt8(truncatingIfNeeded: version)]
    case .descriptors(let names):
      [Kind.descriptors.rawValue] + Array(names.map(\.description).joined(separator: "\n").utf8)
    case .offered: [Kind.offered.rawValue]
    case .freeze: [Kind.freeze.rawValue]
    case .state(let part): [Kind.state.rawValue] + part
    case .entries(let entries): [Kind.entries.rawValue] + entries.flatMap(\.bytes)
    case .complete: [Kind.complete.rawValue]
    case .taken: [Kind.taken.rawValue]
    case .ended: [Kind.ended.rawValue]
    case .refused(let reason): [Kind.refused.rawValue] + reason.utf8.prefix(Self.reasonByteCountMax)
    }
  }

  private static func names(_ bytes: [UInt8]) -> [DescriptorName]? {
    let texts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard texts.count <= MessageSocket.descriptorCountMax else { return nil }
    let names = texts.compactMap { DescriptorName(String(decoding: $0, as: UTF8.self)) }
    return names.count == texts.count ? names : nil
  }
}
