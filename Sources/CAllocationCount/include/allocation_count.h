// Counts the heap allocations of a program, for benchmarks: this target defines malloc and its like, which come before
// those of the C library and pass on to them.
#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stdint.h>

// Calls of malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign by the calling thread since it began.
uint64_t allocation_count(void);

#endif
