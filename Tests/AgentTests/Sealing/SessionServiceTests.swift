import Dispatch
import Forwarding
import LinuxIO
import Sealing
import Synchronization
import Testing
import VXLAN

@testable import Agent
@testable import Dataplane

/// On a thread of its own and the system's clock, with a peer in memory that answers initiations at once.
@Suite("The thread of the sessions")
struct SessionServiceTests {
  private let bench: ServiceBench

  init() throws {
    bench = try ServiceBench()
  }

  @Test("it finds a session by itself, says so when asked, and leaves no key behind when it ends")
  func life() throws {
    try bench.service.start()
    #expect(bench.waits { bench.service.statuses()?[0]?.state == .up })
    #expect(bench.keyring.sending(toPeer: 0) != nil)
    bench.service.stop()
    #expect(bench.keyring.sending(toPeer: 0) == nil)
  }

  @Test("who asks and gets no answer within two seconds is not held up longer: the thread is at something else")
  func heldUp() throws {
    let gate = DispatchSemaphore(value: 0)
    bench.peer.withLock { $0.gate = gate }
    try bench.service.start()
    #expect(bench.waits(forAttempt: 1))
    let took = ContinuousClock().measure { #expect(bench.service.statuses() == nil) }
    #expect(took >= .milliseconds(1_900) && took < .seconds(4))
    bench.peer.withLock { $0.gate = nil }
    gate.signal()
    #expect(bench.waits { bench.service.statuses()?[0]?.state == .up })
    bench.service.stop()
  }

  @Test("it ends at once, also while it sleeps or nobody answers")
  func stop() throws {
    bench.peer.withLock { $0.answers = false }
    try bench.service.start()
    #expect(bench.waits { bench.service.statuses()?[0]?.state == .handshake })
    let took = ContinuousClock().measure { bench.service.stop() }
    #expect(took < .seconds(1))
    bench.service.stop()
  }

  @Test("what routes take reaches the data path, what comes for one peer before it was heard of joined to one")
  func routes() throws {
    bench.service.follow([:])
    bench.service.follow([0: PeerRoute(pathMTU: 1_400, isOther: true)])
    bench.service.follow([0: PeerRoute(pathMTU: 1_300, isOther: false)])
    try bench.service.start()
    #expect(bench.waits { !bench.peer.withLock { $0.pathMTUs.isEmpty } })
    #expect(bench.peer.withLock { $0.pathMTUs } == [1_300])
    bench.service.stop()
  }

  /// The first of the news says that the route is another.
  @Test(
    "news of the routes have a peer without a session asked again before its turn, joined to one: the last size counts",
    arguments: [[1_400], [1_400, 1_300]])
  func otherRoutes(sizes: [Int]) throws {
    bench.peer.withLock { $0.answers = false }
    try bench.service.start()
    #expect(bench.waits(forAttempt: 1))
    let gate = DispatchSemaphore(value: 0)
    bench.peer.withLock { $0.gate = gate }
    // The thread is held in attempt 2, which comes by itself; the third is two seconds after the second.
    #expect(bench.waits(forAttempt: 2))
    for (number, size) in sizes.enumerated() {
      bench.service.follow([0: PeerRoute(pathMTU: size, isOther: number == 0)])
    }
    bench.peer.withLock { $0.gate = nil }
    let start = ContinuousClock.now
    gate.signal()
    #expect(bench.waits(forAttempt: 3))
    #expect(ContinuousClock.now - start < .milliseconds(1_500))
    #expect(bench.peer.withLock { $0.pathMTUs } == Array(sizes.suffix(1)))
    bench.service.stop()
  }

  @Test("another private key makes another session at once, as the new key; the last of several counts")
  func keys() throws {
    var entropy = SystemEntropy()
    let others = [PrivateKey(from: &entropy), PrivateKey(from: &entropy)]
    try bench.service.start()
    #expect(bench.waits { bench.service.statuses()?[0]?.state == .up })
    for key in others { bench.service.take(KeyNews(privateKey: key, presharedKeys: [])) }
    bench.service.take(KeyNews(privateKey: nil, presharedKeys: []))
    #expect(bench.waits { bench.peer.withLock { $0.initiators.last } == others[1].publicKey })
    #expect(bench.waits { bench.service.statuses()?[0]?.state == .up })
    bench.service.stop()
  }
}

/// A service, and what its peer in memory knows. Everything that the service's thread touches is behind a lock.
private final class ServiceBench: Sendable {
  struct Peer {
    var answers = true
    /// Who initiated, in order.
    var initiators: [PublicKey] = []
    var pathMTUs: [Int] = []
    /// Waited for by every initiation.
    var gate: DispatchSemaphore?
    var index: UInt32 = 0
  }

  let peer = Mutex(Peer())
  let keyring = Keyring(peerCount: 1, gracePeriod: GracePeriod(readerCount: 0))
  let service: SessionService

  init() throws {
    let key = try #require(PrivateKey(base64: SealingSamples.privateKey))
    let peerKey = try #require(PrivateKey(base64: SealingSamples.peerPrivateKey))
    let endpoint = Endpoint(address: IPAddress(ipv4: 0xC000_0202), udpPort: 4790)
    let poller = try Poller()
    let inbox = SealedInbox { poller.wake() }
    let local = try LocalEnd(
      privateKey: key, presharedKeys: [], choice: .automatic, available: CipherMask([.chacha20poly1305]),
      entropy: SystemEntropy())
    let link = Link()
    let outside = SessionKeeper.Outside(
      keyring: keyring, inbox: inbox, waiting: WaitingBudget(peerCount: 1), counters: SealedCounters(),
      send: { bytes, _ in
        if let answer = link.bench?.answer(to: bytes, with: peerKey) {
          _ = inbox.offer(.handshake(answer, from: endpoint))
        }
        return 0
      },
      sendWaiting: {}, expireWaiting: {},
      setPathMTU: { byteCount, _ in link.bench?.peer.withLock { $0.pathMTUs.append(byteCount) } },
      plainTrafficMark: { _ in 0 }, events: PeerEvents(history: EventHistory(), names: ["p"]), noteMove: { _, _ in },
      doubtRoutes: {},
      clock: { Instant(nanoseconds: Clock.now()) })
    let keeper = SessionKeeper(
      local, peers: [SessionPeer(slot: 0, name: "p", publicKey: peerKey.publicKey, endpoint: endpoint)],
      pathRaiseInterval: .seconds(600), outside: outside, log: SessionLog(ThrottledLogger(LogLines().logger)))
    service = SessionService(keeper, poller: poller)
    link.bench = self
  }

  /// Whether something comes true within ten seconds.
  func waits(until holds: () -> Bool) -> Bool {
    for _ in 0..<1_000 {
      if holds() { return true }
      _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(10))
    }
    return false
  }

  /// Whether the service has made so many attempts within ten seconds.
  func waits(forAttempt number: Int) -> Bool { waits { peer.withLock { $0.initiators.count == number } } }

  private func answer(to bytes: [UInt8], with key: PrivateKey) -> [UInt8]? {
    guard let message = HandshakeMessage(parsing: bytes.span),
      let handshake = ResponderHandshake(opening: message, with: key)
    else { return nil }
    let (gate, answers, index) = peer.withLock { peer in
      peer.initiators.append(handshake.initiator)
      peer.index += 1
      return (peer.gate, peer.answers, peer.index)
    }
    gate?.wait()
    guard answers else { return nil }
    var entropy = SystemEntropy()
    return handshake.respond(
      ephemeralKey: PrivateKey(from: &entropy), index: index, cipher: .chacha20poly1305, presharedKey: nil
    )?.response.bytes
  }
}

/// From the service's thread to the bench, which is made after it.
private final class Link: @unchecked Sendable {
  weak var bench: ServiceBench?
}
