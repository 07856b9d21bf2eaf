/*
 * Users and capabilities of a process: what the launcher keeps, what it hands
 * on, and what a child is left with.
 *
 * A set of capabilities is a bit mask, bit n for capability n of
 * <linux/capability.h>.  System calls are made directly: libcap in the
 * launcher would cost more memory than the launcher itself.
 * Functions of type int return 0 or -errno.
 */
#ifndef LIB_PRIVS_H
#define LIB_PRIVS_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PRIVS_CAP(c) (UINT64_C(1) << (c))

/* "UID:GID", neither of them root; false when it is not that. */
bool privs_parse_user(const char *s, uid_t *ret_uid, gid_t *ret_gid);

/* The permitted set of this process. */
int privs_permitted(uint64_t *ret);

/*
 * Drop everything outside keep from the bounding set.  Without CAP_SETPCAP
 * (a container that was given little) the set stays as the container made it.
 */
int privs_bound(uint64_t keep);

/* Permitted and effective become keep, as far as they are permitted now; inheritable is empty. */
int privs_limit(uint64_t keep);

/* Never gain anything by exec: PR_SET_NO_NEW_PRIVS. */
int privs_no_new(void);

/*
 * Become that user and group with no supplementary groups and exactly the
 * capabilities in keep, which also survive exec (ambient).  -EPERM when the
 * process did not become what was asked for.
 */
int privs_become(uid_t uid, gid_t gid, uint64_t keep);

/* "NET_ADMIN" for 12 and so on; NULL for numbers without a name here. */
const char *privs_cap_name(int cap);

#endif
