import Synchronization
import VXLAN

/// Which station has which address behind the peers of one segment, from the ARP and neighbour discovery that passed.
///
/// The last claim wins, at once. A claim from behind the own TAP, one that contradicts itself, and somebody who is
/// about to take an address end its binding: requests are flooded then, until the owner has answered one. So what is
/// answered is never older than what was said last.
///
/// *Threads.* Any; a lock, which only ARP and neighbour discovery take.
/// *Memory.* 48 bytes a slot, at least half of the slots unused; nothing before the first binding.
/// - SeeAlso: RFC 9161; RFC 4861, section 7.2; RFC 5227.
package final class NeighborTable: Sendable {
  /// What is known of an address that somebody asks for.
  package enum Reply: Equatable, Sendable {
    /// Nothing that may be said: all are to be asked.
    case unknown
    /// It is at `mac`, behind the peer in a slot. `asksStation`: the binding is no longer fresh, and the station is to
    /// be asked too.
    case answer(mac: MACAddress, isRouter: Bool, peer: Int, asksStation: Bool)
    /// It is behind the peer in a slot, but whether it is a router only the station can say: this one is to be asked.
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

  /// Bindings that have not expired. Complexity: all slots.
  package func count(now: UInt32) -> Int {
    state.withLock { state in
      state.slots.sweep(now: now)
      return state.slots.count
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
      if let probed = message.probed { state.slots.remove(probed) }
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
        state.slots.remove(at: index)
        return .unknown
      }
      guard binding.hasFlags else {
        _ = state.slots[index].takesProbe(now: now)
        return .ask(peer: peer)
      }
      guard state.takesAnswer(now: now) else { return .unknown }
      let asksStation = binding.isStale(now: now) && state.slots[index].takesProbe(now: now)
      return .answer(mac: binding.mac, isRouter: binding.isRouter, peer: peer, asksStation: asksStation)
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
    guard !remote.isLocal, claim.weight != .contradictory else { return remove(claim.address) }
    let isRouter: Bool? =
      switch claim.weight {
      case .full(let isRouter), .weak(let isRouter), .confirming(let isRouter): isRouter
      case .unflagged, .contradictory: nil
      }
    guard let index = index(of: claim.address, now: now) else {
      if case .confirming = claim.weight { return }
      _ = insert(NeighborBinding(claim.address, at: claim.mac, remote, isRouter: isRouter, now: now), now: now)
      return
    }
    let isKnown = self[index].mac == claim.mac
    switch claim.weight {
    // Two stations have the address, or one speaks for another: which is right is not ours to say.
    case .weak where !isKnown, .confirming where !isKnown: return remove(at: index)
    default: break
    }
    guard assign(index, to: remote, now: now) else { return }
    if isKnown {
      self[index].confirm(isRouter: isRouter, now: now)
    } else {
      self[index].change(to: claim.mac, isRouter: isRouter, now: now)
    }
  }
}
