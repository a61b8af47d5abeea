import VXLAN

/// What the owner of a `SessionTable` has to do, in this order.
package enum SessionAction {
  /// Send these bytes from the listening socket.
  case send([UInt8], to: Endpoint)
  /// Append the keys of a new session to the key log: what this side sends with, then what it receives with. Comes only
  /// where keys are logged, and before anything is sealed with them.
  case log([TransportKey], with: PublicKey)
  /// Accept datagrams with this key's index from now on.
  case receive(OpeningKey, from: PublicKey)
  /// Seal frames to this peer with this key from now on; nil: there is no session, frames wait.
  case seal(SealingKey?, to: PublicKey)
  /// Accept nothing with this index any more, and let go of the key within a second.
  case retire(index: UInt32)
  /// Frames to this peer go here from now on.
  case move(PublicKey, to: Endpoint)
  /// IP packets of so many bytes reach the peer whole from now on.
  /// - Parameter isSettled: false while a search goes on, or when only the route is known.
  case setPathMTU(Int, to: PublicKey, isSettled: Bool)
}
