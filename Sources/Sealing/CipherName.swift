extension Cipher {
  /// As the configuration, the reports and a key log name it.
  package var configurationName: String {
    switch self {
    case .aes256gcm: "aes256gcm"
    case .chacha20poly1305: "chacha20poly1305"
    case .aegis128l: "aegis128l"
    }
  }
}
