// TAP devices: the ioctls of /dev/net/tun. Every function answers 0 or more, or -errno.
// Source: Documentation/networking/tuntap.rst, include/uapi/linux/if_tun.h.
#ifndef CLINUXIO_TAP_H
#define CLINUXIO_TAP_H

#include <stdint.h>

// Opens /dev/net/tun, attaches to the TAP device `name` (created if absent) with a virtio-net header of 10 bytes in
// front of every frame. Non-blocking, close-on-exec. With `is_multi_queue` each call adds a queue (IFF_MULTI_QUEUE),
// numbered in the order of the calls; without, a second call is refused with EBUSY. A device keeps the kind with which
// it was made: the other is refused with EINVAL. Answers the descriptor.
int clinuxio_tap_open(const char *name, int is_multi_queue);

// Attaches an open descriptor of /dev/net/tun to the device `name` as above: again, when the device was deleted.
int clinuxio_tap_attach(int fd, const char *name, int is_multi_queue);

// TUNSETOFFLOAD: what the kernel may hand over unfinished. 0 = nothing.
int clinuxio_tap_set_offload(int fd, unsigned flags);

// TUNGETIFF: whether the device exists behind the descriptor, and whether it stays without it.
int clinuxio_tap_is_persistent(int fd);

// What a descriptor of /dev/net/tun is attached to.
struct clinuxio_tap {
  char name[16];  // ends with zero
  int is_plain;   // a TAP with a virtio-net header of 10 bytes and nothing else in front of frames, as opened above
  int is_multi_queue;
};

// TUNGETIFF and TUNGETVNETHDRSZ. EBADFD while the device is gone, ENOTTY for a descriptor of something else.
int clinuxio_tap_describe(int fd, struct clinuxio_tap *tap);

#endif
