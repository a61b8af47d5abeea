import CAllocationCount

/// Whether the allocation counter counts in this very program: a zero means something only if it can be a one.
enum AllocationCheck {
  private final class Box {
    var value: UInt64
    init(_ value: UInt64) { self.value = value }
  }

  /// Allocations counted for one object; 1 when the counter works.
  static func countForOneObject() -> UInt64 {
    let before = allocation_count()
    let box = make(before)
    let count = allocation_count() - before
    Sink.take(box.value)
    return count
  }

  /// Not inlined, or the object would live on the stack.
  @inline(never)
  @_optimize(none)
  private static func make(_ value: UInt64) -> Box { Box(value) }
}
