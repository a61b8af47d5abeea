import Glibc
import Lab

/// What the demonstration shows: headings, sentences, and the output of commands, each at once.
struct DemoOutput: Sendable {
  private let hasColour: Bool
  private let stepCount: Int
  private var stepNumber = 0

  /// Colour only on a terminal, and not under `NO_COLOR`.
  init(stepCount: Int) {
    self.stepCount = stepCount
    // SAFETY: nobody in this program changes the environment.
    let isPlain = unsafe getenv("NO_COLOR") != nil
    hasColour = isatty(STDOUT_FILENO) == 1 && !isPlain
  }

  /// The number of the current step and how many there are, such as `3/7`.
  var position: String { "\(stepNumber)/\(stepCount)" }

  /// Begins the next step.
  mutating func heading(_ text: String) {
    stepNumber += 1
    let line = "[\(position)] \(text)"
    say("\n" + (hasColour ? "\u{1B}[1m\(line)\u{1B}[0m" : line))
  }

  /// A line, or several, as they are.
  func say(_ text: String) {
    StandardStream.write(text + "\n", to: STDOUT_FILENO)
  }

  /// Text that somebody else wrote, set off from ours.
  func quote(_ text: String) {
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !line.isEmpty {
      say("    \(line)")
    }
  }

  /// A message for standard error.
  func complain(_ text: String) {
    StandardStream.write(text + "\n", to: STDERR_FILENO)
  }
}
