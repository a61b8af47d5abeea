import Agent
import ArgumentParser

/// The root of the command line: no work of its own, one subcommand for each thing that `vtep` does.
@main
struct Vtep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vtep",
    abstract: "A userspace VXLAN tunnel endpoint: overlay networks between hosts.",
    discussion: """
      Reads Ethernet frames from TAP devices, finds the remote VTEP in a learned MAC table and sends the frames \
      there in VXLAN over UDP (RFC 7348).

      Examples:
        sudo vtep demo                     two hosts on this machine, to see it work
        vtep init --address 192.0.2.1      a first configuration and a key
        vtep check --config vtep.yaml
        sudo vtep run --config vtep.yaml
        sudo vtep status                   or segments, fdb, peers, drops, top, ...

      Commands that ask a running agent take --socket, and -j for JSON. vtep COMMAND --help says more of each.

      Exit status: 0 done; 1 the operation or a check failed; 64 wrong usage; 78 configuration refused.
      """,
    version: "vtep \(VtepVersion.current)",
    subcommands: [
      RunCommand.self, CheckCommand.self, InitCommand.self, MTUCommand.self, DemoCommand.self, BenchCommand.self,
      StatusCommand.self, SegmentsCommand.self, FDBCommand.self, PeersCommand.self, StatsCommand.self,
      DropsCommand.self, TopCommand.self, MonitorCommand.self, CaptureCommand.self, VerifyCommand.self,
      ReloadCommand.self,
      PeerCommand.self,
      SegmentCommand.self, GenkeyCommand.self, PubkeyCommand.self, GenpskCommand.self, CompletionCommand.self,
      VersionCommand.self,
    ])

  @Flag(name: .customShort("V"), help: "Show the version.")
  var isVersionWanted = false

  func run() throws {
    guard isVersionWanted else { throw CleanExit.helpRequest(self) }
    try Output.write(Self.configuration.version + "\n")
  }
}
