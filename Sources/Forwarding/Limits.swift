/// Our own bounds, each with its reason.
package enum Limits {
  /// Peers that one agent can have: a remote is 16 bits, of which 0 means local.
  package static let peerCountMax = 4096
  /// Slots that one hold of the table's lock may visit: about 10 µs, so that a worker that learns hardly waits.
  static let slotCountPerScan = 4096
  /// The smallest storage of a table: 4 KiB, one page.
  static let slotCountMin = 256
}
