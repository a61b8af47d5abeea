import FoundationEssentials
import LinuxIO
import Replay
import VXLAN

/// `vtep bench codec`: vtep's data path in memory, without a kernel.
///
/// Every load is measured once in each round, in an order that changes from round to round. What is counted is the
/// processor time of the calling thread, so the results are those of one core.
package struct CodecBench {
  /// Both ways of the data path, with single frames and with superframes.
  package static let workloads = Workload.allCases.filter(\.isOfCodec)
  package static let roundsRange = 1...1000
  package static let secondsRange = 0.001...60

  /// Reading the clock costs nothing beside what is measured in such a time.
  private static let nanosecondsPerReading: UInt64 = 500_000

  private let rounds: Int
  private let seconds: Double

  /// - Parameters:
  ///   - rounds: in `roundsRange`.
  ///   - seconds: of processor time for one measurement, in `secondsRange`.
  package init(rounds: Int = 5, seconds: Double = 0.2) {
    precondition(Self.roundsRange.contains(rounds) && Self.secondsRange.contains(seconds))
    self.rounds = rounds
    self.seconds = seconds
  }

  /// Measures everything on the calling thread.
  /// - Parameter beginRound: told the number of each round, from 1, before it begins.
  package func run(version: String, beginRound: (Int) -> Void = { _ in }) -> BenchReport {
    let started = Date().formatted(.iso8601)
    let loads = Self.workloads.map { Load($0) }
    var samples = [[Double]](repeating: [], count: loads.count)
    for round in 1...rounds {
      beginRound(round)
      for position in loads.indices {
        let index = (position + round - 1) % loads.count
        samples[index].append(framesPerSecond(loads[index].replay))
      }
    }
    for load in loads { load.replay.requireAllSent() }
    let results = zip(loads, samples).map { load, samples in
      var result = Measurement(
        candidate: .codec, workload: load.workload, underlay: .none, unit: .framesPerSecond, samples: samples)
      result.frameBytes = load.frameByteCount
      return result
    }
    return BenchReport(
      version: version, started: started, machine: MachineReading.machine(), generator: "own", rounds: rounds,
      seconds: seconds, results: results)
  }

  /// Runs a load for `seconds` of processor time.
  private func framesPerSecond(_ load: ReplayLoad) -> Double {
    let stepsPerReading = Self.stepsPerReading(of: load)
    let wanted = UInt64(seconds * 1e9)
    var frameCount = 0
    let began = Clock.processorTime()
    var spent: UInt64 = 0
    repeat {
      load.run(stepCount: stepsPerReading)
      frameCount += stepsPerReading * load.framesPerStep
      spent = Clock.processorTime() - began
    } while spent < wanted
    return Double(frameCount) * 1e9 / Double(spent)
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

  /// A workload and what replays it.
  private struct Load {
    let workload: Workload
    let replay: ReplayLoad
    let frameByteCount: Int

    init(_ workload: Workload) {
      self.workload = workload
      switch workload {
      case .encapsulate512, .decapsulate512: frameByteCount = 512
      case .encapsulate1400, .decapsulate1400: frameByteCount = 1400
      case .encapsulateSuperframe, .decapsulateSuperframe: frameByteCount = ReplayTraffic.segmentByteCount
      default: frameByteCount = 64
      }
      switch workload {
      case .encapsulateSuperframe: replay = .superframeEncapsulation()
      case .decapsulateSuperframe: replay = .superframeDecapsulation()
      case .encapsulate64, .encapsulate512, .encapsulate1400:
        replay = .encapsulation(
          ReplayTraffic.frames(byteCount: frameByteCount, to: ReplayTraffic.there, from: ReplayTraffic.here))
      default:
        replay = .decapsulation(
          ReplayTraffic.frames(byteCount: frameByteCount, to: ReplayTraffic.here, from: ReplayTraffic.there))
      }
    }
  }
}
