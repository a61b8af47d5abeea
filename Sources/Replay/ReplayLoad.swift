import Dataplane
import Forwarding
import LinuxIO
import Sealing
import VXLAN

/// The data path under the same load again and again: an engine with replaying ports, and one of its two ways.
///
/// Everything from judging to settling is done, and nothing else: no system call, no copy that the agent does not make.
/// *Threads.* One.
package final class ReplayLoad {
  private static let peerCount = 8
  private static let vni = VNI(unchecked: 42)

  private var engine: Engine
  private let framePort: ReplayFramePort
  private let direction: Direction
  private let sealedPort: ReplaySealedPort?
  /// Taken from the port by one step: frames, datagrams, or buffers of several.
  private var takenPerStep = 0
  /// Frames as they are on the wire, segments of superframes among them, that one step carries.
  package private(set) var framesPerStep = 0

  /// Nanoseconds that went into sealing what a load of sealed datagrams opens, which is no part of its work.
  package var preparationTime: UInt64 { sealedPort?.preparationTime ?? 0 }

  private init(
    framePort: ReplayFramePort, datagramPort: ReplayDatagramPort, _ direction: Direction,
    session: ReplaySession? = nil, sealedPort: ReplaySealedPort? = nil
  ) {
    self.framePort = framePort
    self.direction = direction
    self.sealedPort = sealedPort
    var segment = SegmentPlan(vni: Self.vni, overlayMTU: 1450, ownMAC: MACAddress(rawValue: 0x0200_0000_00FF))
    if let cipher = session?.cipher {
      segment.isSealed = true
      segment.overhead = Overhead(family: .ipv4, sealingTag: Overhead.SealingTag(rawValue: cipher.tagByteCount))
    }
    segment.peers = Array(0..<Self.peerCount)
    segment.staticEntries = [(mac: ReplayTraffic.there, peer: 0)]
    let peers = (0..<Self.peerCount).map {
      PeerPlan(endpoint: Endpoint(address: Self.peerAddress($0), udpPort: Specification.vxlanUDPPort))
    }
    let key = KeyedHash(key0: 3, key1: 4)
    let topology = Topology(segments: [segment], peers: peers, hash: key, now: Instant(nanoseconds: 0))
    engine = Engine(
      topology: topology, framePorts: [framePort], datagramPort: datagramPort, sourcePortCount: 64, flowKey: key,
      sealed: session.map { $0.side(sealedPort ?? datagramPort, topology) })
    takenPerStep = step(now: Instant(nanoseconds: 0))
    framesPerStep = Int(engine.snapshot().total(.framesIn, direction))
    precondition(framesPerStep > 0, "a load without a frame")
    requireAllSent()
  }

  /// Frames from a TAP, of at most a batch.
  package static func encapsulation(_ frames: [[UInt8]]) -> ReplayLoad {
    ReplayLoad(
      framePort: ReplayFramePort(frames), datagramPort: ReplayDatagramPort([], from: peerAddress(0)), .overlay)
  }

  /// A datagram for each frame, of at most a batch; more are left out.
  package static func decapsulation(_ frames: [[UInt8]]) -> ReplayLoad {
    let datagrams = frames.prefix(LinuxIO.Limits.datagramsPerBatch).map { ReplayTraffic.datagram($0, vni: vni) }
    return ReplayLoad(
      framePort: ReplayFramePort([]), datagramPort: ReplayDatagramPort(datagrams, from: peerAddress(0)), .underlay)
  }

  /// Superframes from a TAP, as many as a batch takes, cut into their segments.
  package static func superframeEncapsulation() -> ReplayLoad {
    let (frame, offload) = ReplayTraffic.superframe(to: ReplayTraffic.there, from: ReplayTraffic.here)
    let load = ReplayLoad(
      framePort: ReplayFramePort([frame, frame], offload: offload),
      datagramPort: ReplayDatagramPort([], from: peerAddress(0)), .overlay)
    precondition(load.framesPerStep == load.takenPerStep * ReplayTraffic.segmentsPerSuperframe, "not cut")
    return load
  }

  /// Buffers of a superframe's datagrams, as the kernel joins them, each made one write to the TAP.
  package static func superframeDecapsulation() -> ReplayLoad {
    let segments = ReplayTraffic.segments(to: ReplayTraffic.here, from: ReplayTraffic.there)
    let buffer = segments.flatMap { ReplayTraffic.datagram($0, vni: vni) }
    let bufferCount = LinuxIO.Limits.datagramsPerBatch
    let load = ReplayLoad(
      framePort: ReplayFramePort([]),
      datagramPort: ReplayDatagramPort(
        [[UInt8]](repeating: buffer, count: bufferCount), from: peerAddress(0),
        datagramByteCount: VXLANHeader.byteCount + ReplayTraffic.segmentByteCount,
        refreshedByteCount: VXLANHeader.byteCount + ReplayTraffic.superframeHeaderByteCount), .underlay)
    precondition(load.framePort.lastWriteCount == bufferCount, "not joined")
    return load
  }

  /// The loads of the same names over a sealed segment. The frames are as long as those of the plain loads.
  package static func sealedEncapsulation(_ frames: [[UInt8]], _ cipher: Cipher) -> ReplayLoad {
    ReplayLoad(
      framePort: ReplayFramePort(frames), datagramPort: ReplayDatagramPort([], from: peerAddress(0)), .overlay,
      session: ReplaySession(cipher: cipher))
  }

  /// All frames of one length; a datagram for each, of at most a batch.
  package static func sealedDecapsulation(_ frames: [[UInt8]], _ cipher: Cipher) -> ReplayLoad {
    sealedDecapsulation(buffers: Array(frames.prefix(LinuxIO.Limits.datagramsPerBatch)), frames[0].count, cipher)
  }

  package static func sealedSuperframeEncapsulation(_ cipher: Cipher) -> ReplayLoad {
    let (frame, offload) = ReplayTraffic.superframe(to: ReplayTraffic.there, from: ReplayTraffic.here)
    return ReplayLoad(
      framePort: ReplayFramePort([frame, frame], offload: offload),
      datagramPort: ReplayDatagramPort([], from: peerAddress(0)), .overlay, session: ReplaySession(cipher: cipher))
  }

  package static func sealedSuperframeDecapsulation(_ cipher: Cipher) -> ReplayLoad {
    let segments = ReplayTraffic.segments(to: ReplayTraffic.here, from: ReplayTraffic.there)
    // As many as one buffer holds with what sealing adds.
    let buffer = segments.prefix(ReplayTraffic.segmentsPerSuperframe - 1).flatMap { $0 }
    return sealedDecapsulation(
      buffers: [[UInt8]](repeating: buffer, count: LinuxIO.Limits.datagramsPerBatch), ReplayTraffic.segmentByteCount,
      cipher)
  }

  private static func sealedDecapsulation(
    buffers: [[UInt8]], _ frameByteCount: Int, _ cipher: Cipher
  ) -> ReplayLoad {
    let session = ReplaySession(cipher: cipher)
    return ReplayLoad(
      framePort: ReplayFramePort([]), datagramPort: ReplayDatagramPort([], from: peerAddress(0)), .underlay,
      session: session,
      sealedPort: ReplaySealedPort(
        buffers, frameByteCount: frameByteCount, key: session.peerKey, vni: vni, from: peerAddress(0)))
  }

  /// Carries `stepCount * framesPerStep` frames. Allocates nothing.
  package func run(stepCount: Int) {
    let now = Instant(nanoseconds: 1_000_000_000)
    let writeCount = framePort.lastWriteCount
    for _ in 0..<stepCount { precondition(step(now: now) == takenPerStep) }
    precondition(framePort.lastWriteCount == writeCount, "not joined as in the first step")
  }

  private func step(now: Instant) -> Int {
    if direction == .overlay { return engine.stepOverlay(segment: 0, now: now).count }
    return sealedPort == nil ? engine.stepUnderlay(now: now).count : engine.stepSealed(now: now).count
  }

  /// Stops the program unless every frame went on: drops would look fast.
  package func requireAllSent() {
    let counters = engine.snapshot()
    precondition(
      counters.total(.framesOut, direction) == counters.total(.framesIn, direction), "frames of the load are dropped")
  }

  private static func peerAddress(_ slot: Int) -> IPAddress { IPAddress(ipv4: 0xC000_0202 + UInt32(slot)) }
}
