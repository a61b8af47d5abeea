/// What may be longer than the rules say, each with its reason. Lower an entry when the file shrinks; add none lightly.
enum SizeAllowances {
  /// A limit of lines and why.
  typealias Allowance = (lines: Int, reason: String)

  /// By path.
  static let files: [String: Allowance] = [:]

  /// By path and name of the function, separated by a space.
  static let functions: [String: Allowance] = [:]
}

/// Paths that a rule does not judge, each with its reason.
enum PathAllowances {
  /// Files outside the unsafe modules that hold pointers.
  static let pointers: [String: String] = [
    "Sources/Agent/Control/ControlSocketPath.swift": "sockaddr_un holds its path as a tuple of bytes",
    "Sources/Agent/Demo/DemoStream.swift": "compares a hundred megabytes with memcmp",
    "Sources/Replay/ReplayDatagramPort.swift": "writes headers into a batch's buffers, as a socket does",
    "Sources/Replay/ReplaySealedPort.swift": "seals into a batch's buffers, as a peer and a socket do",
    "Sources/Verify/KeyRing+Span.swift": "opens a datagram into a buffer of bytes",
    "Sources/Verify/PacketBatch.swift": "packets on their way between two threads",
    "Sources/Verify/ReadAhead.swift": "a semaphore, which stays at its address",
    "Sources/Verify/WireSum.swift": "hands bytes to the sum in C",
    "Sources/vtep/Output.swift": "writes from where the bytes lie, so that no copy of a key is left behind",
    "Sources/Forwarding/GracePeriod.swift": "words of several threads on cache lines of their own",
    "Sources/Forwarding/MulticastSnapshot.swift": "a list that several threads read without a lock",
    "Sources/Forwarding/MulticastTable.swift": "puts one such list in the place of another",
    "Sources/Forwarding/SlotMemory.swift": "pages that are resident once they are used",
    "Sources/Forwarding/LoopGuard.swift": "a fixed memory of words that several threads write",
  ]
}
