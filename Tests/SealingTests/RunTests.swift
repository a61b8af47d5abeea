import Testing
import VXLAN

@testable import Sealing

@Suite("Sealed runs")
struct RunTests {
  @Test("a run gives the same datagrams as one by one", arguments: CipherTests.available, [100, 37])
  func sealing(_ cipher: Cipher, last: Int) {
    let (whole, _) = TransportTests.direction(cipher)
    let (single, _) = TransportTests.direction(cipher)
    let run = SealedRunBuffer(cipher: cipher, frameCount: 44, frameByteCount: 100, lastFrameByteCount: last)
    let frames = run.frames
    #expect(run.seal(with: whole.sealer(lane: 1)))
    for (frame, sealed) in zip(frames, run.datagrams) {
      let datagram = SealedDatagram(frame: frame)
      #expect(datagram.seal(with: single.sealer(lane: 1)) && datagram.bytes == sealed)
    }
    #expect(run.buffer.last == 0xA5 && whole.sealedCount == 44)
  }

  @Test("a run opens in place", arguments: CipherTests.available)
  func opening(_ cipher: Cipher) {
    let (sealing, opening) = TransportTests.direction(cipher)
    let run = SealedRunBuffer(cipher: cipher, frameCount: 44, frameByteCount: 100, lastFrameByteCount: 20)
    let frames = run.frames
    #expect(run.seal(with: sealing.sealer(lane: 1)))
    let sealed = run.copy()
    #expect(run.open(with: opening.opener, order: Array(0..<44)) == [Opener.Verdict](repeating: .opened, count: 44))
    #expect(run.frames == frames)
    let again = sealed.copy()
    #expect(again.open(with: opening.opener, order: Array(0..<44)) == [Opener.Verdict](repeating: .replay, count: 44))
    #expect(again.buffer == sealed.buffer, "what the window refuses is not touched")
  }

  @Test("each datagram of a run has its own verdict; a duplicate within the run is a replay")
  func mixed() {
    let (sealing, opening) = TransportTests.direction(.chacha20poly1305)
    let first = SealedRunBuffer(cipher: .chacha20poly1305, frameCount: 2, frameByteCount: 50, lastFrameByteCount: 50)
    #expect(first.seal(with: sealing.sealer(lane: 1)))
    let copies = first.datagrams
    var received = [copies[0], copies[0], copies[1], Array(copies[1].dropLast(40)), copies[1], [1, 2]]
    received[4][20] ^= 1
    var slots: [Opener.Slot] = []
    let buffers = received.map { bytes -> UnsafeMutableRawBufferPointer in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      buffer.copyBytes(from: bytes)
      return buffer
    }
    defer { buffers.forEach { $0.deallocate() } }
    for buffer in buffers {
      if let start = buffer.baseAddress { slots.append(.init(datagram: start, byteCount: buffer.count)) }
    }
    slots.withUnsafeMutableBufferPointer { opening.opener.open($0) }
    #expect(slots.map(\.verdict) == [.opened, .replay, .opened, .authentication, .authentication, .framing])
  }

  @Test("an empty run is nothing")
  func empty() {
    let (_, opening) = TransportTests.direction(.chacha20poly1305)
    var slots: [Opener.Slot] = []
    slots.withUnsafeMutableBufferPointer { opening.opener.open($0) }
    #expect(!opening.isProven)
  }

  @Test("threads that open the same datagrams accept each once")
  func threads() async {
    let (sealing, opening) = TransportTests.direction(.chacha20poly1305)
    let datagrams = (0..<2000).map { _ -> [UInt8] in
      let datagram = SealedDatagram(frame: Array(repeating: 1, count: 40))
      _ = datagram.seal(with: sealing.sealer(lane: 4))
      return datagram.bytes
    }
    let accepted = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          datagrams.count { SealedDatagram(bytes: $0).open(with: opening.opener) == .opened }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(accepted == datagrams.count)
  }
}
