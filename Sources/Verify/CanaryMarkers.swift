import Capture
import Sealing

/// Random bytes that are on no network but for this test: 16 for each datagram that is planted, of which the first half
/// is that of the whole test, so that one search finds them all.
struct CanaryMarkers {
  static let byteCount = 16
  private static let sharedByteCount = 8

  private let shared: [UInt8]
  private(set) var markers: [[UInt8]] = []
  private var numbers: [[UInt8]: Int] = [:]
  private var entropy = SystemEntropy()

  init() {
    shared = entropy.bytes(Self.sharedByteCount)
  }

  /// A marker more, with its number.
  mutating func next() -> (number: Int, bytes: [UInt8]) {
    let marker = shared + entropy.bytes(Self.byteCount - Self.sharedByteCount)
    numbers[marker] = markers.count
    markers.append(marker)
    return (markers.count - 1, marker)
  }

  /// The number of the first marker in `bytes`; -1 for one of which only the shared half is there; nil without any.
  func find(in bytes: Span<UInt8>) -> Int? {
    guard let place = ByteSearch.firstOffset(of: shared, in: bytes) else { return nil }
    return numbers[(place..<min(place + Self.byteCount, bytes.count)).map { bytes[$0] }] ?? -1
  }

  /// `byteCount` bytes, at least one marker, filled with it.
  static func payload(_ marker: [UInt8], byteCount: Int) -> [UInt8] {
    (0..<max(byteCount, marker.count)).map { marker[$0 % marker.count] }
  }
}
