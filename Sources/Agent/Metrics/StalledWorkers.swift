import Dataplane
import Glibc
import LinuxIO
import VXLAN

extension Watchdog.Subject {
  /// How long a worker may be at one batch.
  static let batchTime: Duration = .seconds(2)
  private static let lookMicroseconds: UInt32 = 500

  init(_ worker: Worker) {
    self.init(number: worker.number, progress: { worker.progress }, nudge: { worker.nudge() })
  }

  /// The numbers of those that do not go on within `time`; one that sleeps is nudged for it. Waits no longer than they
  /// take. Any thread.
  static func stalled(_ subjects: [Self], within time: Duration = batchTime) -> [Int] {
    let end = Instant(nanoseconds: Clock.now()) + time
    var waiting = subjects.map { (subject: $0, count: $0.progress().stepCount) }
    for subject in subjects { subject.nudge() }
    while true {
      waiting.removeAll { $0.subject.progress().stepCount != $0.count }
      guard !waiting.isEmpty, Instant(nanoseconds: Clock.now()) < end else { return waiting.map(\.subject.number) }
      usleep(lookMicroseconds)
    }
  }
}
