import Testing

@testable import VXLAN

@Suite("Instant")
struct InstantTests {
  @Test("a moment plus a duration is later by it, and the end of time rather than an overflow")
  func addition() {
    let moment = Instant(nanoseconds: 1_500_000_000)
    #expect(moment + .milliseconds(1500) == Instant(nanoseconds: 3_000_000_000))
    #expect(moment + .zero == moment && moment + .seconds(-1) == moment)
    #expect(moment + .seconds(Int64.max) == Instant(nanoseconds: .max))
    #expect(Instant(nanoseconds: .max - 1) + .nanoseconds(1) == Instant(nanoseconds: .max))
    #expect(Instant(nanoseconds: .max) + .nanoseconds(1) == Instant(nanoseconds: .max))
  }

  @Test("the time since a moment is never negative and never overflows")
  func since() {
    let early = Instant(nanoseconds: 5)
    let late = Instant(nanoseconds: 1_000_000_005)
    #expect(late.since(early) == .seconds(1) && early.since(late) == .zero && late.since(late) == .zero)
    #expect(Instant(nanoseconds: .max).since(Instant(nanoseconds: 0)) == .nanoseconds(Int64.max))
    #expect(Instant(nanoseconds: 0).since(Instant(nanoseconds: .max)) == .zero)
  }

  @Test("seconds are whole and wrap at 2^32")
  func seconds() {
    #expect(Instant(nanoseconds: 999_999_999).seconds == 0 && Instant(nanoseconds: 1_000_000_000).seconds == 1)
    #expect(Instant(nanoseconds: 4_294_967_295_999_999_999).seconds == .max)
    #expect(Instant(nanoseconds: 4_294_967_296_000_000_000).seconds == 0)
  }

  @Test("a later moment is the greater")
  func order() {
    #expect(Instant(nanoseconds: 1) < Instant(nanoseconds: 2) && !(Instant(nanoseconds: 2) < Instant(nanoseconds: 2)))
  }

  @Test("durations are counted in whole nanoseconds, from zero to the largest number")
  func nanoseconds() {
    #expect(Duration.zero.nanosecondCount == 0 && Duration.seconds(-1).nanosecondCount == 0)
    #expect(Duration.milliseconds(-1).nanosecondCount == 0)
    #expect(Duration.nanoseconds(1).nanosecondCount == 1)
    #expect(Duration.microseconds(1_500_000).nanosecondCount == 1_500_000_000)
    #expect(Duration(secondsComponent: 0, attosecondsComponent: 999_999_999).nanosecondCount == 0)
    #expect(Duration.seconds(18_446_744_073).nanosecondCount == 18_446_744_073_000_000_000)
    #expect((Duration.seconds(18_446_744_073) + .nanoseconds(709_551_615)).nanosecondCount == .max)
    #expect(Duration.seconds(18_446_744_074).nanosecondCount == .max)
    #expect(Duration.seconds(Int64.max).nanosecondCount == .max)
  }
}
