#define _GNU_SOURCE
#include "clinuxio_thread.h"

#include <pthread.h>

int clinuxio_thread_set_name(const char *name) { return pthread_setname_np(pthread_self(), name); }
