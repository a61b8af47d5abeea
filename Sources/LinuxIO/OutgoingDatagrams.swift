/// Datagrams on their way to peers, in order: pointers into memory that somebody else keeps until they are sent.
package struct OutgoingDatagrams: ~Copyable {
  /// Whether a datagram is the only one of its frame.
  package enum Role: UInt8, Sendable {
    /// The frame goes to one peer.
    case unicast
    /// One of the copies of a flooded frame, not the last.
    case copy
    /// The last copy of a flooded frame.
    case lastCopy
  }

  /// One datagram, and after the sending what came of it.
  package struct Datagram {
    /// The UDP payload.
    package var start: UnsafeMutablePointer<UInt8>
    package var byteCount: Int
    /// The slot of the peer that it goes to.
    package var peer: Int
    /// Which of the sending sockets it leaves from.
    package var sourcePortIndex: Int
    /// TOS or traffic class of the outer header.
    package var trafficClass: UInt8
    /// The segment's slot.
    package var segment: Int
    /// The copies of a flooded frame follow each other.
    package var role: Role
    /// 0, or what the send answered, as `errno`.
    package var failure: Int32 = 0

    /// A datagram that has not been sent, of a frame that goes to one peer unless `role` is changed.
    package init(
      start: UnsafeMutablePointer<UInt8>, byteCount: Int, trafficClass: UInt8, segment: Int
    ) {
      self.start = start
      self.byteCount = byteCount
      self.peer = 0
      self.sourcePortIndex = 0
      self.trafficClass = trafficClass
      self.segment = segment
      self.role = .unicast
    }
  }

  private let datagrams: UnsafeMutablePointer<Datagram>
  package let capacity: Int
  package private(set) var count = 0

  package init(capacity: Int = Limits.outgoingDatagramCountMax) {
    // SAFETY: owned until `deinit`, indexed below `count` only.
    self.datagrams = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  deinit { datagrams.deallocate() }

  package mutating func clear() { count = 0 }

  /// How many more fit.
  package var room: Int { capacity - count }

  /// Adds a datagram; only while there is room.
  package mutating func append(_ datagram: Datagram) {
    precondition(count < capacity)
    datagrams[count] = datagram
    count += 1
  }

  package subscript(index: Int) -> Datagram {
    precondition(index < count)
    return datagrams[index]
  }

  /// Notes what became of a datagram: 0 or an `errno`.
  package mutating func setFailure(_ failure: Int32, at index: Int) {
    precondition(index < count)
    datagrams[index].failure = failure
  }
}
