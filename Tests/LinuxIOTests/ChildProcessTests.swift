import Glibc
import Testing

@testable import LinuxIO

/// A shell is started in each; nothing here needs root but what says so.
@Suite("child processes")
struct ChildProcessTests {
  private static let soon = Duration.seconds(10)

  /// Runs `script` in a shell and returns how it ended and what it wrote.
  private func shell(
    _ script: String, environment: [String]? = nil, namespace: Int32? = nil, input: Int32? = nil
  ) throws -> (exit: ChildProcess.Exit?, text: String) {
    let output = try ChildProcessOutput()
    var child = try ChildProcess(
      "/bin/sh", arguments: ["sh", "-c", script], environment: environment, namespace: namespace, input: input,
      output: output.descriptor, error: output.descriptor)
    let exit = try child.wait(until: .now + Self.soon)
    return (exit, try output.text())
  }

  @Test("the exit status and the signal that ended it are told apart")
  func exits() throws {
    for status: Int32 in [0, 1, 78, 255] { #expect(try shell("exit \(status)").exit == .status(status)) }
    #expect(try shell("kill -KILL $$").exit == .signal(SIGKILL))
  }

  @Test("output and errors are collected in the order in which they were written")
  func output() throws {
    #expect(try shell("echo one; echo two >&2; echo three").text == "one\ntwo\nthree\n")
    let output = try ChildProcessOutput()
    var child = try ChildProcess(
      "/bin/sh", arguments: ["sh", "-c", "seq 1 200000"], output: output.descriptor, error: output.descriptor)
    #expect(try child.wait(until: .now + Self.soon) == .status(0))
    #expect(try output.text().utf8.count == ChildProcessOutput.readByteCountMax)
    #expect(try output.lastLines(2) == ["199999", "200000"])
  }

  @Test("the environment is the one given, and the own one when none is given")
  func environment() throws {
    #expect(try shell("echo $A-$HOME", environment: ["A=1"]).text == "1-\n")
    #expect(try shell("test -n \"$PATH\" && env | grep -q ^PATH=").exit == .status(0))
  }

  @Test("no descriptor but 0 to 2 is inherited, whatever its flags")
  func descriptors() throws {
    let leaky = open("/dev/null", O_RDONLY)
    try #require(leaky > 2)
    defer { _ = close(leaky) }
    // The shell's list holds its own handle of the directory: descriptor 3.
    #expect(try shell("ls /proc/self/fd | tr '\\n' ' '").text == "0 1 2 3 ")
  }

  @Test("standard descriptors may be given in any order")
  func crossedDescriptors() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { _ = close(end) } }
    #expect(write(ends[1], "hello\n", 6) == 6)
    #expect(try shell("read line; echo got $line", input: ends[0]).text == "got hello\n")
  }

  @Test("signals are at their defaults and unblocked, and the child has its own process group")
  func signals() throws {
    var old = sigaction()
    var ignoring = sigaction()
    ignoring.__sigaction_handler.sa_handler = SIG_IGN
    try #require(sigaction(SIGWINCH, &ignoring, &old) == 0)
    defer { sigaction(SIGWINCH, &old, nil) }
    // Signals 32 and 33 belong to the C library, which does not let anybody change them.
    let text = try shell("grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2").text
    let masks = text.split(separator: "\n").compactMap { UInt64($0, radix: 16) }
    #expect(masks.count == 2 && masks.allSatisfy { $0 & ~0x1_8000_0000 == 0 }, "\(text)")
    let groups = try shell("ps -o pgid= -p $$ | tr -d ' '; echo $$").text.split(separator: "\n")
    #expect(groups.first == groups.last)
  }

  @Test("a program that is not there is an error that names it, and nothing is left")
  func missingProgram() throws {
    let output = try ChildProcessOutput()
    var failure: Errno?
    do throws(Errno) {
      _ = try ChildProcess(
        "/no/such/program", arguments: ["x"], output: output.descriptor, error: output.descriptor)
    } catch { failure = error }
    #expect(failure == Errno(ENOENT, "start /no/such/program"))
    do throws(Errno) {
      _ = try ChildProcess(
        "/bin/true", arguments: ["x"], namespace: output.descriptor, output: output.descriptor,
        error: output.descriptor)
    } catch { failure = error }
    #expect(failure == Errno(EINVAL, "start /bin/true (enter the network namespace)"))
  }

  @Test("waiting ends at the deadline, and termination by SIGTERM, then SIGKILL")
  func termination() throws {
    let output = try ChildProcessOutput()
    var polite = try ChildProcess(
      "/bin/sleep", arguments: ["sleep", "100"], output: output.descriptor, error: output.descriptor)
    let start = ContinuousClock.now
    #expect(try polite.wait(until: start + .milliseconds(50)) == nil)
    #expect(try polite.wait(until: start) == nil)
    #expect(ContinuousClock.now - start >= .milliseconds(50))
    #expect(try polite.terminate(grace: Self.soon) == .signal(SIGTERM))
    #expect(try polite.wait(until: .now) == .signal(SIGTERM))
    try polite.send(signal: SIGTERM)

    var stubborn = try ChildProcess(
      "/bin/sh", arguments: ["sh", "-c", "trap '' TERM; echo set; while :; do sleep 0.1; done"],
      output: output.descriptor, error: output.descriptor)
    while try !output.text().contains("set") { usleep(5_000) }
    #expect(try stubborn.terminate(grace: .milliseconds(100)) == .signal(SIGKILL))
  }

  @Test("at the end of its value's life the child is killed and reaped")
  func endOfLife() throws {
    let output = try ChildProcessOutput()
    let pid = try shortLived(output)
    #expect(kill(pid, 0) == -1 && errno == ESRCH)
  }

  private func shortLived(_ output: borrowing ChildProcessOutput) throws -> pid_t {
    let child = try ChildProcess(
      "/bin/sleep", arguments: ["sleep", "100"], output: output.descriptor, error: output.descriptor)
    #expect(kill(child.pid, 0) == 0)
    return child.pid
  }

  @Test("when the thread that started it ends, the child gets SIGTERM (root)")
  func parentDeath() throws {
    let namespace = try NetworkNamespace.create()
    let output = try ChildProcessOutput()
    let descriptor = output.descriptor
    // `run` uses a thread that ends with the closure.
    var child = try namespace.run { () throws(Errno) in
      try ChildProcess("/bin/sleep", arguments: ["sleep", "100"], output: descriptor, error: descriptor)
    }
    #expect(try child.wait(until: .now + Self.soon) == .signal(SIGTERM))
  }

  @Test("the child runs in the namespace that it was given (root)")
  func namespace() throws {
    let namespace = try NetworkNamespace.create()
    var status = stat()
    try #require(fstat(namespace.descriptor, &status) == 0)
    let text = try shell("readlink /proc/self/ns/net", namespace: namespace.descriptor).text
    #expect(text == "net:[\(status.st_ino)]\n")
  }
}
