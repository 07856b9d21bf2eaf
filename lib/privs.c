/*
 * Users and capabilities; see the header.  Sources: capabilities(7),
 * credentials(7), prctl(2).
 */
#include "lib/privs.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
caps_get(struct __user_cap_data_struct d[2])
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &h, d) == 0 ? 0 : -errno;
}

static int
caps_set(uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	for (int i = 0; i < 2; i++) {
		d[i].permitted = d[i].effective = (uint32_t)(permitted >> (32 * i));
		d[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &h, d) == 0 ? 0 : -errno;
}

bool
privs_parse_user(const char *s, uid_t *ret_uid, gid_t *ret_gid)
{
	char *end;
	unsigned long uid, gid;

	if (*s < '0' || *s > '9')
		return false;
	uid = strtoul(s, &end, 10);
	if (*end != ':' || end[1] < '0' || end[1] > '9')
		return false;
	gid = strtoul(end + 1, &end, 10);
	if (*end != '\0' || uid == 0 || gid == 0 || uid >= UINT_MAX || gid >= UINT_MAX)
		return false;
	*ret_uid = (uid_t)uid;
	*ret_gid = (gid_t)gid;
	return true;
}

int
privs_permitted(uint64_t *ret)
{
	struct __user_cap_data_struct d[2];
	int rc = caps_get(d);

	if (rc == 0)
		*ret = d[0].permitted | (uint64_t)d[1].permitted << 32;
	return rc;
}

int
privs_bound(uint64_t keep)
{
	for (int cap = 0; cap < 64; cap++) {
		int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (has < 0)
			break; /* EINVAL: the kernel knows no more */
		if (has == 0 || (keep & PRIVS_CAP(cap)))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return errno == EPERM ? 0 : -errno;
	}
	return 0;
}

int
privs_limit(uint64_t keep)
{
	uint64_t have = 0;
	int rc = privs_permitted(&have);

	return rc == 0 ? caps_set(have & keep, 0) : rc;
}

int
privs_no_new(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
}

/* Did the kernel do what it was asked? Never go on with more than that. */
static int
privs_check(uid_t uid, gid_t gid, uint64_t keep)
{
	uid_t u[3];
	gid_t g[3];
	uint64_t have = 0;

	if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		if (u[i] != uid || g[i] != gid)
			return -EPERM;
	if (getgroups(0, NULL) != 0 || privs_permitted(&have) != 0 || have != keep)
		return -EPERM;
	return 0;
}

int
privs_become(uid_t uid, gid_t gid, uint64_t keep)
{
	int rc;

	if (prctl(PR_SET_KEEPCAPS, keep != 0, 0, 0, 0) != 0 || setgroups(0, NULL) != 0 ||
	    setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return -errno;
	rc = caps_set(keep, keep);
	if (rc != 0)
		return rc;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return -errno;
	for (int cap = 0; cap < 64; cap++)
		if ((keep & PRIVS_CAP(cap)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0)
			return -errno;
	return privs_check(uid, gid, keep);
}

const char *
privs_cap_name(int cap)
{
	static const char *const name[] = {
		[CAP_CHOWN] = "CHOWN",
		[CAP_DAC_READ_SEARCH] = "DAC_READ_SEARCH",
		[CAP_KILL] = "KILL",
		[CAP_SETGID] = "SETGID",
		[CAP_SETUID] = "SETUID",
		[CAP_NET_BIND_SERVICE] = "NET_BIND_SERVICE",
		[CAP_NET_ADMIN] = "NET_ADMIN",
		[CAP_NET_RAW] = "NET_RAW",
		[CAP_SYS_CHROOT] = "SYS_CHROOT",
		[CAP_SYS_NICE] = "SYS_NICE",
	};

	return cap >= 0 && cap < (int)(sizeof(name) / sizeof(name[0])) ? name[cap] : NULL;
}
