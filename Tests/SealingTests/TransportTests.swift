import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Sealing and opening")
struct TransportTests {
  /// The two ends of one direction.
  static func direction(_ cipher: Cipher, failureCountMax: UInt64? = nil) -> (SealingKey, OpeningKey) {
    let secret = SecretBytes(byteCount: 32)
    secret.bytes[0] = 1
    let blocks = (0..<2).map { _ in SecretBytes(byteCount: Cipher.preparedKeyByteCount) }
    return (
      SealingKey(PreparedKey(cipher, secret, in: blocks[0], at: 0), index: 5),
      OpeningKey(PreparedKey(cipher, secret, in: blocks[1], at: 0), index: 5, failureCountMax: failureCountMax)
    )
  }

  @Test("a datagram is header, ciphertext and tag, and nothing behind", arguments: CipherTests.available)
  func layout(_ cipher: Cipher) throws {
    let (sealing, opening) = Self.direction(cipher)
    for count in [1, 14, 60, 126, 1500, 9000] {
      let frame = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
      let datagram = SealedDatagram(frame: frame)
      #expect(datagram.seal(with: sealing.sealer(lane: 2)) && datagram.isEndIntact)
      #expect(datagram.bytes.count == count + 16 + cipher.tagByteCount)
      let header = try #require(datagram.header)
      #expect(header.kind == .frame && header.vni.rawValue == 42)
      #expect(header.word.lane == 2 && header.word.index == 5)
      #expect(count < 14 || !datagram.bytes[16...].starts(with: frame))
      #expect(datagram.open(with: opening.opener) == .opened && datagram.frame == frame)
    }
    #expect(sealing.sealedCount == 6 && opening.isProven)
  }

  @Test("the frame may lie elsewhere than the datagram", arguments: CipherTests.available)
  func elsewhere(_ cipher: Cipher) {
    let (inPlace, _) = Self.direction(cipher)
    let (apart, _) = Self.direction(cipher)
    let datagram = SealedDatagram(frame: Array(0..<100))
    #expect(datagram.seal(with: inPlace.sealer(lane: 0)))
    var other = [UInt8](repeating: 0xA5, count: 100 + 16 + cipher.tagByteCount)
    let count = other.withUnsafeMutableBytes { other in
      Array<UInt8>(0..<100).withUnsafeBytes { frame in
        other.baseAddress.flatMap { datagram in
          frame.baseAddress.map {
            apart.sealer(lane: 0).seal(
              $0, byteCount: 100, prefix: SealedHeader.prefix(kind: .frame, vni: VNI(unchecked: 42)), into: datagram)
          }
        }
      }
    }
    #expect(count == other.count && other == datagram.bytes)
  }

  @Test("row 17: every changed bit of a datagram is refused and changes nothing", arguments: CipherTests.available)
  func bitFlips(_ cipher: Cipher) throws {
    let (sealing, opening) = Self.direction(cipher)
    let first = SealedDatagram(frame: Array(repeating: 7, count: 64))
    #expect(first.seal(with: sealing.sealer(lane: 0)) && first.open(with: opening.opener) == .opened)
    let datagram = SealedDatagram(frame: Array(repeating: 7, count: 142 - 16 - cipher.tagByteCount))
    #expect(datagram.seal(with: sealing.sealer(lane: 0)) && datagram.bytes.count == 142)
    for bit in 0..<142 * 8 {
      let changed = datagram.copy()
      changed.flip(bit: bit)
      #expect([.authentication, .replay].contains(changed.open(with: opening.opener)), "bit \(bit)")
    }
    #expect(opening.failureCount > 1000)
    #expect(datagram.open(with: opening.opener) == .opened, "the window is as it was")
    #expect(datagram.open(with: opening.opener) == .replay)
  }

  @Test("row 18: a datagram opens once", arguments: CipherTests.available)
  func replay(_ cipher: Cipher) {
    let (sealing, opening) = Self.direction(cipher)
    var recorded: [SealedDatagram] = []
    for lane: UInt8 in [0, 7, 15] {
      for _ in 0..<300 {
        let datagram = SealedDatagram(frame: Array(repeating: 1, count: 20))
        #expect(datagram.seal(with: sealing.sealer(lane: lane)))
        recorded.append(datagram)
      }
    }
    for index in recorded.indices { #expect(recorded[index].open(with: opening.opener) == .opened) }
    for _ in 0..<3 {
      for index in recorded.indices { #expect(recorded[index].open(with: opening.opener) == .replay) }
    }
    #expect(opening.failureCount == 0)
  }

  @Test("too short for a frame and a tag is framing, one byte more is judged", arguments: CipherTests.available)
  func short(_ cipher: Cipher) {
    let (_, opening) = Self.direction(cipher)
    for count in 0...(16 + cipher.tagByteCount) {
      let datagram = SealedDatagram(bytes: [UInt8](repeating: 0, count: count))
      #expect(datagram.open(with: opening.opener) == .framing)
    }
    let datagram = SealedDatagram(bytes: [UInt8](repeating: 0, count: 17 + cipher.tagByteCount))
    #expect(datagram.open(with: opening.opener) == .authentication)
    #expect(opening.failureCount == 1 && !opening.isProven)
  }

  @Test("no two datagrams of a key have one lane and counter, and lanes count by themselves")
  func counters() throws {
    let (sealing, _) = Self.direction(.chacha20poly1305)
    var words: Set<UInt64> = []
    for lane in UInt8(0)...15 {
      for expected in 0..<20 {
        let datagram = SealedDatagram(frame: [1])
        #expect(datagram.seal(with: sealing.sealer(lane: lane)))
        let word = try #require(datagram.header).word
        #expect(word.counter == expected && word.lane == lane && words.insert(word.rawValue).inserted)
      }
    }
    #expect(sealing.sealedCount == 320)
  }

  @Test("row 25: a lane ends at 2^40 - 2^13, for single datagrams and for runs")
  func exhaustion() {
    let (sealing, _) = Self.direction(.chacha20poly1305)
    let limit: UInt64 = 1 << 40 - 1 << 13
    sealing.skipForTesting(lane: 1, to: limit - 1)
    let datagram = SealedDatagram(frame: [1])
    #expect(datagram.seal(with: sealing.sealer(lane: 1)) && datagram.header?.word.counter == limit - 1)
    #expect(!datagram.seal(with: sealing.sealer(lane: 1)))
    let run = SealedRunBuffer(cipher: .chacha20poly1305, frameCount: 10, frameByteCount: 50, lastFrameByteCount: 50)
    sealing.skipForTesting(lane: 2, to: limit - 9)
    let before = run.buffer
    #expect(!run.seal(with: sealing.sealer(lane: 2)) && run.buffer == before, "nothing is written")
    sealing.skipForTesting(lane: 3, to: limit - 10)
    #expect(run.seal(with: sealing.sealer(lane: 3)) && run.headers.last?.word.counter == limit - 1)
    #expect(datagram.seal(with: sealing.sealer(lane: 4)), "another lane goes on")
  }

  @Test("row 26: a key is exhausted by as many failures as it bears, not by one less")
  func failures() {
    let (_, opening) = Self.direction(.chacha20poly1305, failureCountMax: 10)
    let forged = SealedDatagram(bytes: [UInt8](repeating: 0, count: 60))
    for _ in 0..<9 { #expect(forged.open(with: opening.opener) == .authentication && !opening.isExhausted) }
    #expect(forged.open(with: opening.opener) == .authentication && opening.isExhausted)
    #expect(Self.direction(.chacha20poly1305).1.failureCountMax == 1 << 36)
  }

  @Test("row 21: a frame of another VNI, lane, index or kind is not this frame")
  func redirection() {
    let (sealing, opening) = Self.direction(.chacha20poly1305)
    let datagram = SealedDatagram(frame: Array(repeating: 1, count: 60))
    #expect(datagram.seal(with: sealing.sealer(lane: 0)))
    for (offset, value) in [(0, UInt8(0x0D)), (6, 43), (8, 0x10), (10, 6), (15, 1)] {
      var bytes = datagram.bytes
      bytes[offset] = value
      let changed = SealedDatagram(bytes: bytes)
      #expect(changed.open(with: opening.opener) == .authentication)
    }
  }
}
