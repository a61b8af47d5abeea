import Testing

@testable import Bench

@Suite("samples and what they make")
struct SampleTests {
  private let plan = BenchPlan(
    rounds: 3, seconds: 1, candidates: [.kernel, .vtep], workloads: [.udp64, .rtt], underlays: [.transparent])

  private func turn(_ round: Int, _ candidate: Candidate = .vtep) -> BenchPlan.Turn {
    BenchPlan.Turn(round: round, underlay: .transparent, candidate: candidate)
  }

  @Test("a result stands for everything that was planned, measured or not, in the plan's order")
  func everything() {
    var collection = SampleCollection(plan)
    collection.note("no VXLAN", turn(1, .kernel), .udp64)
    collection.note("no VXLAN", turn(2, .kernel), .udp64)
    let results = collection.results()
    #expect(results.map(\.candidate) == [.kernel, .vtep, .kernel, .vtep])
    #expect(results.map(\.workload) == [.udp64, .udp64, .rtt, .rtt])
    #expect(results[0].note == "no VXLAN", "the same words once")
    #expect(results.allSatisfy(\.samples.isEmpty) && results[1].note == nil)
  }

  @Test("what this machine lacks is said on all underlays, those too whose turns are left out")
  func missing() {
    var plan = plan
    plan.underlays = [.transparent, .segmenting]
    var collection = SampleCollection(plan)
    collection.noteMissing("no VXLAN", .kernel)
    let results = collection.results()
    #expect(results.count == 8)
    for result in results { #expect(result.note == (result.candidate == .kernel ? "no VXLAN" : nil)) }
  }

  @Test("processor time is per 10^9 bytes that arrived, each round by itself, then the median")
  func processorTime() {
    var collection = SampleCollection(plan)
    for (round, seconds) in [(1, 1.0), (2, 3.0), (3, 8.0)] {
      var sample = Sample(value: Double(round))
      sample.byteCount = 500_000_000
      sample.ownCPUSeconds = seconds
      sample.machineCPUSeconds = 2 * seconds
      sample.loss = seconds / 100
      sample.segmentsPerSend = seconds
      collection.append(sample, turn(round), .udp64)
    }
    let result = collection.results()[1]
    #expect(result.samples == [1, 2, 3] && result.unit == .framesPerSecond)
    #expect(result.cpuSecondsPerGigabyte == .init(own: 6, machine: 12))
    #expect(result.loss == 0.03 && result.segmentsPerSend == 3 && result.segmentsPerReceive == nil)
  }

  @Test("a round that failed leaves a gap and a note, and the others keep their numbers")
  func gap() {
    var collection = SampleCollection(plan)
    collection.append(Sample(value: 5), turn(1), .udp64)
    collection.note("round 2: nothing arrived", turn(2), .udp64)
    collection.append(Sample(value: 7), turn(3), .udp64)
    let result = collection.results()[1]
    #expect(result.rounds == [1, 3] && result.samples == [5, 7])
    #expect(result.note == "round 2: nothing arrived" && result.cpuSecondsPerGigabyte == nil)
  }

  @Test("lost round trips are a share of all, so that one bad round among good ones is seen")
  func lostRoundTrips() {
    var collection = SampleCollection(plan)
    for (round, lost) in [(1, 0), (2, 50), (3, 0)] {
      var sample = Sample(value: 1)
      var times = RoundTrips.noTimes()
      for _ in lost..<100 { times.record(1000) }
      sample.times = times
      sample.tripCount = 100
      collection.append(sample, turn(round), .rtt)
    }
    #expect(collection.results()[3].loss == 1 - 250.0 / 300)
  }

  @Test("loss is what did not arrive of what was sent, and there is none of nothing")
  func loss() {
    #expect(Sample.loss(sent: 4, arrived: 3) == 0.25)
    #expect(Sample.loss(sent: 4, arrived: 4) == 0)
    #expect(Sample.loss(sent: 4, arrived: 5) == 0, "late ones of the time before")
    #expect(Sample.loss(sent: 0, arrived: 0) == nil)
  }

  @Test("percentiles are those of the round trips of all rounds together")
  func percentiles() throws {
    var collection = SampleCollection(plan)
    for round in 1...2 {
      var times = RoundTrips.noTimes()
      for value in 1...500 { times.record(UInt64(1000 * (value + 500 * (round - 1)))) }
      var sample = Sample(value: 1)
      sample.times = times
      collection.append(sample, turn(round), .rtt)
    }
    let percentiles = try #require(collection.results()[3].percentiles)
    // Three significant digits.
    for (found, expected) in [
      (percentiles.p50, 500_000.0), (percentiles.p90, 900_000), (percentiles.p99, 990_000),
      (percentiles.p999, 999_000), (percentiles.max, 1_000_000),
    ] { #expect(abs(found - expected) <= expected / 500, "\(found) for \(expected)") }
    #expect(SampleCollection.percentiles([]) == nil)
    #expect(SampleCollection.percentiles([RoundTrips.noTimes()]) == nil)
  }
}
