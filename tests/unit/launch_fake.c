/*
 * Stands in for weft's other processes in the launcher's test: says on
 * stderr what it was given and what it is told.
 *
 * $FAKE_MODE: "die" (agent exits with 1 at once), "config" (with
 * LAUNCH_EXIT_CONFIG), "hang" (does not stop), "deaf" (answers no ping),
 * "beat" (speaks by itself).  $FAKE_ASK: words like
 * "config", "secret:PATH", "listener:PORT", "claim:NUMBER", "cni-r:NAME", "garbage" that the agent asks for,
 * and "bfdd" for that process; a reload takes the wish back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ipcmsg.h"
#include "lib/ipcsock.h"
#include "lib/launchmsg.h"
#include "lib/sanitized.h"

#define BEAT_MS 100

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) != n)
		exit(1);
}

/* The value of a line of /proc/self/status, in line. */
static const char *
proc_status(const char *key, char line[256])
{
	FILE *f = fopen("/proc/self/status", "r");
	size_t len = strlen(key);
	const char *ret = "?";

	while (f && fgets(line, 256, f))
		if (strncmp(line, key, len) == 0 && line[len] == ':') {
			line[strcspn(line, "\n")] = '\0';
			ret = line + len + 2;
			break;
		}
	if (f)
		fclose(f);
	return ret;
}

static void
say_identity(const char *who, int argc, char **argv)
{
	char cwd[512], args[256] = "", caps[256], nnp[256];
	int nenv = 0;

	for (int i = 1; i < argc; i++)
		strncat(strncat(args, " ", 2), argv[i], 100);
	while (environ[nenv])
		nenv++;
	if (!getcwd(cwd, sizeof(cwd)))
		strcpy(cwd, "?");
	say("%s uid=%u gid=%u capeff=%s nnp=%s env=%d cwd=%s pgid=%d args=%s", who, getuid(), getgid(),
	    proc_status("CapEff", caps), proc_status("NoNewPrivs", nnp), nenv, cwd, getpgrp() == getpid(), args);
}

/* The page of lib/crashpage.h: of its size, writable, and nobody can shorten it. */
static void
say_crash_page(const char *who)
{
	struct stat st = { 0 };
	bool there = fstat(LAUNCH_FD_CRASH, &st) == 0;
	bool writable = there && pwrite(LAUNCH_FD_CRASH, "x", 1, 0) == 1;
	bool sealed = there && ftruncate(LAUNCH_FD_CRASH, 0) != 0 && errno == EPERM;

	say("%s crash page octets=%lld writable=%d sealed=%d", who, (long long)st.st_size, writable,
	    sealed);
}

static void
ask(const char *word)
{
	static uint32_t id;
	struct launch_msg m = { .id = id + 1 };
	const char *arg = strchr(word, ':');

	id++;
	arg = arg ? arg + 1 : "";
	if (strncmp(word, "config", 6) == 0) {
		m.type = LAUNCH_OPEN_CONFIG;
	} else if (strncmp(word, "secret", 6) == 0) {
		m.type = LAUNCH_OPEN_SECRET;
		snprintf(m.path, sizeof(m.path), "%s", arg);
	} else if (strncmp(word, "claim", 5) == 0) {
		m.type = LAUNCH_OPEN_CLAIM;
		m.port = (uint16_t)atoi(arg);
	} else if (strncmp(word, "listener", 8) == 0) {
		m.type = LAUNCH_OPEN_LISTENER;
		m.addr.af = word[8] == '6' ? IP6 : IP4;
		m.port = (uint16_t)atoi(arg);
	} else if (strncmp(word, "cni", 3) == 0) {
		m.type = word[4] == 'n' ? LAUNCH_CNI_NEW : word[4] == 'm' ? LAUNCH_CNI_RENAME :
		    word[4] == 'd' ? LAUNCH_CNI_REMOVE : word[4] == 'l' ? LAUNCH_CNI_LIST : LAUNCH_CNI_READ;
		snprintf(m.path, sizeof(m.path), "%s", strlen(word) > 6 ? word + 6 : "");
	} else if (strcmp(word, "bfdd") == 0) {
		m.type = LAUNCH_START_BFDD;
	} else {
		m.type = 999;
	}
	ipcsock_send(LAUNCH_FD_CHANNEL, &m, strcmp(word, "garbage") ? sizeof(m) : 7, NULL, 0);
}

static void
answered(const struct launch_msg *m, int fd)
{
	char text[64] = "";
	int type = 0, listens = 0;
	socklen_t len = sizeof(type);
	ssize_t n;

	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0) {
		/* One that listens keeps the name of who made it do so: it is not asked again. */
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len);
		snprintf(text, sizeof(text), "socket type %d listen %s", type,
		    listens || listen(fd, 5) == 0 ? "ok" : strerror(errno));
	} else if (fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
		n = write(fd, "written\n", 8);
		snprintf(text, sizeof(text), "%s", n == 8 ? "written" : strerror(errno));
	} else if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		text[strcspn(text, "\n")] = '\0';
	}
	say("answer id=%u err=%d text=\"%s\" got=\"%s\"", m->id, m->err, m->text, text);
	if (fd >= 0 && type == 0)
		close(fd);
}

static bool pinged; /* weftd has asked the agent whether it lives */

static void
told(const struct launch_msg *m, int *fds, size_t nfds)
{
	const char *mode = getenv("FAKE_MODE");
	struct launch_msg ready = { .type = LAUNCH_READY, .text = "reloaded" };
	struct launch_msg no_bfdd = { .type = LAUNCH_STOP_BFDD };
	struct launch_msg pong = { .type = LAUNCH_PONG };

	switch (m->type) {
	case LAUNCH_ANSWER:
		answered(m, nfds > 0 ? fds[0] : -1);
		break;
	case LAUNCH_BGPD:
		say("agent told bgpd pid=%d restarts=%u fds=%zu", m->pid, m->restarts, nfds);
		for (size_t i = 0; i < (nfds ? nfds : IPC_NCHANS); i++)
			ipcsock_send(nfds ? fds[i] : LAUNCH_FD_IPC + (int)i, "hello", 5, NULL, 0);
		break;
	case LAUNCH_BFDD:
		say("agent told bfdd pid=%d err=%d fds=%zu text=\"%s\"", m->pid, m->err, nfds, m->text);
		if (nfds > 0)
			ipcsock_send(fds[0], "hello", 5, NULL, 0);
		break;
	case LAUNCH_CHILD:
		say("agent told child=%u status=%d restarts=%u delay_ms=%u", m->child, m->status,
		    m->restarts, m->delay_ms);
		break;
	case LAUNCH_RELOAD:
		say("agent told reload");
		ipcsock_send(LAUNCH_FD_CHANNEL, &no_bfdd, sizeof(no_bfdd), NULL, 0);
		ipcsock_send(LAUNCH_FD_CHANNEL, &ready, sizeof(ready), NULL, 0);
		break;
	case LAUNCH_PING:
		say("agent told ping every_ms=%u", m->delay_ms);
		pinged = true;
		if (!mode || strcmp(mode, "deaf") != 0)
			ipcsock_send(LAUNCH_FD_CHANNEL, &pong, sizeof(pong), NULL, 0);
		break;
	case LAUNCH_STOP:
		say("agent told stop");
		if (!mode || strcmp(mode, "hang") != 0)
			exit(0);
	}
}

/* Speaks unasked, once it was asked, when nobody has said anything to it for a while. */
static void
beat(void)
{
	struct launch_msg pong = { .type = LAUNCH_PONG };

	say("agent beats");
	ipcsock_send(LAUNCH_FD_CHANNEL, &pong, sizeof(pong), NULL, 0);
}

static int
run_agent(void)
{
	const char *mode = getenv("FAKE_MODE"), *ask_for = getenv("FAKE_ASK");
	char words[512];
	struct launch_msg m = { .type = LAUNCH_READY, .text = "serving" };
	int fds[IPCSOCK_FDS_MAX];
	size_t nfds;
	ssize_t n;

	snprintf(words, sizeof(words), "%s", ask_for ? ask_for : "");
	if (mode && strcmp(mode, "die") == 0)
		return 1;
	if (mode && strcmp(mode, "config") == 0)
		return LAUNCH_EXIT_CONFIG;
	ipcsock_send(LAUNCH_FD_CHANNEL, &m, sizeof(m), NULL, 0);
	for (char *rest = words, *w; (w = strtok_r(rest, " ", &rest)) != NULL;)
		ask(w);
	for (;;) {
		struct pollfd p = { .fd = LAUNCH_FD_CHANNEL, .events = POLLIN };

		if (poll(&p, 1, pinged && mode && strcmp(mode, "beat") == 0 ? BEAT_MS : -1) == 0)
			beat();
		n = ipcsock_recv(LAUNCH_FD_CHANNEL, &m, sizeof(m), fds, IPCSOCK_FDS_MAX, &nfds);
		if (n == (ssize_t)sizeof(m))
			told(&m, fds, nfds);
		else if (n != -EAGAIN)
			return 0;
	}
}

static int
run_bgpd(void)
{
	char buf[64];

	for (;;) {
		struct pollfd p[IPC_NCHANS];

		for (int i = 0; i < IPC_NCHANS; i++)
			p[i] = (struct pollfd){ .fd = LAUNCH_FD_IPC + i, .events = POLLIN };
		poll(p, IPC_NCHANS, -1);
		for (int i = 0; i < IPC_NCHANS; i++) {
			ssize_t n = p[i].revents ? recv(p[i].fd, buf, sizeof(buf), MSG_DONTWAIT) : -1;

			if (n == 0)
				return 0;
			if (n > 0)
				say("bgpd got %zd on channel %d", n, i);
		}
	}
}

static const char *
fd_kind(int fd)
{
	struct stat st;
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
		return type == SOCK_DGRAM ? "u" : "s";
	if (fstat(fd, &st) != 0)
		return "!";
	if (!S_ISREG(st.st_mode))
		return "-";
	return fcntl(fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ? "m" : "M";
}

/* Has another bfdd been here? From now on one has. */
static const char *
state_age(void)
{
	char mark = 0;

	(void)!pread(LAUNCH_FD_BFD + LAUNCH_BFD_STATE, &mark, 1, 0);
	(void)!pwrite(LAUNCH_FD_BFD + LAUNCH_BFD_STATE, "x", 1, 0);
	return mark ? "kept" : "new";
}

/* Takes the channels to agents one after the other, until weftd closes its own. */
static int
run_bfdd(void)
{
	struct launch_msg m;
	char kinds[LAUNCH_BFD_NFDS + 1] = "", buf[16];
	int agent = -1, fd;
	size_t nfds;

	for (int i = 0; i < LAUNCH_BFD_NFDS; i++)
		strcat(kinds, fd_kind(LAUNCH_FD_BFD + i));
	say("bfdd has %s nice=%d crash=%s state=%s", kinds, getpriority(PRIO_PROCESS, 0),
	    fd_kind(LAUNCH_FD_CRASH), state_age());
	for (;;) {
		struct pollfd p[2] = { { .fd = LAUNCH_FD_CHANNEL, .events = POLLIN },
			{ .fd = agent, .events = POLLIN } };
		ssize_t n;

		poll(p, 2, -1);
		if (p[0].revents) {
			n = ipcsock_recv(LAUNCH_FD_CHANNEL, &m, sizeof(m), &fd, 1, &nfds);
			if (n != (ssize_t)sizeof(m))
				return 0;
			agent = fd;
			say("bfdd told type=%d fds=%zu", m.type == LAUNCH_AGENT, nfds);
		} else if (p[1].revents) {
			n = recv(agent, buf, sizeof(buf), MSG_DONTWAIT);
			say(n > 0 ? "bfdd got %zd" : "bfdd lost its agent", n);
			if (n == 0) {
				close(agent);
				agent = -1;
			}
		}
	}
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name ? name + 1 : argv[0];
	say_identity(name, argc, argv);
	say_crash_page(name);
	return strcmp(name, "weft-agent") == 0 ? run_agent()
	       : strcmp(name, "weft-bfdd") == 0 ? run_bfdd()
						: run_bgpd();
}
