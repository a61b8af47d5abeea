// What Swift cannot import of Linux's interfaces: macros that take arguments, variadic calls, structures with
// flexible or overlaid parts. No logic.
#ifndef CLINUXIO_H
#define CLINUXIO_H

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "clinuxio_bulk.h"
#include "clinuxio_ethtool.h"
#include "clinuxio_memory.h"
#include "clinuxio_privileges.h"
#include "clinuxio_steering.h"
#include "clinuxio_tap.h"
#include "clinuxio_thread.h"
#include "clinuxio_udp.h"
#include "clinuxio_passing.h"
#include "clinuxio_process.h"
#include "clinuxio_sharing.h"

#endif
