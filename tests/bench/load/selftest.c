/*
 * self-test: do the checks find what is wrong? Without a network: what a daemon would
 * send is made here and given to a receiver, first as it should be, then with each bit
 * of a message turned, with messages left out, and with prefixes that nobody sent.
 *
 * A bit may turn unnoticed only where RFC 4271 section 4.3 wants it ignored: the low
 * half and the Partial bit of an attribute's flags, and the reserved octet of
 * MP_REACH_NLRI (RFC 4760 section 3), which comes first in a message here.
 */
#include <string.h>

#include "lib/mem.h"
#include "tests/bench/load/recv.h"
#include "tests/bench/load/scenario.h"

#define HEADER	 19
#define PREFIXES 100
#define IGNORED	 0x2f /* of an attribute's flags */
#define MP_RESERVED 24 /* behind flags, type, length, family, length and next hop */

struct selftest {
	struct load l; /* of one trial: its own failure */
	struct opts o;
	struct pool pool;
	struct stream st; /* what the daemon sends */
	struct receiver rx;
	struct wanted want;
	unsigned trials;
};

static const char *
selftest_expect(struct receiver *rx, const struct update *u, uint32_t i, struct expected *ret)
{
	struct selftest *t = rx->own;
	uint32_t k = i / t->o.per_set;

	(void)u;
	wanted_make(&t->want, &t->l.sess[0], k);
	rx->rules.originator = t->l.sess[0].id;
	*ret = (struct expected){ &t->want, k, 1 };
	return NULL;
}

/* What becomes of attribute set k on its way through a daemon that does everything right. */
static void
selftest_path(const struct selftest *t, struct path *p, uint32_t k)
{
	path_make(p, &t->l.sess[0], k);
	if (t->o.ibgp) {
		p->has_reflection = true;
		p->originator = t->l.sess[0].id;
		p->cluster = ip_addr_v4(&t->o.cluster_id);
		return;
	}
	memmove(p->as + 1, p->as, p->nas++ * sizeof(p->as[0]));
	p->as[0] = t->o.dut_as;
	p->has_med = false;
	p->next_hop = t->o.dut;
}

static void
selftest_stream(struct selftest *t)
{
	uint32_t per = t->o.per_set;
	struct path p;

	for (uint32_t i = 0; i < t->pool.n; i += per) {
		selftest_path(t, &p, i / per);
		stream_announce(&t->st, &t->pool, &p, i, i + per < t->pool.n ? i + per : t->pool.n);
	}
}

static void
selftest_begin(struct selftest *t, const struct opts *o)
{
	memset(t, 0, sizeof(*t));
	t->o = *o;
	load_init(&t->l, &t->o);
	sess_make(&t->l, 1, NULL);
	t->pool = pool_make(o->v6 ? IP6 : IP4, (uint8_t)o->prefix_len, PREFIXES);
	selftest_stream(t);
	receiver_init(&t->rx, &t->l, &t->pool, selftest_expect);
	t->rx.own = t;
}

static void
selftest_end(struct selftest *t)
{
	receiver_fini(&t->rx);
	stream_free(&t->st);
	load_fini(&t->l);
}

/* Give all messages but the one at `skip` to the receiver; true when nothing is found wrong. */
static bool
selftest_trial(struct selftest *t, const uint8_t *octets, size_t skip)
{
	size_t len;

	t->trials++;
	t->l.failed = false;
	t->rx.have = 0;
	memset(t->rx.cur, 0, t->pool.n);
	for (size_t at = 0; at < t->st.len && !t->l.failed; at += len) {
		len = (size_t)t->st.p[at + 16] << 8 | t->st.p[at + 17];
		if (at != skip)
			receiver_update(&t->rx, &t->l.sess[0], octets + at + HEADER, len - HEADER);
	}
	return !t->l.failed && t->rx.have == t->pool.n;
}

/* Bits of an octet of the first message that mean nothing. */
static uint8_t
ignored_bits(const struct selftest *t, size_t pos)
{
	const uint8_t *p = t->st.p;
	size_t at = HEADER + 4, end = at + ((size_t)p[HEADER + 2] << 8 | p[HEADER + 3]);

	if (t->o.v6 && pos == at + MP_RESERVED)
		return 0xff;
	while (at < end && at != pos)
		at += p[at] & 0x10 ? 4 + ((size_t)p[at + 2] << 8 | p[at + 3]) : 3u + p[at + 2];
	return at == pos ? IGNORED : 0;
}

/* Every bit of the first message's body. */
static void
selftest_bits(struct load *l, struct selftest *t)
{
	size_t len = (size_t)t->st.p[16] << 8 | t->st.p[17];
	uint8_t *copy = mem_dup(t->st.p, t->st.len);

	for (size_t bit = HEADER * 8; bit < len * 8; bit++) {
		uint8_t mask = (uint8_t)(1u << bit % 8);

		copy[bit / 8] ^= mask;
		if (selftest_trial(t, copy, SIZE_MAX) &&
		    !(mask & ignored_bits(t, bit / 8)))
			load_fail(l, "ibgp=%d v6=%d: bit %zu of octet %zu turned, nobody noticed",
			    t->o.ibgp, t->o.v6, bit % 8, bit / 8);
		copy[bit / 8] ^= mask;
	}
	mem_free(copy);
}

static void
selftest_lost(struct load *l, struct selftest *t)
{
	for (size_t at = 0; at < t->st.len;
	     at += (size_t)t->st.p[at + 16] << 8 | t->st.p[at + 17])
		if (selftest_trial(t, t->st.p, at))
			load_fail(l, "the message at octet %zu was lost and nobody noticed", at);
}

/* One more prefix than there are, and withdrawals of one that is there and one that never was. */
static void
selftest_more(struct load *l, struct selftest *t)
{
	struct pool wider = t->pool;
	struct stream st = { 0 };
	struct path p;
	uint32_t i = PREFIXES, there = 0;

	wider.n++;
	selftest_path(t, &p, 0);
	stream_announce_list(&st, &wider, &p, &i, 1);
	if (!selftest_trial(t, t->st.p, SIZE_MAX))
		load_fail(l, "what is right was found wrong");
	receiver_update(&t->rx, &t->l.sess[0], st.p + HEADER, st.len - HEADER);
	if (!t->l.failed)
		load_fail(l, "a prefix too much and nobody noticed");
	st.len = 0;
	stream_withdraw_list(&st, &wider, &there, 1);
	t->l.failed = false;
	receiver_update(&t->rx, &t->l.sess[0], st.p + HEADER, st.len - HEADER);
	if (t->l.failed || t->rx.have != PREFIXES - 1)
		load_fail(l, "a withdrawal did not count");
	stream_free(&st);
}

static void
selftest_one(struct load *l, bool ibgp, bool v6)
{
	struct selftest *t = mem_alloc(sizeof(*t));
	struct opts o = *l->opt;

	o.ibgp = ibgp;
	o.v6 = v6;
	o.next_hop = "self";
	o.prefix_len = v6 ? 48 : 24;
	ip_addr_parse(v6 ? "fd99::1" : "10.99.0.1", &o.dut);
	ip_addr_parse(v6 ? "fd99::1:1" : "10.99.1.1", &o.first_peer);
	selftest_begin(t, &o);
	if (!selftest_trial(t, t->st.p, SIZE_MAX))
		load_fail(l, "what is right was found wrong: %s", t->l.why);
	selftest_bits(l, t);
	selftest_lost(l, t);
	selftest_more(l, t);
	load_event(l, "self-test", "ibgp=%d v6=%d trials=%u", ibgp, v6, t->trials);
	selftest_end(t);
	mem_free(t);
}

void
selftest_run(struct load *l)
{
	for (unsigned i = 0; i < 4; i++)
		selftest_one(l, i & 1, i & 2);
}
