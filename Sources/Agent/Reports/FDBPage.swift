import VXLAN

/// Some entries of the forwarding tables, in the order of the segments and, within each page and segment, of the
/// addresses.
package struct FDBPage: Equatable, Sendable {
  package var entries: [FDBReport]
  /// Where the next page begins; nil: there is none.
  package var next: FDBCursor?

  package init(entries: [FDBReport], next: FDBCursor? = nil) {
    self.entries = entries
    self.next = next
  }
}

/// The place behind an entry from which a listing of the tables goes on: `42,02:00:00:00:00:05` in a query.
///
/// Pages are not in the order of addresses, so only a cursor that came with a page says what follows it. It stays right
/// while entries come and go, for as long as the agent runs.
package struct FDBCursor: Hashable, Sendable, CustomStringConvertible {
  package var vni: VNI
  package var mac: MACAddress

  package init(vni: VNI, mac: MACAddress) {
    self.vni = vni
    self.mac = mac
  }

  /// Reads what `description` wrote. Nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = UInt32(parts[0]), let vni = VNI(number), let mac = MACAddress(parts[1])
    else { return nil }
    self.init(vni: vni, mac: mac)
  }

  package var description: String { "\(vni),\(mac)" }
}
