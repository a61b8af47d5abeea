import VXLAN

/// When to initiate again: after 1, 2, 4, 5, 5… seconds, each 20 % more or less at random, so that hosts that were
/// started together do not go on together.
enum RetrySchedule {
  private static let delays: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
  private static let delayMax = Duration.seconds(5)

  /// How long to wait after attempt `number`, 1 for the first.
  static func delay(after number: Int, _ entropy: inout any Entropy) -> Duration {
    let delay = number <= delays.count ? delays[number - 1] : delayMax
    let fifth = delay.nanosecondCount / 5
    return delay + .nanoseconds(Int64(entropy.next(in: 0..<2 * fifth + 1)) - Int64(fifth))
  }
}
