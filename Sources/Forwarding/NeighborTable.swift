import Synchronization
import VXLAN

/// Which station has which address behind the peers of one segment, from the ARP and neighbour discovery that passed.
///
/// The last claim wins, at once. A claim from behind the own TAP, one that contradicts itself, and somebody who is
/// about to take an address end its binding: requests are flooded then, until the owner has answered one. So what is
/// answered is never older than what was said last.
///
/// A binding that ends stays in its slot while it counts for changes: whoever ends it cannot have those forgotten that
/// came before. Its time ends it for good.
///
/// *Threads.* Any; a lock, which only ARP and neighbour discovery take.
/// *Memory.* 48 bytes a slot, about half of the slots unused; nothing before the first binding.
/// - SeeAlso: RFC 9161; RFC 4861, section 7.2; RFC 5227.
package final class NeighborTable: Sendable {
  /// What is known of an address that somebody asks for.
  package enum Reply: Equatable, Sendable {
    /// Nothing that may be said: all are to be asked.
    case unknown
    /// It is at `mac`, behind the peer in a slot. `asksStation`: the binding is no longer fresh, and the station is to
    /// be asked too.
    case answer(mac: MACAddress, isRouter: Bool, peer: Int, asksStation: Bool)
    /// It is behind the peer in a slot, but whether it is a router only the station can say: this one is to be asked,
    /// and `noteQuestion` to be called when it is.
    case ask(peer: Int)
  }

  fileprivate struct State {
    var slots: NeighborSlots
    /// Answers in the second that is open.
    var answerCount: UInt32 = 0
    var answerSecond: UInt32 = 0
  }

  private let state: Mutex<State>

  /// - Parameter hash: keyed with a secret.
  package init(hash: KeyedHash, peerCount: Int) {
    state = Mutex(State(slots: NeighborSlots(hash: hash, peerCount: peerCount)))
  }

  /// Bindings that are known, as of the last change or `sweep`.
  package func count() -> Int { state.withLock { $0.slots.knownCount } }

  /// Takes out what has expired, a part of the table under each hold of the lock. To be called now and then: what is
  /// not taken out counts towards the limits.
  package func sweep(now: UInt32) {
    for page in 0..<Limits.bindingPageCount {
      guard state.withLock({ $0.slots.sweep(page: page, now: now) }) else { return }
    }
  }

  /// Forgets all.
  package func removeAll() { state.withLock { $0.slots.removeAll() } }

  /// Forgets the addresses behind a peer, a part of the table under each hold of the lock.
  package func removeAll(at remote: Remote) {
    for page in 0..<Limits.bindingPageCount {
      guard state.withLock({ $0.slots.removeAll(at: remote, page: page) }) else { return }
    }
  }

  /// Takes what a message says that came from `remote`. Answers whether a station behind the own TAP has taken an
  /// address over that was known behind a peer.
  /// - Parameter now: in seconds, `Instant.seconds`.
  @discardableResult
  package func learn(_ message: NeighborMessage, from remote: Remote, now: UInt32) -> Bool {
    state.withLock { state in
      let isTakenOver =
        remote.isLocal && message.claim.map { state.slots.index(of: $0.address, now: now) != nil } == true
      if let probed = message.probed { state.slots.withdraw(probed, claimedBy: nil, now: now) }
      if let claim = message.claim { state.slots.learn(claim, from: remote, now: now) }
      return isTakenOver
    }
  }

  /// What may be said of `address`.
  /// - Parameter peerOf: the slot of the peer that a MAC is at, by the forwarding table; nil: at none.
  package func reply(to address: IPAddress, now: UInt32, peerOf: (MACAddress) -> Int?) -> Reply {
    state.withLock { state -> Reply in
      guard let index = state.slots.index(of: address, now: now) else { return .unknown }
      let binding = state.slots[index]
      guard !binding.isContested(now: now), let peer = peerOf(binding.mac) else { return .unknown }
      if binding.isSilent(now: now) {
        state.slots[index].withdraw(claimedBy: nil, now: now)
        return .unknown
      }
      guard binding.hasFlags else { return .ask(peer: peer) }
      guard state.takesAnswer(now: now) else { return .unknown }
      let asksStation = binding.isStale(now: now) && binding.mayBeAsked(now: now)
      if asksStation { state.slots[index].noteQuestion(now: now) }
      return .answer(mac: binding.mac, isRouter: binding.isRouter, peer: peer, asksStation: asksStation)
    }
  }

  /// A request for `address` is on its way to the one peer: it is the question, and those of one second are one.
  package func noteQuestion(about address: IPAddress, now: UInt32) {
    state.withLock { state in
      guard let index = state.slots.index(of: address, now: now), state.slots[index].mayBeAsked(now: now) else {
        return
      }
      state.slots[index].noteQuestion(now: now)
    }
  }
}

extension NeighborTable.State {
  fileprivate mutating func takesAnswer(now: UInt32) -> Bool {
    if answerSecond != now { (answerSecond, answerCount) = (now, 0) }
    guard answerCount < Limits.neighborAnswerCountMax else { return false }
    answerCount += 1
    return true
  }
}

extension NeighborSlots {
  fileprivate mutating func learn(_ claim: NeighborMessage.Claim, from remote: Remote, now: UInt32) {
    if case .contradictory = claim.weight { return withdraw(claim.address, claimedBy: nil, now: now) }
    guard !remote.isLocal else { return withdraw(claim.address, claimedBy: claim.mac, now: now) }
    let known = index(of: claim.address, now: now)
    switch claim.weight {
    case .confirming where known == nil: return
    // Two stations have the address, or one speaks for another: which is right is not ours to say.
    case .weak where known.map { self[$0].mac != claim.mac } == true,
      .confirming where known.map { self[$0].mac != claim.mac } == true:
      return withdraw(claim.address, claimedBy: claim.mac, now: now)
    default: break
    }
    let isRouter = claim.weight.isRouter
    guard let index = place(of: claim.address) else {
      return insert(NeighborBinding(claim.address, at: claim.mac, remote, isRouter: isRouter, now: now), now: now)
    }
    if assign(index, to: remote) {
      self[index].take(claim.mac, isRouter: isRouter, now: now)
    } else {
      self[index].withdraw(claimedBy: claim.mac, now: now)
    }
  }

  /// Ends the binding of an address, if it has one.
  fileprivate mutating func withdraw(_ address: IPAddress, claimedBy mac: MACAddress?, now: UInt32) {
    if let index = place(of: address) { self[index].withdraw(claimedBy: mac, now: now) }
  }
}

extension NeighborMessage.Weight {
  /// Nil: it does not tell.
  fileprivate var isRouter: Bool? {
    switch self {
    case .full(let isRouter), .weak(let isRouter), .confirming(let isRouter): isRouter
    case .unflagged, .contradictory: nil
    }
  }
}
