// Users and capabilities of the calling thread: what glibc shows to C only under _GNU_SOURCE or not at all.
#ifndef CLINUXIO_PRIVILEGES_H
#define CLINUXIO_PRIVILEGES_H

#include <stdint.h>
#include <sys/types.h>

struct clinuxio_account {
  uid_t uid;
  gid_t gid;  // the primary group
};

// Capabilities as bits: 1 << CAP_….
struct clinuxio_capabilities {
  uint64_t effective, permitted, inheritable;
};

// Each answers 0 or errno. Without such an account: ENOENT.
int clinuxio_account_find(const char *name, struct clinuxio_account *account);
int clinuxio_capabilities_read(struct clinuxio_capabilities *sets);
int clinuxio_capabilities_write(const struct clinuxio_capabilities *sets);

// What a later execve could give is given up. Without CAP_SETPCAP: EPERM.
int clinuxio_bounding_keep(uint64_t kept);
int clinuxio_ambient_clear(void);
int clinuxio_no_new_privileges(void);

// Whether the real, effective and saved user are the account's, or -errno.
int clinuxio_has_user(const struct clinuxio_account *account);
// Whether no group is another than the account's, or -errno.
int clinuxio_has_groups(const char *name, const struct clinuxio_account *account);

// Becomes the account, with all its groups; what is permitted stays permitted.
int clinuxio_become(const char *name, const struct clinuxio_account *account);

#endif
