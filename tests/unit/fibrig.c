/*
 * One fib without a kernel; see fibrig.h.
 */
#include "tests/unit/fibrig.h"

#include <stdio.h>

#include "tests/unit/unit.h"

struct fib *f;
struct mono_us now;
struct fib_conf conf;
struct ip_prefix permit[3];
struct fib_kop op;
struct fib_report rep;
const char *why;

struct kern_route
foreign(const char *prefix, const char *gw, uint32_t ifindex, uint32_t metric)
{
	struct kern_route r = { .prefix = px(prefix), .table = 254, .metric = metric,
		.protocol = gw ? 3 : 2, .nlegs = 1 };

	r.leg[0] = (struct kern_leg){ .gw = ad(gw), .ifindex = ifindex, .weight = 1 };
	return r;
}

void
see(const char *prefix, const char *gw, uint32_t ifindex, uint32_t metric, bool gone)
{
	struct kern_route r = foreign(prefix, gw, ifindex, metric);

	fib_see_route(f, now, &r, gone, 0);
}

void
see_link(uint32_t ifindex, bool up, bool carrier)
{
	struct kern_link l = { .ifindex = ifindex, .up = up, .carrier = carrier };

	snprintf(l.name, sizeof(l.name), "e%u", ifindex);
	fib_see_link(f, now, &l, false);
}

void
see_addr(const char *a, uint8_t plen, uint32_t ifindex, bool tentative, bool gone)
{
	struct kern_addr x = { .ifindex = ifindex, .addr = ad(a), .plen = plen,
		.tentative = tentative };

	fib_see_addr(f, now, &x, gone);
}

void
dump_all(const struct kern_route *extra)
{
	int w;

	for (w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_LINKS) {
			see_link(2, true, true);
			see_link(3, true, true);
		} else if (w == KERN_ADDRS) {
			see_addr("10.0.0.1", 24, 2, false, false);
			see_addr("10.0.1.1", 24, 3, false, false);
		} else if (w == KERN_ROUTES4) {
			see("10.0.0.0/24", NULL, 2, 0, false);
			see("10.0.1.0/24", NULL, 3, 0, false);
		} else if (w == KERN_ROUTES6) {
			see("fd00::/64", NULL, 2, 256, false);
		}
		if (extra && w == (extra->prefix.af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6))
			fib_see_route(f, now, extra, false, FIB_BY_DUMP);
		fib_dump_end(f, now, (enum kern_what)w);
	}
}

void
make(void)
{
	now.us = 5000000;
	f = fib_new(now, 7, NULL);
	permit[0] = px("10.64.0.0/10");
	permit[1] = px("fd64::/16");
	conf = (struct fib_conf){ .install = true, .table = 254, .protocol = PROTO,
		.metric = METRIC, .multipath = 8, .nhobj = FIB_NHOBJ_OFF,
		.own_block = FIB_BLOCK_BLACKHOLE, .protect_node = true, .protect_peers = true,
		.permit = permit, .npermit = 2 };
	fib_configure(f, now, &conf);
}

void
setup(void)
{
	make();
	dump_all(NULL);
}

void
teardown(void)
{
	fib_free(f);
}

void
set(uint32_t id, uint32_t backup, const char *a, const char *b)
{
	struct ipc_nhset s = { .id = id, .backup = backup };

	s.member[s.n].addr = ad(a);
	s.member[s.n++].weight = 1;
	if (b) {
		s.member[s.n].addr = ad(b);
		s.member[s.n++].weight = 1;
	}
	ck_assert_msg(fib_nhset(f, now, &s, &why), "%s", why);
}

void
route(uint32_t s, const char *p)
{
	struct ip_prefix q = px(p);

	ck_assert_msg(fib_route(f, now, s, &q, &why), "%s", why);
}

void
addr_down(const char *a, bool down)
{
	struct ip_addr x = ad(a);

	fib_addr_down(f, now, &x, down);
}

void
expect(enum fib_op_kind kind)
{
	ck_assert_msg(fib_next_op(f, now, &op), "no operation, want %d", kind);
	ck_assert_msg(op.kind == kind, "operation %d, want %d", op.kind, kind);
}

void
expect_none(void)
{
	ck_assert(!fib_next_op(f, now, &op));
}

void
answer(int err)
{
	fib_result(f, now, op.token, err, err ? "because" : "");
}

unsigned int
run(void)
{
	unsigned int n = 0;

	while (fib_next_op(f, now, &op)) {
		if (op.kind == FIB_OP_DUMP)
			break;
		answer(0);
		n++;
	}
	return n;
}

void
later_ms(uint64_t ms)
{
	now = mono_add_ms(now, ms);
	if (mono_reached(now, fib_deadline(f)))
		fib_timeout(f, now);
}

struct ipc_verdict
verdict(const char *p)
{
	struct ip_prefix q = px(p);
	struct ipc_verdict v = { .state = 255 };

	while (fib_next_report(f, &rep)) {
		if (rep.kind == FIB_REP_VERDICT && ip_prefix_eq(&rep.verdict.prefix, &q))
			v = rep.verdict;
	}
	return v;
}

bool
event(const char *name)
{
	bool got = false;

	while (fib_next_report(f, &rep))
		got |= rep.kind == FIB_REP_EVENT && strcmp(rep.event.name, name) == 0;
	return got;
}

struct fib_view
view(const char *p)
{
	struct ip_prefix q = px(p);
	struct fib_view v;

	ck_assert(fib_view_lookup(f, &q, false, &v));
	return v;
}
