import Lab
import LinuxIO
import VXLAN

/// TCP streams from one host to the other, as fast as they go, a thread for each end of each.
enum TCPTraffic {
  /// What one call of the sender offers.
  private static let sendByteCount = 128 << 10
  /// What one call of the receiver takes at most.
  private static let receiveByteCount = 256 << 10
  private static let waitMilliseconds: Int32 = 20

  /// Both ends, so that either thread may outlive the other.
  private final class Stream: Sendable {
    let connection: LabConnection
    init(_ connection: consuming LabConnection) { self.connection = connection }
  }

  /// Connects and begins to send.
  static func start(
    streamCount: Int, from source: borrowing NetworkNamespace, to destination: IPAddress,
    in sink: borrowing NetworkNamespace, check: () throws(LabFailure) -> Void
  ) throws(LabFailure) -> Traffic {
    var traffic = Traffic()
    for _ in 0..<streamCount {
      let stream = Stream(try LabConnection.open(from: source, to: destination, in: sink, check: check))
      do throws(Errno) {
        try traffic.run("bench-receive") { tally throws(Errno) in try receive(stream, tally) }
        try traffic.run("bench-send") { tally throws(Errno) in try send(stream, tally) }
      } catch {
        throw .step("start a TCP stream: \(error)")
      }
    }
    return traffic
  }

  private static func send(_ stream: Stream, _ tally: TrafficTally) throws(Errno) {
    let chunk = [UInt8](repeating: 0x5A, count: sendByteCount)
    while !tally.isStopping {
      if try stream.connection.sender.send(chunk[...]) == 0 {
        stream.connection.sender.awaitInput(
          milliseconds: waitMilliseconds, orRoomIn: stream.connection.sender, wanted: true)
      }
    }
  }

  private static func receive(_ stream: Stream, _ tally: TrafficTally) throws(Errno) {
    var buffer = [UInt8](repeating: 0, count: receiveByteCount)
    while !tally.isStopping {
      guard let count = try stream.connection.receiver.receive(into: &buffer) else {
        stream.connection.receiver.awaitInput(
          milliseconds: waitMilliseconds, orRoomIn: stream.connection.receiver, wanted: false)
        continue
      }
      if count == 0 { return }
      tally.addArrived(1, byteCount: count)
    }
  }
}
