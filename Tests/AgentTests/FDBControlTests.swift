import Forwarding
import Synchronization
import Testing
import VXLAN

@testable import Agent

@Suite("changing tables through the control socket")
struct FDBControlTests {
  /// An agent that notes what it is asked to do.
  private final class Notes: FDBControl {
    let asked = Mutex<[String]>([])

    private func note(_ text: String) -> FDBReport {
      asked.withLock { $0.append(text) }
      return FixedReports().entries[0]
    }

    func setEntry(_ mac: MACAddress, vni: VNI, peer: String, replacing: Bool) throws(ControlError) -> FDBReport {
      guard peer != "x" else { throw ControlError(.exists, "it is there") }
      return note("\(replacing ? "replace" : "add") \(mac) \(vni) \(peer)")
    }

    func removeEntry(_ mac: MACAddress, vni: VNI) throws(ControlError) -> FDBReport { note("del \(mac) \(vni)") }

    func flushEntries(vni: VNI) throws(ControlError) -> FlushReport {
      _ = note("flush \(vni)")
      return FlushReport(vni: vni.rawValue, removed: 3)
    }

    func explain(_ mac: MACAddress, vni: VNI) throws(ControlError) -> FDBExplanation {
      _ = note("explain \(mac) \(vni)")
      throw ControlError(.unknownVNI, "no segment has VNI \(vni)")
    }
  }

  private static let entry = "vni=42&mac=02:00:00:00:00:02"

  private static func ask(_ notes: Notes?, _ method: String, _ target: String) throws -> ControlResponse {
    ControlAPI(source: FixedReports(), table: notes).answer(try ControlRequest(method: method, target: target))
  }

  @Test("each method of a resource does what it says, once")
  func methods() throws {
    let notes = Notes()
    let asked = [
      ("POST", "/v1/fdb?\(Self.entry)&peer=b"), ("PUT", "/v1/fdb?\(Self.entry)&peer=b"),
      ("DELETE", "/v1/fdb?\(Self.entry)"), ("POST", "/v1/fdb/flush?vni=42"),
    ]
    for (method, target) in asked { #expect(try Self.ask(notes, method, target).status == 200) }
    #expect(try Self.ask(notes, "GET", "/v1/fdb/explain?\(Self.entry)").status == 404)
    #expect(try Self.ask(notes, "POST", "/v1/fdb?\(Self.entry)&peer=x").status == 409)
    let mac = "02:00:00:00:00:02"
    let done = ["add \(mac) 42 b", "replace \(mac) 42 b", "del \(mac) 42", "flush 42", "explain \(mac) 42"]
    #expect(notes.asked.withLock { $0 } == done)
    #expect(try Self.ask(notes, "GET", "/v1/fdb").status == 200)
  }

  @Test(
    "what is missing, too much or no address changes nothing",
    arguments: [
      ("POST", "/v1/fdb?vni=42&mac=02:00:00:00:00:02"), ("POST", "/v1/fdb?\(entry)&peer=b&more=1"),
      ("POST", "/v1/fdb?vni=42&mac=02:00:00:00:00&peer=b"), ("DELETE", "/v1/fdb?vni=16777216&mac=02:00:00:00:00:02"),
      ("DELETE", "/v1/fdb"), ("POST", "/v1/fdb/flush"), ("GET", "/v1/fdb/explain?vni=42"),
      ("POST", "/v1/fdb?vni=-1&mac=02:00:00:00:00:02&peer=b"),
    ])
  func refused(method: String, target: String) throws {
    let notes = Notes()
    #expect(try Self.ask(notes, method, target).status == 400)
    #expect(notes.asked.withLock { $0.isEmpty })
  }

  @Test(
    "other methods are refused with those that there are", arguments: ["/v1/fdb", "/v1/fdb/flush", "/v1/fdb/explain"])
  func otherMethods(path: String) throws {
    let answer = try Self.ask(Notes(), "PATCH", path)
    #expect(answer.status == 405 && answer.allow == FDBResource.methods(of: path))
    #expect(try Self.ask(nil, "POST", "/v1/fdb?\(Self.entry)&peer=b").status == 405)
  }

  @Test("a change reaches the agent through the socket, and its refusal the client")
  func throughSocket() throws {
    let directory = try ControlTestDirectory()
    let notes = Notes()
    let api = ControlAPI(source: FixedReports(), table: notes)
    let server = try startControlServer(directory.socket) { api.answer($0) }
    defer { server.stop() }
    let client = try ControlClient(socketPath: directory.socket)
    #expect(try !client.send("POST", "/v1/fdb?\(Self.entry)&peer=b").isEmpty)
    #expect(try !client.send("DELETE", "/v1/fdb?\(Self.entry)").isEmpty)
    #expect(throws: ControlError(.exists, "it is there")) { try client.send("PUT", "/v1/fdb?\(Self.entry)&peer=x") }
    #expect(notes.asked.withLock { $0.count } == 2)
  }
}
