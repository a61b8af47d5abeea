import LinuxIO
import VXLAN

/// Frames of one worker that wait for sessions, in clear, by peer and in the order of their arrival.
struct WaitingFrames: ~Copyable {
  struct Frame {
    let bytes: [UInt8]
    /// Where it was to go.
    let key: OutgoingRuns.Key
    /// One of the copies of a flooded frame, which is counted as sent already.
    let isCopy: Bool
    /// It is not sent any more from this moment on.
    let deadline: Instant
  }

  private let budget: WaitingBudget
  /// By peer slot.
  private var queues: [[Frame]]
  /// Of all peers.
  private(set) var count = 0

  init(budget: WaitingBudget, peerCount: Int) {
    self.budget = budget
    queues = Array(repeating: [], count: peerCount)
  }

  deinit {
    for queue in queues { for frame in queue { budget.give(frame.bytes.count, peer: frame.key.peer) } }
  }

  /// Whether frames to this peer wait.
  func contains(peer slot: Int) -> Bool { !queues[slot].isEmpty }

  /// Adds a frame of `byteCount` bytes at `start`. False, and nothing kept, when there is no room.
  mutating func append(
    _ start: UnsafeMutablePointer<UInt8>, byteCount: Int, key: OutgoingRuns.Key, isCopy: Bool, now: Instant
  ) -> Bool {
    guard budget.take(byteCount, peer: key.peer) else { return false }
    // SAFETY: the caller has so many bytes there.
    let bytes = Array(UnsafeBufferPointer(start: start, count: byteCount))
    queues[key.peer].append(Frame(bytes: bytes, key: key, isCopy: isCopy, deadline: now + Limits.waitingTimeMax))
    count += 1
    return true
  }

  /// Takes all frames to a peer.
  mutating func takeAll(peer slot: Int) -> [Frame] {
    var taken: [Frame] = []
    swap(&taken, &queues[slot])
    giveUp(taken)
    return taken
  }

  /// Takes the frames to a peer that have waited too long.
  mutating func takeExpired(peer slot: Int, now: Instant) -> [Frame] {
    let count = queues[slot].prefix { $0.deadline <= now }.count
    guard count > 0 else { return [] }
    let taken = Array(queues[slot][..<count])
    queues[slot].removeFirst(count)
    giveUp(taken)
    return taken
  }

  private mutating func giveUp(_ frames: [Frame]) {
    count -= frames.count
    for frame in frames { budget.give(frame.bytes.count, peer: frame.key.peer) }
  }
}
