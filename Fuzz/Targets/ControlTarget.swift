import VXLAN

@testable import Agent

/// A request on the control socket, behind HTTP: the first line is method and target, the rest is the body.
final class ControlTarget: FuzzTarget {
  static let name = "control"
  static let byteCountMax = 1_024

  static var seeds: [[UInt8]] {
    let requests = [
      "GET /v1/status", "GET /v1/segments?vni=42", "GET /v1/fdb?vni=42&after=1", "GET /v1/mtu?peer=b",
      "GET /v1/events?after=3&drops=1", "POST /v1/fdb?vni=42&mac=02%3A00%3a00:00:00:01&peer=b",
      "DELETE /v1/fdb?vni=42&mac=02:00:00:00:00:01", "POST /v1/fdb/flush?vni=42",
      "GET /v1/fdb/explain?vni=42&mac=02:00:00:00:00:01", "POST /v1/reload", "DELETE /v1/peers/b",
      "DELETE /v1/segments/42", "GET /v1/drops", "PUT /v1/peers/%C3%A9",
    ]
    let additions = [
      "POST /v1/peers\n" + ConfigurationSeeds.peer, "POST /v1/segments\n" + ConfigurationSeeds.segment,
    ]
    return (requests + additions).map { Array($0.utf8) }
  }

  private let api = {
    let agent = SilentAgent()
    return ControlAPI(source: agent, table: agent, events: agent, changes: agent)
  }()

  init() {}

  func run(_ bytes: [UInt8]) {
    let line = bytes.prefix { $0 != 0x0A }
    let words = line.split(separator: 0x20, maxSplits: 1).map { String(decoding: $0, as: UTF8.self) }
    guard words.count == 2 else { return }
    let body = Array(bytes.dropFirst(line.count + 1))
    quoted(words[1])
    guard let request = try? ControlRequest(method: words[0], target: words[1], body: body) else { return }
    let response = api.answer(request)
    require((200..<600).contains(response.status) && response.status != 500, "status \(response.status)")
    require(response.body.last == 0x0A && response.body.count < 1 << 20, "a body of \(response.body.count) bytes")
    if response.status >= 400 {
      let failure = try? ReportJSON.decode(ControlFailure.self, from: response.body)
      require(failure?.error.message.isEmpty == false, "a failure that cannot be read")
    }
  }

  /// A value survives being put into a query.
  private func quoted(_ text: String) {
    let request = try? ControlRequest(method: "GET", target: "/v1/mtu?peer=" + ControlRequest.encode(text))
    require(request?.query == ["peer": text], "\(text) comes back as \(String(describing: request?.query))")
  }
}

/// An agent that has nothing to report, and judges changes by the rules of the file.
private final class SilentAgent: ReportSource, FDBControl, EventSource, ChangeControl {
  private static let refusal = ControlError(.unknownVNI, "there is none")
  private static let file = ConfigurationFile(path: "f", bytes: Array(ConfigurationSeeds.texts[1].utf8))

  func statusReport() throws(ControlError) -> StatusReport { throw Self.refusal }
  func segmentReports(vni: VNI?) throws(ControlError) -> [SegmentReport] { [] }
  func fdbPage(vni: VNI?, after cursor: FDBCursor?) throws(ControlError) -> FDBPage { throw Self.refusal }
  func peerReports() throws(ControlError) -> [PeerReport] { [] }
  func statsReport() throws(ControlError) -> StatsReport { throw Self.refusal }
  func dropsReport() throws(ControlError) -> DropsReport { throw Self.refusal }
  func mtuReport(peer name: String) throws(ControlError) -> MTUReport { throw Self.refusal }

  func setEntry(
    _ mac: MACAddress, vni: VNI, peer: String, replacing: Bool
  ) throws(ControlError) -> FDBReport { throw Self.refusal }
  func removeEntry(_ mac: MACAddress, vni: VNI) throws(ControlError) -> FDBReport { throw Self.refusal }
  func flushEntries(vni: VNI) throws(ControlError) -> FlushReport { FlushReport(vni: vni.rawValue, removed: 0) }
  func explain(_ mac: MACAddress, vni: VNI) throws(ControlError) -> FDBExplanation { throw Self.refusal }

  func events(after: UInt64?, withDrops: Bool) -> EventsReport { EventsReport(events: [], next: 1, lost: 0) }

  func reload() throws(ControlError) -> ChangeReport { ChangeReport(changes: []) }
  func removePeer(_ name: String) throws(ControlError) -> ChangeReport { try change { $0.removePeer(name) } }
  func removeSegment(_ vni: VNI) throws(ControlError) -> ChangeReport { try change { $0.removeSegment(vni) } }
  func addPeer(_ body: [UInt8]) throws(ControlError) -> ChangeReport {
    try change { changes throws(ConfigurationProblem) in try changes.addPeer(body) }
  }
  func addSegment(_ body: [UInt8]) throws(ControlError) -> ChangeReport {
    try change { changes throws(ConfigurationProblem) in try changes.addSegment(body) }
  }

  private func change(
    _ body: (inout RunTimeChanges) throws(ConfigurationProblem) -> Void
  ) throws(ControlError) -> ChangeReport {
    var changes = RunTimeChanges()
    do throws(ConfigurationProblem) { try body(&changes) } catch { throw ControlError(.refused, error.message) }
    let configuration: Configuration
    do throws(ConfigurationError) { configuration = try Self.file.configuration(with: changes) } catch {
      require(!error.problems.isEmpty, "refused without a problem")
      throw ControlError(.refused, error.description)
    }
    // Two peers and two segments are in the file.
    require(configuration.peers.count <= 3 && configuration.segments.count <= 3, "more came than was asked for")
    return ChangeReport(changes: [])
  }
}
