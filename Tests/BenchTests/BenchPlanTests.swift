import Sealing
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

  @Test("without options: five rounds of everything, in six and a half minutes")
  func defaults() throws {
    let plan = try plan()
    #expect(plan.rounds == 5 && plan.seconds == 1 && plan.generator == .own)
    #expect(plan.cipher == nil && plan.candidates == [.underlay, .kernel, .vtep, .vtepSealed])
    #expect(plan.underlays == [.transparent, .segmenting])
    #expect(plan.workloads == [.tcp1, .tcp4, .tcp1Reverse, .udp64, .udp512, .udp1400, .rtt])
    #expect(plan.sampleCount == 280 && plan.expectedSeconds < 390)
  }

  @Test("--quick is one round on one underlay in forty seconds, and gives way to the other options")
  func quick() throws {
    let quick = try plan { $0.isQuick = true }
    #expect(quick.rounds == 1 && quick.underlays == [.transparent] && quick.expectedSeconds <= 40)
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
    #expect(plan.turns.count == 4 * 2 * 4)
    for round in 1...4 {
      for underlay in plan.underlays {
        let candidates = plan.turns.filter { $0.round == round && $0.underlay == underlay }.map(\.candidate)
        #expect(candidates.count == 4 && Set(candidates) == Set(plan.candidates))
      }
    }
    let firsts = (1...4).map { round in plan.turns.first { $0.round == round }?.candidate }
    #expect(firsts == [.underlay, .kernel, .vtep, .vtepSealed])
    let second = plan.turns.filter { $0.round == 2 && $0.underlay == .transparent }.map(\.candidate)
    #expect(second == [.kernel, .vtep, .vtepSealed, .underlay])
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

  @Test("what stands twice or belongs to the codec is refused")
  func refusals() {
    #expect(problem { $0.candidates = "vtep,vtep" }?.contains("twice") == true)
    #expect(problem { $0.candidates = "codec" }?.contains("underlay, kernel, vtep, vtep-sealed") == true)
    #expect(problem { $0.candidates = "codec-sealed" }?.contains("there is no") == true)
    #expect(problem { $0.underlay = "none" }?.contains("transparent, segmenting or both") == true)
    #expect(problem { $0.generator = "netperf" }?.contains("own or iperf3") == true)
    let half = problem {
      $0.generator = "iperf3"
      $0.seconds = 1.5
    }
    #expect(half?.contains("whole seconds") == true)
  }

  @Test("a cipher is taken by its name in a configuration, and refused where nothing is sealed")
  func ciphers() throws {
    #expect(Cipher.allCases.map(\.name) == ["aes256gcm", "chacha20poly1305", "aegis128l"])
    for cipher in Cipher.allCases { #expect(try plan { $0.cipher = cipher.name }.cipher == cipher) }
    #expect(try plan { $0.cipher = "auto" }.cipher == nil)
    for name in ["", "AES256GCM", "des"] {
      #expect(problem { $0.cipher = name }?.contains("auto or one of aes256gcm, chacha20poly1305, aegis128l") == true)
    }
    let plain = problem {
      $0.cipher = "auto"
      $0.candidates = "vtep,kernel"
    }
    #expect(plain?.contains("vtep-sealed") == true)
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
