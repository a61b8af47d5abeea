import Testing

@testable import Bench

@Suite("the plan of a bench")
struct BenchPlanTests {
  private func plan(_ change: (inout BenchPlan.Options) -> Void = { _ in }) throws(BenchPlan.Problem) -> BenchPlan {
    var options = BenchPlan.Options()
    change(&options)
    return try BenchPlan(options)
  }

  private func problem(_ change: (inout BenchPlan.Options) -> Void) -> String? {
    do throws(BenchPlan.Problem) {
      _ = try plan(change)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("without options: five rounds of everything, in less than five minutes")
  func defaults() throws {
    let plan = try plan()
    #expect(plan.rounds == 5 && plan.seconds == 1 && plan.generator == .own)
    #expect(plan.candidates == [.underlay, .kernel, .vtep] && plan.underlays == [.transparent, .segmenting])
    #expect(plan.workloads == [.tcp1, .tcp4, .tcp1Reverse, .udp64, .udp512, .udp1400, .rtt])
    #expect(plan.sampleCount == 210 && plan.expectedSeconds < 300)
  }

  @Test("--quick is one round on one underlay in half a minute, and gives way to the other options")
  func quick() throws {
    let quick = try plan { $0.isQuick = true }
    #expect(quick.rounds == 1 && quick.underlays == [.transparent] && quick.expectedSeconds <= 32)
    let other = try plan {
      $0.isQuick = true
      $0.rounds = 3
      $0.underlay = "both"
    }
    #expect(other.rounds == 3 && other.underlays == [.transparent, .segmenting])
  }

  @Test("every round has every candidate once on every underlay, and begins with another one")
  func rotation() throws {
    let plan = try plan { $0.rounds = 4 }
    #expect(plan.turns.count == 4 * 2 * 3)
    for round in 1...4 {
      for underlay in plan.underlays {
        let candidates = plan.turns.filter { $0.round == round && $0.underlay == underlay }.map(\.candidate)
        #expect(candidates.count == 3 && Set(candidates) == Set(plan.candidates))
      }
    }
    let firsts = (1...4).map { round in plan.turns.first { $0.round == round }?.candidate }
    #expect(firsts == [.underlay, .kernel, .vtep, .underlay])
    let second = plan.turns.filter { $0.round == 2 && $0.underlay == .transparent }.map(\.candidate)
    #expect(second == [.kernel, .vtep, .underlay])
  }

  @Test("lists keep their order")
  func lists() throws {
    let plan = try plan {
      $0.candidates = "vtep,underlay"
      $0.workloads = "rtt,tcp-1"
      $0.underlay = "segmenting"
      $0.generator = "iperf3"
      $0.seconds = 2
    }
    #expect(plan.candidates == [.vtep, .underlay] && plan.workloads == [.rtt, .tcp1])
    #expect(plan.underlays == [.segmenting] && plan.generator == .iperf3)
  }

  @Test("numbers at their bounds are taken, and refused beyond")
  func bounds() {
    for rounds in [1, 1000] { #expect(problem { $0.rounds = rounds } == nil) }
    for rounds in [0, -1, 1001, .max] { #expect(problem { $0.rounds = rounds }?.contains("--rounds") == true) }
    for seconds in [0.1, 3600] { #expect(problem { $0.seconds = seconds } == nil) }
    for seconds in [0.099, -1, 3601, .nan, .infinity] {
      #expect(problem { $0.seconds = seconds }?.contains("--seconds") == true)
    }
  }

  @Test(
    "a name that is none is refused with those that are",
    arguments: ["", "tcp", "tcp-1,,rtt", "tcp-1,", "TCP-1", "tcp-1 ,rtt", "encapsulate-64"])
  func unknownWorkloads(list: String) throws {
    let text = try #require(problem { $0.workloads = list })
    #expect(text.contains("--workloads") && text.contains("tcp-1, tcp-4"))
  }

  @Test("what stands twice, is not built yet or belongs to the codec is refused")
  func refusals() {
    #expect(problem { $0.candidates = "vtep,vtep" }?.contains("twice") == true)
    #expect(problem { $0.candidates = "vtep-sealed" }?.contains("not built yet") == true)
    #expect(problem { $0.candidates = "codec" }?.contains("underlay, kernel, vtep") == true)
    #expect(problem { $0.underlay = "none" }?.contains("transparent, segmenting or both") == true)
    #expect(problem { $0.generator = "netperf" }?.contains("own or iperf3") == true)
    let half = problem {
      $0.generator = "iperf3"
      $0.seconds = 1.5
    }
    #expect(half?.contains("whole seconds") == true)
  }

  @Test("every workload of the plan has traffic and a unit that fits")
  func workloads() {
    for workload in BenchPlan.workloads {
      #expect((workload.streamCount > 0) != (workload.payloadByteCount > 0), "\(workload)")
      #expect((workload.unit == .bitsPerSecond) == (workload.streamCount > 0), "\(workload)")
    }
    #expect(Workload.rtt.unit == .nanoseconds && Workload.udp64.unit == .framesPerSecond)
  }
}
