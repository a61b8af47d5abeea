/// Datagrams on their way to peers, in order: pointers into memory that somebody else keeps until they are sent.
package struct OutgoingDatagrams: ~Copyable {
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
    /// The frame that it carries, as an index of the batch that was encapsulated. The copies of a flooded frame
    /// share it and follow each other.
    package var frame: Int
    /// One of the copies of a flooded frame.
    package var isCopy: Bool
    /// 0, or what the send answered, as `errno`.
    package var failure: Int32
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
