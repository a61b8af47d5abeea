#include "allocation_count.h"

#include <errno.h>
#include <stddef.h>

// The C library's own entry points under their second names (glibc).
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

// One per thread: other threads cannot disturb a measurement, and no atomic operation costs anything. The model keeps
// the access from allocating, which a thread's variables otherwise may.
static _Thread_local uint64_t count __attribute__((tls_model("initial-exec")));

static void note(void) {
  count += 1;
}

uint64_t allocation_count(void) {
  return count;
}

void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}

void *calloc(size_t item_count, size_t size) {
  note();
  return __libc_calloc(item_count, size);
}

void *realloc(void *memory, size_t size) {
  note();
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  note();
  void *result = __libc_memalign(alignment, size);
  if (result == NULL) return ENOMEM;
  *memory = result;
  return 0;
}
