import CLinuxIO
import Glibc

/// A program that this process started and that does not outlive it.
///
/// The child runs in a process group of its own, with default signals, no descriptors but 0 to 2, and gets SIGTERM
/// when the *thread* that started it ends, even by SIGKILL of the whole process. So start it from a thread that lives
/// as long as the child is to live, such as the main thread. At the end of the value's life a child that still runs
/// is killed and reaped.
package struct ChildProcess: ~Copyable, Sendable {
  /// How a child ended.
  package enum Exit: Hashable, Sendable {
    case status(Int32)
    case signal(Int32)
  }

  /// The child's number; no other process gets it before the child is reaped, which only this value does.
  package let pid: pid_t
  private let pidfd: Int32
  private var exit: Exit?

  /// Starts `path` (not searched for in PATH).
  /// - Parameters:
  ///   - arguments: with the program's own name first.
  ///   - environment: `NAME=VALUE` each; nil for this process's.
  ///   - namespace: descriptor of a network namespace, nil for the calling thread's.
  ///   - input: descriptor that becomes standard input, nil for /dev/null. It stays the caller's, like the next two.
  /// - Throws: with the step that failed; then no child is left.
  package init(
    _ path: String, arguments: [String], environment: [String]? = nil, namespace: Int32? = nil,
    input: Int32? = nil, output: Int32, error: Int32
  ) throws(Errno) {
    let environment = environment ?? Self.inheritedEnvironment()
    (pid, pidfd) = try Self.start(path, arguments, environment, namespace, input, output, error)
  }

  deinit {
    if exit == nil {
      _ = clinuxio_pidfd_send_signal(pidfd, SIGKILL)
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }
    _ = close(pidfd)
  }

  /// Waits for the child's end. Nil when it still runs at `deadline`; a deadline in the past just asks.
  package mutating func wait(until deadline: ContinuousClock.Instant) throws(Errno) -> Exit? {
    while exit == nil {
      var poller = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
      let ready = poll(&poller, 1, Self.milliseconds(until: deadline))
      if ready == 0, ContinuousClock.now >= deadline { return nil }
      if ready < 0, errno != EINTR { throw Errno.current("poll(pidfd)") }
      if ready > 0 { try reap() }
    }
    return exit
  }

  /// Sends a signal. Nothing happens when the child has ended.
  package borrowing func send(signal: Int32) throws(Errno) {
    guard exit == nil else { return }
    guard clinuxio_pidfd_send_signal(pidfd, signal) == 0 || errno == ESRCH else {
      throw Errno.current("pidfd_send_signal")
    }
  }

  /// Ends the child by SIGTERM, after `grace` by SIGKILL, and tells how it ended.
  package mutating func terminate(grace: Duration) throws(Errno) -> Exit {
    try send(signal: SIGTERM)
    if let exit = try wait(until: .now + grace) { return exit }
    try send(signal: SIGKILL)
    while true {
      if let exit = try wait(until: .now + .seconds(1)) { return exit }
    }
  }

  /// The first executable file called `name` in PATH.
  package static func path(ofProgram name: String) -> String? {
    // SAFETY: nobody in this program changes the environment.
    let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    let candidates = path.split(separator: ":").map { "\($0)/\(name)" }
    return candidates.first { access($0, X_OK) == 0 }
  }

  /// This process's variables, `NAME=VALUE` each.
  package static func inheritedEnvironment() -> [String] {
    var variables: [String] = []
    // SAFETY: the list ends with a null pointer, and nobody in this program changes it.
    var next = unsafe environ
    while let variable = unsafe next.pointee {
      variables.append(unsafe String(cString: variable))
      unsafe next += 1
    }
    return variables
  }

  private mutating func reap() throws(Errno) {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else {
      let number = errno
      if number == EINTR { return }
      throw Errno(number, "waitpid \(pid)")
    }
    // wait(2): the low seven bits are the signal, 0 for an ordinary end; the status stands in the next byte.
    exit = status & 0x7F == 0 ? .status(status >> 8 & 0xFF) : .signal(status & 0x7F)
  }

  /// For poll: rounded up, so that it does not spin in the last millisecond.
  private static func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    let rest = ContinuousClock.now.duration(to: deadline).components
    guard rest.seconds >= 0, rest.attoseconds >= 0 else { return 0 }
    let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
    let fraction = (rest.attoseconds + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond
    return Int32(min(rest.seconds, 1_000_000) * 1000 + fraction)
  }

  private static func start(
    _ path: String, _ arguments: [String], _ environment: [String], _ namespace: Int32?, _ input: Int32?,
    _ output: Int32, _ error: Int32
  ) throws(Errno) -> (pid_t, Int32) {
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard null >= 0 else { throw Errno.current("open(/dev/null)") }
    defer { _ = close(null) }
    var step: Int32 = 0
    let pid = withCStrings(arguments) { argumentPointers in
      withCStrings(environment) { environmentPointers in
        unsafe path.withCString { pathPointer in
          var what = unsafe clinuxio_spawn(
            path: pathPointer, arguments: argumentPointers, environment: environmentPointers,
            network: namespace ?? -1, input: input ?? null, output: output, error: error)
          // SAFETY: everything that `what` points to outlives the call.
          return unsafe clinuxio_spawn(&what, &step)
        }
      }
    }
    guard pid > 0 else { throw Errno(-pid, "start \(path)" + Self.description(ofStep: step)) }
    let pidfd = clinuxio_pidfd_open(pid)
    guard pidfd >= 0 else {
      let failure = Errno.current("pidfd_open")
      _ = kill(pid, SIGKILL)
      while waitpid(pid, nil, 0) < 0, errno == EINTR {}
      throw failure
    }
    return (pid, pidfd)
  }

  private static func description(ofStep step: Int32) -> String {
    switch UInt32(step) {
    case CLINUXIO_SPAWN_FORK.rawValue: " (fork)"
    case CLINUXIO_SPAWN_DESCRIPTORS.rawValue: " (descriptors)"
    case CLINUXIO_SPAWN_NETWORK.rawValue: " (enter the network namespace)"
    case CLINUXIO_SPAWN_PARENT_DEATH.rawValue: " (tie to the parent)"
    default: ""
    }
  }

  /// Lends `texts` as C wants argument lists: pointers to texts that end with zero, and a null pointer after the last.
  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> Result
  ) -> Result {
    // SAFETY: strdup's copies live until they are freed below, after `body`; a null among them only ends the list
    // early.
    let copies = unsafe texts.map { unsafe strdup($0) }
    defer { unsafe copies.forEach { unsafe free($0) } }
    return unsafe (copies + [nil]).withUnsafeBufferPointer { unsafe body($0.baseAddress) }
  }
}

extension ChildProcess.Exit: CustomStringConvertible {
  package var description: String {
    switch self {
    case .status(let status): "exit status \(status)"
    case .signal(let signal): "ended by signal \(signal)"
    }
  }
}
