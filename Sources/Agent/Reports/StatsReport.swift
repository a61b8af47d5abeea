/// What became of frames, in both directions or in one.
///
/// Identity: framesIn = framesOut + drops + consumed + waiting. The others stand beside it.
package struct FrameCounts: Codable, Equatable, Sendable {
  package var framesIn: UInt64 = 0
  package var framesOut: UInt64 = 0
  package var drops: UInt64 = 0
  /// ARP and ND answered locally, valid handshake and control datagrams.
  package var consumed: UInt64 = 0
  /// Staged for a session.
  package var waiting: UInt64 = 0
  /// Frames that the agent made itself.
  package var generated: UInt64 = 0
  package var floodCopies: UInt64 = 0
  package var floodCopyDrops: UInt64 = 0
  /// What the kernel dropped before the agent saw it.
  package var kernelDrops: UInt64 = 0

  private enum CodingKeys: String, CodingKey {
    case framesIn = "frames-in"
    case framesOut = "frames-out"
    case drops, consumed, waiting, generated
    case floodCopies = "flood-copies"
    case floodCopyDrops = "flood-copy-drops"
    case kernelDrops = "kernel-drops"
  }

  /// All zero.
  package init() {}

  /// Whether the identity holds.
  package var isBalanced: Bool { framesIn == framesOut &+ drops &+ consumed &+ waiting }

  /// Each counter with the name that it has in JSON, in the order of the contract.
  package var named: [(name: String, value: UInt64)] {
    [
      ("frames-in", framesIn), ("frames-out", framesOut), ("drops", drops), ("consumed", consumed),
      ("waiting", waiting), ("generated", generated), ("flood-copies", floodCopies),
      ("flood-copy-drops", floodCopyDrops), ("kernel-drops", kernelDrops),
    ]
  }

  package static func + (a: FrameCounts, b: FrameCounts) -> FrameCounts {
    var sum = a
    sum.framesIn &+= b.framesIn
    sum.framesOut &+= b.framesOut
    sum.drops &+= b.drops
    sum.consumed &+= b.consumed
    sum.waiting &+= b.waiting
    sum.generated &+= b.generated
    sum.floodCopies &+= b.floodCopies
    sum.floodCopyDrops &+= b.floodCopyDrops
    sum.kernelDrops &+= b.kernelDrops
    return sum
  }
}

/// The counters of the agent, as `vtep stats -j` shows them: the sums, then each direction and the
/// calls that it took as an object.
package struct StatsReport: Codable, Equatable, Sendable {
  /// Frames read from TAPs.
  package var overlay: FrameCounts
  /// Datagrams read from sockets.
  package var underlay: FrameCounts
  /// How many calls these took.
  package var batches: BatchReport
  /// Both directions together.
  package var total: FrameCounts { overlay + underlay }

  private enum CodingKeys: String, CodingKey {
    case overlay, underlay, batches
  }

  package init(overlay: FrameCounts, underlay: FrameCounts, batches: BatchReport = BatchReport()) {
    self.overlay = overlay
    self.underlay = underlay
    self.batches = batches
  }

  /// An agent of an earlier version tells nothing of batches: they are zero then.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    overlay = try container.decode(FrameCounts.self, forKey: .overlay)
    underlay = try container.decode(FrameCounts.self, forKey: .underlay)
    batches = try container.decodeIfPresent(BatchReport.self, forKey: .batches) ?? BatchReport()
  }

  /// The sums lie beside the objects, not in one of their own.
  package func encode(to encoder: any Encoder) throws {
    try total.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(overlay, forKey: .overlay)
    try container.encode(underlay, forKey: .underlay)
    try container.encode(batches, forKey: .batches)
  }
}
