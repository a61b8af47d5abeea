import Glibc

/// Datagrams on their way to peers, in memory that this value owns, gathered into runs.
///
/// A run is what one send call takes: datagrams to one peer from one source port that lie behind each other and have
/// one length, the last perhaps less. The copies of a flooded frame are runs that share their bytes.
///
///     memory   | datagram | datagram | datagram |last| datagram | datagram | ...
///     runs     |<------------- run 0 --------------->|<------ run 1 ------>|
///
/// Filled by the data path, sent by a port, on one thread.
package struct OutgoingRuns: ~Copyable {
  /// What the datagrams of one run have in common.
  package struct Key: Equatable {
    /// The slot of the peer; negative: several peers, of which each gets a copy of the run if it fits its path.
    package var peer: Int
    /// Which of the sending sockets they leave from.
    package var sourcePortIndex: Int
    /// TOS or traffic class of the outer header.
    package var trafficClass: UInt8
    /// The segment's slot.
    package var segment: Int
    /// The agent made the frames: they are counted as that.
    package var isGenerated = false

    package init(peer: Int, sourcePortIndex: Int, trafficClass: UInt8, segment: Int) {
      self.peer = peer
      self.sourcePortIndex = sourcePortIndex
      self.trafficClass = trafficClass
      self.segment = segment
    }
  }

  /// Whether a run is the only one of its frames.
  package enum Role: UInt8, Sendable {
    /// The frames go to one peer.
    case unicast
    /// One of the copies of flooded frames, not the last.
    case copy
    /// The last copy of flooded frames.
    case lastCopy
    /// A copy of a flooded frame that was settled before, because it had to wait.
    case lateCopy
  }

  /// One run, and after the sending what came of it.
  package struct Run {
    /// The first byte of the first UDP payload.
    package var start: UnsafeMutablePointer<UInt8>
    package var byteCount: Int
    /// Of each datagram but the last.
    package var datagramByteCount: Int
    package var datagramCount: Int
    package var key: Key
    package var role: Role
    /// Where it goes instead of to the peer's address for plain datagrams. Whoever sets it keeps it until the run was
    /// sent.
    package var destination: UnsafePointer<Destination>?
    /// Datagrams that went out.
    package var sentCount = 0
    /// Why the others did not, as `errno`; 0 when all did.
    package var failure: Int32 = 0

    init(
      start: UnsafeMutablePointer<UInt8>, byteCount: Int, datagramByteCount: Int, datagramCount: Int, key: Key,
      role: Role
    ) {
      self.start = start
      self.byteCount = byteCount
      self.datagramByteCount = datagramByteCount
      self.datagramCount = datagramCount
      self.key = key
      self.role = role
    }

    /// A run of one datagram.
    package init(datagramAt start: UnsafeMutablePointer<UInt8>, byteCount: Int, key: Key, role: Role) {
      self.init(
        start: start, byteCount: byteCount, datagramByteCount: byteCount, datagramCount: 1, key: key, role: role)
    }

    /// The bytes of all datagrams less `headerByteCount` for each of the first `count`.
    package func innerByteCount(ofFirst count: Int, headerByteCount: Int) -> Int {
      min(byteCount, count &* datagramByteCount) &- count &* headerByteCount
    }
  }

  package static let memoryByteCount = Limits.outgoingByteCount

  private let owner: BatchMemory
  private let memory: UnsafeMutablePointer<UInt8>
  private let runs: UnsafeMutablePointer<Run>
  package let capacity: Int
  private var usedByteCount = 0
  /// Whether the last run takes no more datagrams.
  private var isClosed = true
  package private(set) var count = 0

  /// - Parameter memory: where `memoryByteCount` bytes are free.
  package init(
    capacity: Int = Limits.outgoingRunCountMax, in memory: BatchMemory = BatchMemory(pieces: [memoryByteCount])
  ) {
    // SAFETY: both last until `deinit`; memory is handed out below `usedByteCount` + what `hasRoom` was asked for.
    owner = memory
    self.memory = memory.take(Self.memoryByteCount)
    self.runs = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  deinit {
    runs.deallocate()
  }

  /// Forgets all runs; their memory is used again.
  package mutating func clear() {
    count = 0
    isClosed = true
    usedByteCount = 0
  }

  /// Whether datagrams of `byteCount` bytes in all, in at most `runCount` runs, fit.
  package func hasRoom(forBytes byteCount: Int, runs runCount: Int) -> Bool {
    Limits.outgoingByteCount - usedByteCount >= byteCount && capacity - count >= runCount
  }

  /// Where the next datagram is to be written, once `hasRoom` has said so.
  package var nextStart: UnsafeMutablePointer<UInt8> { memory + usedByteCount }

  /// Adds the datagram of `byteCount` bytes at `nextStart` to the last run if it belongs there, else to a new one.
  package mutating func append(byteCount: Int, key: Key) {
    let last = runs + (count &- 1)
    // What is judged by the length of its longest datagram must have no shorter one that would fit.
    if !isClosed,
      byteCount == last.pointee.datagramByteCount || key.peer >= 0 && byteCount < last.pointee.datagramByteCount,
      last.pointee.key == key,
      last.pointee.byteCount &+ byteCount <= Limits.runByteCountMax
    {
      last.pointee.byteCount &+= byteCount
      last.pointee.datagramCount &+= 1
      isClosed = byteCount < last.pointee.datagramByteCount || last.pointee.datagramCount == Limits.datagramsPerRun
    } else {
      precondition(count < capacity)
      runs[count] = Run(
        start: nextStart, byteCount: byteCount, datagramByteCount: byteCount, datagramCount: 1, key: key,
        role: .unicast)
      count &+= 1
      isClosed = false
    }
    usedByteCount &+= byteCount
    precondition(usedByteCount <= Limits.outgoingByteCount)
  }

  /// How many datagrams of `byteCount` bytes each may be written behind each other from `nextStart` on, to be added at
  /// once: those that the last run still takes, or those of a new run. At least 1, once `hasRoom` has said so for one.
  package func room(forDatagramsOf byteCount: Int, key: Key) -> Int {
    let inMemory = (Limits.outgoingByteCount &- usedByteCount) / byteCount
    let last = runs + (count &- 1)
    guard !isClosed, byteCount == last.pointee.datagramByteCount, last.pointee.key == key,
      last.pointee.byteCount &+ byteCount <= Limits.runByteCountMax
    else { return min(inMemory, Limits.datagramsPerRun, Limits.runByteCountMax / byteCount) }
    return min(
      inMemory, Limits.datagramsPerRun &- last.pointee.datagramCount,
      (Limits.runByteCountMax &- last.pointee.byteCount) / byteCount)
  }

  /// Adds `datagramCount` datagrams from `nextStart` on, of `stride` bytes each, the last of `lastByteCount`. Their
  /// count is what `room` has allowed.
  package mutating func append(_ datagramCount: Int, stride: Int, lastByteCount: Int, key: Key) {
    precondition(datagramCount > 0 && lastByteCount <= stride)
    // Several continue a run of their own length only: a shorter one would close the run that is there.
    if datagramCount > 1, !isClosed, runs[count &- 1].datagramByteCount != stride { isClosed = true }
    append(byteCount: datagramCount == 1 ? lastByteCount : stride, key: key)
    guard datagramCount > 1 else { return }
    let last = runs + (count &- 1)
    let rest = (datagramCount &- 2) &* stride &+ lastByteCount
    last.pointee.byteCount &+= rest
    last.pointee.datagramCount &+= datagramCount &- 1
    isClosed = lastByteCount < stride || last.pointee.datagramCount == Limits.datagramsPerRun
    usedByteCount &+= rest
    precondition(
      usedByteCount <= Limits.outgoingByteCount && last.pointee.byteCount <= Limits.runByteCountMax
        && last.pointee.datagramCount <= Limits.datagramsPerRun)
  }

  /// Adds a run as it stands: a copy for another peer of bytes that are here already.
  package mutating func append(_ run: Run) {
    precondition(count < capacity)
    runs[count] = run
    count &+= 1
    isClosed = true
  }

  /// Adds a run that was written to `nextStart`, once `hasRoom` has said so.
  package mutating func appendOwn(_ run: Run) {
    precondition(run.start == nextStart && run.byteCount <= Limits.outgoingByteCount - usedByteCount)
    append(run)
    usedByteCount &+= run.byteCount
  }

  package subscript(index: Int) -> Run {
    precondition(index < count)
    return runs[index]
  }

  /// Notes what became of a run.
  package mutating func setResult(sentCount: Int, failure: Int32, at index: Int) {
    precondition(index < count)
    runs[index].sentCount = sentCount
    runs[index].failure = failure
  }
}
