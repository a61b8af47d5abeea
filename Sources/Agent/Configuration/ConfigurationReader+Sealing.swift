import Sealing
import VXLAN

extension ConfigurationReader {
  /// `port` and `sealed-port` of this VTEP or of a peer, which must differ.
  func readPorts(_ keys: inout MappingReader, _ place: String) -> (plain: UInt16, sealed: UInt16) {
    typealias Local = Configuration.Local
    let plain = readPort(&keys, "port")
    let sealed = readPort(&keys, "sealed-port")
    let ports = (plain: plain ?? Local.udpPortDefault, sealed: sealed ?? Local.sealedUDPPortDefault)
    // What is wrong is told already, and is equal to nothing.
    let isKnown = (plain != nil || !keys.has("port")) && (sealed != nil || !keys.has("sealed-port"))
    if isKnown, ports.plain == ports.sealed {
      let (named, other) = sealed == nil ? ("port", "sealed-port") : ("sealed-port", "port")
      let free = ports.plain == Local.sealedUDPPortDefault ? Local.udpPortDefault : Local.sealedUDPPortDefault
      problems.add(
        keys.line(of: named), "\(place).\(named): \(ports.plain) is the \(other) too; write another, such as \(free)")
    }
    return ports
  }

  private func readPort(_ keys: inout MappingReader, _ key: String) -> UInt16? {
    keys.optional(key) { scalar throws(ValueFault) in UInt16(try scalar.number(1...65_535, "a UDP port")) }
  }

  /// The name of a file with keys.
  func readSecretPath(_ key: String, _ keys: inout MappingReader) -> SecretPath? {
    let line = SourceLine(keys.line(of: key))
    let path = keys.optional(key) { scalar throws(ValueFault) in try scalar.secretPath() }
    return path.map { SecretPath($0, line: line) }
  }

  /// Notes who lacks a key that a sealed segment needs, and segments that do not agree on the cipher.
  func judgeSealing(_ segments: [Configuration.Segment], _ peers: [Configuration.Peer]) {
    let sealed = segments.filter(\.sealed)
    guard let first = sealed.first else { return }
    if let line = keylessLocalLine {
      problems.add(
        line,
        "local lacks the key private-key-file, which the sealed segment \(first.vni) needs; name a file with the own"
          + " key, which `vtep genkey` makes")
    }
    judgeCiphers(sealed)
    guard knowsEverySegment else { return }
    for peer in peers where peer.publicKeyLine.number == nil {
      guard let needing = sealed.first(where: { peer.hasSegment($0.vni) }) else { continue }
      problems.add(
        peer.line.number,
        "peers[] lacks the key public-key, which the sealed segment \(needing.vni) needs; write the peer's, as"
          + " `vtep pubkey` prints it")
    }
  }

  private func judgeCiphers(_ sealed: [Configuration.Segment]) {
    guard let first = sealed.first(where: { $0.cipher != .automatic }) else { return }
    for segment in sealed where segment.cipher != .automatic && segment.cipher != first.cipher {
      problems.add(
        segment.cipherLine.number,
        "segments[].cipher: \(places.text(first.cipherLine.number ?? 0)) names another for segment \(first.vni); the"
          + " sealed segments share their sessions, so name one cipher or auto")
    }
  }
}

extension ScalarText {
  /// `auto`, or one by name.
  func cipher() throws(ValueFault) -> CipherChoice {
    if text == "auto" { return .automatic }
    guard let cipher = Cipher.allCases.first(where: { $0.configurationName == text }) else {
      let names = Cipher.allCases.map(\.configurationName).joined(separator: ", ")
      throw ValueFault(wrong: "\(shown) is no cipher", right: "write auto or one of \(names)")
    }
    return .named(cipher)
  }

  /// A peer's key. Not shown where it is wrong: it may be a private one.
  func publicKey() throws(ValueFault) -> PublicKey {
    if let key = PublicKey(base64: text) { return key }
    // Any 32 bytes are a private key, so what could be one is well written.
    guard PrivateKey(base64: text) == nil else {
      throw ValueFault(
        wrong: "the key is of low order, so every secret made with it would be known",
        right: "write the peer's own, as `vtep pubkey` prints it")
    }
    throw ValueFault(
      wrong: "this is no public key", right: "write 44 characters of base64, as `vtep pubkey` prints them")
  }

  /// A path. A key in its place is not shown.
  func secretPath() throws(ValueFault) -> String {
    guard PrivateKey(base64: text) == nil else {
      throw ValueFault(
        wrong: "this is a key, which others can read here", right: "write it to a file of mode 0600 and name the file")
    }
    return try string()
  }
}
