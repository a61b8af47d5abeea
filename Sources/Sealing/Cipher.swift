/// What seals the frames of a session. The raw value is the number of its bit in a `CipherMask`.
package enum Cipher: UInt8, Sendable, CaseIterable {
  case aes256gcm = 0
  case chacha20poly1305 = 1
  case aegis128l = 2

  package var keyByteCount: Int { self == .aegis128l ? 16 : 32 }
  package var nonceByteCount: Int { self == .aegis128l ? 16 : 12 }
  package var tagByteCount: Int { self == .aegis128l ? 32 : 16 }

  /// How many datagrams may fail to open under one key before the session closes: 2^36, for AES-GCM 2^23.
  /// - SeeAlso: RFC 9001, section 6.6.
  package var failureCountMax: UInt64 { self == .aes256gcm ? 1 << 23 : 1 << 36 }
}

/// Ciphers as the handshake writes them: one bit each.
package struct CipherMask: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  package init(_ ciphers: some Sequence<Cipher>) {
    rawValue = ciphers.reduce(0) { $0 | 1 << UInt16($1.rawValue) }
  }

  /// The cipher, where exactly one known bit is set.
  package var only: Cipher? {
    Cipher.allCases.first { CipherMask([$0]) == self }
  }
}

extension CipherMask {
  package func contains(_ cipher: Cipher) -> Bool { contains(CipherMask([cipher])) }
}

/// What the configuration says about ciphers: `auto`, or one by name for both ends.
package enum CipherChoice: Equatable, Sendable {
  case automatic
  case named(Cipher)

  /// What an initiation offers, given the ciphers that this host has: never aegis128l unless it is named, because it
  /// costs every frame 16 bytes more.
  package func offer(available: CipherMask) -> CipherMask {
    switch self {
    case .automatic: available.intersection(CipherMask([.aes256gcm, .chacha20poly1305]))
    case .named(let cipher): available.intersection(CipherMask([cipher]))
    }
  }

  /// What a responder takes of what was offered: the one that is named, else AES where this host has it in hardware,
  /// else ChaCha. Nil where nothing is common.
  package func pick(from offered: CipherMask, available: CipherMask) -> Cipher? {
    let common = offer(available: available).intersection(offered)
    return Cipher.allCases.first { common.contains($0) }
  }
}
