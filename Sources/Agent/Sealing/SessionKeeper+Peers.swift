import Sealing
import VXLAN

/// Peers that come and go, and what all of them follow.
extension SessionKeeper {
  /// What becomes of the sessions at once.
  struct Change: Sendable {
    /// Their sessions end, which is no loss.
    var removed: [PublicKey] = []
    /// Nil where the own keys are what they were.
    var keys: KeyNews?
    /// Nil where it is what it was; otherwise all sessions end and are agreed on anew.
    var cipherChoice: CipherChoice?
    /// Nil where it is what it was.
    var pathRaiseInterval: Duration?
    var added: [SessionPeer] = []
    /// By peer slot, of those that were added.
    var routes: [Int: PeerRoute] = [:]
  }

  func follow(_ change: Change) {
    let now = outside.clock()
    remove(change.removed, now: now)
    if let interval = change.pathRaiseInterval { table.setPathRaiseInterval(interval) }
    if let keys = change.keys { take(keys) }
    if let choice = change.cipherChoice {
      restart { table.setCipherChoice(choice, now: now) }
    }
    add(change.added, now: now)
    follow(change.routes)
    pace.hasten(to: now)
  }

  private func remove(_ keys: [PublicKey], now: Instant) {
    guard !keys.isEmpty else { return }
    for key in keys {
      guard let index = indexByKey[key] else { continue }
      isUp[index] = false
      perform(table.remove(key, now: now), now: now)
      addresses.remove(peers[index])
    }
    let gone = Set(keys)
    let kept = peers.indices.filter { !gone.contains(peers[$0].publicKey) }
    (isUp, toldPathMTUs) = (kept.map { isUp[$0] }, kept.map { toldPathMTUs[$0] })
    (plainTrafficMarks, peers) = (kept.map { plainTrafficMarks[$0] }, kept.map { peers[$0] })
    indexPeers()
  }

  private func add(_ new: [SessionPeer], now: Instant) {
    for peer in new {
      peers.append(peer)
      isUp.append(false)
      toldPathMTUs.append(nil)
      plainTrafficMarks.append(outside.plainTrafficMark(peer.slot))
    }
    indexPeers()
    enlist(new, now: now)
  }

  private func indexPeers() {
    indexByKey = Dictionary(uniqueKeysWithValues: peers.enumerated().map { ($1.publicKey, $0) })
  }
}
