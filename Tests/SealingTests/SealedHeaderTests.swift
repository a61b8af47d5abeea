import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Sealed header")
struct SealedHeaderTests {
  private let word = SealedHeader.Word(lane: 0xA, index: 0xBCDEF, counter: 0x12_3456_789A)

  @Test("the layout is that of the wire")
  func layout() {
    let frame = SealedHeader(kind: .frame, vni: VNI(unchecked: 0x01_0203), word: word)
    #expect(Hex.text(frame.bytes) == "0c0000fe01020300abcdef123456789a")
    #expect(SealedHeader(frame.bytes) == frame)
    let control = SealedHeader(kind: .control, vni: VNI(unchecked: 0), word: word)
    #expect(Hex.text(control.bytes) == "0d0000fe00000000abcdef123456789a")
    let handshake = SealedHeader(kind: .handshake, vni: VNI(unchecked: 0), word: word)
    #expect(Hex.text(handshake.bytes) == "0d0000ff00000000abcdef123456789a")
    #expect(word.lane == 0xA && word.index == 0xBCDEF && word.counter == 0x12_3456_789A)
  }

  @Test("fewer than 16 bytes are no header, 16 and more are")
  func length() {
    let bytes = SealedHeader(kind: .frame, vni: VNI(unchecked: 42), word: word).bytes
    for count in 0..<16 { #expect(SealedHeader(Array(bytes.prefix(count))) == nil) }
    #expect(SealedHeader(bytes) != nil && SealedHeader(bytes + [1, 2, 3]) != nil)
  }

  @Test("of all values of the first eight bytes' bits, one change is accepted only in the VNI of a frame")
  func framing() {
    for kind in SealedHeader.Kind.allCases {
      let bytes = SealedHeader(kind: kind, vni: VNI(unchecked: 0), word: word).bytes
      for bit in 0..<64 {
        var changed = bytes
        changed[bit / 8] ^= 0x80 >> UInt8(bit % 8)
        let parsed = SealedHeader(changed)
        let isVNI = kind == .frame && (32..<56).contains(bit)
        let isOtherKind = kind == .frame && bit == 7 || kind != .frame && bit == 31 || kind == .control && bit == 7
        if isVNI || isOtherKind && parsed.map({ $0.bytes == changed && $0.kind != kind }) == true {
          #expect(parsed?.bytes == changed)
        } else {
          #expect(parsed == nil, "bit \(bit) of \(kind)")
        }
      }
    }
  }

  @Test("a frame with next protocol 0xFF, and control or handshake with a VNI, are refused")
  func combinations() {
    #expect(SealedHeader(Hex.bytes("0c0000ff00002a000000000000000000")) == nil)
    #expect(SealedHeader(Hex.bytes("0c0000fe00002a000000000000000000")) != nil)
    #expect(SealedHeader(Hex.bytes("0d0000fe00002a000000000000000000")) == nil)
    #expect(SealedHeader(Hex.bytes("0d0000ff00000100000000000000000000")) == nil)
    #expect(SealedHeader(Hex.bytes("0d0000fe000000000000000000000000")) != nil)
  }

  @Test("plain VXLAN and other VXLAN-GPE are no sealed datagrams")
  func others() {
    for flags: UInt8 in 0...255 where flags != 0x0C && flags != 0x0D {
      #expect(SealedHeader([flags, 0, 0, 0xFE] + [UInt8](repeating: 0, count: 12)) == nil)
    }
    for nextProtocol: UInt8 in 0...0xFD {
      #expect(SealedHeader([0x0C, 0, 0, nextProtocol] + [UInt8](repeating: 0, count: 12)) == nil)
    }
  }

  @Test("whatever is accepted says the same when it is written again")
  func mutation() {
    let seed = TestSeed.next("sealed header")
    var generator = SeededGenerator(seed: seed)
    let valid = SealedHeader.Kind.allCases.map {
      SealedHeader(kind: $0, vni: VNI(unchecked: $0 == .frame ? 42 : 0), word: word).bytes
    }
    var acceptedCount = 0
    for _ in 0..<100_000 {
      let bytes = Mutation.of(valid.randomElement(using: &generator) ?? [], &generator)
      guard let header = SealedHeader(bytes) else { continue }
      acceptedCount += 1
      #expect(header.bytes == Array(bytes.prefix(16)), "seed \(seed)")
    }
    #expect(acceptedCount > 1000)
  }
}
