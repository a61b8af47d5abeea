import FoundationEssentials
import Testing
import VXLAN

@testable import Bench

@Suite("what /proc tells")
struct MachineReadingTests {
  @Test("work is everything but idle, waiting for disks and stolen time, guests counted once")
  func busy() throws {
    let text = "cpu  100 20 30 4000 50 6 7 800 99 99\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    let seconds = try #require(MachineReading.busySeconds(in: text))
    let tick = try #require(MachineReading.busySeconds(in: "cpu  1 0 0 0 0 0 0 0\n"))
    #expect(abs(seconds / tick - 163) < 1e-6)
  }

  @Test(
    "what is not that line is nothing",
    arguments: ["", "cpu", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8", "cpu a b c d e f g h"])
  func nonsense(text: String) {
    #expect(MachineReading.busySeconds(in: text) == nil)
  }

  @Test("the field of a list is the text behind its colon")
  func field() {
    let text = "processor\t: 0\nmodel name\t: A: B  C\nMemTotal:  12 kB\n"
    #expect(MachineReading.field("model name", in: text) == "A: B  C")
    #expect(MachineReading.field("MemTotal", in: text) == "12 kB")
    #expect(MachineReading.field("absent", in: text) == nil && MachineReading.field("absent", in: nil) == nil)
  }

  @Test("this machine has a kernel, a core and memory, and works")
  func machine() throws {
    let machine = MachineReading.machine()
    #expect(machine.kernel.contains(".") && !machine.kernel.contains("\n"))
    #expect(machine.cores >= 1 && machine.memoryBytes > 1 << 20)
    #expect(try #require(MachineReading.busySeconds()) > 0)
  }
}

@Suite("what other programs say")
struct ForeignOutputTests {
  @Test("the version of iperf3 is found in what it prints")
  func version() {
    #expect(Iperf3.version(in: "iperf 3.12 (cJSON 1.7.15)\nLinux host 6.1\n") == "iperf3 3.12")
    #expect(Iperf3.version(in: "") == "iperf3" && Iperf3.version(in: "something else") == "iperf3")
  }

  @Test("iperf3 reports once, however long it runs, so that its whole answer is read")
  func noReportsInBetween() throws {
    let address = try #require(IPAddress("192.0.2.2"))
    let arguments = Iperf3.clientArguments(streamCount: 4, seconds: 3600, address)
    #expect(arguments == ["-J", "-i", "0", "-c", "192.0.2.2", "-t", "3600", "-P", "4"])
  }

  @Test("of iperf3's JSON what was received counts")
  func received() throws {
    let text = #"{"start":{},"end":{"sum_sent":{"bytes":9},"sum_received":{"seconds":2.5,"bytes":1000}}}"#
    let report = try JSONDecoder().decode(Iperf3.Report.self, from: Data(text.utf8))
    #expect(report.end.received.bytes == 1000 && report.end.received.seconds == 2.5)
  }

  @Test("segments a call are the counts since the first reading, and nothing without a call")
  func batches() throws {
    let text = #"""
      {"sends":10,"datagrams-sent":100,"receives":5,"datagrams-received":20,"tap-writes":7,"frames-written":7,
      "tap-reads":1,"frames-read":1}
      """#
    let earlier = try JSONDecoder().decode(AgentBatches.self, from: Data(text.utf8))
    var later = earlier
    later.sends += 2
    later.datagramsSent += 90
    later.receives += 4
    later.datagramsReceived += 10
    let delta = later - earlier
    #expect(delta.segmentsPerSend == 45 && delta.segmentsPerReceive == 2.5 && delta.segmentsPerTapWrite == nil)
  }

  @Test("a machine with other work is told so, an idle one is not")
  func load() throws {
    #expect(BenchProgress.warning(load: 0.5, cores: 2) == nil && BenchProgress.warning(load: nil, cores: 2) == nil)
    let text = try #require(BenchProgress.warning(load: 0.51, cores: 2))
    #expect(text.contains("0.51") && text.contains("2 processors"))
    #expect(try #require(MachineReading.load()) >= 0)
  }

  @Test("times are written as people say them")
  func durations() {
    #expect(BenchProgress.duration(0.4) == "1 s" && BenchProgress.duration(59) == "59 s")
    #expect(BenchProgress.duration(60) == "1 min 0 s" && BenchProgress.duration(285.2) == "4 min 46 s")
  }
}
