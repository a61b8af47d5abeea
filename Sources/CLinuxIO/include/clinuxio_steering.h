// Which of several queues or sockets an inner flow belongs to, decided in the kernel.
//
// One small program, for two of the kernel's machines: classic BPF for a group of UDP sockets (SO_REUSEPORT), extended
// BPF for the queues of a TAP. It reads the inner frame only and answers the same number for both directions of a flow,
// so the socket and the queue of a flow have one number, whichever way its packets go.
//
// The flow: addresses and protocol and, for TCP, UDP and SCTP outside fragments, ports, behind one VLAN tag too. Any
// other frame: its two MAC addresses. What is too short to tell: number 0.
//
// Source: socket(7) SO_ATTACH_REUSEPORT_CBPF; linux/filter.h; linux/bpf.h; linux/if_tun.h TUNSETSTEERINGEBPF.
#ifndef CLINUXIO_STEERING_H
#define CLINUXIO_STEERING_H

// SO_ATTACH_REUSEPORT_CBPF: VXLAN datagrams for the group of `fd` go to the socket that was bound as number 0 to
// `count` - 1, by their inner flow. Answers 0 or -errno.
int clinuxio_steer_sockets(int fd, int count);

// Loads the program for TAPs of `count` queues; needs CAP_BPF, or a system that lets everybody load programs. Answers a
// descriptor, or -errno.
int clinuxio_steering_load(int count);

// TUNSETSTEERINGEBPF: frames for the TAP of `fd` go to the queue that `program` answers. Device-wide, and gone with the
// device. Answers 0 or -errno.
int clinuxio_steer_tap(int fd, int program);

#endif
