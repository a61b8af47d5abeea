import Sealing
import VXLAN

/// The text of a first configuration, with comments, as `vtep init` writes it.
///
/// What nobody has said stands there as an example in a line that says `CHANGE`; of a peer's public key there is no
/// example, so that `vtep check` refuses the file until somebody has written one.
package struct StartingConfiguration: Equatable, Sendable {
  /// What marks a line that somebody has to look at.
  package static let mark = "CHANGE"

  package struct Peer: Equatable, Sendable {
    package var name: String
    package var address: IPAddress
    package var publicKey: PublicKey?

    package init(name: String, address: IPAddress, publicKey: PublicKey?) {
      self.name = name
      self.address = address
      self.publicKey = publicKey
    }
  }

  /// Nil: an example.
  package var address: IPAddress?
  package var vni: VNI
  /// Nil: the segment is plain.
  package var privateKeyPath: String?
  /// Empty: an example.
  package var peers: [Peer]

  package init(address: IPAddress?, vni: VNI, privateKeyPath: String?, peers: [Peer]) {
    self.address = address
    self.vni = vni
    self.privateKeyPath = privateKeyPath
    self.peers = peers
  }

  package var text: String {
    """
    # The overlay of this host. `vtep check --config FILE` says what is wrong with this file, and
    # `vtep run --config FILE` works by it.

    local:
    \(localLines.map { "  " + $0 }.joined(separator: "\n"))

    segments:
      - vni: \(vni)                      # the number of the overlay network, the same on every host of it
        tap: \(tapName)                    # the device that programs on this host use; the agent makes it
        # address: [10.42.0.1/24]    # of this host within the overlay, another one on each
        # bridge: br\(vni)               # or: the device becomes a port of this bridge
    \(sealedLines.map { "    " + $0 }.joined(separator: "\n"))
        mtu: auto                    # what the underlay carries, less the tunnel's overhead

    peers:                           # the other hosts
    \(peerLines.joined(separator: "\n"))

    # control:
    #   socket: /run/vtep/control.sock   # where `vtep status` and the other commands ask
    # workers: auto                      # threads that carry frames
    # log: {level: info, format: logfmt} # or: json

    """
  }

  private var tapName: String { "vx\(vni)" }

  private var localLines: [String] {
    let own = address?.description ?? Self.exampleAddress(of: family, 1)
    var lines = ["address: \(own)\(mark(unless: address, "the address of this host by which the others reach it"))"]
    if let privateKeyPath {
      lines.append("private-key-file: \(Self.quoted(privateKeyPath))  # of `vtep init`; nobody else may read it")
      lines.append("# psk-file: /etc/vtep/psk     # a key more, of `vtep genpsk`, the same on every host")
    }
    return lines
  }

  private var sealedLines: [String] {
    privateKeyPath == nil
      ? ["# sealed: true               # encrypt; takes a private-key-file, and a public-key of every peer"]
      : ["sealed: true                 # encrypted: nothing in clear leaves or enters"]
  }

  private var peerLines: [String] {
    guard !peers.isEmpty else {
      return [
        "  - name: b                      # \(Self.mark): any word",
        "    address: \(Self.exampleAddress(of: family, 2))           # \(Self.mark): the address of that host",
      ] + openKey
    }
    return peers.flatMap { peer in
      let key =
        peer.publicKey.map { ["    public-key: \"\($0.base64)\""] } ?? openKey
      return ["  - name: \(Self.quoted(peer.name))", "    address: \(peer.address)"] + key
    }
  }

  /// A key that is not known yet, where there has to be one.
  private var openKey: [String] {
    privateKeyPath == nil ? [] : ["    public-key: \"\"               # \(Self.mark): what `vtep init` said there"]
  }

  private var family: AddressFamily { address?.family ?? peers.first?.address.family ?? .ipv4 }

  /// An address for documentation (RFC 5737, RFC 3849).
  private static func exampleAddress(of family: AddressFamily, _ number: Int) -> String {
    family == .ipv4 ? "192.0.2.\(number)" : "2001:db8::\(number)"
  }

  private func mark(unless value: IPAddress?, _ text: String) -> String {
    value == nil ? "           # \(Self.mark): \(text)" : ""
  }

  /// A YAML scalar that is this text, whatever is in it.
  private static func quoted(_ text: String) -> String {
    let plain = text.unicodeScalars.allSatisfy { scalar in
      let character = Character(scalar)
      return scalar.isASCII && (character.isLetter || character.isNumber || "/._-".contains(character))
    }
    let isWord = plain && text.unicodeScalars.first.map { Character($0).isLetter || $0 == "/" } == true
    guard !isWord || ["yes", "no", "on", "off", "true", "false", "null", "y", "n"].contains(text.lowercased()) else {
      return text
    }
    return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
