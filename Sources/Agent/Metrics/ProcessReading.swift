import Glibc
import LinuxIO

/// What the process takes of the machine, from its own clocks, limits and `/proc/self`.
struct ProcessReading: Equatable, Sendable {
  /// User's and system's, of all threads.
  var processorSeconds: Double
  var residentByteCount: UInt64
  var virtualByteCount: UInt64
  var openDescriptorCount: UInt64
  var descriptorCountMax: UInt64
  /// Seconds since 1970.
  var startTime: Double

  /// Nil where `/proc` is not there.
  static func now() -> ProcessReading? {
    guard let pages = numbers(in: "/proc/self/statm"), pages.count >= 2, let startTime,
      let descriptorCount = descriptorCount()
    else { return nil }
    let pageByteCount = UInt64(sysconf(Int32(_SC_PAGESIZE)))
    return ProcessReading(
      processorSeconds: processorSeconds(), residentByteCount: pages[1] &* pageByteCount,
      virtualByteCount: pages[0] &* pageByteCount, openDescriptorCount: descriptorCount,
      descriptorCountMax: DescriptorLimit.soft ?? 0, startTime: startTime)
  }

  /// The same for as long as the process lives, whatever is done to the clock on the wall.
  private static let startTime: Double? = {
    // After the name of the program, which may have spaces in it, the 22nd field of the line is the 20th.
    guard let line = text(of: "/proc/self/stat")?.split(separator: ")").last,
      case let fields = line.split(separator: " "), fields.count >= 20, let ticks = Double(fields[19])
    else { return nil }
    let age = seconds(of: CLOCK_BOOTTIME) - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    return ((wallClock() - age) * 100).rounded() / 100
  }()

  /// Seconds since 1970.
  static func wallClock() -> Double { seconds(of: CLOCK_REALTIME) }

  private static func seconds(of clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }

  private static func descriptorCount() -> UInt64? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count: UInt64 = 0
    while readdir(directory) != nil { count += 1 }
    // Without `.`, `..` and the one that reads.
    return count >= 3 ? count - 3 : 0
  }

  private static func numbers(in path: String) -> [UInt64]? {
    text(of: path)?.split(whereSeparator: \.isWhitespace).compactMap { UInt64($0) }
  }

  private static func text(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1_024)
    let count = read(descriptor, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
