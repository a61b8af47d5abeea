import TestKit
import Testing
import VXLAN

/// Suppression allocates nothing once an address is known: neither hearing it again nor answering for it.
@Suite("Neighbour suppression in steady state")
struct NeighborAllocationTests {
  private let bench = CountingBench()
  private let v4 = (own: IPAddress(ipv4: 0x0A00_0001), other: IPAddress(ipv4: 0x0A00_0002))
  private let v6 = (own: IPAddress(ipv6High: 0xFD42 << 48, low: 1), other: IPAddress(ipv6High: 0xFD42 << 48, low: 2))

  private var answers: [FakeDatagramPort.Received] {
    let (here, there) = (CountingBench.here, CountingBench.there)
    let frames = [
      NeighborFrames.arp(.reply, from: there, v4.other, for: v4.own, targetMAC: here, to: here),
      NeighborFrames.advertisement(of: v6.other, at: there, to: (here, v6.own)),
    ]
    return frames.map { FakeDatagramPort.Received(Frames.vxlan(vni: 42, $0), from: CountingBench.address(0)) }
  }

  private var requests: [[UInt8]] {
    let here = CountingBench.here
    return [
      NeighborFrames.arp(from: here, v4.own, for: v4.other),
      NeighborFrames.solicitation(from: here, v6.own, for: v6.other),
    ]
  }

  @Test("hears and answers a hundred thousand messages of each family without one allocation")
  func answering() {
    let (answers, requests) = (answers, Array(repeating: requests, count: 32).flatMap { $0 })
    // The station is in both tables, and every list has its size.
    #expect(bench.decapsulate(answers) == 2)
    #expect(bench.encapsulate(requests) == 0)
    // What was answered meanwhile lies in the TAP too.
    #expect(bench.decapsulate(Array(repeating: answers, count: 32).flatMap { $0 }) == 64 + requests.count)
    let before = bench.allocationCount
    var count = 0
    while count < 200_000 {
      #expect(bench.encapsulate(requests) == 0)
      count += requests.count
      #expect(bench.decapsulate(answers) == requests.count + 2)
      // Beyond 10,000 answers in a second requests are flooded.
      if count % 8_192 == 0 { bench.advance(by: .seconds(1)) }
    }
    #expect(bench.allocationCount == before)
    #expect(bench.snapshot().total(.consumed, .overlay) == UInt64(count + requests.count))
  }
}
