// UDP sockets of the underlay: options, and messages with control data.
// Source: ip(7), ipv6(7), udp(7), recvmmsg(2), socket(7).
#ifndef CLINUXIO_UDP_H
#define CLINUXIO_UDP_H

#include <stddef.h>
#include <stdint.h>

// A socket address of either family: the bytes of a struct sockaddr_in or sockaddr_in6. This header leaves
// <sys/socket.h> out on purpose: a second module that includes it takes SOCK_STREAM and its like away from Glibc's.
struct clinuxio_address {
  uint32_t aligned_bytes[7];
  uint32_t length;
};

// `octets` are 4 or 16 in wire order; `port` in host order.
void clinuxio_address_set(struct clinuxio_address *address, int is_ipv6, const uint8_t *octets, uint16_t port);

enum {
  CLINUXIO_NO_ZERO_CHECKSUM = 0,
  CLINUXIO_ACCEPT_ZERO_CHECKSUM = 1,
};

// A bound, non-blocking datagram socket with what every underlay socket needs: TTL 64, never fragmenting, and
// buffers of `buffer_bytes`. A failed enlargement of the buffers is no error. With `joins_group` it shares the address
// with sockets that allow it (SO_REUSEPORT). Answers the descriptor or -errno, and in `failed` the name of the call.
int clinuxio_udp_open(const struct clinuxio_address *local, int buffer_bytes, int joins_group, const char **failed);

// SO_REUSEPORT on a socket that is bound already: from now on others of this user may join it. Answers 0 or -errno.
int clinuxio_udp_share(int fd);

// For the listening socket: traffic class, fragment size and overflow count with every message; on IPv6 whether a zero
// checksum is accepted.
int clinuxio_udp_listen_options(int fd, int is_ipv6, int accept_zero_checksum, const char **failed);

// Whether an IPv6 socket takes datagrams without a checksum. Answers 0 or -errno.
int clinuxio_udp_accept_zero_checksum(int fd, int is_on);

// UDP_GRO: the kernel joins datagrams of one sender. Answers 0 or -errno.
int clinuxio_udp_join(int fd, int is_on);

// For a socket that only sends: a filter that drops everything that arrives.
int clinuxio_udp_send_only(int fd);

// The port of a UDP socket that is bound to the address of `local`, whatever the port there, and connected to nobody;
// or -errno: ESTALE for one of another kind or place, ENOTSOCK.
int clinuxio_udp_port_at(int fd, const struct clinuxio_address *local);

// One received datagram.
struct clinuxio_datagram {
  uint32_t byte_count;
  uint32_t segment_bytes;  // UDP_GRO: the length of each joined datagram but the last; 0 = there is one
  uint8_t traffic_class;
  uint8_t is_truncated;
  uint8_t is_fragmented;
  uint8_t is_ipv6;
  uint16_t port;         // host order
  uint8_t address[16];   // wire order; IPv4 in the first four
};

// Receives up to `count` (at most 32) datagrams into buffers of `buffer_bytes` each that follow each other from
// `buffers`. `overflow` is updated to the socket's count of datagrams lost for want of room (SO_RXQ_OVFL), when the
// kernel tells it. Answers the number received, or -errno.
int clinuxio_udp_receive(int fd, uint8_t *buffers, size_t buffer_bytes, struct clinuxio_datagram *datagrams, int count,
                         uint32_t *overflow);

// Sends datagrams that lie behind each other, `segment_bytes` each but the last (UDP_SEGMENT), or one when it is 0,
// with the given traffic class. Answers 0 or -errno.
int clinuxio_udp_send(int fd, const struct clinuxio_address *to, int is_ipv6, const uint8_t *payload,
                      size_t byte_count, uint16_t segment_bytes, uint8_t traffic_class);

#endif
