/* Loaded in front of libsodium (LD_PRELOAD), a processor or a library that is as $BROKEN says; all else is passed on.
 *
 *   no-aes    there is no AES in hardware
 *   aes       AES-256-GCM encrypts to other bytes than it should
 *   chacha    ChaCha20-Poly1305 does
 *   in-clear  both leave what is longer than the self-test's datagram as it was
 *   shifted   both write such a one as it was, from its 21st byte on, and its beginning behind that
 *   low-order X25519 does not say that two keys agree on zero
 *   repeats   whoever asks for 32 random bytes, which is how long a key is, gets the same each time
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char u8;
typedef unsigned long long u64;
typedef int (*aead)(u8 *, u64 *, const u8 *, u64, const u8 *, u64, const u8 *, const u8 *, const void *);

static int is(const char *what)
{
    const char *named = getenv("BROKEN");
    return named && strcmp(named, what) == 0;
}

int crypto_aead_aes256gcm_is_available(void)
{
    int (*next)(void) = (int (*)(void))dlsym(RTLD_NEXT, "crypto_aead_aes256gcm_is_available");
    return is("no-aes") ? 0 : next();
}

int crypto_scalarmult(u8 *q, const u8 *n, const u8 *p)
{
    int (*next)(u8 *, const u8 *, const u8 *) =
        (int (*)(u8 *, const u8 *, const u8 *))dlsym(RTLD_NEXT, "crypto_scalarmult");
    int status = next(q, n, p);
    return is("low-order") ? 0 : status;
}

void randombytes_buf(void *bytes, size_t length)
{
    void (*next)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_NEXT, "randombytes_buf");
    if (is("repeats") && length == 32)
        memset(bytes, 0x42, length);
    else
        next(bytes, length);
}

enum { SELF_TEST_LENGTH = 100, SHIFT = 20 };

/* "Encrypts" in place or not: the tag is zero. */
static void leave(u8 *c, const u8 *m, u64 m_length, u64 shift)
{
    u8 beginning[SHIFT];
    memcpy(beginning, m, SHIFT);
    memmove(c, m + shift, m_length - shift);
    memcpy(c + m_length - shift, beginning, shift);
    memset(c + m_length, 0, 16);
}

static int encrypt(const char *name, const char *what, u8 *c, u64 *c_length, const u8 *m, u64 m_length, const u8 *ad,
                   u64 ad_length, const u8 *secret_nonce, const u8 *nonce, const void *key)
{
    aead next = (aead)dlsym(RTLD_NEXT, name);
    if ((is("in-clear") || is("shifted")) && m_length > SELF_TEST_LENGTH) {
        leave(c, m, m_length, is("shifted") ? SHIFT : 0);
        if (c_length)
            *c_length = m_length + 16;
        return 0;
    }
    int status = next(c, c_length, m, m_length, ad, ad_length, secret_nonce, nonce, key);
    if (is(what))
        c[m_length] ^= 1; /* the first byte of the tag */
    return status;
}

int crypto_aead_aes256gcm_encrypt_afternm(u8 *c, u64 *c_length, const u8 *m, u64 m_length, const u8 *ad, u64 ad_length,
                                          const u8 *secret_nonce, const u8 *nonce, const void *key)
{
    return encrypt("crypto_aead_aes256gcm_encrypt_afternm", "aes", c, c_length, m, m_length, ad, ad_length,
                   secret_nonce, nonce, key);
}

int crypto_aead_chacha20poly1305_ietf_encrypt(u8 *c, u64 *c_length, const u8 *m, u64 m_length, const u8 *ad,
                                              u64 ad_length, const u8 *secret_nonce, const u8 *nonce, const void *key)
{
    return encrypt("crypto_aead_chacha20poly1305_ietf_encrypt", "chacha", c, c_length, m, m_length, ad, ad_length,
                   secret_nonce, nonce, key);
}
