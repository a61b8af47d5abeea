import Synchronization
import VXLAN

/// Where peers have moved to, by slot: who has not is not in it. Noted by the thread of the sessions. Any thread.
final class PeerPlaces: Sendable {
  private let places = Mutex<[Int: IPAddress]>([:])

  func note(_ address: IPAddress, ofPeer slot: Int) { places.withLock { $0[slot] = address } }

  /// Whoever gets the slot next has not moved.
  func forget(peer slot: Int) { places.withLock { $0[slot] = nil } }

  var all: [Int: IPAddress] { places.withLock { $0 } }
}
