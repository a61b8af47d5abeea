/// What each target may import: docs/architecture.md as a table. A new entry comes with a decision record.
enum ImportTable {
  /// Our modules by layer, lowest first; a module may import those below its own.
  private static let layers: [Set<String>] = [
    ["VXLAN"],
    ["Forwarding", "Sealing", "LinuxIO"],
    ["Dataplane", "Lab", "Capture"],
    ["Replay"],
    ["Agent", "Bench", "Verify"],
    ["vtep"],
  ]

  /// What comes from outside: Swift's own, C shims, packages.
  private static let outside: [String: Set<String>] = [
    "VXLAN": [],
    "Forwarding": ["CVXLAN", "Synchronization"],
    "Sealing": ["CSodium", "CVXLAN", "Synchronization"],
    "LinuxIO": ["CLinuxIO", "Glibc", "Synchronization"],
    "Capture": ["CPcap", "Glibc", "Synchronization"],
    "Dataplane": ["CVXLAN", "Synchronization"],
    "Agent": [
      "Dispatch", "FoundationEssentials", "Glibc", "Logging", "NIOCore", "NIOHTTP1", "NIOPosix", "Synchronization",
      "Yams",
    ],
    "Lab": ["FoundationEssentials", "Glibc"],
    "Bench": ["FoundationEssentials", "Glibc", "Histogram", "Synchronization"],
    "Verify": ["CVXLAN", "FoundationEssentials", "Glibc", "Synchronization"],
    "vtep": ["ArgumentParser", "FoundationEssentials", "Glibc", "Synchronization"],
  ]

  /// Single files that need more than their module, with the reason.
  static let exceptions: [String: (modules: Set<String>, reason: String)] = [
    "Sources/VXLAN/IPAddress.swift": (["Glibc"], "inet_pton and inet_ntop, which make no system call"),
    "Sources/Dataplane/Encapsulation.swift": (["Glibc"], "the numbers of errno"),
    "Sources/Dataplane/Decapsulation.swift": (["Glibc"], "the numbers of errno"),
    "Sources/Dataplane/Coalescing.swift": (["Glibc"], "struct iovec, which names the payload of a joined frame"),
    "Sources/Dataplane/SealedEncapsulation.swift": (["Glibc"], "the numbers of errno"),
    "Sources/Dataplane/ClosedPorts.swift": (["Glibc"], "the numbers of errno"),
    "Sources/Dataplane/SuperframeSplit.swift": (["Glibc"], "struct iovec, in which the refused superframe lies"),
    "Sources/Dataplane/Answer.swift": (["Dispatch"], "a semaphore with a time limit, for jobs, no frame waits for it"),
    "Sources/Dataplane/Worker.swift": (["Glibc"], "the numbers of errno"),
    "Sources/Forwarding/SlotMemory.swift": (["Glibc"], "mmap, whose zeroed pages cost nothing until they are used"),
    "Sources/Forwarding/FDBTable.swift": (["Glibc"], "aligned_alloc and free"),
  ]

  private static let testTools: Set<String> = [
    "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Synchronization", "TestKit", "Testing",
  ]

  /// What each target may import. Tests of a module see what the module sees, and the test tools.
  static let allowed: [String: Set<String>] = {
    var table: [String: Set<String>] = [:]
    for (height, layer) in layers.enumerated() {
      let below = layers[..<height].reduce(into: Set<String>()) { $0.formUnion($1) }
      for module in layer {
        let own = below.union(outside[module] ?? [])
        table[module] = own
        table[module + "Tests"] = own.union(testTools).union([module])
      }
    }
    let upToDataplane = layers[...2].reduce(into: Set<String>()) { $0.formUnion($1) }
    table["TestKit"] = upToDataplane.union(testTools)
    table["Simulation"] = upToDataplane.union(testTools)
    table["SimulationTests"] = upToDataplane.union(testTools).union(["Simulation"])
    table["Simulate"] = ["Foundation", "Simulation"]
    table["TidyTests"] = ["Foundation", "Testing"]
    table["FDBThreads"] = ["VXLAN", "Forwarding", "Foundation", "Synchronization"]
    table["DataPathBenchmarks"] = upToDataplane.union(["CAllocationCount", "Glibc", "Replay", "Synchronization"])
    table["AllocationCountTests"] = upToDataplane.union(testTools).union(["CAllocationCount"])
    return table
  }()
}
