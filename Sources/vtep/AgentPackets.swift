import Agent
import Capture
import VXLAN

/// Packets of a running agent: inner frames of its segments, or datagrams of its underlay, with why they were dropped.
final class AgentPackets {
  /// One of them.
  struct Captured {
    let packet: CapturedPacket
    let vni: VNI?
    /// The port that it goes to is that of an overlay; nil: an inner frame.
    let ports: OverlayPorts?
    let note: AgentNote
  }

  private static let patience = Duration.milliseconds(200)

  private let client: CaptureClient
  private let direction: LiveCapture.Direction
  /// Names, and addresses as they are written.
  private let peers: Set<String>

  /// - Parameter peers: by name or by address.
  /// - Throws: no agent answers, or it refuses.
  init(_ source: CaptureSourceOptions, vnis: [VNI], peers: [String]) throws(CaptureError) {
    direction = source.direction ?? .inout
    self.peers = Set(peers.map { IPAddress($0)?.description ?? $0 })
    var request = CaptureRequest()
    request.wantsOuter = source.isOuter
    if vnis.count == 1 { request.vni = vnis.first?.rawValue }
    if self.peers.count == 1 { request.peer = self.peers.first }
    if source.snapshotByteCount > 0 { request.snapByteCount = source.snapshotByteCount }
    do throws(CaptureFailure) {
      client = try CaptureClient(controlSocket: source.socketPath, request)
    } catch {
      throw CaptureError(error.description)
    }
  }

  /// What the agent had no place for, because this process was too slow.
  var missedCount: UInt64 { client.missedCount }

  /// Hands over what comes until a signal or `take` ends it; `idle` is called when nothing waits.
  /// - Throws: the agent has gone, or what `take` and `idle` throw.
  func forEach(_ take: (Captured) throws -> Bool, idle: () throws -> Void) throws {
    var (failure, isDone) = ((any Error)?.none, false)
    while !StopSignal.isRaised, !isDone {
      let outcome = try next { captured in
        guard !isDone, failure == nil else { return }
        do { isDone = try !take(captured) } catch { failure = error }
      }
      if let failure { throw failure }
      switch outcome {
      case .taken: continue
      case .idle: try idle()
      case .ended(let reason):
        guard !StopSignal.isRaised else { return }
        throw CaptureError("the agent has ended the capture\(reason.map { ": \($0)" } ?? "")")
      }
    }
  }

  private func next(_ body: (Captured) -> Void) throws(CaptureError) -> CaptureClient.Outcome {
    do throws(CaptureFailure) {
      return try client.take(within: Self.patience) { frame, bytes in
        guard isWanted(frame) else { return }
        CapturedPacket.lend(
          bytes, time: Int64(clamping: frame.time), wireByteCount: frame.byteCount, dropReason: frame.reason
        ) {
          body(
            Captured(
              packet: $0, vni: frame.vni.flatMap { VNI($0) }, ports: frame.outer.map(Self.ports),
              note: AgentNote(frame)))
        }
      }
    } catch {
      throw CaptureError(error.description)
    }
  }

  /// What comes from a TAP goes out. One peer the agent has chosen already.
  private func isWanted(_ frame: CapturedFrame) -> Bool {
    switch (direction, frame.direction) {
    case (.in, .overlay), (.out, .underlay): return false
    default: break
    }
    guard peers.count > 1 else { return true }
    if let peer = frame.peer, peers.contains(peer) { return true }
    guard let outer = frame.outer else { return false }
    return peers.contains("\(outer.source.address)") || peers.contains("\(outer.destination.address)")
  }

  /// The agent's ports may be any.
  private static func ports(_ outer: CapturedFrame.Outer) -> OverlayPorts {
    let port = outer.destination.udpPort
    return OverlayPorts(plain: outer.isSealed ? 0 : port, sealed: outer.isSealed ? port : 0)
  }
}

extension AgentNote {
  fileprivate init(_ frame: CapturedFrame) {
    self.init(isIncoming: frame.direction == .underlay, peer: frame.peer)
    (isRepeated, isConsumed) = (frame.isRepeated, frame.isConsumed)
    (frameCount, segmentByteCount) = (frame.frameCount, frame.gsoByteCount)
    hasPartialChecksum = frame.hasPartialChecksum
  }
}
