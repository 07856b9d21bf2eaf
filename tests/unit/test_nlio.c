/*
 * The request and the dump socket by themselves, on the real kernel in a network
 * namespace of their own: answers that were lost, dumps that were interrupted or
 * broke off. The fib is played by this file. Skipped (77) without root.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/nlbatch.h"
#include "agent/nldump.h"
#include "agent/nlmon.h"
#include "tests/unit/unit.h"

#define NTOKENS 2048

static _Alignas(8) uint8_t scratch[NLSOCK_DATAGRAM];
static int verdict[NTOKENS]; /* -1: none yet */
static char text[256];	     /* of the last failure */

/* ---- the fib's side ------------------------------------------------------ */

void
fib_result(struct fib *f, struct mono_us now, uint64_t token, int err, const char *why)
{
	ck_assert_uint_lt(token, NTOKENS);
	ck_assert_int_eq(verdict[token], -1); /* one each */
	verdict[token] = err;
	if (err != 0)
		snprintf(text, sizeof text, "%s", why);
}

void
fib_see_link(struct fib *f, struct mono_us now, const struct kern_link *l, bool gone)
{
	ck_abort();
}

void
fib_see_addr(struct fib *f, struct mono_us now, const struct kern_addr *a, bool gone)
{
	ck_abort();
}

void
fib_see_nexthop(struct fib *f, struct mono_us now, const struct kern_nexthop *n, bool gone,
    uint32_t by)
{
	ck_abort();
}

void
fib_see_route(struct fib *f, struct mono_us now, const struct kern_route *r, bool gone, uint32_t by)
{
	ck_abort();
}

static struct mono_us
no_time(void)
{
	return (struct mono_us){ 0 };
}

/* ---- requests ------------------------------------------------------------ */

static struct fib_kop op;

/* Blackhole 10.x.y.0/24, the n-th. */
static void
set_op(enum fib_op_kind kind, uint32_t n)
{
	struct ip_addr a = ip_addr_from_v4(0x0a000000u + (n << 8));

	op.kind = kind;
	op.token = n;
	op.route = (struct kern_route){ .prefix = ip_prefix_of(&a, 24), .table = 254, .metric = 20,
		.protocol = 212, .type = KERN_BLACKHOLE };
}

static void
add(struct nlbatch *b, enum fib_op_kind kind, uint32_t n)
{
	set_op(kind, n);
	ck_assert(nlbatch_add(b, &op));
}

static void
setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	memset(verdict, 0xff, sizeof verdict);
	text[0] = '\0';
}

START_TEST(each_has_its_verdict)
{
	struct nlbatch *b = nlbatch_new(scratch);
	bool lost;
	uint32_t i;

	add(b, FIB_OP_ROUTE_ADD, 7);
	ck_assert_uint_eq(nlbatch_send(b, NULL, no_time, &lost), 0);
	ck_assert(!lost);
	ck_assert_int_eq(verdict[7], 0);
	memset(verdict, 0xff, sizeof verdict);
	for (i = 0; i < NLBATCH_OPS; i++)
		add(b, i == 9 ? FIB_OP_ROUTE_DEL : FIB_OP_ROUTE_ADD, i);
	ck_assert(!nlbatch_add(b, &op)); /* full */
	ck_assert_uint_eq(nlbatch_send(b, NULL, no_time, &lost), 2);
	ck_assert(!lost);
	for (i = 0; i < NLBATCH_OPS; i++)
		ck_assert_int_eq(verdict[i], i == 7 ? EEXIST : i == 9 ? ESRCH : 0);
	/* The last one fails: its error is the end as well. */
	add(b, FIB_OP_ROUTE_ADD, 1000);
	op.token = 1001;
	op.route.metric = 21;
	op.route.type = KERN_OTHER;
	ck_assert(nlbatch_add(b, &op));
	ck_assert_uint_eq(nlbatch_send(b, NULL, no_time, &lost), 1);
	ck_assert(!lost);
	ck_assert_int_eq(verdict[1000], 0);
	ck_assert_int_eq(verdict[1001], EINVAL);
	nlbatch_free(b);
}
END_TEST

/* New routes go in any order, but before what comes after them and after what comes before. */
START_TEST(order_is_kept_where_it_counts)
{
	struct nlbatch *b = nlbatch_new(scratch);
	const uint32_t some = 101;
	bool lost;
	uint32_t i;

	for (i = 0; i < NLBATCH_OPS; i++) {
		enum fib_op_kind kind = i / some == 1 ? FIB_OP_ROUTE_DEL : FIB_OP_ROUTE_ADD;

		set_op(kind, i % some);
		op.token = i;
		ck_assert(nlbatch_add(b, &op));
	}
	ck_assert_uint_eq(nlbatch_send(b, NULL, no_time, &lost), 0);
	ck_assert(!lost);
	for (i = 0; i < NLBATCH_OPS; i++)
		ck_assert_int_eq(verdict[i], 0);
	nlbatch_free(b);
}
END_TEST

START_TEST(the_kernel_says_why)
{
	struct nlbatch *b = nlbatch_new(scratch);
	bool lost;

	op.kind = FIB_OP_NH_ADD;
	op.token = 3;
	op.nexthop = (struct kern_nexthop){ .id = 5, .protocol = 212, .ngroup = 1,
		.group = { { 99, 1 } } };
	ck_assert(nlbatch_add(b, &op));
	nlbatch_send(b, NULL, no_time, &lost);
	ck_assert_int_eq(verdict[3], EINVAL);
	ck_assert_str_eq(text, "Invalid nexthop id");
	nlbatch_free(b);
}
END_TEST

/* No room for the answers: nobody waits, and nothing that is unknown counts as done. */
START_TEST(lost_answers_are_no_success)
{
	int fd = open("/dev/null", O_RDONLY), one = 1;
	struct nlbatch *b;
	uint32_t i, unknown = 0;
	bool lost;

	close(fd);
	b = nlbatch_new(scratch); /* gets that number */
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &one, sizeof one), 0);
	for (i = 0; i < NLBATCH_OPS; i++)
		add(b, FIB_OP_ROUTE_DEL, i); /* none of them is there */
	nlbatch_send(b, NULL, no_time, &lost);
	ck_assert(lost);
	for (i = 0; i < NLBATCH_OPS; i++) {
		ck_assert(verdict[i] == ESRCH || verdict[i] == EAGAIN);
		unknown += verdict[i] == EAGAIN;
	}
	ck_assert_uint_gt(unknown, 200);
	/* The next batch is not disturbed by what is left of this one. */
	memset(verdict, 0xff, sizeof verdict);
	for (i = 0; i < 10; i++)
		add(b, FIB_OP_ROUTE_ADD, i);
	nlbatch_send(b, NULL, no_time, &lost);
	ck_assert(!lost);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(verdict[i], 0);
	nlbatch_free(b);
}
END_TEST

/* ---- what others do ------------------------------------------------------ */

struct heard {
	uint32_t routes, from, lost;
};

static void
on_heard(void *ctx, const struct nl_seen *o, uint32_t port)
{
	struct heard *h = ctx;

	h->routes += o->what == KERN_ROUTES4;
	h->from = port;
}

static void
on_heard_lost(void *ctx)
{
	((struct heard *)ctx)->lost++;
}

static void
do_one(struct nlbatch *b, enum fib_op_kind kind, uint32_t n)
{
	bool lost;

	verdict[n] = -1;
	add(b, kind, n);
	ck_assert_uint_eq(nlbatch_send(b, NULL, no_time, &lost), 0);
}

/* On a new socket everything is heard once: what waited, what comes then; and not what we added. */
START_TEST(another_socket_misses_nothing)
{
	static const struct nlmon_ops ops = { .object = on_heard, .lost = on_heard_lost };
	struct nlbatch *self = nlbatch_new(scratch), *other = nlbatch_new(scratch);
	struct heard h = { 0 };
	struct nlmon m;
	uint32_t i;
	int fd;

	ck_assert_int_eq(nlmon_open(&m, scratch, 0, nlbatch_port(self), &ops, &h), 0);
	fd = m.sock.fd;
	for (i = 1; i <= 3; i++) {
		do_one(other, FIB_OP_ROUTE_ADD, i);
		do_one(self, FIB_OP_ROUTE_ADD, 100 + i);
		ck_assert(nlmon_renew(&m));
		ck_assert_uint_eq(h.routes, 2 * i - 1);
		do_one(other, FIB_OP_ROUTE_DEL, i);
		do_one(self, FIB_OP_ROUTE_ADD, 200 + i);
		ck_assert(nlmon_read(&m));
		ck_assert_uint_eq(h.routes, 2 * i);
		ck_assert_uint_eq(h.from, nlbatch_port(other));
		ck_assert_int_eq(m.sock.fd, fd);
	}
	ck_assert_uint_eq(h.lost, 0);
	nlmon_close(&m);
	nlbatch_free(self);
	nlbatch_free(other);
}
END_TEST

/* ---- dumps --------------------------------------------------------------- */

static struct {
	struct nldump d;
	unsigned int begins, ends, objects, failures;
	int disturb; /* change something before that many parts from now */
	bool nexthops, behind;
	uint32_t tables[FIB_TABLES_MAX];
	size_t ntables;
} t;

static void
on_begin(void *ctx, enum kern_what what)
{
	t.begins++;
	t.objects = 0;
}

static void
on_object(void *ctx, const struct nl_seen *o)
{
	t.objects++;
}

static void
on_end(void *ctx, enum kern_what what)
{
	t.ends++;
}

static void
on_nexthops(void *ctx, bool known)
{
	t.nexthops = known;
}

static size_t
on_tables(void *ctx, uint32_t ret[FIB_TABLES_MAX])
{
	memcpy(ret, t.tables, sizeof t.tables);
	return t.ntables;
}

static bool
on_catch_up(void *ctx)
{
	if (t.disturb > 0 && --t.disturb == 0)
		ck_assert_int_eq(system("ip addr add 192.0.2.1/32 dev lo"), 0);
	return !t.behind;
}

static void
on_failed(void *ctx, enum kern_what what, int err, const char *why)
{
	t.failures++;
}

static const struct nldump_ops ops = {
	.begin = on_begin,
	.object = on_object,
	.end = on_end,
	.nexthops = on_nexthops,
	.tables = on_tables,
	.catch_up = on_catch_up,
	.failed = on_failed,
};

static void
start(void)
{
	memset(&t, 0, sizeof t);
	ck_assert_int_eq(nldump_open(&t.d, scratch, &ops, NULL), 0);
	ck_assert(mono_is_never(nldump_due(&t.d)));
}

/* Step until nothing is due; the time is made up. */
static void
run(void)
{
	struct mono_us due;
	int turns = 0;

	for (due = nldump_due(&t.d); !mono_is_never(due); due = nldump_due(&t.d)) {
		ck_assert_int_lt(turns++, 1000);
		nldump_step(&t.d, due);
	}
}

static void
many_addresses(void)
{
	ck_assert_int_eq(system("ip link set lo up; for a in 1 2 3 4 5; do for b in $(seq 1 250); do "
				"echo addr add 10.9.$a.$b/32 dev lo; done; done | ip -batch -"), 0);
}

START_TEST(every_kind_ends)
{
	int w;

	start();
	ck_assert_int_eq(system("ip link set lo up; ip route add blackhole 10.0.0.0/8 table 77"), 0);
	t.tables[0] = 254;
	t.tables[1] = 77;
	t.tables[2] = 4711; /* does not exist */
	t.ntables = 3;
	for (w = 0; w < KERN_NWHAT; w++) {
		nldump_want(&t.d, (enum kern_what)w);
		run();
		ck_assert_uint_eq(t.begins, w + 1u);
		ck_assert_uint_eq(t.ends, w + 1u);
		if (w == KERN_LINKS || w == KERN_ROUTES4)
			ck_assert_uint_eq(t.objects, 1);
	}
	ck_assert_uint_eq(t.failures, 0);
	ck_assert(t.nexthops);
	nldump_close(&t.d);
}
END_TEST

START_TEST(interrupted_dumps_are_done_again)
{
	many_addresses();
	start();
	nldump_want(&t.d, KERN_ADDRS);
	t.disturb = 3;
	run();
	ck_assert_uint_eq(t.begins, 2);
	ck_assert_uint_eq(t.ends, 1);
	ck_assert_uint_eq(t.d.retries, 1);
	ck_assert_uint_eq(t.objects, 1250 + 3); /* with 127.0.0.1, ::1 and the new one */
	nldump_close(&t.d);
}
END_TEST

START_TEST(broken_dumps_start_anew)
{
	int null = open("/dev/null", O_RDONLY);

	many_addresses();
	start();
	nldump_want(&t.d, KERN_ADDRS);
	t.behind = true; /* nothing is read before the changes are known */
	nldump_step(&t.d, (struct mono_us){ 1 });
	ck_assert_uint_eq(t.begins, 1);
	ck_assert(!t.d.asked);
	t.behind = false;
	nldump_step(&t.d, (struct mono_us){ 1 });
	ck_assert_uint_gt(t.objects, 100);
	ck_assert_int_ge(dup2(null, t.d.sock.fd), 0); /* the socket is gone */
	nldump_step(&t.d, (struct mono_us){ 1 });
	ck_assert_uint_eq(t.failures, 1);
	ck_assert_uint_eq(nldump_due(&t.d).us, 100001);
	nldump_step(&t.d, (struct mono_us){ 100000 }); /* too early */
	ck_assert_uint_eq(t.begins, 1);
	run();
	ck_assert_uint_eq(t.begins, 2);
	ck_assert_uint_eq(t.ends, 1);
	ck_assert_uint_eq(t.objects, 1250 + 2);
	close(null);
	nldump_close(&t.d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("nlio");
	TCase *tc = unit_case(s, "kernel");

	if (geteuid() != 0 || system("ip -V >/dev/null 2>&1") != 0) {
		printf("needs root, network namespaces and iproute2\n");
		return 77;
	}
	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, each_has_its_verdict);
	tcase_add_test(tc, order_is_kept_where_it_counts);
	tcase_add_test(tc, the_kernel_says_why);
	tcase_add_test(tc, lost_answers_are_no_success);
	tcase_add_test(tc, another_socket_misses_nothing);
	tcase_add_test(tc, every_kind_ends);
	tcase_add_test(tc, interrupted_dumps_are_done_again);
	tcase_add_test(tc, broken_dumps_start_anew);
	return unit_run(s);
}
