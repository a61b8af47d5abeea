#define _GNU_SOURCE
#include "CThreadMarks.h"
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

void __tsan_acquire(void *address);
void __tsan_release(void *address);

typedef SWIFT void (*lock_slow)(uint32_t thread, SELF void *mutex);
typedef SWIFT void (*unlock_slow)(SELF void *mutex);

SWIFT void mutex_lock_slow(uint32_t thread, SELF void *mutex) __asm__(
    "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
SWIFT void mutex_unlock_slow(SELF void *mutex) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");

SWIFT void mutex_lock_slow(uint32_t thread, SELF void *mutex) {
  lock_slow lock = (lock_slow)dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
  lock(thread, mutex);
  __tsan_acquire(mutex);
}

SWIFT void mutex_unlock_slow(SELF void *mutex) {
  unlock_slow unlock = (unlock_slow)dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
  __tsan_release(mutex);
  unlock(mutex);
}

// libdispatch counts where it is not seen; who waits sees what was done before the signal.
typedef long (*semaphore_signal)(void *semaphore);
typedef long (*semaphore_wait)(void *semaphore, uint64_t timeout);

long dispatch_semaphore_signal(void *semaphore) {
  __tsan_release(semaphore);
  return ((semaphore_signal)dlsym(RTLD_NEXT, "dispatch_semaphore_signal"))(semaphore);
}

long dispatch_semaphore_wait(void *semaphore, uint64_t timeout) {
  long result = ((semaphore_wait)dlsym(RTLD_NEXT, "dispatch_semaphore_wait"))(semaphore, timeout);
  __tsan_acquire(semaphore);
  return result;
}
