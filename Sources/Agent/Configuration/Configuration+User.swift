import Glibc
import LinuxIO

extension Configuration {
  /// The user that an agent which root starts becomes: `user`.
  package struct User: Equatable, Sendable {
    package var name: String
    package var line = SourceLine()

    package init(_ name: String, line: SourceLine = SourceLine()) {
      self.name = name
      self.line = line
    }
  }

  /// The account of `user` on this host; nil without the key.
  /// - Parameter file: the configuration's name in error messages.
  /// - Throws: when there is no such user.
  package func account(file: String) throws(ConfigurationError) -> UserAccount? {
    guard let user else { return nil }
    let problem: String
    do {
      if let account = try UserAccount(named: user.name) { return account }
      problem = "user: this host has no user \(user.name); make one (adduser --system \(user.name)) or name another"
    } catch {
      problem = "user: \(user.name) cannot be looked up: \(error)"
    }
    throw ConfigurationError(file: file, problems: [ConfigurationProblem(line: user.line.number, message: problem)])
  }
}

extension ScalarText {
  /// The name of an account, as useradd(8) takes it.
  func userName() throws(ValueFault) -> String {
    let name = try string()
    let limit = Configuration.Limits.userNameByteCountMax
    guard name.utf8.count <= limit else {
      throw ValueFault(wrong: "\(shown) has \(name.utf8.count) bytes", right: "the name of a user has 1 to \(limit)")
    }
    guard !name.hasPrefix("-"), !name.contains(where: { $0.isWhitespace || "/:,".contains($0) }) else {
      throw ValueFault(wrong: "\(shown) is no user's name", right: "write the name of an account, such as vtep")
    }
    return name
  }
}
