import Testing

@testable import LinuxIO

@Suite("how often the service manager wants to hear")
struct WatchdogIntervalTests {
  @Test(
    "half of WATCHDOG_USEC for the process that WATCHDOG_PID names, or any without it",
    arguments: [
      ("10000000", nil, Duration.seconds(5)), ("10000000", "42", .seconds(5)), ("3", nil, .milliseconds(1)),
    ] as [(String, String?, Duration)])
  func wanted(usec: String, pid: String?, interval: Duration) {
    #expect(WatchdogInterval.interval(usec: usec, pid: pid, own: 42) == interval)
  }

  @Test(
    "never without the variable, for another process, and for what is no number of microseconds",
    arguments: [
      (nil, nil), ("10000000", "41"), ("10000000", ""), ("10000000", "x"), ("0", nil), ("-1", nil), ("10s", nil),
      ("", nil), ("99999999999999999999", nil),
    ] as [(String?, String?)])
  func unwanted(usec: String?, pid: String?) {
    #expect(WatchdogInterval.interval(usec: usec, pid: pid, own: 42) == nil)
  }
}
