import Glibc

/// When a packet came, in words.
enum PacketTime {
  /// `11:51:38.285339`, local time.
  /// - Parameter time: nanoseconds since 1970.
  static func local(_ time: Int64, _ precision: CaptureWriter.Precision) -> String {
    let (seconds, rest) = parts(time)
    var (whole, clock) = (time_t(seconds), tm())
    localtime_r(&whole, &clock)
    return "\(two(clock.tm_hour)):\(two(clock.tm_min)):\(two(clock.tm_sec)).\(fraction(rest, precision))"
  }

  /// RFC 3339: `2026-11-23T11:51:38.285339Z`.
  static func universal(_ time: Int64, _ precision: CaptureWriter.Precision) -> String {
    let (seconds, rest) = parts(time)
    var (whole, clock) = (time_t(seconds), tm())
    gmtime_r(&whole, &clock)
    let date = "\(clock.tm_year + 1900)-\(two(clock.tm_mon + 1))-\(two(clock.tm_mday))"
    return "\(date)T\(two(clock.tm_hour)):\(two(clock.tm_min)):\(two(clock.tm_sec)).\(fraction(rest, precision))Z"
  }

  /// Also before 1970 the rest counts forwards.
  private static func parts(_ time: Int64) -> (seconds: Int64, rest: Int64) {
    let (seconds, rest) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
    return rest < 0 ? (seconds - 1, rest + 1_000_000_000) : (seconds, rest)
  }

  private static func fraction(_ nanoseconds: Int64, _ precision: CaptureWriter.Precision) -> String {
    let (value, digitCount) = precision == .nano ? (nanoseconds, 9) : (nanoseconds / 1000, 6)
    let digits = String(value)
    return String(repeating: "0", count: max(0, digitCount - digits.count)) + digits
  }

  private static func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
