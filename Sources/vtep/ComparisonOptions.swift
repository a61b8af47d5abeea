import Agent
import ArgumentParser
import Capture
import Sealing
import VXLAN
import Verify

/// `vtep verify --compare A B`.
struct ComparisonOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Compare the inner frames of two captures, made on two hosts: what was lost, came twice or out of order.",
      valueName: "file"))
  var compare: [String] = []

  var isWanted: Bool { !compare.isEmpty }

  func validate() throws {
    guard compare.isEmpty || compare.count == 2 else { throw ValidationError("--compare takes two captures.") }
  }

  /// - Throws: `ExitCode` 1 where they differ, 2 after a message where that cannot be told.
  func run(ports: OverlayPorts, segments: Set<VNI>, keys: String?, isJSON: Bool, isQuiet: Bool) throws {
    let report: ComparisonReport
    do throws(CaptureError) {
      let ring = try keys.map { path throws(CaptureError) in try KeyLogFile.keyRing(path: path) }
      var progress = VerifyProgress(compare, passCount: Comparison.passCount)
      defer { progress.end() }
      report = try Comparison.perform((compare[0], compare[1]), ports: ports, keys: ring, vnis: segments) {
        progress.show(byteCount: $0, packetCount: $1)
      }
    } catch {
      Output.say(error.message)
      throw ExitCode(2)
    }
    if !isQuiet { try VerifyOutput.show(report, report.text, isJSON: isJSON) }
    switch report.verdict {
    case "equal": return
    case "different": throw ExitCode(1)
    default: throw ExitCode(2)
    }
  }
}
