// UDP in bulk, for programs that measure: many small datagrams a call.
// Source: sendmmsg(2), recvmmsg(2).
#ifndef CLINUXIO_BULK_H
#define CLINUXIO_BULK_H

#include <stddef.h>
#include <stdint.h>

enum { CLINUXIO_BULK_COUNT_MAX = 64 };

// Sends the same payload `count` times (at most CLINUXIO_BULK_COUNT_MAX) on a connected socket, each a datagram of its
// own. Answers the number that was sent, or -errno when that is none.
int clinuxio_udp_send_copies(int fd, const uint8_t *payload, size_t byte_count, int count);

// Takes up to CLINUXIO_BULK_COUNT_MAX datagrams; waits for the first as long as the socket's timeout says. Their
// bytes go, all to the same place, into `buffer`. Answers their number, or -errno.
int clinuxio_udp_receive_bulk(int fd, uint8_t *buffer, size_t byte_count);

#endif
