import VXLAN

/// The VXLAN header by itself, and the hash of an inner flow.
enum HeaderBenchmarks {
  private static let headerCount = 1024
  private static let passCount = 1000

  static func all() -> [Benchmark] {
    [writing(), parsing(), flowHash("IPv4, TCP", Self.ipv4Frame), flowHash("IPv6, TCP", Self.ipv6Frame)]
  }

  private static func writing() -> Benchmark {
    var bytes = [UInt8](repeating: 0xA5, count: headerCount * VXLANHeader.byteCount)
    return Benchmark("header: write", operationCount: headerCount * passCount) {
      bytes.withUnsafeMutableBufferPointer { buffer in
        for pass in 0..<passCount {
          for index in 0..<headerCount {
            let start = index * VXLANHeader.byteCount
            // SAFETY: within the array, which this closure alone holds; the span does not leave the loop.
            let place = UnsafeMutableBufferPointer(rebasing: buffer[start..<(start + VXLANHeader.byteCount)])
            var span = place.mutableSpan
            VXLANHeader(vni: VNI(unchecked: UInt32(truncatingIfNeeded: index &+ pass))).write(to: &span)
          }
        }
      }
      Sink.take(UInt64(bytes[6]))
    }
  }

  private static func parsing() -> Benchmark {
    var bytes: [UInt8] = []
    for index in 0..<headerCount { bytes += [8, 0, 0, 0, 0, UInt8(index >> 8), UInt8(index & 0xFF), 0] }
    return Benchmark("header: parse and judge", operationCount: headerCount * passCount) { [bytes] in
      var sum: UInt64 = 0
      let span = bytes.span
      for _ in 0..<passCount {
        for index in 0..<headerCount {
          let start = index * VXLANHeader.byteCount
          let source = span.extracting(start..<(start + VXLANHeader.byteCount))
          guard let header = VXLANHeader(parsing: source), header.hasVNIFlag, !header.hasReservedBits else { continue }
          sum &+= UInt64(header.vni.rawValue)
        }
      }
      Sink.take(sum)
    }
  }

  private static func flowHash(_ kind: String, _ bytes: [UInt8]) -> Benchmark {
    let key = KeyedHash(key0: 1, key1: 2)
    var bytes = bytes
    return Benchmark("flow hash: \(kind)", operationCount: 200_000) {
      var sum: UInt64 = 0
      for number in 0..<200_000 {
        // Another source address each time, so that nothing can be moved out of the loop.
        bytes[29] = UInt8(truncatingIfNeeded: number)
        let span = bytes.span
        guard let ethernet = EthernetHeader(parsing: span) else { continue }
        sum &+= FlowHash.hash(of: span, ethernet: ethernet, packet: InnerPacket(inFrame: span), with: key)
      }
      Sink.take(sum)
    }
  }

  private static let ethernet: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]
  private static let ports: [UInt8] = [0x12, 0x34, 0x00, 0x50] + Array(repeating: 0, count: 16)
  /// Ethernet, IPv4 with DF, TCP.
  static let ipv4Frame: [UInt8] =
    ethernet + [8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2] + ports
  /// Ethernet, IPv6, TCP.
  static let ipv6Frame: [UInt8] =
    ethernet + [0x86, 0xDD, 0x60, 0, 0, 0, 0, 20, 6, 64] + Array(repeating: 0xFD, count: 32) + ports
}
