import LinuxIO

/// A program that is run to its end, such as `ping` or one of our own commands.
package struct LabProgram: Sendable {
  /// What is executed, and the name under which it is shown and called.
  package let path: String
  package let name: String
  package let arguments: [String]

  package init(path: String, name: String, arguments: [String]) {
    self.path = path
    self.name = name
    self.arguments = arguments
  }

  /// As a person would type it.
  package var commandLine: String { ([name] + arguments).joined(separator: " ") }

  /// Runs it in the network namespace of a descriptor (nil: this one) and returns what it wrote,
  /// the last `lineCount` lines of it, without empty ones.
  /// - Throws: `.step` with its output when it ends with another status than 0 or not within `time`.
  package func output(
    inNamespace namespace: Int32?, within time: Duration, lineCount: Int = 100, _ interruption: LabInterruption
  ) throws(LabFailure) -> String {
    let output = try LabFailure.step(commandLine) { () throws(Errno) in try ChildProcessOutput() }
    let descriptor = output.descriptor
    // Programs are understood in English; the first of two values counts.
    let environment = ["LC_ALL=C"] + ChildProcess.inheritedEnvironment()
    var child = try LabFailure.step(commandLine) { () throws(Errno) in
      try ChildProcess(
        path, arguments: [name] + arguments, environment: environment, namespace: namespace, output: descriptor,
        error: descriptor)
    }
    let deadline = ContinuousClock.now + time
    var exit: ChildProcess.Exit?
    repeat {
      try interruption.pause(milliseconds: 5)
      do throws(Errno) { exit = try child.wait(until: .now) } catch { throw .step("\(commandLine): \(error)") }
    } while exit == nil && ContinuousClock.now < deadline
    let lines = try LabFailure.step(commandLine) { () throws(Errno) in try output.lastLines(lineCount) }
    let text = lines.joined(separator: "\n")
    guard let exit else { throw .step("`\(commandLine)` did not end within \(time)\n\(text)") }
    guard exit == .status(0) else { throw .step("`\(commandLine)`: \(exit)\n\(text)") }
    return text
  }
}
