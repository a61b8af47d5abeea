/* Sends the datagrams that it reads from standard input, at a steady rate, and prints how many it sent.
 *
 *   blast SOURCE DESTINATION PORT RATE < RECORDS     records: 16-bit little-endian length, then that many bytes
 *
 * Exit status: 0 all sent, 1 something failed (said on standard error).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 16, BYTES = 1 << 16 };

static int resolve(const char *text, uint16_t port, struct sockaddr_storage *into)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)into;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)into;
    memset(into, 0, sizeof *into);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return 0;
    }
    fprintf(stderr, "blast: %s is no IP address\n", text);
    return -1;
}

/* Reads up to BATCH records. Returns how many, or -1 for a record that is cut short. */
static int read_batch(unsigned char (*bytes)[BYTES], struct iovec *parts)
{
    int count = 0;
    for (; count < BATCH; count++) {
        uint16_t length;
        if (fread(&length, sizeof length, 1, stdin) != 1)
            break;
        if (fread(bytes[count], 1, length, stdin) != length)
            return -1;
        parts[count].iov_base = bytes[count];
        parts[count].iov_len = length;
    }
    return count;
}

static int send_all(int fd, struct mmsghdr *messages, int count)
{
    for (int done = 0; done < count;) {
        int sent = sendmmsg(fd, messages + done, count - done, 0);
        if (sent > 0)
            done += sent;
        else if (errno != EINTR && errno != EAGAIN && errno != ENOBUFS)
            return -1;
    }
    return 0;
}

static void wait_for(const struct timespec *begin, double seconds)
{
    struct timespec until = *begin;
    long nanoseconds = until.tv_nsec + (long)((seconds - (time_t)seconds) * 1e9);
    until.tv_sec += (time_t)seconds + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

int main(int argc, char **argv)
{
    static unsigned char bytes[BATCH][BYTES];
    struct sockaddr_storage source, destination;
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    struct timespec begin;
    long total = 0;
    int count;

    if (argc != 5) {
        fprintf(stderr, "usage: blast SOURCE DESTINATION PORT RATE < RECORDS\n");
        return 64;
    }
    if (resolve(argv[1], 0, &source) || resolve(argv[2], (uint16_t)atoi(argv[3]), &destination))
        return 1;
    double rate = atof(argv[4]);
    int fd = socket(source.ss_family, SOCK_DGRAM, 0), yes = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)&source, sizeof source) != 0) {
        perror("blast: bind");
        return 1;
    }
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_name = &destination;
        messages[i].msg_hdr.msg_namelen = sizeof destination;
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &begin);
    while ((count = read_batch(bytes, parts)) > 0) {
        wait_for(&begin, total / rate);
        if (send_all(fd, messages, count) != 0) {
            perror("blast: sendmmsg");
            return 1;
        }
        total += count;
    }
    if (count < 0) {
        fprintf(stderr, "blast: the last record is cut short\n");
        return 1;
    }
    printf("%ld\n", total);
    return 0;
}
