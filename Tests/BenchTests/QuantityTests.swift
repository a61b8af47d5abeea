import Testing

@testable import Bench

@Suite("numbers for people")
struct QuantityTests {
  @Test(
    "three significant digits, commas between thousands",
    arguments: [
      (0, "0"), (0.00049, "0.000"), (0.0123, "0.012"), (0.0994, "0.099"), (0.0996, "0.10"), (0.88, "0.88"),
      (7, "7.00"), (9.994, "9.99"), (9.996, "10.0"), (41.25, "41.3"), (99.94, "99.9"), (99.96, "100"),
      (1600, "1,600"), (12_345_678, "12,345,678"),
    ] as [(Double, String)])
  func text(value: Double, text: String) {
    #expect(Quantity.text(value) == text)
  }

  @Test("what is no number, or too large for one, is a dash", arguments: [.nan, .infinity, 1e300] as [Double])
  func noNumber(value: Double) {
    #expect(Quantity.text(value) == "-")
  }

  @Test("a setting has no digits that say nothing")
  func setting() {
    #expect(Quantity.setting(2) == "2" && Quantity.setting(0.2) == "0.20" && Quantity.setting(2.5) == "2.50")
  }
}
