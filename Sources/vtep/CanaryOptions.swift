import Agent
import ArgumentParser
import Capture
import LinuxIO
import VXLAN
import Verify

/// `vtep verify --live --canary`.
struct CanaryOptions: ParsableArguments {
  @Flag(
    help: """
      The leak test: plant random bytes in the segment --vni of a running agent, and search everything that passes the \
      underlay for them.
      """)
  var canary = false

  @Option(help: ArgumentHelp("The agent's control socket.", valueName: "path"))
  var socket = ControlSocketPath.standard

  @Option(
    help: ArgumentHelp(
      "An IPv4 address of another host of the segment (default: the neighbours known). May be repeated.",
      valueName: "address"))
  var target: [String] = []

  @Option(help: ArgumentHelp("Where to plant (default: the segment's TAP), such as its bridge.", valueName: "name"))
  var device: String?

  /// - Throws: `ExitCode` 1 where a marker was seen or did not arrive, 2 after a message where that cannot be told.
  func run(vni: VNI, interface: String?, isJSON: Bool, isQuiet: Bool) throws {
    let report: CanaryReport
    do throws(CaptureError) {
      let test = try CanaryTest(try plan(vni, interface))
      report = try test.perform()
    } catch {
      Output.say(error.message)
      throw ExitCode(2)
    }
    if !isQuiet { try isJSON ? Output.write(ReportJSON.encode(report)) : Output.write(report.text) }
    switch report.verdict {
    case .sealed: return
    case .leak, .lost, .clear: throw ExitCode(1)
    case .undecided: throw ExitCode(2)
    }
  }

  private func plan(_ vni: VNI, _ interface: String?) throws(CaptureError) -> CanaryPlan {
    let segments = try ask("/v1/segments?vni=\(vni)", as: [SegmentReport].self)
    let status = try ask("/v1/status", as: StatusReport.self)
    guard let segment = segments.first else { throw CaptureError("the agent has no segment \(vni)") }
    let device = device ?? segment.tap
    guard let underlay = interface ?? HostAddresses.device(of: status.address) else {
      throw CaptureError("no device has the address \(status.address): name the underlay's with -i")
    }
    let ports = OverlayPorts(plain: status.udpPort, sealed: status.sealing?.udpPort ?? OverlayPorts().sealed)
    return CanaryPlan(
      vni: vni, isSealed: segment.sealed, device: device, mtu: segment.mtu, underlay: underlay, ports: ports,
      targets: target.isEmpty ? HostAddresses.neighbors(on: device) : try addresses())
  }

  private func addresses() throws(CaptureError) -> [IPAddress] {
    var addresses: [IPAddress] = []
    for text in target {
      guard let address = IPAddress(text), address.family == .ipv4 else {
        throw CaptureError("--target \(text): an IPv4 address of the overlay is expected")
      }
      addresses.append(address)
    }
    return addresses
  }

  private func ask<Report: Decodable>(_ path: String, as type: Report.Type) throws(CaptureError) -> Report {
    do {
      return try ReportJSON.decode(type, from: try ControlClient(socketPath: socket).get(path))
    } catch let error as ControlError {
      throw CaptureError(error.message)
    } catch {
      throw CaptureError("the agent on \(socket) is of another version, and its answer is not understood")
    }
  }
}
