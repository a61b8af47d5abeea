// Which of several queues or sockets a flow belongs to, decided in the kernel.
//
// The queues of a TAP by extended BPF, from the inner frame, the same number for both directions: addresses and
// protocol and, for TCP, UDP and SCTP outside fragments, ports, behind one VLAN tag too. Any other frame: its two MAC
// addresses. What is too short to tell: number 0.
//
// The sockets of a group (SO_REUSEPORT) by classic BPF, from the outer source port. Not from the inner frame: the
// kernel chooses once for a whole UDP_SEGMENT or UDP_GRO buffer, in which datagrams of several inner flows may stand.
//
// Source: socket(7) SO_ATTACH_REUSEPORT_CBPF; linux/filter.h; linux/bpf.h; linux/if_tun.h TUNSETSTEERINGEBPF.
#ifndef CLINUXIO_STEERING_H
#define CLINUXIO_STEERING_H

// SO_ATTACH_REUSEPORT_CBPF: datagrams for the group of `fd` go to the socket that was bound as number 0 to
// `count` - 1, by the port that they come from. Answers 0 or -errno.
int clinuxio_steer_sockets(int fd, int count);

// Loads the program for TAPs of `count` queues; needs CAP_BPF, or a system that lets everybody load programs. Answers a
// descriptor, or -errno.
int clinuxio_steering_load(int count);

// TUNSETSTEERINGEBPF: frames for the TAP of `fd` go to the queue that `program` answers. Device-wide, and gone with the
// device. Answers 0 or -errno.
int clinuxio_steer_tap(int fd, int program);

#endif
