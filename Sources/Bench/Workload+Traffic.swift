/// What makes the traffic of a workload between two hosts.
extension Workload {
  /// Streams of TCP at the same time; 0 for what is not TCP.
  var streamCount: Int {
    switch self {
    case .tcp1, .tcp1Reverse: 1
    case .tcp4: 4
    default: 0
    }
  }

  /// Bytes of UDP payload in a datagram; 0 for what is not UDP.
  var payloadByteCount: Int {
    switch self {
    case .udp64, .rtt: 64
    case .udp512: 512
    case .udp1400: 1400
    default: 0
    }
  }

  /// Whether the data go from the second host to the first.
  var isReverse: Bool { self == .tcp1Reverse }

  /// What the samples count.
  var unit: Measurement.Unit {
    if streamCount > 0 { return .bitsPerSecond }
    return self == .rtt ? .nanoseconds : .framesPerSecond
  }
}
