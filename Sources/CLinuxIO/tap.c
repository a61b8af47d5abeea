#define _GNU_SOURCE
#include "clinuxio_tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int clinuxio_tap_attach(int fd, const char *name, int is_multi_queue) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  if (is_multi_queue) request.ifr_flags |= IFF_MULTI_QUEUE;
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  int header = sizeof(struct virtio_net_hdr);
  if (ioctl(fd, TUNSETIFF, &request) < 0) return -errno;
  return ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 ? -errno : 0;
}

int clinuxio_tap_open(const char *name, int is_multi_queue) {
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -errno;
  int result = clinuxio_tap_attach(fd, name, is_multi_queue);
  if (result == 0) return fd;
  close(fd);
  return result;
}

int clinuxio_tap_set_offload(int fd, unsigned flags) {
  return ioctl(fd, TUNSETOFFLOAD, (unsigned long)flags) < 0 ? -errno : 0;
}

int clinuxio_tap_is_persistent(int fd) {
  struct ifreq request = {0};
  if (ioctl(fd, TUNGETIFF, &request) < 0) return -errno;
  return (request.ifr_flags & IFF_PERSIST) != 0;
}

int clinuxio_tap_describe(int fd, struct clinuxio_tap *tap) {
  struct ifreq request = {0};
  int header = 0;
  if (ioctl(fd, TUNGETIFF, &request) < 0) return -errno;
  if (ioctl(fd, TUNGETVNETHDRSZ, &header) < 0) return -errno;
  memcpy(tap->name, request.ifr_name, sizeof tap->name);
  tap->name[sizeof tap->name - 1] = 0;
  int kind = request.ifr_flags & (IFF_TAP | IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
  tap->is_plain = kind == (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR) && header == (int)sizeof(struct virtio_net_hdr);
  tap->is_multi_queue = (request.ifr_flags & IFF_MULTI_QUEUE) != 0;
  return 0;
}
