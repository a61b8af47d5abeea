import Capture
import Glibc
import LinuxIO
import Synchronization

/// Has a thread of its own read a capture, so that reading and judging share two processors. For files: who waits for
/// a pipe or an interface gains nothing.
///
/// *Threads.* Batches go round between the two: each belongs to the reader from `free` to `filled`, to the judge back.
package final class ReadAhead: PacketSource {
  private static let batchCount = 3

  package let linkType: LinkType
  package let snapshotByteCount: Int
  private let exchange: Exchange
  private let thread: SystemThread
  private var batch: PacketBatch?
  private var position = 0

  /// - Parameter source: belongs to the reader from now on.
  /// - Throws: when there is no thread to be had.
  package init(_ source: any PacketSource) throws(Errno) {
    linkType = source.linkType
    snapshotByteCount = source.snapshotByteCount
    let exchange = Exchange(source, (0..<Self.batchCount).map { _ in PacketBatch() })
    self.exchange = exchange
    thread = try SystemThread(named: "vtep-read") { exchange.read() }
  }

  deinit {
    exchange.stop()
    thread.join()
  }

  package func step() throws(CaptureError) -> PacketStep {
    while true {
      if let batch {
        if position < batch.count {
          position += 1
          return .packet(batch.packet(position - 1))
        }
        if let end = batch.end {
          try end.get()
          return .end
        }
        exchange.free.signal()
      }
      batch = exchange.next()
      position = 0
    }
  }

  private final class Exchange: @unchecked Sendable {
    let free: Semaphore
    private let filled = Semaphore(0)
    private let source: any PacketSource
    private let batches: [PacketBatch]
    private let isStopped = Atomic(false)
    /// The judge's.
    private var takenCount = 0

    init(_ source: any PacketSource, _ batches: [PacketBatch]) {
      self.source = source
      self.batches = batches
      free = Semaphore(UInt32(batches.count))
    }

    /// The reader's thread.
    func read() {
      var pending: CapturedPacket?
      for number in 0... {
        free.wait()
        guard !isStopped.load(ordering: .acquiring) else { return }
        let batch = batches[number % batches.count]
        batch.fill(from: source, pending: &pending)
        let isLast = batch.end != nil
        filled.signal()
        if isLast { return }
      }
    }

    /// Waits for the batch after the one before.
    func next() -> PacketBatch {
      filled.wait()
      defer { takenCount += 1 }
      return batches[takenCount % batches.count]
    }

    func stop() {
      isStopped.store(true, ordering: .releasing)
      free.signal()
    }
  }

  private final class Semaphore: @unchecked Sendable {
    // SAFETY: at one address until `deinit`; sem_wait and sem_post are for any thread.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init(_ value: UInt32) { sem_init(semaphore, 0, value) }

    deinit {
      sem_destroy(semaphore)
      semaphore.deallocate()
    }

    func wait() {
      while sem_wait(semaphore) != 0 {}
    }

    func signal() { sem_post(semaphore) }
  }
}
