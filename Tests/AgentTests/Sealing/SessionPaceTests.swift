import Testing
import VXLAN

@testable import Agent

@Suite("Pace of sessions")
struct SessionPaceTests {
  private func at(_ time: Duration) -> Instant { Instant(nanoseconds: 0) + .seconds(100) + time }

  @Test("the first advance is due at once, the next at the deadline or after a quarter of a second")
  func due() {
    var pace = SessionPace(now: at(.zero))
    #expect(pace.due == at(.zero))
    pace.note(start: at(.zero), end: at(.microseconds(10)), deadline: at(.milliseconds(100)))
    #expect(pace.due == at(.milliseconds(100)))
    pace.note(start: at(.seconds(1)), end: at(.seconds(1)), deadline: at(.seconds(9)))
    #expect(pace.due == at(.milliseconds(1_250)))
    pace.note(start: at(.seconds(2)), end: at(.seconds(2)), deadline: nil)
    #expect(pace.due == at(.milliseconds(2_250)))
  }

  @Test("a pause of 150 times what an advance cost follows it, of 250 ms at most; none where initiations are left")
  func cost() {
    var pace = SessionPace(now: at(.zero))
    pace.note(start: at(.zero), end: at(.milliseconds(1)), deadline: at(.zero))
    #expect(pace.due == at(.milliseconds(151)))
    pace.note(start: at(.zero), end: at(.milliseconds(40)), deadline: at(.zero))
    #expect(pace.due == at(.milliseconds(290)))
    pace.note(start: at(.zero), end: at(.milliseconds(12)), deadline: at(.zero), isBehind: true)
    #expect(pace.due == at(.milliseconds(12)))
  }

  @Test("what becomes due meanwhile is done earlier, and not before the pause is over")
  func hasten() {
    var pace = SessionPace(now: at(.zero))
    pace.note(start: at(.zero), end: at(.milliseconds(1)), deadline: nil)
    pace.hasten(to: nil)
    #expect(pace.due == at(.milliseconds(250)))
    pace.hasten(to: at(.milliseconds(200)))
    #expect(pace.due == at(.milliseconds(200)))
    pace.hasten(to: at(.milliseconds(2)))
    #expect(pace.due == at(.milliseconds(151)))
  }
}

@Suite("Addresses of peers")
struct PeerAddressesTests {
  @Test("an unknown session is noted once for each address of a peer until the notes are forgotten, for others never")
  func notes() throws {
    let configuration = try Configuration.parse(SealingSamples.local("private-key-file: /k"), file: "f")
    let peer = try #require(SessionPeer.all(in: configuration, SealingSamples.slots(configuration)).first)
    let (known, moved) = try (#require(IPAddress("192.0.2.2")), #require(IPAddress("192.0.2.77")))
    var addresses = PeerAddresses([peer])
    #expect(addresses.note(known) && !addresses.note(known) && !addresses.note(moved))
    addresses.add(moved, of: peer)
    #expect(addresses.note(moved) && addresses.name(at: moved) == "b" && addresses.name(at: known) == "b")
    addresses.forgetNotes()
    #expect(addresses.note(known) && addresses.note(moved))
  }
}
