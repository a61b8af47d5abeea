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

  @Option(help: ArgumentHelp("The agent's control socket (default: \(ControlSocketPath.standard)).", valueName: "path"))
  var socket: String?

  @Option(
    help: ArgumentHelp(
      "An IPv4 address of another host of the segment (default: the neighbours known behind peers). May be repeated.",
      valueName: "address"))
  var target: [String] = []

  @Option(help: ArgumentHelp("Where to plant (default: the segment's TAP), such as its bridge.", valueName: "name"))
  var device: String?

  /// - Throws: `ExitCode` 1 where a marker was seen or did not arrive, 2 after a message where that cannot be told.
  func run(vni: VNI, interface: String?, isJSON: Bool, isQuiet: Bool) throws {
    var report: CanaryReport
    do throws(CaptureError) {
      let plan = try self.plan(vni, interface)
      report = try CanaryTest(plan).perform()
      // Now that each has answered, it is known where it is.
      let remote = Set(try remoteNeighbors(on: plan.device, vni))
      report.disregard(plan.targets.filter { !remote.contains($0) })
    } catch {
      Output.say(error.message)
      throw ExitCode(2)
    }
    if !isQuiet { try VerifyOutput.show(report, report.text, isJSON: isJSON) }
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
    guard let address = IPAddress(status.address) else { throw otherVersion }
    guard let underlay = interface ?? HostAddresses.device(of: status.address) else {
      throw CaptureError("no device has the address \(status.address): name the underlay's with -i")
    }
    let ports = OverlayPorts(plain: status.udpPort, sealed: status.sealing?.udpPort ?? OverlayPorts().sealed)
    return CanaryPlan(
      vni: vni, isSealed: segment.sealed, device: device, mtu: segment.mtu, underlay: underlay,
      underlayAddress: address, ports: ports,
      targets: target.isEmpty ? try remoteNeighbors(on: device, vni) : try addresses())
  }

  /// The neighbours on `device` that the agent has behind a peer: not those on the same bridge.
  private func remoteNeighbors(on device: String, _ vni: VNI) throws(CaptureError) -> [IPAddress] {
    var addresses: [IPAddress] = []
    for (address, mac) in HostAddresses.neighbors(on: device) where mac.isValidSource {
      let query = "vni=\(vni)&mac=\(ControlRequest.encode(mac.description))"
      if try ask("/v1/fdb/explain?\(query)", as: FDBExplanation.self).peer != nil { addresses.append(address) }
    }
    return addresses
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
      return try ReportJSON.decode(type, from: try ControlClient(socketPath: socketPath).get(path))
    } catch let error as ControlError {
      throw CaptureError(error.message)
    } catch {
      throw otherVersion
    }
  }

  private var socketPath: String { socket ?? ControlSocketPath.standard }

  private var otherVersion: CaptureError {
    CaptureError("the agent on \(socketPath) is of another version, and its answer is not understood")
  }

  /// What it is asked with, and whether that was given.
  var given: [(name: String, isGiven: Bool)] {
    [("--target", !target.isEmpty), ("--device", device != nil), ("--socket", socket != nil)]
  }
}
