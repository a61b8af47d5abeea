import Agent
import Glibc
import LinuxIO

/// The terminal while a command has all of it: another screen, keys one by one, no cursor. What was there before comes
/// back with `restore`.
///
/// *Threads.* The main thread's; a thread of its own takes the signals.
struct Terminal: ~Copyable {
  enum Event {
    case keys([UInt8])
    /// Its size is another one.
    case resized
    /// Somebody wants an end: a signal, or the terminal is gone.
    case ended
    /// The time is over.
    case timeout
  }

  private static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J"
  private static let leave = "\u{1B}[?25h\u{1B}[?1049l"
  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP]
  private let before: termios
  /// The reading end of a pipe with one byte for each signal.
  private let pendingSignals: Int32

  /// Whether standard input and output are one.
  static var isThere: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

  /// Takes the terminal, after `blockSignals`.
  /// - Throws: what the system refuses.
  init() throws(Errno) {
    var attributes = termios()
    guard tcgetattr(STDIN_FILENO, &attributes) == 0 else { throw .current("tcgetattr") }
    let pending = try Self.watchSignals()
    before = attributes
    pendingSignals = pending
    take()
  }

  /// Has the signals wait that would end the process before it could give the terminal back. To be called before any
  /// other thread is started.
  static func blockSignals() { _ = SignalSet(blocking: signals) }

  /// Gives everything back. More than once does no harm.
  func restore() {
    Self.write(Self.leave)
    var attributes = before
    tcsetattr(STDIN_FILENO, TCSANOW, &attributes)
  }

  /// Columns and rows; 80 and 24 where it does not say.
  var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Shows the lines, in the place of those before, without a flicker.
  func show(_ lines: [String]) {
    let text = lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
    Self.write("\u{1B}[H" + text + "\u{1B}[J")
  }

  /// Waits until something happens.
  func wait(milliseconds: Int32) -> Event {
    var waiting = [STDIN_FILENO, pendingSignals].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard poll(&waiting, 2, max(0, milliseconds)) > 0 else { return .timeout }
    if waiting[1].revents != 0 { return event(ofSignal: Self.readBytes(pendingSignals, countMax: 1).first) }
    let keys = Self.readBytes(STDIN_FILENO, countMax: 64)
    return keys.isEmpty ? .ended : .keys(keys)
  }

  private func take() {
    var attributes = before
    // Ctrl-C and Ctrl-Z stay signals.
    attributes.c_lflag &= ~tcflag_t(ICANON | ECHO)
    tcsetattr(STDIN_FILENO, TCSANOW, &attributes)
    Self.write(Self.enter)
  }

  private func event(ofSignal signal: UInt8?) -> Event {
    switch signal.map(Int32.init) {
    case SIGWINCH: return .resized
    case SIGTSTP:
      restore()
      // Not to be blocked or caught: the process stands still here.
      kill(getpid(), SIGSTOP)
      take()
      return .resized
    default: return .ended
    }
  }

  /// Answers the end of a pipe from which each signal comes as a byte.
  private static func watchSignals() throws(Errno) -> Int32 {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw .current("pipe") }
    let writing = ends[1]
    _ = try SystemThread(named: "vtep-signals") {
      var set = SignalSet(blocking: signals)
      while true {
        guard let signal = set.wait(timeout: nil) else { continue }
        var byte = UInt8(truncatingIfNeeded: signal)
        _ = Glibc.write(writing, &byte, 1)
      }
    }
    return ends[0]
  }

  private static func readBytes(_ descriptor: Int32, countMax: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: countMax)
    let count = read(descriptor, &bytes, countMax)
    return Array(bytes.prefix(max(0, count)))
  }

  /// What cannot be written is lost: a terminal that has gone sends SIGHUP.
  private static func write(_ text: String) {
    _ = try? Output.write(text)
  }
}
