// Threads: what glibc shows to C only under _GNU_SOURCE.
#ifndef CLINUXIO_THREAD_H
#define CLINUXIO_THREAD_H

// Names the calling thread, for ps and top. At most 15 bytes; a longer name is refused with ERANGE. Answers 0 or errno.
int clinuxio_thread_set_name(const char *name);

// The processors that the calling thread may run on.
int clinuxio_processor_count(void);

#endif
