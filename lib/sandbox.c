/*
 * The sandbox; see the header.  Sources: landlock(7), seccomp(2),
 * prctl(2).
 *
 * Landlock is asked for its version and then told that everything it knows is
 * handled and nothing allowed: beyond the empty root that matters for what a
 * kernel adds later (TCP bind and connect since version 4, abstract sockets
 * and signals since version 6).
 */
#include "config.h"

#include "lib/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/privs.h"

/* ---- landlock ----------------------------------------------------------------- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

/* linux/landlock.h of the build machine may be older than the kernel. */
struct landlock_attr {
	uint64_t handled_access_fs, handled_access_net, scoped;
};

/* By version: bits of file access, bits of network access, bits of scope, size of the struct. */
static const struct {
	uint8_t fs_bits, net_bits, scope_bits, size;
} landlock_abi[] = {
	{ 0, 0, 0, 0 },
	{ 13, 0, 0, 8 },  /* 1: files */
	{ 14, 0, 0, 8 },  /* 2: REFER */
	{ 15, 0, 0, 8 },  /* 3: TRUNCATE */
	{ 15, 2, 0, 16 }, /* 4: TCP bind and connect */
	{ 16, 2, 0, 16 }, /* 5: ioctl on devices */
	{ 16, 2, 2, 24 }, /* 6: abstract UNIX sockets, signals */
};

/* A kernel without landlock is fine: 0. */
static int
enter_landlock(void)
{
	const long known = sizeof(landlock_abi) / sizeof(landlock_abi[0]) - 1;
	struct landlock_attr attr;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* tell the version */);
	int fd, rc;

	if (abi < 1)
		return 0;
	if (abi > known)
		abi = known;
	attr.handled_access_fs = (UINT64_C(1) << landlock_abi[abi].fs_bits) - 1;
	attr.handled_access_net = (UINT64_C(1) << landlock_abi[abi].net_bits) - 1;
	attr.scoped = (UINT64_C(1) << landlock_abi[abi].scope_bits) - 1;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, (size_t)landlock_abi[abi].size, 0);
	if (fd < 0)
		return -errno;
	rc = syscall(SYS_landlock_restrict_self, fd, 0) == 0 ? 0 : -errno;
	close(fd);
	return rc;
}

/* ---- seccomp ------------------------------------------------------------------- */

#ifdef WEFT_SANITIZED

static const int refused[] = { SYS_socket, SYS_execve, SYS_execveat, SYS_ptrace, SYS_connect, SYS_bind };

const struct sysfilter sandbox_filter = {
	.call = refused,
	.n = sizeof(refused) / sizeof(refused[0]),
	.listed = SECCOMP_RET_ERRNO | EPERM,
	.other = SECCOMP_RET_ALLOW,
};

#else

static const int allowed[] = {
	/* descriptors that were given */
	SYS_read, SYS_readv, SYS_write, SYS_writev, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_recvmmsg,
	SYS_sendmsg, SYS_shutdown, SYS_close, SYS_fcntl, SYS_getsockopt, SYS_fstat, SYS_newfstatat,
	/* the event loop */
#ifdef SYS_epoll_wait /* newer architectures have only the other two */
	SYS_epoll_wait, SYS_poll,
#endif
	SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_timerfd_create,
	SYS_timerfd_settime, SYS_eventfd2, SYS_pipe2, SYS_ppoll,
	/* memory (executable memory apart, below) and time */
	SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_clock_gettime, SYS_gettimeofday, SYS_getrandom,
	/* signals, abort(), the end */
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall,
	SYS_futex, SYS_getpid, SYS_gettid, SYS_tgkill, SYS_exit, SYS_exit_group,
};

/* Everything else gets EPERM: a library's surprise fails by itself instead of ending the process. */
const struct sysfilter sandbox_filter = {
	.call = allowed,
	.n = sizeof(allowed) / sizeof(allowed[0]),
	.listed = SECCOMP_RET_ALLOW,
	.other = SECCOMP_RET_ERRNO | EPERM,
	.no_exec = { SYS_mmap, SYS_mprotect },
};

#endif

/* ---- in order -------------------------------------------------------------------- */

static int
enter_root(void)
{
	return chroot(".") == 0 && chdir("/") == 0 ? 0 : -errno;
}

/* No core file with routes in it, no ptrace by others of that user. */
static int
enter_undumpable(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
	    ? 0 : -errno;
}

int
sandbox_enter(uid_t uid, gid_t gid, const char **ret_step)
{
	int rc;

	*ret_step = "chroot";
	if ((rc = enter_root()) != 0)
		return rc;
	*ret_step = "user";
	if ((rc = privs_become(uid, gid, 0)) != 0)
		return rc;
	*ret_step = "no_new_privs";
	if ((rc = privs_no_new()) != 0)
		return rc;
	*ret_step = "core file limit";
	if ((rc = enter_undumpable()) != 0)
		return rc;
	*ret_step = "landlock";
	if ((rc = enter_landlock()) != 0)
		return rc;
	*ret_step = "seccomp";
	return sysfilter_enter(&sandbox_filter);
}
