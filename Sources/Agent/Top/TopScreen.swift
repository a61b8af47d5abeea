/// What `vtep top` shows: a report as text, in an order, for a terminal of some size.
package struct TopScreen: Equatable, Sendable {
  package var order: TopOrder
  /// The report stays as it is.
  package private(set) var isPaused = false
  package private(set) var showsHelp = false

  static let help = """
    q        quit
    n        sort by name: VNI, peer, drop reason
    r  t     sort by bits received, by bits sent
    f  b     sort by frames, by bits, both ways together
    <  >     sort by the column before, behind; arrows do too
    i        the least first, or the most
    p        pause, and go on; space does too
    h        this help, and back
    """

  package init(order: TopOrder = TopOrder()) {
    self.order = order
  }

  /// Does what a key asks for. False: `vtep top` is to end.
  package mutating func apply(_ key: TopKey) -> Bool {
    switch key {
    case .quit: return false
    case .help: showsHelp.toggle()
    case .pause: isPaused.toggle()
    case .invert: order.isInverted.toggle()
    case .sort(let column): order = TopOrder(column)
    case .step(let count): order.step(by: count)
    }
    return true
  }

  /// As many lines as the terminal has, none longer than it is wide, nothing in them that would move its cursor.
  package func lines(of report: TopReport, columns: Int, rows: Int) -> [String] {
    let head = [title(of: report), ""]
    let body =
      showsHelp
      ? Self.help.split(separator: "\n").map(String.init) : Self.body(of: sorted(report), rowCount: rows - head.count)
    return (head + body).prefix(max(0, rows)).map { Self.plain($0.prefix(max(0, columns))) }
  }

  /// The tables with all of their rows, for `--once`.
  package func text(of report: TopReport) -> String {
    Self.body(of: sorted(report), rowCount: .max).map { $0 + "\n" }.joined()
  }

  private func sorted(_ report: TopReport) -> TopReport {
    var report = report
    report.sort(by: order)
    return report
  }

  private func title(of report: TopReport) -> String {
    let order = "by \(order.column.rawValue)\(order.isInverted ? ", inverted" : "")"
    let state = isPaused ? "  paused" : report.restarted ? "  the agent started anew" : ""
    let uptime = ReportText.duration(report.uptimeSeconds)
    return "vtep \(report.address)  up \(uptime)  \(order)\(state)  (q quits, h helps)"
  }

  /// The tables, one below the other, each cut where it must be.
  private static func body(of report: TopReport, rowCount: Int) -> [String] {
    let tables = [segments(report.segments), peers(report.peers), drops(report.drops)].map {
      $0.text.split(separator: "\n").map(String.init)
    }
    // A header each, and what stands between them.
    let fixed = tables.count * 2 - 1
    let shares = Self.shares(of: max(0, rowCount - fixed), among: tables.map { $0.count - 1 })
    return Array(zip(tables, shares).map { table, share in cut(table, to: share) }.joined(separator: [""]))
  }

  /// The header and `rowCount` rows, the last of which tells how many there are more.
  private static func cut(_ table: [String], to rowCount: Int) -> [String] {
    guard table.count - 1 > rowCount, rowCount > 0 else { return Array(table.prefix(1 + rowCount)) }
    return table.prefix(rowCount) + ["and \(table.count - rowCount) more"]
  }

  /// How many of `available` rows each gets that wants so many: no more than it wants, and as equally as can be.
  static func shares(of available: Int, among wanted: [Int]) -> [Int] {
    var shares = wanted.map { _ in 0 }
    var rest = available
    while rest > 0 {
      let hungry = wanted.indices.filter { shares[$0] < wanted[$0] }
      guard !hungry.isEmpty else { break }
      let part = max(1, rest / hungry.count)
      for index in hungry where rest > 0 {
        let share = min(part, wanted[index] - shares[index], rest)
        shares[index] += share
        rest -= share
      }
    }
    return shares
  }

  private static func segments(_ segments: [TopReport.Segment]) -> Table {
    var table = Table([
      ("vni", .right), ("tap", .left), ("rx-frame/s", .right), ("tx-frame/s", .right), ("rx-bit/s", .right),
      ("tx-bit/s", .right),
    ])
    for each in segments {
      let rates = [each.rxFrames, each.txFrames, each.rxBits, each.txBits].map(\.text)
      table.append([String(each.vni), each.tap] + rates)
    }
    return table
  }

  private static func peers(_ peers: [TopReport.Peer]) -> Table {
    var table = Table([
      ("peer", .left), ("address", .left), ("session", .left), ("rx-bit/s", .right), ("tx-bit/s", .right),
    ])
    for each in peers {
      table.append([each.name, each.address, each.session.rawValue, each.rxBits.text, each.txBits.text])
    }
    return table
  }

  private static func drops(_ drops: [TopReport.Drop]) -> Table {
    var table = Table([("drop", .left), ("direction", .left), ("frame/s", .right), ("frames", .right)])
    for each in drops { table.append([each.reason, each.direction, each.rate.text, String(each.frames)]) }
    return table
  }

  /// Names come from configurations: nothing in them may be a command to the terminal.
  private static func plain(_ text: Substring) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: "?"
          default: scalar
          }
        }))
  }
}
