import ArgumentParser
import Sealing

/// `vtep genkey`.
struct GenkeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "genkey",
    abstract: "Print a new private key.",
    discussion: """
      44 characters of base64 (32 bytes), as of `wg genkey`. Keep it where only its owner can read it:

        umask 077; vtep genkey > private.key; vtep pubkey < private.key > public.key
      """)

  func run() throws {
    var entropy = SystemEntropy()
    try KeyOutput.write(PrivateKey(from: &entropy).exportedText)
  }
}
