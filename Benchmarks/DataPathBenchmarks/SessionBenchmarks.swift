import Sealing
import VXLAN

/// What live sessions cost the thread that keeps them, their paths confirmed all the time because all of them are in
/// use. What workers do for it, opening a datagram each, is not in it.
enum SessionBenchmarks {
  /// A round: control messages come and are answered, and what is due is done, as four times a second.
  private static let interval = Duration.milliseconds(250)

  static func all() -> [Benchmark] {
    [benchmark("live", isProbed: false), benchmark("live and probed", isProbed: true)]
  }

  private static func benchmark(_ kind: String, isProbed: Bool) -> Benchmark {
    var made: LiveSessions?
    let name = "sessions, 1,000 \(kind): 250 ms"
    return Benchmark(name, operationCount: 1, allocationsMax: 1e6) {}.beginningAnew {
      let live = made ?? LiveSessions(count: 1_000, isProbed: isProbed)
      made = live
      let arrived = live.passOn(for: interval)
      return { live.turn(arrived) }
    }
  }
}

/// One table with many peers, each of which is a table of its own.
private final class LiveSessions {
  /// A table and the keys that its workers would have.
  private final class End {
    let key: PrivateKey
    let endpoint: Endpoint
    let table: SessionTable
    var opening: [UInt32: OpeningKey] = [:]
    var pathMTUCount = 0

    init(number: UInt32, now: Instant) {
      var entropy = SystemEntropy()
      key = PrivateKey(from: &entropy)
      endpoint = Endpoint(address: IPAddress(ipv4: 0x0A00_0000 + number), udpPort: 4790)
      do throws(SealingFailure) {
        let local = try LocalEnd(
          privateKey: key, presharedKeys: [], choice: .automatic, available: CipherMask([.chacha20poly1305]),
          entropy: entropy)
        table = SessionTable(local, now: now)
      } catch {
        preconditionFailure("an end without weather: \(error)")
      }
    }

    /// Does what the table asks for. Answers what it sends.
    func perform() -> [(bytes: [UInt8], to: Endpoint)] {
      table.takeActions().compactMap { action in
        switch action {
        case .send(let bytes, let destination): return (bytes, destination)
        case .receive(let key, _): opening[key.index] = key
        case .retire(let index): opening[index] = nil
        case .setPathMTU: pathMTUCount += 1
        case .log, .seal, .move: break
        }
        return nil
      }
    }
  }

  /// What a worker hands over.
  enum Arrival {
    case handshake([UInt8], from: Endpoint)
    case control([UInt8], SealedHeader.Word, from: Endpoint)
  }

  private let hub: End
  private let peers: [End]
  private let peerByEndpoint: [Endpoint: End]
  private var now = Instant(nanoseconds: 1_000_000_000)
  private var outgoing: [(bytes: [UInt8], to: Endpoint)] = []

  init(count: Int, isProbed: Bool) {
    let now = now
    let hub = End(number: 0, now: now)
    let peers = (1...UInt32(count)).map { End(number: $0, now: now) }
    for peer in peers {
      hub.table.add(peer.key.publicKey, at: peer.endpoint, now: now)
      peer.table.add(hub.key.publicKey, at: hub.endpoint, now: now)
      guard isProbed else { continue }
      hub.table.setRoute(pathMTU: 1_500, to: peer.key.publicKey, isOther: false, now: now)
      peer.table.setRoute(pathMTU: 1_500, to: hub.key.publicKey, isOther: false, now: now)
    }
    self.hub = hub
    self.peers = peers
    peerByEndpoint = Dictionary(uniqueKeysWithValues: peers.map { ($0.endpoint, $0) })
    // Handshakes come by slices and have budgets; then the confirmations part from each other.
    for _ in 0..<240 { turn(passOn(for: .milliseconds(250))) }
    let upCount = peers.count { hub.table.current($0.key.publicKey) != nil }
    precondition(upCount == count, "\(upCount) of \(count) sessions are up")
  }

  /// Time passes, and the peers take what was sent to them. Answers what comes of it.
  func passOn(for duration: Duration) -> [Arrival] {
    now = now + duration
    let sent = outgoing
    outgoing = []
    for (bytes, destination) in sent {
      guard let peer = peerByEndpoint[destination], let arrival = Self.arrival(bytes, at: peer, from: hub.endpoint)
      else { continue }
      Self.deliver(arrival, to: peer, now: now)
    }
    return peers.flatMap { peer in
      peer.table.notePlainFrames(to: hub.key.publicKey)
      peer.table.advance(to: now)
      return peer.perform().compactMap { Self.arrival($0.bytes, at: hub, from: peer.endpoint) }
    }
  }

  /// What the thread of the sessions does in one turn.
  func turn(_ arrivals: [Arrival]) {
    for arrival in arrivals { Self.deliver(arrival, to: hub, now: now) }
    for peer in peers { hub.table.notePlainFrames(to: peer.key.publicKey) }
    repeat { hub.table.advance(to: now) } while hub.table.isBehind
    outgoing += hub.perform()
    _ = hub.table.nextDeadline
  }

  private static func deliver(_ arrival: Arrival, to end: End, now: Instant) {
    switch arrival {
    case .handshake(let bytes, let source):
      _ = end.table.receive(bytes.span, from: source, isUnderLoad: false, now: now)
    case .control(let plaintext, let word, let source):
      end.table.receive(control: plaintext.span, word, from: source, now: now)
    }
  }

  /// A datagram as a worker of `end` hands it over.
  private static func arrival(_ datagram: [UInt8], at end: End, from source: Endpoint) -> Arrival? {
    guard let header = SealedHeader(parsing: datagram.span) else { return nil }
    if header.kind == .handshake { return .handshake(datagram, from: source) }
    guard let opener = end.opening[header.word.index]?.opener else { return nil }
    var bytes = datagram
    let verdict = bytes.withUnsafeMutableBytes { buffer in
      // SAFETY: the opener writes within the datagram, whose length it is given; the array outlives the call.
      buffer.baseAddress.map { opener.open($0, byteCount: buffer.count) }
    }
    guard verdict == .opened else { return nil }
    let plaintext = bytes[SealedHeader.byteCount..<(bytes.count - opener.cipher.tagByteCount)]
    return .control(Array(plaintext), header.word, from: source)
  }
}
