/*
 * Message sockets: boundaries, the end, full queues, descriptors.
 */
#include "lib/ipcsock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int fd[2];

static void
open_pair(void)
{
	ck_assert_int_eq(ipcsock_pair(fd), 0);
}

static void
close_pair(void)
{
	close(fd[0]);
	close(fd[1]);
}

/* Open descriptors of this process. */
static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(d);
	/* cppcheck-suppress readdirCalled ; one thread, and readdir_r() is deprecated */
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

START_TEST(messages_keep_their_bounds)
{
	char buf[16];
	size_t nfds = 9;

	ck_assert_int_eq((int)ipcsock_recv(fd[1], buf, sizeof(buf), NULL, 0, &nfds), -EAGAIN);
	ck_assert_uint_eq(nfds, 0);
	ck_assert_int_eq(ipcsock_send(fd[0], "abc", 3, NULL, 0), 0);
	ck_assert_int_eq(ipcsock_send(fd[0], "d", 1, NULL, 0), 0);
	ck_assert_int_eq((int)ipcsock_recv(fd[1], buf, sizeof(buf), NULL, 0, &nfds), 3);
	ck_assert_mem_eq(buf, "abc", 3);
	ck_assert_int_eq((int)ipcsock_recv(fd[1], buf, sizeof(buf), NULL, 0, &nfds), 1);
}
END_TEST

START_TEST(descriptors_are_close_on_exec)
{
	ck_assert(fcntl(fd[0], F_GETFD) & FD_CLOEXEC);
	ck_assert(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
}
END_TEST

START_TEST(too_long_is_an_error)
{
	char buf[4];
	size_t nfds;

	ck_assert_int_eq(ipcsock_send(fd[0], "abcde", 5, NULL, 0), 0);
	ck_assert_int_eq(ipcsock_send(fd[0], "next", 4, NULL, 0), 0);
	ck_assert_int_eq((int)ipcsock_recv(fd[1], buf, 4, NULL, 0, &nfds), -EMSGSIZE);
	ck_assert_int_eq((int)ipcsock_recv(fd[1], buf, 4, NULL, 0, &nfds), 4);
}
END_TEST

/* The end comes after what was sent before, also when ours was never read. */
START_TEST(the_end)
{
	char buf[4];
	size_t nfds;

	ck_assert_int_eq(ipcsock_send(fd[1], "unread", 6, NULL, 0), 0);
	ck_assert_int_eq(ipcsock_send(fd[0], "last", 4, NULL, 0), 0);
	close(fd[0]);
	ck_assert_int_eq((int)ipcsock_recv(fd[1], buf, 4, NULL, 0, &nfds), 4);
	ck_assert_int_eq((int)ipcsock_recv(fd[1], buf, 4, NULL, 0, &nfds), 0);
	ck_assert_int_eq(ipcsock_send(fd[1], "x", 1, NULL, 0), -EPIPE);
}
END_TEST

START_TEST(refused_arguments)
{
	int five[5] = { 0 };

	ck_assert_int_eq(ipcsock_send(fd[0], "", 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(ipcsock_send(fd[0], "x", 1, five, 5), -EINVAL);
}
END_TEST

START_TEST(full_queue)
{
	static char big[1000];
	int rc, sent = 0;

	while ((rc = ipcsock_send(fd[0], big, sizeof(big), NULL, 0)) == 0)
		ck_assert_int_lt(sent++, 100000);
	ck_assert_int_eq(rc, -EAGAIN);
	ck_assert_int_gt(sent, 0);
}
END_TEST

/* Descriptors sent, room for them, and whether the message is accepted. */
static const struct {
	size_t sent, room;
	bool ok;
} fd_rows[] = {
	{ 1, 1, true },
	{ 4, 4, true },
	{ 1, 4, true },
	{ 0, 4, true },
	{ 1, 0, false },
	{ 2, 1, false },
	{ 4, 3, false },
};

START_TEST(descriptor_passing)
{
	int out[4], in[4], before;
	struct stat a, b;
	size_t nfds;
	ssize_t n;
	char buf[4];

	for (size_t i = 0; i < fd_rows[_i].sent; i++)
		ck_assert_int_ge(out[i] = open("/dev/null", O_RDONLY), 0);
	before = count_fds();
	ck_assert_int_eq(ipcsock_send(fd[0], "fd", 2, out, fd_rows[_i].sent), 0);
	n = ipcsock_recv(fd[1], buf, sizeof(buf), in, fd_rows[_i].room, &nfds);
	if (!fd_rows[_i].ok) {
		ck_assert_int_eq((int)n, -EMSGSIZE);
		ck_assert_uint_eq(nfds, 0);
		ck_assert_int_eq(count_fds(), before); /* all closed */
		return;
	}
	ck_assert_int_eq((int)n, 2);
	ck_assert_uint_eq(nfds, fd_rows[_i].sent);
	for (size_t i = 0; i < nfds; i++) {
		ck_assert_int_eq(fstat(in[i], &a), 0);
		ck_assert_int_eq(fstat(out[i], &b), 0);
		ck_assert_uint_eq(a.st_ino, b.st_ino);
		ck_assert(fcntl(in[i], F_GETFD) & FD_CLOEXEC);
	}
}
END_TEST

/* A sender that does not keep to IPCSOCK_FDS_MAX: nothing of it stays open. */
START_TEST(flood_of_descriptors)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(100 * sizeof(int))];
	} control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t) "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int many[100], in[4], before;
	size_t nfds;
	char buf[4];

	for (int i = 0; i < 100; i++)
		many[i] = fd[0];
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(many));
	memcpy(CMSG_DATA(c), many, sizeof(many));
	ck_assert_int_eq((int)sendmsg(fd[0], &msg, 0), 1);
	before = count_fds();
	ck_assert_int_eq((int)ipcsock_recv(fd[1], buf, 4, in, 4, &nfds), -EMSGSIZE);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(adoption)
{
	int pipes[2], other[2];

	ck_assert_int_eq(fcntl(fd[0], F_SETFL, 0), 0);
	ck_assert_int_eq(fcntl(fd[0], F_SETFD, 0), 0);
	ck_assert_int_eq(ipcsock_adopt(fd[0]), 0);
	ck_assert(fcntl(fd[0], F_GETFD) & FD_CLOEXEC);
	ck_assert(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(ipcsock_adopt(pipes[0]), -ENOTSOCK);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
	ck_assert_int_eq(ipcsock_adopt(other[0]), -EPROTOTYPE);
	ck_assert_int_eq(ipcsock_adopt(9999), -EBADF);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipcsock");
	TCase *tc = unit_case(s, "ipcsock");

	tcase_add_checked_fixture(tc, open_pair, close_pair);
	tcase_add_test(tc, messages_keep_their_bounds);
	tcase_add_test(tc, descriptors_are_close_on_exec);
	tcase_add_test(tc, too_long_is_an_error);
	tcase_add_test(tc, the_end);
	tcase_add_test(tc, refused_arguments);
	tcase_add_test(tc, full_queue);
	tcase_add_loop_test(tc, descriptor_passing, 0, NROWS(fd_rows));
	tcase_add_test(tc, flood_of_descriptors);
	tcase_add_test(tc, adoption);
	return unit_run(s);
}
