import Capture
import Sealing
import VXLAN

/// Compares the inner frames that two hosts captured: `vtep verify --compare A B`.
///
/// The captures are read side by side in the order of their times, so that memory holds a window of them and not all.
/// Times are taken as they are where the captures begin within `sharedClockTime` of each other. Otherwise each counts
/// from its own first packet, and latencies say how they differ among each other, no more.
package enum Comparison {
  /// Nanoseconds.
  private static let sharedClockTime: Int64 = 60_000_000_000

  /// - Throws: where one of the files is none, or holds no frame that can be read.
  package static func perform(
    _ paths: (String, String), ports: OverlayPorts, keys: KeyRing?, vnis: Set<VNI> = []
  ) throws(CaptureError) -> ComparisonReport {
    let readers = [
      try ComparisonReader(path: paths.0, ports: ports, keys: keys),
      try ComparisonReader(path: paths.1, ports: ports, keys: keys),
    ]
    let isShared = abs(readers[0].firstTime &- readers[1].firstTime) <= sharedClockTime
    var entropy = SystemEntropy()
    let key = KeyedHash(key0: entropy.next(), key1: entropy.next())
    let isVNIHashed = readers.allSatisfy(\.isUnderlay)
    var window = ComparisonWindow()
    while let side = earlier(readers, isShared: isShared) {
      let reader = readers[side.rawValue]
      let time = (reader.packet?.time ?? 0) &- (isShared ? 0 : reader.firstTime)
      reader.frames { frame, vni in
        if let vni, !vnis.isEmpty, !vnis.contains(vni) { return }
        window.note(
          ComparedFrame(frame, time: time, vni: vni, hashedVNI: isVNIHashed ? vni : nil, key: key), side)
      }
      reader.advance()
    }
    window.finish()
    for (reader, count) in zip(readers, window.frameCounts) where count == 0 {
      throw CaptureError(nothing(in: reader))
    }
    return ComparisonReport(readers, window, isShared: isShared)
  }

  /// Whose packet is next; nil at the end of both.
  private static func earlier(_ readers: [ComparisonReader], isShared: Bool) -> ComparisonSide? {
    let times = readers.map { reader in reader.packet.map { $0.time &- (isShared ? 0 : reader.firstTime) } }
    guard let a = times[0] else { return times[1] == nil ? nil : .b }
    guard let b = times[1] else { return .a }
    return a <= b ? .a : .b
  }

  private static func nothing(in reader: ComparisonReader) -> String {
    let unreadable = reader.unreadableCount
    return "\(reader.path): there is no inner frame to compare"
      + (unreadable == 0 ? "" : "; \(unreadable) were cut short, or are sealed and no key opens them (--keys)")
  }
}
