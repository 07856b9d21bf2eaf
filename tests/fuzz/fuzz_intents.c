/*
 * What a hostile bgpd may ask agent/core for: next-hop sets, routes, watches, syncs and
 * its own end, in any order and any number, with a kernel that takes everything. However
 * they come, nothing forbidden is installed, nothing is deleted that was not made, and the
 * limit of routes holds.
 */
#include <string.h>

#include "agent/core/fib.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

#define METRIC	   20
#define MAX_ROUTES 16
#define TABLE_MAX  1024 /* routes of ours in the kernel */

static const char *const next_hops[] = { "10.0.0.2", "10.0.0.3", "10.0.0.1", "10.64.2.1",
	"10.64.3.1", "192.0.2.1", "fd00::2", "fd64:2::1", "10.64.9.9", "0.0.0.0", "255.255.255.255",
	"::", "ff02::1", "fe80::1" };
static const char *const prefixes[] = { "0.0.0.0/0", "::/0", "10.64.0.0/16", "10.64.1.0/24",
	"10.64.1.7/32", "10.64.9.9/32", "10.64.9.0/24", "10.64.8.0/22", "10.0.0.0/24", "10.0.0.1/32",
	"10.0.0.2/32", "127.0.0.0/8", "224.0.0.0/4", "10.64.2.0/24", "10.64.2.1/32", "10.64.3.0/24",
	"10.0.0.0/8", "fd64::/16", "fd64:2::/64", "fd00::/64", "fe80::/64", "8.8.8.0/24",
	"10.64.50.0/24" };

struct input {
	const uint8_t *p, *end;
};

static uint8_t
octet(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static struct ip_prefix
prefix_of(const char *s)
{
	struct ip_prefix p;

	HOLD(ip_prefix_parse(s, &p, NULL));
	return p;
}

static struct ip_addr
addr_of(const char *s)
{
	struct ip_addr a = { 0 };

	HOLD(ip_addr_parse(s, &a));
	return a;
}

/* ---- the kernel ------------------------------------------------------------ */

struct place {
	struct ip_prefix prefix;
	uint32_t metric;
};

static struct place table[TABLE_MAX];
static size_t ntable;

static size_t
find(const struct kern_route *r)
{
	size_t i;

	for (i = 0; i < ntable && !(ip_prefix_eq(&table[i].prefix, &r->prefix) &&
	    table[i].metric == r->metric); i++)
		;
	return i;
}

static size_t
count_learned(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ntable; i++)
		n += table[i].metric == METRIC;
	return n;
}

/* A learned route that is about to be installed. */
static void
check_learned(const struct kern_route *r)
{
	const struct ip_prefix permit4 = prefix_of("10.64.0.0/16"), permit6 = prefix_of("fd64::/16");
	const struct ip_prefix block = prefix_of("10.64.1.0/24");
	const struct ip_addr protect = addr_of("10.64.9.9");

	HOLD(r->prefix.len > 0);
	HOLD(ip_prefix_contains(r->prefix.af == IP4 ? &permit4 : &permit6, &r->prefix));
	HOLD(!ip_prefix_contains(&block, &r->prefix));
	HOLD(!ip_prefix_has_addr(&r->prefix, &protect));
	HOLD(r->protocol == 212 && r->table == 254);
	for (uint16_t i = 0; i < r->nlegs; i++) {
		HOLD(r->leg[i].ifindex == 2);
		HOLD(r->leg[i].gw.af == IP_NONE || !ip_prefix_has_addr(&r->prefix, &r->leg[i].gw));
	}
}

static void
execute(const struct fib_kop *op)
{
	const struct kern_route *r = &op->route;
	size_t i = find(r);

	switch (op->kind) {
	case FIB_OP_ROUTE_ADD:
		HOLD(i == ntable && ntable < TABLE_MAX);
		table[ntable++] = (struct place){ r->prefix, r->metric };
		break;
	case FIB_OP_ROUTE_REPLACE:
		HOLD(i < ntable);
		break;
	case FIB_OP_ROUTE_DEL:
		HOLD(i < ntable); /* made by us */
		table[i] = table[--ntable];
		return;
	case FIB_OP_NH_ADD:
	case FIB_OP_NH_REPLACE:
	case FIB_OP_NH_DEL:
	case FIB_OP_DUMP:
		return;
	}
	if (r->metric == METRIC)
		check_learned(r);
}

static void
see_link(struct fib *f, struct mono_us now)
{
	struct kern_link lo = { .ifindex = 1, .name = "lo", .up = true, .carrier = true,
		.loopback = true, .mtu = 65536 };
	struct kern_link eth = { .ifindex = 2, .name = "eth0", .up = true, .carrier = true,
		.mtu = 1500 };

	fib_see_link(f, now, &lo, false);
	fib_see_link(f, now, &eth, false);
}

static void
see_addr(struct fib *f, struct mono_us now)
{
	struct kern_addr a4 = { .ifindex = 2, .addr = addr_of("10.0.0.1"), .plen = 24 };
	struct kern_addr a6 = { .ifindex = 2, .addr = addr_of("fd00::1"), .plen = 64 };

	fib_see_addr(f, now, &a4, false);
	fib_see_addr(f, now, &a6, false);
}

static void
see_route(struct fib *f, struct mono_us now, const char *prefix, uint8_t protocol, const char *gw)
{
	static struct kern_route r;

	memset(&r, 0, sizeof(r));
	r.prefix = prefix_of(prefix);
	r.table = 254;
	r.protocol = protocol;
	r.metric = protocol == 2 ? 0 : 50;
	r.nlegs = 1;
	r.leg[0].ifindex = 2;
	r.leg[0].weight = 1;
	if (gw)
		r.leg[0].gw = addr_of(gw);
	fib_see_route(f, now, &r, false, FIB_BY_DUMP);
}

static void
dump(struct fib *f, struct mono_us now, enum kern_what what)
{
	fib_dump_begin(f, now, what);
	switch (what) {
	case KERN_LINKS:
		see_link(f, now);
		break;
	case KERN_ADDRS:
		see_addr(f, now);
		break;
	case KERN_ROUTES4:
		see_route(f, now, "10.0.0.0/24", 2, NULL);
		see_route(f, now, "10.64.50.0/24", 4, "10.0.0.3");
		see_route(f, now, "0.0.0.0/0", 4, "10.0.0.3");
		break;
	case KERN_ROUTES6:
		see_route(f, now, "fd00::/64", 2, NULL);
		break;
	case KERN_NEXTHOPS:
	case KERN_NWHAT:
		break;
	}
	fib_dump_end(f, now, what);
}

/* Everything that it wants done and said; what is ours in a dump is left out: no dump ends one. */
static void
work(struct fib *f, struct mono_us now)
{
	static struct fib_kop op;
	static struct fib_report rep;

	while (fib_next_op(f, now, &op)) {
		if (op.kind == FIB_OP_DUMP)
			break;
		execute(&op);
		fib_result(f, now, op.token, 0, "");
	}
	HOLD(count_learned() <= MAX_ROUTES);
	while (fib_next_report(f, &rep))
		HOLD(rep.kind != FIB_REP_EVENT || memchr(rep.event.text, '\0', IPC_TEXT_MAX));
}

/* ---- bgpd ------------------------------------------------------------------ */

static struct ip_addr
next_hop(struct input *in)
{
	uint8_t k = octet(in);
	struct ip_addr a = addr_of(next_hops[k % (sizeof(next_hops) / sizeof(next_hops[0]))]);

	if (a.af == IP6 && ip_addr_is_link_local(&a))
		a.ifindex = k >> 4;
	return a;
}

static struct ip_prefix
prefix(struct input *in)
{
	uint8_t k = octet(in), x = octet(in);
	size_t n = sizeof(prefixes) / sizeof(prefixes[0]);
	struct ip_addr a;
	struct ip_prefix p;

	if (k < n)
		return prefix_of(prefixes[k]);
	a = ip_addr_from_v4(0x0a400000u | (uint32_t)x << 8 | (k & 0x80));
	p = ip_prefix_from_addr(&a);
	p.len = (uint8_t)(20 + k % 13);
	ip_prefix_mask(&p);
	return p;
}

static bool
say_nhset(struct fib *f, struct mono_us now, struct input *in)
{
	static struct ipc_nhset s;
	const char *why;

	memset(&s, 0, sizeof(s));
	s.id = octet(in) % 8;
	s.backup = octet(in) % 8;
	s.discard = octet(in) % 16 == 0;
	s.n = 1 + octet(in) % 4;
	for (uint16_t i = 0; i < s.n; i++)
		s.member[i] = (struct ipc_nh_member){ next_hop(in), (uint8_t)(1 + octet(in) % 255) };
	return fib_nhset(f, now, &s, &why);
}

static bool
say_route(struct fib *f, struct mono_us now, struct input *in)
{
	uint32_t set = octet(in) % 8;
	struct ip_prefix p = prefix(in);
	const char *why;

	return !fib_route_fits(f, &p) || fib_route(f, now, set, &p, &why);
}

/* False: the channel would be closed. */
static bool
say(struct fib *f, struct mono_us *now, struct input *in)
{
	const char *why;
	struct ip_prefix p;
	struct ip_addr a;
	uint8_t on;

	switch (octet(in) % 10) {
	case 0:
	case 1:
		return say_nhset(f, *now, in);
	case 2:
	case 3:
	case 4:
		return say_route(f, *now, in);
	case 5:
		p = prefix(in);
		fib_route_del(f, *now, &p);
		return true;
	case 6:
		return fib_nhset_del(f, *now, octet(in) % 8, &why);
	case 7:
		a = next_hop(in);
		on = octet(in);
		fib_watch(f, *now, &a, on & 1);
		if (on & 2)
			fib_addr_down(f, *now, &a, on & 4);
		return true;
	case 8:
		if (octet(in) & 1)
			fib_sync_begin(f, *now);
		else
			fib_sync_end(f, *now);
		return true;
	default:
		*now = mono_add_ms(*now, (uint64_t)octet(in) * 64);
		fib_timeout(f, *now);
		return true;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ip_prefix permit[2] = { prefix_of("10.64.0.0/16"), prefix_of("fd64::/16") };
	struct ip_prefix protect = prefix_of("10.64.9.9/32"), block = prefix_of("10.64.1.0/24");
	struct ip_addr peer = addr_of("10.0.0.2");
	struct fib_conf conf = { .install = true, .table = 254, .protocol = 212, .metric = METRIC,
		.multipath = 8, .own_block = FIB_BLOCK_BLACKHOLE, .protect_default = true,
		.protect_node = true, .protect_peers = true, .max_routes = MAX_ROUTES,
		.permit = permit, .npermit = 2, .protect = &protect, .nprotect = 1, .peers = &peer,
		.npeers = 1, .guard_within_ms = 5000, .guard_hold_ms = 30000 };
	struct input in = { data, data + len };
	struct mono_us now = { 1000000 };
	struct fib *f;

	if (len > 4096)
		return 0;
	ntable = 0;
	f = fib_new(now, 1, NULL);
	conf.nhobj = octet(&in) & 1 ? FIB_NHOBJ_OFF : FIB_NHOBJ_ON;
	conf.guard_pct = octet(&in) % 101;
	fib_configure(f, now, &conf);
	fib_local_set(f, now, &block, FIB_OWN_BLOCK);
	for (int w = 0; w < KERN_NWHAT; w++)
		dump(f, now, (enum kern_what)w);
	work(f, now);
	while (in.p < in.end) {
		if (!say(f, &now, &in))
			fib_bgpd_gone(f, now); /* it is killed, and another one comes */
		if (octet(&in) & 1)
			work(f, now);
	}
	work(f, now);
	fib_free(f);
	return 0;
}
