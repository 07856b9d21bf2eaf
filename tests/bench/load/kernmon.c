/*
 * What the kernel has; see kernmon.h.
 *
 * Where a route leads is a `struct hops`, shared by all routes that lead the same way: a
 * nexthop object or group, known by its id, or a list of gateways. Routes are an array of
 * numbers of such. So a group that changes is one step here, however many routes use it.
 */
#include "tests/bench/load/kernmon.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/nexthop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/rtnl.h"

#define RECV_OCTETS (256 << 20) /* the kernel counts about 1 KB for each */
#define DATAGRAMS   64		/* read at once */
#define DATAGRAM    2048	/* octets; a notification of a route has some hundred */
#define BUCKETS	    4096

/* Where a route leads. Number 0 is nowhere: the route is not there. */
struct hops {
	uint32_t next; /* in its bucket; 0: the last */
	uint32_t id;   /* of the nexthop object; 0: gateways in the route */
	bool dead;     /* the nexthop object is no more */
	bool group;    /* member[] has ids of nexthop objects; else legs */
	uint32_t n;
	uint32_t member[KERNMON_LEGS];
	uint32_t routes[2]; /* that lead there, by family */
};

struct table {
	struct kernmon_want want;
	uint64_t base;	/* of the first prefix: its bits as a number */
	uint32_t *hops; /* of route i */
	uint32_t there;
};

struct kernmon {
	int fd, dump_fd;
	struct table table[2]; /* IPv4, IPv6 */
	struct hops *hops;
	uint32_t nhops, cap;
	uint32_t bucket[BUCKETS];
	uint32_t last; /* hops found last: most routes lead where the one before does */
	struct mono_us time;
	struct kernmon_counts count;
	bool resync;
	bool spoil, spoil_dump; /* overlook a route: in the next dump, in this one */
	_Alignas(struct nlmsghdr) uint8_t buf[DATAGRAMS][DATAGRAM];
};

static struct table *
table_of(const struct kernmon *k, uint8_t af)
{
	return (struct table *)&k->table[af == IP6];
}

/* ---- where routes lead --------------------------------------------------------------- */

static uint32_t
hops_bucket(const struct hops *h)
{
	uint32_t x = h->id * 2654435761u;

	for (uint32_t i = 0; h->id == 0 && i < h->n; i++)
		x = (x ^ h->member[i]) * 16777619u;
	return (x ^ x >> 15) % BUCKETS;
}

static bool
hops_same(const struct hops *a, const struct hops *b)
{
	if (a->id != b->id)
		return false;
	return a->id || (a->n == b->n && !memcmp(a->member, b->member, a->n * sizeof a->member[0]));
}

/* The number of those like `like` (by id, or by gateways), made when there are none yet. */
static uint32_t
hops_find(struct kernmon *k, const struct hops *like)
{
	uint32_t *head;

	if (k->last && hops_same(&k->hops[k->last], like))
		return k->last;
	head = &k->bucket[hops_bucket(like)];
	for (k->last = *head; k->last; k->last = k->hops[k->last].next)
		if (hops_same(&k->hops[k->last], like))
			return k->last;
	if (k->nhops == k->cap) {
		k->cap *= 2;
		k->hops = mem_realloc_array(k->hops, k->cap, sizeof *k->hops);
	}
	k->hops[k->nhops] = *like;
	k->hops[k->nhops].next = *head;
	k->hops[k->nhops].routes[0] = k->hops[k->nhops].routes[1] = 0;
	return *head = k->last = k->nhops++;
}

static uint32_t
hops_by_id(struct kernmon *k, uint32_t id)
{
	struct hops like = { .id = id, .dead = true }; /* until the kernel tells of it */

	return hops_find(k, &like);
}

/* The same without making any; 0 when it is not known. */
static uint32_t
hops_known(const struct kernmon *k, uint32_t id)
{
	struct hops like = { .id = id };
	uint32_t i;

	for (i = k->bucket[hops_bucket(&like)]; i && k->hops[i].id != id; i = k->hops[i].next)
		continue;
	return i;
}

static int
compare_legs(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Legs as they are now, ascending; a dead nexthop object has none. */
static size_t
hops_legs(const struct kernmon *k, uint32_t number, uint32_t *ret)
{
	const struct hops *h = &k->hops[number];
	size_t n = 0;

	for (uint32_t i = 0; !h->dead && i < h->n; i++) {
		const struct hops *m = h->group ? &k->hops[hops_known(k, h->member[i])] : NULL;

		if (!m)
			ret[n++] = h->member[i];
		else if (!m->dead && m->n == 1)
			ret[n++] = m->member[0];
	}
	qsort(ret, n, sizeof *ret, compare_legs);
	return n;
}

static void
route_set(struct kernmon *k, unsigned family, uint32_t i, uint32_t number)
{
	struct table *t = &k->table[family];
	uint32_t was = t->hops[i];

	if (was == number)
		return;
	t->there = t->there + (number != 0) - (was != 0);
	k->hops[was].routes[family]--;
	k->hops[number].routes[family]++;
	t->hops[i] = number;
}

/* The kernel removes routes together with their nexthop object, and says nothing of it. */
static void
routes_lost(struct kernmon *k, uint32_t number)
{
	for (unsigned f = 0; f < 2; f++)
		for (uint32_t i = 0; k->hops[number].routes[f] && i < k->table[f].want.n; i++)
			if (k->table[f].hops[i] == number)
				route_set(k, f, i, 0);
}

/* ---- messages ------------------------------------------------------------------------ */

/* Number of a gateway: leg 0's address and those after it. */
static uint32_t
leg_number(const struct table *t, const uint8_t *gateway, size_t octets)
{
	const uint8_t *first = t->want.gateway.b;
	uint32_t a, b;

	if (octets != ip_af_octets(t->want.gateway.af) || memcmp(gateway, first, octets - 4) != 0)
		return KERNMON_OTHER;
	memcpy(&a, gateway + octets - 4, 4);
	memcpy(&b, first + octets - 4, 4);
	a = ntohl(a) - ntohl(b);
	return a < t->want.legs ? a : KERNMON_OTHER;
}

static uint32_t
leg_of(const struct table *t, const struct rtattr *gateway)
{
	return gateway ? leg_number(t, RTA_DATA(gateway), RTA_PAYLOAD(gateway)) : KERNMON_OTHER;
}

static void
take_nexthop(struct kernmon *k, const struct nlmsghdr *h)
{
	const struct nhmsg *m = NLMSG_DATA(h);
	const struct rtattr *a = (const struct rtattr *)((const char *)m + NLMSG_ALIGN(sizeof *m));
	int len = (int)(h->nlmsg_len - NLMSG_SPACE(sizeof *m));
	const struct rtattr *id = rtnl_find(a, len, NHA_ID), *group = rtnl_find(a, len, NHA_GROUP);
	const struct nexthop_grp *g = group ? RTA_DATA(group) : NULL;
	uint32_t number;
	struct hops *s;

	if (!id)
		return;
	number = hops_by_id(k, *(const uint32_t *)RTA_DATA(id));
	s = &k->hops[number];
	s->dead = h->nlmsg_type == RTM_DELNEXTHOP;
	if (s->dead) {
		routes_lost(k, number);
		return;
	}
	s->group = group != NULL;
	s->n = group ? (uint32_t)(RTA_PAYLOAD(group) / sizeof *g) : 1;
	if (s->n > KERNMON_LEGS)
		errx(2, "a nexthop group of %u members", s->n);
	for (uint32_t i = 0; group && i < s->n; i++)
		s->member[i] = g[i].id;
	if (!group)
		s->member[0] =
		    leg_of(&k->table[m->nh_family == AF_INET6], rtnl_find(a, len, NHA_GATEWAY));
}

/* Number of a destination among the expected ones; false: it is none of them. */
static bool
route_number(const struct table *t, const struct rtmsg *r, const struct rtattr *dst, uint32_t *ret)
{
	uint64_t bits = 0;
	uint32_t half;

	if (!t->want.n || !dst || r->rtm_dst_len != t->want.first.len)
		return false;
	memcpy(&half, RTA_DATA(dst), 4);
	bits = (uint64_t)ntohl(half) << 32;
	if (RTA_PAYLOAD(dst) == 16) {
		memcpy(&half, (const char *)RTA_DATA(dst) + 4, 4);
		bits |= ntohl(half);
	}
	bits = (bits >> (64 - r->rtm_dst_len)) - t->base;
	*ret = (uint32_t)bits;
	return bits < t->want.n;
}

static void
hops_of_multipath(const struct table *t, const struct rtattr *all, struct hops *ret)
{
	const struct rtnexthop *hop = RTA_DATA(all);
	int len = (int)RTA_PAYLOAD(all);

	while (RTNH_OK(hop, len) && ret->n < KERNMON_LEGS) {
		const struct rtattr *gateway =
		    rtnl_find(RTNH_DATA(hop), (int)(hop->rtnh_len - sizeof *hop), RTA_GATEWAY);

		ret->member[ret->n++] = leg_of(t, gateway);
		len -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

/* Where a message says that its route leads. */
static uint32_t
hops_of_route(struct kernmon *k, const struct table *t, const struct rtattr *a, int len)
{
	const struct rtattr *id = rtnl_find(a, len, RTA_NH_ID);
	const struct rtattr *all = rtnl_find(a, len, RTA_MULTIPATH);
	struct hops like = { 0 };

	if (id)
		return hops_by_id(k, *(const uint32_t *)RTA_DATA(id));
	if (all)
		hops_of_multipath(t, all, &like);
	else
		like.member[like.n++] = leg_of(t, rtnl_find(a, len, RTA_GATEWAY));
	qsort(like.member, like.n, sizeof like.member[0], compare_legs);
	return hops_find(k, &like);
}

/* What is left of a multipath route of IPv6, whose legs are removed one by one, too. */
static uint32_t
hops_without(struct kernmon *k, uint32_t number, uint32_t gone)
{
	const struct hops *h = &k->hops[number], *g = &k->hops[gone];
	struct hops like = { 0 };

	if (h->id || g->id)
		return 0;
	for (uint32_t i = 0, j = 0; i < h->n; i++) {
		while (j < g->n && g->member[j] < h->member[i])
			j++;
		if (j == g->n || g->member[j] != h->member[i])
			like.member[like.n++] = h->member[i];
	}
	return like.n ? hops_find(k, &like) : 0;
}

static bool
is_ours(const struct rtmsg *r)
{
	return r->rtm_table == RT_TABLE_MAIN && !(r->rtm_flags & RTM_F_CLONED) &&
	       (r->rtm_family == AF_INET || r->rtm_family == AF_INET6);
}

static void
take_route(struct kernmon *k, const struct nlmsghdr *h)
{
	const struct rtmsg *r = NLMSG_DATA(h);
	const struct rtattr *a = RTM_RTA(r);
	int len = (int)RTM_PAYLOAD(h);
	unsigned family = r->rtm_family == AF_INET6;
	struct table *t = &k->table[family];
	uint32_t i, number;

	if (!is_ours(r))
		return;
	if (!route_number(t, r, rtnl_find(a, len, RTA_DST), &i)) {
		k->count.foreign += r->rtm_type == RTN_UNICAST && h->nlmsg_type == RTM_NEWROUTE;
		return;
	}
	number = r->rtm_type == RTN_UNICAST ? hops_of_route(k, t, a, len) : 0;
	k->count.written += h->nlmsg_type == RTM_NEWROUTE;
	if (h->nlmsg_type == RTM_DELROUTE)
		number = family ? hops_without(k, t->hops[i], number) : 0;
	if (k->spoil_dump && number) {
		k->spoil_dump = false;
		return;
	}
	route_set(k, family, i, number);
}

static void
take(const struct nlmsghdr *h, void *arg)
{
	struct kernmon *k = arg;

	switch (h->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		take_route(k, h);
		return;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		take_nexthop(k, h);
		return;
	}
}

/* ---- reading ------------------------------------------------------------------------- */

static void
take_datagram(struct kernmon *k, const uint8_t *buf, unsigned len)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;

	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		k->count.messages++;
		take(h, k);
	}
}

/* Read some; number of datagrams, 0 when there are no more. */
static int
read_some(struct kernmon *k, bool apply)
{
	struct mmsghdr m[DATAGRAMS];
	struct iovec v[DATAGRAMS];
	int n;

	memset(m, 0, sizeof m);
	for (int i = 0; i < DATAGRAMS; i++) {
		v[i] = (struct iovec){ k->buf[i], DATAGRAM };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(k->fd, m, DATAGRAMS, MSG_DONTWAIT, NULL);
	if (n < 0 && errno == ENOBUFS) {
		k->resync = true;
		return DATAGRAMS;
	}
	if (n < 0 && errno != EAGAIN)
		err(2, "netlink notifications");
	if (n > 0)
		k->time = clock_mono();
	for (int i = 0; apply && i < n; i++) {
		k->resync |= (m[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
		take_datagram(k, k->buf[i], m[i].msg_len);
	}
	return n < 0 ? 0 : n;
}

static bool
dump(struct kernmon *k, uint16_t type, uint8_t family)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct rtmsg r = { .rtm_family = family };
	struct nhmsg n = { .nh_family = family };
	bool routes = type == RTM_GETROUTE;
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, type, NLM_F_DUMP,
	    routes ? (void *)&r : (void *)&n, routes ? sizeof r : sizeof n);

	return rtnl_dump(k->dump_fd, buf, m.h->nlmsg_len, take, k);
}

static void
forget(struct kernmon *k)
{
	for (uint32_t i = 0; i < k->nhops; i++) {
		k->hops[i].dead = k->hops[i].id != 0;
		k->hops[i].routes[0] = k->hops[i].routes[1] = 0;
	}
	for (unsigned f = 0; f < 2; f++) {
		k->table[f].there = 0;
		k->hops[0].routes[f] = k->table[f].want.n;
		memset(k->table[f].hops, 0, k->table[f].want.n * sizeof(uint32_t));
	}
}

/* Everything anew. What is queued is older than the dump; what comes from here on is not. */
static void
resync(struct kernmon *k)
{
	struct kernmon_counts keep;
	bool whole;

	do {
		while (read_some(k, false) == DATAGRAMS)
			continue;
		forget(k);
		k->resync = false;
		k->spoil_dump = k->spoil;
		keep = k->count;
		whole = dump(k, RTM_GETNEXTHOP, AF_UNSPEC) && dump(k, RTM_GETROUTE, AF_INET) &&
			dump(k, RTM_GETROUTE, AF_INET6);
		k->count = keep;
	} while (!whole);
	k->spoil = k->spoil_dump = false;
}

bool
kernmon_read(struct kernmon *k)
{
	int n = read_some(k, true);
	bool any = n > 0;

	while (n == DATAGRAMS && !k->resync)
		n = read_some(k, true);
	if (k->resync) {
		k->count.overflows++;
		resync(k);
		k->time = clock_mono();
	}
	return any;
}

/* ---- questions ----------------------------------------------------------------------- */

uint32_t
kernmon_there(const struct kernmon *k, uint8_t af)
{
	return table_of(k, af)->there;
}

bool
kernmon_has(const struct kernmon *k, uint8_t af, uint32_t i)
{
	return table_of(k, af)->hops[i] != 0;
}

size_t
kernmon_legs(const struct kernmon *k, uint8_t af, uint32_t i, uint32_t *ret)
{
	return hops_legs(k, table_of(k, af)->hops[i], ret);
}

uint32_t
kernmon_using(const struct kernmon *k, uint8_t af, uint32_t leg)
{
	uint32_t legs[KERNMON_LEGS], sum = 0;

	for (uint32_t i = 1; i < k->nhops; i++) {
		uint32_t routes = k->hops[i].routes[af == IP6];

		if (routes && bsearch(&leg, legs, hops_legs(k, i, legs), sizeof leg, compare_legs))
			sum += routes;
	}
	return sum;
}

uint32_t
kernmon_wanted(const struct kernmon *k)
{
	return k->table[0].want.n + k->table[1].want.n;
}

int
kernmon_fd(const struct kernmon *k)
{
	return k->fd;
}

struct mono_us
kernmon_time(const struct kernmon *k)
{
	return k->time;
}

const struct kernmon_counts *
kernmon_counts(const struct kernmon *k)
{
	return &k->count;
}

/* ---- the last look ------------------------------------------------------------------- */

struct review {
	struct kernmon *k;
	kernmon_judge *judge;
	void *arg;
	uint32_t wrong;
	char *why;
	size_t len;
};

static void
complain(struct review *v, uint8_t af, uint32_t i, const char *what)
{
	if (v->wrong++ == 0)
		snprintf(v->why, v->len, "IPv%d route %u %s", af == IP6 ? 6 : 4, i, what);
}

/* One family: what notifications had said (before), and what the judge thinks. */
static void
review_table(struct review *v, uint8_t af, const uint32_t *before)
{
	const struct table *t = table_of(v->k, af);
	uint32_t legs[KERNMON_LEGS];

	for (uint32_t i = 0; i < t->want.n; i++) {
		size_t n = kernmon_legs(v->k, af, i, legs);

		if (before[i] != t->hops[i])
			complain(v, af, i, "is not what notifications had said");
		else if (!v->judge(v->arg, af, i, legs, n))
			complain(
			    v, af, i, n ? "leads to wrong next hops" : "is not what it should be");
	}
}

uint32_t
kernmon_check(struct kernmon *k, kernmon_judge *judge, void *arg, char *why, size_t len)
{
	struct review v = { k, judge, arg, 0, why, len };
	uint32_t *before[2];

	kernmon_read(k);
	for (unsigned f = 0; f < 2; f++) {
		before[f] = mem_zalloc_array(k->table[f].want.n + 1, sizeof(uint32_t));
		memcpy(before[f], k->table[f].hops, k->table[f].want.n * sizeof(uint32_t));
	}
	resync(k);
	review_table(&v, IP4, before[0]);
	review_table(&v, IP6, before[1]);
	mem_free(before[0]);
	mem_free(before[1]);
	return v.wrong;
}

void
kernmon_spoil(struct kernmon *k)
{
	k->spoil = true;
}

/* ---- making -------------------------------------------------------------------------- */

static void
table_init(struct table *t, const struct kernmon_want *want)
{
	uint32_t half;

	if (want)
		t->want = *want;
	t->hops = mem_zalloc_array(t->want.n + 1, sizeof(uint32_t));
	if (!want)
		return;
	memcpy(&half, want->first.b, 4);
	t->base = (uint64_t)ntohl(half) << 32;
	memcpy(&half, want->first.b + 4, 4);
	if (want->first.af == IP6)
		t->base |= ntohl(half);
	t->base >>= 64 - want->first.len;
}

struct kernmon *
kernmon_open(const char *netns, const struct kernmon_want *v4, const struct kernmon_want *v6)
{
	static const unsigned groups[] = { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP,
		0 };
	struct kernmon *k = mem_zalloc(sizeof *k);

	k->cap = 64;
	k->nhops = 1;
	k->hops = mem_zalloc_array(k->cap, sizeof *k->hops);
	table_init(&k->table[0], v4);
	table_init(&k->table[1], v6);
	k->fd = rtnl_socket(netns, groups, RECV_OCTETS, true);
	k->dump_fd = rtnl_socket(netns, NULL, 1 << 20, false);
	resync(k);
	return k;
}

void
kernmon_close(struct kernmon *k)
{
	close(k->fd);
	close(k->dump_fd);
	mem_free(k->hops);
	mem_free(k->table[0].hops);
	mem_free(k->table[1].hops);
	mem_free(k);
}
