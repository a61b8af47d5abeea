import ArgumentParser
import Capture

/// What `vtep verify` does besides judging captures by rules.
extension VerifyCommand {
  /// Whether it is one of these, rightly asked for.
  func validateOtherTests() throws -> Bool {
    guard comparison.isWanted || leakTest.canary else {
      try refuse(leakTest.given, with: "captures: they are of --canary")
      return false
    }
    guard comparison.isWanted != leakTest.canary, files.isEmpty, !rules else {
      throw ValidationError("--compare and --canary stand alone: captures are judged by another command.")
    }
    guard !leakTest.canary || live && vni.count == 1 else {
      throw ValidationError("The leak test is --live --canary --vni and one segment.")
    }
    try refuse(judging, with: comparison.isWanted ? "--compare" : "--canary")
    let (plan, _) = try options()
    if leakTest.canary {
      try refuse(
        [("--keys", keys != nil), ("--port", port != nil), ("--sealed-port", sealedPort != nil)], with: "--canary")
    } else {
      try refuse(leakTest.given, with: "--compare")
      try refuse([("--interface", interface != nil), ("--live", live)], with: "--compare")
      guard plan.ports.count == 1, plan.sealedPorts.count == 1 else {
        throw ValidationError("--compare takes one port of plain and one of sealed VXLAN.")
      }
    }
    return true
  }

  /// What only rules are judged with, and whether it was given.
  private var judging: [(name: String, isGiven: Bool)] {
    [
      ("--junit", junit != nil), ("--strict", strict), ("--expect", !expect.isEmpty), ("--sealed", !sealed.isEmpty),
      ("--mtu", mtu != nil), ("--underlay-mtu", underlayMtu != nil), ("--config", config != nil),
    ]
  }

  private func refuse(_ options: [(name: String, isGiven: Bool)], with test: String) throws {
    guard let given = options.first(where: \.isGiven) else { return }
    throw ValidationError("\(given.name) does not go with \(test).")
  }

  /// Whether it was one of these.
  /// - Throws: `ExitCode` 1 and 2.
  func runOtherTests() throws -> Bool {
    guard comparison.isWanted || leakTest.canary else { return false }
    let (plan, _) = try options()
    if leakTest.canary, let segment = plan.segments.first {
      try leakTest.run(vni: segment, interface: interface, isJSON: json, isQuiet: quiet)
    } else {
      let ports = OverlayPorts(plain: plan.ports[0], sealed: plan.sealedPorts[0])
      try comparison.run(ports: ports, segments: plan.segments, keys: keys, isJSON: json, isQuiet: quiet)
    }
    return true
  }
}
