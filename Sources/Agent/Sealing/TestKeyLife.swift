import Sealing

/// The one way to let keys live shorter than they do: a variable of the environment of `vtep run`, for tests that
/// cannot wait two minutes for every new session. There is no way to let them live longer.
enum TestKeyLife {
  static let variable = "VTEP_TEST_KEY_SECONDS"

  /// The life that the variable's value asks for; nil where it is not set.
  /// - Throws: `.failed` for anything but a number of seconds that shortens it.
  static func read(_ value: String?) throws(AgentError) -> KeyLife? {
    guard let value else { return nil }
    guard let life = Int(value).flatMap(KeyLife.init(seconds:)) else {
      let longest = KeyLife.standard.end.components.seconds - 1
      throw AgentError(
        .failed, "\(variable) is for tests and takes \(KeyLife.secondsMin) to \(longest) seconds; unset it")
    }
    return life
  }
}
