#include "cvxlan.h"

#include <string.h>

// One build for each width of vectors; the loader takes the widest that the processor has. Not under the thread
// sanitizer: the loader asks before that is ready.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ONE_WIDTH
#endif
#endif
#if defined(__x86_64__) && !defined(ONE_WIDTH)
#define EACH_WIDTH __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EACH_WIDTH
#endif

// Eight lanes of 64 bits, in as many registers as the processor needs for them; at any address.
typedef uint64_t lanes_t __attribute__((vector_size(64), aligned(1), may_alias));

// 32-bit words are congruent to the sum of their halves modulo 2^16 - 1, so they are added whole, each half of a lane
// by itself: 2^32 words fit.
#define ADD(even, odd, words)          \
  do {                                 \
    (even) += (words) & 0xFFFFFFFFull; \
    (odd) += (words) >> 32;            \
  } while (0)

#define TOTAL(even, odd, sum)                                                       \
  do {                                                                              \
    lanes_t both = ((even) & 0xFFFFFFFFull) + ((even) >> 32) + ((odd) & 0xFFFFFFFFull) + ((odd) >> 32); \
    for (int i = 0; i < 8; i++) (sum) += both[i];                                    \
  } while (0)

static inline __attribute__((always_inline)) uint64_t sum_rest(const uint8_t *bytes, size_t count, uint64_t sum) {
  for (; count >= 8; bytes += 8, count -= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    sum += (word & 0xFFFFFFFF) + (word >> 32);
  }
  // Each rest by a load of its own: bytes gathered in memory and read as one word would wait for the stores.
  if (count & 4) {
    uint32_t word;
    memcpy(&word, bytes, 4);
    sum += word;
    bytes += 4;
  }
  if (count & 2) {
    uint16_t word;
    memcpy(&word, bytes, 2);
    sum += word;
    bytes += 2;
  }
  if (count & 1) sum += __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? (uint64_t)*bytes << 8 : *bytes;
  return sum;
}

EACH_WIDTH uint64_t cvxlan_sum(const uint8_t *bytes, size_t count) {
  uint64_t sum = 0;
  if (count >= sizeof(lanes_t)) {
    lanes_t even = {0}, odd = {0};
    for (; count >= sizeof(lanes_t); bytes += sizeof(lanes_t), count -= sizeof(lanes_t)) {
      lanes_t words = *(const lanes_t *)bytes;
      ADD(even, odd, words);
    }
    TOTAL(even, odd, sum);
  }
  return sum_rest(bytes, count, sum);
}

EACH_WIDTH uint64_t cvxlan_copy_and_sum(uint8_t *restrict to, const uint8_t *restrict from, size_t count) {
  uint64_t sum = 0;
  if (count >= sizeof(lanes_t)) {
    lanes_t even = {0}, odd = {0};
    for (; count >= sizeof(lanes_t); to += sizeof(lanes_t), from += sizeof(lanes_t), count -= sizeof(lanes_t)) {
      lanes_t words = *(const lanes_t *)from;
      *(lanes_t *)to = words;
      ADD(even, odd, words);
    }
    TOTAL(even, odd, sum);
  }
  memcpy(to, from, count);
  return sum_rest(from, count, sum);
}
