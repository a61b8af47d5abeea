import Glibc
import LinuxIO
import Logging
import Synchronization

/// What a running agent can hand over. Called on the offer's thread.
protocol TakeoverSource: AnyObject, Sendable {
  /// Meanwhile nothing comes or goes of what it has.
  func whileUnchanged<Value>(_ body: () throws(TakeoverError) -> Value) throws(TakeoverError) -> Value
  /// What it reads and writes. They stay its own.
  func descriptorsToHandOver() throws(TakeoverError) -> [(name: DescriptorName, descriptor: Int32)]
  /// Nothing is read any more, from a boundary between two batches on.
  func freeze() throws(TakeoverError)
  /// As it is while frozen.
  func stateToHandOver() throws(TakeoverError) -> CarriedState
  /// The entries of its tables, some at a time, with their peers' places in the state.
  func forEachEntry(
    in state: CarriedState, _ body: ([CarriedEntry]) throws(TakeoverError) -> Void
  ) throws(TakeoverError)
  /// Everything goes on as before `freeze`.
  func thaw()
  /// Another process has it all from now on.
  func handedOver(to pid: pid_t)
  /// It has no use for this one any more.
  func end()
}

/// Waits beside the control socket for an agent that wants to take over, and hands over to one.
///
/// *Threads.* One of its own, which talks; `stop` is for another.
final class TakeoverOffer: Sendable {
  /// What is added to the path of the control socket.
  static let suffix = ".takeover"

  /// How long each step may take.
  struct Times: Sendable {
    /// For the first message.
    var greeting = Duration.seconds(5)
    /// For the other to make what it needs; nothing is held up meanwhile.
    var preparation = Duration.seconds(60)
    /// From `freeze` to `taken`: afterwards this one goes on.
    var freeze = Duration.seconds(5)
    /// For the other to take the control socket.
    var end = Duration.seconds(2)
  }

  /// In microseconds.
  private static let leftoverPause: UInt32 = 20_000

  private let controlPath: String
  private let listener: MessageListener
  private let times: Times
  private let log: Logger
  private let current = Mutex<TakeoverConnection?>(nil)
  private let isStopping = Atomic<Bool>(false)
  private let thread = Mutex<SystemThread?>(nil)

  /// Listens beside the control socket at `path`, in the place of whoever did.
  init(besideControlSocket path: String, times: Times = Times(), log: Logger) throws(Errno) {
    controlPath = path
    listener = try MessageListener(path: path + Self.suffix)
    self.times = times
    self.log = log
  }

  /// Offers what `source` has until `stop`, which has to come before the source goes.
  func start(_ source: any TakeoverSource) throws(Errno) {
    // Unowned: the source keeps the offer.
    let thread = try SystemThread(named: "vtep-takeover") { [self, unowned source] in run(source) }
    self.thread.withLock { $0 = thread }
  }

  /// Ends the talk that is under way, and the thread. Not to be called on it.
  /// - Parameter isLeaving: another has taken over, or is about to: the path is its.
  func stop(isLeaving: @autoclosure () -> Bool = false) {
    isStopping.store(true, ordering: .releasing)
    listener.stop()
    current.withLock { $0?.interrupt() }
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
    if !isLeaving() { listener.remove() }
  }

  private func run(_ source: any TakeoverSource) {
    while !isStopping.load(ordering: .acquiring) {
      do throws(Errno) {
        guard let socket = try listener.accept() else { return }
        let connection = TakeoverConnection(socket)
        current.withLock { $0 = connection }
        // `stop` came before there was anything to interrupt.
        guard !isStopping.load(ordering: .acquiring) else { return }
        let isOver = serve(connection, source)
        current.withLock { $0 = nil }
        if isOver { return }
        removeLeftovers()
      } catch {
        // Descriptors may have run out, and come back.
        log.warning("nobody can take over for the moment", metadata: ["error": "\(error)"])
        sleep(1)
      }
    }
  }

  /// What one that was killed has left beside the control socket. A moment later, since its end may just be under way.
  private func removeLeftovers() {
    usleep(Self.leftoverPause)
    UnixAddress.removeAbandoned(controlPath + ControlSocketPath.nextSuffix)
  }

  /// Whether the other has everything now.
  private func serve(_ connection: TakeoverConnection, _ source: any TakeoverSource) -> Bool {
    do throws(TakeoverError) {
      let pid = try connection.admittedPeer()
      guard try offer(connection, source) else { return false }
      return try handOver(connection, source, to: pid)
    } catch {
      if !isStopping.load(ordering: .acquiring) {
        log.warning("a takeover has failed: this agent goes on", metadata: ["reason": "\(error)"])
      }
      // It may be gone.
      try? connection.send(.refused("\(error)"), within: .zero)
      return false
    }
  }

  /// Shows what there is; frames flow meanwhile. False when the other has seen enough.
  private func offer(_ connection: TakeoverConnection, _ source: any TakeoverSource) throws(TakeoverError) -> Bool {
    guard case .hello(let version)? = try connection.receive(within: times.greeting) else {
      throw TakeoverError("no greeting came")
    }
    guard version == TakeoverMessage.version else {
      throw TakeoverError(
        "it speaks version \(version) of takeovers and this agent \(TakeoverMessage.version); stop this one, then "
          + "start it"
      )
    }
    try connection.send(.hello(version: TakeoverMessage.version), within: times.greeting)
    let descriptors = try source.whileUnchanged { () throws(TakeoverError) in try source.descriptorsToHandOver() }
    let countMax = MessageSocket.descriptorCountMax
    for start in stride(from: 0, to: descriptors.count, by: countMax) {
      let batch = descriptors[start..<min(descriptors.count, start + countMax)]
      try connection.send(
        .descriptors(batch.map(\.name)), descriptors: batch.map(\.descriptor), within: times.greeting)
    }
    try connection.send(.offered, within: times.greeting)
    switch try connection.receive(within: times.preparation) {
    case .freeze: return true
    case nil: return false
    default: throw TakeoverError("what came is not what was to come")
    }
  }

  private func handOver(
    _ connection: TakeoverConnection, _ source: any TakeoverSource, to pid: pid_t
  ) throws(TakeoverError) -> Bool {
    try source.whileUnchanged { () throws(TakeoverError) in
      try leave(source, to: connection, until: ContinuousClock.now + times.freeze)
      // From here on nothing is this process's any more.
      source.handedOver(to: pid)
    }
    try? connection.send(.ended, within: times.end)
    // Until it has taken the control socket; that it is gone says as much.
    _ = try? connection.receive(within: times.end)
    source.end()
    return true
  }

  /// From the freeze to the word of the other that it has everything; when that does not come all goes on.
  private func leave(
    _ source: any TakeoverSource, to connection: TakeoverConnection, until deadline: ContinuousClock.Instant
  ) throws(TakeoverError) {
    try source.freeze()
    do throws(TakeoverError) {
      let state = try source.stateToHandOver()
      try send(state, on: connection, until: deadline)
      try source.forEachEntry(in: state) { entries throws(TakeoverError) in
        try connection.send(.entries(entries), within: Self.rest(until: deadline))
      }
      try connection.send(.complete, within: Self.rest(until: deadline))
      guard try connection.receive(within: Self.rest(until: deadline)) == .taken else {
        throw TakeoverError("the other agent has gone before it had taken over")
      }
    } catch {
      source.thaw()
      throw error
    }
  }

  private func send(
    _ state: CarriedState, on connection: TakeoverConnection, until deadline: ContinuousClock.Instant
  ) throws(TakeoverError) {
    guard let bytes = try? ReportJSON.encode(state) else { throw TakeoverError("the state cannot be written") }
    for start in stride(from: 0, to: bytes.count, by: TakeoverMessage.stateByteCountMax) {
      let part = bytes[start..<min(bytes.count, start + TakeoverMessage.stateByteCountMax)]
      try connection.send(.state(Array(part)), within: Self.rest(until: deadline))
    }
  }

  private static func rest(until deadline: ContinuousClock.Instant) -> Duration { max(.zero, deadline - .now) }
}
