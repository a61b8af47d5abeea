import Glibc
import LinuxIO

/// One end of the talk of a takeover. Knows messages and their time, not their order. One thread at a time.
struct TakeoverConnection: Sendable {
  private let socket: MessageSocket

  init(_ socket: MessageSocket) {
    self.socket = socket
  }

  /// The process at the other end, if it is of this user or root's.
  func admittedPeer() throws(TakeoverError) -> pid_t {
    let (pid, uid) = try wrapping { () throws(Errno) in try socket.peer() }
    guard uid == 0 || uid == geteuid() else {
      throw TakeoverError("process \(pid) is of user \(uid), who is neither this agent's nor root")
    }
    return pid
  }

  func send(
    _ message: TakeoverMessage, descriptors: [Int32] = [], within time: Duration
  ) throws(TakeoverError) {
    try wrapping { () throws(Errno) in try socket.send(message.bytes, descriptors: descriptors, within: time) }
  }

  /// The next message, nil when the other end is gone. Descriptors of a message that has names for them go to
  /// `inherited`; all others are closed.
  func receive(within time: Duration, into inherited: InheritedDescriptors? = nil) throws(TakeoverError)
    -> TakeoverMessage?
  {
    guard var passed = try wrapping({ () throws(Errno) in try socket.receive(within: time) }) else { return nil }
    guard let message = TakeoverMessage(parsing: passed.bytes) else {
      throw TakeoverError("what came is no message of a takeover")
    }
    if case .refused(let reason) = message { throw TakeoverError("the other agent refuses: \(reason)") }
    guard case .descriptors(let names) = message else { return message }
    guard names.count == passed.descriptorCount else {
      throw TakeoverError("\(passed.descriptorCount) descriptors came with \(names.count) names")
    }
    guard let inherited else { return message }
    for (name, descriptor) in zip(names, passed.takeDescriptors()) { inherited.give(descriptor, as: name) }
    return message
  }

  /// Any thread.
  func interrupt() { socket.interrupt() }

  private func wrapping<Value: ~Copyable>(_ call: () throws(Errno) -> Value) throws(TakeoverError) -> Value {
    do {
      return try call()
    } catch {
      throw TakeoverError(error)
    }
  }
}
