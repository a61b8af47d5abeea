/// What goes through an agent in a second, as `vtep top --once -j` prints it.
package struct TopReport: Codable, Equatable, Sendable {
  package struct Segment: Codable, Equatable, Sendable {
    package var vni: UInt32
    package var tap: String
    /// Delivered to the TAP.
    package var rxFrames: TopRate
    package var rxBits: TopRate
    /// Taken from the TAP and sent.
    package var txFrames: TopRate
    package var txBits: TopRate

    private enum CodingKeys: String, CodingKey {
      case vni, tap
      case rxFrames = "rx-frames-per-second"
      case rxBits = "rx-bits-per-second"
      case txFrames = "tx-frames-per-second"
      case txBits = "tx-bits-per-second"
    }
  }

  package struct Peer: Codable, Equatable, Sendable {
    package var name: String
    package var address: String
    package var session: PeerReport.Session
    /// UDP payload, with what encapsulation adds.
    package var rxBits: TopRate
    package var txBits: TopRate

    private enum CodingKeys: String, CodingKey {
      case name, address, session
      case rxBits = "rx-bits-per-second"
      case txBits = "tx-bits-per-second"
    }
  }

  /// A reason that has a frame since the agent started, in one direction.
  package struct Drop: Codable, Equatable, Sendable {
    package var reason: String
    /// `overlay` or `underlay`.
    package var direction: String
    package var rate: TopRate
    /// Since the agent started.
    package var frames: UInt64

    private enum CodingKeys: String, CodingKey {
      case reason, direction, frames
      case rate = "frames-per-second"
    }
  }

  /// Between the two samples; 0 while there is only one, and all rates are unknown then.
  package var intervalSeconds: Double
  /// The agent started anew between the samples: all rates are unknown.
  package var restarted: Bool
  /// The underlay address of the agent.
  package var address: String
  package var uptimeSeconds: Int
  package var segments: [Segment]
  package var peers: [Peer]
  package var drops: [Drop]

  private enum CodingKeys: String, CodingKey {
    case restarted, address, segments, peers, drops
    case intervalSeconds = "interval-seconds"
    case uptimeSeconds = "uptime-seconds"
  }

  /// - Parameters:
  ///   - earlier: nil: there is nothing to compare with yet.
  ///   - order: of the rows of each table.
  package init(from earlier: TopSample?, to now: TopSample, order: TopOrder = TopOrder()) {
    let seconds = earlier.map { now.time.since($0.time) / .seconds(1) } ?? 0
    restarted = earlier.map { now.isRestart(after: $0) } ?? false
    let before = restarted ? nil : earlier
    intervalSeconds = (seconds * 1000).rounded() / 1000
    address = now.status.address
    uptimeSeconds = now.status.uptimeSeconds
    segments = Self.segments(from: before, to: now, seconds)
    peers = Self.peers(from: before, to: now, seconds)
    drops = Self.drops(from: before, to: now, seconds)
    sort(by: order)
  }

  /// Puts the rows of each table in an order; what ties is in that of the names.
  package mutating func sort(by order: TopOrder) {
    segments.sort { order.puts($0, before: $1) }
    peers.sort { order.puts($0, before: $1) }
    drops.sort { order.puts($0, before: $1) }
  }

  private static func segments(from before: TopSample?, to now: TopSample, _ seconds: Double) -> [Segment] {
    let known = Dictionary(before?.segments.map { ($0.vni, $0) } ?? []) { first, _ in first }
    return now.segments.map { segment in
      let old = known[segment.vni]
      return Segment(
        vni: segment.vni, tap: segment.tap,
        rxFrames: TopRate(from: old?.rxFrames, to: segment.rxFrames, seconds: seconds),
        rxBits: TopRate(from: old?.rxBytes, to: segment.rxBytes, seconds: seconds, scale: 8),
        txFrames: TopRate(from: old?.txFrames, to: segment.txFrames, seconds: seconds),
        txBits: TopRate(from: old?.txBytes, to: segment.txBytes, seconds: seconds, scale: 8))
    }
  }

  private static func peers(from before: TopSample?, to now: TopSample, _ seconds: Double) -> [Peer] {
    let known = Dictionary(before?.peers.map { ($0.name, $0) } ?? []) { first, _ in first }
    return now.peers.map { peer in
      let old = known[peer.name]
      return Peer(
        name: peer.name, address: peer.address, session: peer.session,
        rxBits: TopRate(from: old?.rxBytes, to: peer.rxBytes, seconds: seconds, scale: 8),
        txBits: TopRate(from: old?.txBytes, to: peer.txBytes, seconds: seconds, scale: 8))
    }
  }

  private static func drops(from before: TopSample?, to now: TopSample, _ seconds: Double) -> [Drop] {
    let directions = [
      ("overlay", before?.drops.overlay, now.drops.overlay), ("underlay", before?.drops.underlay, now.drops.underlay),
    ]
    return directions.flatMap { direction, old, counts in
      counts.filter { $0.value > 0 }.map { reason, count in
        Drop(
          reason: reason, direction: direction, rate: TopRate(from: old?[reason], to: count, seconds: seconds),
          frames: count)
      }
    }
  }
}
