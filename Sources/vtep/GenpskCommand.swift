import ArgumentParser
import Sealing

/// `vtep genpsk`.
struct GenpskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "genpsk",
    abstract: "Print a new pre-shared key, the same for every host of a network.",
    discussion: """
      44 characters of base64 (32 bytes), as of `wg genpsk`. Keep it where only its owner can read it:

        umask 077; vtep genpsk > psk
      """)

  func run() throws {
    var entropy = SystemEntropy()
    try KeyOutput.write(PresharedKey(from: &entropy).exportedText)
  }
}
