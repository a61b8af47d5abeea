import FoundationEssentials
import LinuxIO
import Replay
import Sealing
import VXLAN

/// `vtep bench codec`: vtep's data path in memory, without a kernel.
///
/// Every load is measured once in each round, in an order that changes from round to round. What is counted is the
/// processor time of the calling thread, so the results are those of one core. What is opened has to be sealed first,
/// in the same thread and not as part of the result.
package struct CodecBench {
  /// Both ways of the data path, with single frames and with superframes.
  package static let workloads = Workload.allCases.filter(\.isOfCodec)
  package static let roundsRange = 1...1000
  package static let secondsRange = 0.001...60

  /// Reading the clock costs nothing beside what is measured in such a time.
  private static let nanosecondsPerReading: UInt64 = 500_000
  /// On a machine so busy that hardly anything is undisturbed, a measurement ends after so many times its time.
  private static let disturbedShareMax = 4.0

  private let rounds: Int
  private let seconds: Double
  private let ciphers: [Cipher]

  /// - Parameters:
  ///   - rounds: in `roundsRange`.
  ///   - seconds: of processor time for one measurement, in `secondsRange`.
  ///   - ciphers: with which the workloads are measured sealed, beside plain; all must be available.
  package init(rounds: Int = 5, seconds: Double = 0.2, ciphers: [Cipher] = Cipher.allCases.filter(\.isAvailable)) {
    precondition(Self.roundsRange.contains(rounds) && Self.secondsRange.contains(seconds))
    self.rounds = rounds
    self.seconds = seconds
    self.ciphers = ciphers
  }

  /// Measures everything on the calling thread.
  /// - Parameter beginRound: told the number of each round, from 1, before it begins.
  package func run(version: String, beginRound: (Int) -> Void = { _ in }) -> BenchReport {
    let started = Date().formatted(.iso8601)
    let loads = ([nil] + ciphers).flatMap { cipher in Self.workloads.map { CodecLoad($0, cipher) } }
    var samples = [[Double]](repeating: [], count: loads.count)
    for round in 1...rounds {
      beginRound(round)
      for position in loads.indices {
        let index = (position + round - 1) % loads.count
        samples[index].append(framesPerSecond(loads[index].replay))
      }
    }
    for load in loads { load.replay.requireAllSent() }
    return BenchReport(
      version: version, started: started, machine: MachineReading.machine(), generator: "own", rounds: rounds,
      seconds: seconds, results: zip(loads, samples).map { $0.result($1) })
  }

  /// Runs a load for `seconds` of processor time that are its own.
  private func framesPerSecond(_ load: ReplayLoad) -> Double {
    let stepsPerReading = Self.stepsPerReading(of: load)
    let wanted = seconds * 1e9
    var (all, undisturbed) = (CodecEffort(), CodecEffort())
    repeat {
      let began = CodecReading(of: load)
      load.run(stepCount: stepsPerReading)
      let spent = CodecReading(of: load) - began
      let frameCount = stepsPerReading * load.framesPerStep
      all.add(spent, frameCount)
      if !spent.isDisturbed { undisturbed.add(spent, frameCount) }
    } while undisturbed.nanoseconds < wanted && all.nanoseconds < Self.disturbedShareMax * wanted
    return undisturbed.frameCount > 0 ? undisturbed.framesPerSecond : all.framesPerSecond
  }

  /// As many as fill the time between two readings of the clock; finding that out warms the caches.
  private static func stepsPerReading(of load: ReplayLoad) -> Int {
    var stepCount = 1
    while stepCount < 1 << 20 {
      let began = Clock.processorTime()
      load.run(stepCount: stepCount)
      if Clock.processorTime() - began >= nanosecondsPerReading { break }
      stepCount *= 2
    }
    return stepCount
  }
}
