// The memory of a process that starts with much and then needs little.
#ifndef CLINUXIO_MEMORY_H
#define CLINUXIO_MEMORY_H

// One heap for all threads, whose free end goes back to the kernel; blocks from 128 KiB on are mapped by themselves.
// Before other threads allocate.
void clinuxio_heap_prepare(void);

// Gives back what the heap has free, and the pages of programs and libraries that nobody writes to: those that are
// needed come back from the page cache.
void clinuxio_memory_give_back(void);

#endif
