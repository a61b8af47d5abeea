import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Opening with a key log")
struct KeyRingTests {
  /// A key, and what seals with it.
  private struct Direction {
    let key: TransportKey
    let sealing: SealingKey

    init(_ cipher: Cipher, index: UInt32 = 5, first: UInt8 = 1) {
      key = KeyLogTests.key(cipher, index: index, first: first)
      let block = SecretBytes(byteCount: Cipher.preparedKeyByteCount)
      sealing = SealingKey(PreparedKey(key, in: block, at: 0), index: index)
    }

    func datagram(_ frame: [UInt8], lane: UInt8 = 0, kind: SealedHeader.Kind = .frame) -> [UInt8] {
      let datagram = SealedDatagram(frame: frame)
      guard datagram.seal(with: sealing.sealer(lane: lane), kind: kind, vni: kind == .frame ? 42 : 0) else { return [] }
      return datagram.bytes
    }
  }

  private func ring(_ directions: [Direction]) throws -> KeyRing {
    let lines = directions.map { KeyLogTests.shown(KeyLogLine($0.key, time: KeyLogTests.time, receiver: nil).text) }
    return try KeyRing(parsing: Array(("# keys\n\n" + lines.joined()).utf8), file: "keys")
  }

  private func open(_ datagram: [UInt8], with ring: KeyRing) -> (verdict: KeyRing.Verdict, frame: [UInt8]) {
    var plaintext = [UInt8](repeating: 0xA5, count: datagram.count + 64)
    let verdict = datagram.withUnsafeBytes { datagram in
      plaintext.withUnsafeMutableBytes { plaintext -> KeyRing.Verdict in
        guard let start = plaintext.baseAddress else { return .framing }
        return ring.open(datagram.baseAddress ?? UnsafeRawPointer(start), byteCount: datagram.count, into: start)
      }
    }
    guard case .opened(let byteCount) = verdict else { return (verdict, []) }
    // A key of another cipher, whose tag is shorter, may have been tried before.
    #expect(plaintext[max(byteCount, datagram.count - 32)...].allSatisfy { $0 == 0xA5 })
    return (verdict, Array(plaintext.prefix(byteCount)))
  }

  @Test("a datagram opens as often as it is asked for, and stays as it is", arguments: CipherTests.available)
  func opens(_ cipher: Cipher) throws {
    let direction = Direction(cipher)
    let ring = try ring([direction])
    for count in [1, 60, 1500, 9000] {
      let frame = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
      for kind in [SealedHeader.Kind.frame, .control] {
        let datagram = direction.datagram(frame, lane: 15, kind: kind)
        for _ in 0..<2 {
          let result = open(datagram, with: ring)
          #expect(result.verdict == .opened(byteCount: count) && result.frame == frame)
        }
      }
    }
  }

  @Test("of the keys with one index authentication chooses, whatever the order and the ciphers")
  func candidates() throws {
    let ciphers = CipherTests.available
    let directions = (0..<9).map { Direction(ciphers[$0 % ciphers.count], first: UInt8($0 * 9)) }
    let ring = try ring(directions + [Direction(.chacha20poly1305, index: 4), Direction(.chacha20poly1305, index: 6)])
    #expect(ring.keyCount == 11)
    for round in 0..<40 {
      let direction = directions[round * 7 % 9]
      let frame = [UInt8](repeating: UInt8(round), count: 60)
      #expect(open(direction.datagram(frame), with: ring).frame == frame, "round \(round)")
    }
  }

  @Test("indexes that share a place in memory do not mix")
  func places() throws {
    let indexes: [UInt32] = [0x00005, 0x00405, 0x80005]
    let directions = indexes.enumerated().map { Direction(.chacha20poly1305, index: $1, first: UInt8($0)) }
    let ring = try ring(directions)
    for _ in 0..<3 {
      for (number, direction) in directions.enumerated() {
        #expect(open(direction.datagram([UInt8(number)]), with: ring).frame == [UInt8(number)])
      }
    }
  }

  @Test("without a key of its index a datagram is not judged; with one that does not open it fails")
  func judged() throws {
    let (direction, other) = (Direction(.chacha20poly1305), Direction(.chacha20poly1305, first: 9))
    let datagram = direction.datagram([1, 2, 3])
    #expect(open(datagram, with: try ring([])).verdict == .noKey)
    #expect(open(datagram, with: try ring([Direction(.chacha20poly1305, index: 6)])).verdict == .noKey)
    #expect(open(datagram, with: try ring([other])).verdict == .failed)
    let ring = try ring([other, direction])
    for bit in 0..<datagram.count * 8 {
      var changed = datagram
      changed[bit / 8] ^= 0x80 >> UInt8(bit % 8)
      let verdict = open(changed, with: ring).verdict
      #expect([.failed, .noKey, .framing].contains(verdict), "bit \(bit)")
    }
    #expect(open(datagram, with: ring).frame == [1, 2, 3])
  }

  @Test("what has no sealed header or no byte before its tag is framing; a handshake has no key")
  func framing() throws {
    let direction = Direction(.chacha20poly1305)
    let ring = try ring([direction])
    let datagram = direction.datagram([1])
    #expect(datagram.count == 33)
    for count in 0..<33 { #expect(open(Array(datagram.prefix(count)), with: ring).verdict == .framing) }
    #expect(open([8] + datagram.dropFirst(), with: ring).verdict == .framing)
    let handshake = SealedHeader(
      kind: .handshake, vni: VNI(unchecked: 0), word: .init(lane: 0, index: 5, counter: 1)
    ).bytes
    #expect(open(handshake + [UInt8](repeating: 0, count: 160), with: ring).verdict == .noKey)
  }

  @Test("a key that two hosts logged is one key, and comments and empty lines are none")
  func duplicates() throws {
    let direction = Direction(.chacha20poly1305)
    #expect(try ring([direction, Direction(.chacha20poly1305, first: 2), direction]).keyCount == 2)
    #expect(try KeyRing(parsing: Array("# nothing\n\n".utf8), file: "keys").keyCount == 0)
    #expect(try KeyRing(parsing: [], file: "keys").keyCount == 0)
  }

  @Test("an error names the file and the line")
  func errors() {
    let text = "# a comment\n\(KeyLogTests.line())\n\nVTEP_TRANSPORT_KEY 0abc\n\(KeyLogTests.line())\n"
    #expect(throws: KeyLogError(file: "some/keys", line: 4, problem: .fieldCount(2))) {
      try KeyRing(parsing: Array(text.utf8), file: "some/keys")
    }
    let error = KeyLogError(file: "some/keys", line: 4, problem: .fieldCount(2))
    #expect("\(error)".hasPrefix("some/keys:4: "))
  }

  @Test("every beginning of a log can be read, since it may be being written")
  func beginnings() throws {
    let text = Array("\(KeyLogTests.line())\n\(KeyLogTests.line(index: "00001"))\n".utf8)
    for count in 0...text.count {
      let ring = try KeyRing(parsing: Array(text.prefix(count)), file: "keys")
      #expect(ring.keyCount <= 2)
    }
    #expect(throws: KeyLogError(file: "keys", line: 1, problem: .label)) {
      try KeyRing(parsing: Array("hello".utf8), file: "keys")
    }
    #expect(throws: KeyLogError(file: "keys", line: 1, problem: .cipher)) {
      try KeyRing(parsing: Array(KeyLogTests.line().replacing("poly", with: "p").utf8), file: "keys")
    }
  }

  @Test("of damaged logs each is read or refused at one of its lines")
  func mutations() throws {
    var generator = SeededGenerator(seed: TestSeed.next("key logs"))
    let valid = Array(((0..<4).map { KeyLogTests.line(index: "0000\($0)") + "\n" }.joined() + "# end\n").utf8)
    var counts = (read: 0, refused: 0)
    for _ in 0..<4_000 {
      let text = Mutation.of(valid, &generator)
      do throws(KeyLogError) {
        #expect(try KeyRing(parsing: text, file: "keys").keyCount <= 4)
        counts.read += 1
      } catch {
        #expect((1...text.count(where: { $0 == 0x0A }) + 1).contains(error.line))
        counts.refused += 1
      }
    }
    #expect(counts.read > 200 && counts.refused > 200)
  }
}
