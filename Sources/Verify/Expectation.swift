import VXLAN

/// What a capture is expected to hold, as `vni=42,min=100,peers=2`: datagrams of a segment, at least so many of them
/// (of any segment without `vni`), between so many VTEPs.
package struct Expectation: Equatable, Sendable {
  package var vni: VNI?
  package var datagramCountMin: Int?
  package var peerCount: Int?

  /// Nil for anything else than such a list, each word once.
  package init?(_ text: String) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard words.count == 2, let number = Int(words[1]), number >= 0 else { return nil }
      switch (words[0], VNI(number)) {
      case ("vni", let vni?) where self.vni == nil: self.vni = vni
      case ("min", _) where datagramCountMin == nil: datagramCountMin = number
      case ("peers", _) where peerCount == nil: peerCount = number
      default: return nil
      }
    }
  }

  /// What the capture does not hold, each in a sentence.
  func unmet(_ judge: borrowing Judge) -> [String] {
    var unmet: [String] = []
    var count = judge.counts.datagramCount
    if let vni {
      let segment = judge.segments.first { $0.vni == vni }
      count = segment.map { $0.plainFrameCount + $0.sealedFrameCount } ?? 0
      if count == 0 { unmet.append("no datagram of segment \(vni)") }
    }
    if let datagramCountMin, count < datagramCountMin {
      unmet.append("\(count) datagrams, \(datagramCountMin) expected")
    }
    if let peerCount, peerCount != judge.peers.count {
      unmet.append("\(judge.peers.count) VTEPs, \(peerCount) expected")
    }
    return unmet
  }
}
