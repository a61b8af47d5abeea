/// What a descriptor is for, as one process tells the next: `tap-42-0`, `udp-plain-0`, `udp-sealed-0`, `udp-source-7`.
///
/// The text is also a name in a service manager's store of descriptors: printable, without a colon, under 256 bytes.
/// - SeeAlso: sd_pid_notify_with_fds(3), FDNAME.
package enum DescriptorName: Hashable, Sendable {
  /// A queue of the TAP of the segment with this VNI.
  case tap(vni: UInt32, queue: Int)
  /// The socket of a worker on the plain port.
  case plain(worker: Int)
  /// The socket of a worker on the sealed port.
  case sealed(worker: Int)
  /// A socket that sends, in the order of the source ports.
  case source(Int)

  /// More than any agent has of one kind.
  private static let numberMax = 1 << 24

  /// Nil for what no descriptor of ours is called.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Self.number($0) }
    switch (parts.first, parts.count) {
    case ("tap", 3) where numbers.count == 2: self = .tap(vni: UInt32(numbers[0]), queue: numbers[1])
    case ("udp", 3) where numbers.count == 1 && parts[1] == "plain": self = .plain(worker: numbers[0])
    case ("udp", 3) where numbers.count == 1 && parts[1] == "sealed": self = .sealed(worker: numbers[0])
    case ("udp", 3) where numbers.count == 1 && parts[1] == "source": self = .source(numbers[0])
    default: return nil
    }
  }

  /// A whole number as it is written above, so that one descriptor has one name.
  private static func number(_ text: Substring) -> Int? {
    guard let value = Int(text), (0..<numberMax).contains(value), String(value) == text else { return nil }
    return value
  }
}

extension DescriptorName: CustomStringConvertible {
  package var description: String {
    switch self {
    case .tap(let vni, let queue): "tap-\(vni)-\(queue)"
    case .plain(let worker): "udp-plain-\(worker)"
    case .sealed(let worker): "udp-sealed-\(worker)"
    case .source(let number): "udp-source-\(number)"
    }
  }
}
