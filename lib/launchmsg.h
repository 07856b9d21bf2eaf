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
 * bfdd runs while the agent wants it (LAUNCH_START_BFDD).  It has a channel to
 * weftd at LAUNCH_FD_CHANNEL, over which it gets one channel after the other to
 * the agents that come (LAUNCH_AGENT), so that it outlives them; its end is the
 * order to stop.  From LAUNCH_FD_BFD it has the memory with the state of its
 * sessions, which outlives it, and its sockets (enum launch_bfd_fd); a family
 * that the node does not have is /dev/null there.
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
#define LAUNCH_FD_BFD	  4 /* enum launch_bfd_fd */
#define LAUNCH_PATH_MAX	  256
#define LAUNCH_TEXT_MAX	  128
#define LAUNCH_PINGS_MISSED 3
#define LAUNCH_EXIT_CONFIG 78 /* exit status: the configuration cannot be used */

enum launch_type {
	/* agent -> weftd, each answered by LAUNCH_ANSWER with the same id */
	LAUNCH_OPEN_CONFIG = 1, /* the file given with --config, read only */
	LAUNCH_OPEN_SECRET,	/* path, below a directory for secrets (relative: beside the
				 * configuration file), read only */
	LAUNCH_OPEN_LISTENER,	/* addr (af only: wildcard), port, ifname: a bound TCP socket that
				 * does not listen yet (keys come first), non-blocking */
	LAUNCH_OPEN_CLAIM,	/* port: a route protocol number. A listening socket by whose existence other
				 * wefts know that the routes of that number in this network namespace
				 * have an owner; -EADDRINUSE: another weft is. Accept and close. */
	LAUNCH_OPEN_RA,		/* an ICMPv6 socket for router advertisements and solicitations */
	LAUNCH_CNI_LIST,	/* the directory of CNI configurations, to be listed */
	LAUNCH_CNI_READ,	/* path, a name ending in "-weft.conflist": that file in it, read only */
	LAUNCH_CNI_NEW,		/* path: an empty file, write only, that is none yet for anybody else */
	LAUNCH_CNI_RENAME,	/* path: what the last LAUNCH_CNI_NEW gave gets that name; answered by
				 * the directory */
	LAUNCH_CNI_REMOVE,	/* path: that file goes; answered by the directory */
	/* notices, not answered */
	LAUNCH_READY,		/* serving, also after each reload (failed ones, too): tell the
				 * service manager; text is the status */
	LAUNCH_STATUS,		/* text for the service manager */
	LAUNCH_RESTART_BGPD,	/* the channel was broken: kill and start it again */
	LAUNCH_START_BFDD,	/* there are BFD sessions: answered by LAUNCH_BFDD */
	LAUNCH_STOP_BFDD,	/* there are none any more */
	LAUNCH_RESTART_BFDD,	/* as LAUNCH_RESTART_BGPD */
	LAUNCH_PONG,		/* the answer to LAUNCH_PING, and after the first of them every delay_ms
				 * without another: who speaks need not be asked */
	/* weftd -> agent */
	LAUNCH_ANSWER, /* err 0 and a descriptor, or an errno and the reason as text */
	LAUNCH_BGPD,   /* a new bgpd runs: pid, and three descriptors, the agent's ends of the
			* channels to it (enum ipc_chan) */
	LAUNCH_BFDD,   /* bfdd runs: pid, and one descriptor, the agent's end of the channel to it; or
			* it does not, with err and the reason as text */
	LAUNCH_CHILD,  /* child ended: which, status, restarts, delay_ms until the next start */
	LAUNCH_RELOAD, /* SIGHUP */
	LAUNCH_STOP,   /* SIGTERM or SIGINT: finish and exit; again: and hurry */
	LAUNCH_PING,   /* at start, then every delay_ms while the agent says nothing (LAUNCH_PONG or
			* anything else): after LAUNCH_PINGS_MISSED of them it is hung */
	/* weftd -> bfdd */
	LAUNCH_AGENT, /* one descriptor: bfdd's end of the channel to a new agent */
};

enum launch_child { LAUNCH_CHILD_AGENT, LAUNCH_CHILD_BGPD, LAUNCH_CHILD_BFDD, LAUNCH_NCHILDREN };

/* What bfdd is given, in this order from LAUNCH_FD_BFD on. */
enum launch_bfd_fd {
	LAUNCH_BFD_STATE,   /* memory (memfd_create(2)) of LAUNCH_BFD_STATE_OCTETS */
	LAUNCH_BFD_SINGLE4, /* UDP port 3784 (RFC 5881 section 4) */
	LAUNCH_BFD_SINGLE6,
	LAUNCH_BFD_MULTI4, /* UDP port 4784 (RFC 5883 section 5) */
	LAUNCH_BFD_MULTI6,
	LAUNCH_BFD_SEND4, /* a source port from 49152 on, for all sessions of the family */
	LAUNCH_BFD_SEND6,
	LAUNCH_BFD_NFDS
};

#define LAUNCH_BFD_STATE_OCTETS (1u << 20) /* pages that are not used cost nothing */

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
