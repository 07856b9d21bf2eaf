/*
 * Between weftd (the launcher) and weft-agent: fixed-size requests and
 * notices over one SOCK_SEQPACKET pair.
 *
 * weftd parses nothing else, and it is the only process with privileges worth
 * stealing: each request is one struct of constant size, whatever its type,
 * and a message of any other size ends the agent.  Structs cross as they lie
 * in memory: both ends are always of one build (same launcher execs both).
 *
 * Descriptors at exec: the agent has LAUNCH_FD_CHANNEL and, from
 * LAUNCH_FD_IPC, its three ends of the channels to bgpd; bgpd has its three
 * ends from LAUNCH_FD_IPC and nothing at LAUNCH_FD_CHANNEL.  Both have the
 * page in which bgpd keeps whose message it handles at LAUNCH_FD_CRASH; it
 * outlives them, and weftd does not look at it.  The working
 * directory of the agent is the run directory; bgpd's is its empty root.
 *
 * The agent is started as `weft-agent --config NAME`, where NAME is for
 * messages only: the file is opened by LAUNCH_OPEN_CONFIG.  Its first notice
 * is a LAUNCH_BGPD without descriptors: the pid of the bgpd at the other ends
 * of LAUNCH_FD_IPC; when an earlier agent died, a LAUNCH_CHILD about it comes
 * before.  weftd waits for no answer of the agent but for its exit after
 * LAUNCH_STOP (then bgpd is ended, too).  An agent that exits with
 * LAUNCH_EXIT_CONFIG before its first LAUNCH_READY is not started again:
 * weftd ends with status 1.
 */
#ifndef LIB_LAUNCHMSG_H
#define LIB_LAUNCHMSG_H

#include <stdint.h>

#include "lib/ip.h"

#define LAUNCH_FD_CHANNEL 3
#define LAUNCH_FD_IPC	  4 /* 4, 5, 6: control, routes, queries (enum ipc_chan) */
#define LAUNCH_FD_CRASH	  31 /* of the agent and bgpd: the page of lib/crashpage.h */
#define LAUNCH_PATH_MAX	  256
#define LAUNCH_TEXT_MAX	  128
#define LAUNCH_EXIT_CONFIG 78 /* exit status: the configuration cannot be used */

enum launch_type {
	/* agent -> weftd, each answered by LAUNCH_ANSWER with the same id */
	LAUNCH_OPEN_CONFIG = 1, /* the file given with --config, read only */
	LAUNCH_OPEN_SECRET,	/* path, below a directory for secrets (relative: beside the
				 * configuration file), read only */
	LAUNCH_OPEN_LISTENER,	/* addr (af only: wildcard), port, ifname: a bound TCP socket that
				 * does not listen yet (keys come first), non-blocking */
	/* notices, not answered */
	LAUNCH_READY,		/* serving, also after each reload (failed ones, too): tell the
				 * service manager; text is the status */
	LAUNCH_STATUS,		/* text for the service manager */
	LAUNCH_RESTART_BGPD,	/* the channel was broken: kill and start it again */
	/* weftd -> agent */
	LAUNCH_ANSWER, /* err 0 and a descriptor, or an errno and the reason as text */
	LAUNCH_BGPD,   /* a new bgpd runs: pid, and three descriptors, the agent's ends of the
			* channels to it (enum ipc_chan) */
	LAUNCH_CHILD,  /* child ended: which, status, restarts, delay_ms until the next start */
	LAUNCH_RELOAD, /* SIGHUP */
	LAUNCH_STOP,   /* SIGTERM or SIGINT: finish and exit */
};

enum launch_child { LAUNCH_CHILD_AGENT, LAUNCH_CHILD_BGPD, LAUNCH_NCHILDREN };

struct launch_msg {
	uint32_t type; /* enum launch_type */
	uint32_t id;
	int32_t err;
	uint32_t child;	   /* enum launch_child */
	int32_t status;	   /* as from waitpid() */
	uint32_t restarts; /* of that child since weftd started */
	uint32_t delay_ms;
	int32_t pid;
	struct ip_addr addr;
	uint16_t port;
	char ifname[16];
	char path[LAUNCH_PATH_MAX];
	char text[LAUNCH_TEXT_MAX];
};

#endif
