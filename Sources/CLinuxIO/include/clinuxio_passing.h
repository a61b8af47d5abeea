// Messages with descriptors over Unix sockets that keep messages apart (SOCK_SEQPACKET, SOCK_DGRAM).
// Source: unix(7), SCM_RIGHTS; cmsg(3).
#ifndef CLINUXIO_PASSING_H
#define CLINUXIO_PASSING_H

#include <stddef.h>
#include <stdint.h>

// The kernel's SCM_MAX_FD: descriptors of one message.
enum { CLINUXIO_PASSED_MAX = 253 };

// Sends one message with copies of `count` descriptors, which stay the caller's. Never blocks. Answers 0 or -errno.
int clinuxio_pass(int fd, const uint8_t *bytes, size_t byte_count, const int *descriptors, int count);

// Takes one message. Its descriptors (close-on-exec) go to `descriptors`, which has room for CLINUXIO_PASSED_MAX, their
// number to `count`. Never blocks. Answers the number of bytes, 0 at the end; or -errno: EMSGSIZE for a message that
// was cut, whose descriptors are closed.
int clinuxio_take_passed(int fd, uint8_t *bytes, size_t byte_count, int *descriptors, int *count);

// Who is at the other end of a connected Unix socket, or was when it began to listen (SO_PEERCRED). Answers 0 or
// -errno.
int clinuxio_peer(int fd, int *pid, unsigned *uid);

#endif
