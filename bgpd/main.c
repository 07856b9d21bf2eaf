/*
 * weft-bgpd: speaks BGP with peers over descriptors that weft-agent gives it.
 *
 * Started by weftd with its three channels at LAUNCH_FD_IPC and an empty
 * directory as working directory; goes into its sandbox before it looks at
 * anything else.  SIGTERM is ignored: the agent orders the end.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bgpd/bgpd.h"
#include "lib/crashpage.h"
#include "lib/ipcsock.h"
#include "lib/launchmsg.h"
#include "lib/logmain.h"
#include "lib/privs.h"
#include "lib/sandbox.h"
#include "lib/sanitized.h"

#define EXIT_USAGE 2

static int
usage(void)
{
	fputs("weft-bgpd is started by weftd:\n"
	      "  weft-bgpd --user UID:GID    with its channels at descriptors 4 to 6\n"
	      "  weft-bgpd --version\n", stderr);
	return EXIT_USAGE;
}

/* Descriptors for connections of others; a quarter, at most 64, is for all else. */
static int
max_in_fds(void)
{
	struct rlimit rl;
	rlim_t most = INT_MAX;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < most)
		most = rl.rlim_cur;
	return (int)(most - (most / 4 < 64 ? most / 4 : 64));
}

/* The page shared with the agent; NULL: it was not given one, or not a whole one. */
static struct crash_page *
map_crash_page(void)
{
	struct stat st;
	void *p = MAP_FAILED;

	if (fstat(LAUNCH_FD_CRASH, &st) != 0)
		return NULL;
	if (S_ISREG(st.st_mode) && st.st_size == sizeof(struct crash_page))
		p = mmap(NULL, sizeof(struct crash_page), PROT_READ | PROT_WRITE, MAP_SHARED,
		    LAUNCH_FD_CRASH, 0);
	close(LAUNCH_FD_CRASH);
	return p == MAP_FAILED ? NULL : p;
}

int
main(int argc, char **argv)
{
	struct crash_page *crash;
	int in_fds_max;
	int fds[IPC_NCHANS];
	const char *step;
	uid_t uid;
	gid_t gid;
	int rc;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("weft-bgpd " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc != 3 || strcmp(argv[1], "--user") != 0 || !privs_parse_user(argv[2], &uid, &gid))
		return usage();
	for (int i = 0; i < IPC_NCHANS; i++) {
		fds[i] = LAUNCH_FD_IPC + i;
		if (ipcsock_adopt(fds[i]) != 0)
			return usage();
	}
	log_main_init("weft-bgpd", LOG_ERR, false);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	crash = map_crash_page();
	in_fds_max = max_in_fds(); /* the sandbox does not let it ask */
	rc = sandbox_enter(uid, gid, &step);
	if (rc != 0) {
		log_event(LOG_ERR, "sandbox-failed", "step=\"%s\" why=\"%s\"", step,
		    strerror(-rc));
		return EXIT_FAILURE;
	}
	return bgpd_run(fds, in_fds_max, crash);
}
