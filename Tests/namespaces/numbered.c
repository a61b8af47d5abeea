/* Numbered datagrams: sends them at a steady rate, or takes them and says which came how often.
 *
 *   numbered send SOURCE DESTINATION PORT RATE COUNT BYTES     prints how many the kernel took
 *   numbered take ADDRESS PORT COUNT QUIET                 until none came for QUIET seconds after COUNT or SIGTERM;
 *                                  prints: COUNT-OF-DIFFERENT COUNT-OF-REPEATED FIRST-MISSING DROPPED-BY-THE-SOCKET
 *
 * A datagram begins with its number, 64 bits in the machine's order, from 0. BYTES are those of the UDP payload.
 * Exit status: 0 done, 1 something failed (said on standard error).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, BYTES_MAX = 1 << 11, RECEIVE_BYTES = 8 << 20 };

static volatile sig_atomic_t ending;

static void end(int number) { (void)number, ending = 1; }

static void fail(const char *what)
{
    fprintf(stderr, "numbered: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct sockaddr_in address(const char *text, const char *port)
{
    struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    errno = EINVAL;
    if (inet_pton(AF_INET, text, &made.sin_addr) != 1)
        fail(text);
    return made;
}

static int bound(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)to, sizeof *to) != 0)
        fail("bind");
    return fd;
}

static void wait_for(const struct timespec *begin, double seconds)
{
    struct timespec until = *begin;
    long nanoseconds = until.tv_nsec + (long)((seconds - (time_t)seconds) * 1e9);
    until.tv_sec += (time_t)seconds + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR && !ending)
        ;
}

static void prepare(struct mmsghdr *messages, struct iovec *parts, unsigned char (*bytes)[BYTES_MAX], size_t length)
{
    memset(messages, 0, BATCH * sizeof *messages);
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){bytes[i], length};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
}

static int send_numbers(char **argv)
{
    static unsigned char bytes[BATCH][BYTES_MAX];
    struct sockaddr_in source = address(argv[0], "0"), destination = address(argv[1], argv[2]);
    double rate = atof(argv[3]);
    uint64_t count = strtoull(argv[4], NULL, 10), number = 0;
    size_t length = (size_t)atoi(argv[5]);
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct timespec begin;
    int fd = bound(&source);
    if (length < sizeof number || length > BYTES_MAX)
        return 1;
    if (connect(fd, (struct sockaddr *)&destination, sizeof destination) != 0)
        fail("connect");
    prepare(messages, parts, bytes, length);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (number < count && !ending) {
        unsigned batch = count - number < BATCH ? (unsigned)(count - number) : BATCH;
        for (unsigned i = 0; i < batch; i++) {
            uint64_t own = number + i;
            memcpy(bytes[i], &own, sizeof own);
        }
        wait_for(&begin, (double)number / rate);
        for (unsigned done = 0; done < batch;) {
            int sent = sendmmsg(fd, messages + done, batch - done, 0);
            if (sent > 0)
                done += (unsigned)sent;
            else if (errno != EINTR && errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED)
                fail("sendmmsg");
        }
        number += batch;
    }
    printf("%llu\n", (unsigned long long)number);
    return 0;
}

/* The socket's own losses come with the datagrams behind them. */
static uint32_t dropped_before(struct msghdr *message, uint32_t known)
{
    for (struct cmsghdr *note = CMSG_FIRSTHDR(message); note; note = CMSG_NXTHDR(message, note))
        if (note->cmsg_level == SOL_SOCKET && note->cmsg_type == SO_RXQ_OVFL)
            memcpy(&known, CMSG_DATA(note), sizeof known);
    return known;
}

static int take_numbers(char **argv)
{
    static unsigned char bytes[BATCH][BYTES_MAX], notes[BATCH][64];
    struct sockaddr_in own = address(argv[0], argv[1]);
    uint64_t count = strtoull(argv[2], NULL, 10), different = 0, repeated = 0, missing = 0;
    int quiet = (int)(atof(argv[3]) * 1000), one = 1, room = RECEIVE_BYTES, fd = bound(&own);
    uint32_t dropped = 0;
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    unsigned char *seen = calloc(1, count / 8 + 1);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (!seen || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0
        || setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one) != 0)
        fail("setsockopt");
    prepare(messages, parts, bytes, BYTES_MAX);
    fprintf(stderr, "taking\n");
    for (;;) {
        int over = ending || different == count;
        int some = poll(&ready, 1, over ? quiet : 100);
        if (some == 0 && over)
            break;
        if (some <= 0)
            continue;
        for (int i = 0; i < BATCH; i++) {
            messages[i].msg_hdr.msg_control = notes[i];
            messages[i].msg_hdr.msg_controllen = sizeof notes[i];
        }
        int got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < got; i++) {
            uint64_t number;
            dropped = dropped_before(&messages[i].msg_hdr, dropped);
            memcpy(&number, bytes[i], sizeof number);
            if (messages[i].msg_len < sizeof number || number >= count)
                continue;
            if (seen[number / 8] & 1 << number % 8)
                repeated++;
            else
                different++;
            seen[number / 8] |= (unsigned char)(1 << number % 8);
        }
    }
    while (missing < count && seen[missing / 8] & 1 << missing % 8)
        missing++;
    printf("%llu %llu %llu %u\n", (unsigned long long)different, (unsigned long long)repeated,
           (unsigned long long)missing, dropped);
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    if (argc == 8 && strcmp(argv[1], "send") == 0)
        return send_numbers(argv + 2);
    if (argc == 6 && strcmp(argv[1], "take") == 0)
        return take_numbers(argv + 2);
    fprintf(stderr, "usage: numbered send SOURCE DESTINATION PORT RATE COUNT BYTES | take ADDRESS PORT COUNT QUIET\n");
    return 64;
}
