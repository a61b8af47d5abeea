import CLinuxIO
import Glibc
import VXLAN

/// The underlay as one worker uses it: a socket of its own that receives on the VXLAN port, and the pool that sends.
///
/// Runs of datagrams leave in one call each (UDP_SEGMENT), and the kernel joins what arrives (UDP_GRO), while it does
/// not refuse. With a pool of one, the receiving socket sends too. All sockets set DF and never fragment; TTL 64; UDP
/// checksums on.
///
/// Several workers' sockets share the port (SO_REUSEPORT), and a program in the kernel gives each datagram to the one
/// whose number its inner flow has; `FlowSteering` says why.
/// - SeeAlso: RFC 7348, section 5; ip(7), udp(7), socket(7).
package final class UDPUnderlay {
  package let local: Endpoint
  /// Datagrams lost for want of room in this socket's receive buffer, as the kernel last told (SO_RXQ_OVFL).
  package private(set) var overflowCount: UInt32 = 0
  /// Shared by all workers.
  package let senders: UDPSenders
  /// UDP_GRO: several datagrams in one buffer.
  package let joining: OffloadState
  /// Of the first of several: the program that gives each datagram to the worker that its flow has. Without it the
  /// kernel's own hash decides, which keeps a flow together too.
  package let steering: OffloadState

  private let listener: FileDescriptor
  // SAFETY: the pool's, which `senders` keeps, or one word of this value's own with the listener; indexed below the
  // count only.
  private let sockets: UnsafeMutablePointer<Int32>
  private let socketCount: Int
  private let destinations: UnsafeMutablePointer<clinuxio_address>
  private let isIPv6: Int32
  private let usesOffloads: Bool

  /// Binds all sockets, for a single worker.
  /// - Parameters:
  ///   - local: the address and port to receive on; the source address of everything.
  ///   - peers: where the datagrams for each peer slot go.
  ///   - sourcePortCount: sockets in the sending pool, 1...16384.
  ///   - firstSourcePort: the first port to try; ports in use are passed over, and the range wraps around.
  ///   - inherited: sockets to go on with, where they are what would be opened.
  /// - Throws: EADDRINUSE when the port is taken, EADDRNOTAVAIL when no interface has the address.
  package convenience init(
    local: Endpoint, peers: [Endpoint], sourcePortCount: Int, firstSourcePort: UInt16, acceptsZeroChecksum: Bool,
    usesOffloads: Bool = true, inherited: InheritedDescriptors? = nil
  ) throws(Errno) {
    // Before the pool: a port that is taken is the likelier failure, and the cheaper.
    let listener = try Self.listener(.plain(worker: 0), at: local, joinsGroup: false, of: inherited)
    let senders = try UDPSenders(
      local: local, peers: peers, count: sourcePortCount, first: firstSourcePort, usesOffloads: usesOffloads,
      inherited: inherited)
    try self.init(
      local: local, listener: listener, senders: senders, acceptsZeroChecksum: acceptsZeroChecksum,
      usesOffloads: usesOffloads)
  }

  private init(
    local: Endpoint, listener: consuming FileDescriptor, senders: UDPSenders, acceptsZeroChecksum: Bool,
    usesOffloads: Bool
  ) throws(Errno) {
    isIPv6 = local.address.family == .ipv6 ? 1 : 0
    try Self.listen(on: listener, isIPv6: isIPv6, acceptsZeroChecksum: acceptsZeroChecksum)
    self.local = local
    self.listener = listener
    self.senders = senders
    self.usesOffloads = usesOffloads
    joining = OffloadState(isWanted: usesOffloads)
    steering = OffloadState(isWanted: true)
    destinations = senders.destinations
    socketCount = max(1, senders.socketCount)
    if senders.socketCount > 0 {
      sockets = senders.sockets
    } else {
      sockets = .allocate(capacity: 1)
      sockets.initialize(to: self.listener.rawValue)
    }
    let joined = clinuxio_udp_join(self.listener.rawValue, usesOffloads ? 1 : 0)
    if joined < 0 { joining.refuse(-joined) }
    overflowCount = Self.dropCount(of: self.listener)
  }

  /// Binds all sockets, for several workers: by number, what each worker gets. Parameters and failures as for one.
  ///
  /// The first socket is bound before it allows others, so a port that another process has is refused, even if that
  /// one allows it too: two agents never share a port.
  package static func group(
    of count: Int, local: Endpoint, peers: [Endpoint], sourcePortCount: Int, firstSourcePort: UInt16,
    acceptsZeroChecksum: Bool, usesOffloads: Bool = true, inherited: InheritedDescriptors? = nil
  ) throws(Errno) -> [UDPUnderlay] {
    precondition(count > 0)
    var underlays = [
      try UDPUnderlay(
        local: local, peers: peers, sourcePortCount: sourcePortCount, firstSourcePort: firstSourcePort,
        acceptsZeroChecksum: acceptsZeroChecksum, usesOffloads: usesOffloads, inherited: inherited)
    ]
    try fill(&underlays, count: count, acceptsZeroChecksum: acceptsZeroChecksum, inherited) { .plain(worker: $0) }
    return underlays
  }

  /// What receives on the sealed port, by number beside the workers' plain underlays, and sends through their pool;
  /// without a pool from the sealed port. Failures as for `group`.
  package static func sealedGroup(
    beside plain: [UDPUnderlay], at local: Endpoint, inherited: InheritedDescriptors? = nil
  ) throws(Errno) -> [UDPUnderlay] {
    precondition(!plain.isEmpty)
    var underlays = [
      try UDPUnderlay(
        local: local, listener: try listener(.sealed(worker: 0), at: local, joinsGroup: false, of: inherited),
        senders: plain[0].senders, acceptsZeroChecksum: false, usesOffloads: plain[0].usesOffloads)
    ]
    try fill(&underlays, count: plain.count, acceptsZeroChecksum: false, inherited) { .sealed(worker: $0) }
    return underlays
  }

  /// Lets others join the port of the only underlay, opens them, and spreads flows over all.
  private static func fill(
    _ underlays: inout [UDPUnderlay], count: Int, acceptsZeroChecksum: Bool, _ inherited: InheritedDescriptors?,
    as name: (Int) -> DescriptorName
  ) throws(Errno) {
    guard count > 1 else { return }
    let first = underlays[0]
    let shared = clinuxio_udp_share(first.pollDescriptor)
    guard shared >= 0 else { throw Errno(-shared, "SO_REUSEPORT") }
    for number in 1..<count {
      let listener = try listener(name(number), at: first.local, joinsGroup: true, of: inherited)
      underlays.append(
        try UDPUnderlay(
          local: first.local, listener: listener, senders: first.senders, acceptsZeroChecksum: acceptsZeroChecksum,
          usesOffloads: first.usesOffloads))
    }
    let steered = clinuxio_steer_sockets(first.pollDescriptor, Int32(count))
    if steered < 0 { first.steering.refuse(-steered) }
  }

  deinit {
    if senders.socketCount == 0 { sockets.deallocate() }
  }

  /// Takes datagrams over IPv6 without a checksum from now on, or no more. Over IPv4 there is nothing to set.
  /// - SeeAlso: RFC 6935.
  package func setAcceptsZeroChecksum(_ accepts: Bool) throws(Errno) {
    guard isIPv6 != 0 else { return }
    let result = clinuxio_udp_accept_zero_checksum(listener.rawValue, accepts ? 1 : 0)
    guard result >= 0 else { throw Errno(-result, "UDP_NO_CHECK6_RX") }
  }

  /// For a poller.
  package var pollDescriptor: Int32 { listener.rawValue }

  /// Replaces what is in `batch` by the datagrams that wait.
  /// - Returns: 0, or the `errno` of a receive that failed otherwise than by finding nothing.
  package func receive(into batch: inout DatagramBatch) -> Int32 {
    let result = batch.receive(from: listener.rawValue, overflowCount: &overflowCount)
    return result >= 0 || result == -EAGAIN || result == -EINTR ? 0 : -result
  }

  /// Sends one datagram from the listening socket, which may be any thread's to do. Answers 0 or an `errno`.
  package func send(_ datagram: [UInt8], to endpoint: Endpoint) -> Int32 {
    var address = Self.address(endpoint)
    while true {
      // The pointer is the array's for the time of the call.
      let result = clinuxio_udp_send(listener.rawValue, &address, isIPv6, datagram, datagram.count, 0, 0)
      if result != -EINTR { return -result }
    }
  }

  /// Sends each run and notes in it what came of it.
  package func send(_ runs: inout OutgoingRuns) {
    for index in 0..<runs.count {
      let run = runs[index]
      precondition(run.key.peer < senders.destinationCount && run.key.sourcePortIndex < socketCount)
      var failure: Int32 = 0
      let sentCount = send(run, &failure)
      runs.setResult(sentCount: sentCount, failure: failure, at: index)
    }
  }

  /// Sends one run in one call if the kernel takes it so. What it refuses as a whole is sent datagram by datagram: a
  /// run that a checksum, a device or a smaller path forbids is not lost.
  private func send(_ run: OutgoingRuns.Run, _ failure: inout Int32) -> Int {
    guard run.datagramCount > 1, senders.segmentation.isOn else { return sendSingly(run, &failure) }
    let result = send(run.start, run.byteCount, segmentByteCount: run.datagramByteCount, run)
    switch result {
    case 0: return run.datagramCount
    case -EAGAIN, -ENOBUFS:
      failure = -result
      return 0
    default:
      let sentCount = sendSingly(run, &failure)
      // EMSGSIZE is the path's, not the offload's. The others are the offload's when every single datagram passes:
      // before 6.14 a run that the path is too small for answers EINVAL too, and a short last datagram passes alone.
      if sentCount == run.datagramCount, result == -EIO || result == -EINVAL || result == -EOPNOTSUPP {
        senders.segmentation.refuse(-result)
      }
      return sentCount
    }
  }

  private func sendSingly(_ run: OutgoingRuns.Run, _ failure: inout Int32) -> Int {
    var sentCount = 0
    var offset = 0
    while offset < run.byteCount {
      let byteCount = min(run.datagramByteCount, run.byteCount - offset)
      let result = send(run.start + offset, byteCount, segmentByteCount: 0, run)
      if result == 0 { sentCount += 1 } else { failure = -result }
      offset += byteCount
    }
    return sentCount
  }

  private func send(
    _ start: UnsafeMutablePointer<UInt8>, _ byteCount: Int, segmentByteCount: Int, _ run: OutgoingRuns.Run
  ) -> Int32 {
    var destination = UnsafePointer(destinations + run.key.peer)
    if let other = run.destination { destination = Destination.address(other) }
    while true {
      let result = clinuxio_udp_send(
        sockets[run.key.sourcePortIndex], destination, isIPv6, start, byteCount,
        UInt16(truncatingIfNeeded: segmentByteCount), run.key.trafficClass)
      if result != -EINTR { return result }
    }
  }

  static func address(_ endpoint: Endpoint) -> clinuxio_address {
    var address = clinuxio_address()
    clinuxio_address_set(&address, endpoint.address.family == .ipv6 ? 1 : 0, endpoint.address.octets, endpoint.udpPort)
    return address
  }

  static func open(_ endpoint: Endpoint, joinsGroup: Bool) throws(Errno) -> FileDescriptor {
    var address = address(endpoint)
    var call: UnsafePointer<CChar>?
    let result = clinuxio_udp_open(&address, Limits.socketBufferByteCount, joinsGroup ? 1 : 0, &call)
    guard result >= 0 else { throw Errno(-result, call.map { String(cString: $0) } ?? "socket") }
    return FileDescriptor(owning: result)
  }

  private static func listen(
    on socket: borrowing FileDescriptor, isIPv6: Int32, acceptsZeroChecksum: Bool
  ) throws(Errno) {
    var call: UnsafePointer<CChar>?
    let result = clinuxio_udp_listen_options(socket.rawValue, isIPv6, acceptsZeroChecksum ? 1 : 0, &call)
    guard result >= 0 else { throw Errno(-result, call.map { String(cString: $0) } ?? "setsockopt") }
  }
}
