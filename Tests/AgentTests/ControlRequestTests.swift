import Testing

@testable import Agent

@Suite("control request")
struct ControlRequestTests {
  @Test("a target is split and percent-decoded")
  func split() throws {
    let request = try ControlRequest(method: "GET", target: "/v1/f%64b?vni=4%32&flag&empty=")
    #expect(request.path == "/v1/fdb")
    #expect(request.query == ["vni": "42", "flag": "", "empty": ""])
  }

  @Test("what cannot be a target is refused", arguments: ["", "*", "http://x/v1", "/%", "/%4", "/%zz", "/%ff", "/%+1"])
  func refused(target: String) {
    #expect(throws: ControlError.self) { try ControlRequest(method: "GET", target: target) }
  }

  @Test("a key that stands twice is refused")
  func twice() {
    #expect(throws: ControlError(.badQuery, "the query names a key twice; each may stand once")) {
      try ControlRequest(method: "GET", target: "/v1/fdb?vni=1&vni=2")
    }
  }

  @Test(
    "an unknown key, and a filter where there is none, are refused",
    arguments: [
      "/v1/fdb?mac=1", "/v1/peers?vni=42", "/v1/fdb?vni=", "/v1/fdb?vni=-1", "/v1/fdb?vni=16777216",
      "/v1/mtu", "/v1/mtu?vni=42", "/v1/mtu?peer=b&vni=42", "/v1/fdb?peer=b",
    ])
  func badQuery(target: String) throws {
    let response = ControlAPI(source: FixedReports()).answer(try ControlRequest(method: "GET", target: target))
    #expect(response.status == 400)
  }

  @Test("the bounds of a VNI pass", arguments: ["/v1/fdb?vni=0", "/v1/fdb?vni=16777215"])
  func bounds(target: String) throws {
    let response = ControlAPI(source: FixedReports()).answer(try ControlRequest(method: "GET", target: target))
    #expect(response == ControlResponse(status: 200, body: Array("[]\n".utf8)))
  }

  @Test("any peer's name survives a query", arguments: ["b", "a&b=c", "100%", "ü?#/+", "x~y.z-_"])
  func encoding(name: String) throws {
    let request = try ControlRequest(method: "GET", target: "/v1/mtu?peer=" + ControlRequest.encode(name))
    #expect(request.query == ["peer": name])
  }

  @Test("every code has an HTTP status of a failure")
  func statuses() {
    for code in ControlError.Code.allCases {
      #expect((400..<600).contains(code.httpStatus), "\(code)")
    }
  }
}
