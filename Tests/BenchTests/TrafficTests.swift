import Glibc
import Lab
import LinuxIO
import Testing
import VXLAN

@testable import Bench

/// These make network namespaces: without CAP_SYS_ADMIN they fail with EPERM.
@Suite("the traffic of a bench (root)", .serialized)
struct TrafficTests {
  private let loopback: IPAddress

  init() throws {
    loopback = try #require(IPAddress("127.0.0.1"))
  }

  /// Lets traffic run until `isEnough`, and stops it.
  private func watch(
    _ traffic: consuming Traffic, until isEnough: (TrafficTally) -> Bool
  ) throws -> TrafficTally {
    let deadline = ContinuousClock.now + .seconds(10)
    while !isEnough(traffic.tally), ContinuousClock.now < deadline { usleep(1000) }
    #expect(isEnough(traffic.tally))
    try traffic.stop()
    return traffic.tally
  }

  @Test("streams of TCP count the bytes that arrived", arguments: [1, 4])
  func streams(count: Int) throws {
    let namespace = try NetworkNamespace.create()
    let traffic = try TCPTraffic.start(streamCount: count, from: namespace, to: loopback, in: namespace) {
      () throws(LabFailure) in
    }
    let tally = try watch(traffic) { $0.arrivedByteCount > 10_000_000 }
    #expect(tally.arrivedCount > 0 && tally.sentCount == 0)
  }

  @Test("datagrams arrive as many as were sent where nothing loses any")
  func datagrams() throws {
    let namespace = try NetworkNamespace.create()
    let traffic = try UDPTraffic.start(byteCount: 64, from: namespace, to: loopback, in: namespace)
    let tally = try watch(traffic) { $0.arrivedCount > 10_000 }
    #expect(tally.arrivedCount == tally.sentCount && tally.arrivedByteCount == 64 * tally.arrivedCount)
  }

  @Test("round trips are timed once measuring began")
  func roundTrips() throws {
    let namespace = try NetworkNamespace.create()
    let trips = try RoundTrips(byteCount: 64, from: namespace, to: loopback, in: namespace)
    #expect(try trips.tryOnce())
    let traffic = try trips.start()
    usleep(20_000)
    #expect(traffic.tally.sentCount == 0, "nothing is counted before")
    trips.measure()
    let tally = try watch(traffic) { $0.arrivedCount > 100 }
    #expect(trips.times.totalCount == UInt64(tally.arrivedCount))
    #expect(tally.arrivedCount <= tally.sentCount)
    #expect(trips.times.valueAtPercentile(50) > 0)
  }

  @Test("a round trip that is not answered is lost, and has no time")
  func lostRoundTrips() throws {
    let source = try NetworkNamespace.create()
    let sink = try NetworkNamespace.create()
    // Another namespace's loopback: nobody listens where the questions go.
    let trips = try RoundTrips(byteCount: 64, from: source, to: loopback, in: sink)
    let traffic = try trips.start()
    trips.measure()
    let tally = try watch(traffic) { $0.sentCount >= 2 }
    #expect(tally.arrivedCount == 0 && trips.times.totalCount == 0)
  }
}

@Suite("the window of a sender")
struct SendWindowTests {
  private let loss = SendWindow.lossNanoseconds

  @Test("what is under way and what may be sent make the window")
  func capacity() {
    var window = SendWindow(capacity: 100, now: 0)
    #expect(window.room(arrived: 0, now: 0) == 100)
    window.noteSent(64)
    #expect(window.room(arrived: 0, now: 1) == 36)
    window.noteSent(36)
    #expect(window.room(arrived: 0, now: 2) == 0)
    #expect(window.room(arrived: 10, now: 3) == 10)
  }

  @Test("a full window opens when nothing has arrived for longer than the time of loss, and not before")
  func givesUp() {
    var window = SendWindow(capacity: 100, now: 0)
    window.noteSent(100)
    #expect(window.room(arrived: 40, now: 10) == 40)
    window.noteSent(40)
    #expect(window.room(arrived: 40, now: 10 + loss) == 0)
    #expect(window.room(arrived: 40, now: 11 + loss) == 100)
    window.noteSent(100)
    #expect(window.room(arrived: 40, now: 12 + loss) == 0, "given up once, the next ones have their time again")
    #expect(window.room(arrived: 140, now: 13 + loss) == 100)
  }

  @Test("a window that is not full waits for nothing")
  func notFull() {
    var window = SendWindow(capacity: 100, now: 0)
    window.noteSent(99)
    #expect(window.room(arrived: 0, now: 10 * loss) == 1)
  }
}
