import Glibc
import LinuxIO

extension Predecessor {
  /// The device of a segment, if the other agent had it: as it is, or to be made later, when nobody holds its name any
  /// more. Nil: there is none of this name.
  func tap(
    of segment: Configuration.Segment, usesOffloads: Bool, steering: FlowSteering?
  ) throws(Errno) -> (tap: TAPDevice, isLater: Bool)? {
    let queues = descriptors.takeAll { .tap(vni: segment.vni.rawValue, queue: $0) }
    if !queues.isEmpty {
      do throws(Errno) {
        let tap = try TAPDevice(
          adopting: queues, named: segment.tap, usesOffloads: usesOffloads, steering: steering)
        return (tap, false)
      } catch {
        descriptors.noteMisfit(
          "the TAP of segment \(segment.vni): \(error.call)",
          queues.indices.map { .tap(vni: segment.vni.rawValue, queue: $0) })
      }
    }
    guard has(tap: segment.tap) else { return nil }
    return (try TAPDevice(laterNamed: segment.tap, usesOffloads: usesOffloads, steering: steering), true)
  }
}
