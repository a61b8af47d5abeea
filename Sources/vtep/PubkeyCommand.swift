import ArgumentParser
import Sealing

/// `vtep pubkey`.
struct PubkeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pubkey",
    abstract: "Read a private key from standard input and print its public key.",
    discussion: """
      The private key is 44 characters of base64, as of `vtep genkey` or `wg genkey`; white space may follow. \
      The public key is for the peers, and no secret.

      Example:
        vtep pubkey < private.key

      Exit status: 0 done; 1 standard input is no private key.
      """)

  func run() throws {
    let text = try KeyInput.read()
    guard let key = text.withBytes({ PrivateKey(base64: $0) }) else { throw Self.refusal(of: text) }
    try Output.write(key.publicKey.base64 + "\n")
  }

  /// Says what would be right, and nothing of what was read: it may be a key with a slip in it.
  private static func refusal(of text: borrowing SecretText) -> ExitCode {
    guard text.byteCount > 0 else {
      return Output.failure("standard input is empty; give a private key: vtep pubkey < private.key")
    }
    return Output.failure(
      "standard input is not a private key: give the 44 characters of base64 that vtep genkey prints, and nothing but"
        + " white space after them")
  }
}
