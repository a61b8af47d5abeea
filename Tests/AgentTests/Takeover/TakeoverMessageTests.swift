import Forwarding
import LinuxIO
import TestKit
import Testing
import VXLAN

@testable import Agent

@Suite("messages of a takeover")
struct TakeoverMessageTests {
  private static let entries = [
    CarriedEntry(
      vni: 42, mac: MACAddress(rawValue: 0x0200_0000_0001), peer: 3, origin: .learned, stamp: 0xFFFF_FFFE),
    CarriedEntry(vni: 0xFF_FFFF, mac: .broadcast, peer: nil, origin: .command, stamp: 0),
    CarriedEntry(vni: 0, mac: .zero, peer: 65_534, origin: .control, stamp: 1),
  ]

  private static let messages: [TakeoverMessage] = [
    .hello(version: 1), .hello(version: 0xFFFE), .descriptors([.plain(worker: 0), .tap(vni: 42, queue: 1)]), .offered,
    .freeze, .state([]), .state([UInt8](repeating: 0xA5, count: TakeoverMessage.stateByteCountMax)), .entries([]),
    .entries(entries), .complete, .taken, .ended, .refused("no"), .refused(""),
  ]

  @Test("a message is read as it was written", arguments: messages)
  func roundTrip(_ message: TakeoverMessage) {
    #expect(TakeoverMessage(parsing: message.bytes) == message)
    #expect(message.bytes.count <= MessageSocket.byteCountMax)
  }

  @Test("every kind but state, entries, names and reasons is refused with a byte more or less")
  func lengths() {
    for message in Self.messages {
      switch message {
      case .state, .refused, .descriptors: continue
      default: break
      }
      #expect(TakeoverMessage(parsing: message.bytes + [0]) == nil, "\(message)")
      #expect(TakeoverMessage(parsing: message.bytes.dropLast()) != message, "\(message)")
    }
    #expect(TakeoverMessage(parsing: []) == nil)
    #expect(TakeoverMessage(parsing: [0]) == nil && TakeoverMessage(parsing: [11]) == nil)
    #expect(TakeoverMessage(parsing: [5] + [UInt8](repeating: 0, count: MessageSocket.byteCountMax)) == nil)
  }

  @Test("253 names pass, 254 do not; names that are none do not")
  func names() {
    let most = (0..<253).map { DescriptorName.source($0) }
    #expect(TakeoverMessage(parsing: TakeoverMessage.descriptors(most).bytes) == .descriptors(most))
    #expect(TakeoverMessage(parsing: TakeoverMessage.descriptors(most + [.source(253)]).bytes) == nil)
    for text in ["", "\n", "udp-plain-0\n", "udp-plain-0\n\nudp-plain-1", "tap", "\u{FF}"] {
      #expect(TakeoverMessage(parsing: [2] + text.utf8) == nil, "\(text)")
    }
    #expect(TakeoverMessage(parsing: [2, 0xFF, 0xFE]) == nil)
  }

  @Test("an entry with an unknown origin or reserved bytes is refused, and as many as fit a message pass")
  func entryBounds() {
    let one = TakeoverMessage.entries([Self.entries[0]]).bytes
    for (index, value) in [(15, UInt8(4)), (16, 1), (11, 1), (12, 1)] {
      var changed = one
      changed[index] = value
      #expect(TakeoverMessage(parsing: changed) == nil, "byte \(index)")
    }
    let most = Array(repeating: Self.entries[0], count: TakeoverMessage.entryCountMax)
    #expect(TakeoverMessage(parsing: TakeoverMessage.entries(most).bytes) == .entries(most))
    #expect(TakeoverMessage.entries(most + [Self.entries[0]]).bytes.count > MessageSocket.byteCountMax)
  }

  @Test("whatever bytes come, nothing traps, and what is read is written alike")
  func hostile() {
    let seed = TestSeed.next("messages of a takeover")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      var bytes = (Self.messages.randomElement(using: &generator) ?? .taken).bytes
      if bytes.count > 2_000 { bytes = Array(bytes.prefix(200)) }
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)))
        case 1:
          bytes += (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
          }
        default:
          guard !bytes.isEmpty else { continue }
          bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
      }
      guard let message = TakeoverMessage(parsing: bytes) else { continue }
      #expect(TakeoverMessage(parsing: message.bytes) == message, "seed \(seed): \(bytes)")
    }
  }
}
