#define _GNU_SOURCE
#include "clinuxio_udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

// Newer than some distributions' headers. include/uapi/linux/in.h, in6.h, udp.h.
#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25
#endif
#ifndef IPV6_RECVFRAGSIZE
#define IPV6_RECVFRAGSIZE 77
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef UDP_NO_CHECK6_RX
#define UDP_NO_CHECK6_RX 102
#endif

enum { MESSAGES_MAX = 32, TTL = 64 };

_Static_assert(sizeof(struct sockaddr_in6) <= sizeof((struct clinuxio_address *)0)->aligned_bytes, "an address fits");

static const struct sockaddr *socket_address(const struct clinuxio_address *address) {
  return (const struct sockaddr *)address->aligned_bytes;
}

void clinuxio_address_set(struct clinuxio_address *address, int is_ipv6, const uint8_t *octets, uint16_t port) {
  memset(address, 0, sizeof *address);
  if (is_ipv6) {
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in6.sin6_addr, octets, 16);
    memcpy(address->aligned_bytes, &in6, sizeof in6);
    address->length = sizeof in6;
  } else {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&in.sin_addr, octets, 4);
    memcpy(address->aligned_bytes, &in, sizeof in);
    address->length = sizeof in;
  }
}

static int set(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

static int fail(int fd, const char **failed, const char *call) {
  int number = errno;
  *failed = call;
  if (fd >= 0) close(fd);
  return -number;
}

int clinuxio_udp_share(int fd) { return set(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0 ? -errno : 0; }

int clinuxio_udp_open(const struct clinuxio_address *local, int buffer_bytes, int joins_group, const char **failed) {
  int is_ipv6 = socket_address(local)->sa_family == AF_INET6;
  int fd = socket(socket_address(local)->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (fd < 0) return fail(fd, failed, "socket");
  // Beyond the system's limit only with CAP_NET_ADMIN; within it otherwise.
  if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes) < 0) set(fd, SOL_SOCKET, SO_RCVBUF, buffer_bytes);
  if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, buffer_bytes) < 0) set(fd, SOL_SOCKET, SO_SNDBUF, buffer_bytes);
  if (is_ipv6) {
    if (set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0) return fail(fd, failed, "IPV6_V6ONLY");
    if (set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) < 0) return fail(fd, failed, "IPV6_MTU_DISCOVER");
    if (set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, TTL) < 0) return fail(fd, failed, "IPV6_UNICAST_HOPS");
  } else {
    if (set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE) < 0) return fail(fd, failed, "IP_MTU_DISCOVER");
    if (set(fd, IPPROTO_IP, IP_TTL, TTL) < 0) return fail(fd, failed, "IP_TTL");
  }
  if (joins_group && clinuxio_udp_share(fd) < 0) return fail(fd, failed, "SO_REUSEPORT");
  if (bind(fd, socket_address(local), local->length) < 0) return fail(fd, failed, "bind");
  return fd;
}

int clinuxio_udp_listen_options(int fd, int is_ipv6, int accept_zero_checksum, const char **failed) {
  *failed = "SO_RXQ_OVFL";
  if (set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1) < 0) return -errno;
  *failed = is_ipv6 ? "IPV6_RECVTCLASS" : "IP_RECVTOS";
  if (set(fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1) < 0) return -errno;
  *failed = is_ipv6 ? "IPV6_RECVFRAGSIZE" : "IP_RECVFRAGSIZE";
  if (set(fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_RECVFRAGSIZE : IP_RECVFRAGSIZE, 1) < 0) return -errno;
  *failed = "UDP_NO_CHECK6_RX";
  if (is_ipv6 && set(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, accept_zero_checksum != 0) < 0) return -errno;
  return 0;
}

int clinuxio_udp_port_at(int fd, const struct clinuxio_address *local) {
  struct sockaddr_storage found = {0}, peer;
  socklen_t length = sizeof found, peer_length = sizeof peer, integer = sizeof(int);
  int protocol = 0;
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &integer) < 0) return -errno;
  if (getsockname(fd, (struct sockaddr *)&found, &length) < 0) return -errno;
  if (protocol != IPPROTO_UDP || found.ss_family != socket_address(local)->sa_family) return -ESTALE;
  if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) == 0) return -ESTALE;
  int port;
  if (found.ss_family == AF_INET6) {
    const struct sockaddr_in6 *is = (const struct sockaddr_in6 *)&found, *wanted = (const void *)local->aligned_bytes;
    if (memcmp(&is->sin6_addr, &wanted->sin6_addr, sizeof is->sin6_addr) != 0) return -ESTALE;
    port = ntohs(is->sin6_port);
  } else {
    const struct sockaddr_in *is = (const struct sockaddr_in *)&found, *wanted = (const void *)local->aligned_bytes;
    if (is->sin_addr.s_addr != wanted->sin_addr.s_addr) return -ESTALE;
    port = ntohs(is->sin_port);
  }
  return port > 0 ? port : -ESTALE;
}

int clinuxio_udp_accept_zero_checksum(int fd, int is_on) {
  return set(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, is_on) < 0 ? -errno : 0;
}

int clinuxio_udp_join(int fd, int is_on) { return set(fd, IPPROTO_UDP, UDP_GRO, is_on) < 0 ? -errno : 0; }

int clinuxio_udp_send_only(int fd) {
  struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  struct sock_fprog program = {.len = 1, .filter = &drop};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno : 0;
}

static void read_control(struct msghdr *header, struct clinuxio_datagram *datagram, uint32_t *overflow) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      memcpy(overflow, CMSG_DATA(c), sizeof *overflow);
    } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
      int value;
      memcpy(&value, CMSG_DATA(c), sizeof value);
      datagram->segment_bytes = value > 0 ? (uint32_t)value : 0;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
      datagram->traffic_class = *CMSG_DATA(c);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
      int value;
      memcpy(&value, CMSG_DATA(c), sizeof value);
      datagram->traffic_class = (uint8_t)value;
    } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVFRAGSIZE) ||
               (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVFRAGSIZE)) {
      int value;
      memcpy(&value, CMSG_DATA(c), sizeof value);
      datagram->is_fragmented = value != 0;
    }
  }
}

static void read_source(const struct sockaddr_storage *from, struct clinuxio_datagram *datagram) {
  if (from->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
    datagram->is_ipv6 = 1;
    datagram->port = ntohs(in6->sin6_port);
    memcpy(datagram->address, &in6->sin6_addr, 16);
  } else {
    const struct sockaddr_in *in = (const struct sockaddr_in *)from;
    datagram->is_ipv6 = 0;
    datagram->port = ntohs(in->sin_port);
    memcpy(datagram->address, &in->sin_addr, 4);
  }
}

int clinuxio_udp_receive(int fd, uint8_t *buffers, size_t buffer_bytes, struct clinuxio_datagram *datagrams, int count,
                         uint32_t *overflow) {
  struct mmsghdr messages[MESSAGES_MAX];
  struct iovec vectors[MESSAGES_MAX];
  struct sockaddr_storage from[MESSAGES_MAX];
  union {
    char bytes[CMSG_SPACE(sizeof(int)) * 4];
    struct cmsghdr align;
  } control[MESSAGES_MAX];
  if (count > MESSAGES_MAX) count = MESSAGES_MAX;
  for (int i = 0; i < count; i++) {
    vectors[i] = (struct iovec){buffers + (size_t)i * buffer_bytes, buffer_bytes};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                          .msg_namelen = sizeof from[i],
                                          .msg_iov = &vectors[i],
                                          .msg_iovlen = 1,
                                          .msg_control = control[i].bytes,
                                          .msg_controllen = sizeof control[i].bytes};
  }
  int received = recvmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT, NULL);
  if (received < 0) return -errno;
  for (int i = 0; i < received; i++) {
    datagrams[i].byte_count = messages[i].msg_len;
    datagrams[i].segment_bytes = 0;
    datagrams[i].traffic_class = 0;
    datagrams[i].is_fragmented = 0;
    datagrams[i].is_truncated = (messages[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    read_source(&from[i], &datagrams[i]);
    read_control(&messages[i].msg_hdr, &datagrams[i], overflow);
  }
  return received;
}

int clinuxio_udp_send(int fd, const struct clinuxio_address *to, int is_ipv6, const uint8_t *payload,
                      size_t byte_count, uint16_t segment_bytes, uint8_t traffic_class) {
  union {
    char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
    struct cmsghdr align;
  } control;
  struct iovec vector = {(void *)payload, byte_count};
  struct msghdr message = {
      .msg_name = (void *)to->aligned_bytes, .msg_namelen = to->length, .msg_iov = &vector, .msg_iovlen = 1};
  size_t length = 0;
  if (traffic_class != 0) {
    struct cmsghdr *c = (struct cmsghdr *)(control.bytes + length);
    c->cmsg_level = is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    c->cmsg_type = is_ipv6 ? IPV6_TCLASS : IP_TOS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    int value = traffic_class;
    memcpy(CMSG_DATA(c), &value, sizeof value);
    length += CMSG_SPACE(sizeof(int));
  }
  if (segment_bytes != 0) {
    struct cmsghdr *c = (struct cmsghdr *)(control.bytes + length);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    memcpy(CMSG_DATA(c), &segment_bytes, sizeof segment_bytes);
    length += CMSG_SPACE(sizeof(uint16_t));
  }
  if (length > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = length;
  }
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
