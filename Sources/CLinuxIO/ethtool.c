#include "clinuxio_ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// More features than any kernel has; a later kernel with more is told apart by its own count.
enum { FEATURE_COUNT_MAX = 1024, BLOCK_COUNT_MAX = FEATURE_COUNT_MAX / 32 };

static int call(int fd, const char *device, void *data) {
  struct ifreq request = {0};
  if (strlen(device) >= IFNAMSIZ) return -ENODEV;
  memcpy(request.ifr_name, device, strlen(device));
  request.ifr_data = data;
  return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

// The memory of one request: a fixed head and what lies behind it, all words of 32 bits.
union request {
  struct ethtool_sset_info info;
  struct ethtool_sfeatures wanted;
  struct ethtool_gfeatures found;
  uint32_t words[4 + 4 * BLOCK_COUNT_MAX];
};

// How many features the kernel knows, or -errno.
static int feature_count(int fd, const char *device) {
  union request request = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
  int failure = call(fd, device, &request);
  if (failure != 0) return failure;
  if (request.info.sset_mask == 0) return -EOPNOTSUPP;
  uint32_t count = request.info.data[0];
  return count > FEATURE_COUNT_MAX ? -EOVERFLOW : (int)count;
}

// The feature's place among `count`, -ENOENT when no feature has the name, or another -errno.
static int feature_index(int fd, const char *device, const char *feature, int count) {
  struct ethtool_gstrings *names = calloc(1, sizeof *names + (size_t)count * ETH_GSTRING_LEN);
  if (names == NULL) return -ENOMEM;
  names->cmd = ETHTOOL_GSTRINGS;
  names->string_set = ETH_SS_FEATURES;
  names->len = (uint32_t)count;
  int index = call(fd, device, names);
  if (index == 0) {
    index = -ENOENT;
    for (int i = 0; i < count; i++)
      if (strncmp((const char *)names->data + i * ETH_GSTRING_LEN, feature, ETH_GSTRING_LEN) == 0) index = i;
  }
  free(names);
  return index;
}

static int set_feature(int fd, const char *device, const char *feature, int is_on) {
  int count = feature_count(fd, device);
  if (count < 0) return count;
  int index = feature_index(fd, device, feature, count);
  if (index < 0) return index == -ENOENT ? 0 : index;
  uint32_t block = (uint32_t)index / 32, bit = 1u << (index % 32), blocks = ((uint32_t)count + 31) / 32;

  union request request = {.wanted = {.cmd = ETHTOOL_SFEATURES, .size = blocks}};
  request.wanted.features[block] = (struct ethtool_set_features_block){.valid = bit, .requested = is_on ? bit : 0};
  int failure = call(fd, device, &request);
  if (failure < 0) return failure;

  request = (union request){.found = {.cmd = ETHTOOL_GFEATURES, .size = blocks}};
  failure = call(fd, device, &request);
  if (failure < 0) return failure;
  return ((request.found.features[block].active & bit) != 0) == (is_on != 0);
}

int clinuxio_link_set_feature(const char *device, const char *feature, int is_on) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int result = set_feature(fd, device, feature, is_on);
  close(fd);
  return result;
}
