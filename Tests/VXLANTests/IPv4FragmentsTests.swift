import TestKit
import Testing
import VXLAN

@Suite("IPv4Fragments")
struct IPv4FragmentsTests {
  private static let ends = (IPAddress(ipv4: 0x0A00_0001), IPAddress(ipv4: 0x0A00_0002))

  private func frame(
    payload: [UInt8], flagsAndOffset: UInt16 = 0, options: [UInt8] = [], padding: Int = 0
  ) -> [UInt8] {
    var packet = Frames.ipv4(
      from: Self.ends.0, to: Self.ends.1, flagsAndOffset: flagsAndOffset, payload: options + payload)
    packet[0] = 0x40 | UInt8((20 + options.count) / 4)
    packet[10] = 0
    packet[11] = 0
    let checksum = Checksum.finish(Checksum.sum(Array(packet[0..<20 + options.count])))
    packet[10] = UInt8(checksum >> 8)
    packet[11] = UInt8(checksum & 0xFF)
    return MACAddress.station(1).octets + MACAddress.station(2).octets + [8, 0] + packet
      + [UInt8](repeating: 0xEE, count: padding)
  }

  private func pieces(_ frame: [UInt8], mtu: Int) throws -> [[UInt8]]? {
    let packet = try #require(InnerPacket(inFrame: frame))
    guard let fragments = IPv4Fragments(of: frame.span, packet: packet, overlayMTU: mtu) else { return nil }
    return (0..<fragments.count).map { index in
      var bytes = [UInt8](repeating: 0x77, count: fragments.frameByteCountMax)
      var span = bytes.mutableSpan
      let byteCount = fragments.write(index, of: frame.span, to: &span)
      return Array(bytes.prefix(byteCount))
    }
  }

  /// The payload that the pieces say, by their offsets. Nil when one is missing or they overlap.
  private func reassembled(_ pieces: [[UInt8]], from start: Int = 0) -> [UInt8]? {
    var payload: [UInt8] = []
    for (index, piece) in pieces.enumerated() {
      let header = Int(piece[14] & 0x0F) * 4
      let field = piece.bigEndian16(at: 20)
      guard Int(field & 0x1FFF) * 8 == start + payload.count, (field & 0x2000 != 0) == (index < pieces.count - 1),
        Int(piece.bigEndian16(at: 16)) == piece.count - 14,
        Checksum.finish(Checksum.sum(Array(piece[14..<14 + header]))) == 0
      else { return nil }
      payload += piece[(14 + header)...]
    }
    return payload
  }

  @Test("the pieces are whole packets that fit, in order, and together the payload", arguments: 1...40)
  func whole(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let payload = generator.bytes(Int.random(in: 100...9000, using: &generator))
    let mtu = Int.random(in: 68...1500, using: &generator)
    let frame = frame(payload: payload, padding: Int.random(in: 0...9, using: &generator))
    guard let pieces = try pieces(frame, mtu: mtu) else {
      #expect(payload.count + 20 <= mtu)
      return
    }
    #expect(pieces.count >= 2 && pieces.allSatisfy { $0.count <= 14 + mtu })
    #expect(reassembled(pieces) == payload, "seed \(seed)")
    for piece in pieces {
      #expect(piece[0..<14] == frame[0..<14])
      #expect(piece[18..<20] == frame[18..<20])
    }
  }

  @Test("DF, a size that fits, and a length that is not there are not cut")
  func notCut() throws {
    let payload = [UInt8](repeating: 1, count: 1000)
    #expect(try pieces(frame(payload: payload, flagsAndOffset: 0x4000), mtu: 500) == nil)
    #expect(try pieces(frame(payload: payload), mtu: 1020) == nil)
    #expect(try pieces(frame(payload: payload), mtu: 1019) != nil)
    #expect(try pieces(Array(frame(payload: payload).dropLast()), mtu: 500) == nil)
    #expect(try pieces(frame(payload: payload), mtu: 27) == nil)
  }

  @Test("a fragment that is cut again keeps its place, and its last piece says that more follow if it said so")
  func again() throws {
    let payload = [UInt8](repeating: 3, count: 1000)
    let middle = try #require(try pieces(frame(payload: payload, flagsAndOffset: 0x2000 | 100), mtu: 500))
    let fields: [UInt16] = [0x2000 | 100, 0x2000 | 160, 0x2000 | 220]
    #expect(middle.map { $0.bigEndian16(at: 20) } == fields)
    let last = try #require(try pieces(frame(payload: payload, flagsAndOffset: 100), mtu: 500))
    #expect(reassembled(last, from: 800) == payload)
  }

  @Test("only the first piece has all options, the others those that are for every fragment")
  func options() throws {
    // Security (copied), record route (not copied), nothing, end.
    let options: [UInt8] = [0x82, 4, 9, 9, 7, 3, 4, 1, 0x88, 4, 1, 2]
    let payload = [UInt8](repeating: 5, count: 400)
    let pieces = try #require(try pieces(frame(payload: payload, options: options), mtu: 200))
    #expect(reassembled(pieces) == payload)
    #expect(Array(pieces[0][34..<46]) == options)
    let copied: [UInt8] = [0x82, 4, 9, 9, 0x88, 4, 1, 2]
    for piece in pieces.dropFirst() {
      #expect(piece[14] == 0x47)
      #expect(Array(piece[34..<42]) == copied)
    }
  }

  @Test("whatever the bytes are, no piece is longer than it may be", arguments: 1...4)
  func hostile(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let whole = frame(payload: [UInt8](repeating: 1, count: 300), options: [0x82, 4, 9, 9, 7, 3, 4, 1])
    for _ in 0..<20_000 {
      var bytes = Array(whole.prefix(Int.random(in: 34...whole.count, using: &generator)))
      for _ in 0..<4 {
        bytes[Int.random(in: 14..<min(46, bytes.count), using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      guard InnerPacket(inFrame: bytes) != nil else { continue }
      let mtu = Int.random(in: 0...400, using: &generator)
      guard let pieces = try pieces(bytes, mtu: mtu) else { continue }
      if !pieces.allSatisfy({ $0.count <= 14 + mtu }) { Issue.record("seed \(seed), mtu \(mtu): \(bytes)") }
    }
  }
}
