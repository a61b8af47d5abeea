/* Loaded in front of the C library (LD_PRELOAD), a kernel that refuses what $REFUSE names; all else is passed on.
 *
 *   send   every send with UDP_SEGMENT answers EIO, as Linux before 6.11 does on a device without checksum offload, and
 *          any Linux on a route through xfrm
 *   write  every superframe that is written into a TAP answers EINVAL, as some 6.1 and 6.6 kernels do
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static int refuses(const char *what)
{
    const char *named = getenv("REFUSE");
    return named && strcmp(named, what) == 0;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t (*next)(int, const struct msghdr *, int) =
        (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
    struct msghdr *walked = (struct msghdr *)message;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(walked); c && refuses("send"); c = CMSG_NXTHDR(walked, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT) {
            errno = EIO;
            return -1;
        }
    }
    return next(fd, message, flags);
}

ssize_t writev(int fd, const struct iovec *vectors, int count)
{
    ssize_t (*next)(int, const struct iovec *, int) =
        (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");

    /* A TAP's writes begin with the 10 bytes of its header; byte 1 says whether it is a superframe. */
    if (refuses("write") && count > 1 && vectors[0].iov_len == sizeof(struct virtio_net_hdr) &&
        ((const struct virtio_net_hdr *)vectors[0].iov_base)->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
        errno = EINVAL;
        return -1;
    }
    return next(fd, vectors, count);
}
