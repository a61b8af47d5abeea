import Capture

/// Reads a source to its end and judges it.
package enum VerifyRun {
  /// Packets between two looks at the progress.
  private static let progressStride = 1 << 14

  /// - Parameter goesOn: asked now and then, with what was counted so far; false ends the reading.
  /// - Returns: why the reading ended before the end; what came before is judged.
  /// - Throws: when not even the first packet can be read.
  package static func perform(
    _ source: any PacketSource, into judge: inout Judge, goesOn: (JudgeCounts) -> Bool
  ) throws(CaptureError) -> String? {
    guard source.linkType.isKnown else {
      throw CaptureError("link type \(source.linkType.rawValue) is not known; 1, 101, 113 and 276 are")
    }
    do throws(CaptureError) {
      try read(source, into: &judge, goesOn: goesOn)
    } catch {
      guard judge.counts.packetCount > 0 else { throw error }
      return error.message
    }
    return nil
  }

  private static func read(
    _ source: any PacketSource, into judge: inout Judge, goesOn: (JudgeCounts) -> Bool
  ) throws(CaptureError) {
    while true {
      switch try source.step() {
      case .packet(let packet):
        judge.judge(packet)
        guard judge.counts.packetCount % progressStride != 0 || goesOn(judge.counts) else { return }
      case .idle: guard goesOn(judge.counts) else { return }
      case .end: return
      }
    }
  }
}
