import Dataplane
import Foundation
import Testing
import VXLAN

@testable import Agent

@Suite("Pages of several tables")
struct FDBPagerTests {
  /// Segments 42, 7 and 9 with so many static entries each.
  private static func topology(_ counts: [Int]) throws -> Topology {
    let peer = PeerPlan(endpoint: Endpoint(address: try #require(IPAddress("192.0.2.2")), udpPort: 4789))
    let segments = zip([42, 7, 9] as [UInt32], counts).map { number, count in
      var plan = SegmentPlan(
        vni: VNI(unchecked: number), overlayMTU: 1450, ownMAC: MACAddress(rawValue: 0x0200_0000_0000))
      plan.staticEntries = (0..<count).map { (MACAddress(rawValue: 0x0200_0001_0000 | UInt64($0)), 0) }
      return plan
    }
    return Topology(
      segments: segments, peers: [peer], hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0))
  }

  private static func pages(_ pager: FDBPager) -> [FDBPager.Page] {
    var pages: [FDBPager.Page] = []
    var next: FDBCursor?
    while let page = pager.page(after: next) {
      pages.append(page)
      guard page.next != nil else { break }
      next = page.next
    }
    return pages
  }

  @Test(
    "each entry of each segment is on one page, in the order of the segments, and a page is full unless it is the last",
    arguments: [
      [0, 0, 0], [1, 0, 1], [10, 0, 0], [0, 10, 10], [10, 10, 10], [11, 9, 30], [25, 3, 2], [9, 0, 1],
    ])
  func complete(counts: [Int]) throws {
    let pages = Self.pages(FDBPager(topology: try Self.topology(counts), slots: [0, 1, 2], countMax: 10))
    let total = counts.reduce(0, +)
    #expect(pages.map(\.entries.count).reduce(0, +) == total && pages.count == max(1, (total + 9) / 10))
    #expect(pages.dropLast().allSatisfy { $0.entries.count == 10 })
    let all = pages.flatMap(\.entries)
    #expect(all.map(\.slot) == all.map(\.slot).sorted())
    for (slot, count) in counts.enumerated() {
      #expect(Set(all.filter { $0.slot == slot }.map(\.entry.mac)).count == count)
    }
    for page in pages {
      let places = page.entries.map { ($0.slot, $0.entry.mac.rawValue) }
      #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 }, "within a page in the order of addresses")
    }
  }

  @Test("one segment is listed alone, and a cursor of another is none")
  func oneSegment() throws {
    let pager = FDBPager(topology: try Self.topology([5, 25, 5]), slots: [1], countMax: 10)
    let pages = Self.pages(pager)
    #expect(pages.map(\.entries.count) == [10, 10, 5] && pages.flatMap(\.entries).allSatisfy { $0.slot == 1 })
    #expect(pager.page(after: FDBCursor(vni: VNI(unchecked: 42), mac: .zero)) == nil)
  }

  @Test(
    "a cursor is read back as it was written, and nothing else is one",
    arguments: [
      "", ",", "42", "42,", "42,02", "x,02:00:00:00:00:05", "16777216,02:00:00:00:00:05", "42,02:00:00:00:00:05,",
      "-1,02:00:00:00:00:05",
    ])
  func cursor(text: String) {
    let cursor = FDBCursor(vni: .maximum, mac: .broadcast)
    #expect(FDBCursor(cursor.description) == cursor && cursor.description == "16777215,ff:ff:ff:ff:ff:ff")
    #expect(FDBCursor(text) == nil)
  }
}
