#define _GNU_SOURCE
#include "clinuxio_privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RECORD_BYTES = 1 << 16, GROUP_COUNT_MAX = 1 << 16 };

int clinuxio_account_find(const char *name, struct clinuxio_account *account) {
  char *record = malloc(RECORD_BYTES);
  if (record == NULL) return ENOMEM;
  struct passwd entry, *found = NULL;
  int failure = getpwnam_r(name, &entry, record, RECORD_BYTES, &found);
  if (found != NULL) *account = (struct clinuxio_account){entry.pw_uid, entry.pw_gid};
  free(record);
  if (found != NULL) return 0;
  // getpwnam_r(3): what is not there may be told as an error too, depending on where it looks.
  return failure == 0 || failure == ESRCH || failure == EBADF || failure == EPERM ? ENOENT : failure;
}

// 64 bits are two records of this version.
static struct __user_cap_header_struct own(void) {
  return (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
}

static uint64_t joined(uint32_t low, uint32_t high) { return (uint64_t)high << 32 | low; }

int clinuxio_capabilities_read(struct clinuxio_capabilities *sets) {
  struct __user_cap_header_struct header = own();
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return errno;
  sets->effective = joined(data[0].effective, data[1].effective);
  sets->permitted = joined(data[0].permitted, data[1].permitted);
  sets->inheritable = joined(data[0].inheritable, data[1].inheritable);
  return 0;
}

int clinuxio_capabilities_write(const struct clinuxio_capabilities *sets) {
  struct __user_cap_header_struct header = own();
  struct __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++) {
    data[i].effective = (uint32_t)(sets->effective >> 32 * i);
    data[i].permitted = (uint32_t)(sets->permitted >> 32 * i);
    data[i].inheritable = (uint32_t)(sets->inheritable >> 32 * i);
  }
  return syscall(SYS_capset, &header, data) != 0 ? errno : 0;
}

int clinuxio_bounding_keep(uint64_t kept) {
  for (int capability = 0; capability < 64; capability++) {
    int isThere = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (isThere < 0) return errno == EINVAL ? 0 : errno;  // beyond the last that this kernel has
    if (isThere == 0 || (kept >> capability & 1) != 0) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return errno;
  }
  return 0;
}

int clinuxio_ambient_clear(void) {
  return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ? errno : 0;
}

int clinuxio_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ? errno : 0; }

int clinuxio_has_user(const struct clinuxio_account *account) {
  uid_t real, effective, saved;
  if (getresuid(&real, &effective, &saved) != 0) return -errno;
  return real == account->uid && effective == account->uid && saved == account->uid;
}

static int is_among(gid_t group, const gid_t *groups, int count) {
  while (count > 0 && groups[count - 1] != group) count--;
  return count > 0;
}

int clinuxio_has_groups(const char *name, const struct clinuxio_account *account) {
  // First those of the account, then this process's: three, and the supplementary ones.
  gid_t *groups = calloc(2 * GROUP_COUNT_MAX + 3, sizeof *groups);
  if (groups == NULL) return -ENOMEM;
  int count = GROUP_COUNT_MAX;
  gid_t *own = groups + GROUP_COUNT_MAX;
  int isKnown = getgrouplist(name, account->gid, groups, &count) >= 0 && getresgid(own, own + 1, own + 2) == 0;
  int more = isKnown ? getgroups(GROUP_COUNT_MAX, own + 3) : -1;
  int answer = more < 0 ? -EINVAL : 1;
  for (int index = 0; answer == 1 && index < more + 3; index++) answer = is_among(own[index], groups, count);
  free(groups);
  return answer;
}

int clinuxio_become(const char *name, const struct clinuxio_account *account) {
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return errno;
  int isDone = initgroups(name, account->gid) == 0 && setresgid(account->gid, account->gid, account->gid) == 0 &&
               setresuid(account->uid, account->uid, account->uid) == 0;
  int failure = isDone ? 0 : errno;
  if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0 && failure == 0) failure = errno;
  return failure;
}
