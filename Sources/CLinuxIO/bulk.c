#define _GNU_SOURCE
#include "clinuxio_bulk.h"

#include <errno.h>
#include <sys/socket.h>

int clinuxio_udp_send_copies(int fd, const uint8_t *payload, size_t byte_count, int count) {
  struct iovec vector = {(void *)payload, byte_count};
  struct mmsghdr messages[CLINUXIO_BULK_COUNT_MAX];
  if (count > CLINUXIO_BULK_COUNT_MAX) count = CLINUXIO_BULK_COUNT_MAX;
  for (int i = 0; i < count; i++)
    messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
  int sent = sendmmsg(fd, messages, (unsigned)count, 0);
  return sent < 0 ? -errno : sent;
}

int clinuxio_udp_receive_bulk(int fd, uint8_t *buffer, size_t byte_count) {
  struct iovec vector = {buffer, byte_count};
  struct mmsghdr messages[CLINUXIO_BULK_COUNT_MAX];
  for (int i = 0; i < CLINUXIO_BULK_COUNT_MAX; i++)
    messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
  int received = recvmmsg(fd, messages, CLINUXIO_BULK_COUNT_MAX, MSG_WAITFORONE, NULL);
  return received < 0 ? -errno : received;
}
