import LinuxIO
import VXLAN

/// Frames of one worker that wait for sessions, in clear, by peer and in the order of their arrival.
struct WaitingFrames: ~Copyable {
  /// The bytes of a frame, which all its waiting copies share: charged once, and given back with the last of them.
  final class Content: Sendable {
    let bytes: [UInt8]
    private let budget: WaitingBudget

    /// Nil when too much waits in all.
    init?(_ bytes: UnsafeBufferPointer<UInt8>, _ budget: WaitingBudget) {
      guard budget.takeOfTotal(bytes.count) else { return nil }
      // SAFETY: copied before the call returns, which the caller's bytes outlive.
      self.bytes = Array(bytes)
      self.budget = budget
    }

    deinit { budget.giveToTotal(bytes.count) }
  }

  struct Frame {
    let content: Content
    /// Where it was to go.
    let key: OutgoingRuns.Key
    /// One of the copies of a flooded frame, which is counted as sent already.
    let isCopy: Bool
    /// It is not sent any more from this moment on.
    let deadline: Instant
  }

  private let budget: WaitingBudget
  /// By peer slot, up to the highest to which a frame has waited.
  private var queues: [[Frame]] = []
  /// Of all peers.
  private(set) var count = 0

  init(budget: WaitingBudget) {
    self.budget = budget
  }

  deinit {
    for queue in queues { for frame in queue { budget.give(frame.content.bytes.count, peer: frame.key.peer) } }
  }

  /// Slots of peers to which frames may wait.
  var peers: Range<Int> { queues.indices }

  /// Whether frames to this peer wait.
  func contains(peer slot: Int) -> Bool { slot < queues.count && !queues[slot].isEmpty }

  /// Adds a frame. Answers what it keeps of it, for other copies to share; nil, and nothing kept, without room.
  /// - Parameter content: the same bytes, where another copy keeps them already.
  mutating func append(
    _ bytes: UnsafeBufferPointer<UInt8>, sharing content: Content?, key: OutgoingRuns.Key, isCopy: Bool, now: Instant
  ) -> Content? {
    guard budget.take(bytes.count, peer: key.peer) else { return nil }
    guard let content = content ?? Content(bytes, budget) else {
      budget.give(bytes.count, peer: key.peer)
      return nil
    }
    while queues.count <= key.peer { queues.append([]) }
    queues[key.peer].append(
      Frame(content: content, key: key, isCopy: isCopy, deadline: now + Limits.waitingTimeMax))
    count += 1
    return content
  }

  /// The frames to a peer, in order.
  func frames(peer slot: Int) -> [Frame] { slot < queues.count ? queues[slot] : [] }

  /// Lets go of the first frames to a peer.
  mutating func removeFirst(_ count: Int, peer slot: Int) {
    giveUp(Array(queues[slot][..<count]))
    queues[slot].removeFirst(count)
  }

  /// Takes the frames to a peer that have waited too long.
  mutating func takeExpired(peer slot: Int, now: Instant) -> [Frame] {
    let count = frames(peer: slot).prefix { $0.deadline <= now }.count
    guard count > 0 else { return [] }
    let taken = Array(queues[slot][..<count])
    queues[slot].removeFirst(count)
    giveUp(taken)
    return taken
  }

  /// Takes the frames that go nowhere any more, of all peers.
  mutating func take(where isLost: (Frame) -> Bool) -> [Frame] {
    var taken: [Frame] = []
    for slot in queues.indices where !queues[slot].isEmpty {
      let lost = queues[slot].filter(isLost)
      guard !lost.isEmpty else { continue }
      queues[slot].removeAll(where: isLost)
      taken += lost
    }
    giveUp(taken)
    return taken
  }

  private mutating func giveUp(_ frames: [Frame]) {
    count -= frames.count
    for frame in frames { budget.give(frame.content.bytes.count, peer: frame.key.peer) }
  }
}
