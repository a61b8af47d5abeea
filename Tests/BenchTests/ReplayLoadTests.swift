import Replay
import Sealing
import Testing
import VXLAN

@Suite("replayed loads")
struct ReplayLoadTests {
  private static let out = ReplayTraffic.frames(byteCount: 64, to: ReplayTraffic.there, from: ReplayTraffic.here)
  private static let back = ReplayTraffic.frames(byteCount: 64, to: ReplayTraffic.here, from: ReplayTraffic.there)

  @Test("a frame is as long as it was asked to be, and its checksums are right")
  func frames() {
    for byteCount in [ReplayTraffic.frameByteCountMin, 64, 65, 1400] {
      for frame in ReplayTraffic.frames(byteCount: byteCount, to: ReplayTraffic.there, from: ReplayTraffic.here) {
        #expect(frame.count == byteCount)
        #expect(checksum(of: frame[14..<34]) == 0)
        let udpByteCount = byteCount - 34
        let pseudo = frame[26..<34] + [0, 17, UInt8(udpByteCount >> 8), UInt8(udpByteCount & 0xFF)]
        #expect(checksum(of: pseudo + frame[34...]) == 0)
      }
    }
  }

  /// Zero of bytes that hold their right checksum.
  private func checksum(of bytes: ArraySlice<UInt8>) -> UInt16 {
    Checksum.finish(Checksum.sum(Array(bytes).span))
  }

  @Test("no two frames of a batch are of one flow")
  func flows() {
    #expect(Set(Self.out.map { Array($0[26..<38]) }).count == Self.out.count)
  }

  @Test("single frames pass both ways, a batch in each step")
  func singleFrames() {
    let out = ReplayLoad.encapsulation(Self.out)
    let back = ReplayLoad.decapsulation(Self.back)
    out.run(stepCount: 3)
    back.run(stepCount: 3)
    out.requireAllSent()
    back.requireAllSent()
    #expect(out.framesPerStep == 64 && back.framesPerStep == 8)
  }

  @Test("superframes are counted in their segments, also after they were joined once")
  func superframes() {
    let out = ReplayLoad.superframeEncapsulation()
    let back = ReplayLoad.superframeDecapsulation()
    out.run(stepCount: 3)
    back.run(stepCount: 3)
    out.requireAllSent()
    back.requireAllSent()
    #expect(out.framesPerStep.isMultiple(of: 44) && out.framesPerStep > 0)
    #expect(back.framesPerStep == 8 * 44)
  }

  @Test("sealed frames pass both ways, alone and as superframes", arguments: Cipher.allCases.filter(\.isAvailable))
  func sealed(cipher: Cipher) {
    let loads: [ReplayLoad] = [
      .sealedEncapsulation(Self.out, cipher), .sealedDecapsulation(Self.back, cipher),
      .sealedSuperframeEncapsulation(cipher), .sealedSuperframeDecapsulation(cipher),
    ]
    for load in loads {
      load.run(stepCount: 3)
      load.requireAllSent()
    }
    #expect(loads.map(\.framesPerStep) == [64, 8, 44, 8 * 43])
    #expect(loads.map { $0.preparationTime > 0 } == [false, true, false, true])
  }
}
