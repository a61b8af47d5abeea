/// Our own bounds, each with its reason.
package enum Limits {
  /// Peers that one agent can have: a remote is 16 bits, of which 0 means local.
  package static let peerCountMax = 4096
  /// Slots that peers may have: twice their number, so that all can be replaced at once.
  package static let peerSlotCount = 2 * peerCountMax
  /// Entries of a shard when the table is at its limit, in the mean; five eighths of 1024 slots, so that chance hardly
  /// ever brings one to more than three quarters. Copying or ageing as many takes some ten microseconds.
  static let entryCountPerShard = 640
  /// The smallest storage of a shard, 256 bytes: a table that is hardly used costs hardly anything.
  static let slotCountMin = 16
  /// Static and control entries of a table: twice what a configuration may have.
  package static let pinnedEntryCountMax = 131_072
  /// Above so many entries the slots are hardly in the caches of a core.
  static let entryCountInCaches = 16_384

  /// Bindings of one segment: three addresses for each of 5,000 stations. What is beyond is flooded as without
  /// suppression.
  package static let bindingCountMax = 16_384
  /// Of these, what one peer may teach: no one peer can take the place of all others.
  package static let bindingCountPerPeerMax = bindingCountMax / 4
  /// Parts of a segment's bindings, each with at most so many slots: twice what all may have. Growing or looking
  /// through one takes some tens of microseconds.
  static let bindingPageCount = 32
  static let bindingSlotsPerPageMax = bindingCountMax * 2 / bindingPageCount
  /// The smallest storage of a part: 384 bytes.
  static let bindingSlotsPerPageMin = 8
  /// Slots that a binding may lie in: twelve cache lines that are read behind each other.
  static let bindingSlotsPerKey = 16
  /// Answers of one segment in a second: what floods at most where nothing is known. Beyond it a request is forwarded,
  /// and then the storm limit decides.
  package static let neighborAnswerCountMax: UInt32 = 10_000

  /// How often one frame may come from TAPs within a second after it was written to one: more than anybody sends the
  /// same frame again, and a loop is cut after few rounds.
  static let crossingCountMax: UInt64 = 16
  /// Groups of one segment whose listeners are known; others are flooded.
  static let groupsPerSegmentMax = 1024
  /// Groups of one segment that one peer may listen to; beyond them it gets all. So no peer fills the table alone.
  static let groupsPerPeerMax = 256
  /// Groups of one segment that are asked about at a time because a listener has left; others age.
  static let leavingGroupCountMax = 64
}
