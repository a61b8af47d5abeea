import Glibc
import Lab
import LinuxIO

/// Time on the wall and of processors at one moment of a measurement.
struct Stopwatch {
  /// Taken first, before the clocks that are slow to read.
  private let instant = ContinuousClock.now
  private let ownNanoseconds: UInt64?
  private let machineSeconds: Double?

  /// Reads all clocks.
  /// - Parameter agents: the candidate's processes.
  init(agents: [pid_t]) throws(LabFailure) {
    var sum: UInt64 = 0
    for pid in agents {
      sum &+= try LabFailure.step("an agent has ended") { () throws(Errno) in
        try ProcessorClock.nanoseconds(ofProcess: pid)
      }
    }
    ownNanoseconds = agents.isEmpty ? nil : sum
    machineSeconds = MachineReading.busySeconds()
  }

  /// Seconds on the wall since an earlier reading.
  func seconds(since earlier: Stopwatch) -> Double {
    earlier.instant.duration(to: instant) / .seconds(1)
  }

  /// Adds the processors' time since an earlier reading to a sample, in which `byteCount` bytes arrived.
  func note(since earlier: Stopwatch, byteCount: Int, in sample: inout Sample) {
    sample.byteCount = byteCount
    if let before = earlier.ownNanoseconds, let after = ownNanoseconds {
      sample.ownCPUSeconds = Double(after &- before) / 1e9
    }
    if let before = earlier.machineSeconds, let after = machineSeconds { sample.machineCPUSeconds = after - before }
  }
}
