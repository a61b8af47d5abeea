/// What a simulated host's configuration says: which segments it has, and who else.
struct HostConfiguration: Equatable {
  /// In order.
  var segments: [Int]
  /// By segment, the other hosts that have it, in order.
  var peersBySegment: [Int: [Int]]
  /// Hosts that it says nothing of, whatever the segments are.
  var forgotten: Set<Int> = []

  /// The peers, in order: whoever shares a segment.
  var peers: [Int] {
    var seen: Set<Int> = []
    for segment in segments { seen.formUnion(peers(of: segment)) }
    return seen.sorted()
  }

  func peers(of segment: Int) -> [Int] {
    let peers = peersBySegment[segment] ?? []
    return forgotten.isEmpty ? peers : peers.filter { !forgotten.contains($0) }
  }

  mutating func setPeer(_ host: Int, of segment: Int, isThere: Bool) {
    var peers = peersBySegment[segment] ?? []
    let place = peers.firstIndex { $0 >= host } ?? peers.endIndex
    let isIn = place < peers.endIndex && peers[place] == host
    guard isIn != isThere else { return }
    if isThere { peers.insert(host, at: place) } else { peers.remove(at: place) }
    peersBySegment[segment] = peers
  }

  mutating func set(_ segment: Int, isThere: Bool) {
    segments.removeAll { $0 == segment }
    guard isThere else { return }
    segments.insert(segment, at: segments.firstIndex { $0 > segment } ?? segments.endIndex)
  }
}
