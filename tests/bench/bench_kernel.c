/*
 * What the kernel itself takes on this machine: routes a second by each way that
 * rtnetlink has to set them, written by hand with no work in between, and how long one
 * message moves 100,000 routes. Daemons are measured against this.
 *
 *	bench_kernel [--netns=NAME] [--routes=N] [--repeat=N] [--listen]
 *	bench_kernel --limit=N [--v6] ...
 *	bench_kernel --move=N [--v6] ...
 *
 * It works in a namespace of its own, which is gone afterwards, or in the one named; in
 * both on a veth pair that it makes, with settings as the kernel has them by default.
 * --limit prints the seconds that N /24 (with --v6: /64) take by the fastest way there
 * is, --move those in which N routes of a group with two legs leave one, by replacing the
 * group or by deleting the leg's object; both as RESULT in JSON, too. With --listen there is
 * an onlooker who reads what the kernel tells of routes and nexthop objects, as the load
 * generator does when a daemon is measured; the limit is then the time until it has been told
 * of the last route. Routes come in rising order, as the generator announces them.
 *
 * All messages of a way are one template, of which the destination and the sequence
 * number are set anew, so that the time is the kernel's. After each way the routes are
 * counted by a dump. Figures are those of the middle one of all repetitions, wall-clock and
 * processor time each: daemons are compared by theirs. The least stands beside in RESULT.
 */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load/rtnl.h"
#include "tests/bench/measure.h"
#include "tests/bench/onlooker.h"

#define DEVICE	      "wbench0"
#define OTHER_END     "wbench1"
#define PROTOCOL      250
#define BATCH	      256 /* messages a send; more gain nothing */
#define LEGS	      3
#define REPEAT_MAX    99

/* How a route says where it leads. */
enum via { VIA_NOTHING, VIA_LEG1, VIA_LEG2, VIA_BOTH, VIA_NEXTHOP, VIA_GROUP1, VIA_GROUP2 };

enum { ID_LEG = 7001, ID_GROUP1 = 7011, ID_GROUP2 = 7012 };

struct way {
	const char *name;
	uint16_t type, flags;
	enum via via;
	uint32_t batch;
	enum via before; /* what the routes lead to when it begins */
};

#define ADD	(NLM_F_CREATE | NLM_F_EXCL)
#define REPLACE (NLM_F_CREATE | NLM_F_REPLACE)

static const struct way ways[] = {
	{ "one message a send, ACK", RTM_NEWROUTE, ADD, VIA_LEG1, 1, VIA_NOTHING },
	{ "64 a batch", RTM_NEWROUTE, ADD, VIA_LEG1, 64, VIA_NOTHING },
	{ "256 a batch", RTM_NEWROUTE, ADD, VIA_LEG1, BATCH, VIA_NOTHING },
	{ "with a nexthop object", RTM_NEWROUTE, ADD, VIA_NEXTHOP, BATCH, VIA_NOTHING },
	{ "with a nexthop group", RTM_NEWROUTE, ADD, VIA_GROUP1, BATCH, VIA_NOTHING },
	{ "ECMP inline", RTM_NEWROUTE, ADD, VIA_BOTH, BATCH, VIA_NOTHING },
	{ "replace inline", RTM_NEWROUTE, REPLACE, VIA_LEG2, BATCH, VIA_LEG1 },
	{ "replace by group", RTM_NEWROUTE, REPLACE, VIA_GROUP2, BATCH, VIA_GROUP1 },
	{ "delete", RTM_DELROUTE, 0, VIA_NOTHING, BATCH, VIA_LEG1 },
};

struct job {
	const char *netns;
	int fd;
	bool v6, listen, limit, move;
	uint32_t routes, repeat;
	uint32_t ifindex, seq;
	struct onlooker *onlooker; /* with listen */
};

struct spent {
	double wall, cpu; /* seconds */
};

static struct spent
spent_now(void)
{
	return (struct spent){ measure_seconds(CLOCK_MONOTONIC),
		measure_seconds(CLOCK_PROCESS_CPUTIME_ID) };
}

static struct spent
spent_since(struct spent from)
{
	struct spent now = spent_now();

	return (struct spent){ now.wall - from.wall, now.cpu - from.cpu };
}

/* What all repetitions of one thing took, each kind of time by itself. */
struct series {
	uint32_t n;
	double wall[REPEAT_MAX], cpu[REPEAT_MAX]; /* in rising order */
};

static void
put_in_order(double *v, uint32_t n, double x)
{
	for (; n > 0 && v[n - 1] > x; n--)
		v[n] = v[n - 1];
	v[n] = x;
}

static void
series_add(struct series *s, struct spent x)
{
	put_in_order(s->wall, s->n, x.wall);
	put_in_order(s->cpu, s->n, x.cpu);
	s->n++;
}

static struct spent
series_middle(const struct series *s)
{
	return (struct spent){ s->wall[s->n / 2], s->cpu[s->n / 2] };
}

/* ---- addresses --------------------------------------------------------------------- */

static size_t
address_octets(const struct job *j)
{
	return j->v6 ? 16 : 4;
}

/* The router behind a leg (1 and up), and with leg 0 the device's own address. */
static void
leg_address(const struct job *j, uint32_t leg, uint8_t *ret)
{
	static const uint8_t v4[4] = { 10, 99, 0, 1 }, v6[16] = { 0xfd, 0x99, [15] = 1 };

	memcpy(ret, j->v6 ? v6 : v4, address_octets(j));
	if (leg) {
		ret[j->v6 ? 13 : 2] = 1;
		ret[address_octets(j) - 1] = (uint8_t)leg;
	}
}

/* Destination i: 16.0.0.0/24 and up, or 2a00::/64 and up. */
static void
destination(const struct job *j, uint32_t i, uint8_t *ret)
{
	uint32_t v4 = htonl((16u << 24) + (i << 8)), low = htonl(i);

	if (j->v6)
		memcpy(ret + 4, &low, sizeof low);
	else
		memcpy(ret, &v4, sizeof v4);
}

/* ---- the namespace ------------------------------------------------------------------ */

static void
must_talk(struct job *j, struct rtnl_msg *m, const char *what)
{
	m->h->nlmsg_seq = ++j->seq;
	m->h->nlmsg_flags |= NLM_F_ACK;
	if (rtnl_talk(j->fd, m->h, m->h->nlmsg_len, j->seq) < 0)
		errx(1, "%s failed", what);
}

static void
set_up(struct job *j, const char *name)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct ifinfomsg up = { .ifi_index = (int)rtnl_ifindex(j->fd, name),
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_NEWLINK, 0, &up, sizeof up);

	must_talk(j, &m, "setting an interface up");
}

static void
make_device(struct job *j)
{
	_Alignas(struct nlmsghdr) char buf[512];
	struct ifinfomsg self = { 0 }, peer = { 0 };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_NEWLINK, ADD, &self, sizeof self);
	struct rtattr *info, *data, *other;

	rtnl_put(&m, IFLA_IFNAME, DEVICE, sizeof DEVICE);
	info = rtnl_open(&m, IFLA_LINKINFO);
	rtnl_put(&m, IFLA_INFO_KIND, "veth", 4);
	data = rtnl_open(&m, IFLA_INFO_DATA);
	other = rtnl_open(&m, VETH_INFO_PEER);
	memcpy((char *)m.h + m.h->nlmsg_len, &peer, sizeof peer);
	m.h->nlmsg_len += sizeof peer;
	rtnl_put(&m, IFLA_IFNAME, OTHER_END, sizeof OTHER_END);
	rtnl_close(&m, other);
	rtnl_close(&m, data);
	rtnl_close(&m, info);
	must_talk(j, &m, "making a veth pair");
	set_up(j, DEVICE);
	set_up(j, OTHER_END);
	j->ifindex = rtnl_ifindex(j->fd, DEVICE);
}

static void
remove_device(struct job *j)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct ifinfomsg i = { .ifi_index = (int)j->ifindex };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_DELLINK, 0, &i, sizeof i);

	must_talk(j, &m, "removing the veth pair");
}

static void
add_address(struct job *j)
{
	_Alignas(struct nlmsghdr) char buf[128];
	struct ifaddrmsg a = { .ifa_family = j->v6 ? AF_INET6 : AF_INET,
		.ifa_prefixlen = j->v6 ? 64 : 16,
		.ifa_flags = j->v6 ? IFA_F_NODAD : 0,
		.ifa_index = j->ifindex };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_NEWADDR, ADD, &a, sizeof a);
	uint8_t own[16];

	leg_address(j, 0, own);
	rtnl_put(&m, IFA_LOCAL, own, address_octets(j));
	rtnl_put(&m, IFA_ADDRESS, own, address_octets(j));
	must_talk(j, &m, "adding an address");
}

static void
set_leg(struct job *j, uint32_t leg)
{
	_Alignas(struct nlmsghdr) char buf[128];
	struct nhmsg n = { .nh_family = j->v6 ? AF_INET6 : AF_INET, .nh_protocol = PROTOCOL };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_NEWNEXTHOP, REPLACE, &n, sizeof n);
	uint8_t gateway[16];

	leg_address(j, leg, gateway);
	rtnl_put_u32(&m, NHA_ID, ID_LEG + leg);
	rtnl_put_u32(&m, NHA_OIF, j->ifindex);
	rtnl_put(&m, NHA_GATEWAY, gateway, address_octets(j));
	must_talk(j, &m, "setting a nexthop object");
}

/* A group of one or two legs; second 0 for none. */
static void
set_group(struct job *j, uint32_t id, uint32_t first, uint32_t second)
{
	_Alignas(struct nlmsghdr) char buf[128];
	struct nhmsg n = { .nh_family = AF_UNSPEC, .nh_protocol = PROTOCOL };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_NEWNEXTHOP, REPLACE, &n, sizeof n);
	struct nexthop_grp g[2] = { { .id = ID_LEG + first }, { .id = ID_LEG + second } };

	rtnl_put_u32(&m, NHA_ID, id);
	rtnl_put(&m, NHA_GROUP, g, (second ? 2 : 1) * sizeof g[0]);
	must_talk(j, &m, "setting a nexthop group");
}

static void
delete_nexthop(struct job *j, uint32_t id)
{
	_Alignas(struct nlmsghdr) char buf[128];
	struct nhmsg n = { .nh_family = AF_UNSPEC };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_DELNEXTHOP, 0, &n, sizeof n);

	rtnl_put_u32(&m, NHA_ID, id);
	must_talk(j, &m, "deleting a nexthop object");
}

static void
set_nexthops(struct job *j)
{
	for (uint32_t leg = 1; leg <= LEGS; leg++)
		set_leg(j, leg);
	set_group(j, ID_GROUP1, 1, 2);
	set_group(j, ID_GROUP2, 1, 3);
}

static void
delete_nexthops(struct job *j)
{
	delete_nexthop(j, ID_GROUP1);
	delete_nexthop(j, ID_GROUP2);
	for (uint32_t leg = 1; leg <= LEGS; leg++)
		delete_nexthop(j, ID_LEG + leg);
}

/* ---- routes ------------------------------------------------------------------------- */

static void
put_gateway(struct job *j, struct rtnl_msg *m, uint32_t leg)
{
	uint8_t gateway[16];

	leg_address(j, leg, gateway);
	rtnl_put(m, RTA_GATEWAY, gateway, address_octets(j));
}

static void
put_both(struct job *j, struct rtnl_msg *m)
{
	struct rtattr *all = rtnl_open(m, RTA_MULTIPATH);

	for (uint32_t leg = 1; leg <= 2; leg++) {
		struct rtnexthop *hop =
		    (struct rtnexthop *)(void *)((char *)m->h + m->h->nlmsg_len);

		*hop = (struct rtnexthop){ .rtnh_ifindex = (int)j->ifindex };
		m->h->nlmsg_len += sizeof *hop;
		put_gateway(j, m, leg);
		hop->rtnh_len = (uint16_t)((char *)m->h + m->h->nlmsg_len - (char *)hop);
	}
	rtnl_close(m, all);
}

static void
put_via(struct job *j, struct rtnl_msg *m, enum via via)
{
	switch (via) {
	case VIA_NOTHING:
		return;
	case VIA_LEG1:
	case VIA_LEG2:
		put_gateway(j, m, via - VIA_LEG1 + 1);
		rtnl_put_u32(m, RTA_OIF, j->ifindex);
		return;
	case VIA_BOTH:
		put_both(j, m);
		return;
	case VIA_NEXTHOP:
		rtnl_put_u32(m, RTA_NH_ID, ID_LEG + 1);
		return;
	case VIA_GROUP1:
	case VIA_GROUP2:
		rtnl_put_u32(m, RTA_NH_ID, ID_GROUP1 + (via - VIA_GROUP1));
		return;
	}
}

/* One way, for all routes; the message that all are copies of is made here. */
static void
apply(struct job *j, const struct way *w)
{
	static _Alignas(struct nlmsghdr) char batch[BATCH * 256];
	_Alignas(struct nlmsghdr) char one[256];
	struct rtmsg r = { .rtm_family = j->v6 ? AF_INET6 : AF_INET,
		.rtm_dst_len = j->v6 ? 64 : 24,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = PROTOCOL,
		.rtm_type = w->type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC };
	struct rtnl_msg m = rtnl_begin(one, sizeof one, w->type, w->flags, &r, sizeof r);
	uint8_t first[16] = { 0x2a };
	char *dst = rtnl_put(&m, RTA_DST, first, address_octets(j));
	size_t len = 0;

	put_via(j, &m, w->via);
	for (uint32_t i = 0; i < j->routes; i++) {
		bool last = (i + 1) % w->batch == 0 || i + 1 == j->routes;

		destination(j, i, (uint8_t *)dst);
		m.h->nlmsg_seq = ++j->seq;
		m.h->nlmsg_flags = NLM_F_REQUEST | w->flags | (last ? NLM_F_ACK : 0);
		memcpy(batch + len, one, m.h->nlmsg_len);
		len += m.h->nlmsg_len;
		if (!last)
			continue;
		if (rtnl_talk(j->fd, batch, len, j->seq) < 0)
			errx(1, "%s: refused", w->name);
		len = 0;
	}
}

static void
count_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *r = NLMSG_DATA(h);
	uint32_t *n = arg;

	*n += r->rtm_protocol == PROTOCOL;
}

/* What a way claims to have done is there, or the figure is worth nothing. */
static void
must_have(struct job *j, uint32_t want, const char *after)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct rtmsg r = { .rtm_family = j->v6 ? AF_INET6 : AF_INET };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_GETROUTE, NLM_F_DUMP, &r, sizeof r);
	uint32_t n = 0;

	if (!rtnl_dump(j->fd, buf, m.h->nlmsg_len, count_route, &n) || n != want)
		errx(1, "%s: %u routes in the kernel instead of %u", after, n, want);
}

/* Bring the routes from nothing to where they lead before a way begins, unmeasured. */
static void
prepare(struct job *j, enum via via)
{
	struct way w = { "preparation", RTM_NEWROUTE, ADD, via, BATCH, VIA_NOTHING };

	if (via != VIA_NOTHING)
		apply(j, &w);
}

static uint8_t
family(const struct job *j)
{
	return j->v6 ? IP6 : IP4;
}

static void
flush(struct job *j)
{
	struct way w = { "removal", RTM_DELROUTE, 0, VIA_NOTHING, BATCH, VIA_NOTHING };

	apply(j, &w);
	must_have(j, 0, w.name);
	if (j->onlooker)
		onlooker_wait(j->onlooker, family(j), 0);
}

/* What a way has taken: until the onlooker has been told, where there is something to tell. */
static struct spent
spent_by(const struct job *j, const struct way *w, struct spent from)
{
	struct spent s = spent_since(from);

	if (j->onlooker && w->before == VIA_NOTHING)
		s.wall = onlooker_wait(j->onlooker, family(j), j->routes) - from.wall;
	return s;
}

static struct series
measure(struct job *j, const struct way *w)
{
	struct series all = { 0 };

	for (uint32_t n = 0; n < j->repeat; n++) {
		struct spent from;

		prepare(j, w->before);
		from = spent_now();
		apply(j, w);
		series_add(&all, spent_by(j, w, from));
		must_have(j, w->type == RTM_NEWROUTE ? j->routes : 0, w->name);
		if (w->type == RTM_NEWROUTE)
			flush(j);
	}
	return all;
}

/* ---- what it prints ----------------------------------------------------------------- */

static void
print_ways(struct job *j)
{
	printf("%-40s %10s %10s\n", j->v6 ? "IPv6 /64" : "IPv4 /24", "k/s", "k/s of CPU");
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct series all = measure(j, &ways[i]);
		struct spent s = series_middle(&all);

		printf("%-40s %10.0f %10.0f\n", ways[i].name, j->routes / s.wall / 1e3,
		    j->routes / s.cpu / 1e3);
	}
}

/* One leg leaves a group that all routes use: the group is replaced, or the leg deleted. */
static struct spent
measure_move(struct job *j, bool by_deleting)
{
	struct series all = { 0 };

	prepare(j, VIA_GROUP1);
	for (uint32_t n = 0; n < j->repeat; n++) {
		struct spent from = spent_now();

		if (by_deleting)
			delete_nexthop(j, ID_LEG + 2);
		else
			set_group(j, ID_GROUP1, 1, 0);
		series_add(&all, spent_since(from));
		must_have(j, j->routes, "moving");
		set_leg(j, 2);
		set_group(j, ID_GROUP1, 1, 2);
	}
	flush(j);
	return series_middle(&all);
}

static void
print_moves(struct job *j)
{
	struct spent replace = measure_move(j, false), del = measure_move(j, true);

	printf("%u routes moved by replacing the group %.2f ms (%.2f ms of CPU), by deleting the "
	       "leg's object %.2f ms (%.2f)\n",
	    j->routes, replace.wall * 1e3, replace.cpu * 1e3, del.wall * 1e3, del.cpu * 1e3);
	printf("RESULT {\"scenario\":\"kernel-move\",\"family\":%d,\"routes\":%u,"
	       "\"seconds\":%.6f,\"seconds_delete\":%.6f,\"ok\":true}\n",
	    j->v6 ? 6 : 4, j->routes, replace.wall, del.wall);
}

/* The least time in which anybody could install the routes: by the faster of the plain ways. */
static void
print_limit(struct job *j)
{
	struct series best = { 0 };
	const char *name = "";
	struct spent s;

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct series all;

		if (ways[i].via != VIA_NEXTHOP && ways[i].via != VIA_LEG1)
			continue;
		if (ways[i].batch != BATCH)
			continue;
		all = measure(j, &ways[i]);
		if (best.n > 0 && series_middle(&all).wall >= series_middle(&best).wall)
			continue;
		best = all;
		name = ways[i].name;
	}
	s = series_middle(&best);
	printf("%u routes, %s: %.4f s (%.4f s at least), %.4f s of CPU\n", j->routes, name, s.wall,
	    best.wall[0], s.cpu);
	printf("RESULT {\"scenario\":\"kernel-limit\",\"family\":%d,\"routes\":%u,\"way\":\"%s\","
	       "\"seconds\":%.6f,\"least\":%.6f,\"cpu_seconds\":%.6f,\"ok\":true}\n",
	    j->v6 ? 6 : 4, j->routes, name, s.wall, best.wall[0], s.cpu);
}

/* ---- options ------------------------------------------------------------------------ */

static uint32_t
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n < 1 || n > 10000000)
		errx(2, "%s: not a number from 1 to 10000000", text);
	return (uint32_t)n;
}

static uint32_t
repetitions(const char *text)
{
	uint32_t n = number(text);

	if (n > REPEAT_MAX)
		errx(2, "%s: not a number from 1 to %d", text, REPEAT_MAX);
	return n;
}

static void
read_options(struct job *j, int argc, char **argv)
{
	static const struct option options[] = {
		{ "netns", required_argument, NULL, 'n' },
		{ "routes", required_argument, NULL, 'r' },
		{ "repeat", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'l' },
		{ "move", required_argument, NULL, 'm' },
		{ "v6", no_argument, NULL, '6' },
		{ "listen", no_argument, NULL, 'i' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			j->netns = optarg;
		else if (c == 'r')
			j->routes = number(optarg);
		else if (c == 't')
			j->repeat = repetitions(optarg);
		else if (c == 'l')
			j->limit = (j->routes = number(optarg)) > 0;
		else if (c == 'm')
			j->move = (j->routes = number(optarg)) > 0;
		else if (c == '6')
			j->v6 = true;
		else if (c == 'i')
			j->listen = true;
		else
			exit(2);
	}
	if (optind < argc)
		errx(2, "%s: what is that?", argv[optind]);
}

static int
enter(void *arg)
{
	struct job *j = arg;

	j->fd = rtnl_socket(NULL, NULL, 1 << 20, false);
	return 0;
}

/* An onlooker who knows the routes and legs of this family. */
static int
watch(void *arg)
{
	struct job *j = arg;
	struct kernmon_want want = { .n = j->routes, .legs = LEGS };

	want.first.af = want.gateway.af = family(j);
	want.first.len = j->v6 ? 64 : 24;
	want.first.b[0] = 0x2a;
	destination(j, 0, want.first.b);
	leg_address(j, 1, want.gateway.b);
	j->onlooker = onlooker_start(j->v6 ? NULL : &want, j->v6 ? &want : NULL);
	return 0;
}

static void
run_family(struct job *j)
{
	add_address(j);
	set_nexthops(j);
	if (j->listen)
		rtnl_in_netns(j->netns, watch, j);
	if (j->limit)
		print_limit(j);
	else if (!j->move)
		print_ways(j);
	if (!j->limit)
		print_moves(j);
	if (j->onlooker)
		onlooker_stop(j->onlooker);
	j->onlooker = NULL;
	delete_nexthops(j);
}

int
main(int argc, char **argv)
{
	struct job j = { .routes = 100000, .repeat = 3 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	read_options(&j, argc, argv);
	if (!j.netns && unshare(CLONE_NEWNET) < 0)
		err(2, "a network namespace of its own");
	rtnl_in_netns(j.netns, enter, &j);
	make_device(&j);
	run_family(&j);
	if (!j.limit && !j.move) {
		j.v6 = true;
		run_family(&j);
	}
	remove_device(&j);
	return 0;
}
