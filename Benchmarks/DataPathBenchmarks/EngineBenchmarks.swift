import Dataplane
import Forwarding
import LinuxIO
import VXLAN

/// Whole frames through the data path, both ways, without a kernel: everything from judging to settling.
enum EngineBenchmarks {
  private static let peerCount = 8
  private static let stepCount = 4096
  private static let frameByteCount = 1464
  static let here = MACAddress(rawValue: 0x0200_0000_0001)
  static let there = MACAddress(rawValue: 0x0200_0000_0002)
  static let vni = VNI(unchecked: 42)

  static func all() -> [Benchmark] {
    [
      encapsulation("encapsulate a frame to a known address", frames: frames(to: there, from: here)),
      encapsulation(
        "encapsulate a frame to \(peerCount) peers (broadcast)", frames: frames(to: .broadcast, from: here)),
      decapsulation("decapsulate a frame", frames: frames(to: here, from: there)),
      SuperframeBenchmarks.encapsulation(), SuperframeBenchmarks.decapsulation(),
    ]
  }

  static func peerAddress(_ slot: UInt32) -> IPAddress { IPAddress(ipv4: 0xC000_0202 + slot) }

  /// Engines cannot be copied; closures share one through this.
  final class Host {
    var engine: Engine
    let framePort: ReplayFramePort

    convenience init(frames: [[UInt8]], datagrams: [[UInt8]]) {
      self.init(
        framePort: ReplayFramePort(frames),
        datagramPort: ReplayDatagramPort(datagrams, from: EngineBenchmarks.peerAddress(0)))
    }

    init(framePort: ReplayFramePort, datagramPort: ReplayDatagramPort) {
      self.framePort = framePort
      var segment = SegmentPlan(vni: vni, overlayMTU: 1450, ownMAC: MACAddress(rawValue: 0x0200_0000_00FF))
      segment.peers = Array(0..<peerCount)
      segment.staticEntries = [(mac: there, peer: 0)]
      let peers = (0..<UInt32(peerCount)).map {
        PeerPlan(endpoint: Endpoint(address: EngineBenchmarks.peerAddress($0), udpPort: 4789))
      }
      let key = KeyedHash(key0: 3, key1: 4)
      let topology = Topology(segments: [segment], peers: peers, hash: key, now: Instant(nanoseconds: 0))
      engine = Engine(
        topology: topology, framePorts: [framePort], datagramPort: datagramPort, sourcePortCount: 64, flowKey: key)
    }
  }

  /// Stops the program unless every frame of a direction went on: a benchmark of drops would look fast.
  static func requireAllSent(_ host: Host, _ direction: Direction) {
    let counters = host.engine.snapshot()
    let count = counters.total(.framesIn, direction)
    precondition(count > 0 && counters.total(.framesOut, direction) == count, "the benchmark's frames are dropped")
  }

  private static func encapsulation(_ name: String, frames: [[UInt8]]) -> Benchmark {
    let host = Host(frames: frames, datagrams: [])
    // As many as fit into a batch.
    let count = host.engine.stepOverlay(segment: 0, now: Instant(nanoseconds: 0)).count
    requireAllSent(host, .overlay)
    return Benchmark(name, operationCount: stepCount * count) {
      let now = Instant(nanoseconds: 1_000_000_000)
      for _ in 0..<stepCount {
        precondition(host.engine.stepOverlay(segment: 0, now: now).count == count)
      }
    }
  }

  private static func decapsulation(_ name: String, frames: [[UInt8]]) -> Benchmark {
    var header = [UInt8](repeating: 0, count: VXLANHeader.byteCount)
    var span = header.mutableSpan
    VXLANHeader(vni: vni).write(to: &span)
    let datagrams = frames.prefix(LinuxIO.Limits.datagramsPerBatch).map { header + $0 }
    let host = Host(frames: [], datagrams: datagrams)
    _ = host.engine.stepUnderlay(now: Instant(nanoseconds: 0))
    requireAllSent(host, .underlay)
    return Benchmark(name, operationCount: stepCount * datagrams.count) {
      let now = Instant(nanoseconds: 1_000_000_000)
      for _ in 0..<stepCount {
        precondition(host.engine.stepUnderlay(now: now).count == datagrams.count)
      }
    }
  }

  /// A full batch of TCP over IPv4, each frame of another flow.
  private static func frames(to destination: MACAddress, from source: MACAddress) -> [[UInt8]] {
    (0..<LinuxIO.Limits.framesPerBatch).map { number in
      var frame = destination.octets + source.octets + HeaderBenchmarks.ipv4Frame.dropFirst(12)
      frame += [UInt8](repeating: 0, count: frameByteCount - frame.count)
      frame[29] = UInt8(number)
      return frame
    }
  }
}
