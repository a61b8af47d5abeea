#define _GNU_SOURCE
#include "clinuxio_memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 << 10 };

void clinuxio_heap_prepare(void) {
  mallopt(M_ARENA_MAX, 1);
  // Set once, they stay: by default glibc raises both with every large block that is freed.
  mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES);
  mallopt(M_TRIM_THRESHOLD, BLOCK_BYTES);
}

static int drop_pages(struct dl_phdr_info *object, size_t size, void *unused) {
  (void)size;
  (void)unused;
  // The kernel's own is no file.
  if (strncmp(object->dlpi_name, "linux-vdso", 10) == 0) return 0;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) continue;
    uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
    uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz + page - 1) & ~(page - 1);
    // Fails only for what is locked, which then stays.
    madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void clinuxio_memory_give_back(void) {
  malloc_trim(0);
  dl_iterate_phdr(drop_pages, NULL);
}
