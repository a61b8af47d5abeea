import CLinuxIO
import Glibc
import VXLAN

/// The sockets of the underlay that one worker owns: one that receives on the VXLAN port, and a pool that sends.
///
/// Runs of datagrams leave in one call each (UDP_SEGMENT), and the kernel joins what arrives (UDP_GRO), while it does
/// not refuse.
///
/// A UDP socket has one source port, hence the pool: its sockets spread flows over the paths of the underlay, and drop
/// all input. With a pool of one, the receiving socket sends too. All set DF and never fragment; TTL 64; UDP checksums
/// on.
/// - SeeAlso: RFC 7348, section 5; ip(7), udp(7).
package final class UDPUnderlay {
  package let local: Endpoint
  /// Datagrams lost for want of room in the receive buffer, as the kernel last told (SO_RXQ_OVFL).
  package private(set) var overflowCount: UInt32 = 0
  /// Of the sending sockets, in the order of `sourcePortIndex`.
  package let sourcePorts: [UInt16]

  /// UDP_SEGMENT: runs in one call.
  package let segmentation: OffloadState
  /// UDP_GRO: several datagrams in one buffer.
  package let joining: OffloadState

  private let listener: FileDescriptor
  // SAFETY: both arrays are owned until `deinit` and indexed below their counts only.
  private let senders: UnsafeMutablePointer<Int32>
  private let senderCount: Int
  private let destinations: UnsafeMutablePointer<clinuxio_address>
  private let destinationCount: Int
  private let isIPv6: Int32

  /// Binds all sockets.
  /// - Parameters:
  ///   - local: the address and port to receive on; the source address of everything.
  ///   - peers: where the datagrams for each peer slot go.
  ///   - sourcePortCount: sockets in the sending pool, 1...16384.
  ///   - firstSourcePort: the first port to try; ports in use are passed over, and the range wraps around.
  /// - Throws: EADDRINUSE when the port is taken, EADDRNOTAVAIL when no interface has the address.
  package init(
    local: Endpoint, peers: [Endpoint], sourcePortCount: Int, firstSourcePort: UInt16, acceptsZeroChecksum: Bool,
    usesOffloads: Bool = true
  ) throws(Errno) {
    self.local = local
    self.isIPv6 = local.address.family == .ipv6 ? 1 : 0
    self.segmentation = OffloadState(isWanted: usesOffloads)
    self.joining = OffloadState(isWanted: usesOffloads)
    self.listener = try Self.open(local)
    try Self.listen(on: listener, isIPv6: isIPv6, acceptsZeroChecksum: acceptsZeroChecksum)
    if usesOffloads {
      let joined = clinuxio_udp_join(listener.rawValue, 1)
      if joined < 0 { joining.refuse(-joined) }
    }
    destinationCount = peers.count
    destinations = .allocate(capacity: max(1, peers.count))
    for (slot, peer) in peers.enumerated() { (destinations + slot).initialize(to: Self.address(peer)) }
    senders = .allocate(capacity: max(1, sourcePortCount))
    do {
      sourcePorts = try Self.openSenders(
        into: senders, count: sourcePortCount, at: local, first: firstSourcePort, listener: listener.rawValue)
    } catch {
      destinations.deallocate()
      senders.deallocate()
      throw error
    }
    senderCount = sourcePortCount
  }

  deinit {
    if senderCount > 1 { for index in 0..<senderCount { _ = close(senders[index]) } }
    senders.deallocate()
    destinations.deallocate()
  }

  /// For a poller.
  package var pollDescriptor: Int32 { listener.rawValue }

  /// Replaces what is in `batch` by the datagrams that wait.
  /// - Returns: 0, or the `errno` of a receive that failed otherwise than by finding nothing.
  package func receive(into batch: inout DatagramBatch) -> Int32 {
    let result = batch.receive(from: listener.rawValue, overflowCount: &overflowCount)
    return result >= 0 || result == -EAGAIN || result == -EINTR ? 0 : -result
  }

  /// Sends each run and notes in it what came of it.
  package func send(_ runs: inout OutgoingRuns) {
    for index in 0..<runs.count {
      let run = runs[index]
      precondition(run.key.peer < destinationCount && run.key.sourcePortIndex < senderCount)
      var failure: Int32 = 0
      let sentCount = send(run, &failure)
      runs.setResult(sentCount: sentCount, failure: failure, at: index)
    }
  }

  /// Sends one run in one call if the kernel takes it so. What it refuses as a whole is sent datagram by datagram: a
  /// run that a checksum, a device or a smaller path forbids is not lost.
  private func send(_ run: OutgoingRuns.Run, _ failure: inout Int32) -> Int {
    guard run.datagramCount > 1, segmentation.isOn else { return sendSingly(run, &failure) }
    let result = send(run.start, run.byteCount, segmentByteCount: run.datagramByteCount, run.key)
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
        segmentation.refuse(-result)
      }
      return sentCount
    }
  }

  private func sendSingly(_ run: OutgoingRuns.Run, _ failure: inout Int32) -> Int {
    var sentCount = 0
    var offset = 0
    while offset < run.byteCount {
      let byteCount = min(run.datagramByteCount, run.byteCount - offset)
      let result = send(run.start + offset, byteCount, segmentByteCount: 0, run.key)
      if result == 0 { sentCount += 1 } else { failure = -result }
      offset += byteCount
    }
    return sentCount
  }

  private func send(
    _ start: UnsafeMutablePointer<UInt8>, _ byteCount: Int, segmentByteCount: Int, _ key: OutgoingRuns.Key
  ) -> Int32 {
    while true {
      let result = clinuxio_udp_send(
        senders[key.sourcePortIndex], destinations + key.peer, isIPv6, start, byteCount,
        UInt16(truncatingIfNeeded: segmentByteCount), key.trafficClass)
      if result != -EINTR { return result }
    }
  }

  private static func address(_ endpoint: Endpoint) -> clinuxio_address {
    var address = clinuxio_address()
    clinuxio_address_set(&address, endpoint.address.family == .ipv6 ? 1 : 0, endpoint.address.octets, endpoint.udpPort)
    return address
  }

  private static func open(_ endpoint: Endpoint) throws(Errno) -> FileDescriptor {
    var address = address(endpoint)
    var call: UnsafePointer<CChar>?
    let result = clinuxio_udp_open(&address, Limits.socketBufferByteCount, &call)
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

  /// Opens the sending pool and answers its ports. When it throws, nothing stays open.
  private static func openSenders(
    into senders: UnsafeMutablePointer<Int32>, count: Int, at local: Endpoint, first: UInt16, listener: Int32
  ) throws(Errno) -> [UInt16] {
    guard count > 1 else {
      senders[0] = listener
      return [local.udpPort]
    }
    let range = Specification.sourcePortRange
    var ports: [UInt16] = []
    var candidate = range.contains(first) ? first : range.lowerBound
    var lastFailure = EADDRINUSE
    for _ in 0..<range.count where ports.count < count {
      let result = openSender(at: Endpoint(address: local.address, udpPort: candidate))
      if result >= 0 {
        senders[ports.count] = result
        ports.append(candidate)
      } else if result != -EADDRINUSE {
        lastFailure = -result
        break
      }
      candidate = candidate == range.upperBound ? range.lowerBound : candidate + 1
    }
    guard ports.count == count else {
      for index in ports.indices { _ = close(senders[index]) }
      throw Errno(lastFailure, "opening \(count) source ports")
    }
    return ports
  }

  private static func openSender(at endpoint: Endpoint) -> Int32 {
    var address = address(endpoint)
    var call: UnsafePointer<CChar>?
    let descriptor = clinuxio_udp_open(&address, Limits.socketBufferByteCount, &call)
    guard descriptor >= 0 else { return descriptor }
    let filtered = clinuxio_udp_send_only(descriptor)
    if filtered < 0 { _ = close(descriptor) }
    return filtered < 0 ? filtered : descriptor
  }
}
