import FoundationEssentials
import Glibc

/// What the kernel tells of the computer in /proc.
enum MachineReading {
  /// The computer as a report describes it. What cannot be read is "unknown" or 0.
  static func machine() -> BenchReport.Machine {
    BenchReport.Machine(
      kernel: text("/proc/sys/kernel/osrelease").map { String($0.prefix { $0 != "\n" }) } ?? "unknown",
      cpuModel: field("model name", in: text("/proc/cpuinfo")) ?? "unknown",
      cores: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      memoryBytes: kilobytes(field("MemTotal", in: text("/proc/meminfo"))) * 1024)
  }

  /// Seconds that all processors together have worked since boot, in ticks of a hundredth; nil when it cannot be read.
  static func busySeconds() -> Double? {
    text("/proc/stat").flatMap { busySeconds(in: $0) }
  }

  /// As `busySeconds()`, from the text of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, of which
  /// idle, iowait and steal are no work. The times of guests are in those of user already.
  static func busySeconds(in text: String) -> Double? {
    let ticks = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().prefix(8).map { Double($0) }
    guard ticks.count == 8, text.hasPrefix("cpu ") else { return nil }
    let counted = [0, 1, 2, 5, 6].compactMap { ticks[$0] }
    guard counted.count == 5 else { return nil }
    return counted.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// How many threads wanted a processor in the last minute, on average; nil when it cannot be read.
  static func load() -> Double? {
    text("/proc/loadavg").flatMap { $0.split(separator: " ").first }.flatMap { Double($0) }
  }

  /// The value of the first line `name : value`.
  static func field(_ name: String, in text: String?) -> String? {
    let line = text?.split(separator: "\n").first { $0.hasPrefix(name) }
    guard let value = line?.split(separator: ":", maxSplits: 1).dropFirst().first else { return nil }
    return String(value.drop { $0 == " " || $0 == "\t" })
  }

  private static func kilobytes(_ value: String?) -> UInt64 {
    value.flatMap { UInt64($0.prefix { $0.isNumber }) } ?? 0
  }

  private static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }
}
