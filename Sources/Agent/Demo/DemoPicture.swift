/// The texts of the demonstration that are more than a sentence, and how its figures are written.
enum DemoPicture {
  static func text(isSealed: Bool) -> String {
    """
    Two hosts, one overlay network: what leaves 10.42.0.1 as an Ethernet frame arrives at 10.42.0.2 as the same
    frame, carried over the underlay in UDP\(isSealed ? sealed : plain)

          host a                                    host b
      +----------------------------+            +----------------------------+
      |  vx42, a TAP               |   overlay  |  vx42, a TAP               |
      |  10.42.0.1/24  . . . . . . | . VNI 42 . | . . . . . .  10.42.0.2/24  |
      |        |                   |            |                   |        |
      |     vtep run               |            |               vtep run     |
      |        |                   |            |                   |        |
      |  192.0.2.1/24 -------------|------------|------------- 192.0.2.2/24  |
      |  underlay0                 |  underlay  |                 underlay0  |
      +----------------------------+  UDP \(isSealed ? "4790" : "4789")  +----------------------------+
    """
  }

  private static let plain = " (RFC 7348). In clear: this segment is not sealed."
  private static let sealed = """
    . Sealed: encrypted and authenticated
    with keys that the two agents agree on, and renew every two minutes.
    """

  /// `1234 ms`.
  static func milliseconds(_ time: Duration) -> String {
    "\(Int64(time / .milliseconds(1))) ms"
  }

  /// `1.23 Gb/s` of payload, with two decimals.
  static func gigabitsPerSecond(byteCount: Int, in time: Duration) -> String {
    let hundredths = Int64(Double(byteCount) * 8 / (time / .seconds(1)) / 1e7)
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) Gb/s"
  }
}
