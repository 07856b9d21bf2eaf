/*
 * The sandbox, from inside: a child enters it and tries what it must not be
 * able to do.  Needs root; the filter itself is judged in release builds only
 * (a sanitizer's runtime has to open files).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/privs.h"
#include "lib/sandbox.h"
#include "tests/unit/unit.h"

#define TEST_UID 64511

struct attempt {
	const char *what;
	int (*try)(void);
	int err; /* the errno wanted; 0: it must work */
	bool release_only;
};

static int sock_before = -1; /* opened before entering, as a descriptor that was given */

static int
try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
try_socket_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int
try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int
try_connect(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(179) };

	return connect(sock_before, (struct sockaddr *)&sa, sizeof(sa));
}

static int
try_bind(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };

	return bind(sock_before, (struct sockaddr *)&sa, sizeof(sa));
}

static int
try_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int
try_open_root(void)
{
	return open("/", O_RDONLY | O_DIRECTORY);
}

static int
try_create(void)
{
	return open("x", O_WRONLY | O_CREAT, 0600);
}

static int
try_exec(void)
{
	char *none[] = { NULL };

	return execve("/bin/true", none, none);
}

static int
try_fork(void)
{
	return (int)syscall(SYS_fork);
}

static int
try_ptrace(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int
try_kill(void)
{
	return (int)syscall(SYS_kill, getppid(), 0);
}

static int
try_setuid(void)
{
	return (int)syscall(SYS_setuid, 0);
}

static int
try_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}

static int
try_memory(void)
{
	char *p = malloc(3 << 20);
	int ok = p != NULL;

	if (p)
		p[12345] = 1;
	free(p);
	return ok ? 0 : -1;
}

static int
try_given_socket(void)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(sock_before, SOL_SOCKET, SO_TYPE, &type, &len);
}

static const struct attempt attempts[] = {
	{ "socket(AF_INET)", try_socket, EPERM, false },
	{ "socket(AF_UNIX)", try_socket_unix, EPERM, false },
	{ "socket(AF_NETLINK)", try_netlink, EPERM, false },
	{ "connect", try_connect, EPERM, false },
	{ "bind", try_bind, EPERM, false },
	{ "open", try_open, EPERM, true },
	{ "open the root", try_open_root, EPERM, true },
	{ "create", try_create, EPERM, true },
	{ "execve", try_exec, EPERM, false },
	{ "fork", try_fork, EPERM, true },
	{ "ptrace", try_ptrace, EPERM, false },
	{ "kill", try_kill, EPERM, true },
	{ "setuid", try_setuid, EPERM, true },
	{ "executable memory", try_exec_memory, EPERM, true },
	{ "memory", try_memory, 0, false },
	{ "a socket that was given", try_given_socket, 0, false },
};

static char dir[64];

static void
setup(void)
{
	strcpy(dir, "/tmp/weft-sandbox-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	chmod(dir, 0555);
	sock_before = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void
teardown(void)
{
	close(sock_before);
	rmdir(dir);
}

/* Run fn in a sandboxed child; its int answers come back through a pipe. */
static pid_t
in_sandbox(void (*fn)(int fd, const void *arg), const void *arg, int *ret_fd)
{
	int p[2];
	pid_t pid;

	ck_assert_int_eq(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		const char *step;
		int rc;

		if (chdir(dir) != 0)
			_exit(9);
		rc = sandbox_enter(TEST_UID, TEST_UID, &step);
		if (rc != 0) {
			fprintf(stderr, "%s: %s\n", step, strerror(-rc));
			_exit(8);
		}
		fn(p[1], arg);
		_exit(0);
	}
	close(p[1]);
	*ret_fd = p[0];
	return pid;
}

static void
do_attempt(int fd, const void *arg)
{
	const struct attempt *a = arg;
	int answer[2];

	errno = 0;
	answer[0] = a->try();
	answer[1] = errno;
	(void)!write(fd, answer, sizeof(answer));
}

START_TEST(refuses_and_allows)
{
	const struct attempt *a = &attempts[_i];
	int fd, answer[2] = { 0, 0 }, status;
	pid_t pid;

#ifdef WEFT_SANITIZED
	if (a->release_only)
		return;
#endif
	pid = in_sandbox(do_attempt, a, &fd);
	ck_assert_int_eq(read(fd, answer, sizeof(answer)), sizeof(answer));
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	if (a->err == 0)
		ck_assert_msg(answer[0] >= 0, "%s: %s", a->what, strerror(answer[1]));
	else
		ck_assert_msg(answer[0] < 0 && answer[1] == a->err, "%s: %d %s", a->what, answer[0],
		    strerror(answer[1]));
	close(fd);
}
END_TEST

static void
wait_forever(int fd, const void *arg)
{
	char octet;

	(void)!write(fd, "x", 1);
	(void)!read(*(const int *)arg, &octet, 1);
}

struct line_case {
	const char *key, *value;
};
static const struct line_case lines[] = {
	{ "Uid:", "\t64511\t64511\t64511\t64511" },
	{ "Gid:", "\t64511\t64511\t64511\t64511" },
	{ "Groups:", "\t" },
	{ "CapInh:", "\t0000000000000000" },
	{ "CapPrm:", "\t0000000000000000" },
	{ "CapEff:", "\t0000000000000000" },
	{ "CapAmb:", "\t0000000000000000" },
	{ "NoNewPrivs:", "\t1" },
	{ "Seccomp:", "\t2" },
};

/* What anybody can see in /proc/PID/status while it runs. */
START_TEST(seen_from_outside)
{
	int hold[2], fd;
	char path[64], line[512], octet;
	pid_t pid;
	FILE *f;
	unsigned seen = 0;

	ck_assert_int_eq(pipe(hold), 0);
	pid = in_sandbox(wait_forever, &hold[0], &fd);
	ck_assert_int_eq(read(fd, &octet, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
			size_t n = strlen(lines[i].key);

			if (strncmp(line, lines[i].key, n) != 0)
				continue;
			line[strcspn(line, " ")] = '\0';
			ck_assert_str_eq(line + n, lines[i].value);
			seen++;
		}
	}
	ck_assert_uint_eq(seen, sizeof(lines) / sizeof(lines[0]));
	fclose(f);
	kill(pid, SIGKILL); /* it holds the other end of its pipe, too */
	waitpid(pid, NULL, 0);
	close(fd);
	close(hold[0]);
	close(hold[1]);
}
END_TEST

/* The names weftd uses in its messages. */
START_TEST(capability_names)
{
	ck_assert_str_eq(privs_cap_name(CAP_NET_ADMIN), "NET_ADMIN");
	ck_assert_ptr_null(privs_cap_name(CAP_SYS_ADMIN));
	ck_assert_ptr_null(privs_cap_name(64));
	ck_assert_ptr_null(privs_cap_name(-1));
}
END_TEST

/* ---- the filter, played through ------------------------------------------------- */

static uint32_t
load(const struct seccomp_data *d, uint32_t offset)
{
	uint32_t v;

	ck_assert_uint_eq(offset % 4, 0);
	ck_assert_uint_le(offset + 4, sizeof(*d));
	memcpy(&v, (const char *)d + offset, 4);
	return v;
}

/* What the kernel would answer; nothing but the instructions that a filter of ours has. */
static uint32_t
verdict(const struct sock_filter *code, size_t n, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t at = 0; at < n; at++) {
		const struct sock_filter *i = &code[at];

		if (i->code == (BPF_RET | BPF_K))
			return i->k;
		if (i->code == (BPF_LD | BPF_W | BPF_ABS))
			a = load(d, i->k);
		else if (i->code == (BPF_JMP | BPF_JEQ | BPF_K))
			at += a == i->k ? i->jt : i->jf;
		else if (i->code == (BPF_JMP | BPF_JGE | BPF_K))
			at += a >= i->k ? i->jt : i->jf;
		else if (i->code == (BPF_JMP | BPF_JSET | BPF_K))
			at += a & i->k ? i->jt : i->jf;
		else
			ck_abort_msg("instruction %#x", i->code);
	}
	ck_abort_msg("it goes past its end");
	return 0;
}

static bool
is_listed(const struct sysfilter *f, const struct seccomp_data *d)
{
	for (size_t i = 0; i < 2; i++)
		if (f->no_exec[i] != 0 && d->nr == f->no_exec[i])
			return (d->args[2] & PROT_EXEC) == 0;
	for (size_t i = 0; i < f->n; i++)
		if (d->nr == f->call[i])
			return true;
	return false;
}

/* What nobody may get by, whatever else there is. */
static const int dangerous[] = { SYS_socket, SYS_connect, SYS_bind, SYS_execve, SYS_execveat, SYS_ptrace };

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#define OUR_ARCH 0 /* the rest of the test holds there, too */
#endif

static void
play(const struct sock_filter *code, size_t n, int nr)
{
	const struct sysfilter *f = &sandbox_filter;
	struct seccomp_data d = { .nr = nr, .arch = code[1].k };

	for (uint64_t prot = 0; prot < 16; prot++) {
		uint32_t want;

		d.args[2] = prot | prot << 33; /* the upper half is not looked at */
		want = is_listed(f, &d) ? f->listed : f->other;
#if defined(__x86_64__)
		if ((uint32_t)nr >= 0x40000000)
			want = SECCOMP_RET_KILL_PROCESS;
#endif
		ck_assert_msg(verdict(code, n, &d) == want, "call %d, protection %u", nr, (unsigned)prot);
	}
	d.arch = code[1].k ^ 1;
	ck_assert_uint_eq(verdict(code, n, &d), SECCOMP_RET_KILL_PROCESS);
}

START_TEST(filter_judges_every_call)
{
	struct sock_filter code[SYSFILTER_MAX];
	size_t n = sysfilter_build(&sandbox_filter, code);
	struct seccomp_data d = { .arch = OUR_ARCH };

	ck_assert_uint_gt(n, 0);
	ck_assert(OUR_ARCH == 0 || code[1].k == OUR_ARCH);
	for (int nr = -2; nr < 2048; nr++)
		play(code, n, nr);
	play(code, n, 0x40000000);
	play(code, n, 0x40000000 + SYS_read);
	d.arch = code[1].k;
	for (size_t i = 0; i < sizeof(dangerous) / sizeof(dangerous[0]); i++) {
		d.nr = dangerous[i];
		ck_assert_uint_eq(verdict(code, n, &d), SECCOMP_RET_ERRNO | EPERM);
	}
}
END_TEST

/* As many as there may be, each still reached by a jump; one more is refused. */
START_TEST(filter_of_many_calls)
{
	int call[SYSFILTER_CALLS_MAX + 1];
	struct sysfilter f = { .call = call, .n = SYSFILTER_CALLS_MAX, .listed = 1, .other = 2,
		.no_exec = { 5000, 5001 } };
	struct sock_filter code[SYSFILTER_MAX];
	struct seccomp_data d = { 0 };
	size_t n;

	for (int i = 0; i < SYSFILTER_CALLS_MAX + 1; i++)
		call[i] = 1000 + i;
	n = sysfilter_build(&f, code);
	ck_assert_uint_gt(n, SYSFILTER_CALLS_MAX);
	ck_assert_uint_le(n, SYSFILTER_MAX);
	d.arch = code[1].k;
	for (d.nr = 900; d.nr < 5010; d.nr++)
		ck_assert_uint_eq(verdict(code, n, &d), is_listed(&f, &d) ? 1 : 2);
	f.n++;
	ck_assert_uint_eq(sysfilter_build(&f, code), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = unit_case(s, "sandbox");

	if (geteuid() != 0) {
		fputs("needs root: skipped\n", stderr);
		return 77;
	}
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, refuses_and_allows, 0, NROWS(attempts));
	tcase_add_test(t, seen_from_outside);
	tcase_add_test(t, filter_judges_every_call);
	tcase_add_test(t, filter_of_many_calls);
	tcase_add_test(t, capability_names);
	return unit_run(s);
}
