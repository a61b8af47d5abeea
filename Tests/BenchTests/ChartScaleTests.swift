import Testing

@testable import Bench

@Suite("the axes of charts")
struct ChartScaleTests {
  @Test(
    "a linear axis begins at zero and ends at the first round number that is not below the most",
    arguments: [
      (7.28, [0, 2, 4, 6, 8]), (8, [0, 2, 4, 6, 8]), (8.01, [0, 2.5, 5, 7.5, 10]), (339, [0, 100, 200, 300, 400]),
      (0.98, [0, 0.25, 0.5, 0.75, 1]), (0, [0, 0.25, 0.5, 0.75, 1]),
    ] as [(Double, [Double])])
  func linear(most: Double, ticks: [Double]) {
    let scale = ChartScale.linear(to: most)
    #expect(scale.ticks.count == ticks.count)
    for (tick, wanted) in zip(scale.ticks, ticks) { #expect(abs(tick - wanted) < 1e-9) }
    #expect(scale.position(0) == 0 && scale.position(ticks[ticks.count - 1]) == 1)
  }

  @Test("a logarithmic axis holds all values between its ends, in equal steps for equal ratios")
  func logarithmic() {
    let scale = ChartScale.logarithmic(from: 40, to: 3657)
    #expect(scale.ticks == [10, 100, 1000, 10_000])
    #expect(abs(scale.position(100) - 1.0 / 3) < 1e-9 && abs(scale.position(1000) - 2.0 / 3) < 1e-9)
    let narrow = ChartScale.logarithmic(from: 90, to: 230)
    #expect(narrow.ticks == [50, 100, 200, 500])
  }

  @Test("an axis of ratios has one in it, and halves and doubles equally far from it")
  func ratio() {
    let scale = ChartScale.ratio(from: 0.88, to: 2.2)
    #expect(scale.ticks == [0.5, 1, 2, 4])
    #expect(abs(scale.position(1) - scale.position(0.5) - (scale.position(2) - scale.position(1))) < 1e-9)
    #expect(ChartScale.ratio(from: 0.2, to: 0.4).ticks.contains(1))
  }

  @Test(
    "no value, however absurd, stops the program or leaves the axis",
    arguments: [0, -1, .nan, .infinity, -.infinity, 1e-300, 1.7e308] as [Double])
  func absurd(value: Double) {
    let scales = [
      ChartScale.linear(to: value), .logarithmic(from: value, to: value), .ratio(from: value, to: value),
      .logarithmic(from: 1, to: value), .ratio(from: value, to: 1),
    ]
    for scale in scales {
      #expect(scale.ticks.count >= 2 && scale.ticks == scale.ticks.sorted())
      #expect((0...1).contains(scale.position(value)) && (0...1).contains(scale.position(1)))
    }
  }
}
