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

  @Test("every code has an HTTP status of a failure")
  func statuses() {
    for code in ControlError.Code.allCases {
      #expect((400..<600).contains(code.httpStatus), "\(code)")
    }
  }
}
