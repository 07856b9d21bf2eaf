/*
 * The rig of the routing half's tests.  See ribrig.h.
 */
#include "tests/unit/ribrig.h"

#include <stdio.h>
#include <stdlib.h>

#include "bgpd/core/bgp.h"
#include "tests/unit/unit.h"

struct ip_prefix
rig_prefix(const char *text)
{
	struct ip_prefix p;

	ck_assert_msg(ip_prefix_parse(text, &p, NULL), "prefix %s", text);
	return p;
}

void
rig_init(struct rig *r, unsigned n, const struct ipc_hello *hello)
{
	struct ipc_hello plain = { .seed = 7 };
	uint64_t key[2] = { 1, 2 };
	unsigned k;

	memset(r, 0, sizeof(*r));
	r->now.us = 10000000;
	r->sp = speaker_new(r->now, hello ? hello : &plain, NULL);
	r->pool = attrs_pool_new(key);
	r->conf = (struct ipc_conf_speaker){ .asn = RIG_AS, .router_id = 0x0a0000fe, .multipath = 4,
		.gr_enabled = true, .gr_restart_time_s = 120, .gr_deferral_ms = 10000 };
	r->npeers = n;
	for (k = 1; k <= n; k++)
		r->peer[k] = (struct ipc_conf_peer){ .id = k,
			.addr = { .af = IP4, .b = { 192, 0, 2, (uint8_t)k } },
			.asn = RIG_AS + k,
			.passive = true,
			.enabled = true,
			.import_all = true,
			.gr_enabled = true,
			.families = 3 };
	for (k = 1; k <= n; k++)
		snprintf(r->peer[k].name, sizeof(r->peer[k].name), "p%u", k);
}

void
rig_free(struct rig *r)
{
	speaker_free(r->sp);
	attrs_pool_free(r->pool);
}

void
rig_configure(struct rig *r, struct ipc_conf_applied *ret)
{
	struct ipc_conf_applied applied;

	speaker_configure(r->sp, r->now, &r->conf, r->peer + 1, r->npeers, r->permit, r->npermit,
	    ret ? ret : &applied);
}

struct rpeer *
rig_peer(struct rig *r, unsigned k)
{
	struct rpeer *rp = speaker_peer(r->sp, k);

	ck_assert_ptr_nonnull(rp);
	return rp;
}

static void
negotiate_restarts(const struct rig *r, unsigned k, struct peer_neg *n)
{
	if (k > RIG_PEERS)
		return;
	n->gr_notification = r->n_bit >> k & 1;
	if (r->no_gr >> k & 1) {
		n->gr = n->peer_gr = false;
		n->gr_families = n->gr_forwarding = 0;
		n->gr_time_s = 0;
	}
	if (r->llgr_s[k] == 0)
		return;
	n->peer_llgr = true;
	n->llgr = r->peer[k].llgr_time_s[0] || r->peer[k].llgr_time_s[1];
	n->llgr_families = 3;
	n->llgr_forwarding = r->llgr_lost >> k & 1 ? 0 : 3;
	n->llgr_time_s[0] = n->llgr_time_s[1] = r->llgr_s[k];
}

void
rig_up(struct rig *r, unsigned k, uint32_t asn, bool self6)
{
	struct peer *p = rig_peer(r, k)->peer;
	unsigned own = k <= RIG_PEERS ? k : 0; /* a test may have configured more by itself */

	p->neg = (struct peer_neg){ .ebgp = asn != RIG_AS,
		.confed = r->members >> k & 1,
		.as4 = true,
		.refresh = true,
		.families = 3,
		.addpath_rx = r->addpath_rx[own],
		.addpath_tx = r->addpath_tx[own],
		.gr = true,
		.peer_gr = true,
		.gr_families = 3,
		.gr_forwarding = p->neg.gr_forwarding,
		.gr_time_s = 100,
		.ext_msg = r->peer[own].ext_msg,
		.local_asn = RIG_AS,
		.remote_asn = asn,
		.remote_id = 0x0a000000 + k };
	negotiate_restarts(r, k, &p->neg);
	p->ep = (struct ipc_endpoints){ .local = { .af = IP4, .b = { 192, 0, 2, 254 } },
		.remote = { .af = IP4, .b = { 192, 0, 2, (uint8_t)k } },
		.self4 = { .af = IP4, .b = { 192, 0, 2, (uint8_t)(200 + k) } } };
	if (self6)
		p->ep.self6 = (struct ip_addr){
			.af = IP6, .b = { 0x20, 1, 0xd, 0xb8, [15] = (uint8_t)(200 + k) }
		};
	if (r->over6) {
		p->neg.ext_next_hop = true;
		p->ep.remote = (struct ip_addr){ .af = IP6, .b = { 0x20, 1, [15] = (uint8_t)k } };
	}
	p->ctx = (struct update_ctx){ .as4 = true,
		.ext_next_hop = r->over6,
		.ebgp = p->neg.ebgp,
		.confed = p->neg.confed,
		.families = 3,
		.addpath_rx = p->neg.addpath_rx,
		.addpath_tx = p->neg.addpath_tx,
		.max_octets = peer_max_octets(&p->neg) };
	speaker_peer_ops.up(p, r->now);
}

void
rig_down(struct rig *r, unsigned k, enum peer_down how)
{
	speaker_peer_ops.down(rig_peer(r, k)->peer, r->now, how, "rig");
}

static void
feed(struct rig *r, unsigned k, const struct wr *w)
{
	static struct update u;
	struct peer *p = rig_peer(r, k)->peer;

	update_decode(&p->ctx, w->base + BGP_HEADER_OCTETS, wr_len(w) - BGP_HEADER_OCTETS, &u);
	ck_assert_msg(u.err.act == ACT_NONE, "%s", u.err.why);
	speaker_peer_ops.update(p, r->now, &u);
}

/* The session as the peer sees it. */
static struct update_ctx
peers_side(struct rig *r, unsigned k)
{
	struct update_ctx ctx = rig_peer(r, k)->peer->ctx;
	uint8_t rx = ctx.addpath_rx;

	ctx.addpath_rx = ctx.addpath_tx;
	ctx.addpath_tx = rx;
	return ctx;
}

static struct update_nh
next_hop(uint8_t af, uint8_t last)
{
	if (af == IP4)
		return (struct update_nh){ .nh = { .af = IP4, .b = { 198, 51, 100, last } } };
	return (struct update_nh){
		.nh = { .af = IP6, .b = { 0x20, 1, 0xd, 0xb8, 1, [15] = last } }
	};
}

void
rig_announce(struct rig *r, unsigned k, const char *prefix, const uint32_t *path, uint8_t nh,
    const struct attrs_build *b)
{
	struct nlri n = { .prefix = rig_prefix(prefix), .path_id = r->path_id };
	struct update_ctx ctx = peers_side(r, k);
	struct update_nh unh = next_hop(n.prefix.af, nh);
	uint8_t buf[BGP_MAX_EXT_OCTETS], seg[256];
	struct wr w = wr_init(buf, sizeof(buf)), s = wr_init(seg, sizeof(seg));
	struct attrs_build all = b ? *b : (struct attrs_build){ 0 };
	const struct attrs *a;
	unsigned hops;

	for (hops = 0; path[hops]; hops++)
		;
	if (hops) {
		wr_u8(&s, r->members >> k & 1 ? SEG_CONFED_SEQUENCE : SEG_SEQUENCE);
		wr_u8(&s, (uint8_t)hops);
	}
	for (hops = 0; path[hops]; hops++)
		wr_u32(&s, path[hops]);
	all.part[ATTRS_AS_PATH] = (struct attrs_view){ seg, (uint16_t)wr_len(&s) };
	a = attrs_intern(r->pool, &all);
	ck_assert_uint_eq(
	    update_encode_reach(&w, &ctx, a, n.prefix.af, &unh, &n, 1, NULL, NULL), 1);
	attrs_unref(r->pool, a);
	feed(r, k, &w);
}

void
rig_withdraw(struct rig *r, unsigned k, const char *prefix)
{
	struct nlri n = { .prefix = rig_prefix(prefix), .path_id = r->path_id };
	struct update_ctx ctx = peers_side(r, k);
	uint8_t buf[BGP_MAX_OCTETS];
	struct wr w = wr_init(buf, sizeof(buf));

	update_encode_unreach(&w, &ctx, n.prefix.af, &n, 1);
	feed(r, k, &w);
}

void
rig_eor(struct rig *r, unsigned k, uint8_t af)
{
	uint8_t buf[BGP_MAX_OCTETS];
	struct wr w = wr_init(buf, sizeof(buf));

	update_encode_eor(&w, af);
	feed(r, k, &w);
}

void
rig_originate(struct rig *r, const char *prefix, const struct ipc_originate *o)
{
	struct ipc_originate all = o ? *o : (struct ipc_originate){ 0 };

	all.prefix = rig_prefix(prefix);
	speaker_originate(r->sp, r->now, &all);
}

void
rig_work(struct rig *r)
{
	struct todo t;
	bool again;

	do {
		again = speaker_work(r->sp, r->now, 1000);
		while (speaker_next_todo(r->sp, &t)) {
			struct ipc_nh_state st = { .addr = t.nh,
				.resolved = !r->unresolved,
				.onlink = !r->off_link,
				.gen = ++r->gen,
				.why = "no route" };

			if (t.kind != TODO_NH_WATCH || !t.on)
				continue;
			again = true;
			speaker_nh_state(r->sp, r->now, &st);
		}
	} while (again);
}

void
rig_pass(struct rig *r, uint64_t us)
{
	r->now = mono_add_us(r->now, us);
	speaker_timeout(r->sp, r->now);
	rig_work(r);
}

/* ---- out --------------------------------------------------------------------------- */

static struct rig_said *
add_said(struct rig *r, int what, const struct ip_prefix *prefix)
{
	struct rig_said *s = &r->said[r->nsaid++];

	ck_assert_uint_lt(r->nsaid, sizeof(r->said) / sizeof(r->said[0]));
	memset(s, 0, sizeof(*s));
	s->what = what;
	s->prefix = *prefix;
	s->message = r->messages;
	return s;
}

static void
say_withdrawn(struct rig *r, const struct update_ctx *ctx, struct rd rd, uint8_t af)
{
	struct bgp_err e = { 0 };
	struct nlri n;

	while (nlri_next(&rd, af, ctx->addpath_rx & AF_BIT(af), &n, &e))
		add_said(r, SAID_WITHDRAW, &n.prefix)->path_id = n.path_id;
}

static void
say_announced(struct rig *r, const struct update_ctx *ctx, const struct update *u, bool mp)
{
	struct rd rd = mp ? u->mp_reach : u->nlri;
	uint8_t af = mp ? u->mp_reach_af : IP4;
	struct rig_said *said;
	char path[64], comm[64], nh[IP_ADDR_STRLEN];
	struct bgp_err e = { 0 };
	struct attrs_build b;
	const struct attrs *a;
	struct ip_addr addr;
	struct nlri n;

	if (rd_left(&rd) == 0)
		return;
	update_attrs(u, mp, &b);
	a = attrs_intern(r->pool, &b);
	addr = attrs_next_hop(a);
	while (nlri_next(&rd, af, ctx->addpath_rx & AF_BIT(af), &n, &e)) {
		said = add_said(r, SAID_ANNOUNCE, &n.prefix);
		said->path_id = n.path_id;
		snprintf(said->text, sizeof(said->text), "%s|%s|%d|%d|%s",
		    attrs_str_as_path(a, path, sizeof(path)), ip_addr_str(&addr, nh),
		    a->flags & ATTRS_MED ? (int)a->med : -1,
		    a->flags & ATTRS_LOCAL_PREF ? (int)a->local_pref : -1,
		    attrs_str_communities(a, comm, sizeof(comm)));
	}
	attrs_unref(r->pool, a);
}

static void
say_update(struct rig *r, const struct update_ctx *ctx, struct rd body)
{
	static struct update u;
	unsigned i;

	update_decode(ctx, body.p, rd_left(&body), &u);
	ck_assert_msg(u.err.act == ACT_NONE, "%s", u.err.why);
	say_withdrawn(r, ctx, u.withdrawn, IP4);
	if (u.mp_unreach_af)
		say_withdrawn(r, ctx, u.mp_unreach, u.mp_unreach_af);
	say_announced(r, ctx, &u, false);
	if (u.mp_reach_af)
		say_announced(r, ctx, &u, true);
	for (i = 0; i < AF_COUNT; i++)
		if (u.eor & AF_BIT(AF_OF(i)))
			add_said(r, SAID_EOR, &(struct ip_prefix){ .af = AF_OF(i) });
}

static size_t
pull_more(struct rig *r, unsigned k, size_t cap, size_t want)
{
	static uint8_t buf[1 << 16];
	struct update_ctx ctx = peers_side(r, k);
	size_t n = speaker_peer_ops.fill(rig_peer(r, k)->peer, r->now, buf, cap, want);
	struct rd rd = rd_init(buf, n);

	ck_assert_uint_le(n, cap);
	while (rd_left(&rd) > 0) {
		const uint8_t *head = rd_view(&rd, BGP_HEADER_OCTETS);
		size_t body = (size_t)(head[16] << 8 | head[17]) - BGP_HEADER_OCTETS;
		struct rd sub = rd_sub(&rd, body);

		ck_assert(!rd.bad);
		ck_assert_uint_lt((size_t)(head - buf), want);
		r->messages++;
		if (head[18] == BGP_UPDATE)
			say_update(r, &ctx, sub);
		else
			add_said(r, SAID_REFRESH, &(struct ip_prefix){ .af = sub.p[1] })->subtype =
			    sub.p[2];
	}
	return n;
}

unsigned
rig_pull(struct rig *r, unsigned k, size_t cap)
{
	r->nsaid = r->messages = 0;
	while (pull_more(r, k, cap, cap) > 0)
		continue;
	return r->nsaid;
}

size_t
rig_pull_some(struct rig *r, unsigned k, size_t cap, size_t want)
{
	r->nsaid = r->messages = 0;
	return pull_more(r, k, cap, want);
}

const struct rig_said *
rig_said_of(const struct rig *r, const char *prefix)
{
	struct ip_prefix p = rig_prefix(prefix);
	const struct rig_said *found = NULL;
	unsigned k;

	for (k = 0; k < r->nsaid; k++)
		if (r->said[k].what <= SAID_WITHDRAW && ip_prefix_eq(&r->said[k].prefix, &p))
			found = &r->said[k];
	return found;
}

size_t
rig_rows(struct rig *r, uint8_t view, uint8_t match, uint32_t peer, const char *prefix,
    struct ipc_row_path *ret)
{
	struct speaker_cursor c = {
		.q = { .id = 9, .kind = IPC_Q_PATHS, .view = view, .match = match, .peer = peer }
	};
	struct ipc_row_path row;
	size_t rows = 0;
	bool more = true;

	if (prefix)
		c.q.prefix = rig_prefix(prefix);
	while (more) {
		if (!speaker_next_path(r->sp, r->now, &c, 3, &row, &more))
			continue;
		ck_assert_uint_eq(row.query, 9);
		if (rows++ == 0 && ret)
			*ret = row;
	}
	return rows;
}
