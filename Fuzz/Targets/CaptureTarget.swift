import Capture
import Glibc
import Sealing
import VXLAN

/// The bytes of a capture file, as `vtep capture -r` reads, shows and writes them.
final class CaptureTarget: FuzzTarget {
  static let name = "capture"
  static let byteCountMax = 8_192
  private static let recordHeaderByteCount = 16

  static var seeds: [[UInt8]] {
    [LinkType.ethernet, .rawIP, .linuxCooked, .linuxCooked2].map { CaptureSeeds.pcap($0.rawValue) }
      + [CaptureSeeds.pcapng]
  }

  private let input = MemoryFile(name: "input")
  private let output = MemoryFile(name: "output")
  private let selection = PacketSelection()
  private let line: PacketLine

  init() {
    var style = LineStyle()
    style.precision = .nano
    style.hasLinkHeader = true
    style.dump = .hexAndASCII
    line = PacketLine(style: style)
    selection.opener = (try? KeyRing(parsing: CaptureSeeds.keyLog, file: "f")).map { PacketOpener($0) }
    require(selection.opener != nil, "the key log of the seeds is none")
  }

  func run(_ bytes: [UInt8]) {
    input.fill(bytes)
    guard let file = try? CaptureFile(path: input.path) else { return }
    let format = CaptureWriter.Format(linkType: file.linkType, precision: .nano, isPacketBuffered: false)
    guard let writer = try? CaptureWriter(path: output.path, format: format) else { return }
    var packets: [Packet] = []
    while let packet = (try? file.next()) ?? nil {
      require(packet.bytes.count + Self.recordHeaderByteCount <= bytes.count, "a packet of \(packet.bytes.count) bytes")
      packets.append(Packet(packet))
      require((try? writer.write(packet)) != nil, "a packet cannot be written")
      if let view = selection.view(packet, linkType: file.linkType) { judge(view, file.linkType, packets.count) }
      if let view = selection.view(frame: packet, vni: nil) { judge(view, file.linkType, packets.count) }
    }
    require(
      packets.count * Self.recordHeaderByteCount <= bytes.count, "\(packets.count) packets of \(bytes.count) bytes")
    require((try? writer.close()) != nil, "the file cannot be ended")
    judgeWritten(packets)
  }

  /// Nothing of it could move a terminal's cursor.
  private func judge(_ view: PacketView, _ linkType: LinkType, _ number: Int) {
    let text = line.text(view, linkType: linkType)
    require(text.hasSuffix("\n"), "a line without its end")
    let isPrintable = text.utf8.allSatisfy { (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x09 }
    require(isPrintable, "signs that are no text: \(text.debugDescription)")
    let record = PacketRecord(view, number: number, precision: .nano)
    require(record.length == view.packet.wireByteCount && record.packet == number, "a record of another packet")
  }

  private func judgeWritten(_ packets: [Packet]) {
    guard let file = try? CaptureFile(path: output.path) else {
      return require(false, "what was written is no capture")
    }
    var number = 0
    while let packet = (try? file.next()) ?? nil {
      require(number < packets.count && Packet(packet) == packets[number], "packet \(number) was written as another")
      number += 1
    }
    require(number == packets.count, "\(number) packets were written of \(packets.count)")
  }

  /// What must be the same when it is written and read again. Its time must not: a file has 32 bits of seconds.
  private struct Packet: Equatable {
    let bytes: [UInt8]
    let wireByteCount: Int

    init(_ packet: CapturedPacket) {
      bytes = Array(packet.bytes)
      wireByteCount = packet.wireByteCount
    }
  }
}
