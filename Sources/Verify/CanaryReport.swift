import VXLAN

/// What the leak test found.
package struct CanaryReport: Encodable, Equatable, Sendable {
  package enum Verdict: String, Encodable, Sendable {
    case sealed, leak, lost
    /// A plain segment, whose frames are to be read.
    case clear
    case undecided
  }

  /// A packet of the underlay with a marker in it.
  package struct Leak: Encodable, Equatable, Sendable {
    /// Of those that were looked at, from 1.
    let packet: Int
    let length: Int
    /// Nil: a part of one.
    let marker: Int?
  }

  static let leakCountMax = 20

  package let vni: UInt32
  package let interface: String
  package let planted: Int
  /// Of those that were planted as echo requests, which have answers.
  package let asked: Int
  package var arrived = 0
  package var leaked = 0
  /// Packets of the underlay that were searched, and how many of them were of the segment.
  package var packets = 0
  package var datagrams = 0
  /// Of these, such as came from other hosts.
  package var received = 0
  /// Nil: the kernel does not say.
  package var dropped: UInt32? = 0
  /// The first ones.
  package var leaks: [Leak] = []
  /// Markers that could not be planted, with the reason of the last.
  package var refused = 0
  package var reason: String?
  package var verdict = Verdict.undecided

  init(vni: UInt32, interface: String, planted: Int, asked: Int) {
    (self.vni, self.interface, self.planted, self.asked) = (vni, interface, planted, asked)
  }

  mutating func conclude(isSealed: Bool) {
    if leaked > 0 {
      verdict = isSealed ? .leak : .clear
    } else if dropped != 0 {
      let count = dropped.map { "\($0) packets" } ?? "nobody knows how many packets"
      (verdict, reason) = (.undecided, "\(count) were captured by nobody")
    } else if asked == 0 || refused > 0 {
      (verdict, reason) = (.undecided, reason ?? "nothing could be asked")
    } else if arrived < asked {
      verdict = .lost
    } else if datagrams - received < asked || received < asked {
      // What arrived took another way: no leak was seen because nothing was.
      (verdict, reason) = (
        .undecided,
        "\(asked) were asked and answered, but on \(interface) only \(datagrams - received) datagrams of the segment "
          + "left and \(received) came"
      )
    } else {
      verdict = isSealed ? .sealed : .clear
    }
  }

  /// Who was asked is not behind a peer, so nothing that was planted for it had to pass the underlay.
  package mutating func disregard(_ targets: [IPAddress]) {
    guard verdict == .sealed, let target = targets.first else { return }
    (verdict, reason) = (.undecided, "\(target) is not behind a peer of the agent")
  }

  package var text: String {
    let first =
      "Segment \(vni): \(planted) markers planted, \(packets) packets of \(interface) searched, "
      + "\(datagrams) of them of the segment.\n"
    let second = "Arrived: \(arrived) of \(asked). Found in clear: \(leaked) packets.\n"
    let list = leaks.map {
      "  packet \($0.packet), \($0.length) bytes: \($0.marker.map { "marker \($0)" } ?? "a part of a marker")\n"
    }
    return first + second + list.joined() + conclusion
  }

  private var conclusion: String {
    switch verdict {
    case .sealed: "Sealed: no marker was seen, and each arrived.\n"
    case .leak: "LEAK: the segment is sealed, and what it carries is on the underlay in clear.\n"
    case .lost: "Lost: no marker was seen, but \(asked - arrived) did not come back.\n"
    case .clear: "Clear: the segment is not sealed; who is on the way reads what it carries.\n"
    case .undecided: "Not judged: \(reason ?? "unknown").\n"
    }
  }
}
