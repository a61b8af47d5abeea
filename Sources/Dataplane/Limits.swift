import VXLAN

/// Our own bounds of the data path, each with its reason.
package enum Limits {
  /// Slots that segments may have: twice as many as a configuration may name, so that all can be replaced at once.
  package static let segmentSlotCount = 2048

  /// Handshakes that wait for the control thread: 20 s of what it answers at most. Above an eighth, cookies.
  static let waitingHandshakeCountMax = 1024
  /// Cookie replies that wait for it. Nothing of them is proven before it looks for the initiation that they answer, so
  /// they have few places, and none of the handshakes'.
  static let waitingCookieCountMax = 32
  /// Control messages that wait for it: far more than there are peers that send one in its longest pause.
  static let waitingControlCountMax = 1024
  /// Notes of unknown sessions that wait for it.
  static let waitingUnknownCountMax = 64
  /// Nanoseconds in which a worker notes at most one unknown session of a configured peer's address, and of any other:
  /// a peer may have moved, but strangers must not take the place of those that have not.
  static let unknownSessionInterval: UInt64 = 100_000_000
  static let unknownStrangerInterval: UInt64 = 1_000_000_000

  /// Frames that wait for a session: as many as a TCP connection sends before the first answer, and the handshake's
  /// time of a busy flow.
  static let waitingFrameCountMax = 128
  /// Bytes of these frames, for each peer and in all.
  static let waitingByteCountMax = 256 * 1024
  static let waitingTotalByteCountMax = 16 * 1024 * 1024
  /// How long they wait: after that, whoever sent them has sent them again.
  static let waitingTimeMax = Duration.seconds(10)

  /// Datagrams that are opened in one go: as many as the kernel joins.
  static let openingCountMax = 64

  /// Events of the overlay that wait for the main thread: what a thousand addresses do between two of its looks.
  static let waitingEventCountMax = 1024

  /// Frames that ended and wait to be told of, for a tenth of a second: three reasons that flood at once all have some.
  static let waitingDropCountMax = 32
}
