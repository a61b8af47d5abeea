import Forwarding
import VXLAN

/// Why a frame to a MAC address goes where it goes, as `vtep fdb explain` tells it.
package struct FDBExplanation: Codable, Equatable, Sendable {
  /// What becomes of a frame to the address that the TAP gives.
  package enum Decision: String, Codable, Sendable {
    /// To one peer.
    case unicast
    /// To every peer of the segment.
    case flood
    /// It does not come from the TAP: the address is the host's own.
    case own
    /// Nowhere.
    case drop
  }

  package var mac: String
  package var vni: UInt32
  package var decision: Decision
  /// Of the entry, if there is one.
  package var state: FDBReport.State?
  /// Who said so: `learned`, `configuration`, `command` (`vtep fdb add`) or `control`.
  package var origin: String?
  /// Where the address is; nil, and absent in JSON, behind the own TAP and without an entry.
  package var peer: String?
  package var address: String?
  /// Since the last frame from the address, or since the entry was set.
  package var ageSeconds: Int?
  /// Until a frozen entry may be learned anew.
  package var frozenSeconds: Int?
  /// To whom the frame goes.
  package var peers: [String]
  /// The same in words.
  package var reason: String

  private enum CodingKeys: String, CodingKey {
    case mac, vni, decision, state, origin, peer, address, peers, reason
    case ageSeconds = "age-seconds"
    case frozenSeconds = "frozen-seconds"
  }

  package var text: String { "\(mac) in segment \(vni): \(reason)\n" }
}

/// What a frame's way depends on, of one segment at one moment.
struct FDBCircumstances {
  struct Peer {
    var name: String
    var address: String
  }

  var mac: MACAddress
  var vni: VNI
  var ownMAC: MACAddress
  var entry: FDBEntry?
  /// Of the entry's remote; nil: behind the own TAP.
  var peer: Peer?
  /// The segment's.
  var floodNames: [String]
  /// Zero: never.
  var ageingSeconds: Int
  var learns: Bool
  var isFull: Bool
  /// Whether groups may go to fewer peers than all.
  var snoopsMulticast = false
  /// `Instant.seconds`.
  var now: UInt32

  func explanation() -> FDBExplanation {
    var answer = FDBExplanation(mac: mac.description, vni: vni.rawValue, decision: .flood, peers: [], reason: "")
    if mac == ownMAC {
      answer.decision = .own
      answer.reason = "it is the own address of the TAP: frames to it from peers are delivered to the TAP"
    } else if mac.isMulticast {
      answer.reason = "it is \(mac.isBroadcast ? "the broadcast address" : "a multicast address")"
      flood(&answer)
      if snoopsMulticast, !mac.isBroadcast, answer.decision == .flood {
        answer.reason += ", of which multicast-snooping leaves those that listen to its group, or have a router"
      }
    } else if let entry {
      describe(entry, &answer)
    } else {
      answer.reason = "no entry: \(whyUnknown)"
      flood(&answer)
    }
    return answer
  }

  private var whyUnknown: String {
    if !learns { return "the segment does not learn, and nobody has set one" }
    if isFull { return "the table is at its limit and learns nothing new" }
    return ageingSeconds == 0
      ? "no frame from it was seen" : "no frame from it was seen for \(duration(ageingSeconds)), or ever"
  }

  private func describe(_ entry: FDBEntry, _ answer: inout FDBExplanation) {
    let age = Int(max(0, Int32(bitPattern: now &- entry.stamp)))
    answer.state = FDBReport.State(entry.state)
    answer.origin = "\(entry.origin)"
    answer.peer = peer?.name
    answer.address = peer?.address
    answer.ageSeconds = age
    if entry.isFrozen {
      let rest = max(0, FDB.freezeSeconds - age)
      answer.frozenSeconds = rest
      answer.reason =
        "it moved \(FDB.moveCountMax) times within \(FDB.moveSeconds) s and is frozen until its frames come from one"
        + " place for \(FDB.freezeSeconds) s, at the earliest in \(duration(rest)); its frames are delivered"
      return flood(&answer)
    }
    answer.reason = "\(why(entry, age)) that it is \(place)"
    guard let peer else { return flood(&answer) }
    answer.decision = .unicast
    answer.peers = [peer.name]
    answer.reason += ": a frame to it goes there and nowhere else"
    if entry.state == .static { answer.reason += "; frames from it by any other way are dropped (static-move)" }
  }

  private var place: String { peer.map { "at peer \($0.name) (\($0.address))" } ?? "behind the own TAP" }

  private func why(_ entry: FDBEntry, _ age: Int) -> String {
    switch entry.origin {
    case .learned:
      let rest = ageingSeconds == 0 ? "" : " (the entry ages in \(duration(max(0, ageingSeconds - age))))"
      return "a frame from it, the last \(duration(age)) ago\(rest), says"
    case .configuration: return "a static entry of the configuration, \(duration(age)) ago, says"
    case .command: return "a static entry set by `vtep fdb`, \(duration(age)) ago, says"
    case .control: return "a control plane, \(duration(age)) ago, says"
    }
  }

  /// The frame goes to all peers.
  private func flood(_ answer: inout FDBExplanation) {
    answer.peers = floodNames
    guard !floodNames.isEmpty else {
      answer.decision = .drop
      answer.reason += ": a frame to it is dropped, since the segment has no peer (no-peer)"
      return
    }
    answer.decision = .flood
    answer.reason += ": a frame to it from the TAP is flooded to \(floodNames.joined(separator: ", "))"
  }

  private func duration(_ seconds: Int) -> String { ReportText.duration(seconds) }
}

extension FDBReport.State {
  init(_ state: FDBState) {
    switch state {
    case .static: self = .static
    case .control: self = .control
    case .dynamic: self = .dynamic
    }
  }
}
