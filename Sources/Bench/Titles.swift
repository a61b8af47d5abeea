extension Candidate {
  /// For people.
  var title: String {
    switch self {
    case .underlay: "raw underlay"
    case .kernel: "kernel VXLAN"
    case .vtep: "vtep"
    case .vtepSealed: "vtep, sealed"
    case .codec: "codec"
    case .codecSealed: "codec, sealed"
    }
  }

  /// Those that are held against the kernel and the raw underlay.
  static let compared: [Candidate] = [.vtep, .vtepSealed]
  /// What they are held against.
  static let bases: [Candidate] = [.kernel, .underlay]
}

extension Workload {
  /// For people. Short, for a terminal has 100 columns.
  var title: String {
    switch self {
    case .tcp1: "TCP 1 stream"
    case .tcp4: "TCP 4 streams"
    case .tcp1Reverse: "TCP reversed"
    case .udp64: "UDP 64 B"
    case .udp512: "UDP 512 B"
    case .udp1400: "UDP 1400 B"
    case .rtt: "round trip"
    case .encapsulate64: "encapsulate 64 B"
    case .encapsulate512: "encapsulate 512 B"
    case .encapsulate1400: "encapsulate 1400 B"
    case .encapsulateSuperframe: "encapsulate a superframe"
    case .decapsulate64: "decapsulate 64 B"
    case .decapsulate512: "decapsulate 512 B"
    case .decapsulate1400: "decapsulate 1400 B"
    case .decapsulateSuperframe: "decapsulate a superframe"
    }
  }
}

extension Workload {
  /// The codec's with a sealed segment.
  var sealedTitle: String {
    title.replacing("encapsulate", with: "seal").replacing("decapsulate", with: "open")
  }
}

extension Underlay {
  /// For people.
  var title: String {
    switch self {
    case .transparent: "The underlay passes superframes"
    case .segmenting: "The underlay segments"
    case .none: "In memory"
    }
  }
}

extension BenchReport {
  /// What was measured of each kind, in the order of their declaration.
  func candidates(on underlay: Underlay) -> [Candidate] {
    Candidate.allCases.filter { candidate in
      results.contains { $0.candidate == candidate && $0.underlay == underlay }
    }
  }

  func workloads(on underlay: Underlay) -> [Workload] {
    Workload.allCases.filter { workload in results.contains { $0.workload == workload && $0.underlay == underlay } }
  }

  /// Those between hosts that have a result.
  var underlays: [Underlay] {
    Underlay.allCases.filter { underlay in underlay != .none && results.contains { $0.underlay == underlay } }
  }

  /// Every note once, with what it is about, in the order of the results.
  var notes: [(subject: String, note: String)] {
    var subjects: [(candidate: Candidate, note: String, workloads: [String])] = []
    for result in results {
      guard let note = result.note, !note.isEmpty else { continue }
      if let index = subjects.firstIndex(where: { $0.candidate == result.candidate && $0.note == note }) {
        if !subjects[index].workloads.contains(result.workload.title) {
          subjects[index].workloads.append(result.workload.title)
        }
      } else {
        subjects.append((result.candidate, note, [result.workload.title]))
      }
    }
    return subjects.map { candidate, note, workloads in
      let all = Set(results.filter { $0.candidate == candidate }.map(\.workload.title))
      let which = all.count > 1 && workloads.count == all.count ? "" : " (" + workloads.joined(separator: "; ") + ")"
      return (candidate.title + which, note)
    }
  }
}
