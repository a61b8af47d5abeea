import Forwarding
import Glibc
import Logging
import Sealing
import Synchronization
import VXLAN

@testable import Agent
@testable import Dataplane

/// One agent's sessions with the keys that its workers would have, and no worker: what it sends is kept until taken,
/// and what comes is judged as a worker does.
final class KeeperEnd {
  /// The one clock of all ends of a test.
  final class Time {
    var now = Instant(nanoseconds: 1_000_000_000_000)
  }

  let keyring: Keyring
  let inbox = SealedInbox {}
  let waiting: WaitingBudget
  let counters = SealedCounters()
  let lines = LogLines()
  let history = EventHistory()
  let endpoint: Endpoint
  private(set) var sendWaitingCount = 0
  private(set) var expireWaitingCount = 0
  private(set) var sentCount = 0
  /// Where initiations went, in order.
  private(set) var initiations: [Endpoint] = []
  /// How long sending takes, with what led to it.
  var sendCost = Duration.zero
  private let time: Time
  /// By peer slot.
  private(set) var pathMTUs: [Int: Int] = [:]
  private(set) var doubtCount = 0
  var plainTrafficMark = 0
  private(set) var places: [IPAddress] = []
  /// Longer datagrams are refused as the kernel does.
  var byteCountMax = Int.max
  /// The lines of the key log, without the time: by key, receiver or nil.
  private(set) var loggedKeys: [String] = []
  /// What sending answers.
  var failure: Int32 = 0
  private var outgoing: [(bytes: [UInt8], to: Endpoint)] = []
  private var made: SessionKeeper?
  private let mac: HandshakeMAC

  init(
    _ key: PrivateKey, at endpoint: Endpoint, peers: [SessionPeer], presharedKeys: [PresharedKey] = [], time: Time,
    keyLife: KeyLife = .standard, logsKeys: Bool = false
  ) throws {
    self.endpoint = endpoint
    self.time = time
    mac = HandshakeMAC(to: key.publicKey)
    keyring = Keyring(gracePeriod: GracePeriod(readerCount: 0))
    waiting = WaitingBudget()
    let local = try LocalEnd(
      privateKey: key, presharedKeys: presharedKeys, choice: .automatic, available: CipherMask([.chacha20poly1305]),
      entropy: SystemEntropy(), keyLife: keyLife)
    local.logsKeys = logsKeys
    let outside = SessionKeeper.Outside(
      keyring: keyring, inbox: inbox, waiting: waiting, counters: counters,
      send: { [unowned self] in send($0, to: $1) },
      sendWaiting: { [unowned self] in sendWaitingCount += 1 },
      expireWaiting: { [unowned self] in expireWaitingCount += 1 },
      setPathMTU: { [unowned self] in pathMTUs[$1] = $0 },
      plainTrafficMark: { [unowned self] _ in plainTrafficMark },
      events: PeerEvents(history: history, names: peers.map(\.name)),
      noteMove: { [unowned self] address, _ in places.append(address) },
      doubtRoutes: { [unowned self] in doubtCount += 1 },
      clock: { time.now },
      logKeys: { [unowned self] keys, peer in
        loggedKeys += zip(keys, [peer, endpoint]).map { KeyLogLine($0, time: "T", receiver: $1).shown }
      })
    made = SessionKeeper(
      local, peers: peers, pathRaiseInterval: .seconds(600), outside: outside,
      log: SessionLog(ThrottledLogger(lines.logger)))
  }

  var keeper: SessionKeeper {
    guard let made else { preconditionFailure("made in init") }
    return made
  }

  /// What was told to those who listen, without the times.
  var told: [EventReport] {
    history.events(after: 0, withDrops: false).events.map { event in
      var event = event
      event.time = ""
      return event
    }
  }

  func takeOutgoing() -> [(bytes: [UInt8], to: Endpoint)] {
    defer { outgoing = [] }
    return outgoing
  }

  /// A datagram on the sealed port.
  func receive(_ bytes: [UInt8], from source: Endpoint) {
    guard let header = SealedHeader(parsing: bytes.span) else { return }
    guard header.kind == .control else {
      if header.kind == .handshake { _ = inbox.offer(.handshake(bytes, from: source)) }
      return
    }
    guard let opening = keyring.opening(header.word.index) else {
      _ = inbox.offer(.unknownSession(from: source))
      return
    }
    var bytes = bytes
    let opener = opening.pointee.opener
    let verdict = bytes.withUnsafeMutableBytes { buffer in
      buffer.baseAddress.map { opener.open($0, byteCount: buffer.count) }
    }
    guard verdict == .opened else { return }
    let plaintext = bytes[SealedHeader.byteCount..<(bytes.count - opener.cipher.tagByteCount)]
    _ = inbox.offer(.control(Array(plaintext), header.word, from: source))
  }

  private func send(_ bytes: [UInt8], to destination: Endpoint) -> Int32 {
    guard failure == 0 else { return failure }
    guard bytes.count <= byteCountMax else { return EMSGSIZE }
    sentCount += 1
    time.now = time.now + sendCost
    if HandshakeMessage.isInitiation(bytes) { initiations.append(destination) }
    outgoing.append((bytes, destination))
    return 0
  }
}

extension HandshakeMessage {
  fileprivate static func isInitiation(_ bytes: [UInt8]) -> Bool {
    HandshakeMessage(parsing: bytes.span)?.kind == .initiation
  }
}

extension KeyLogLine {
  var shown: String {
    let text = text
    return text.withBytes { bytes in String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self) }
  }
}

/// Lines of a log, kept.
final class LogLines: Sendable {
  private let kept = Mutex<[String]>([])

  var texts: [String] { kept.withLock { $0 } }

  var logger: Logger {
    StandardErrorLogHandler.logger(level: .debug, isJournal: false) { [self] bytes in
      kept.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
    }
  }
}
