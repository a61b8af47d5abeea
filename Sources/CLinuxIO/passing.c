#define _GNU_SOURCE
#include "clinuxio_passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
  char bytes[CMSG_SPACE(sizeof(int) * CLINUXIO_PASSED_MAX)];
  struct cmsghdr align;
};

int clinuxio_pass(int fd, const uint8_t *bytes, size_t byte_count, const int *descriptors, int count) {
  if (count < 0 || count > CLINUXIO_PASSED_MAX) return -E2BIG;
  union control control;
  struct iovec vector = {(void *)bytes, byte_count};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (count > 0) {
    size_t length = sizeof(int) * (size_t)count;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(length);
    memset(control.bytes, 0, message.msg_controllen);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(c), descriptors, length);
  }
  ssize_t sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return -errno;
  return (size_t)sent == byte_count ? 0 : -EMSGSIZE;
}

int clinuxio_take_passed(int fd, uint8_t *bytes, size_t byte_count, int *descriptors, int *count) {
  union control control;
  struct iovec vector = {bytes, byte_count};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  *count = 0;
  ssize_t received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (received < 0) return -errno;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    // The kernel joins all rights of a message into one header, of at most as many as there is room for.
    int passed = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(descriptors, CMSG_DATA(c), sizeof(int) * (size_t)passed);
    *count = passed;
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) return (int)received;
  for (int i = 0; i < *count; i++) close(descriptors[i]);
  *count = 0;
  return -EMSGSIZE;
}

int clinuxio_peer(int fd, int *pid, unsigned *uid) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
  *pid = credentials.pid;
  *uid = credentials.uid;
  return 0;
}
