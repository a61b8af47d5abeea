/// In which order `vtep top` lists the rows of its tables.
package struct TopOrder: Equatable, Sendable {
  /// The column that counts. A table without it is ordered by what it has of the kind.
  package enum Column: String, CaseIterable, Sendable {
    case name
    /// Bits received; of drops, all frames since the start.
    case rx
    /// Bits sent; of drops, frames a second.
    case tx
    /// Frames of both ways; of peers, bits.
    case frames
    /// Bits of both ways; of drops, frames a second.
    case bits
  }

  package var column: Column
  /// The least first; of names, the last first.
  package var isInverted: Bool

  package init(_ column: Column = .bits, isInverted: Bool = false) {
    self.column = column
    self.isInverted = isInverted
  }

  /// The column so many places further on, round and round.
  package mutating func step(by count: Int) {
    let all = Column.allCases
    let position = (all.firstIndex(of: column) ?? 0) + count
    column = all[((position % all.count) + all.count) % all.count]
  }

  func puts(_ a: TopReport.Segment, before b: TopReport.Segment) -> Bool {
    puts(value(of: a), before: value(of: b), ties: a.vni < b.vni, tiesBack: b.vni < a.vni)
  }

  func puts(_ a: TopReport.Peer, before b: TopReport.Peer) -> Bool {
    puts(value(of: a), before: value(of: b), ties: a.name < b.name, tiesBack: b.name < a.name)
  }

  func puts(_ a: TopReport.Drop, before b: TopReport.Drop) -> Bool {
    let (first, second) = ((a.reason, a.direction), (b.reason, b.direction))
    return puts(value(of: a), before: value(of: b), ties: first < second, tiesBack: second < first)
  }

  /// The most first; what is unknown comes last.
  private func puts(_ a: Double?, before b: Double?, ties: Bool, tiesBack: Bool) -> Bool {
    if column == .name { return isInverted ? tiesBack : ties }
    let (first, second) = (a ?? -1, b ?? -1)
    guard first != second else { return ties }
    return isInverted ? first < second : first > second
  }

  private func value(of segment: TopReport.Segment) -> Double? {
    switch column {
    case .name: nil
    case .rx: segment.rxBits.perSecond
    case .tx: segment.txBits.perSecond
    case .frames: (segment.rxFrames + segment.txFrames).perSecond
    case .bits: (segment.rxBits + segment.txBits).perSecond
    }
  }

  private func value(of peer: TopReport.Peer) -> Double? {
    switch column {
    case .name: nil
    case .rx: peer.rxBits.perSecond
    case .tx: peer.txBits.perSecond
    case .frames, .bits: (peer.rxBits + peer.txBits).perSecond
    }
  }

  private func value(of drop: TopReport.Drop) -> Double? {
    switch column {
    case .name: nil
    case .rx: Double(drop.frames)
    case .tx, .frames, .bits: drop.rate.perSecond
    }
  }
}
