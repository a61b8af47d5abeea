import Glibc
import LinuxIO

/// Captures what a running agent carries: the end that reads. One thread, which from then on runs at the lowest
/// priority, so that it takes no time from the agent's.
package final class CaptureClient {
  /// What came of waiting.
  package enum Outcome: Equatable, Sendable {
    /// Something was shown.
    case taken
    /// Nothing came in time.
    case idle
    /// The agent has ended the capture, and all that it left was shown: why, where it said so.
    case ended(String?)
  }

  private static let patience = Duration.seconds(10)
  /// While nothing comes.
  private static let pauseMin = Duration.milliseconds(1)
  private static let pauseMax = Duration.milliseconds(20)
  /// Records between two looks at the connection while much comes.
  private static let recordsPerLook = 1_024

  private let socket: MessageSocket
  private let rings: [CaptureRingReader]
  private var terms: CaptureTerms
  private var recordsSinceLook = 0
  private var pause = pauseMin
  private var isOver = false
  private var reason: String?
  private var packet: [UInt8] = []

  /// Begins a capture of the agent with the control socket at `path`.
  /// - Throws: where nobody is, the agent refuses, or memory lacks.
  package init(controlSocket path: String, _ request: CaptureRequest) throws(CaptureFailure) {
    let socket = try Self.connect(path)
    guard let bytes = try? ReportJSON.encode(request) else { throw CaptureFailure("the request cannot be written") }
    try CaptureFailure.wrapping { () throws(Errno) in try socket.send(bytes, within: Self.patience) }
    var terms: CaptureTerms?
    var rings: [CaptureRingReader] = []
    while true {
      let passed = try CaptureFailure.wrapping { () throws(Errno) in try socket.receive(within: Self.patience) }
      guard var passed else { throw CaptureFailure("the agent has ended the connection") }
      let message = try Self.understand(passed.bytes)
      if let refused = message.refused { throw CaptureFailure(refused) }
      if let accepted = message.accepted {
        let descriptors = passed.takeDescriptors()
        terms = CaptureTerms(accepted)
        rings = try Self.map(descriptors, terms)
      }
      if let peers = message.peers { terms?.follow(peers) }
      if message.isComplete == true { break }
    }
    guard let terms, !rings.isEmpty else { throw CaptureFailure("the agent's answer is not understood") }
    (self.socket, self.terms, self.rings) = (socket, terms, rings)
    // Of the calling thread alone; it may be lowered by anybody.
    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
  }

  deinit { socket.interrupt() }

  /// Frames and datagrams that the agent could not keep so far.
  package var missedCount: UInt64 { rings.reduce(0) { $0 &+ $1.missedCount } }

  /// Shows what comes next, or answers after `time` at the latest. Of several workers the earliest comes first, as far
  /// as it is there.
  /// - Parameter body: called with what is known and the bytes that were kept, for each datagram of a record. A
  ///   datagram has Ethernet, IP and UDP headers in front, which `OuterHeaders` makes up.
  /// - Throws: when what lies in the memory of the agent cannot be understood.
  package func take(
    within time: Duration, _ body: (CapturedFrame, Span<UInt8>) -> Void
  ) throws(CaptureFailure) -> Outcome {
    let deadline = ContinuousClock.now + time
    while true {
      if recordsSinceLook >= Self.recordsPerLook { listen(for: .zero) }
      if try takeNext(body) {
        recordsSinceLook += 1
        pause = Self.pauseMin
        return .taken
      }
      if isOver { return .ended(reason) }
      let rest = deadline - .now
      guard rest > .zero else { return .idle }
      listen(for: min(rest, pause))
      pause = min(pause * 2, Self.pauseMax)
    }
  }

  private func takeNext(_ body: (CapturedFrame, Span<UInt8>) -> Void) throws(CaptureFailure) -> Bool {
    do throws(CaptureRingReader.Broken) {
      var first: (ring: CaptureRingReader, time: UInt64)?
      for ring in rings {
        guard let time = try ring.nextTime() else { continue }
        if first.map({ time < $0.time }) ?? true { first = (ring, time) }
      }
      return try first?.ring.take { show($0, $1, body) } ?? false
    } catch {
      throw CaptureFailure("what the agent has captured cannot be understood")
    }
  }

  private func show(_ record: CaptureRecord, _ bytes: Span<UInt8>, _ body: (CapturedFrame, Span<UInt8>) -> Void) {
    guard record.kind == .outer else {
      return body(terms.frame(record, outer: nil, byteCount: Int(record.byteCount)), bytes)
    }
    let outer = terms.outer(record)
    let stride = record.gsoByteCount > 0 ? Int(record.gsoByteCount) : max(1, Int(record.byteCount))
    var offset = 0
    repeat {
      let byteCount = min(stride, Int(record.byteCount) - offset)
      packet.removeAll(keepingCapacity: true)
      packet += OuterHeaders.bytes(outer, byteCount: byteCount)
      let frame = terms.frame(record, outer: outer, byteCount: packet.count + byteCount)
      let end = min(bytes.count, offset + byteCount)
      for index in min(offset, end)..<end { packet.append(bytes[index]) }
      body(frame, packet.span)
      offset += stride
    } while offset < Int(record.byteCount)
  }

  /// Waits for what the agent says.
  private func listen(for time: Duration) {
    recordsSinceLook = 0
    guard !isOver else { return }
    do throws(Errno) {
      let passed = try socket.receive(within: time)
      guard let passed, let message = try? Self.understand(passed.bytes) else {
        isOver = true
        return
      }
      if let peers = message.peers { terms.follow(peers) }
      if let ended = message.ended { (isOver, reason) = (true, ended) }
    } catch {
      isOver = error.number != ETIMEDOUT
    }
  }

  private static func connect(_ path: String) throws(CaptureFailure) -> MessageSocket {
    do throws(Errno) {
      return try MessageSocket.connect(to: path + CaptureOffer.suffix)
    } catch {
      switch error.number {
      case ENOENT, ECONNREFUSED: throw CaptureFailure("no agent answers at \(path)")
      case EACCES: throw CaptureFailure("only root and the agent's own user may capture what the agent carries")
      default: throw CaptureFailure("\(error)")
      }
    }
  }

  private static func understand(_ bytes: [UInt8]) throws(CaptureFailure) -> CaptureMessage {
    guard let message = try? ReportJSON.decode(CaptureMessage.self, from: bytes) else {
      throw CaptureFailure("the agent's answer is not understood")
    }
    return message
  }

  /// Closes the descriptors, which are not needed any more.
  private static func map(
    _ descriptors: [Int32], _ terms: CaptureTerms?
  ) throws(CaptureFailure) -> [CaptureRingReader] {
    defer { for descriptor in descriptors { close(descriptor) } }
    guard let accepted = terms?.accepted, descriptors.count == 2 * accepted.workerCount else {
      throw CaptureFailure("the agent's answer is not understood")
    }
    var rings: [CaptureRingReader] = []
    for start in stride(from: 0, to: descriptors.count, by: 2) {
      rings.append(
        try CaptureFailure.wrapping { () throws(Errno) in
          try CaptureRingReader(Array(descriptors[start..<start + 2]), capacity: accepted.ringByteCount)
        })
    }
    return rings
  }
}
