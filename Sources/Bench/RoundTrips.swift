import Histogram
import Lab
import LinuxIO
import Synchronization
import VXLAN

/// Round trips of a small UDP datagram between two hosts, one at a time.
final class RoundTrips: Sendable {
  /// Nanoseconds from the sending to the answer: 1 µs to 10 s, to three digits.
  typealias Times = Histogram<UInt64>

  /// Both ends.
  private let client: UDPSocket
  private let server: UDPSocket
  private let byteCount: Int
  private let measured: Mutex<Times>
  private let isMeasuring = Atomic<Bool>(false)

  /// - Parameter byteCount: of payload, at least 8.
  init(
    byteCount: Int, from source: borrowing NetworkNamespace, to destination: IPAddress,
    in sink: borrowing NetworkNamespace
  ) throws(Errno) {
    precondition(byteCount >= 8, "the payload holds a number of 64 bits")
    let server = try sink.run { () throws(Errno) in try UDPSocket.bound(to: destination) }
    let port = try server.udpPort()
    client = try source.run { () throws(Errno) in try UDPSocket.calling(destination, udpPort: port) }
    self.server = server
    self.byteCount = byteCount
    measured = Mutex(Self.noTimes())
  }

  /// An empty histogram.
  static func noTimes() -> Times {
    Times(lowestDiscernibleValue: 1, highestTrackableValue: 10_000_000_000, numberOfSignificantValueDigits: .three)
  }

  /// The times of the round trips since `measure` that were answered in time.
  var times: Times { measured.withLock { $0 } }

  /// Begins to keep the times.
  func measure() {
    isMeasuring.store(true, ordering: .relaxed)
  }

  /// Whether one round trip succeeds within 50 ms. Not while they run as traffic.
  func tryOnce() throws(Errno) -> Bool {
    var buffer = [UInt8](repeating: 0, count: byteCount)
    _ = try client.sendCopies(of: buffer, count: 1)
    guard try server.echo(&buffer) else { return false }
    return try client.receive(into: &buffer) != nil
  }

  /// Begins the round trips, one after the other. What is not answered within 50 ms is lost: it counts as sent, not as
  /// arrived, and has no time. What the end cuts off counts as neither.
  func start() throws(Errno) -> Traffic {
    var traffic = Traffic()
    try traffic.run("bench-answer") { [self] tally throws(Errno) in
      var buffer = [UInt8](repeating: 0, count: byteCount)
      while !tally.isStopping { _ = try server.echo(&buffer) }
    }
    try traffic.run("bench-ask") { [self] tally throws(Errno) in try ask(tally) }
    return traffic
  }

  private func ask(_ tally: TrafficTally) throws(Errno) {
    var times = Self.noTimes()
    var question = [UInt8](repeating: 0, count: byteCount)
    var answer = question
    var number: UInt64 = 0
    while !tally.isStopping {
      number += 1
      for index in 0..<8 { question[index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) }
      let start = Clock.now()
      guard try client.sendCopies(of: question, count: 1) == 1 else { continue }
      let isMeasured = isMeasuring.load(ordering: .relaxed)
      let isAnswered = try receiveAnswer(to: question, &answer)
      let time = Clock.now() - start
      // The thread that answers may have ended before the last question came.
      guard isMeasured, isAnswered || !tally.isStopping else { continue }
      tally.addSent(1)
      guard isAnswered else { continue }
      times.record(min(time, 10_000_000_000))
      tally.addArrived(1, byteCount: byteCount)
    }
    measured.withLock { $0 = times }
  }

  /// Passes over late answers to earlier questions. False when none comes in time.
  private func receiveAnswer(to question: [UInt8], _ answer: inout [UInt8]) throws(Errno) -> Bool {
    while let count = try client.receive(into: &answer) {
      if count == question.count, answer == question { return true }
    }
    return false
  }
}
