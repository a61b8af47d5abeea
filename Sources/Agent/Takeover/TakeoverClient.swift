import Glibc
import LinuxIO

/// The agent that takes over, towards the one that runs. One thread at a time.
final class TakeoverClient: Sendable {
  /// For each answer; while the other is frozen it gives all of it five seconds.
  private static let answerTime = Duration.seconds(5)
  private static let freezeTime = Duration.seconds(4)

  /// For a process that was killed to be gone.
  private static let endTime = Duration.seconds(2)

  private let connection: TakeoverConnection
  /// Nil: it cannot be told.
  private let process: ProcessWatch?

  private init(_ connection: TakeoverConnection) throws(TakeoverError) {
    self.connection = connection
    process = try? ProcessWatch(try connection.admittedPeer())
  }

  /// Asks the agent with the control socket at `path` what it has. Nil when none is there.
  /// - Parameter inherited: gets the descriptors.
  /// - Throws: when it is there and refuses, or is of another user.
  static func connect(
    besideControlSocket path: String, into inherited: InheritedDescriptors
  ) throws(TakeoverError) -> TakeoverClient? {
    let socket: MessageSocket
    do {
      socket = try MessageSocket.connect(to: path + TakeoverOffer.suffix)
    } catch {
      guard [ENOENT, ECONNREFUSED].contains(error.number) else { throw TakeoverError(error) }
      return nil
    }
    return try greet(TakeoverConnection(socket), into: inherited)
  }

  /// As above: over a connection that is there.
  static func greet(
    _ connection: TakeoverConnection, into inherited: InheritedDescriptors
  ) throws(TakeoverError) -> TakeoverClient? {
    let client = try TakeoverClient(connection)
    return try client.receiveOffer(into: inherited) ? client : nil
  }

  /// False when the other has gone meanwhile.
  private func receiveOffer(into inherited: InheritedDescriptors) throws(TakeoverError) -> Bool {
    do throws(TakeoverError) {
      try connection.send(.hello(version: TakeoverMessage.version), within: Self.answerTime)
    } catch {
      // It may have refused before it was greeted, and that is what is to be told.
      _ = try connection.receive(within: .zero)
      throw error
    }
    switch try connection.receive(within: Self.answerTime) {
    case .hello: break
    case nil: return try isGone()
    default: throw TakeoverError("the running agent answers otherwise than was to be expected")
    }
    while true {
      switch try connection.receive(within: Self.answerTime, into: inherited) {
      case .descriptors: continue
      case .offered: return true
      case nil: return try isGone()
      default: throw TakeoverError("the running agent answers otherwise than was to be expected")
      }
    }
  }

  /// Has the other stop, and takes what it leaves. Nil when it has gone without a word: then it has ended, and what it
  /// knew with it.
  /// - Parameter entries: called with each part of its tables, before the answer is there.
  func freeze(
    entries: (CarriedState, [CarriedEntry]) -> Void
  ) throws(TakeoverError) -> CarriedState? {
    let deadline = ContinuousClock.now + Self.freezeTime
    guard try reached(sending: .freeze) else { return nil }
    var bytes: [UInt8] = []
    var state: CarriedState?
    while true {
      switch try connection.receive(within: max(.zero, deadline - .now)) {
      case .state(let part) where state == nil && bytes.count + part.count <= CarriedState.byteCountMax: bytes += part
      case .entries(let part):
        let known = try Self.state(state, of: bytes)
        state = known
        entries(known, part)
      case .complete: return try Self.state(state, of: bytes)
      case nil:
        _ = try isGone()
        return nil
      default: throw TakeoverError("the running agent answers otherwise than was to be expected")
      }
    }
  }

  /// From here on everything is this process's. Returns when the other has ended, or has said so.
  /// - Throws: when the other has not waited and goes on.
  func take() throws(TakeoverError) {
    guard try reached(sending: .taken) else { return }
    switch try connection.receive(within: Self.answerTime) {
    case .ended: return
    case nil: _ = try isGone()
    default: throw TakeoverError("the running agent answers otherwise than was to be expected")
    }
  }

  /// Lets the other end: this one answers at the control socket.
  func finish() { connection.interrupt() }

  /// False when there is nobody any more.
  private func reached(sending message: TakeoverMessage) throws(TakeoverError) -> Bool {
    do throws(TakeoverError) {
      try connection.send(message, within: Self.answerTime)
      return true
    } catch {
      // What it said last, if it said anything, tells why.
      guard try connection.receive(within: .zero) == nil else { throw error }
      return try isGone()
    }
  }

  /// The connection has ended without a word: false when that is because the process has. One that lives goes on, and
  /// nothing may be taken from it.
  private func isGone() throws(TakeoverError) -> Bool {
    guard process?.hasEnded(within: Self.endTime) == true else {
      throw TakeoverError("the running agent has hung up")
    }
    return false
  }

  private static func state(_ known: CarriedState?, of bytes: [UInt8]) throws(TakeoverError) -> CarriedState {
    if let known { return known }
    guard let state = CarriedState.decode(bytes) else {
      throw TakeoverError("what the running agent leaves cannot be understood")
    }
    return state
  }
}
