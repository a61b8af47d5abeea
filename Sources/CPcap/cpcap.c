#include "cpcap.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static struct {
  pcap_t *(*fopen_offline_with_tstamp_precision)(FILE *file, u_int precision, char *error);
  pcap_t *(*open_dead_with_tstamp_precision)(int link_type, int length, u_int precision);
  pcap_t *(*create)(const char *device, char *error);
  int (*set_snaplen)(pcap_t *handle, int byte_count);
  int (*set_promisc)(pcap_t *handle, int is_on);
  int (*set_timeout)(pcap_t *handle, int milliseconds);
  int (*set_immediate_mode)(pcap_t *handle, int is_on);
  int (*set_buffer_size)(pcap_t *handle, int byte_count);
  int (*set_tstamp_precision)(pcap_t *handle, int precision);
  int (*activate)(pcap_t *handle);
  int (*setdirection)(pcap_t *handle, pcap_direction_t direction);
  int (*get_tstamp_precision)(pcap_t *handle);
  int (*datalink)(pcap_t *handle);
  int (*snapshot)(pcap_t *handle);
  int (*next_ex)(pcap_t *handle, struct pcap_pkthdr **header, const u_char **bytes);
  int (*dispatch)(pcap_t *handle, int count, pcap_handler callback, u_char *user);
  void (*breakloop)(pcap_t *handle);
  int (*stats)(pcap_t *handle, struct pcap_stat *result);
  char *(*geterr)(pcap_t *handle);
  void (*close)(pcap_t *handle);
  int (*get_selectable_fd)(pcap_t *handle);
  int (*setnonblock)(pcap_t *handle, int is_on, char *error);
  int (*compile)(pcap_t *handle, struct bpf_program *result, const char *expression, int optimize, bpf_u_int32 mask);
  int (*setfilter)(pcap_t *handle, struct bpf_program *program);
  int (*offline_filter)(const struct bpf_program *program, const struct pcap_pkthdr *header, const u_char *bytes);
  void (*freecode)(struct bpf_program *program);
  pcap_dumper_t *(*dump_fopen)(pcap_t *handle, FILE *file);
  void (*dump)(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes);
  int (*dump_flush)(pcap_dumper_t *dumper);
  void (*dump_close)(pcap_dumper_t *dumper);
} library;

static const struct {
  const char *name;
  void *place;
} symbols[] = {
  {"pcap_fopen_offline_with_tstamp_precision", &library.fopen_offline_with_tstamp_precision},
  {"pcap_open_dead_with_tstamp_precision", &library.open_dead_with_tstamp_precision},
  {"pcap_create", &library.create},
  {"pcap_set_snaplen", &library.set_snaplen},
  {"pcap_set_promisc", &library.set_promisc},
  {"pcap_set_timeout", &library.set_timeout},
  {"pcap_set_immediate_mode", &library.set_immediate_mode},
  {"pcap_set_buffer_size", &library.set_buffer_size},
  {"pcap_set_tstamp_precision", &library.set_tstamp_precision},
  {"pcap_activate", &library.activate},
  {"pcap_setdirection", &library.setdirection},
  {"pcap_get_tstamp_precision", &library.get_tstamp_precision},
  {"pcap_datalink", &library.datalink},
  {"pcap_snapshot", &library.snapshot},
  {"pcap_next_ex", &library.next_ex},
  {"pcap_dispatch", &library.dispatch},
  {"pcap_breakloop", &library.breakloop},
  {"pcap_stats", &library.stats},
  {"pcap_geterr", &library.geterr},
  {"pcap_close", &library.close},
  {"pcap_get_selectable_fd", &library.get_selectable_fd},
  {"pcap_setnonblock", &library.setnonblock},
  {"pcap_compile", &library.compile},
  {"pcap_setfilter", &library.setfilter},
  {"pcap_offline_filter", &library.offline_filter},
  {"pcap_freecode", &library.freecode},
  {"pcap_dump_fopen", &library.dump_fopen},
  {"pcap_dump", &library.dump},
  {"pcap_dump_flush", &library.dump_flush},
  {"pcap_dump_close", &library.dump_close},
};

static char failure[256];

static void load(void) {
  void *handle = dlopen("libpcap.so.0.8", RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) handle = dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
  for (size_t i = 0; handle != NULL && i < sizeof symbols / sizeof symbols[0]; i++) {
    void *symbol = dlsym(handle, symbols[i].name);
    if (symbol == NULL) {
      handle = NULL;
      break;
    }
    memcpy(symbols[i].place, &symbol, sizeof symbol);
  }
  if (handle != NULL) return;
  const char *message = dlerror();
  strncpy(failure, message != NULL ? message : "libpcap cannot be loaded", sizeof failure - 1);
}

const char *cpcap_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return failure[0] != 0 ? failure : NULL;
}

pcap_t *cpcap_fopen_offline(FILE *file, char *error) {
  pcap_t *handle = library.fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
  if (handle == NULL) fclose(file);
  return handle;
}

pcap_t *cpcap_open_dead(int link_type, int snapshot_length) {
  return library.open_dead_with_tstamp_precision(link_type, snapshot_length, PCAP_TSTAMP_PRECISION_NANO);
}

pcap_t *cpcap_open_dead_with_precision(int link_type, int snapshot_length, int precision) {
  return library.open_dead_with_tstamp_precision(link_type, snapshot_length, (u_int) precision);
}

pcap_t *cpcap_create(const char *device, char *error) { return library.create(device, error); }
int cpcap_set_snaplen(pcap_t *handle, int byte_count) { return library.set_snaplen(handle, byte_count); }
int cpcap_set_promisc(pcap_t *handle, int is_on) { return library.set_promisc(handle, is_on); }
int cpcap_set_timeout(pcap_t *handle, int milliseconds) { return library.set_timeout(handle, milliseconds); }
int cpcap_set_immediate_mode(pcap_t *handle, int is_on) { return library.set_immediate_mode(handle, is_on); }
int cpcap_set_buffer_size(pcap_t *handle, int byte_count) { return library.set_buffer_size(handle, byte_count); }
int cpcap_set_tstamp_precision(pcap_t *handle, int precision) {
  return library.set_tstamp_precision(handle, precision);
}
int cpcap_activate(pcap_t *handle) { return library.activate(handle); }
int cpcap_setdirection(pcap_t *handle, pcap_direction_t direction) { return library.setdirection(handle, direction); }
int cpcap_get_tstamp_precision(pcap_t *handle) { return library.get_tstamp_precision(handle); }
int cpcap_datalink(pcap_t *handle) { return library.datalink(handle); }
int cpcap_snapshot(pcap_t *handle) { return library.snapshot(handle); }
int cpcap_next_ex(pcap_t *handle, struct pcap_pkthdr **header, const u_char **bytes) {
  return library.next_ex(handle, header, bytes);
}
int cpcap_dispatch(pcap_t *handle, int count, pcap_handler callback, u_char *user) {
  return library.dispatch(handle, count, callback, user);
}
void cpcap_breakloop(pcap_t *handle) { library.breakloop(handle); }
int cpcap_stats(pcap_t *handle, struct pcap_stat *result) { return library.stats(handle, result); }

const char *cpcap_geterr(pcap_t *handle) { return library.geterr(handle); }

void cpcap_close(pcap_t *handle) { library.close(handle); }
int cpcap_get_selectable_fd(pcap_t *handle) { return library.get_selectable_fd(handle); }
int cpcap_setnonblock(pcap_t *handle, int is_on, char *error) { return library.setnonblock(handle, is_on, error); }

int cpcap_compile(pcap_t *handle, struct bpf_program *result, const char *expression, int optimize) {
  return library.compile(handle, result, expression, optimize, PCAP_NETMASK_UNKNOWN);
}

int cpcap_setfilter(pcap_t *handle, struct bpf_program *program) { return library.setfilter(handle, program); }
int cpcap_offline_filter(const struct bpf_program *program, const struct pcap_pkthdr *header, const u_char *bytes) {
  return library.offline_filter(program, header, bytes);
}
void cpcap_freecode(struct bpf_program *program) { library.freecode(program); }
pcap_dumper_t *cpcap_dump_fopen(pcap_t *handle, FILE *file) { return library.dump_fopen(handle, file); }

void cpcap_dump(pcap_dumper_t *dumper, const struct pcap_pkthdr *header, const u_char *bytes) {
  library.dump((u_char *) dumper, header, bytes);
}

int cpcap_dump_flush(pcap_dumper_t *dumper) { return library.dump_flush(dumper); }
void cpcap_dump_close(pcap_dumper_t *dumper) { library.dump_close(dumper); }
