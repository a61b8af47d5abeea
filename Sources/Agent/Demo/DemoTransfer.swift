import Lab
import LinuxIO
import Sealing
import VXLAN

/// A stream of bytes by TCP from one host to the other: every byte is compared on arrival, and both ends hash what
/// they sent and received.
package struct DemoTransfer: Sendable {
  /// How much is generated, sent or compared at a time: a multiple of 8.
  private static let chunkByteCount = 1 << 18
  /// The transfer has failed when nothing at all moves for so long.
  private static let stallTime = Duration.seconds(5)

  /// What came of a transfer.
  package struct Outcome: Sendable {
    /// From the first byte sent to the last received.
    package let duration: Duration
    /// BLAKE2b-256 of what one end sent, and the other received: equal.
    package let hash: [UInt8]
  }

  /// What both ends have hashed so far.
  private struct Digests: ~Copyable {
    var sent = Digest()
    var received = Digest()

    consuming func finish() -> (sent: [UInt8], received: [UInt8]) { (sent.finish(), received.finish()) }
  }

  package let byteCount: Int
  package let stream: DemoStream

  /// `byteCount`: a multiple of 8.
  package init(byteCount: Int, seed: UInt64) {
    self.byteCount = byteCount
    stream = DemoStream(seed: seed)
  }

  /// Sends from `source` to the address `destination` of the namespace `sink`. Both ends are served by the calling
  /// thread.
  /// - Parameter check: called at least every 50 ms while the transfer runs; what it throws ends it.
  package func run(
    from source: borrowing NetworkNamespace, to destination: IPAddress, in sink: borrowing NetworkNamespace,
    check: () throws(LabFailure) -> Void
  ) throws(LabFailure) -> Outcome {
    let connection = try LabConnection.open(from: source, to: destination, in: sink, check: check)
    return try move(connection.sender, connection.receiver, check)
  }

  private func move(
    _ sender: borrowing TCPSocket, _ receiver: borrowing TCPSocket, _ check: () throws(LabFailure) -> Void
  ) throws(LabFailure) -> Outcome {
    var outgoing = [UInt8](repeating: 0, count: Self.chunkByteCount)
    var incoming = outgoing
    var (sentCount, receivedCount) = (0, 0)
    var digests = Digests()
    let start = ContinuousClock.now
    var lastMove = start
    var nextCheck = start
    while true {
      let now = ContinuousClock.now
      if now >= nextCheck {
        try check()
        nextCheck = now + .milliseconds(50)
      }
      let sent = try send(&outgoing, sentCount, sender, &digests.sent)
      let received = try receive(&incoming, receivedCount, receiver, &digests.received)
      if received == 0 { break }
      sentCount += sent
      receivedCount += received ?? 0
      if sent > 0 || received != nil {
        lastMove = now
      } else if now - lastMove > Self.stallTime {
        throw .step("nothing moved for \(Self.stallTime), \(receivedCount) of \(byteCount) bytes had arrived")
      } else {
        receiver.awaitInput(milliseconds: 20, orRoomIn: sender, wanted: sentCount < byteCount)
      }
    }
    guard receivedCount == byteCount else { throw .step("\(receivedCount) of \(byteCount) bytes arrived") }
    let duration = ContinuousClock.now - start
    let hashes = digests.finish()
    guard hashes.sent == hashes.received else { throw .step("the hashes of both ends differ (seed \(stream.seed))") }
    return Outcome(duration: duration, hash: hashes.received)
  }

  /// Sends what fits of the rest of the chunk around `position`; a chunk is made when its first byte is due.
  private func send(
    _ chunk: inout [UInt8], _ position: Int, _ sender: borrowing TCPSocket, _ digest: inout Digest
  ) throws(LabFailure) -> Int {
    guard position < byteCount else { return 0 }
    let within = position % chunk.count
    if within == 0 { stream.fill(&chunk, from: position) }
    let rest = chunk[within..<min(chunk.count, within + byteCount - position)]
    let sent = try LabFailure.step("send") { () throws(Errno) in try sender.send(rest) }
    digest.update(rest.prefix(sent))
    if position + sent == byteCount {
      try LabFailure.step("end the stream") { () throws(Errno) in try sender.endSending() }
    }
    return sent
  }

  /// Receives what is there and compares it. Nil when nothing is there yet, 0 at the end.
  private func receive(
    _ chunk: inout [UInt8], _ position: Int, _ receiver: borrowing TCPSocket, _ digest: inout Digest
  ) throws(LabFailure) -> Int? {
    let received = try LabFailure.step("receive") { () throws(Errno) in try receiver.receive(into: &chunk) }
    guard let received, received > 0 else { return received }
    guard position + received <= byteCount else { throw .step("more bytes arrived than were sent") }
    digest.update(chunk[..<received])
    if let place = stream.firstDifference(in: chunk[..<received], at: position) {
      throw .step("byte \(place) is not the one that was sent (seed \(stream.seed))")
    }
    return received
  }
}
