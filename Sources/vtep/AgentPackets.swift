import Agent
import Capture
import VXLAN

/// Packets of a running agent: inner frames of its segments, or datagrams of its underlay, with why they were dropped.
final class AgentPackets {
  private static let patience = Duration.milliseconds(200)

  private let client: CaptureClient
  private let direction: LiveCapture.Direction

  /// - Throws: no agent answers, or it refuses.
  init(_ source: CaptureSourceOptions, vnis: [VNI], peers: [IPAddress]) throws(CaptureError) {
    direction = source.direction
    var request = CaptureRequest()
    request.wantsOuter = source.isOuter
    if vnis.count == 1 { request.vni = vnis.first?.rawValue }
    if peers.count == 1 { request.peer = peers.first?.description }
    if source.snapshotByteCount > 0 { request.snapByteCount = source.snapshotByteCount }
    do throws(CaptureFailure) {
      client = try CaptureClient(controlSocket: source.socket, request)
    } catch {
      throw CaptureError(error.description)
    }
  }

  /// What the agent had no place for, because this process was too slow.
  var missedCount: UInt64 { client.missedCount }

  /// Hands over what comes until a signal or `take` ends it; `idle` is called when nothing waits.
  /// - Throws: the agent has gone, or what `take` and `idle` throw.
  func forEach(_ take: (CapturedPacket, VNI?) throws -> Bool, idle: () throws -> Void) throws {
    var (failure, isDone) = ((any Error)?.none, false)
    while !StopSignal.isRaised, !isDone {
      let outcome = try next { packet, vni in
        guard !isDone, failure == nil else { return }
        do { isDone = try !take(packet, vni) } catch { failure = error }
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

  private func next(_ body: (CapturedPacket, VNI?) -> Void) throws(CaptureError) -> CaptureClient.Outcome {
    do throws(CaptureFailure) {
      return try client.take(within: Self.patience) { frame, bytes in
        guard isWanted(frame) else { return }
        CapturedPacket.lend(
          bytes, time: Int64(clamping: frame.time), wireByteCount: frame.byteCount, dropReason: frame.reason?.name
        ) { body($0, frame.vni.flatMap { VNI($0) }) }
      }
    } catch {
      throw CaptureError(error.description)
    }
  }

  /// What comes from a TAP goes out.
  private func isWanted(_ frame: CapturedFrame) -> Bool {
    switch direction {
    case .inout: true
    case .in: frame.direction == .underlay
    case .out: frame.direction == .overlay
    }
  }
}
