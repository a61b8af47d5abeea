import Dataplane
import Forwarding
import VXLAN

/// Reads the tables of some segments page by page, so that however large they are an answer is small.
///
/// A page begins behind a cursor, which is an entry's place and not the reader's: nothing is kept from one page to the
/// next. Entries that are there all the while are read exactly once (`FDB.entries`).
///
/// *Threads.* Any.
struct FDBPager {
  typealias Page = (entries: [(slot: Int, entry: FDBEntry)], next: FDBCursor?)

  let topology: Topology
  /// Of the segments, in the order of the pages.
  let slots: [Int]
  /// Entries of a page; not 0.
  let countMax: Int

  /// The entries behind `cursor`, those of a segment in the order of their addresses; nil: the first. Nil when the
  /// cursor is of none of the segments.
  func page(after cursor: FDBCursor?) -> Page? {
    let first = cursor.map { cursor in slots.firstIndex { topology.segments[$0].vni == cursor.vni } } ?? 0
    guard let first else { return nil }
    var page: Page = ([], nil)
    var last = cursor
    for slot in slots[first...] {
      let vni = topology.segments[slot].vni
      let room = countMax - page.entries.count
      let mac = last?.vni == vni ? last?.mac : nil
      // One more than there is room for tells whether anything follows.
      var found = topology.withFDB(ofSegment: slot) { $0.entries(after: mac, countMax: room + 1) }
      let isMore = found.count > room
      if isMore { found.removeLast() }
      if let entry = found.last { last = FDBCursor(vni: vni, mac: entry.mac) }
      found.sort { $0.mac.rawValue < $1.mac.rawValue }
      page.entries += found.map { (slot, $0) }
      guard !isMore else {
        page.next = last
        break
      }
    }
    return page
  }
}
