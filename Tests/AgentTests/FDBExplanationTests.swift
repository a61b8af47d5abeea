import Forwarding
import Testing
import VXLAN

@testable import Agent

@Suite("vtep fdb explain")
struct FDBExplanationTests {
  private static func circumstances(_ entry: FDBEntry? = nil) -> FDBCircumstances {
    FDBCircumstances(
      mac: MACAddress(rawValue: 0x0200_0000_0002), vni: VNI(unchecked: 42),
      ownMAC: MACAddress(rawValue: 0x0200_0000_0001), entry: entry,
      peer: entry?.remote.peerSlot.map { .init(name: "p\($0)", address: "192.0.2.\($0)") }, floodNames: ["p0", "p1"],
      ageingSeconds: 300, learns: true, isFull: false, now: 1000)
  }

  private static func entry(_ origin: FDBOrigin, _ remote: Remote, isFrozen: Bool = false) -> FDBEntry {
    FDBEntry(
      mac: MACAddress(rawValue: 0x0200_0000_0002), remote: remote, origin: origin, isFrozen: isFrozen, stamp: 990)
  }

  @Test(
    "an entry at a peer is told with who said so and when",
    arguments: [
      (FDBOrigin.learned, "a frame from it, the last 10s ago (the entry ages in 4m50s)"),
      (.configuration, "a static entry of the configuration, 10s ago"),
      (.command, "a static entry set by `vtep fdb`, 10s ago"), (.control, "a control plane, 10s ago"),
    ])
  func atPeer(origin: FDBOrigin, words: String) {
    let answer = Self.circumstances(Self.entry(origin, .peer(1))).explanation()
    #expect(answer.decision == .unicast && answer.peers == ["p1"] && answer.peer == "p1" && answer.ageSeconds == 10)
    #expect(answer.state == FDBReport.State(origin.state) && answer.address == "192.0.2.1")
    #expect(answer.reason.hasPrefix(words) && answer.reason.contains("at peer p1 (192.0.2.1)"), "\(answer.reason)")
    #expect(answer.reason.contains("static-move") == (origin.state == .static))
  }

  @Test("a MAC behind the own TAP, one that nobody knows and a frozen one are flooded, each with its reason")
  func flooded() {
    let local = Self.circumstances(Self.entry(.learned, .local)).explanation()
    #expect(local.decision == .flood && local.peer == nil && local.reason.contains("behind the own TAP"))
    let unknown = Self.circumstances().explanation()
    #expect(unknown.decision == .flood && unknown.state == nil && unknown.reason.contains("no frame from it was seen"))
    let frozen = Self.circumstances(Self.entry(.learned, .peer(0), isFrozen: true)).explanation()
    #expect(frozen.decision == .flood && frozen.frozenSeconds == 20 && frozen.reason.contains("moved 5 times"))
    for answer in [local, unknown, frozen] {
      #expect(answer.peers == ["p0", "p1"] && answer.reason.hasSuffix("is flooded to p0, p1"), "\(answer.reason)")
    }
  }

  @Test("why nothing is known is told: no learning, a full table")
  func unknown() {
    var circumstances = Self.circumstances()
    circumstances.isFull = true
    #expect(circumstances.explanation().reason.contains("at its limit"))
    circumstances.learns = false
    #expect(circumstances.explanation().reason.contains("does not learn"))
  }

  @Test("groups are flooded, the own address stays, and without peers everything is dropped")
  func special() {
    var circumstances = Self.circumstances()
    circumstances.mac = .broadcast
    #expect(circumstances.explanation().decision == .flood)
    circumstances.mac = circumstances.ownMAC
    #expect(circumstances.explanation().decision == .own && circumstances.explanation().peers.isEmpty)
    circumstances = Self.circumstances()
    circumstances.floodNames = []
    #expect(circumstances.explanation().decision == .drop && circumstances.explanation().reason.contains("no-peer"))
  }
}
