import LinuxIO
import Replay

/// The clocks at one moment of a load, or what passed between two. All in nanoseconds.
struct CodecReading {
  /// That the thread had a processor.
  var processor: UInt64
  /// On the wall.
  var wall: UInt64
  /// On the wall too: that went into what the load opens, which is not its own work.
  var preparation: UInt64

  /// Now.
  init(of load: ReplayLoad) {
    processor = Clock.processorTime()
    wall = Clock.now()
    preparation = load.preparationTime
  }

  init(processor: UInt64, wall: UInt64, preparation: UInt64) {
    self.processor = processor
    self.wall = wall
    self.preparation = preparation
  }

  static func - (later: CodecReading, earlier: CodecReading) -> CodecReading {
    CodecReading(
      processor: later.processor &- earlier.processor, wall: later.wall &- earlier.wall,
      preparation: later.preparation &- earlier.preparation)
  }

  /// Whether somebody else had the processor meanwhile, where that matters: the preparation's clock would go on.
  var isDisturbed: Bool { preparation > 0 && wall > processor + processor / 32 }

  /// The processor's time without the preparation's share.
  var own: Double {
    guard preparation > 0 else { return Double(processor) }
    guard wall > preparation else { return 0 }
    return Double(processor) * Double(wall - preparation) / Double(wall)
  }
}

/// Frames, and what they took.
struct CodecEffort {
  private(set) var frameCount = 0
  private(set) var nanoseconds = 0.0

  var framesPerSecond: Double { nanoseconds > 0 ? Double(frameCount) * 1e9 / nanoseconds : 0 }

  mutating func add(_ spent: CodecReading, _ count: Int) {
    frameCount += count
    nanoseconds += spent.own
  }
}
