import VXLAN

/// That an address is at a station behind a peer, as it was last heard.
package struct NeighborBinding: Equatable, Sendable {
  /// How long a binding is good for, after the last message that said so.
  package static let lifetime: UInt32 = 120
  /// From this age on, requests also make the agent ask the station itself.
  package static let freshTime: UInt32 = 60
  /// Questions without an answer after which nobody is believed to be there.
  static let probeCountMax: UInt8 = 3
  /// So many changes of the MAC within a time make an address contested (RFC 9161, section 3.7: 5 in 180 s).
  static let changeCountMax: UInt8 = 5
  static let changeTime: UInt32 = 180

  // In an order that leaves no gaps: 48 bytes.
  var address: IPAddress
  package var isRouter = false
  /// Whether it is known if the station is a router: only an advertisement says so.
  var hasFlags: Bool
  /// Since it was last seen.
  private var probeCount: UInt8 = 0
  private var changeCount: UInt8 = 0
  /// The peer that it was learned from.
  var remote: Remote
  package var mac: MACAddress
  /// `Instant.seconds` of the last message that said so.
  var seen: UInt32
  private var lastProbe: UInt32 = 0
  private var firstChange: UInt32 = 0

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

  /// Whether several stations claim the address in turns: nobody is believed then, so that they notice each other.
  func isContested(now: UInt32) -> Bool {
    changeCount >= Self.changeCountMax && Self.seconds(since: firstChange, now: now) < Self.changeTime
  }

  /// A message said so again. `isRouter` is nil when it did not tell.
  mutating func confirm(isRouter: Bool?, now: UInt32) {
    seen = now
    probeCount = 0
    guard let isRouter else { return }
    self.isRouter = isRouter
    hasFlags = true
  }

  /// Another station has the address from now on.
  mutating func change(to mac: MACAddress, isRouter: Bool?, now: UInt32) {
    if changeCount == 0 || Self.seconds(since: firstChange, now: now) >= Self.changeTime {
      changeCount = 0
      firstChange = now
    }
    if changeCount < .max { changeCount += 1 }
    self.mac = mac
    hasFlags = false
    confirm(isRouter: isRouter, now: now)
  }

  /// Whether the station may be asked now; it then counts. At most once a second.
  mutating func takesProbe(now: UInt32) -> Bool {
    guard probeCount == 0 || Self.seconds(since: lastProbe, now: now) >= 1, probeCount < Self.probeCountMax else {
      return false
    }
    probeCount += 1
    lastProbe = now
    return true
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
