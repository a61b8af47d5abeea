#define _GNU_SOURCE
#include "clinuxio_thread.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

int clinuxio_thread_set_name(const char *name) { return pthread_setname_np(pthread_self(), name); }

int clinuxio_processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  // A machine with more processors than the set has bits.
  return (int)sysconf(_SC_NPROCESSORS_ONLN);
}
