/*
 * The sandbox; see the header.  Sources: landlock(7), seccomp(2),
 * seccomp_init(3), prctl(2).
 *
 * Landlock is asked for its version and then told that everything it knows is
 * handled and nothing allowed: beyond the empty root that matters for what a
 * kernel adds later (TCP bind and connect since version 4, abstract sockets
 * and signals since version 6).
 */
#include "config.h"

#include "lib/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
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

static const int refused[] = { SCMP_SYS(socket), SCMP_SYS(execve), SCMP_SYS(execveat),
	SCMP_SYS(ptrace), SCMP_SYS(connect), SCMP_SYS(bind) };

static int
enter_seccomp(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < sizeof(refused) / sizeof(refused[0]); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc;
}

#else

/* Everything else gets EPERM: a library's surprise fails by itself instead of ending the process. */
static const int allowed[] = {
	/* descriptors that were given */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvfrom),
	SCMP_SYS(sendto), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(sendmsg), SCMP_SYS(shutdown), SCMP_SYS(close),
	SCMP_SYS(fcntl), SCMP_SYS(getsockopt), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
	/* the event loop */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(eventfd2), SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll),
	/* memory (executable memory apart, below) and time */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
	/* signals, abort(), the end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(futex), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(tgkill), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

static int
enter_seccomp(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc;
}

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
	return enter_seccomp();
}
