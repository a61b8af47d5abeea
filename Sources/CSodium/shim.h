// libsodium as the system has it.
#ifndef CSODIUM_SHIM_H
#define CSODIUM_SHIM_H
#include <sodium.h>

// AEGIS-128L came with libsodium 1.0.19. Older headers do not declare it: then nothing of it is compiled, the first
// function says so, and the others fail as the AEAD would for a wrong tag.
#ifdef crypto_aead_aegis128l_KEYBYTES

static inline int csodium_has_aegis128l(void) { return 1; }

static inline int csodium_aegis128l_encrypt(unsigned char *c, const unsigned char *m, unsigned long long m_len,
    const unsigned char *ad, unsigned long long ad_len, const unsigned char *nonce, const unsigned char *key) {
  return crypto_aead_aegis128l_encrypt(c, NULL, m, m_len, ad, ad_len, NULL, nonce, key);
}

static inline int csodium_aegis128l_decrypt(unsigned char *m, const unsigned char *c, unsigned long long c_len,
    const unsigned char *ad, unsigned long long ad_len, const unsigned char *nonce, const unsigned char *key) {
  return crypto_aead_aegis128l_decrypt(m, NULL, NULL, c, c_len, ad, ad_len, nonce, key);
}

#else

static inline int csodium_has_aegis128l(void) { return 0; }

static inline int csodium_aegis128l_encrypt(unsigned char *c, const unsigned char *m, unsigned long long m_len,
    const unsigned char *ad, unsigned long long ad_len, const unsigned char *nonce, const unsigned char *key) {
  (void) c, (void) m, (void) m_len, (void) ad, (void) ad_len, (void) nonce, (void) key;
  return -1;
}

static inline int csodium_aegis128l_decrypt(unsigned char *m, const unsigned char *c, unsigned long long c_len,
    const unsigned char *ad, unsigned long long ad_len, const unsigned char *nonce, const unsigned char *key) {
  (void) m, (void) c, (void) c_len, (void) ad, (void) ad_len, (void) nonce, (void) key;
  return -1;
}

#endif
#endif
