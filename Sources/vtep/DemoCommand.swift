import Agent
import ArgumentParser

/// `vtep demo`.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Build two hosts in network namespaces, run an agent in each, and show what passes between them.",
    discussion: """
      Pings both ways, sends 200 MB by TCP and compares every byte, shows the MTU and the agents' tables, and takes \
      everything down again, also after Ctrl-C or a failure. Nothing outside the two namespaces is touched. Needs \
      root, /dev/net/tun and ping; takes less than 20 seconds. After SIGKILL, which no program sees, its temporary \
      folder (vtep-demo-* in $TMPDIR or /tmp) stays.

      Example:
        sudo vtep demo --sealed

      Exit status: 0 all of it worked; 1 something did not.
      """)

  @Flag(help: "Seal the segment: make keys for both hosts, and let the agents encrypt what passes between them.")
  var sealed = false

  /// Which `vtep` is shown; another than this one only in tests.
  @Option(name: .customLong("executable"), help: .hidden)
  var executable = "/proc/self/exe"

  /// How much the TCP transfer carries; less in tests of slow builds.
  @Option(name: .customLong("megabytes"), help: .hidden)
  var megabyteCount = 200

  func validate() throws {
    guard (1...100_000).contains(megabyteCount) else { throw ValidationError("--megabytes: 1 to 100000") }
  }

  func run() throws {
    let status = Demonstration.run(
      executable: executable, transferByteCount: megabyteCount * 1_000_000, isSealed: sealed)
    guard status == 0 else { throw ExitCode(status) }
  }
}
