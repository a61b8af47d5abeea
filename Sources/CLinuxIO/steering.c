#define _GNU_SOURCE
#include "clinuxio_steering.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif

// What the program for TAPs is made of. A is the accumulator, X the index register, M one word of memory. A load beyond
// the packet ends the program with 0.
enum operation {
  LOAD4 = BPF_LD | BPF_ABS | BPF_W,   // A = 4 bytes at k
  LOAD2 = BPF_LD | BPF_ABS | BPF_H,   // A = 2 bytes at k
  LOAD1 = BPF_LD | BPF_ABS | BPF_B,   // A = the byte at k
  LOAD2X = BPF_LD | BPF_IND | BPF_H,  // A = 2 bytes at X + k
  AND = BPF_ALU | BPF_AND | BPF_K,
  SHIFT_LEFT = BPF_ALU | BPF_LSH | BPF_K,
  SHIFT_RIGHT = BPF_ALU | BPF_RSH | BPF_K,
  MULTIPLY = BPF_ALU | BPF_MUL | BPF_K,
  REMAINDER = BPF_ALU | BPF_MOD | BPF_K,
  XOR_X = BPF_ALU | BPF_XOR | BPF_X,  // A ^= X
  TO_X = BPF_MISC | BPF_TAX,          // X = A
  FROM_X = BPF_MISC | BPF_TXA,        // A = X
  KEEP = BPF_ST,                      // M = A
  RECALL = BPF_LDX | BPF_MEM,         // X = M
  IF = BPF_JMP | BPF_JEQ | BPF_K,     // skips when A == k
  IF_ANY = BPF_JMP | BPF_JSET | BPF_K,  // skips when A & k
  SKIP = BPF_JMP | BPF_JA,
  ANSWER = BPF_RET | BPF_A,
};

enum { STEPS_MAX = 192 };

struct step {
  uint16_t operation;
  uint8_t skip;  // steps that a jump passes over
  uint32_t k;
};

struct program {
  struct step steps[STEPS_MAX];
  int count;
};

// The program has a fixed length, for which there is room.
static int add(struct program *p, enum operation operation, uint32_t k) {
  if (p->count == STEPS_MAX) abort();
  p->steps[p->count] = (struct step){(uint16_t)operation, 0, k};
  return p->count++;
}

// The jump that was added as `index` leads to the step that is added next.
static void land(struct program *p, int index) { p->steps[index].skip = (uint8_t)(p->count - index - 1); }

// A = the 4 bytes at `at`, mixed with what was kept.
static void add_word(struct program *p, uint32_t at) {
  add(p, LOAD4, at);
  add(p, RECALL, 0);
  add(p, XOR_X, 0);
  add(p, KEEP, 0);
}

// Mixes the port at `port` of the packet, behind an IPv4 header of any length or at a fixed place, with what was kept.
static void add_port(struct program *p, uint32_t ip, uint32_t port, int is_ipv4) {
  if (is_ipv4) {
    add(p, LOAD1, ip);
    add(p, AND, 0x0F);
    add(p, SHIFT_LEFT, 2);
    add(p, TO_X, 0);
    add(p, LOAD2X, ip + port);
  } else {
    add(p, LOAD2, ip + port);
  }
  add(p, RECALL, 0);
  add(p, XOR_X, 0);
  add(p, KEEP, 0);
}

// With the protocol in A: jumps when it is one with ports.
static void add_has_ports(struct program *p, int jumps[3]) {
  jumps[0] = add(p, IF, 6);
  jumps[1] = add(p, IF, 17);
  jumps[2] = add(p, IF, 132);
}

// Leaves in M a number of the flow whose packet begins at `ip`, symmetric in its two ends: every part of one end is
// only ever combined with the same part of the other by exclusive or.
static void add_ipv4(struct program *p, uint32_t ip) {
  int jumps[3];
  add(p, LOAD4, ip + 12);
  add(p, KEEP, 0);
  add_word(p, ip + 16);
  add(p, LOAD1, ip + 9);
  add_has_ports(p, jumps);
  int none = add(p, SKIP, 0);
  for (int i = 0; i < 3; i++) land(p, jumps[i]);
  add(p, LOAD2, ip + 6);
  int fragment = add(p, IF_ANY, 0x3FFF);
  add_port(p, ip, 0, 1);
  add_port(p, ip, 2, 1);
  land(p, none);
  land(p, fragment);
}

static void add_ipv6(struct program *p, uint32_t ip) {
  int jumps[3];
  add(p, LOAD4, ip + 8);
  add(p, KEEP, 0);
  for (uint32_t word = 1; word < 8; word++) add_word(p, ip + 8 + 4 * word);
  add(p, LOAD1, ip + 6);
  add_has_ports(p, jumps);
  int none = add(p, SKIP, 0);
  for (int i = 0; i < 3; i++) land(p, jumps[i]);
  add_port(p, ip, 40, 0);
  add_port(p, ip, 42, 0);
  land(p, none);
}

// The frame begins at `frame`, its EtherType, which is in A, at `type`.
static void add_frame(struct program *p, uint32_t frame, uint32_t type) {
  int is_ipv4 = add(p, IF, 0x0800);
  int is_ipv6 = add(p, IF, 0x86DD);
  // The lower four bytes of both MAC addresses.
  add(p, LOAD4, frame + 2);
  add(p, KEEP, 0);
  add_word(p, frame + 8);
  int end = add(p, SKIP, 0);
  land(p, is_ipv4);
  add_ipv4(p, type + 2);
  int end4 = add(p, SKIP, 0);
  land(p, is_ipv6);
  add_ipv6(p, type + 2);
  land(p, end);
  land(p, end4);
}

// A ^= A >> shift.
static void add_fold(struct program *p, uint32_t shift) {
  add(p, TO_X, 0);
  add(p, SHIFT_RIGHT, shift);
  add(p, XOR_X, 0);
}

static void build(struct program *p, int count) {
  const uint32_t frame = 0;
  p->count = 0;
  add(p, LOAD2, frame + 12);
  int c_tag = add(p, IF, 0x8100);
  int s_tag = add(p, IF, 0x88A8);
  add_frame(p, frame, frame + 12);
  int end = add(p, SKIP, 0);
  land(p, c_tag);
  land(p, s_tag);
  add(p, LOAD2, frame + 16);
  add_frame(p, frame, frame + 16);
  land(p, end);
  // Neighbouring addresses and ports differ in few bits: odd multipliers and folds let each bit reach all of them.
  add(p, RECALL, 0);
  add(p, FROM_X, 0);
  add_fold(p, 16);
  add(p, MULTIPLY, 0x9E3779B1);
  add_fold(p, 15);
  add(p, MULTIPLY, 0x85EBCA77);
  add_fold(p, 16);
  add(p, REMAINDER, (uint32_t)count);
  add(p, ANSWER, 0);
}

int clinuxio_steer_sockets(int fd, int count) {
  // The kernel shows the UDP payload; the headers before it are at SKF_NET_OFF. IPv6 extension headers lie where the
  // port would: what is read then is the same for a whole flow too.
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_ABS | BPF_B, (uint32_t)SKF_NET_OFF),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 0, 2),
      BPF_STMT(BPF_LD | BPF_ABS | BPF_H, (uint32_t)SKF_NET_OFF + 40),
      BPF_JUMP(BPF_JMP | BPF_JA, 2, 0, 0),
      BPF_STMT(BPF_LDX | BPF_MSH | BPF_B, (uint32_t)SKF_NET_OFF),
      BPF_STMT(BPF_LD | BPF_IND | BPF_H, (uint32_t)SKF_NET_OFF),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, (uint32_t)count),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  struct sock_fprog attached = {.len = sizeof program / sizeof program[0], .filter = program};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached, sizeof attached) < 0 ? -errno : 0;
}

// A is r0, where loads leave what they read; X is r7, M is r8; r6 holds the packet, as loads want it.
static struct bpf_insn extended(struct step step) {
  enum { A = 0, PACKET = 6, X = 7, M = 8, MOVE = BPF_ALU | BPF_MOV | BPF_X };
  struct bpf_insn one = {.code = (uint8_t)step.operation, .imm = (int32_t)step.k};
  switch (step.operation) {
    case LOAD2X:
    case XOR_X:
      one.src_reg = X;
      break;
    case TO_X:
      one = (struct bpf_insn){.code = MOVE, .dst_reg = X, .src_reg = A};
      break;
    case FROM_X:
      one = (struct bpf_insn){.code = MOVE, .dst_reg = A, .src_reg = X};
      break;
    case KEEP:
      one = (struct bpf_insn){.code = MOVE, .dst_reg = M, .src_reg = A};
      break;
    case RECALL:
      one = (struct bpf_insn){.code = MOVE, .dst_reg = X, .src_reg = M};
      break;
    case IF:
    case IF_ANY:
    case SKIP:
      one.off = step.skip;
      break;
    case ANSWER:
      one.code = BPF_JMP | BPF_EXIT;
      break;
    default:
      break;
  }
  return one;
}

int clinuxio_steering_load(int count) {
  struct program program;
  struct bpf_insn instructions[STEPS_MAX + 1];
  build(&program, count);
  instructions[0] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1};
  for (int i = 0; i < program.count; i++) instructions[i + 1] = extended(program.steps[i]);
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attributes.insns = (uint64_t)(uintptr_t)instructions;
  attributes.insn_cnt = (uint32_t)program.count + 1;
  attributes.license = (uint64_t)(uintptr_t)"Apache-2.0";
  // Descriptors of programs are close-on-exec.
  long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
  return fd < 0 ? -errno : (int)fd;
}

int clinuxio_steer_tap(int fd, int program) { return ioctl(fd, TUNSETSTEERINGEBPF, &program) < 0 ? -errno : 0; }
