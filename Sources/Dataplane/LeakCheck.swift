import Sealing

// Whether what is about to leave a sealed segment still shows what was sealed: a look at the result, however it came
// about. A cipher that answers "done" and left the bytes as they were is found before its datagram leaves.
//
//   due       once a second for each worker, and for every frame longer than all that were looked at
//   remember  the frame's bytes, before they are sealed in place
//   compare   eight bytes each with those in the same place of the datagram. Of a sound cipher two such words are equal
//             by chance once in 2^64: not in the life of a host
//   fail      the run ends as `no-session`, and so does whatever this process would seal: this
//             worker's from then on, the others' from their next look on, within a second

/// When a worker looks, and what it compares with.
///
/// *Threads.* The worker's.
struct LeakCheck: ~Copyable {
  /// Nanoseconds between two looks.
  static let interval: UInt64 = 1_000_000_000
  /// Of a longer frame the beginning is compared.
  static let byteCountMax = 16_384
  private static let wordByteCount = 8

  /// Nanoseconds.
  private var dueTime: UInt64 = 0
  private var longestByteCount = 0
  private var byteCount = 0
  // SAFETY: owned until `deinit`, `byteCountMax` bytes, of which `byteCount` were written.
  private let plaintext = UnsafeMutableRawPointer.allocate(byteCount: Self.byteCountMax, alignment: 8)

  deinit { plaintext.deallocate() }

  // HOT
  @inline(__always)
  func isDue(frameByteCount: Int, now: UInt64) -> Bool { now >= dueTime || frameByteCount > longestByteCount }

  // COLD
  /// - Parameter frame: the first of `run`, before it is sealed.
  mutating func remember(_ frame: UnsafeRawPointer, of run: Sealer.Run, now: UInt64) {
    (dueTime, longestByteCount) = (now &+ Self.interval, max(longestByteCount, run.frameByteCount))
    byteCount = min(run.count == 1 ? run.lastFrameByteCount : run.frameByteCount, Self.byteCountMax)
    plaintext.copyMemory(from: frame, byteCount: byteCount)
  }

  /// The next run is looked at, whenever it comes.
  mutating func repeatAtOnce() { dueTime = 0 }

  /// Whether eight bytes of what was remembered stand where they stood. Frames of less are never judged.
  func isShown(in ciphertext: UnsafeRawPointer) -> Bool {
    // SAFETY: sealing leaves as many bytes of ciphertext as there were of plaintext.
    for offset in stride(from: 0, through: byteCount &- Self.wordByteCount, by: Self.wordByteCount)
    where plaintext.load(fromByteOffset: offset, as: UInt64.self)
      == ciphertext.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    {
      return true
    }
    return false
  }
}

extension Engine {
  // HOT
  /// Seals a run in place. False: nothing of it may be sent.
  @inline(__always)
  mutating func sealAndCheck(_ run: Sealer.Run, _ sealer: Sealer, prefix: UInt64) -> Bool {
    guard leakCheck.isDue(frameByteCount: run.frameByteCount, now: batchTime.nanoseconds) else {
      return sealer.seal(run, prefix: prefix)
    }
    return sealAndCompare(run, sealer, prefix: prefix)
  }

  // COLD
  @inline(never)
  private mutating func sealAndCompare(_ run: Sealer.Run, _ sealer: Sealer, prefix: UInt64) -> Bool {
    let tally = topology.state.leaks
    // No look is noted, so the next run comes here too.
    guard !tally.hasFailed else { return false }
    let frame = run.start + SealedHeader.byteCount
    leakCheck.remember(frame, of: run, now: batchTime.nanoseconds)
    guard sealer.seal(run, prefix: prefix) else { return false }
    let isLeak = leakCheck.isShown(in: frame)
    tally.note(isLeak: isLeak)
    guard isLeak else { return true }
    leakCheck.repeatAtOnce()
    return false
  }
}
