import Capture
import Sealing
import VXLAN

/// Compares the inner frames that two hosts captured: `vtep verify --compare A B`.
///
/// Each capture is read twice: for what it holds and from when to when, and side by side with the other in the order of
/// their times, so that memory holds a window of them and not all.
/// Times are taken as they are where the captures begin within `sharedClockTime` of each other. Otherwise each counts
/// from its own first packet, and latencies say how they differ among each other, no more.
package enum Comparison {
  /// How often each file is read.
  package static let passCount = 2
  /// Nanoseconds.
  private static let sharedClockTime: UInt64 = 60_000_000_000

  /// - Parameter tell: told now and then how many bytes of packets were read, and how many packets, in all passes.
  /// - Throws: where one of the files is none, or holds no frame that can be read.
  package static func perform(
    _ paths: (String, String), ports: OverlayPorts, keys: KeyRing?, vnis: Set<VNI> = [],
    tell: (Int, Int) -> Void = { _, _ in }
  ) throws(CaptureError) -> ComparisonReport {
    var outcome: Result<ComparisonReport, CaptureError>?
    withoutActuallyEscaping(tell) { tell in
      let progress = ComparisonProgress(tell)
      outcome = Result { () throws(CaptureError) in
        let surveys = [
          try ComparisonSurvey(path: paths.0, ports: ports, progress),
          try ComparisonSurvey(path: paths.1, ports: ports, progress),
        ]
        return try compare(surveys, ports: ports, keys: keys, vnis: vnis, progress)
      }
    }
    guard let outcome else { throw CaptureError("nothing was compared") }
    return try outcome.get()
  }

  private static func compare(
    _ surveys: [ComparisonSurvey], ports: OverlayPorts, keys: KeyRing?, vnis: Set<VNI>, _ progress: ComparisonProgress
  ) throws(CaptureError) -> ComparisonReport {
    let isShared = surveys[0].firstTime.clampedDifference(from: surveys[1].firstTime).magnitude <= sharedClockTime
    let pairs = commonPairs(surveys)
    let readers = [
      try ComparisonReader(surveys[0], ports: ports, keys: keys, pairs: pairs, isClockShared: isShared),
      try ComparisonReader(surveys[1], ports: ports, keys: keys, pairs: pairs, isClockShared: isShared),
    ]
    var entropy = SystemEntropy()
    let key = KeyedHash(key0: entropy.next(), key1: entropy.next())
    let isVNIHashed = surveys.allSatisfy(\.isUnderlay)
    var window = ComparisonWindow(spans: readers.map(\.span))
    while let side = earlier(readers), let packet = readers[side.rawValue].packet {
      let reader = readers[side.rawValue]
      let time = reader.time(of: packet)
      progress.note(packet)
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

  /// Between whom both captures have datagrams: what one has with a third host, the other cannot have. Nil where that
  /// tells nothing: there are no outer addresses, too many, or other ones on the way (NAT).
  private static func commonPairs(_ surveys: [ComparisonSurvey]) -> Set<ComparisonSurvey.Pair>? {
    guard surveys.allSatisfy(\.isUnderlay), let a = surveys[0].pairs, let b = surveys[1].pairs else { return nil }
    let common = a.intersection(b)
    return common.isEmpty ? nil : common
  }

  /// Whose packet is next; nil at the end of both.
  private static func earlier(_ readers: [ComparisonReader]) -> ComparisonSide? {
    let times = readers.map { reader in reader.packet.map(reader.time) }
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
