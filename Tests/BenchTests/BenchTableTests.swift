import Testing

@testable import Bench

@Suite("the table of a run")
struct BenchTableTests {
  private static func lines(_ report: BenchReport, isColoured: Bool = false) -> [String] {
    BenchTable(report, isColoured: isColoured).text.split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }

  @Test("the heading says version, machine, kernel, rounds and who made the traffic")
  func heading() {
    let lines = Self.lines(SampleReport.whole())
    #expect(lines[0] == "vtep 0.1.0 on AMD EPYC 9R14, 2 cores, 23.0 GiB, Linux 6.18.0")
    #expect(lines[1] == "2026-11-22T17:06:27Z: 3 rounds of 2 s, medians (min–max); traffic: vtep's own generator")
  }

  @Test("what sealed the segments is named where some were")
  func cipher() {
    #expect(Self.lines(SampleReport.whole(isSealed: true))[2] == "vtep-sealed: sealed with aes256gcm")
    #expect(Self.lines(SampleReport.whole())[2].isEmpty)
  }

  @Test("iperf3 is named with its version where it made the traffic")
  func generator() {
    var report = SampleReport.whole()
    report.generator = "iperf3 3.12"
    #expect(Self.lines(report)[1].hasSuffix("traffic: iperf3 3.12"))
  }

  @Test("each candidate has its median with least and most, in units that people read")
  func measured() {
    let results = [Candidate.underlay, .kernel, .vtep].flatMap { candidate in
      [Workload.tcp1, .udp64, .rtt].map { SampleReport.result(candidate, $0, .transparent) }
    }
    let text = BenchTable(SampleReport.report(results), isColoured: false).text
    #expect(
      text.contains(
        """
        The underlay passes superframes

        MEASURED      UNIT               UNDERLAY             KERNEL               VTEP
        TCP 1 stream  Gb/s       16.0 (15.4–16.6)   8.00 (7.68–8.32)   7.00 (6.72–7.28)
        UDP 64 B      kframe/s    280 (252–308)      140 (126–154)      308 (277–339)
          lost        %           0.4                0.4                0.4
        round trip    µs         40.0 (38.0–42.0)   80.0 (76.0–84.0)   91.4 (86.9–96.0)
          p90         µs         56.0                112                128
          p99         µs          100                200                229
          p99.9       µs          360                720                823
          max         µs        1,600              3,200              3,657

        RATIO         VTEP/KERNEL  VTEP/UNDERLAY
        TCP 1 stream         0.88           0.44
        UDP 64 B             2.20           1.10
        round trip           1.14           2.29  less is better

        COST          CANDIDATE  OWN S/GB  MACHINE S/GB  SEG/SEND  SEG/RECEIVE  SEG/TAP WRITE
        TCP 1 stream  underlay          -          0.98         -            -              -
                      kernel            -          0.98         -            -              -
                      vtep           0.94          1.87      43.8         42.0           41.3

        """))
  }

  @Test("it is at most 100 columns wide, with sealed segments too, and has no space at the end of a line")
  func width() {
    let codec = SampleReport.codec(ciphers: ["aes256gcm"])
    for report in [SampleReport.whole(), SampleReport.whole(isSealed: true), codec] {
      for line in Self.lines(report) {
        #expect(line.count <= 100, "\(line)")
        #expect(line.last != " ", "\(line)")
      }
    }
  }

  @Test("where least and most have no room, the medians stay")
  func narrow() {
    let results = [Candidate.underlay, .kernel, .vtep, .vtepSealed].map { candidate in
      Measurement(
        candidate: candidate, workload: .udp1400, underlay: .segmenting, unit: .framesPerSecond,
        samples: [12_345_678, 12_345_679, 98_765_432])
    }
    let text = BenchTable(SampleReport.report(results), isColoured: false).text
    #expect(text.contains("UDP 1400 B  kframe/s    12,346  12,346  12,346       12,346\n"))
    #expect(Self.lines(SampleReport.report(results)).allSatisfy { $0.count <= 100 })
  }

  @Test("one round has no least and most")
  func oneRound() {
    let result = Measurement(
      candidate: .vtep, workload: .tcp1, underlay: .transparent, unit: .bitsPerSecond, samples: [7e9])
    let text = BenchTable(SampleReport.report([result]), isColoured: false).text
    #expect(text.contains("MEASURED      UNIT  VTEP\nTCP 1 stream  Gb/s  7.00\n"))
  }

  @Test("colour is used when the caller says so, and changes nothing but the styles")
  func colour() {
    let plain = BenchTable(SampleReport.whole(), isColoured: false).text
    let coloured = BenchTable(SampleReport.whole(), isColoured: true).text
    #expect(!plain.contains("\u{1B}"))
    #expect(coloured.contains("\u{1B}[1mThe underlay segments\u{1B}[0m"))
    #expect(coloured.replacing(/\u{1B}\[\d*m/, with: "") == plain)
  }

  @Test("better than what it is held against is green, for round trips when it is less")
  func green() {
    let results = [Workload.tcp1, .udp64, .rtt].flatMap { workload in
      [Candidate.kernel, .vtep].map { SampleReport.result($0, workload, .transparent) }
    }
    let text = BenchTable(SampleReport.report(results), isColoured: true).text
    #expect(text.contains("\u{1B}[32m2.20\u{1B}[0m"))
    #expect(!text.contains("\u{1B}[32m0.88") && !text.contains("\u{1B}[32m1.14"))
    let slow = [Candidate.vtep, .kernel].map { candidate in
      Measurement(
        candidate: candidate, workload: .rtt, underlay: .transparent, unit: .nanoseconds,
        samples: [candidate == .vtep ? 50_000 : 100_000])
    }
    #expect(BenchTable(SampleReport.report(slow), isColoured: true).text.contains("\u{1B}[32m0.50\u{1B}[0m"))
  }

  @Test("what was not measured is a dash, and the note says why, once for all workloads of a candidate")
  func notes() {
    let why = "this kernel has no vxlan"
    let missing = [Workload.tcp1, .rtt].map { workload in
      Measurement(
        candidate: .kernel, workload: workload, underlay: .transparent, unit: .bitsPerSecond, samples: [], note: why)
    }
    let results = missing + [Workload.tcp1, .rtt].map { SampleReport.result(.vtep, $0, .transparent) }
    let text = BenchTable(SampleReport.report(results), isColoured: false).text
    #expect(text.contains("TCP 1 stream  Gb/s  -          7.00 (6.72–7.28)\n"))
    #expect(text.hasSuffix("\n\nkernel VXLAN: this kernel has no vxlan\n"))
    #expect(!text.contains("VTEP/UNDERLAY"))
  }

  @Test("lost round trips have a row where there are any, in digits that show a few of many")
  func lostRoundTrips() {
    var results = [Candidate.kernel, .vtep].map { SampleReport.result($0, .rtt, .transparent) }
    for index in results.indices { results[index].loss = 0 }
    #expect(!BenchTable(SampleReport.report(results), isColoured: false).text.contains("lost"))
    results[1].loss = 0.0002
    let text = BenchTable(SampleReport.report(results), isColoured: false).text
    #expect(text.contains(/\n  lost +% +0 +0\.020\n/))
  }

  @Test("a note about some workloads names them")
  func noteOfOneWorkload() {
    var results = [Workload.tcp1, .tcp4].map { SampleReport.result(.vtep, $0, .transparent) }
    results[1].note = "the sender stopped"
    let text = BenchTable(SampleReport.report(results), isColoured: false).text
    #expect(text.hasSuffix("\nvtep (TCP 4 streams): the sender stopped\n"))
  }

  @Test("a report without a result says so")
  func nothing() {
    #expect(BenchTable(SampleReport.report([]), isColoured: false).text.hasSuffix("\nNothing was measured.\n"))
  }

  @Test("the codec's rows say how long a frame takes and what a core does in a second")
  func codec() {
    let text = BenchTable(SampleReport.codec(), isColoured: false).text
    #expect(
      text.contains(
        """

        CODEC                      FRAME  NS/FRAME             KFRAME/S  GB/S
        encapsulate 64 B            64 B       111 (100–125)      9,000  0.58
        encapsulate 512 B          512 B       109 (98.0–122)     9,200  4.71

        """))
    #expect(!text.contains("traffic:"))
  }

  @Test("each cipher has a table of the codec of its own, with what it does by its name")
  func sealedCodec() {
    let text = BenchTable(SampleReport.codec(ciphers: ["aes256gcm", "chacha20poly1305"]), isColoured: false).text
    let titles = ["CODEC  ", "SEALED, AES256GCM  ", "SEALED, CHACHA20POLY1305  "].compactMap { text.firstRange(of: $0) }
    #expect(titles.count == 3 && titles.map(\.lowerBound) == titles.map(\.lowerBound).sorted())
    #expect(text.contains(/\nseal 64 B +64 B +111 \(100–125\) +9,000 +0.58\n/))
    #expect(text.contains("\nopen a superframe") && text.contains("\ndecapsulate a superframe"))
    #expect(text.ranges(of: "on one core").count == 1)
  }

  @Test("a codec's result without a sample is dashes")
  func codecWithoutSample() {
    let result = Measurement(
      candidate: .codec, workload: .encapsulate64, underlay: .none, unit: .framesPerSecond, samples: [], note: "broken")
    let text = BenchTable(SampleReport.report([result]), isColoured: false).text
    #expect(text.contains("encapsulate 64 B      -         -          -     -\n"))
    #expect(text.hasSuffix("\ncodec (encapsulate 64 B): broken\n"))
  }
}
