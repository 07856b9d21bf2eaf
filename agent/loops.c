/*
 * Rules against loops; see loops.h.
 *
 * The kernel is asked what is there each time, so that rules of a former life are found and those
 * that somebody took away are put back. That is seldom: aggregates come and go with the
 * configuration and with the first and last Service in them.
 */
#include "agent/loops.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/events.h"
#include "agent/nlsock.h"
#include "lib/conf.h"
#include "lib/mem.h"

enum { PREF_OWN = 32700, PREF_REST = 32701 };

struct loops {
	struct agent *a;
	struct ip_prefix *want;
	size_t n;
	bool complained;
};

/* ---- messages ------------------------------------------------------------------ */

struct request {
	struct nlmsghdr h;
	struct fib_rule_hdr r;
	uint8_t attrs[128];
};

static void
put(struct request *q, uint16_t type, const void *v, size_t len)
{
	struct rtattr *at = (void *)((char *)q + NLMSG_ALIGN(q->h.nlmsg_len));

	at->rta_type = type;
	at->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(at), v, len);
	q->h.nlmsg_len = NLMSG_ALIGN(q->h.nlmsg_len) + (uint32_t)RTA_SPACE(len);
}

static void
put_u32(struct request *q, uint16_t type, uint32_t v)
{
	put(q, type, &v, sizeof v);
}

static uint8_t
family_of(uint8_t af)
{
	return af == IP4 ? AF_INET : AF_INET6;
}

/* The rule at that place for p. */
static void
fill(struct request *q, const struct conf_kernel *c, uint32_t pref, const struct ip_prefix *p)
{
	uint8_t protocol = (uint8_t)c->protocol;

	q->r.family = family_of(p->af);
	q->r.dst_len = p->len;
	put(q, FRA_DST, p->b, ip_af_octets(p->af));
	put_u32(q, FRA_PRIORITY, pref);
	put(q, FRA_PROTOCOL, &protocol, 1);
	if (pref == PREF_OWN) {
		q->r.action = FR_ACT_TO_TBL;
		q->r.table = RT_TABLE_MAIN;
		put(q, FRA_IIFNAME, "lo", sizeof "lo");
	} else {
		q->r.action = c->own_block == CONF_OWN_UNREACHABLE ? FR_ACT_UNREACHABLE :
								       FR_ACT_BLACKHOLE;
	}
}

/* ---- talking ---------------------------------------------------------------------- */

/* What one request brought; err: positive errno. */
struct talk {
	struct nlsock sock;
	uint8_t *buf;
	int err;
	bool done;
};

static bool
begin(struct talk *t)
{
	t->err = -nlsock_open(&t->sock);
	t->buf = mem_alloc(NLSOCK_DATAGRAM);
	return t->err == 0;
}

static void
finish(struct talk *t)
{
	nlsock_close(&t->sock);
	mem_free(t->buf);
}

/* A rule of the kernel's, as far as it matters. */
struct seen {
	uint32_t pref;
	uint8_t protocol, action;
	struct ip_prefix p;
};

static void
take_attr(const struct rtattr *at, struct seen *ret)
{
	size_t len = RTA_PAYLOAD(at);

	if (at->rta_type == FRA_PRIORITY && len == sizeof ret->pref)
		memcpy(&ret->pref, RTA_DATA(at), len);
	else if (at->rta_type == FRA_PROTOCOL && len == 1)
		ret->protocol = *(const uint8_t *)RTA_DATA(at);
	else if (at->rta_type == FRA_DST && len == ip_af_octets(ret->p.af))
		memcpy(ret->p.b, RTA_DATA(at), len);
}

static bool
parse_rule(const struct nlmsghdr *h, struct seen *ret)
{
	const struct fib_rule_hdr *r = NLMSG_DATA(h);
	const struct rtattr *at = (const void *)((const char *)r + NLMSG_ALIGN(sizeof *r));
	unsigned left;

	memset(ret, 0, sizeof *ret);
	if (h->nlmsg_type != RTM_NEWRULE || h->nlmsg_len < NLMSG_LENGTH(sizeof *r))
		return false;
	ret->p.af = r->family == AF_INET ? IP4 : r->family == AF_INET6 ? IP6 : IP_NONE;
	ret->p.len = r->dst_len;
	ret->action = r->action;
	left = h->nlmsg_len - (unsigned)NLMSG_LENGTH(sizeof *r);
	for (; RTA_OK(at, left); at = RTA_NEXT(at, left))
		take_attr(at, ret);
	return ret->p.af != IP_NONE && ret->p.len <= ip_af_bits(ret->p.af);
}

/* Send it, and hand what comes back to each (may be NULL) until the kernel is done. */
static void
ask(struct talk *t, struct request *q, void (*each)(void *ctx, const struct seen *s), void *ctx)
{
	struct seen s;
	ssize_t got;

	t->done = false;
	t->err = -nlsock_send(&t->sock, q, q->h.nlmsg_len);
	while (t->err == 0 && !t->done && (got = nlsock_recv(&t->sock, t->buf, NLSOCK_DATAGRAM)) > 0) {
		const struct nlmsghdr *h = (const void *)t->buf;
		unsigned left = (unsigned)got;

		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			t->done |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
			if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(int)))
				t->err = -e->error;
			else if (each && parse_rule(h, &s))
				each(ctx, &s);
		}
	}
}

static struct request
request(int type, int flags)
{
	return (struct request){ .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct fib_rule_hdr)),
				     .nlmsg_type = (uint16_t)type,
				     .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) } };
}

/* ---- what is there against what is wanted ----------------------------------------------- */

/* Rules of ours, as they were found. */
struct found {
	uint8_t protocol;
	struct seen *v;
	size_t n;
};

static void
note_found(void *ctx, const struct seen *s)
{
	struct found *f = ctx;

	if (s->protocol != f->protocol || (s->pref != PREF_OWN && s->pref != PREF_REST))
		return;
	f->v = mem_realloc_array(f->v, f->n + 1, sizeof f->v[0]);
	f->v[f->n++] = *s;
}

static void
change(struct loops *l, struct talk *t, int type, uint32_t pref, const struct ip_prefix *p)
{
	struct request q = request(type, NLM_F_ACK | (type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0));
	char text[IP_PREFIX_STRLEN];

	fill(&q, &l->a->conf->kernel, pref, p);
	if (type == RTM_DELRULE)
		q.r.action = FR_ACT_UNSPEC; /* whatever it was */
	ask(t, &q, NULL, NULL);
	if (t->err == 0 || t->err == EEXIST || t->err == ENOENT || l->complained)
		return;
	l->complained = true;
	events_addf(l->a->events, IPC_LVL_WARN, "service-rule-failed",
	    "prefix=%s why=\"%s: packets to addresses in it that nobody has may loop\"",
	    ip_prefix_str(p, text), strerror(t->err));
}

static bool
is_among(const struct ip_prefix *v, size_t n, const struct ip_prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (ip_prefix_eq(&v[i], p))
			return true;
	return false;
}

static uint8_t
action_of(const struct conf_kernel *c, uint32_t pref)
{
	struct request q = request(RTM_NEWRULE, 0);

	fill(&q, c, pref, &(struct ip_prefix){ .af = IP4 });
	return q.r.action;
}

static bool
is_there(const struct found *f, const struct conf_kernel *c, uint32_t pref, const struct ip_prefix *p)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].pref == pref && ip_prefix_eq(&f->v[i].p, p))
			return f->v[i].action == action_of(c, pref);
	return false;
}

/* The node's own packets are let through before others are stopped, and longer. */
static void
reconcile(struct loops *l, struct talk *t, const struct found *f, const struct ip_prefix *v, size_t n)
{
	const struct conf_kernel *c = &l->a->conf->kernel;
	static const uint32_t prefs[] = { PREF_REST, PREF_OWN };

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < f->n; i++)
			if (f->v[i].pref == prefs[k] && (!is_among(v, n, &f->v[i].p) ||
					 f->v[i].action != action_of(c, prefs[k])))
				change(l, t, RTM_DELRULE, prefs[k], &f->v[i].p);
	for (size_t k = 2; k-- > 0;)
		for (size_t i = 0; i < n; i++)
			if (!is_there(f, c, prefs[k], &v[i]))
				change(l, t, RTM_NEWRULE, prefs[k], &v[i]);
}

static void
apply(struct loops *l, const struct ip_prefix *v, size_t n)
{
	struct request q = request(RTM_GETRULE, NLM_F_DUMP);
	struct found f = { .protocol = (uint8_t)l->a->conf->kernel.protocol };
	struct talk t;

	l->complained = false;
	if (begin(&t)) {
		ask(&t, &q, note_found, &f);
		reconcile(l, &t, &f, v, n);
	}
	finish(&t);
	mem_free(f.v);
}

void
loops_set(struct loops *l, const struct ip_prefix *v, size_t n)
{
	const struct conf_kernel *c = &l->a->conf->kernel;

	if (!c->install || c->own_block == CONF_OWN_NONE)
		n = 0;
	if (n > LOOPS_MAX) {
		events_addf(l->a->events, IPC_LVL_WARN, "service-rules-many",
		    "aggregates=%zu limit=%d why=\"packets to addresses that nobody has may loop\"", n, LOOPS_MAX);
		n = LOOPS_MAX;
	}
	if (n == 0 && l->n == 0 && l->want)
		return; /* there are none, and we have looked */
	mem_free(l->want);
	l->want = n ? mem_dup(v, n * sizeof v[0]) : mem_alloc(1);
	l->n = n;
	apply(l, v, n);
}

void
loops_flush(struct loops *l)
{
	if (l->n == 0 || !l->a->conf)
		return;
	l->n = 0;
	apply(l, NULL, 0);
}

struct loops *
loops_new(struct agent *a)
{
	struct loops *l = mem_zalloc(sizeof *l);

	l->a = a;
	return l;
}

void
loops_free(struct loops *l)
{
	if (!l)
		return;
	mem_free(l->want);
	mem_free(l);
}
