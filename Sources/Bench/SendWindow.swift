/// How many datagrams a sender may have under way, and when those that did not arrive are given up.
struct SendWindow {
  /// After nothing has arrived for so long what is under way counts as lost. A hiccup of the scheduler is shorter.
  static let lossNanoseconds: UInt64 = 50_000_000

  private let capacity: Int
  private var sentCount = 0
  private var lostCount = 0
  private var arrivedCount = 0
  private var lastArrival: UInt64

  /// - Parameter now: nanoseconds on any clock.
  init(capacity: Int, now: UInt64) {
    self.capacity = capacity
    lastArrival = now
  }

  /// How many more may be sent, 0 or less: none.
  /// - Parameter arrived: how many have arrived in all.
  mutating func room(arrived: Int, now: UInt64) -> Int {
    if arrived != arrivedCount {
      arrivedCount = arrived
      lastArrival = now
    }
    let room = capacity - (sentCount - arrived - lostCount)
    guard room <= 0, now &- lastArrival > Self.lossNanoseconds else { return room }
    lostCount = sentCount - arrived
    lastArrival = now
    return capacity
  }

  /// So many were sent.
  mutating func noteSent(_ count: Int) {
    sentCount += count
  }
}
