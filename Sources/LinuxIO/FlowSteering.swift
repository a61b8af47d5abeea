import CLinuxIO
import Glibc

/// The program with which the kernel keeps the frames of an inner flow, both ways, at one queue of a TAP.
///
/// The sockets of `UDPUnderlay.group` are steered by the outer source port, of which a flow has one. Where the program
/// is refused the kernel's own table decides (a flow's frames go to the queue into which the flow was last written):
/// that moves a flow with the first answer, and whenever nothing was written for 3 s, and may then reorder a few of its
/// frames.
///
/// *Threads.* Any.
package final class FlowSteering: Sendable {
  /// Nil: refused.
  private let program: FileDescriptor?
  private let failure: Int32
  /// Of the TAPs that it steers.
  let queueCount: Int

  /// Loads the program. EPERM without CAP_BPF, unless the system lets everybody, and ENOSYS on a kernel without bpf(2),
  /// show in the state of each TAP.
  package init(queueCount: Int) {
    precondition(queueCount > 0)
    let result = clinuxio_steering_load(Int32(queueCount))
    program = result >= 0 ? FileDescriptor(owning: result) : nil
    failure = result >= 0 ? 0 : -result
    self.queueCount = queueCount
  }

  /// Steers the device behind a queue from now on, until the device goes. Answers 0 or an `errno`.
  func attach(to queue: TAPQueue) -> Int32 {
    switch program {
    case .some(let program): -clinuxio_steer_tap(queue.pollDescriptor, program.rawValue)
    case nil: failure
    }
  }
}
