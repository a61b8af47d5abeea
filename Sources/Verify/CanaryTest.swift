import Capture
import Glibc
import LinuxIO

/// The leak test: plants markers in a segment and searches everything that passes the underlay for them, whatever its
/// port. A marker has arrived when the host that was asked has sent it back, so it has passed the underlay twice.
/// Broadcasts are searched for, and nobody answers them.
///
/// *Threads.* One.
package final class CanaryTest {
  /// Between two markers, in microseconds: far below the rate of answers that a kernel limits.
  private static let pauseMicroseconds: UInt32 = 5_000
  /// Nanoseconds: how long answers are waited for behind the last marker, and how long packets behind the last answer.
  private static let answerTime: UInt64 = 3_000_000_000
  private static let settlingTime: UInt64 = 300_000_000
  /// Packets that are searched between two markers, or two looks at the answers, at most.
  private static let searchCountMax = 1 << 14

  private let plan: CanaryPlan
  private let capture: LiveCapture
  private let socket: EchoSocket
  private var markers = CanaryMarkers()
  private var report: CanaryReport
  private var arrived: Set<Int> = []

  /// - Throws: where it may not capture or plant, or has nobody to ask.
  package init(_ plan: CanaryPlan) throws(CaptureError) {
    guard !plan.targets.isEmpty else {
      throw CaptureError(
        "nobody to ask on \(plan.device): give --target with the overlay address of another host of the segment")
    }
    guard plan.underlay != plan.device, plan.underlay != "any" else {
      throw CaptureError(
        "the underlay is to be watched, not \(plan.underlay), where markers are in clear as they should")
    }
    self.plan = plan
    var options = LiveCapture.Options()
    options.isImmediate = true
    do throws(Errno) {
      socket = try EchoSocket(device: plan.device)
    } catch {
      throw CaptureError("markers cannot be planted on \(plan.device): \(error)")
    }
    capture = try LiveCapture(interface: plan.underlay, options: options)
    let asked = plan.payloadByteCounts.count * plan.repetitions * plan.targets.count
    let told = plan.payloadByteCounts.count * plan.repetitions
    report = CanaryReport(vni: plan.vni.rawValue, interface: plan.underlay, planted: asked + told, asked: asked)
  }

  package func perform() throws(CaptureError) -> CanaryReport {
    for byteCount in plan.payloadByteCounts {
      for _ in 0..<plan.repetitions {
        for target in plan.targets { try plant(byteCount) { socket.ask(target, payload: $0, number: $1) } }
        try plant(byteCount) { payload, _ in socket.tellAll(payload: payload) }
      }
    }
    try look(for: Self.answerTime) { arrived.count < report.asked }
    try look(for: Self.settlingTime) { true }
    try searchRest()
    report.arrived = arrived.count
    report.dropped = capture.counts()?.dropped
    report.conclude(isSealed: plan.isSealed)
    return report
  }

  private func plant(_ byteCount: Int, _ send: ([UInt8], Int) -> String?) throws(CaptureError) {
    let (number, marker) = markers.next()
    if let reason = send(CanaryMarkers.payload(marker, byteCount: byteCount), number) {
      report.refused += 1
      report.reason = "\(byteCount) bytes could not be planted: \(reason)"
    }
    usleep(Self.pauseMicroseconds)
    try look(for: 0) { true }
  }

  /// Searches what is there, then what comes within `nanoseconds`, while `goesOn`.
  private func look(for nanoseconds: UInt64, while goesOn: () -> Bool) throws(CaptureError) {
    let end = Clock.now() + nanoseconds
    while true {
      try searchSome()
      socket.replies { bytes in
        if let number = markers.find(in: bytes), number >= 0 { arrived.insert(number) }
      }
      guard Clock.now() < end, goesOn() else { return }
      usleep(Self.pauseMicroseconds)
    }
  }

  /// A loaded underlay never runs dry, so some at a time.
  private func searchSome() throws(CaptureError) {
    for _ in 0..<Self.searchCountMax {
      guard let packet = try capture.take() else { return }
      search(packet)
    }
  }

  /// What the kernel still holds of the time until now.
  private func searchRest() throws(CaptureError) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let end = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    while let packet = try capture.take(), packet.time <= end { search(packet) }
  }

  private func search(_ packet: CapturedPacket) {
    report.packets += 1
    if let datagram = OverlayDatagram(capture.linkType, packet.bytes.span, ports: plan.ports), datagram.vni == plan.vni
    {
      // A host that is busy sends, and its card hands over, several at once.
      let payload = packet.bytes.span.extracting(datagram.outer.payload)
      let count = DatagramRun.byteCount(of: payload, max: payload.count).map { (payload.count + $0 - 1) / $0 } ?? 1
      report.datagrams += count
      if datagram.outer.ip.source != plan.underlayAddress { report.received += count }
    }
    guard let number = markers.find(in: packet.bytes.span) else { return }
    report.leaked += 1
    guard report.leaks.count < CanaryReport.leakCountMax else { return }
    report.leaks.append(
      CanaryReport.Leak(packet: report.packets, length: packet.wireByteCount, marker: number < 0 ? nil : number))
  }
}
