import TestKit
import Testing
import VXLAN

@testable import Capture

@Suite("Datagrams that a card joins or is to cut, in one packet")
struct RunTests {
  private static let frame = InnerFrames.ip(17, Frames.udp(from: 1, to: 2, payload: [UInt8](repeating: 7, count: 40)))
  private static let short = InnerFrames.ip(17, Frames.udp(from: 1, to: 2, payload: [7]))

  private func sealed(_ counters: [UInt8], byteCount: Int = 58) -> [UInt8] {
    counters.flatMap {
      [0x0C, 0, 0, 0xFE, 0, 0, 42, 0, 0x00, 0xA1, 0xB2, 0, 0, 0, 0, $0] + [UInt8](repeating: 0xEE, count: byteCount)
    }
  }

  private func lines(_ payload: [UInt8], to port: UInt16, _ selection: PacketSelection = PacketSelection()) -> [String]
  {
    shown(Datagrams.ethernet(Datagrams.ip(payload, to: port)), selection: selection)?
      .split(separator: "\n").map(String.init) ?? []
  }

  @Test("plain ones are shown one by one")
  func plain() {
    let run = [Self.frame, Self.frame, Self.short].flatMap { Frames.vxlan(vni: 42, $0) }
    let shown = lines(run, to: 4789)
    #expect(shown.count == 3 && shown.allSatisfy { $0.contains("VXLAN vni 42 len ") })
    #expect(shown[0].contains("len \(Self.frame.count) | ") && shown[0].hasSuffix("UDP, length 40"))
    #expect(shown[2].contains("len \(Self.short.count) | ") && shown[2].hasSuffix("UDP, length 1"))
  }

  @Test("sealed ones are shown one by one, the last of which may be shorter")
  func sealedOnes() {
    let shown = lines(sealed([7, 8]) + sealed([9], byteCount: 20), to: 4790)
    #expect(
      shown.map { $0.split(separator: " ").suffix(4).joined(separator: " ") }
        == ["counter 7 len 58", "counter 8 len 58", "counter 9 len 20"])
    #expect(lines(sealed([7, 9]), to: 4790).count == 1, "counters that do not count up are no run")
  }

  @Test("filters judge each of them, and a packet as it came is written once")
  func filters() throws {
    let selection = PacketSelection()
    selection.innerFilter = try PacketFilter("less 60", linkType: .ethernet)
    let run = [Self.frame, Self.frame, Self.short].flatMap { Frames.vxlan(vni: 42, $0) }
    #expect(lines(run, to: 4789, selection).map { $0.hasSuffix("UDP, length 1") } == [true])
    var further: [Bool] = []
    var lengths: [Int] = []
    Datagrams.ethernet(Datagrams.ip(run)).withUnsafeBufferPointer { bytes in
      _ = PacketSelection().forEachView(
        CapturedPacket(time: 0, bytes: bytes, wireByteCount: bytes.count), linkType: .ethernet
      ) {
        further.append($0.isFurther)
        lengths.append($0.wireByteCount)
        return true
      }
    }
    let headers = 42 + VXLANHeader.byteCount
    #expect(further == [false, true, true])
    #expect(lengths == [Self.frame, Self.frame, Self.short].map { headers + $0.count })
  }
}

@Suite("What the kernel lets pass of an interface")
struct LiveFilterTests {
  @Test("is what is read of a file: also behind two tags, and behind extension headers of IPv6")
  func expression() throws {
    let filter = try PacketFilter(LiveCapture.expression(OverlayPorts(), .ethernet), linkType: .ethernet)
    let datagram = Datagrams.ip(Frames.vxlan(vni: 42, Datagrams.frame))
    let tagged = Datagrams.ethernet(datagram, vlan: 7)
    let twice = Array(tagged[..<12]) + [0x88, 0xA8, 0, 9] + Array(tagged[12...])
    let udp = Frames.udp(from: 54321, to: 4789, payload: Frames.vxlan(vni: 42, Datagrams.frame))
    let options: [UInt8] = [17, 0, 1, 4, 0, 0, 0, 0]
    let extended = Datagrams.ethernet(
      Frames.ipv6(from: Datagrams.here6, to: Datagrams.there6, nextHeader: 0, payload: options + udp))
    for packet in [Datagrams.ethernet(datagram), tagged, twice, extended] {
      #expect(shown(packet) != nil)
      #expect(packet.withUnsafeBufferPointer { filter.matches($0, wireByteCount: $0.count) })
    }
    let other = Datagrams.ethernet(Datagrams.ip(Frames.vxlan(vni: 42, Datagrams.frame), to: 53))
    #expect(!other.withUnsafeBufferPointer { filter.matches($0, wireByteCount: $0.count) })
  }
}

@Suite("What a running agent says beside a packet")
struct AgentNoteTests {
  private func view(_ note: AgentNote, _ body: (PacketView) throws -> Void) rethrows {
    try Datagrams.frame.withUnsafeBufferPointer { bytes in
      let packet = CapturedPacket(time: 0, bytes: bytes, wireByteCount: bytes.count, dropReason: "socket-full")
      guard var view = PacketSelection().view(frame: packet, vni: VNI(unchecked: 42)) else { return }
      view.note = note
      try body(view)
    }
  }

  @Test("is in the line and in the object")
  func shownEverywhere() throws {
    var note = AgentNote(isIncoming: false, peer: "b")
    (note.isRepeated, note.frameCount, note.segmentByteCount) = (true, 3, 1_400)
    note.hasPartialChecksum = true
    view(note) { view in
      let line = PacketLine(style: LineStyle()).text(view, linkType: .ethernet)
      #expect(line.contains(" Out vni 42 len 42 | ") && line.hasSuffix(" frames 3 again drop socket-full\n"))
      let record = PacketRecord(view, number: 1, precision: .micro)
      #expect(record.direction == "out" && record.peer == "b" && record.repeated == true && record.frames == 3)
      #expect(record.segmentSize == 1_400 && record.partialChecksum == true && record.consumed == nil)
    }
    var taken = AgentNote(isIncoming: true, peer: nil)
    taken.isConsumed = true
    view(taken) { view in
      let line = PacketLine(style: LineStyle()).text(view, linkType: .ethernet)
      #expect(line.contains(" In  vni 42 ") && line.hasSuffix(" consumed drop socket-full\n"))
      let record = PacketRecord(view, number: 1, precision: .micro)
      #expect(record.direction == "in" && record.consumed == true && record.frames == nil && record.repeated == nil)
    }
  }
}
