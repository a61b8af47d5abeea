import LinuxIO

@testable import Agent

/// What one agent says to the next while it hands over: messages, entries and the state.
///
///     byte 0  0: a message, otherwise a state in JSON
final class TakeoverTarget: FuzzTarget {
  static let name = "takeover"
  static let byteCountMax = 4_096

  static var seeds: [[UInt8]] {
    let entries = [
      CarriedEntry(vni: 42, mac: .broadcast, peer: nil, origin: .learned, stamp: 7),
      CarriedEntry(vni: 0xFF_FFFF, mac: .zero, peer: 3, origin: .learned, stamp: .max),
    ]
    let names: [DescriptorName] = [.tap(vni: 42, queue: 0), .plain(worker: 1), .sealed(worker: 0), .source(63)]
    let messages: [TakeoverMessage] = [
      .hello(version: 1), .descriptors(names), .offered, .freeze, .state([1, 2]), .entries(entries), .complete, .taken,
      .ended, .refused("not now"),
    ]
    return messages.map { [0] + $0.bytes }
      + [state, CarriedState()].compactMap { state in
        (try? ReportJSON.encode(state)).map { [1] + $0 }
      }
  }

  private static var state: CarriedState {
    var state = CarriedState()
    state.peers = [
      .init(
        name: "b", address: "192.0.2.2", publicKey: "AA==", presentAddress: "fd00::2", presentPort: 9, pathMTU: 1_500)
    ]
    state.handshakes = .init(consumed: 1, refused: 2, bytes: 3)
    return state
  }

  init() {}

  func run(_ bytes: [UInt8]) {
    let rest = Array(bytes.dropFirst())
    if bytes.first ?? 0 == 0 { message(rest) } else { state(rest) }
  }

  private func message(_ bytes: [UInt8]) {
    guard let message = TakeoverMessage(parsing: bytes) else { return }
    let written = message.bytes
    // Text that is no UTF-8 is mended, and cut where it is too long.
    if case .refused = message { return require(written.count <= 1_001, "a reason of \(written.count) bytes") }
    require(written == bytes, "\(message) is written as \(written)")
  }

  private func state(_ bytes: [UInt8]) {
    guard let state = CarriedState.decode(bytes) else { return }
    let again = (try? ReportJSON.encode(state)).flatMap(CarriedState.decode)
    require(again == state, "\(state) is read again as \(String(describing: again))")
  }
}
