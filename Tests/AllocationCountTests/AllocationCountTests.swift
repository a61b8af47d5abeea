import CAllocationCount
import Glibc
import Testing

/// What the benchmarks' counter sees. Each body runs on one thread, whose allocations alone are counted.
@Suite("The allocation counter")
struct AllocationCountTests {
  private final class Box {
    var value = 1
  }

  /// The allocations of the calling thread during `body`.
  private func allocations(_ body: () -> Void) -> UInt64 {
    let before = allocation_count()
    body()
    return allocation_count() - before
  }

  @Test("sees exactly one allocation for one object")
  func seesOneObject() {
    var box: Box?
    let count = allocations { box = Self.makeBox() }
    #expect(count == 1)
    #expect(box?.value == 1)
  }

  /// Not inlined, or the object would live on the stack.
  @inline(never)
  @_optimize(none)
  private static func makeBox() -> Box { Box() }

  @Test("sees exactly one allocation for the storage of one array")
  func seesOneArray() {
    var numbers: [Int] = []
    let count = allocations { numbers.reserveCapacity(1000) }
    #expect(count == 1)
    #expect(numbers.capacity >= 1000)
  }

  @Test("sees every function of the C library that allocates, once each")
  func seesLibraryFunctions() {
    var memory: UnsafeMutableRawPointer?
    #expect(allocations { memory = malloc(100) } == 1)
    #expect(allocations { memory = realloc(memory, 100_000) } == 1)
    free(memory)
    #expect(allocations { memory = calloc(10, 10) } == 1)
    free(memory)
    #expect(allocations { memory = aligned_alloc(64, 128) } == 1)
    #expect(UInt(bitPattern: memory) % 64 == 0)
    free(memory)
    #expect(allocations { _ = posix_memalign(&memory, 4096, 100) } == 1)
    #expect(UInt(bitPattern: memory) % 4096 == 0)
    free(memory)
  }

  @Test("sees nothing where nothing is allocated")
  func seesNothing() {
    var sum = 0
    let count = allocations { for number in 0..<1000 { sum += number } }
    #expect(count == 0)
    #expect(sum == 499_500)
  }

  @Test("refuses alignments that are no power of two, as the C library does")
  func refusesAlignment() {
    var memory: UnsafeMutableRawPointer?
    #expect(posix_memalign(&memory, 24, 100) == EINVAL)
    #expect(posix_memalign(&memory, 0, 100) == EINVAL)
    #expect(memory == nil)
  }

  @Test("does not see the allocations of another thread")
  func seesOwnThreadOnly() {
    var thread = pthread_t()
    let before = allocation_count()
    let created = pthread_create(
      &thread, nil,
      { _ in
        for _ in 0..<1000 { free(malloc(10)) }
        return nil
      }, nil)
    let joined = pthread_join(thread, nil)
    #expect(created == 0 && joined == 0)
    // Starting a thread may allocate a little here, for its stack and its record.
    #expect(allocation_count() - before < 10)
  }
}
