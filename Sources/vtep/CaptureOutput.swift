import Agent
import ArgumentParser
import Capture
import Glibc

/// What `vtep capture` does with the packets that are wanted: lines, a count, or files.
final class CaptureOutput {
  private static let unwrittenByteCount = 1 << 15

  private let options: CaptureOutputOptions
  private let line: PacketLine
  private let writer: RotatingWriter?
  /// Packets are written as the inner frames that they hold.
  private let writesFrames: Bool
  private var drops: DropList?
  private var unwritten: [UInt8] = []
  /// Packets that were shown, written or counted.
  private(set) var packetCount = 0
  /// With `writesFrames`: packets that hold no frame, or one that could not be opened.
  private(set) var framelessCount = 0

  /// - Parameter isPrivate: files are for their owner only.
  init(
    _ options: CaptureOutputOptions, linkType: LinkType, snapshotByteCount: Int, writesFrames: Bool,
    isPrivate: Bool
  ) throws {
    self.options = options
    self.writesFrames = writesFrames
    line = PacketLine(style: options.style)
    guard let plan = options.plan else {
      writer = nil
      return
    }
    let format = CaptureWriter.Format(
      linkType: writesFrames ? .ethernet : linkType, snapshotByteCount: snapshotByteCount,
      precision: options.precision, isPacketBuffered: options.isPacketBuffered, isPrivate: isPrivate)
    let drops = DropList()
    self.drops = drops
    writer = try RotatingWriter(plan, format: format, time: time(nil)) { drops.follow($0) }
  }

  /// - Returns: false when this was the last one that there is room for.
  func take(_ view: PacketView, linkType: LinkType) throws -> Bool {
    if let writer { return try write(view, to: writer) }
    packetCount += 1
    if !options.isCount {
      if options.json {
        unwritten += try ReportJSON.encode(PacketRecord(view, number: packetCount, precision: options.precision))
      } else {
        unwritten += Array(line.text(view, linkType: linkType).utf8)
      }
      if unwritten.count > Self.unwrittenByteCount { try writeText() }
    }
    return packetCount != options.c
  }

  private func write(_ view: PacketView, to writer: RotatingWriter) throws -> Bool {
    // A run is written as it came.
    if !writesFrames, view.isFurther { return true }
    let wanted = writesFrames ? view.inner : view.packet
    guard let packet = wanted else {
      framelessCount += 1
      return true
    }
    guard try writer.write(packet, time: time(nil)) else { return false }
    packetCount += 1
    if view.packet.dropReason != nil {
      try drops?.append(PacketRecord(view, number: writer.packetCount, precision: options.precision))
    }
    return packetCount != options.c
  }

  /// Prints what has gathered: nothing more comes for now.
  func writeText() throws {
    guard !unwritten.isEmpty else { return }
    defer { unwritten.removeAll(keepingCapacity: true) }
    try Output.write(unwritten)
  }

  func close() throws {
    try writeText()
    try writer?.close()
    try drops?.close()
    if options.isCount { try Output.write("\(packetCount) packet\(packetCount == 1 ? "" : "s")\n") }
  }
}
