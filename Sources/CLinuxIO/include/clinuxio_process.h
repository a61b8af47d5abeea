// Network namespaces and child processes: calls that Swift does not see (they need _GNU_SOURCE or have no wrapper in
// the C library) and the code between fork and execve, which must not be Swift.
#ifndef CLINUXIO_PROCESS_H
#define CLINUXIO_PROCESS_H

#include <sys/types.h>

// Each returns 0, or a descriptor, or -1 with errno set.
int clinuxio_unshare_network(void);
int clinuxio_enter_network(int namespace_descriptor);
int clinuxio_memory_file(const char *name);
int clinuxio_pidfd_open(pid_t pid);
int clinuxio_pidfd_send_signal(int pidfd, int signal);
int clinuxio_forbid_dump(void);

// What a child is to become. Descriptors may be any, also equal or 0 to 2; they stay open in the caller.
struct clinuxio_spawn {
  const char *path;         // without search in PATH
  char *const *arguments;   // ends with NULL
  char *const *environment; // ends with NULL
  int network;              // descriptor of a network namespace, or -1 for the caller's
  int input, output, error; // become 0, 1 and 2
};

// Where a child failed before it became what it was to become.
enum clinuxio_spawn_step {
  CLINUXIO_SPAWN_FORK,
  CLINUXIO_SPAWN_DESCRIPTORS,
  CLINUXIO_SPAWN_NETWORK,
  CLINUXIO_SPAWN_PARENT_DEATH,
  CLINUXIO_SPAWN_EXECVE,
};

// Starts a child in a process group of its own, with all signals at their defaults and unblocked, no descriptors
// but 0 to 2, and SIGTERM to come when the *thread* that called this ends. Returns its number when execve has
// succeeded; else minus errno, with the step in *step, and no child is left.
pid_t clinuxio_spawn(const struct clinuxio_spawn *what, int *step);

#endif
