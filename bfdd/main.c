/*
 * weft-bfdd: BFD with the peers that weft-agent names, over sockets that weftd
 * has opened.
 *
 * Started by weftd with its descriptors in place (lib/launchmsg.h), an empty
 * directory as working directory and a raised priority.  Goes on with the
 * sessions of the bfdd before it as soon as it is in its sandbox, without
 * waiting for anybody.  SIGTERM is ignored: the end of weftd's channel is the
 * order to stop.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bfdd/bfdd.h"
#include "lib/ipcsock.h"
#include "lib/logmain.h"
#include "lib/privs.h"
#include "lib/sandbox.h"
#include "lib/sanitized.h"

#define EXIT_USAGE 2

static int
usage(void)
{
	fputs("weft-bfdd is started by weftd:\n"
	      "  weft-bfdd --user UID:GID    with its descriptors from 3 on\n"
	      "  weft-bfdd --version\n", stderr);
	return EXIT_USAGE;
}

/* The sockets that are there. */
static void
find_sockets(int sock[LAUNCH_BFD_NFDS])
{
	for (int i = 0; i < LAUNCH_BFD_NFDS; i++) {
		int type = 0;
		socklen_t len = sizeof(type);

		sock[i] = LAUNCH_FD_BFD + i;
		if (i == LAUNCH_BFD_STATE || getsockopt(sock[i], SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
		    type != SOCK_DGRAM)
			sock[i] = -1;
	}
}

/* How much of it was ever written to: to look further would make memory of what is none yet. */
static size_t
state_used(void)
{
	const int fd = LAUNCH_FD_BFD + LAUNCH_BFD_STATE;
	off_t data, end = 0;

	while (end >= 0 && (data = lseek(fd, end, SEEK_DATA)) >= 0)
		end = lseek(fd, data, SEEK_HOLE);
	return end >= 0 && errno == ENXIO ? (size_t)end : LAUNCH_BFD_STATE_OCTETS;
}

/* Without it a bfdd after this one begins anew. */
static void *
map_state(void)
{
	void *p = mmap(NULL, LAUNCH_BFD_STATE_OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED,
	    LAUNCH_FD_BFD + LAUNCH_BFD_STATE, 0);

	if (p != MAP_FAILED)
		return p;
	log_event(LOG_ERR, "state-failed", "why=\"%s\"", strerror(errno));
	return NULL;
}

/*
 * Timers to the microsecond, and no page that has to be read in again.  What is
 * allocated later is locked only where nothing limits it: over the limit memory
 * would no longer be given at all.  It is locked once it is used: of the megabyte for the state
 * of sessions, which comes next, a few pages are.
 */
static void
hurry(void)
{
	struct rlimit rl;
	bool all = getrlimit(RLIMIT_MEMLOCK, &rl) == 0 && rl.rlim_cur == RLIM_INFINITY;

	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
#ifndef WEFT_SANITIZED /* its shadow is larger than any memory */
	(void)mlockall(MCL_CURRENT);
	if (all)
		(void)mlockall(MCL_FUTURE | MCL_ONFAULT);
#else
	(void)all;
#endif
}

int
main(int argc, char **argv)
{
	int sock[LAUNCH_BFD_NFDS];
	const char *step;
	void *state;
	size_t used;
	uid_t uid;
	gid_t gid;
	int rc;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("weft-bfdd " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc != 3 || strcmp(argv[1], "--user") != 0 || !privs_parse_user(argv[2], &uid, &gid) ||
	    ipcsock_adopt(LAUNCH_FD_CHANNEL) != 0)
		return usage();
	log_main_init("weft-bfdd", LOG_ERR, false);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	find_sockets(sock);
	hurry();
	used = state_used();
	state = map_state();
	rc = sandbox_enter(uid, gid, &step);
	if (rc != 0) {
		log_event(LOG_ERR, "sandbox-failed", "step=\"%s\" why=\"%s\"", step, strerror(-rc));
		return EXIT_FAILURE;
	}
	return bfdd_run(LAUNCH_FD_CHANNEL, sock, state, used);
}
