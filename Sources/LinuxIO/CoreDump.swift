import CLinuxIO
import Glibc

/// What is left of a process's memory when it crashes, and who may read it before.
package enum CoreDump {
  /// The signals of a crash, which Swift's runtime answers with registers and the bytes that they point to, on standard
  /// error.
  private static let crashes = [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP]

  /// From now on a crash shows nothing of the memory: no core dump, no backtrace with bytes beside it. Only who may
  /// trace any process reads the memory. It ends at execve, and is to be repeated after a change of user.
  /// - Throws: what prctl(2) answered.
  /// - SeeAlso: PR_SET_DUMPABLE(2const).
  package static func forbid() throws(Errno) {
    for number in crashes { signal(number, SIG_DFL) }
    guard clinuxio_forbid_dump() == 0 else { throw .current("prctl") }
  }
}
