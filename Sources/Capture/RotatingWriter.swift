/// One capture in several files: a new one when a file is large enough or has been written for long enough.
///
/// *Threads.* One.
/// - SeeAlso: tcpdump(8), options -C, -W and -G.
package final class RotatingWriter {
  package struct Plan: Sendable {
    package var path: String
    /// Bytes beyond which a file is followed by the next; 0: any number.
    package var fileByteCount = 0
    /// With `fileByteCount` the files that are written in turn; with `seconds` those after which the capture ends.
    /// 0: any number.
    package var fileCountMax = 0
    /// Seconds that a file is written for; 0: any number.
    package var seconds = 0

    package init(path: String) {
      self.path = path
    }
  }

  private let plan: Plan
  private let format: CaptureWriter.Format
  private let names: CaptureFileNames
  private let opened: (String) throws(CaptureError) -> Void
  /// Seconds since 1970.
  private var startTime: Int
  private var number = 0
  private var turnCount = 0
  private var current: CaptureWriter

  /// Makes the first file.
  /// - Parameters:
  ///   - time: now, in seconds since 1970.
  ///   - opened: hears the name of each file.
  package init(
    _ plan: Plan, format: CaptureWriter.Format, time: Int,
    opened: @escaping (String) throws(CaptureError) -> Void = { _ in }
  ) throws(CaptureError) {
    (self.plan, self.format, self.opened, startTime) = (plan, format, opened, time)
    names = CaptureFileNames(
      pattern: plan.path, isTimed: plan.seconds > 0, fileCountMax: plan.fileByteCount > 0 ? plan.fileCountMax : 0)
    current = try CaptureWriter(path: names.name(number: 0, time: time), format: format)
    try opened(current.path)
  }

  /// Of the current file.
  package var packetCount: Int { current.packetCount }

  /// Appends a packet.
  /// - Returns: false when all files are written that there are to be: the packet has no place any more.
  package func write(_ packet: CapturedPacket, time: Int) throws(CaptureError) -> Bool {
    if plan.seconds > 0, time - startTime >= plan.seconds {
      turnCount += 1
      if plan.fileByteCount == 0, plan.fileCountMax > 0, turnCount >= plan.fileCountMax { return false }
      startTime = time
      number = 0
      try turn(time)
    } else if plan.fileByteCount > 0, current.byteCount > plan.fileByteCount {
      number += 1
      if plan.fileCountMax > 0, number >= plan.fileCountMax { number = 0 }
      try turn(plan.seconds > 0 ? startTime : time)
    }
    try current.write(packet)
    return true
  }

  private func turn(_ time: Int) throws(CaptureError) {
    try current.close()
    current = try CaptureWriter(path: names.name(number: number, time: time), format: format)
    try opened(current.path)
  }

  package func flush() throws(CaptureError) { try current.flush() }
  package func close() throws(CaptureError) { try current.close() }
}
