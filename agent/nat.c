/*
 * natOutgoing, the shell; see nat.h.
 *
 * Libraries are not needed for one table of two rules (doc/architecture.md, Dependencies): messages
 * are ours (natmsg.h). The kernel numbers the states of its rule sets: every few seconds one request
 * asks for that number, and only when it has risen the table is read and compared with what it was
 * after we had made it. That costs less than hearing of each change of everybody else's rules.
 */
#include "agent/nat.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "agent/core/cluster.h"
#include "agent/kube/kube.h"
#include "agent/natmsg.h"
#include "agent/nlsock.h"
#include "lib/hmap.h"
#include "lib/mem.h"

#define LOOK_S	     2
#define WAIT_US	     60000000 /* for the cluster and for routes, after a start */
#define LOOK_MAX_S   10 /* somebody takes it away again and again, or the kernel refuses */
#define AT_ONCE	     3	/* repairs without waiting longer */
#define SEND_OCTETS  (16 << 20)
#define CALM_US	     60000000 /* after that a repair is the first one again */

struct nat {
	struct agent *a;
	struct event *ev;
	struct nlsock sock; /* fd -1: not open */
	uint8_t *recv;	    /* with the socket */
	struct natmsg msg;
	uint64_t key[2];

	struct nat_sets want;
	enum nat_state state;
	char why[IPC_TEXT_MAX];
	bool looked;  /* for what a former life left */
	struct mono_us waiting_since; /* us 0: not yet */
	bool flushed;
	uint32_t gen; /* of the kernel's rule sets when sum was right */
	uint64_t sum; /* of the table as we made it */
	uint32_t repairs, in_a_row;
	struct mono_us repaired;
};

static const char *const state_names[] = {
	[NAT_OFF] = "off",
	[NAT_INSTALLED] = "installed",
	[NAT_FAILED] = "failed",
	[NAT_FOREIGN] = "foreign",
	[NAT_FLUSHED] = "flushed",
	[NAT_WAITING] = "waiting",
	[NAT_OBSERVED] = "observed",
};

/* ---- the socket --------------------------------------------------------------- */

static void
close_socket(struct nat *n)
{
	nlsock_close(&n->sock);
	mem_free(n->recv);
	n->recv = NULL;
	natmsg_free(&n->msg);
}

/* 0 or -errno. */
static int
open_socket(struct nat *n)
{
	int octets = SEND_OCTETS, r;

	if (n->sock.fd >= 0)
		return 0;
	r = nlsock_open_for(&n->sock, NETLINK_NETFILTER);
	if (r < 0)
		return r;
	setsockopt(n->sock.fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof octets);
	n->recv = mem_alloc(NLSOCK_DATAGRAM);
	return 0;
}

/* What one request or transaction brought. */
struct answer {
	bool acked, broken; /* broken: a dump that others changed meanwhile */
	int err;	    /* the first error, positive */
	size_t n;	    /* objects */
	struct nat_seen sum; /* of all: the last one's values, sums joined */
};

static void
join(const struct nat *n, struct answer *to, const struct nat_seen *s)
{
	uint64_t both[2] = { to->sum.sum, s->sum };

	to->sum = *s;
	to->sum.sum = siphash13(n->key, both, sizeof both);
	to->n++;
}

static void
take(struct nat *n, const struct nlmsghdr *h, struct answer *ret,
    void (*each)(void *ctx, const struct nat_seen *s), void *ctx)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	struct nat_seen s;

	ret->broken |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
		ret->acked |= e->error == 0;
		if (e->error != 0 && ret->err == 0)
			ret->err = -e->error;
	} else if (natmsg_parse(h, n->key, &s)) {
		join(n, ret, &s);
		if (each)
			each(ctx, &s);
	}
}

/* Send what n->msg has; the kernel answers before that returns. */
static struct answer
talk(struct nat *n, void (*each)(void *ctx, const struct nat_seen *s), void *ctx)
{
	struct answer ret = { .err = -nlsock_send(&n->sock, n->msg.buf, n->msg.len) };
	ssize_t got;

	natmsg_reset(&n->msg);
	while (ret.err == 0 && (got = nlsock_recv(&n->sock, n->recv, NLSOCK_DATAGRAM)) != 0) {
		const struct nlmsghdr *h = (const void *)n->recv;
		unsigned left = got > 0 ? (unsigned)got : 0;

		if (got < 0)
			ret.broken = true;
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			take(n, h, &ret, each, ctx);
	}
	return ret;
}

static struct answer
ask(struct nat *n, enum nat_look look, unsigned which)
{
	natmsg_look(&n->msg, look, which);
	return talk(n, NULL, NULL);
}

/* ---- looking at the table ------------------------------------------------------ */

/* All that must not change, as one number; false: others changed something meanwhile. */
static bool
fingerprint(struct nat *n, uint64_t *ret)
{
	static const struct {
		enum nat_look look;
		unsigned n;
	} parts[] = { { NAT_LOOK_TABLE, 1 }, { NAT_LOOK_CHAIN, 1 }, { NAT_LOOK_RULES, 1 },
		{ NAT_LOOK_SET, NAT_NSETS_ALL }, { NAT_LOOK_ELEMENTS, NAT_NSETS_ALL } };
	uint64_t both[2] = { 0, 0 };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		for (unsigned k = 0; k < parts[i].n; k++) {
			struct answer a = ask(n, parts[i].look, k);

			if (a.broken)
				return false;
			both[1] = a.sum.sum + a.n;
			both[0] = siphash13(n->key, both, sizeof both);
		}
	*ret = both[0];
	return true;
}

static uint32_t
generation(struct nat *n)
{
	return ask(n, NAT_LOOK_GEN, 0).sum.gen;
}

/* A table of that name which we did not make is not touched. */
static bool
is_foreign(struct nat *n, bool *ret_there)
{
	struct answer a = ask(n, NAT_LOOK_TABLE, 0);

	*ret_there = a.n > 0;
	return a.n > 0 && !a.sum.ours;
}

/* ---- making it ------------------------------------------------------------------ */

static void
tell_problem(struct nat *n, enum nat_state state, const char *why)
{
	bool known = n->state == state && strcmp(n->why, why) == 0;

	n->state = state;
	snprintf(n->why, sizeof n->why, "%s", why);
	if (!known)
		events_addf(n->a->events, IPC_LVL_ERR, state == NAT_FOREIGN ? "nat-foreign" : "nat-failed",
		    "table=\"inet " NAT_TABLE "\" why=\"%s\"", why);
}

/* What stands there now is right. */
static void
note_state(struct nat *n)
{
	n->gen = generation(n);
	if (!fingerprint(n, &n->sum))
		n->sum = 0; /* somebody is at it: the next look finds a difference and makes it anew */
}

static void
transact(struct nat *n, void (*build)(struct natmsg *m, const struct nat_sets *s), const char *event)
{
	struct answer a;

	build(&n->msg, &n->want);
	a = talk(n, NULL, NULL);
	if (a.err != 0 || !a.acked) {
		tell_problem(n, NAT_FAILED, strerror(a.err ? a.err : EIO));
		return;
	}
	n->state = NAT_INSTALLED;
	n->why[0] = '\0';
	note_state(n);
	events_addf(n->a->events, build == natmsg_refill ? IPC_LVL_INFO : IPC_LVL_NOTICE, event,
	    "table=\"inet " NAT_TABLE "\" pods=%zu not-translated=%zu",
	    n->want.n[NAT_PODS][0] + n->want.n[NAT_PODS][1],
	    n->want.n[NAT_INSIDE][0] + n->want.n[NAT_INSIDE][1]);
}

/* The table anew. */
static void
install(struct nat *n, const char *event)
{
	int r = open_socket(n);
	bool there;

	if (r < 0)
		tell_problem(n, NAT_FAILED, strerror(-r));
	else if (is_foreign(n, &there))
		tell_problem(n, NAT_FOREIGN, "a table of that name is there that weft did not make");
	else
		transact(n, natmsg_replace, event);
}

/*
 * Before the nodes are known nothing can be told from the outside: without the cluster there is no
 * table yet, and what a former life left stays until routes, and with them nodes, are known.
 */
static bool
waits(struct nat *n)
{
	bool unknown = n->a->kube && kube_api(n->a->kube) && !n->a->cluster, there;
	struct fib_stats st;

	fib_stats(n->a->fib, &st);
	if (n->waiting_since.us == 0)
		n->waiting_since = agent_now();
	if ((!st.stale && !unknown) || mono_diff_us(agent_now(), n->waiting_since) > WAIT_US)
		return false;
	if (!unknown && (open_socket(n) < 0 || is_foreign(n, &there) || !there))
		return false;
	n->state = NAT_WAITING;
	snprintf(n->why, sizeof n->why, "what was there before stays until the cluster and routes are known");
	return true;
}

static void
remove_table(struct nat *n)
{
	struct answer a;
	bool there;

	if (open_socket(n) < 0)
		return; /* a kernel without nf_tables has no table */
	if (!is_foreign(n, &there) && there) {
		natmsg_remove(&n->msg);
		a = talk(n, NULL, NULL);
		events_addf(n->a->events, a.err ? IPC_LVL_ERR : IPC_LVL_NOTICE,
		    a.err ? "nat-failed" : "nat-removed", "table=\"inet " NAT_TABLE "\"%s%s%s",
		    a.err ? " why=\"" : "", a.err ? strerror(a.err) : "", a.err ? "\"" : "");
	}
	close_socket(n);
}

/* ---- looking again ----------------------------------------------------------------- */

static void
arm(struct nat *n)
{
	struct timeval tv = { n->in_a_row > AT_ONCE || (n->state != NAT_INSTALLED && n->state != NAT_WAITING) ?
		LOOK_MAX_S : LOOK_S, 0 };

	event_add(n->ev, &tv);
}

static void
repair(struct nat *n)
{
	if (mono_diff_us(agent_now(), n->repaired) > CALM_US)
		n->in_a_row = 0;
	n->repairs++;
	n->in_a_row++;
	n->repaired = agent_now();
	install(n, "nat-repaired");
}

/* Has somebody changed it? */
static void
look_at_table(struct nat *n)
{
	uint32_t gen = generation(n);
	uint64_t sum;

	if (gen == n->gen || !fingerprint(n, &sum))
		return;
	if (sum == n->sum)
		n->gen = gen;
	else
		repair(n);
}

/* ---- what is wanted ------------------------------------------------------------------ */

static void
add_all(struct nat_sets *s, enum nat_set set, const struct conf_prefixes *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!ip_prefix_is_default(&p->v[i])) /* "everything" says nothing of where pods are */
			nat_sets_add(s, set, &p->v[i]);
}

/* Whoever has a session with us knows where our pods are: nodes, reflectors, routers. */
static void
add_peers(struct nat_sets *s, const struct agent *a)
{
	for (size_t i = 0; i < a->npeers; i++) {
		struct ip_prefix p = ip_prefix_from_addr(&a->peers[i].addr);

		nat_sets_add(s, NAT_INSIDE, &p);
	}
}

/* Who is a next hop of pods' routes is a node of ours; it may have no session in that family. */
static void
add_next_hops(struct nat_sets *s, const struct agent *a)
{
	struct fib_nh_view v;
	struct ip_addr at;

	for (bool more = fib_next_nh_view(a->fib, NULL, &v); more;
	     at = v.nh, more = fib_next_nh_view(a->fib, &at, &v)) {
		struct ip_prefix p = ip_prefix_from_addr(&v.nh);

		if (v.resolved && v.users > 0 && !ip_addr_is_link_local(&v.nh))
			nat_sets_add(s, NAT_INSIDE, &p);
	}
}

/* All nodes of the cluster and their pods. */
static void
add_cluster(struct nat_sets *s, const struct agent *a)
{
	const struct cluster_node *n = NULL;

	while (a->cluster && (n = cluster_next(a->cluster, n))) {
		for (size_t i = 0; i < n->naddrs; i++) {
			struct ip_prefix p = ip_prefix_from_addr(&n->addrs[i]);

			nat_sets_add(s, NAT_INSIDE, &p);
		}
		for (size_t i = 0; i < n->ncidrs; i++)
			nat_sets_add(s, NAT_INSIDE, &n->cidrs[i]);
	}
}

static void
gather(const struct agent *a, struct nat_sets *ret)
{
	const struct conf *c = a->conf;

	add_all(ret, NAT_PODS, &c->node.pod_cidrs);
	add_all(ret, NAT_INSIDE, &c->node.pod_cidrs);
	add_all(ret, NAT_INSIDE, &c->kernel.permit);
	add_all(ret, NAT_INSIDE, &c->nat.exclude);
	add_peers(ret, a);
	add_next_hops(ret, a);
	add_cluster(ret, a);
	nat_sets_settle(ret);
}

/* ---- from outside ---------------------------------------------------------------------- */

static void
switch_off(struct nat *n)
{
	event_del(n->ev);
	if (n->state != NAT_OFF || !n->looked)
		remove_table(n); /* perhaps a former life's */
	n->looked = true;
	n->state = n->flushed ? NAT_FLUSHED : NAT_OFF;
	n->why[0] = '\0';
	nat_sets_free(&n->want);
}

void
nat_apply(struct nat *n)
{
	struct nat_sets s = { 0 };
	bool first = !n->looked;

	if (!n->a->conf)
		return;
	if (agent_observes(n->a)) {
		event_del(n->ev); /* what stands there stays */
		n->state = n->a->conf->nat.enabled ? NAT_OBSERVED : NAT_OFF;
		n->looked = false;
		return;
	}
	if (!n->a->conf->nat.enabled || n->flushed) {
		switch_off(n);
		return;
	}
	n->looked = true;
	gather(n->a, &s);
	if (nat_sets_eq(&s, &n->want) && event_pending(n->ev, EV_TIMEOUT, NULL)) {
		nat_sets_free(&s); /* where it could not be made that is tried again in time */
		return;
	}
	nat_sets_free(&n->want);
	n->want = s;
	if (n->state == NAT_INSTALLED)
		look_at_table(n); /* what is filled again must be ours as it was */
	if (n->state == NAT_INSTALLED)
		transact(n, natmsg_refill, "nat-changed");
	else if ((!first && n->state != NAT_WAITING) || !waits(n))
		install(n, "nat-installed");
	arm(n);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct nat *n = arg;

	if (n->a->stopping)
		return;
	if (n->state == NAT_INSTALLED)
		look_at_table(n);
	else if (n->state != NAT_WAITING || !waits(n))
		install(n, "nat-installed");
	arm(n);
	nat_apply(n); /* next hops come and go */
}

void
nat_flush(struct nat *n)
{
	n->flushed = true;
	nat_apply(n);
}

void
nat_resume(struct nat *n)
{
	n->flushed = false;
}

static void
count(void *ctx, const struct nat_seen *s)
{
	struct nat_view *v = ctx;

	if (s->af != IP4 && s->af != IP6)
		return;
	v->flows[s->af - 1] = s->flows;
	v->octets[s->af - 1] = s->octets;
}

void
nat_view(struct nat *n, bool counters, struct nat_view *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->state = n->state;
	ret->state_name = state_names[n->state];
	snprintf(ret->why, sizeof ret->why, "%s", n->why);
	ret->repairs = n->repairs;
	ret->sets = &n->want;
	if (!counters || n->sock.fd < 0)
		return;
	natmsg_look(&n->msg, NAT_LOOK_RULES, 0);
	talk(n, count, ret);
}

struct nat *
nat_new(struct agent *a)
{
	struct nat *n = mem_zalloc(sizeof *n);

	n->a = a;
	n->sock.fd = -1;
	n->ev = event_new(a->base, -1, 0, on_look, n);
	if (getrandom(n->key, sizeof n->key, 0) != (ssize_t)sizeof n->key)
		n->key[0] = agent_now().us; /* cannot happen for so few octets; sums are nobody's secret */
	return n;
}

void
nat_free(struct nat *n)
{
	if (!n)
		return;
	event_free(n->ev);
	close_socket(n);
	nat_sets_free(&n->want);
	mem_free(n);
}
