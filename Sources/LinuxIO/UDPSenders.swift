import CLinuxIO
import Glibc
import VXLAN

/// The sockets that send, one for each outer source port, shared by all workers: a flow keeps its port whichever worker
/// carries it.
///
/// A UDP socket has one source port, hence the pool: its sockets spread flows over the paths of the underlay, and drop
/// all input.
///
/// *Threads.* Any at once: a descriptor takes whole datagrams from several threads, and nothing here changes but the
/// state of an offload, and destinations that nobody uses. Shared rather than opened by each worker on the same ports
/// (SO_REUSEPORT): the kernel sends from an unconnected socket without its lock, and workers times ports would be 960
/// sockets.
package final class UDPSenders: @unchecked Sendable {
  /// In the order of `sourcePortIndex`.
  package let sourcePorts: [UInt16]
  /// UDP_SEGMENT: runs in one call.
  package let segmentation: OffloadState

  // SAFETY: both are owned until `deinit` and indexed below their counts only. Of sockets none is written after `init`,
  // of destinations only those of slots that no worker sends to.
  let sockets: UnsafeMutablePointer<Int32>
  /// 0: each worker sends from its listening socket.
  let socketCount: Int
  let destinations: UnsafeMutablePointer<clinuxio_address>
  let destinationCount: Int

  /// Opens the pool, of `inherited` sockets as far as there are. With a `count` of 1 there is none.
  init(
    local: Endpoint, peers: [Endpoint], count: Int, first: UInt16, usesOffloads: Bool,
    inherited: InheritedDescriptors? = nil
  ) throws(Errno) {
    segmentation = OffloadState(isWanted: usesOffloads)
    sockets = .allocate(capacity: max(1, count))
    destinationCount = max(peers.count, Limits.destinationCount)
    guard let memory = calloc(destinationCount, MemoryLayout<clinuxio_address>.stride) else {
      preconditionFailure("out of memory")
    }
    // SAFETY: as many as were asked for; zero bits are an address, of no family.
    destinations = memory.bindMemory(to: clinuxio_address.self, capacity: destinationCount)
    for (slot, peer) in peers.enumerated() { destinations[slot] = UDPUnderlay.address(peer) }
    guard count > 1 else {
      socketCount = 0
      sourcePorts = [local.udpPort]
      return
    }
    do {
      sourcePorts = try Self.open(into: sockets, count: count, at: local, first: first, inherited)
    } catch {
      free(destinations)
      sockets.deallocate()
      throw error
    }
    socketCount = count
  }

  deinit {
    for index in 0..<socketCount { _ = close(sockets[index]) }
    sockets.deallocate()
    free(destinations)
  }

  /// The sockets, in the order of `sourcePortIndex`; none where each worker sends from its listening socket.
  package var pollDescriptors: [Int32] { (0..<socketCount).map { sockets[$0] } }

  /// Datagrams for the peer in a slot go there. No worker may send to that slot until this has returned.
  package func setDestination(_ endpoint: Endpoint, ofPeer slot: Int) {
    precondition(slot >= 0 && slot < destinationCount)
    destinations[slot] = UDPUnderlay.address(endpoint)
  }

  /// Opens the sockets and answers their ports. When it throws, nothing stays open.
  private static func open(
    into sockets: UnsafeMutablePointer<Int32>, count: Int, at local: Endpoint, first: UInt16,
    _ inherited: InheritedDescriptors?
  ) throws(Errno) -> [UInt16] {
    let range = Specification.sourcePortRange
    var ports: [UInt16] = []
    for (descriptor, port) in adopted(from: inherited, count: count, at: local) {
      sockets[ports.count] = descriptor
      ports.append(port)
    }
    var candidate = range.contains(first) ? first : range.lowerBound
    var lastFailure = EADDRINUSE
    for _ in 0..<range.count where ports.count < count {
      let result = open(at: Endpoint(address: local.address, udpPort: candidate))
      if result >= 0 {
        sockets[ports.count] = result
        ports.append(candidate)
      } else if result != -EADDRINUSE {
        lastFailure = -result
        break
      }
      candidate = candidate == range.upperBound ? range.lowerBound : candidate + 1
    }
    guard ports.count == count else {
      for index in ports.indices { _ = close(sockets[index]) }
      throw Errno(lastFailure, "opening \(count) source ports")
    }
    return ports
  }

  private static func open(at endpoint: Endpoint) -> Int32 {
    var address = UDPUnderlay.address(endpoint)
    var call: UnsafePointer<CChar>?
    let descriptor = clinuxio_udp_open(&address, Limits.socketBufferByteCount, 0, &call)
    guard descriptor >= 0 else { return descriptor }
    let filtered = clinuxio_udp_send_only(descriptor)
    if filtered < 0 { _ = close(descriptor) }
    return filtered < 0 ? filtered : descriptor
  }
}
