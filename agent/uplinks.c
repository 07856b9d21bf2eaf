/*
 * The ICMPv6 socket of router advertisements; see uplinks.h.
 *
 * The group of all routers (ff02::2) is joined on each interface so that
 * solicitations are heard; advertisements to all nodes are heard anyway.
 */
#include "agent/uplinks.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/bgpd.h"
#include "agent/launcher.h"
#include "lib/mem.h"

struct uplinks {
	struct agent *agent;
	int fd; /* -1: not opened yet */
	bool greeted;
};

static void
give(struct uplinks *u)
{
	struct ipc_msg m = { .type = IPC_RA_SOCKET };
	int copy = fcntl(u->fd, F_DUPFD_CLOEXEC, 0);

	if (copy >= 0)
		bgpd_send(u->agent->bgpd, &m, copy);
}

static bool
open_socket(struct uplinks *u, char *problem)
{
	char words[LAUNCH_TEXT_MAX];

	if (u->fd >= 0)
		return true;
	u->fd = launcher_open_ra(u->agent->launcher, words);
	if (u->fd < 0) {
		snprintf(problem, IPC_TEXT_MAX, "no socket for router advertisements: %s%s",
		    words[0] ? words : strerror(-u->fd),
		    u->fd == -EPERM ? " (weftd needs CAP_NET_RAW)" : "");
		u->fd = -1;
		return false;
	}
	if (u->greeted)
		give(u);
	return true;
}

bool
uplinks_join(struct uplinks *u, uint32_t ifindex, const char *ifname, char *problem)
{
	/* ff02::2 */
	struct ipv6_mreq group = { .ipv6mr_multiaddr = { .s6_addr = { 0xff, 0x02, [15] = 2 } },
		.ipv6mr_interface = ifindex };

	if (!open_socket(u, problem))
		return false;
	if (setsockopt(u->fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof group) == 0 ||
	    errno == EADDRINUSE) /* joined before */
		return true;
	snprintf(problem, IPC_TEXT_MAX, "router advertisements cannot be heard on %s: %s%s", ifname,
	    strerror(errno), errno == ENODEV ? " (is IPv6 switched off there?)" : "");
	return false;
}

void
uplinks_greet(struct uplinks *u)
{
	u->greeted = true;
	if (u->fd >= 0)
		give(u);
}

struct uplinks *
uplinks_new(struct agent *a)
{
	struct uplinks *u = mem_zalloc(sizeof *u);

	u->agent = a;
	u->fd = -1;
	return u;
}

void
uplinks_free(struct uplinks *u)
{
	if (!u)
		return;
	if (u->fd >= 0)
		close(u->fd);
	mem_free(u);
}
