/// The agent as a whole, as `vtep status -j` shows it.
package struct StatusReport: Codable, Equatable, Sendable {
  package var version: String
  package var pid: Int32
  package var uptimeSeconds: Int
  /// The underlay address of this VTEP.
  package var address: String
  /// The UDP port of plain VXLAN.
  package var udpPort: UInt16
  package var workers: Int
  /// Frames of both directions that each worker took, by its number; nil, and absent in JSON, when one does not
  /// answer.
  package var workerFrames: [UInt64]?
  /// How many segments there are.
  package var segments: Int
  /// How many peers there are.
  package var peers: Int
  /// The path of the control socket.
  package var socket: String
  /// Each offload by name, and its state: `on`, `off`, or why it is off.
  package var offload: [String: String]
  /// Nil, and absent in JSON, when there are no sessions to have.
  package var sealing: SealingReport?
  /// The file that keys are written to; nil, and absent in JSON, when they are not.
  package var keyLog: String?

  private enum CodingKeys: String, CodingKey {
    case version, pid, address, workers, segments, peers, socket, offload, sealing
    case uptimeSeconds = "uptime-seconds"
    case udpPort = "port"
    case workerFrames = "worker-frames"
    case keyLog = "key-log"
  }

  package init(
    version: String = VtepVersion.current, pid: Int32, uptimeSeconds: Int, address: String, udpPort: UInt16,
    workers: Int, workerFrames: [UInt64]? = nil, segments: Int, peers: Int, socket: String,
    offload: [String: String], sealing: SealingReport? = nil, keyLog: String? = nil
  ) {
    self.version = version
    self.pid = pid
    self.uptimeSeconds = uptimeSeconds
    self.address = address
    self.udpPort = udpPort
    self.workers = workers
    self.workerFrames = workerFrames
    self.segments = segments
    self.peers = peers
    self.socket = socket
    self.offload = offload
    self.sealing = sealing
    self.keyLog = keyLog
  }
}
