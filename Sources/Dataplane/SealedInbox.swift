import Sealing
import Synchronization
import VXLAN

/// What workers hand over to the thread that owns the sessions: handshakes, control messages, and datagrams of no
/// session. Bounded; what does not fit is refused.
///
/// *Threads.* Any number offer, one takes. A lock, which no frame waits for.
package final class SealedInbox: Sendable {
  package enum Item: Sendable {
    /// A datagram whose framing and `mac1` are right; of a cookie reply, which has no `mac1`, the framing.
    case handshake([UInt8], from: Endpoint)
    /// An authentic control message, without header and tag.
    case control([UInt8], SealedHeader.Word, from: Endpoint)
    /// A frame or control message that no session has the index of.
    case unknownSession(from: Endpoint)
  }

  private struct State {
    var items: [Item] = []
    var handshakeCount = 0
    var cookieCount = 0
    var controlCount = 0
    var unknownCount = 0

    mutating func countIn(_ item: Item, isCookie: Bool) -> Bool {
      switch item {
      case .handshake where isCookie: Self.countIn(&cookieCount, Limits.waitingCookieCountMax)
      case .handshake: Self.countIn(&handshakeCount, Limits.waitingHandshakeCountMax)
      case .control: Self.countIn(&controlCount, Limits.waitingControlCountMax)
      case .unknownSession: Self.countIn(&unknownCount, Limits.waitingUnknownCountMax)
      }
    }

    private static func countIn(_ count: inout Int, _ countMax: Int) -> Bool {
      guard count < countMax else { return false }
      count += 1
      return true
    }
  }

  private let state = Mutex(State())
  private let wake: @Sendable () -> Void

  /// - Parameter wake: called when the first item comes after a `take`, by the thread that offers it; must not block.
  package init(wake: @escaping @Sendable () -> Void) {
    self.wake = wake
  }

  /// Everything that waits, in order, and whether handshakes other than cookie replies filled more than an eighth of
  /// their room.
  package func take() -> (items: [Item], isUnderLoad: Bool) {
    let taken = state.withLock { state in
      let taken = state
      state = State()
      return taken
    }
    return (taken.items, taken.handshakeCount > Limits.waitingHandshakeCountMax / 8)
  }

  /// False, and nothing kept, when there is no room for one more of its kind.
  /// - Parameter isCookie: a handshake that is a cookie reply, which anybody can make.
  func offer(_ item: Item, isCookie: Bool = false) -> Bool {
    let (isTaken, isFirst) = state.withLock { state in
      guard state.countIn(item, isCookie: isCookie) else { return (false, false) }
      state.items.append(item)
      return (true, state.items.count == 1)
    }
    if isFirst { wake() }
    return isTaken
  }
}
