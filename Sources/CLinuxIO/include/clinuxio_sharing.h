// Pages that one process writes and others map, and that nobody can take away from under either.
// Source: memfd_create(2), fcntl(2) F_ADD_SEALS.
#ifndef CLINUXIO_SHARING_H
#define CLINUXIO_SHARING_H

#include <stddef.h>

// Makes `byte_count` bytes of memory, resident and zero, mapped for reading and writing at *pages. Its length is
// sealed; with `is_for_reading` whoever else gets the descriptor can only read. Answers the descriptor, or -errno.
int clinuxio_share_pages(const char *name, size_t byte_count, int is_for_reading, void **pages);

// Maps pages that were shared so: with `is_writable` for writing too. Answers 0, or -errno: EINVAL for a descriptor of
// another length, or of a length that may change.
int clinuxio_map_shared(int fd, size_t byte_count, int is_writable, void **pages);

#endif
