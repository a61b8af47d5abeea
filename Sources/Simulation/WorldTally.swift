import Dataplane
import Sealing
import VXLAN

/// How much happened in a world.
package struct WorldTally: Equatable, Sendable {
  /// Frames that stations sent, and frames that came out of TAPs.
  package internal(set) var offeredCount = 0
  package internal(set) var deliveredCount = 0
  /// What agents put on the wires, handshakes and control messages among it.
  package internal(set) var datagramCount = 0
  package internal(set) var handshakeCount = 0
  package internal(set) var controlCount = 0
  package internal(set) var sealedCount = 0
  package internal(set) var lostCount = 0
  package internal(set) var doubledCount = 0
  package internal(set) var swallowedCount = 0
  /// Datagrams for hosts without an agent, and those for which a paused one had no room.
  package internal(set) var unheardCount = 0
  package internal(set) var overflowCount = 0
  package internal(set) var startCount = 0
  package internal(set) var reloadCount = 0
  package internal(set) var moveCount = 0
  package internal(set) var agedCount = 0
  package internal(set) var nonceCount = 0
  package internal(set) var keyCount = 0
  /// As the agents count: what came from TAPs and from wires.
  package internal(set) var framesIn: UInt64 = 0
  /// By reason, in the order of their declaration.
  private var drops = Array(repeating: 0 as UInt64, count: DropReason.allCases.count)
  /// When a path last swallowed a sealed frame.
  var lastSwallowed: Instant?

  /// Frames that ended, by reason: those that there were.
  package var dropsByReason: [(reason: DropReason, count: UInt64)] {
    zip(DropReason.allCases, drops).filter { $1 > 0 }.map { ($0, $1) }
  }

  mutating func note(_ kind: SealedHeader.Kind?) {
    switch kind {
    case .handshake: handshakeCount += 1
    case .control: controlCount += 1
    case .frame: sealedCount += 1
    case nil: break
    }
  }

  /// Adds what an agent counted in its life.
  mutating func add(_ counters: CounterSnapshot) {
    for direction in Direction.allCases {
      framesIn += counters.total(.framesIn, direction)
      for (index, reason) in DropReason.allCases.enumerated() { drops[index] += counters.total(reason, direction) }
    }
  }
}
