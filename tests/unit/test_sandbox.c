/*
 * The sandbox, from inside: a child enters it and tries what it must not be
 * able to do.  Needs root; the filter itself is judged in release builds only
 * (a sanitizer's runtime has to open files).
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
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

int
main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	SRunner *r;
	int failed;

	if (geteuid() != 0) {
		fputs("needs root: skipped\n", stderr);
		return 77;
	}
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, refuses_and_allows, 0, (int)(sizeof(attempts) / sizeof(attempts[0])));
	tcase_add_test(t, seen_from_outside);
	tcase_add_test(t, capability_names);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
