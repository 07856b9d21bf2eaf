/*
 * weftd with stand-ins for its children (launch_fake.c): what they are given,
 * restarts and their delays, pid files, signals, and what the agent may not
 * open.  Needs root; everything happens in a directory below /tmp.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/launchmsg.h"

#define DEADLINE_S 10

static char top[64]; /* everything of this run */
static char dir[128];
static pid_t weftd_pid;
static const char *child_timeout; /* seconds */

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
pause_ms(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

static char *
path_of(const char *name)
{
	static char path[8][PATH_MAX];
	static int next;
	char *p = path[next++ % 8];

	snprintf(p, PATH_MAX, "%s/%s", dir, name);
	return p;
}

static char *
slurp(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static unsigned
count(const char *what)
{
	unsigned n = 0;

	for (const char *p = slurp(path_of("log")); (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* Until the log has `what` n times. */
static void
await(const char *what, unsigned n)
{
	double end = now_s() + DEADLINE_S;

	while (count(what) < n) {
		ck_assert_msg(now_s() < end, "no \"%s\" (%u times) in:\n%s", what, n,
		    slurp(path_of("log")));
		pause_ms(5);
	}
}

static pid_t
spawn_weftd(const char *log, const char *extra)
{
	pid_t pid;
	int fd = open(path_of(log), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	const char *build = getenv("WEFT_BUILD_DIR");
	char exe[PATH_MAX];

	snprintf(exe, sizeof(exe), "%s/weftd", build ? build : ".");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed check ends this process, too */
		dup2(fd, STDERR_FILENO);
		dup2(fd, STDOUT_FILENO);
		execl(exe, "weftd", "--config", path_of("conf/w.yaml"), "--run-dir", path_of("run"),
		    "--libexec", path_of("bin"), "--agent-user", "64510", "--bgpd-user", "64511",
		    "--stop-timeout", "1", "--child-timeout", child_timeout, "--cni-dir", path_of("net.d"), extra, path_of("secrets"), NULL);
		_exit(126);
	}
	close(fd);
	return pid;
}

static void
start(void)
{
	weftd_pid = spawn_weftd("log", "--secret-dir");
}

/* A number that nobody else in this network namespace claims. */
static unsigned
own_number(void)
{
	return 1000 + (unsigned)getpid() % 60000;
}

/* The exit status of weftd, which must end by itself. */
static int
ended(pid_t pid)
{
	double end = now_s() + DEADLINE_S;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		ck_assert_msg(now_s() < end, "still runs:\n%s", slurp(path_of("log")));
		pause_ms(5);
	}
	if (pid == weftd_pid)
		weftd_pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void
setup(void)
{
	char cmd[512];

	snprintf(dir, sizeof(dir), "%s/XXXXXX", top);
	ck_assert_ptr_nonnull(mkdtemp(dir)); /* 0700: its children cannot get past it by name */
	mkdir(path_of("conf"), 0755);
	mkdir(path_of("secrets"), 0755);
	mkdir(path_of("bin"), 0755);
	mkdir(path_of("net.d"), 0755);
	put(path_of("conf/w.yaml"), "node: {}\n");
	put(path_of("secrets/key"), "sesame\n");
	put(path_of("outside"), "not for you\n");
	chmod(path_of("secrets/key"), 0600);
	snprintf(cmd, sizeof(cmd), "cp tests/unit/launch_fake %s/bin/weft-agent && "
	    "cp tests/unit/launch_fake %s/bin/weft-bgpd && "
	    "cp tests/unit/launch_fake %s/bin/weft-bfdd", dir, dir, dir);
	ck_assert_int_eq(system(cmd), 0);
	child_timeout = "30";
	unsetenv("FAKE_MODE");
	unsetenv("FAKE_ASK");
}

static void
teardown(void)
{
	if (weftd_pid > 0) {
		kill(weftd_pid, SIGKILL);
		waitpid(weftd_pid, NULL, 0);
	}
}

/* Either child has its user, its capabilities, its directory, and nobody's environment. */
START_TEST(children_are_given_what_they_need)
{
	char want[512];

	setenv("SOME_PASSWORD", "x", 1);
	start();
	await("bgpd got 5 on channel 2", 1);
	snprintf(want, sizeof(want), "weft-agent uid=64510 gid=64510 capeff=0000000000001000 nnp=1");
	await(want, 1);
	snprintf(want, sizeof(want), "cwd=%s pgid=1 args= --config %s", path_of("run"),
	    path_of("conf/w.yaml"));
	await(want, 1);
	await("weft-bgpd uid=0 gid=0 capeff=00000000000400c0 nnp=1 env=0", 1);
	await("args= --user 64511:64511", 1);
	await("agent told bgpd pid=", 1);
	await("weft-agent crash page octets=4096 writable=1 sealed=1", 1);
	await("weft-bgpd crash page octets=4096 writable=1 sealed=1", 1);
	kill(weftd_pid, SIGTERM);
	ck_assert_msg(ended(weftd_pid) == 0, "%s", slurp(path_of("log")));
	await("agent told stop", 1);
	ck_assert_int_ne(access(path_of("run/weftd.pid"), F_OK), 0);
}
END_TEST

START_TEST(bgpd_alone_is_replaced)
{
	pid_t first, second;

	start();
	await("bgpd got 5 on channel 2", 1);
	first = atoi(slurp(path_of("run/weft-bgpd.pid")));
	kill(first, SIGKILL);
	await("agent told child=1 status=9 restarts=1 delay_ms=0", 1);
	await("fds=3", 1);
	await("bgpd got 5 on channel 2", 2);
	second = atoi(slurp(path_of("run/weft-bgpd.pid")));
	ck_assert_int_ne(first, second);
	ck_assert_uint_eq(count("weft-agent uid="), 1);
}
END_TEST

static pid_t
pid_of(const char *name)
{
	return atoi(slurp(path_of(name)));
}

/* It has memory and sockets; one that dies is followed, and its agent joined, at once. */
START_TEST(bfdd_is_started_when_asked_for)
{
	pid_t first;

	setenv("FAKE_ASK", "bfdd", 1);
	start();
	await("bfdd got 5", 1);
	await("weft-bfdd uid=0 gid=0 capeff=00000000000400c0 nnp=1 env=0", 1);
	await("args= --user 64512:64512", 1);
	await("bfdd has muuuuuu nice=-15 crash=!", 1);
	first = pid_of("run/weft-bfdd.pid");
	kill(first, SIGKILL);
	await("agent told child=2 status=9 restarts=1 delay_ms=0", 1);
	await("bfdd got 5", 2);
	ck_assert_int_ne(first, pid_of("run/weft-bfdd.pid"));
	kill(weftd_pid, SIGTERM);
	ck_assert_int_eq(ended(weftd_pid), 0);
	await("child=weft-bfdd status=0 signal=0 restart_in_ms=-1", 1);
}
END_TEST

/* What made it end may be in what it left: the fourth one begins anew. */
START_TEST(bfdd_that_ends_again_and_again)
{
	setenv("FAKE_ASK", "bfdd", 1);
	start();
	await("state=new", 1);
	for (int i = 1; i <= 3; i++) {
		await("bfdd got 5", i);
		kill(pid_of("run/weft-bfdd.pid"), SIGKILL);
	}
	await("state=new", 2);
	ck_assert_uint_eq(count("state=kept"), 2);
}
END_TEST

/* Agents come and go; the same bfdd is joined to each of them. */
START_TEST(bfdd_outlives_the_agent)
{
	pid_t bfdd;

	setenv("FAKE_ASK", "bfdd", 1);
	start();
	await("bfdd got 5", 1);
	bfdd = pid_of("run/weft-bfdd.pid");
	kill(pid_of("run/weft-agent.pid"), SIGKILL);
	await("bfdd got 5", 2);
	ck_assert_int_eq(bfdd, pid_of("run/weft-bfdd.pid"));
	ck_assert_uint_eq(count("weft-bfdd uid="), 1);
}
END_TEST

START_TEST(bfdd_ends_when_nobody_wants_it)
{
	setenv("FAKE_ASK", "bfdd", 1);
	start();
	await("bfdd got 5", 1);
	kill(weftd_pid, SIGHUP);
	await("child=weft-bfdd status=0", 1);
	pause_ms(50);
	ck_assert_uint_eq(count("weft-bfdd uid="), 1);
}
END_TEST

START_TEST(without_agent_both_start_anew)
{
	start();
	await("bgpd got 5 on channel 2", 1);
	kill(atoi(slurp(path_of("run/weft-agent.pid"))), SIGKILL);
	await("weft-agent uid=", 2);
	await("bgpd got 5 on channel 2", 2);
	await("agent told child=0 status=9 restarts=1", 1);
}
END_TEST

/* At once, then after 1 s, then (announced) 5 s. */
START_TEST(restarts_are_spaced)
{
	double t0, t1;

	setenv("FAKE_MODE", "die", 1);
	t0 = now_s();
	start();
	await("weft-agent uid=", 2);
	t1 = now_s();
	ck_assert(t1 - t0 < 0.9);
	await("weft-agent uid=", 3);
	ck_assert(now_s() - t1 > 0.8 && now_s() - t1 < 3);
	await("restart_in_ms=5000", 1);
	kill(weftd_pid, SIGTERM);
	ck_assert_int_eq(ended(weftd_pid), 1);
}
END_TEST

START_TEST(a_second_one_is_refused)
{
	char want[64];
	pid_t second;

	start();
	await("agent told bgpd", 1);
	second = spawn_weftd("log2", "--secret-dir");
	ck_assert_int_eq(ended(second), 1);
	snprintf(want, sizeof(want), "pid=%d", weftd_pid);
	ck_assert_ptr_nonnull(strstr(slurp(path_of("log2")), want));
	ck_assert_int_eq(atoi(slurp(path_of("run/weftd.pid"))), weftd_pid);
}
END_TEST

/* The same directory serves again after a kill, and nothing of the old one stays alive. */
START_TEST(killed_and_started_again)
{
	pid_t agent, bgpd;
	double end = now_s() + DEADLINE_S;

	start();
	await("bgpd got 5 on channel 2", 1);
	agent = atoi(slurp(path_of("run/weft-agent.pid")));
	bgpd = atoi(slurp(path_of("run/weft-bgpd.pid")));
	kill(weftd_pid, SIGKILL);
	waitpid(weftd_pid, NULL, 0);
	while (kill(agent, 0) == 0 || kill(bgpd, 0) == 0) {
		ck_assert(now_s() < end);
		pause_ms(5);
	}
	start();
	await("bgpd got 5 on channel 2", 2);
}
END_TEST

START_TEST(hangup_is_a_reload)
{
	start();
	await("agent told bgpd", 1);
	kill(weftd_pid, SIGHUP);
	await("agent told reload", 1);
}
END_TEST

START_TEST(a_hanging_agent_is_killed)
{
	setenv("FAKE_MODE", "hang", 1);
	start();
	await("agent told bgpd", 1);
	kill(weftd_pid, SIGTERM);
	ck_assert_int_eq(ended(weftd_pid), 1);
	await("did not stop in time", 1);
}
END_TEST

START_TEST(a_deaf_agent_is_started_again)
{
	child_timeout = "1";
	setenv("FAKE_MODE", "deaf", 1);
	start();
	await("child-killed child=weft-agent", 1);
	await("no answer for too long", 1);
	ck_assert_uint_ge(count("agent told ping every_ms=333"), 3);
	await("weft-agent uid=", 2);
	kill(weftd_pid, SIGTERM);
	ended(weftd_pid);
}
END_TEST

START_TEST(an_agent_that_answers_lives)
{
	child_timeout = "1";
	start();
	await("agent told ping", 6);
	ck_assert_uint_eq(count("weft-agent uid="), 1);
}
END_TEST

/* Its first ping tells it how often; then nobody has to be woken twice. */
START_TEST(an_agent_that_speaks_is_not_asked)
{
	child_timeout = "3";
	setenv("FAKE_MODE", "beat", 1);
	start();
	await("agent beats", 25);
	ck_assert_uint_eq(count("agent told ping every_ms=1000"), 1);
	ck_assert_uint_eq(count("weft-agent uid="), 1);
}
END_TEST

START_TEST(unusable_configuration_ends_weftd)
{
	setenv("FAKE_MODE", "config", 1);
	start();
	ck_assert_int_eq(ended(weftd_pid), 1);
	ck_assert_uint_eq(count("weft-agent uid="), 1);
}
END_TEST

/* A new file is nobody's until it is renamed; what it replaces stays readable until then. */
START_TEST(cni_file_is_renamed_into_place)
{
	struct stat st;

	put(path_of("net.d/10-weft.conflist"), "before\n");
	setenv("FAKE_ASK", "cni-n:10-weft.conflist cni-r:10-weft.conflist", 1);
	start();
	await("answer id=1 err=0 text=\"\" got=\"written\"", 1);
	await("answer id=2 err=0 text=\"\" got=\"before\"", 1);
	ck_assert_int_eq(access(path_of("net.d/.weft.new"), F_OK), 0);
	kill(weftd_pid, SIGTERM);
	ended(weftd_pid);
	setenv("FAKE_ASK", "cni-n:10-weft.conflist cni-m:10-weft.conflist cni-r:10-weft.conflist cni-l", 1);
	start();
	await("answer id=3 err=0 text=\"\" got=\"written\"", 1);
	await("answer id=4 err=0", 1);
	ck_assert_int_ne(access(path_of("net.d/.weft.new"), F_OK), 0);
	ck_assert_int_eq(stat(path_of("net.d/10-weft.conflist"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_uint_eq(st.st_uid, 0);
}
END_TEST

START_TEST(cni_file_is_removed)
{
	put(path_of("net.d/10-weft.conflist"), "before\n");
	put(path_of("net.d/10-other.conflist"), "of others\n");
	setenv("FAKE_ASK", "cni-d:10-weft.conflist cni-d:10-weft.conflist cni-d:10-other.conflist", 1);
	start();
	await("answer id=1 err=0", 1);
	await("answer id=2 err=2", 1);
	await("answer id=3 err=22", 1);
	ck_assert_int_ne(access(path_of("net.d/10-weft.conflist"), F_OK), 0);
	ck_assert_int_eq(access(path_of("net.d/10-other.conflist"), F_OK), 0);
}
END_TEST

/* Nothing but files of that name in that directory. */
static const char *const cni_names[] = { "10-other.conflist", "../conf/w-weft.conflist", "/etc/x-weft.conflist",
	"-weft.conflist", ".x-weft.conflist", "x-weft.conflist.json", "a/b-weft.conflist", "" };

START_TEST(cni_names_of_others_are_refused)
{
	char ask[128];

	snprintf(ask, sizeof(ask), "cni-n:%s cni-m:%s cni-r:%s cni-d:%s", cni_names[_i], cni_names[_i],
	    cni_names[_i], cni_names[_i]);
	setenv("FAKE_ASK", ask, 1);
	start();
	await("err=22 text=\"a name that does not end in -weft.conflist", 4);
}
END_TEST

/* A link where the new file grows leads nowhere, and one in its place is not read. */
START_TEST(cni_links_are_not_followed)
{
	ck_assert_int_eq(symlink(path_of("outside"), path_of("net.d/.weft.new")), 0);
	ck_assert_int_eq(symlink(path_of("outside"), path_of("net.d/10-weft.conflist")), 0);
	setenv("FAKE_ASK", "cni-r:10-weft.conflist cni-n:10-weft.conflist cni-m:10-weft.conflist", 1);
	start();
	await("answer id=1 err=40", 1);
	await("answer id=3 err=0", 1);
	ck_assert_str_eq(slurp(path_of("outside")), "not for you\n");
	ck_assert_str_eq(slurp(path_of("net.d/10-weft.conflist")), "written\n");
}
END_TEST

START_TEST(a_broken_message_ends_the_agent)
{
	setenv("FAKE_ASK", "garbage", 1);
	start();
	await("broken message on its channel", 1);
	await("weft-agent uid=", 2);
}
END_TEST

/* ---- what may be opened ------------------------------------------------------ */

struct open_case {
	const char *what; /* "@" stands for the test's directory */
	const char *answer;
};
static const struct open_case open_cases[] = {
	{ "config", "err=0 text=\"\" got=\"node: {}\"" },
	{ "secret:@/secrets/key", "err=0 text=\"\" got=\"sesame\"" },
	{ "secret:@/secrets//key", "err=0 text=\"\" got=\"sesame\"" },
	{ "secret:@/secrets/data/key", "err=0 text=\"\" got=\"sesame\"" }, /* a link that stays below */
	{ "secret:@/secrets/../outside", "err=18" },
	{ "secret:@/secrets/out", "err=18" },	   /* a link out */
	{ "secret:@/secrets/abs", "err=18" },	   /* an absolute link, though it leads back */
	{ "secret:@/outside", "err=13" },
	{ "secret:@/secretsandmore/key", "err=13" },
	{ "secret:/etc/shadow", "err=13" },
	{ "secret:@/secrets/proc", "err=18" },
	{ "secret:@/secrets", "err=13" },
	{ "secret:@/secrets/dir", "err=22" },
	{ "secret:@/secrets/fifo", "err=22" },
	{ "secret:@/secrets/none", "err=2" },
	{ "secret:w.yaml", "err=13" }, /* beside the configuration, where --secret-dir is not */
	{ "listener:0", "got=\"socket type 1 listen ok\"" },
	{ "listener6:0", "got=\"socket type 1 listen ok\"" },
	{ "nonsense", "err=95" },
};

/* The second claim of a number is refused, and names who has it; another number is free. */
START_TEST(claims_are_exclusive)
{
	unsigned n = own_number();
	char ask[96], want[160];

	snprintf(ask, sizeof(ask), "claim:%u claim:%u claim:%u", n, n, n + 1);
	setenv("FAKE_ASK", ask, 1);
	start();
	await("answer id=1 err=0 text=\"\" got=\"socket type 1 listen ok\"", 1);
	snprintf(want, sizeof(want), "answer id=2 err=98 text=\"another weft (weftd's pid is %d) owns "
	    "the routes with protocol number %u", (int)weftd_pid, n);
	await(want, 1);
	await("answer id=3 err=0", 1);
}
END_TEST

/* A name that somebody else has taken keeps nobody from starting. */
START_TEST(a_strangers_name_is_no_claim)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int len = snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "weft/routes/%u", own_number());
	char ask[32];

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(listen(fd, 1), 0); /* the kernel notes who does this */
	ck_assert_int_eq(seteuid(0), 0);
	snprintf(ask, sizeof(ask), "claim:%u", own_number());
	setenv("FAKE_ASK", ask, 1);
	start();
	await("answer id=1 err=1 text=\"user 65534 holds the name", 1);
	close(fd);
}
END_TEST

START_TEST(opens_what_it_may)
{
	const struct open_case *c = &open_cases[_i];
	const char *at = strchr(c->what, '@');
	char words[256];

	mkdir(path_of("secrets/dir"), 0755);
	mkdir(path_of("secretsandmore"), 0755);
	put(path_of("secretsandmore/key"), "x\n");
	mkfifo(path_of("secrets/fifo"), 0600);
	ck_assert_int_eq(symlink(".", path_of("secrets/data")), 0);
	ck_assert_int_eq(symlink("../outside", path_of("secrets/out")), 0);
	ck_assert_int_eq(symlink(path_of("secrets/key"), path_of("secrets/abs")), 0);
	ck_assert_int_eq(symlink("/proc/self/environ", path_of("secrets/proc")), 0);
	if (at)
		snprintf(words, sizeof(words), "%.*s%s%s", (int)(at - c->what), c->what, dir, at + 1);
	else
		snprintf(words, sizeof(words), "%s", c->what);
	setenv("FAKE_ASK", words, 1);
	start();
	await("answer id=1 ", 1);
	await(c->answer, 1);
}
END_TEST

/* ---- the service manager ------------------------------------------------------ */

static int
notify_socket(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval tv = { .tv_sec = DEADLINE_S };

	strcpy(sa.sun_path, name);
	sa.sun_path[0] = sa.sun_path[0] == '@' ? '\0' : sa.sun_path[0];
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

static void
await_notice(int fd, const char *what)
{
	char buf[512];
	ssize_t n;

	do {
		n = recv(fd, buf, sizeof(buf) - 1, 0);
		ck_assert_msg(n > 0, "no %s", what);
		buf[n] = '\0';
	} while (!strstr(buf, what));
}

/* Both kinds of address; ready, reloading, ready again, watchdog, stopping. */
START_TEST(service_manager_is_told)
{
	char name[128];
	int fd;

	snprintf(name, sizeof(name), _i == 0 ? "%s/notify" : "@%s/notify", dir);
	fd = notify_socket(name);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "200000", 1);
	unsetenv("WATCHDOG_PID");
	start();
	await_notice(fd, "READY=1\nSTATUS=serving");
	await_notice(fd, "WATCHDOG=1");
	kill(weftd_pid, SIGHUP);
	await_notice(fd, "RELOADING=1\nMONOTONIC_USEC=");
	await_notice(fd, "READY=1\nSTATUS=reloaded");
	kill(weftd_pid, SIGTERM);
	await_notice(fd, "STOPPING=1");
	ck_assert_msg(ended(weftd_pid) == 0, "%s", slurp(path_of("log")));
	close(fd);
}
END_TEST

/* ---- command line ------------------------------------------------------------- */

struct usage_case {
	const char *args;
	int status;
	const char *says;
};
static const struct usage_case usage_cases[] = {
	{ "", 2, "--config is missing" },
	{ "--config x", 2, "--run-dir is missing" },
	{ "--config x --run-dir y z", 2, "\"z\": unexpected argument" },
	{ "--config x --run-dir y --no-such", 2, "no-such" },
	{ "--config x --run-dir y --agent-user nobody-like-that", 2, "no user" },
	{ "--config x --run-dir y --agent-user root", 2, "must not be root" },
	{ "--config x --run-dir y --agent-user 7 --bgpd-user 7", 2, "must not be the agent's" },
	{ "--config x --run-dir y --stop-timeout 0", 2, "1 to 3600" },
	{ "--config x --run-dir y --child-timeout -1", 2, "0 to 3600" },
	{ "--config x --run-dir y --libexec /nonexistent", 1, "no weft-agent" },
	{ "--config /nonexistent --run-dir y --libexec $D/bin", 1, "No such file" },
	{ "--config $D/conf/w.yaml --run-dir /tmp --libexec $D/bin", 1, "run-dir-unusable" },
	{ "--config $D/conf/w.yaml --run-dir /run --libexec $D/bin", 1, "directly below /" },
	{ "--version", 0, "weftd " },
	{ "--help", 0, "usage: weftd" },
};

START_TEST(command_line)
{
	const struct usage_case *c = &usage_cases[_i];
	char cmd[512];
	int status;

	snprintf(cmd, sizeof(cmd), "D=%s; ./weftd %s >$D/log 2>&1", dir, c->args);
	status = system(cmd);
	ck_assert_int_eq(WEXITSTATUS(status), c->status);
	ck_assert_uint_ge(count(c->says), 1);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("launch");
	TCase *t = tcase_create("weftd");
	SRunner *r;
	int failed;
	char cmd[128];

	if (geteuid() != 0) {
		fputs("needs root: skipped\n", stderr);
		return 77;
	}
	strcpy(top, "/tmp/weft-launch-XXXXXX");
	if (!mkdtemp(top))
		return EXIT_FAILURE;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 15);
	tcase_add_test(t, children_are_given_what_they_need);
	tcase_add_test(t, bgpd_alone_is_replaced);
	tcase_add_test(t, bfdd_is_started_when_asked_for);
	tcase_add_test(t, bfdd_that_ends_again_and_again);
	tcase_add_test(t, bfdd_outlives_the_agent);
	tcase_add_test(t, bfdd_ends_when_nobody_wants_it);
	tcase_add_test(t, without_agent_both_start_anew);
	tcase_add_test(t, restarts_are_spaced);
	tcase_add_test(t, a_second_one_is_refused);
	tcase_add_test(t, killed_and_started_again);
	tcase_add_test(t, hangup_is_a_reload);
	tcase_add_test(t, a_hanging_agent_is_killed);
	tcase_add_test(t, a_deaf_agent_is_started_again);
	tcase_add_test(t, an_agent_that_answers_lives);
	tcase_add_test(t, an_agent_that_speaks_is_not_asked);
	tcase_add_test(t, unusable_configuration_ends_weftd);
	tcase_add_test(t, a_broken_message_ends_the_agent);
	tcase_add_test(t, cni_file_is_renamed_into_place);
	tcase_add_test(t, cni_file_is_removed);
	tcase_add_test(t, cni_links_are_not_followed);
	tcase_add_loop_test(t, cni_names_of_others_are_refused, 0, N(cni_names));
	tcase_add_test(t, claims_are_exclusive);
	tcase_add_test(t, a_strangers_name_is_no_claim);
	tcase_add_loop_test(t, opens_what_it_may, 0, N(open_cases));
	tcase_add_loop_test(t, service_manager_is_told, 0, 2);
	tcase_add_loop_test(t, command_line, 0, N(usage_cases));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	if (system(cmd) != 0)
		failed++;
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
