/// What kernels, cards and languages do to a data path with offloads, and the test that would notice it here.
struct Pitfall {
  /// How it is known that we do not fall into it.
  enum Evidence: Equatable {
    /// A test: its file, and the name of its function.
    case test(String, String)
    /// A script that `scripts/test` runs.
    case script(String)
    /// No source of ours has the word.
    case absent(String)
  }

  let number: Int
  let rule: String
  let evidence: [Evidence]
}

extension Pitfall {
  private static let tap = "Tests/LinuxIOTests/TAPDeviceTests.swift"
  private static let throughTAPs = "Tests/LinuxIOTests/TAPSuperframeTests.swift"
  private static let underlay = "Tests/LinuxIOTests/UDPUnderlayTests.swift"
  private static let receiving = "Tests/LinuxIOTests/UDPReceiveTests.swift"
  private static let runs = "Tests/DataplaneTests/Superframes/RunTests.swift"
  private static let superframes = "Tests/DataplaneTests/Superframes/SuperframeTests.swift"
  private static let joining = "Tests/DataplaneTests/Superframes/CoalescingTests.swift"
  private static let order = "Tests/DataplaneTests/Superframes/CoalescingOrderTests.swift"
  private static let endToEnd = "Tests/namespaces/test_superframes.py"
  private static let refused = "Tests/namespaces/test_refused_offloads.py"
  private static let sealing = "Tests/SealingTests/TransportTests.swift"
  private static let laundered = "Tests/namespaces/test_nothing_is_laundered.py"

  /// In the order of the project's performance notes.
  static let all = [
    Pitfall(
      number: 1, rule: "the outer UDP checksum is on, or UDP_SEGMENT fails; zero is accepted from others, unjoined",
      evidence: [
        .test(underlay, "headers"), .test(underlay, "zeroChecksum"), .test(underlay, "runs"),
        .test(refused, "test_runs_refused_by_the_kernel_itself_are_sent_one_by_one_and_none_is_lost"),
        .test(
          "Tests/namespaces/test_faults.py",
          "test_fault_row_60_a_zero_udp_checksum_is_taken_on_ipv4_and_on_ipv6_only_when_told"),
      ]),
    Pitfall(
      number: 2, rule: "a run has at most 64 datagrams and 65,507 bytes, and one beyond the path falls back",
      evidence: [
        .test("Tests/LinuxIOTests/OutgoingRunsTests.swift", "bounds"), .test(runs, "count"), .test(runs, "bytes"),
        .test(underlay, "runBeyondPath"),
      ]),
    Pitfall(
      number: 3, rule: "after EIO runs are off, the batch is sent, and status says so",
      evidence: [
        .test(refused, "test_runs_refused_with_eio_are_sent_one_by_one_and_none_is_lost"),
        .test("Tests/LinuxIOTests/OffloadStateTests.swift", "refusal"),
        .test(endToEnd, "test_a_card_without_checksums_is_never_silent_and_everything_passes"),
      ]),
    Pitfall(
      number: 4, rule: "where a kernel and a card make runs go wrong they can be switched off",
      evidence: [.test(endToEnd, "test_offload_off_says_so_and_still_passes_everything")]),
    Pitfall(
      number: 5, rule: "each receive slot has 64 KB and room for its notes; what was cut is not taken for whole",
      evidence: [
        .test(receiving, "truncated"), .test(receiving, "truncatedRun"), .test(receiving, "truncatedControl"),
        .test("Tests/DataplaneTests/HostileInputTests.swift", "sizes"), .test(joining, "joinedBuffer"),
      ]),
    Pitfall(
      number: 6, rule: "hdr_len is not believed; csum_start counts from the Ethernet header, tags included",
      evidence: [
        .test(superframes, "headerLength"), .test(superframes, "cuts"),
        .test("Tests/DataplaneTests/Superframes/BadOffloadTests.swift", "superframes"),
      ]),
    Pitfall(
      number: 7,
      rule: "GSO_ECN is masked, CWR on the first segment only, FIN and PSH on the last, IPv4 numbers count up",
      evidence: [
        .test(superframes, "flags"), .test(superframes, "identification"), .test(joining, "differencesOfTCP"),
      ]),
    Pitfall(
      number: 8,
      rule: "offload headers that are written are such as tun takes; one segment is a plain frame; EINVAL cuts",
      evidence: [
        .test(tap, "writingSuperframes"), .test(throughTAPs, "whole"), .test(order, "alone"), .test(order, "refused"),
        .test(joining, "count"),
        .test(refused, "test_superframes_refused_by_the_tap_are_written_in_segments_and_none_is_lost"),
      ]),
    Pitfall(
      number: 9, rule: "a superframe is written with NEEDS_CSUM and the pseudo-header's sum, which alone is heeded",
      evidence: [
        .test(throughTAPs, "cut"), .test(laundered, "test_a_flow_in_order_is_joined_and_delivered_as_it_came"),
      ]),
    Pitfall(
      number: 10, rule: "a segment is joined only when its checksums are right: a wrong one stays wrong",
      evidence: [
        .test(joining, "corruption"),
        .test(laundered, "test_a_segment_with_a_wrong_inner_checksum_stays_wrong_and_in_its_place"),
        .test(laundered, "test_any_order_with_repetitions_and_corruption_is_delivered_exactly_as_it_came"),
      ]),
    Pitfall(
      number: 11, rule: "what a superframe could not say again is not joined; the end of a batch ends it",
      evidence: [
        .test(joining, "differences"), .test(joining, "differencesOfTCP"), .test(joining, "ends"),
        .test(order, "endOfBatch"), .test(order, "segments"), .test(order, "peers"),
      ]),
    Pitfall(
      number: 12, rule: "TUNSETOFFLOAD asks for USO of both families or of none, and for less where it is refused",
      evidence: [
        .test(tap, "readingSuperframes"),
        .test(refused, "test_udp_superframes_refused_by_the_tap_are_done_without_and_none_is_lost"),
        .test(endToEnd, "test_every_offload_is_on_where_the_kernel_has_it"),
      ]),
    Pitfall(
      number: 13, rule: "a flow is never in two hands at once",
      evidence: [
        .test(order, "order"), .test("Tests/DataplaneTests/Superframes/SuperframePropertyTests.swift", "everything"),
        .test("Tests/LinuxIOTests/FlowSteeringTests.swift", "oneNumber"),
        .test("Tests/namespaces/test_workers.py", "test_no_flow_is_reordered_with_several_workers"),
      ]),
    Pitfall(
      number: 14, rule: "a TAP's queue is long enough for bursts of small frames",
      evidence: [
        .test("Tests/namespaces/test_agent.py", "test_the_tap_has_everything_that_the_configuration_says")
      ]),
    Pitfall(
      number: 15, rule: "copies for several peers are runs of their own",
      evidence: [.test(runs, "keys"), .test(superframes, "flooded")]),
    Pitfall(
      number: 16, rule: "what cannot be joined passes alone and overtakes nothing",
      evidence: [
        .test(order, "others"), .test(order, "order"),
        .test(laundered, "test_two_flows_in_turns_keep_their_common_order"),
      ]),
    Pitfall(
      number: 17, rule: "a nonce is never used twice, in whatever lane, and what a card joined fits the replay window",
      evidence: [
        .test(sealing, "counters"), .test(sealing, "exhaustion"),
        .test("Tests/SealingTests/SessionSimulationTests.swift", "seeds"),
        .test("Tests/SimulationTests/SealedSimulationTests.swift", "workers"),
        .test("Tests/DataplaneTests/Sealed/SealedSuperframeTests.swift", "window"),
      ]),
    Pitfall(
      number: 18, rule: "whatever way of joining a card is set to, what arrives is the same",
      evidence: [.test(endToEnd, "test_a_card_that_joins_in_another_way_changes_nothing")]),
    Pitfall(
      number: 19, rule: "a veth that passes superframes whole flatters: both kinds of underlay are judged",
      evidence: [.test(endToEnd, "test_tcp_at_length_is_byte_exact_and_each_segment_is_counted")]),
    Pitfall(number: 20, rule: "no NAPI on the TAP", evidence: [.absent("IFF_NAPI")]),
    Pitfall(number: 21, rule: "no io_uring, which containers forbid", evidence: [.absent("io_uring")]),
    Pitfall(
      number: 22, rule: "no reference count, no exclusivity check and no allocation for each frame",
      evidence: [
        .script("scripts/check-hot-path"),
        .test("Tests/AllocationCountTests/EngineAllocationTests.swift", "outgoingFrames"),
        .test("Tests/AllocationCountTests/EngineAllocationTests.swift", "incomingFrames"),
      ]),
  ]
}
