import ArgumentParser
import Capture

/// What `vtep verify` does besides judging captures by rules.
extension VerifyCommand {
  /// Whether it is one of these, rightly asked for.
  func validateOtherTests() throws -> Bool {
    guard comparison.isWanted || leakTest.canary else { return false }
    guard comparison.isWanted != leakTest.canary, files.isEmpty, !rules else {
      throw ValidationError("--compare and --canary stand alone: captures are judged by another command.")
    }
    guard !leakTest.canary || live && vni.count == 1 else {
      throw ValidationError("The leak test is --live --canary --vni and one segment.")
    }
    _ = try options()
    return true
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
