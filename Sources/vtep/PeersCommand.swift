import Agent
import ArgumentParser

/// `vtep peers`.
struct PeersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peers",
    abstract: "List the peers (remote VTEPs): address, session, path MTU, traffic.",
    discussion: """
      session is up, handshake while one is asked for, or none for a peer without keys or when the agent has no \
      sessions, as its log says; key-age is the age of the key that seals, which is replaced after two minutes. \
      path-mtu is the IP MTU of the underlay's path, and path-mtu-source tells how it was found: by the route or, with \
      a session, by a probe. last-receive is how long ago the last datagram came.

      Examples:
        vtep peers
        vtep peers -j | jq '.[] | select(.session != "up")'

      Exit status: 0 done; 1 no agent answers.
      """)

  @OptionGroup var agent: AgentOptions

  func run() throws {
    try agent.show("/v1/peers", as: [PeerReport].self, text: ReportText.peers)
  }
}
