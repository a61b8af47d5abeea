// libpcap, loaded when the first capture is opened, so that an agent has nothing of it (nor of what libpcap itself
// needs). Each function is the one of libpcap that it is named after; cpcap_load comes before any other.
// Source: pcap(3PCAP) of libpcap 1.10.
#ifndef CPCAP_H
#define CPCAP_H

#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

// Loads libpcap. Answers NULL, or why it cannot be: a text that stays. Any thread, any number of times.
const char *cpcap_load(void);

// Room for one of libpcap's messages.
enum { CPCAP_ERROR_SIZE = PCAP_ERRBUF_SIZE };

// A file, already open, whose times are told in nanoseconds. It is closed with the handle, or here when NULL is
// answered.
pcap_t *cpcap_fopen_offline(FILE *file, char *error);
pcap_t *cpcap_open_dead(int link_type, int snapshot_length);
pcap_t *cpcap_open_dead_with_precision(int link_type, int snapshot_length, int precision);
pcap_t *cpcap_create(const char *device, char *error);
int cpcap_set_snaplen(pcap_t *handle, int byte_count);
int cpcap_set_promisc(pcap_t *handle, int is_on);
int cpcap_set_timeout(pcap_t *handle, int milliseconds);
int cpcap_set_immediate_mode(pcap_t *handle, int is_on);
int cpcap_set_buffer_size(pcap_t *handle, int byte_count);
int cpcap_set_tstamp_precision(pcap_t *handle, int precision);
int cpcap_activate(pcap_t *handle);
int cpcap_setdirection(pcap_t *handle, pcap_direction_t direction);
int cpcap_get_tstamp_precision(pcap_t *handle);
int cpcap_datalink(pcap_t *handle);
int cpcap_snapshot(pcap_t *handle);
int cpcap_next_ex(pcap_t *handle, struct pcap_pkthdr **header, const u_char **bytes);
int cpcap_dispatch(pcap_t *handle, int count, pcap_handler callback, u_char *user);
void cpcap_breakloop(pcap_t *handle);
int cpcap_stats(pcap_t *handle, struct pcap_stat *result);
const char *cpcap_geterr(pcap_t *handle);
void cpcap_close(pcap_t *handle);
int cpcap_get_selectable_fd(pcap_t *handle);
int cpcap_setnonblock(pcap_t *handle, int is_on, char *error);

// `handle` gives the link type and the snapshot length.
int cpcap_compile(pcap_t *handle, struct bpf_program *result, const char *expression, int optimize);
int cpcap_setfilter(pcap_t *handle, struct bpf_program *program);
int cpcap_offline_filter(const struct bpf_program *program, const struct pcap_pkthdr *header, const u_char *bytes);
void cpcap_freecode(struct bpf_program *program);

// Writes classic pcap with the handle's link type, snapshot length and precision. The file is closed with the dump.
pcap_dumper_t *cpcap_dump_fopen(pcap_t *handle, FILE *file);
void cpcap_dump(pcap_dumper_t *dumper, const struct pcap_pkthdr *header, const u_char *bytes);
int cpcap_dump_flush(pcap_dumper_t *dumper);
void cpcap_dump_close(pcap_dumper_t *dumper);

#endif
