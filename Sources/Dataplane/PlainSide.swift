import LinuxIO

/// The way out in clear, and the only one: whatever an engine gives to the plain port goes through here, and nothing of
/// a sealed segment passes.
struct PlainSide {
  private let port: any DatagramPort
  // SAFETY: the topology's, by segment slot; whoever holds this value holds the topology.
  private var records: UnsafeMutablePointer<Topology.SegmentRecord>

  init(_ port: any DatagramPort, _ topology: Topology) {
    self.port = port
    records = topology.records
  }

  /// Another generation is in use.
  mutating func follow(_ topology: Topology) { records = topology.records }

  func receive(into batch: inout DatagramBatch) -> Int32 { port.receive(into: &batch) }

  /// Sends the runs. That one is of a sealed segment would be our bug, and the end of the process rather than of the
  /// secret.
  func send(_ runs: inout OutgoingRuns) {
    for index in 0..<runs.count {
      precondition(!records[runs[index].key.segment].isSealed, "a frame of a sealed segment on its way out in clear")
    }
    port.send(&runs)
  }
}
