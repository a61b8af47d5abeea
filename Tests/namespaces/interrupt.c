/* Loaded in front of a program (LD_PRELOAD): SIGALRM interrupts whatever call a thread of it is in, and does nothing
 * else. Without, it would end the program.
 */
#define _GNU_SOURCE
#include <signal.h>

static void nothing(int number) { (void)number; }

__attribute__((constructor)) static void begin(void)
{
    /* No SA_RESTART: calls answer EINTR. */
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, 0);
}
