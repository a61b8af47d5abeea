import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("Marks of plain traffic")
struct PlainMarkTests {
  @Test("a peer's mark is another a second after plain frames left for it, and only then: unicast and copies")
  func marks() {
    let bench = threePeers()
    func marks() -> [Int] { (0..<3).map { bench.topology.plainMark(ofPeer: $0) } }
    let flood = Frames.ethernet(to: .broadcast, from: .station(1), payload: [1])
    bench.sockets.failures = [1: 11]
    let before = marks()
    bench.fromTAP([flood])
    let flooded = marks()
    #expect(flooded[0] != before[0] && flooded[1] == before[1] && flooded[2] == flooded[0])
    bench.fromUnderlay([fromPeer(2, Frames.ethernet(to: .station(1), from: .station(9)))])
    bench.now = bench.now + .milliseconds(1_100)
    #expect(marks() == flooded)
    bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1), payload: [1])])
    #expect(marks()[2] != flooded[2] && marks()[0] == flooded[0])
  }
}
