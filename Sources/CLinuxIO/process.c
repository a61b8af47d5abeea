#define _GNU_SOURCE
#include "clinuxio_process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int clinuxio_unshare_network(void) { return unshare(CLONE_NEWNET); }

int clinuxio_enter_network(int namespace_descriptor) { return setns(namespace_descriptor, CLONE_NEWNET); }

int clinuxio_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinuxio_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinuxio_pidfd_send_signal(int pidfd, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int clinuxio_forbid_dump(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

struct failure {
  int number;
  int step;
};

// From here on only async-signal-safe calls: other threads of the parent may have held locks at the fork.

static void fail(int report, int step) {
  struct failure failure = {errno, step};
  // A pipe takes these eight bytes whole or not at all; without them the parent sees the exit status.
  ssize_t written = write(report, &failure, sizeof failure);
  _exit(written == (ssize_t)sizeof failure ? 127 : 126);
}

// Moves a descriptor out of the way of 0 to 3.
static int lift(int descriptor, int report) {
  int lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, 10);
  if (lifted < 0) fail(report, CLINUXIO_SPAWN_DESCRIPTORS);
  return lifted;
}

static void become(const struct clinuxio_spawn *what, int report, pid_t parent) {
  report = lift(report, report);
  int standard[3] = {lift(what->input, report), lift(what->output, report), lift(what->error, report)};
  if (what->network >= 0 && setns(what->network, CLONE_NEWNET) != 0) fail(report, CLINUXIO_SPAWN_NETWORK);
  for (int i = 0; i < 3; i++)
    if (dup2(standard[i], i) < 0) fail(report, CLINUXIO_SPAWN_DESCRIPTORS);
  if (dup3(report, 3, O_CLOEXEC) < 0) fail(report, CLINUXIO_SPAWN_DESCRIPTORS);
  report = 3;
  // By number: the C library of some distributions has no wrapper.
  if (syscall(SYS_close_range, 4u, ~0u, 0u) != 0) fail(report, CLINUXIO_SPAWN_DESCRIPTORS);

  // A group of its own: Ctrl-C at the terminal reaches the parent, which then ends its children in order.
  if (setpgid(0, 0) != 0) fail(report, CLINUXIO_SPAWN_PARENT_DEATH);
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) fail(report, CLINUXIO_SPAWN_PARENT_DEATH);
  // The parent may have ended before the line above: then nobody will send the signal.
  if (getppid() != parent) {
    errno = ESRCH;
    fail(report, CLINUXIO_SPAWN_PARENT_DEATH);
  }

  struct sigaction standing = {.sa_handler = SIG_DFL};
  // Fails for the two that cannot be changed and the two of the C library, as it may.
  for (int signal = 1; signal <= SIGRTMAX; signal++) sigaction(signal, &standing, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(what->path, what->arguments, what->environment);
  fail(report, CLINUXIO_SPAWN_EXECVE);
}

// Back in the parent.

static ssize_t read_report(int descriptor, struct failure *failure) {
  ssize_t count;
  do count = read(descriptor, failure, sizeof *failure);
  while (count < 0 && errno == EINTR);
  return count;
}

pid_t clinuxio_spawn(const struct clinuxio_spawn *what, int *step) {
  int report[2];
  *step = CLINUXIO_SPAWN_FORK;
  if (pipe2(report, O_CLOEXEC) != 0) return -errno;

  // No handler of the parent may run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    become(what, report[1], parent);
    _exit(127);
  }
  int number = child < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  if (child > 0) {
    // The pipe closes at execve, so nothing to read means success.
    struct failure failure = {0, CLINUXIO_SPAWN_FORK};
    ssize_t count = read_report(report[0], &failure);
    if (count != 0) {
      number = count == (ssize_t)sizeof failure ? failure.number : EIO;
      *step = failure.step;
      kill(child, SIGKILL);
      while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    }
  }
  close(report[0]);
  return number == 0 ? child : -number;
}
