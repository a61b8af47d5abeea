/* Loaded in front of the C library (LD_PRELOAD), a kernel that refuses what $REFUSE names; all else is passed on.
 *
 *   send   every send with UDP_SEGMENT answers EIO, as Linux before 6.11 does on a device without checksum offload, and
 *          any Linux on a route through xfrm
 *   steer  SO_ATTACH_REUSEPORT_CBPF answers EPERM, as where a security module forbids it
 *   uso    TUNSETOFFLOAD with UDP superframes answers EINVAL, as Linux before 6.2 does
 *   write  every superframe that is written into a TAP answers EINVAL, as some 6.1 and 6.6 kernels do
 *   thread the thread with the number $REFUSE_NUMBER, from 1, of those that the process makes, answers EAGAIN, as where
 *          a limit is reached
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    int (*next)(int, int, int, const void *, socklen_t) =
        (int (*)(int, int, int, const void *, socklen_t))dlsym(RTLD_NEXT, "setsockopt");

    if (refuses("steer") && level == SOL_SOCKET && name == SO_ATTACH_REUSEPORT_CBPF) {
        errno = EPERM;
        return -1;
    }
    return next(fd, level, name, value, length);
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*next)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    /* TUN_F_USO4 and TUN_F_USO6. */
    if (refuses("uso") && request == TUNSETOFFLOAD && (unsigned long)argument & 0x60) {
        errno = EINVAL;
        return -1;
    }
    return next(fd, request, argument);
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

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    static int made;
    const char *number = getenv("REFUSE_NUMBER");

    if (refuses("thread") && number && __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED) == atoi(number))
        return EAGAIN;
    return next(thread, attributes, body, argument);
}
