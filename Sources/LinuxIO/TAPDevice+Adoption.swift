import CLinuxIO
import Glibc

/// Devices that an agent before this one has opened: what waits in their queues is not lost.
extension TAPDevice {
  /// Goes on with the device whose queues these descriptors are, in their order; queues that are missing are added,
  /// what is too many is closed. Nothing is changed at the device: `reattach` makes its offloads and steering what is
  /// wanted.
  /// - Parameter descriptors: given away.
  /// - Throws: ESTALE, naming what is wrong, when the first is no queue of a device of this name and kind; EBADFD when
  ///   the device is gone. All are closed then.
  package convenience init(
    adopting descriptors: [Int32], named name: String, usesOffloads: Bool = true, steering: FlowSteering? = nil
  ) throws(Errno) {
    let offloads = TAPOffloads(usesSuperframes: usesOffloads, usesSteering: steering != nil)
    // Owned before anything can fail.
    var queues = descriptors.map { TAPQueue(descriptor: FileDescriptor(owning: $0), offloads: offloads) }
    for (index, queue) in queues.enumerated() {
      do throws(Errno) {
        try Self.verify(queue, isOf: name, isMultiQueue: steering != nil)
      } catch {
        guard index > 0 else { throw error }
        queues.removeSubrange(index...)
        break
      }
    }
    guard let first = queues.first else { throw Errno(ESTALE, "no queue") }
    let count = steering?.queueCount ?? 1
    while queues.count < count {
      let result = clinuxio_tap_open(name, 1)
      guard result >= 0 else { throw Errno(-result, "TUNSETIFF") }
      queues.append(TAPQueue(descriptor: FileDescriptor(owning: result), offloads: offloads))
    }
    self.init(
      named: name, queues: Array(queues.prefix(count)), offloads: offloads, steering: steering,
      isPersistent: clinuxio_tap_is_persistent(first.pollDescriptor) > 0)
  }

  /// A device that is made by the first `reattach` that succeeds; until then reads and writes answer EBADFD. For one
  /// whose name somebody has who is about to end.
  /// - Throws: ENOENT without /dev/net/tun.
  package convenience init(
    laterNamed name: String, usesOffloads: Bool = true, steering: FlowSteering? = nil
  ) throws(Errno) {
    let offloads = TAPOffloads(usesSuperframes: usesOffloads, usesSteering: steering != nil)
    var queues: [TAPQueue] = []
    for _ in 0..<(steering?.queueCount ?? 1) {
      let result = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
      guard result >= 0 else { throw .current("/dev/net/tun") }
      queues.append(TAPQueue(descriptor: FileDescriptor(owning: result), offloads: offloads))
    }
    self.init(named: name, queues: queues, offloads: offloads, steering: steering, isPersistent: false)
  }

  private static func verify(_ queue: TAPQueue, isOf name: String, isMultiQueue: Bool) throws(Errno) {
    let (itsName, found) = try describe(queue.pollDescriptor)
    guard itsName == name else { throw Errno(ESTALE, "it is of \(itsName), not of \(name)") }
    guard found.is_plain != 0 else { throw Errno(ESTALE, "\(name) is of another kind") }
    guard (found.is_multi_queue != 0) == isMultiQueue else {
      throw Errno(ESTALE, "\(name) was made \(isMultiQueue ? "without" : "with") multi_queue")
    }
  }

  /// What a descriptor of /dev/net/tun is attached to.
  fileprivate static func describe(_ descriptor: Int32) throws(Errno) -> (name: String, clinuxio_tap) {
    var found = clinuxio_tap()
    let result = clinuxio_tap_describe(descriptor, &found)
    guard result == 0 else { throw Errno(-result, "TUNGETIFF") }
    // SAFETY: the shim ends the name with a zero byte within its 16.
    let name = unsafe withUnsafeBytes(of: found.name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return (name, found)
  }
}

extension InheritedDescriptors {
  /// The names of the devices whose queues wait to be taken.
  package func tapNames() -> Set<String> { Set(descriptors.compactMap { try? TAPDevice.describe($0).name }) }
}
