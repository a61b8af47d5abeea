import Testing

@testable import Agent

@Suite("the screen of vtep top")
struct TopScreenTests {
  static let report = TopReport(from: TopSamples.before, to: TopSamples.after)

  /// Whether it goes on.
  private static func press(_ bytes: [UInt8], on screen: inout TopScreen) -> Bool {
    TopKey.keys(in: bytes).allSatisfy { screen.apply($0) }
  }

  private func lines(_ screen: TopScreen = TopScreen(), columns: Int = 100, rows: Int = 24) -> [String] {
    screen.lines(of: Self.report, columns: columns, rows: rows)
  }

  @Test("it shows segments, peers and drops with their rates, the most first")
  func whole() {
    #expect(
      lines() == [
        "vtep 192.0.2.1  up 1m42s  by bits  (q quits, h helps)",
        "",
        "VNI  TAP   RX-FRAME/S  TX-FRAME/S  RX-BIT/S  TX-BIT/S",
        " 43  vx43           0       2.00k         0     1.60M",
        " 42  vx42       1.00k          10      800k     8.00k",
        "",
        "PEER  ADDRESS    SESSION  RX-BIT/S  TX-BIT/S",
        "c     192.0.2.9  up              0     1.00G",
        "b     192.0.2.9  up          4.00M         0",
        "",
        "DROP         DIRECTION  FRAME/S  FRAMES",
        "no-peer      overlay         20      43",
        "unknown-vni  underlay         0      90",
      ])
    #expect(TopScreen().text(of: Self.report) == lines().dropFirst(2).map { $0 + "\n" }.joined())
  }

  @Test("each column orders the rows both ways", arguments: TopOrder.Column.allCases)
  func orders(column: TopOrder.Column) {
    let first: (vni: UInt32, peer: String, drop: String) =
      switch column {
      case .name: (42, "b", "no-peer")
      case .rx: (42, "b", "unknown-vni")
      case .tx, .frames, .bits: (43, "c", "no-peer")
      }
    for isInverted in [false, true] {
      var report = Self.report
      report.sort(by: TopOrder(column, isInverted: isInverted))
      #expect((report.segments[0].vni == first.vni) != isInverted)
      #expect((report.peers[0].name == first.peer) != isInverted)
      #expect((report.drops[0].reason == first.drop) != isInverted)
    }
  }

  @Test("keys choose the column, invert, pause, help and end; others do nothing")
  func keys() {
    var screen = TopScreen()
    let goesOn1 = Self.press(Array("nix\u{1B}[5~p\u{7F}".utf8), on: &screen)
    #expect(goesOn1)
    #expect(screen.order == TopOrder(.name, isInverted: true) && screen.isPaused && !screen.showsHelp)
    #expect(lines(screen)[0].contains("by name, inverted  paused"))
    let goesOn2 = Self.press(Array("h\u{1B}[D".utf8), on: &screen)
    #expect(goesOn2)
    #expect(screen.order.column == .bits, "before the first column is the last")
    #expect(lines(screen)[2...].contains { $0.contains("quit") } && !lines(screen).contains { $0.contains("VNI  TAP") })
    let goesOn3 = Self.press(Array("?\u{1B}OC> <".utf8), on: &screen)
    #expect(goesOn3)
    #expect(screen.order.column == .name && !screen.isPaused && !screen.showsHelp)
    #expect(TopKey.keys(in: [0x1B]).isEmpty && TopKey.keys(in: [0x1B, 0x5B]).isEmpty)
    #expect(TopKey.keys(in: Array("rtfb".utf8)) == [.sort(.rx), .sort(.tx), .sort(.frames), .sort(.bits)])
    let goesOn4 = Self.press(Array("q".utf8), on: &screen)
    #expect(!goesOn4)
  }

  @Test("no line is wider than the terminal, and there are no more than it has", arguments: [0, 1, 5, 8, 11, 12, 13])
  func sizes(rows: Int) {
    for columns in [0, 1, 20, 200] {
      let shown = lines(columns: columns, rows: rows)
      #expect(shown.count <= rows && shown.allSatisfy { $0.count <= columns })
    }
    if rows == 12 { #expect(lines(rows: rows).contains { $0.hasPrefix("and 2 more") }) }
    if rows == 13 { #expect(!lines(rows: rows).contains { $0.hasPrefix("and ") }) }
  }

  @Test("tables share the rows as equally as they can use them")
  func shares() {
    #expect(TopScreen.shares(of: 10, among: [2, 100, 100]) == [2, 4, 4])
    #expect(TopScreen.shares(of: 2, among: [5, 5, 5]) == [1, 1, 0])
    #expect(TopScreen.shares(of: .max, among: [5, 0, 1]) == [5, 0, 1])
    #expect(TopScreen.shares(of: 0, among: [5, 5]) == [0, 0])
  }

  @Test("a name in a configuration is no command to the terminal")
  func names() {
    var report = Self.report
    report.peers[0].name = "a\u{1B}[2J\u{202E}b"
    let shown = TopScreen().lines(of: report, columns: 80, rows: 24)
    #expect(shown.contains { $0.hasPrefix("a?[2J?b") })
    #expect(!shown.joined().unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
  }
}
