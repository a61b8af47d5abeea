import VXLAN

/// That an address is at a station behind a peer, as it was last heard.
package struct NeighborBinding: Equatable, Sendable {
  /// How long a binding is good for, after the last message that said so.
  package static let lifetime: UInt32 = 120
  /// From this age on, requests also make the agent ask the station itself.
  package static let freshTime: UInt32 = 60
  /// Questions without an answer after which nobody is believed to be there.
  static let probeCountMax: UInt8 = 3

  // In an order that leaves no gaps: 48 bytes.
  var address: IPAddress
  package var isRouter = false
  /// Whether it is known if the station is a router: only an advertisement says so.
  var hasFlags: Bool
  /// Since it was last seen.
  private var probeCount: UInt8 = 0
  /// Nothing of it may be said any more. It is kept for what it knows of changes.
  var isWithdrawn = false
  /// The peer that it was learned from.
  var remote: Remote
  package var mac: MACAddress
  /// `Instant.seconds` of the last message that said so.
  var seen: UInt32
  private var lastProbe: UInt32 = 0
  /// Of the MAC.
  private var changes = ChangeHistory()

  /// - Parameter isRouter: nil: not known.
  init(_ address: IPAddress, at mac: MACAddress, _ remote: Remote, isRouter: Bool?, now: UInt32) {
    self.address = address
    self.mac = mac
    self.remote = remote
    self.isRouter = isRouter ?? false
    hasFlags = isRouter != nil
    seen = now
  }

  func isExpired(now: UInt32) -> Bool { age(now: now) >= Self.lifetime }

  func isStale(now: UInt32) -> Bool { age(now: now) >= Self.freshTime }

  /// Whether it is good for nothing any more: expired, and no change of its MAC counts.
  func isOver(now: UInt32) -> Bool { isExpired(now: now) && !changes.counts(now: now) }

  /// Whether several stations claim the address in turns: nobody is believed then, so that they notice each other.
  func isContested(now: UInt32) -> Bool { changes.isTooMany(now: now) }

  /// A message said so again. `isRouter` is nil when it did not tell.
  mutating func confirm(isRouter: Bool?, now: UInt32) {
    seen = now
    probeCount = 0
    guard let isRouter else { return }
    self.isRouter = isRouter
    hasFlags = true
  }

  /// A station says that it has the address, whether the same as before or another.
  mutating func take(_ mac: MACAddress, isRouter: Bool?, now: UInt32) {
    if isWithdrawn || mac != self.mac || isExpired(now: now) { hasFlags = false }
    noteClaim(of: mac, now: now)
    isWithdrawn = false
    confirm(isRouter: isRouter, now: now)
  }

  /// Nothing of it is said until the next claim.
  /// - Parameter mac: the station that claimed the address; nil: none did.
  mutating func withdraw(claimedBy mac: MACAddress?, now: UInt32) {
    isWithdrawn = true
    if let mac { noteClaim(of: mac, now: now) }
  }

  private mutating func noteClaim(of mac: MACAddress, now: UInt32) {
    guard mac != self.mac else { return }
    self.mac = mac
    changes.note(now: now)
  }

  /// Whether the station may be asked now: three times since it was last seen, once a second.
  func mayBeAsked(now: UInt32) -> Bool {
    probeCount < Self.probeCountMax && (probeCount == 0 || Self.seconds(since: lastProbe, now: now) >= 1)
  }

  /// Counts a question.
  mutating func noteQuestion(now: UInt32) {
    probeCount += 1
    lastProbe = now
  }

  /// Whether it was asked as often as it is asked, and has had the time to answer.
  func isSilent(now: UInt32) -> Bool {
    probeCount == Self.probeCountMax && Self.seconds(since: lastProbe, now: now) >= 1
  }

  private func age(now: UInt32) -> UInt32 { Self.seconds(since: seen, now: now) }

  /// Another thread's clock reading may be a little ahead of this one's: nothing is then 0 s old.
  private static func seconds(since earlier: UInt32, now: UInt32) -> UInt32 {
    UInt32(max(0, Int32(bitPattern: now &- earlier)))
  }
}
