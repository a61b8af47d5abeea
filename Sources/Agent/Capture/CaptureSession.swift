import Dataplane
import Glibc
import LinuxIO
import Logging

/// One capture: who asked for it, its rings, and the names that it is told of. A thread of its own.
struct CaptureSession: Sendable {
  /// Bytes of the rings of one capture together, and of each.
  private static let totalByteCountMax = 16 << 20
  private static let ringByteCountMax = 4 << 20
  private static let ringByteCountMin = 1 << 19
  /// For the request, and for the other end to take a message.
  private static let patience = Duration.seconds(5)
  /// For a request that is refused unread.
  private static let refusalPatience = Duration.milliseconds(100)
  /// Between two looks whether names have changed, and whether the agent stops.
  private static let pause = Duration.milliseconds(100)

  private let socket: MessageSocket
  private unowned let source: any CaptureSource
  private let log: Logger
  private let isStopping: @Sendable () -> Bool

  init(
    _ socket: MessageSocket, _ source: any CaptureSource, _ log: Logger, isStopping: @escaping @Sendable () -> Bool
  ) {
    (self.socket, self.source, self.log, self.isStopping) = (socket, source, log, isStopping)
  }

  /// Says why not, and ends the connection.
  func refuse(_ reason: String) {
    // A connection that is closed with something unread in it is reset, and the answer would not be seen.
    _ = try? socket.receive(within: Self.refusalPatience)
    // It may be gone.
    try? send(CaptureMessage(refused: reason))
  }

  /// Ends the connection. Any thread.
  func interrupt() { socket.interrupt() }

  /// Serves the capture to its end.
  func run() {
    do throws(CaptureFailure) {
      let pid = try admittedPeer()
      let request = try request()
      guard let filter = source.filter(for: request) else {
        throw CaptureFailure("no peer has the name or address \(request.peer ?? "")")
      }
      let rings = try makeRings()
      defer { source.endCapture(into: rings) }
      guard source.beginCapture(into: rings, filter) else {
        throw CaptureFailure("a worker of the agent does not come to the end of its batch")
      }
      log.notice("a capture begins", metadata: ["pid": "\(pid)", "kind": request.wantsOuter ? "outer" : "inner"])
      let changeCount = source.captureChangeCount
      let peers = try accept(rings)
      follow(request, filter, rings, peers, changeCount)
      log.notice("a capture has ended", metadata: ["pid": "\(pid)"])
    } catch {
      refuse(error.description)
    }
  }

  private func admittedPeer() throws(CaptureFailure) -> pid_t {
    let (pid, uid) = try CaptureFailure.wrapping { () throws(Errno) in try socket.peer() }
    guard uid == 0 || uid == geteuid() else {
      throw CaptureFailure("only root and the agent's own user may capture what it carries")
    }
    return pid
  }

  private func request() throws(CaptureFailure) -> CaptureRequest {
    let message = try CaptureFailure.wrapping { () throws(Errno) -> [UInt8]? in
      try socket.receive(within: Self.patience)?.bytes
    }
    guard let message, let request = try? ReportJSON.decode(CaptureRequest.self, from: message) else {
      throw CaptureFailure("no request came")
    }
    guard request.version == CaptureRequest.version else {
      throw CaptureFailure(
        "the command speaks version \(request.version) of captures and the agent \(CaptureRequest.version)")
    }
    return request
  }

  private func makeRings() throws(CaptureFailure) -> [CaptureRing] {
    let workerCount = source.captureTerms(ringByteCount: 0).workerCount
    var byteCount = Self.ringByteCountMax
    while byteCount > Self.ringByteCountMin, byteCount * workerCount > Self.totalByteCountMax { byteCount /= 2 }
    var rings: [CaptureRing] = []
    for _ in 0..<workerCount {
      rings.append(try CaptureFailure.wrapping { () throws(Errno) in try CaptureRing(capacity: byteCount) })
    }
    return rings
  }

  /// Hands over the rings and says what the slots in records stand for. Answers whom it has named.
  private func accept(_ rings: [CaptureRing]) throws(CaptureFailure) -> [Int: String] {
    let terms = source.captureTerms(ringByteCount: rings[0].capacity)
    try send(CaptureMessage(accepted: terms), descriptors: rings.flatMap(\.descriptors))
    let peers = source.capturePeers()
    try tell(of: peers.map { CaptureMessage.Peer(slot: $0, name: $1) })
    try send(CaptureMessage(isComplete: true))
    return peers
  }

  /// Until either end has enough.
  private func follow(
    _ request: CaptureRequest, _ filter: CaptureFilter, _ rings: [CaptureRing], _ peers: [Int: String],
    _ changeCount: Int
  ) {
    var (filter, peers, changeCount) = (filter, peers, changeCount)
    while isQuiet() {
      guard !isStopping() else {
        // It may be gone, or hold still.
        try? send(CaptureMessage(ended: "the agent has ended"), within: .zero)
        return
      }
      let count = source.captureChangeCount
      guard count != changeCount else { continue }
      let now = source.capturePeers()
      let left = peers.keys.filter { now[$0] == nil }.map { CaptureMessage.Peer(slot: $0, name: nil) }
      let others = now.filter { peers[$0.key] != $0.value }.map { CaptureMessage.Peer(slot: $0.key, name: $0.value) }
      // Whoever holds still is told later.
      guard (try? tell(of: left + others, within: .zero)) != nil else { continue }
      (peers, changeCount) = (now, count)
      let next = filterNow(request)
      if next != filter { source.changeCapture(into: rings, next) }
      filter = next
    }
  }

  /// The slot of a peer may be another's by now; one that has left may come again.
  private func filterNow(_ request: CaptureRequest) -> CaptureFilter {
    if let filter = source.filter(for: request) { return filter }
    var nobody = request
    nobody.peer = nil
    var filter = source.filter(for: nobody) ?? CaptureFilter(wantsOuter: request.wantsOuter)
    filter.peer = .max
    return filter
  }

  /// Waits a moment. False: the other end is gone, or speaks, which it has no reason to.
  private func isQuiet() -> Bool {
    do throws(Errno) {
      _ = try socket.receive(within: Self.pause)
      return false
    } catch {
      return error.number == ETIMEDOUT
    }
  }

  private func tell(of peers: [CaptureMessage.Peer], within time: Duration = patience) throws(CaptureFailure) {
    for start in stride(from: 0, to: peers.count, by: CaptureMessage.peerCountMax) {
      let part = peers[start..<min(peers.count, start + CaptureMessage.peerCountMax)]
      try send(CaptureMessage(peers: Array(part)), within: time)
    }
  }

  private func send(
    _ message: CaptureMessage, descriptors: [Int32] = [], within time: Duration = patience
  ) throws(CaptureFailure) {
    guard let bytes = try? ReportJSON.encode(message) else { throw CaptureFailure("a message cannot be written") }
    try CaptureFailure.wrapping { () throws(Errno) in
      try socket.send(bytes, descriptors: descriptors, within: time)
    }
  }
}
