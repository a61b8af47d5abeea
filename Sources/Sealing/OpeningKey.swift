import Synchronization
import VXLAN

/// The key that one side of a session receives with: what was received already on each lane, and how often opening
/// failed.
///
/// *Threads.* Any number of threads open with its `Opener` while this object lives.
package final class OpeningKey: Sendable {
  private let key: PreparedKey
  /// How this side named the session.
  package let index: UInt32
  package let failureCountMax: UInt64
  // SAFETY: initialised, freed in `deinit`; all of it is atomic.
  private nonisolated(unsafe) let state: UnsafeMutablePointer<Opener.State>

  package var cipher: Cipher { key.cipher }

  /// - Parameter failureCountMax: after how many datagrams that did not open the session closes; less in tests only.
  init(_ key: PreparedKey, index: UInt32, failureCountMax: UInt64? = nil) {
    precondition(index <= SealedHeader.Word.indexMax)
    self.key = key
    self.index = index
    self.failureCountMax = failureCountMax ?? key.cipher.failureCountMax
    state = .allocate(capacity: 1)
    state.initialize(to: Opener.State())
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// What threads open with. Valid while this object lives.
  package var opener: Opener {
    Opener(cipher: cipher, index: index, preparedKey: key.pointer, state: state)
  }

  private func mark(_ lane: UInt8) -> UInt64 {
    state.pointee.windows[Int(lane)].load(ordering: .acquiring).map { ReplayWindow(storage: $0).next } ?? 0
  }

  /// How many datagrams did not open.
  package var failureCount: UInt64 { state.pointee.failureCount.load(ordering: .relaxed) }
  /// Whether so many datagrams failed that the session has to close.
  package var isExhausted: Bool { failureCount >= failureCountMax }
  /// A number that grows when frames are received, on any lane but the control thread's.
  var frameMark: UInt64 { (0..<SealingKey.controlLane).reduce(0) { $0 &+ mark($1) } }
  /// A number that grows when control messages are received.
  var controlMark: UInt64 { mark(SealingKey.controlLane) }
  /// Whether any datagram was authenticated: it proves that the other side has the key.
  package var isProven: Bool { state.pointee.isProven.load(ordering: .acquiring) }
}
