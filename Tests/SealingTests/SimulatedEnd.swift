import Testing
import VXLAN

@testable import Sealing

/// One process with its session table and the part of a data path that sealing needs: keys by index, one key to send.
final class SimulatedEnd {
  let key: PrivateKey
  let table: SessionTable
  let local: LocalEnd
  private(set) var opening: [UInt32: OpeningKey] = [:]
  private(set) var sealing: SealingKey?
  private(set) var remote: Endpoint
  /// What went out and was not taken yet.
  private var outgoing: [(bytes: [UInt8], to: Endpoint)] = []
  /// Frames that came, in order.
  var received: [[UInt8]] = []
  /// Every key that ever sealed here, so that none is used twice.
  private(set) var usedKeys: [SealingKey] = []
  private(set) var pathMTU: Int?
  var isUnderLoad = false
  private(set) var verdicts: [SessionTable.Verdict] = []

  init(
    key: PrivateKey, peer: PublicKey, at remote: Endpoint, seed: UInt64, presharedKeys: [PresharedKey] = [],
    now: Instant
  ) {
    self.key = key
    self.remote = remote
    do {
      local = try LocalEnd(
        privateKey: key, presharedKeys: presharedKeys, choice: .automatic,
        available: CipherMask([.chacha20poly1305]), entropy: SeededEntropy(seed: seed))
    } catch {
      preconditionFailure("an end that tests use is sound: \(error)")
    }
    table = SessionTable(local, now: now)
    table.add(peer, at: remote, now: now)
  }

  /// Does what is due and what the table asks for.
  func advance(to now: Instant) {
    table.advance(to: now)
    perform()
  }

  func takeOutgoing() -> [(bytes: [UInt8], to: Endpoint)] {
    defer { outgoing = [] }
    return outgoing
  }

  /// A datagram from the wire.
  func receive(_ bytes: [UInt8], from source: Endpoint, now: Instant) {
    guard let header = SealedHeader(bytes) else { return }
    if header.kind == .handshake {
      verdicts.append(table.receive(bytes.span, from: source, isUnderLoad: isUnderLoad, now: now))
    } else if let key = opening[header.word.index] {
      let datagram = SealedDatagram(bytes: bytes)
      if datagram.open(with: key.opener) == .opened {
        if header.kind == .frame {
          received.append(datagram.frame)
        } else {
          table.receive(control: datagram.frame.span, header.word, from: source, now: now)
        }
      }
    } else {
      table.noteUnknownSession(from: source, now: now)
    }
    perform()
  }

  /// Seals a frame and sends it. False without a session.
  func send(_ frame: [UInt8]) -> Bool {
    let datagram = SealedDatagram(frame: frame)
    guard let sealing, datagram.seal(with: sealing.sealer(lane: 0)) else { return false }
    outgoing.append((datagram.bytes, remote))
    return true
  }

  private func perform() {
    for action in table.takeActions() {
      switch action {
      case .send(let bytes, let destination): outgoing.append((bytes, destination))
      case .receive(let key, _): opening[key.index] = key
      case .seal(let key, _):
        sealing = key
        if let key { usedKeys.append(key) }
      case .log: break
      case .retire(let index): opening[index] = nil
      case .move(_, let destination): remote = destination
      case .setPathMTU(let byteCount, _, _): pathMTU = byteCount
      }
    }
  }
}
