import ArgumentParser

/// `vtep completion`.
struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion",
    abstract: "Print what completes the command line of vtep in a shell.",
    discussion: """
      Examples:
        vtep completion bash | sudo tee /usr/share/bash-completion/completions/vtep
        vtep completion zsh | sudo tee /usr/share/zsh/vendor-completions/_vtep
        vtep completion fish | sudo tee /usr/share/fish/vendor_completions.d/vtep.fish
        source <(vtep completion bash)
      """)

  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish

    var completionShell: CompletionShell {
      switch self {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }

  @Argument(help: "bash, zsh or fish.")
  var shell: Shell

  func run() throws {
    try Output.write(Vtep.completionScript(for: shell.completionShell) + "\n")
  }
}
