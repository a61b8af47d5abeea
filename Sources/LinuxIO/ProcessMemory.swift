import CLinuxIO

/// How much of the machine's memory the process holds on to. A start reads a configuration, links symbols and runs code
/// that is never run again; an agent with a thousand peers then needs less than half of what that took.
package enum ProcessMemory {
  /// One heap for all threads, whose free end goes back to the kernel at once. Before there are other threads.
  ///
  /// Who carries frames does not allocate, so nobody waits for that heap.
  package static func prepare() { clinuxio_heap_prepare() }

  /// Gives back what is free of the heap, and unmaps code and constants, which come back from the page cache as they
  /// are needed: a microsecond for each 64 KiB. Some milliseconds; any thread.
  package static func giveBack() { clinuxio_memory_give_back() }
}
