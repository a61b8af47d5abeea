import Dataplane
import LinuxIO
import VXLAN

/// What a running agent says of a frame or datagram that it has captured.
package struct CapturedFrame: Equatable, Sendable {
  /// The ends and the traffic class of a datagram.
  package struct Outer: Equatable, Sendable {
    package let source: Endpoint
    package let destination: Endpoint
    package let trafficClass: UInt8
    /// Of the sealed port.
    package let isSealed: Bool
  }

  /// Nanoseconds since 1970: when the batch was taken that it came in.
  package let time: UInt64
  package let direction: Direction
  /// Why it ended, as the agent names it; nil: it went on.
  package let reason: String?
  package let vni: UInt32?
  /// The name of the peer that it came from or goes to; nil: none that is known, or several.
  package let peer: String?
  /// Nil: a frame of the overlay.
  package let outer: Outer?
  /// As long as it was, whatever was kept; with the headers that are put in front of a datagram.
  package let byteCount: Int
  /// Frames that it stands for: more than one in a superframe.
  package let frameCount: Int
  /// Of a superframe, the payload of each frame but the last.
  package let gsoByteCount: Int
  /// The transport checksum is that of the pseudo-header only.
  package let hasPartialChecksum: Bool
  /// It was captured before, when it went on its way, and has ended since.
  package let isRepeated: Bool
  /// The agent took note of it, and nobody gets it.
  package let isConsumed: Bool
}

/// How records become `CapturedFrame`s: what slots and numbers of ports stand for.
struct CaptureTerms {
  let accepted: CaptureMessage.Accepted
  let address: IPAddress
  var peers: [Int: String] = [:]

  /// Nil for terms that nobody can understand.
  init?(_ accepted: CaptureMessage.Accepted) {
    guard let address = IPAddress(accepted.address), (1...Self.workerCountMax).contains(accepted.workerCount),
      (1...Self.ringByteCountMax).contains(accepted.ringByteCount)
    else { return nil }
    (self.accepted, self.address) = (accepted, address)
  }

  private static let workerCountMax = 126
  private static let ringByteCountMax = 1 << 30

  mutating func follow(_ changes: [CaptureMessage.Peer]) {
    for change in changes { peers[change.slot] = change.name }
  }

  /// What the record says of one of its datagrams, or of all of it.
  /// - Parameter byteCount: of that, with what is put in front.
  func frame(_ record: CaptureRecord, outer: CapturedFrame.Outer?, byteCount: Int) -> CapturedFrame {
    CapturedFrame(
      time: record.time, direction: record.direction == 0 ? .overlay : .underlay,
      reason: reason(record.reason), vni: record.vni == CaptureRecord.noVNI ? nil : record.vni,
      peer: peers[Int(record.peer)], outer: outer, byteCount: byteCount,
      frameCount: outer == nil ? Int(record.frameCount) : 1, gsoByteCount: outer == nil ? Int(record.gsoByteCount) : 0,
      hasPartialChecksum: record.marks.contains(.hasPartialChecksum),
      isRepeated: record.marks.contains(.isRepeated), isConsumed: record.marks.contains(.isConsumed))
  }

  private func reason(_ number: UInt8) -> String? {
    guard number != CaptureRecord.noReason else { return nil }
    return accepted.reasons.indices.contains(Int(number)) ? accepted.reasons[Int(number)] : "reason \(number)"
  }

  /// The ends of the datagrams of a record.
  func outer(_ record: CaptureRecord) -> CapturedFrame.Outer {
    let isSealed = record.marks.contains(.isSealed)
    let there = Endpoint(address: record.remote, udpPort: record.remotePort)
    let here = Endpoint(address: address, udpPort: localPort(record, isSealed: isSealed))
    return CapturedFrame.Outer(
      source: record.direction == 0 ? here : there, destination: record.direction == 0 ? there : here,
      trafficClass: record.trafficClass, isSealed: isSealed)
  }

  private func localPort(_ record: CaptureRecord, isSealed: Bool) -> UInt16 {
    let ports = isSealed ? accepted.sealedSourcePorts : accepted.sourcePorts
    let index = Int(record.localPortIndex)
    if record.localPortIndex != CaptureRecord.listeningPort, ports.indices.contains(index) { return ports[index] }
    return isSealed ? accepted.sealedPort ?? 0 : accepted.plainPort
  }
}
