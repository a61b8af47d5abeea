// swift-tools-version: 6.1
import PackageDescription

/// The manifest is the architecture: imports go downwards only, as docs/architecture.md draws them.
///
///     vtep
///     Agent   Bench   Verify
///     Replay
///     Dataplane   Lab   Capture
///     Forwarding   Sealing   LinuxIO
///     VXLAN
let package = Package(
  name: "vtep",
  products: [.executable(name: "vtep", targets: ["vtep"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(name: "VXLAN"),
    .target(name: "Forwarding", dependencies: ["VXLAN", "CVXLAN"]),
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .target(name: "Sealing", dependencies: ["VXLAN", "CVXLAN", "CSodium"]),
    .target(name: "CLinuxIO"),
    .target(name: "CVXLAN"),
    .target(name: "LinuxIO", dependencies: ["VXLAN", "CLinuxIO"]),
    .target(name: "CPcap", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "Capture", dependencies: ["VXLAN", "Sealing", "CPcap"]),
    .target(name: "Dataplane", dependencies: ["VXLAN", "CVXLAN", "Forwarding", "Sealing", "LinuxIO"]),
    .target(name: "Lab", dependencies: ["VXLAN", "Sealing", "LinuxIO"]),
    .target(
      name: "Agent",
      dependencies: [
        "VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane", "Lab", "Yams",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    .target(name: "Replay", dependencies: ["VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane"]),
    .target(
      name: "Bench",
      dependencies: [
        "VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane", "Replay", "Lab",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ]),
    .target(
      name: "Verify",
      dependencies: ["VXLAN", "CVXLAN", "Sealing", "LinuxIO", "Capture", "Lab"]),
    .executableTarget(
      name: "vtep",
      dependencies: [
        "VXLAN", "Sealing", "LinuxIO", "Capture", "Agent", "Lab", "Bench", "Verify",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(
      name: "TestKit", dependencies: ["VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane"]),
    .testTarget(name: "VXLANTests", dependencies: ["VXLAN", "TestKit"]),
    .testTarget(name: "ForwardingTests", dependencies: ["VXLAN", "Forwarding", "TestKit"]),
    .testTarget(name: "SealingTests", dependencies: ["VXLAN", "Sealing", "TestKit"]),
    .testTarget(name: "LinuxIOTests", dependencies: ["VXLAN", "CLinuxIO", "LinuxIO", "TestKit"]),
    .testTarget(
      name: "DataplaneTests",
      dependencies: ["VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane", "TestKit"],
      exclude: ["oracle.py"]),
    .testTarget(
      name: "AgentTests", dependencies: ["VXLAN", "Sealing", "LinuxIO", "Dataplane", "Lab", "Agent", "TestKit"]),
    .testTarget(
      name: "BenchTests",
      dependencies: ["VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane", "Replay", "Lab", "Bench", "TestKit"]),
    .testTarget(name: "CaptureTests", dependencies: ["VXLAN", "Sealing", "Capture", "TestKit"]),
    .testTarget(
      name: "VerifyTests",
      dependencies: ["VXLAN", "Sealing", "LinuxIO", "Capture", "Lab", "Verify", "TestKit"]),
    .target(
      name: "Simulation", dependencies: ["VXLAN", "Forwarding", "Sealing", "Dataplane", "TestKit"]),
    .testTarget(
      name: "SimulationTests",
      dependencies: ["VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane", "TestKit", "Simulation"]),
    .testTarget(name: "TidyTests"),
  ],
  swiftLanguageModes: [.v6]
)

/// Whether a target's code is C, as the names of such say.
func isOfC(_ target: Target) -> Bool { ["CVXLAN", "CLinuxIO", "CPcap"].contains(target.name) }

/// Leaves the package what the data path and its tests are made of, and `more`: nothing from outside.
func keepDataPath(of package: Package, and more: [String]) {
  let dataPath = [
    "VXLAN", "CVXLAN", "Forwarding", "CSodium", "Sealing", "CLinuxIO", "LinuxIO", "Dataplane", "TestKit",
  ]
  package.products = []
  package.dependencies = []
  package.targets.removeAll { !(dataPath + more).contains($0.name) }
}

// The micro-benchmarks are targets of this package, since no other package sees `package` declarations. They exist
// only with BENCHMARKS=1, and then stand alone with what they measure: `scripts/bench`.
if Context.environment["BENCHMARKS"] == "1" {
  let measured: [Target.Dependency] = ["VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane", "Replay"]
  keepDataPath(of: package, and: ["Replay"] + (Context.environment["AEGIS"] == "1" ? ["SealingTests"] : []))
  package.targets += [
    .target(name: "CAllocationCount"),
    .executableTarget(
      name: "DataPathBenchmarks", dependencies: measured + ["CAllocationCount"],
      path: "Benchmarks/DataPathBenchmarks"),
    .testTarget(name: "AllocationCountTests", dependencies: measured + ["CAllocationCount", "TestKit"]),
  ]
}

// Whole agents on a simulated underlay, optimised, for `scripts/simulate`: `SIMULATION=1`.
if Context.environment["SIMULATION"] == "1" {
  keepDataPath(of: package, and: ["Simulation"])
  // What watches is checked by the tests; what is watched is built as it is shipped.
  for target in package.targets where ["Simulation", "TestKit"].contains(target.name) {
    target.swiftSettings = [.unsafeFlags(["-enforce-exclusivity=unchecked"])]
  }
  package.targets.append(
    .executableTarget(name: "Simulate", dependencies: ["Simulation"], path: "Benchmarks/Simulate"))
}

// For the thread sanitizer, `THREADS=1`: the program, and what threads do to the forwarding table.
if Context.environment["THREADS"] == "1" {
  package.targets.removeAll { $0.type == .test || ["TestKit", "Simulation"].contains($0.name) }
  package.targets.first { $0.name == "vtep" }?.dependencies.append("CThreadMarks")
  package.targets += [
    .target(name: "CThreadMarks", path: "Benchmarks/CThreadMarks", cSettings: [.unsafeFlags(["-fno-sanitize=thread"])]),
    .executableTarget(
      name: "FDBThreads", dependencies: ["VXLAN", "Forwarding", "CThreadMarks"], path: "Benchmarks/FDBThreads"),
  ]
}

// The tests of sealing, optimised, for a libsodium that has AEGIS-128L, as scripts/build-libsodium makes it: `AEGIS=1`
// beside BENCHMARKS=1, which leaves them out otherwise. Then a test fails where the cipher is missing.
if Context.environment["AEGIS"] == "1" {
  for target in package.targets {
    switch target.name {
    case "SealingTests":
      target.dependencies.append("CSodium")
      target.swiftSettings = [.define("AEGIS")]
    // Of these the tests see what is internal.
    case "Sealing", "TestKit": target.swiftSettings = [.unsafeFlags(["-enable-testing"])]
    default: break
    }
  }
}

// The fuzz targets, built with libFuzzer, for `scripts/fuzz`: `FUZZ=1`; `FUZZ=address`: with the address sanitizer too.
// Optimised are our own modules; what they depend on is compiled as for debugging, which takes a quarter of the time.
if let fuzz = Context.environment["FUZZ"] {
  let sanitizers = "-sanitize=" + (fuzz == "address" ? "fuzzer,address" : "fuzzer")
  let optimised = ["-O", "-whole-module-optimization", "-num-threads", "2", sanitizers]
  let dependencies = package.dependencies
  keepDataPath(of: package, and: ["Agent", "Lab", "CPcap", "Capture", "Verify"])
  package.dependencies = dependencies
  for target in package.targets where target.type == .regular && !isOfC(target) {
    target.swiftSettings = [.unsafeFlags(optimised)]
  }
  package.targets.append(
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "VXLAN", "Forwarding", "Sealing", "LinuxIO", "Dataplane", "Agent", "Capture", "Verify", "TestKit",
      ],
      path: "Fuzz/Targets", swiftSettings: [.unsafeFlags(optimised)],
      // libFuzzer brings a `main` of its own, which goes with what nobody uses.
      linkerSettings: [.unsafeFlags([sanitizers, "-use-ld=lld", "-Xlinker", "--gc-sections"])]))
}
