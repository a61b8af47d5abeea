import Glibc
import Lab
import LinuxIO
import VXLAN

/// UDP datagrams of one flow from one host to the other: as many as arrive.
///
/// At most `windowCount` are under way at a time, as with every protocol that carries data over UDP. So the rate is one
/// that arrives, and not what a sender can throw away: an endpoint beside the sender has a queue in front, which a
/// sender without a window fills while it takes the processor that would empty it.
enum UDPTraffic {
  /// A tenth of what the queue of our TAPs holds, and enough for several batches at each step of the way.
  static let windowCount = 512
  private static let pauseMicroseconds: useconds_t = 20

  /// Both ends.
  private final class Flow: Sendable {
    let sender: UDPSocket
    let receiver: UDPSocket

    init(sender: consuming UDPSocket, receiver: consuming UDPSocket) {
      self.sender = sender
      self.receiver = receiver
    }
  }

  /// Begins to send datagrams with `byteCount` bytes of payload.
  static func start(
    byteCount: Int, from source: borrowing NetworkNamespace, to destination: IPAddress,
    in sink: borrowing NetworkNamespace
  ) throws(LabFailure) -> Traffic {
    var traffic = Traffic()
    do throws(Errno) {
      let receiver = try sink.run { () throws(Errno) in try UDPSocket.bound(to: destination) }
      let port = try receiver.udpPort()
      let sender = try source.run { () throws(Errno) in try UDPSocket.calling(destination, udpPort: port) }
      let flow = Flow(sender: sender, receiver: receiver)
      try traffic.run("bench-receive") { tally throws(Errno) in try receive(flow, byteCount, tally) }
      try traffic.run("bench-send") { tally throws(Errno) in try send(flow, byteCount, tally) }
    } catch {
      throw .step("start a flow of UDP: \(error)")
    }
    return traffic
  }

  private static func send(_ flow: Flow, _ byteCount: Int, _ tally: TrafficTally) throws(Errno) {
    let payload = [UInt8](repeating: 0x5A, count: byteCount)
    var window = SendWindow(capacity: windowCount, now: Clock.now())
    while !tally.isStopping {
      let room = window.room(arrived: tally.arrivedCount, now: Clock.now())
      guard room > 0 else {
        usleep(pauseMicroseconds)
        continue
      }
      let sent = try flow.sender.sendCopies(of: payload, count: min(room, UDPSocket.bulkCountMax))
      window.noteSent(sent)
      tally.addSent(sent)
    }
  }

  /// Ends when nothing comes any more after the sender was stopped, so that what was under way is counted.
  private static func receive(_ flow: Flow, _ byteCount: Int, _ tally: TrafficTally) throws(Errno) {
    var buffer = [UInt8](repeating: 0, count: byteCount)
    while true {
      let count = try flow.receiver.receiveBulk(into: &buffer)
      if count > 0 {
        tally.addArrived(count, byteCount: count * byteCount)
      } else if tally.isStopping {
        return
      }
    }
  }
}
