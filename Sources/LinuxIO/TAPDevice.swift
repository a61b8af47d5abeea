import CLinuxIO
import Glibc

/// A TAP device with one queue or several, each for a thread of its own.
///
/// The device is created when it is absent and goes when the last descriptor is closed, unless it was made persistent
/// by somebody else. With offloads the kernel hands over superframes and unfinished checksums, and takes superframes;
/// without, what is read is what would be on a wire. With several queues (IFF_MULTI_QUEUE) the kernel chooses the queue
/// of each frame by its flow.
/// - SeeAlso: Documentation/networking/tuntap.rst.
package final class TAPDevice: Sendable {
  package let name: String
  /// Existed before as a persistent device, and stays.
  package let isPersistent: Bool
  package let offloads: TAPOffloads
  /// In the order in which the kernel numbers them.
  package let queues: [TAPQueue]
  private let steering: FlowSteering?

  // TUN_F_CSUM, _TSO4, _TSO6, _TSO_ECN; TUN_F_USO4 and _USO6 of Linux 6.2, which want each other.
  // include/uapi/linux/if_tun.h.
  private static let tcpOffloads: UInt32 = 0x01 | 0x02 | 0x04 | 0x08
  private static let udpOffloads: UInt32 = 0x20 | 0x40

  /// Creates or attaches to the device `name`.
  /// - Parameter steering: chooses the queue of each frame, and says how many there are. Nil: one, and the device has
  ///   no IFF_MULTI_QUEUE.
  /// - Throws: EBUSY when another process has it, EINVAL when the name belongs to a device of another kind, was made
  ///   with one queue and is asked for several or the other way round, or is none, EPERM without CAP_NET_ADMIN, ENOENT
  ///   without /dev/net/tun.
  package init(named name: String, usesOffloads: Bool = true, steering: FlowSteering? = nil) throws(Errno) {
    // The kernel would cut a long name, number a pattern, and invent a name when there is none.
    guard (1...NetlinkSocket.linkNameByteCountMax).contains(name.utf8.count), !name.contains("%"),
      !name.utf8.contains(0)
    else { throw Errno(EINVAL, "TUNSETIFF") }
    self.name = name
    self.steering = steering
    let offloads = TAPOffloads(usesSuperframes: usesOffloads, usesSteering: steering != nil)
    self.offloads = offloads
    var queues: [TAPQueue] = []
    for _ in 0..<(steering?.queueCount ?? 1) {
      let result = clinuxio_tap_open(name, steering == nil ? 0 : 1)
      guard result >= 0 else { throw Errno(-result, "TUNSETIFF") }
      queues.append(TAPQueue(descriptor: FileDescriptor(owning: result), offloads: offloads))
    }
    self.queues = queues
    let persistent = clinuxio_tap_is_persistent(queues[0].pollDescriptor)
    guard persistent >= 0 else { throw Errno(-persistent, "TUNGETIFF") }
    self.isPersistent = persistent > 0
    try setOffloads()
  }

  /// For `init(adopting:)`, which has seen to what is promised above.
  init(named name: String, queues: [TAPQueue], offloads: TAPOffloads, steering: FlowSteering?, isPersistent: Bool) {
    self.name = name
    self.queues = queues
    self.offloads = offloads
    self.steering = steering
    self.isPersistent = isPersistent
  }

  /// Creates the device anew behind the same descriptors, after it was deleted under them; where one is attached, that
  /// one stays. Any thread: until it is done, reads and writes of the owners answer EBADFD.
  /// - Returns: whether a device was created or attached to.
  @discardableResult
  package func reattach() throws(Errno) -> Bool {
    var isNew = false
    for queue in queues {
      // The kernel refuses a second TUNSETIFF (EEXIST), which would make one failed attempt final.
      guard clinuxio_tap_is_persistent(queue.pollDescriptor) < 0 else { continue }
      let result = clinuxio_tap_attach(queue.pollDescriptor, name, steering == nil ? 0 : 1)
      guard result >= 0 else { throw Errno(-result, "TUNSETIFF") }
      isNew = true
    }
    try setOffloads()
    return isNew
  }

  /// Asks for as much as this kernel has, and notes what it has not. For the device, through one of its queues.
  /// - Throws: EBADFD when the device is gone again, which says nothing of offloads.
  func setOffloads() throws(Errno) {
    if let steering, offloads.steering.isOn {
      let failure = steering.attach(to: queues[0])
      guard failure != EBADFD else { throw Errno(failure, "TUNSETSTEERINGEBPF") }
      if failure != 0 { offloads.steering.refuse(failure) }
    }
    if offloads.reading.isOn, offloads.readingUDP.isOn {
      let failure = try setOffload(Self.tcpOffloads | Self.udpOffloads)
      if failure == 0 { return }
      offloads.readingUDP.refuse(failure)
    }
    if offloads.reading.isOn {
      let failure = try setOffload(Self.tcpOffloads)
      if failure == 0 { return }
      offloads.reading.refuse(failure)
    }
    let failure = try setOffload(0)
    guard failure == 0 else { throw Errno(failure, "TUNSETOFFLOAD") }
  }

  /// Answers 0 or why the kernel has no such offload.
  private func setOffload(_ flags: UInt32) throws(Errno) -> Int32 {
    let failure = -clinuxio_tap_set_offload(queues[0].pollDescriptor, flags)
    guard failure != EBADFD else { throw Errno(failure, "TUNSETOFFLOAD") }
    return max(0, failure)
  }
}
