import CLinuxIO
import VXLAN

/// Datagrams received from the underlay, in buffers that the batch owns.
package struct DatagramBatch: ~Copyable {
  /// One buffer of the batch: a datagram, or several of one sender that the kernel joined (UDP_GRO).
  package struct Datagram {
    /// The UDP payload, or several behind each other. Valid until the batch is filled again.
    package var start: UnsafeMutablePointer<UInt8>
    package var byteCount: Int
    /// The length of each datagram but the last; that of the whole when there is one.
    package var datagramByteCount: Int
    package var source: IPAddress
    package var sourcePort: UInt16
    /// TOS or traffic class of the outer header.
    package var trafficClass: UInt8
    /// The buffer was too small.
    package var isTruncated: Bool
    /// It arrived in IP fragments.
    package var isFragmented: Bool
  }

  package static let memoryByteCount = Limits.datagramsPerBatch * Limits.datagramByteCountMax

  private let owner: BatchMemory
  private let memory: UnsafeMutablePointer<UInt8>
  private let records: UnsafeMutablePointer<clinuxio_datagram>
  package private(set) var count = 0

  /// - Parameter memory: where `memoryByteCount` bytes are free.
  package init(in memory: BatchMemory = BatchMemory(pieces: [memoryByteCount])) {
    // SAFETY: both last until `deinit`; the kernel writes at most datagramsPerBatch buffers and records.
    owner = memory
    self.memory = memory.take(Self.memoryByteCount)
    records = .allocate(capacity: Limits.datagramsPerBatch)
    records.initialize(repeating: clinuxio_datagram(), count: Limits.datagramsPerBatch)
  }

  deinit {
    records.deallocate()
  }

  package mutating func clear() { count = 0 }

  /// Of all datagrams, in bytes.
  package var byteCount: Int {
    var sum = 0
    for index in 0..<count { sum += Int(records[index].byte_count) }
    return sum
  }

  package var hasRoom: Bool { count < Limits.datagramsPerBatch }

  package subscript(index: Int) -> Datagram {
    precondition(index < count)
    let record = records[index]
    return Datagram(
      start: memory + index * Limits.datagramByteCountMax, byteCount: Int(record.byte_count),
      datagramByteCount: record.segment_bytes > 0 ? Int(record.segment_bytes) : max(1, Int(record.byte_count)),
      source: Self.address(of: record), sourcePort: record.port, trafficClass: record.traffic_class,
      isTruncated: record.is_truncated != 0, isFragmented: record.is_fragmented != 0)
  }

  /// Receives what waits at `socket`, up to the batch's capacity. Answers the count, or -errno.
  mutating func receive(from socket: Int32, overflowCount: inout UInt32) -> Int32 {
    let result = clinuxio_udp_receive(
      socket, memory, Limits.datagramByteCountMax, records, Int32(Limits.datagramsPerBatch), &overflowCount)
    count = Int(max(result, 0))
    return result
  }

  /// Adds a datagram from memory, for ports that are no sockets; only while `hasRoom`. What is longer than a buffer is
  /// cut and marked so, as the kernel does.
  package mutating func append(
    _ payload: [UInt8], from source: IPAddress, port: UInt16 = 0, trafficClass: UInt8 = 0, isFragmented: Bool = false,
    datagramByteCount: Int = 0
  ) {
    precondition(hasRoom)
    let byteCount = min(payload.count, Limits.datagramByteCountMax)
    (memory + count * Limits.datagramByteCountMax).update(from: payload, count: byteCount)
    var record = clinuxio_datagram()
    record.byte_count = UInt32(byteCount)
    record.segment_bytes = UInt32(datagramByteCount)
    record.traffic_class = trafficClass
    record.is_truncated = payload.count > byteCount ? 1 : 0
    record.is_fragmented = isFragmented ? 1 : 0
    record.port = port
    record.is_ipv6 = source.family == .ipv6 ? 1 : 0
    withUnsafeMutableBytes(of: &record.address) { $0.copyBytes(from: source.octets) }
    records[count] = record
    count += 1
  }

  private static func address(of record: clinuxio_datagram) -> IPAddress {
    withUnsafeBytes(of: record.address) { octets in
      // SAFETY: the field has 16 bytes.
      let high = UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
      let low = UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      return record.is_ipv6 != 0
        ? IPAddress(ipv6High: high, low: low) : IPAddress(ipv4: UInt32(truncatingIfNeeded: high >> 32))
    }
  }
}
