// Sums over packets, in C because Swift has no way to compile one function for several instruction sets and to choose
// at load time; and hints to the processor, for which it has no words. No logic beyond that.
#ifndef CVXLAN_H
#define CVXLAN_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

// The sum of the bytes as 16-bit words in the machine's order, an odd last byte padded with zero, not folded
// (RFC 1071). At most 2^32 bytes.
uint64_t cvxlan_sum(const uint8_t *bytes, size_t count);

// The same, while copying. The ranges must not overlap.
uint64_t cvxlan_copy_and_sum(uint8_t *restrict to, const uint8_t *restrict from, size_t count);

// Fetches the cache line at `address`, which will be read soon. Any address will do.
static inline void cvxlan_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

// For a thread that waits for a lock: tells the processor that it spins.
static inline void cvxlan_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

// The same, after long: gives the processor to another thread.
static inline void cvxlan_yield(void) { (void) sched_yield(); }

#endif
