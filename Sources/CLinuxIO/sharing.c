#define _GNU_SOURCE
#include "clinuxio_sharing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static const int fixed_length = F_SEAL_SHRINK | F_SEAL_GROW;

static int map(int fd, size_t byte_count, int protection, int flags, void **pages) {
  *pages = mmap(NULL, byte_count, protection, MAP_SHARED | flags, fd, 0);
  return *pages == MAP_FAILED ? -errno : 0;
}

int clinuxio_share_pages(const char *name, size_t byte_count, int is_for_reading, void **pages) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  // What there is no memory for is an error now, and no signal later.
  int result = -posix_fallocate(fd, 0, (off_t)byte_count);
  if (result == 0) result = map(fd, byte_count, PROT_READ | PROT_WRITE, MAP_POPULATE, pages);
  if (result < 0) {
    close(fd);
    return result;
  }
  int seals = fixed_length | F_SEAL_SEAL | (is_for_reading ? F_SEAL_FUTURE_WRITE : 0);
  if (fcntl(fd, F_ADD_SEALS, seals) == 0) return fd;
  result = -errno;
  munmap(*pages, byte_count);
  close(fd);
  return result;
}

int clinuxio_map_shared(int fd, size_t byte_count, int is_writable, void **pages) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return -errno;
  if ((size_t)status.st_size != byte_count || (seals & fixed_length) != fixed_length) return -EINVAL;
  return map(fd, byte_count, is_writable ? PROT_READ | PROT_WRITE : PROT_READ, 0, pages);
}
