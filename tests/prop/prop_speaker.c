/*
 * The routing half against a naive model: random announcements, withdrawals,
 * peers that come and go, are slow, ask for refresh or get another export
 * policy; next hops that come and go; own prefixes for some peers only.
 * When all is quiet every peer's table, rebuilt from the octets it was sent,
 * is what the model says; and a peer that keeps up is never told twice, nor
 * told to forget what it was never told.
 *
 * No session runs: peers are declared up and down, UPDATEs go in and out as
 * octets through the speaker's peer_ops.
 */
#include <stdbool.h>
#include <string.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"
#include "tests/prop/prop.h"

uint64_t prop_seed;

#define OUR_AS	   65000u
#define OUR_ID	   0x0a0000feu
#define CLUSTER	   0x0a0000fdu
#define NPEERS	   7 /* 1 to NPEERS; 0 is the node itself */
#define NPREFIXES  40
#define NV4	   24 /* the first so many are IPv4 */
#define BUF	   16384
#define TEXT	   512

/* What somebody says of a prefix; all zeros: nothing. */
struct spec {
	bool said;
	uint8_t hops;	/* 1 to 3 AS numbers behind the peer's own */
	uint8_t origin, med, lp, comm, nh;
	uint8_t only; /* own prefixes: bit per peer; 0: all */
};

struct party {
	struct rpeer *rp;
	struct ipc_conf_peer conf;
	bool ebgp, up;
	bool lazy; /* does not pull just now */
	struct spec in[NPREFIXES];
	char got[NPREFIXES][TEXT]; /* what it was sent; "": nothing */
	bool eor[2];
};

struct world {
	struct rng *r;
	struct speaker *sp;
	struct mono_us now;
	struct attrs_pool *pool; /* of the receiving end */
	struct ipc_conf_speaker conf;
	struct party p[NPEERS + 1];
	bool nh_down[8];
	uint32_t nh_gen;
	bool strict; /* everybody pulls at once: nothing may be said twice */
	bool verdict_due[NPREFIXES]; /* a route was told and has no verdict yet */
};

static struct world *w;

/* ---- prefixes and attributes -------------------------------------------------------- */

static struct ip_prefix
prefix_no(unsigned k)
{
	if (k < NV4)
		return (struct ip_prefix){ .af = IP4, .len = 24, .b = { 10, 1, (uint8_t)k } };
	return (struct ip_prefix){ .af = IP6, .len = 48, .b = { 0x20, 1, 0xd, 0xb8, 0, (uint8_t)k } };
}

static unsigned
no_of(const struct ip_prefix *p)
{
	return p->af == IP4 ? p->b[2] : p->b[5];
}

static struct ip_addr
next_hop_no(uint8_t af, unsigned nh)
{
	if (af == IP4)
		return (struct ip_addr){ .af = IP4, .b = { 192, 0, 2, (uint8_t)(100 + nh) } };
	return (struct ip_addr){ .af = IP6, .b = { 0x20, 1, 0xd, 0xb8, 0xff, [15] = (uint8_t)(100 + nh) } };
}

static const uint32_t comm_of[] = { 0, 0x00010001, COMM_NO_EXPORT, COMM_NO_ADVERTISE,
	COMM_GRACEFUL_SHUTDOWN };

static uint32_t
asn_of(unsigned peer)
{
	return 65000 + (w->p[peer].ebgp ? peer : 0);
}

/* The AS_PATH as text: prepended ones first. */
static void
path_text(char *buf, unsigned peer, const struct spec *s, bool prepend)
{
	size_t n = 0;
	unsigned k;

	buf[0] = '\0';
	if (prepend)
		n += (size_t)sprintf(buf + n, "%u ", OUR_AS);
	if (peer != 0 && w->p[peer].ebgp)
		n += (size_t)sprintf(buf + n, "%u ", asn_of(peer));
	for (k = 0; peer != 0 && k < s->hops; k++)
		n += (size_t)sprintf(buf + n, "%u ", 100 + k);
	if (n > 0)
		buf[n - 1] = '\0';
}

static struct spec
random_spec(bool ebgp)
{
	return (struct spec){ .said = true,
		.hops = (uint8_t)rng_below(w->r, 3),
		.origin = (uint8_t)rng_below(w->r, 3),
		.med = (uint8_t)rng_below(w->r, 3),
		.lp = ebgp ? 0 : (uint8_t)(99 + rng_below(w->r, 3)),
		.comm = (uint8_t)(rng_chance(w->r, 30) ? rng_below(w->r, 5) : 0),
		.nh = (uint8_t)rng_below(w->r, 4) };
}

/* ---- in ---------------------------------------------------------------------------------- */

static void
feed(unsigned k, const uint8_t *msg, size_t octets)
{
	static struct update u;

	update_decode(&w->p[k].rp->peer->ctx, msg + BGP_HEADER_OCTETS, octets - BGP_HEADER_OCTETS,
	    &u);
	PROP(u.err.act == ACT_NONE);
	speaker_peer_ops.update(w->p[k].rp->peer, w->now, &u);
}

static const struct attrs *
spec_attrs(unsigned k, const struct spec *s)
{
	uint8_t path[64], comm[4];
	struct wr pw = wr_init(path, sizeof(path)), cw = wr_init(comm, sizeof(comm));
	struct attrs_build b = { .origin = s->origin, .flags = ATTRS_MED, .med = s->med };
	unsigned n = s->hops + w->p[k].ebgp, i;

	if (n > 0) {
		wr_u8(&pw, SEG_SEQUENCE);
		wr_u8(&pw, (uint8_t)n);
		if (w->p[k].ebgp)
			wr_u32(&pw, asn_of(k));
		for (i = 0; i < s->hops; i++)
			wr_u32(&pw, 100 + i);
	}
	if (!w->p[k].ebgp) {
		b.flags |= ATTRS_LOCAL_PREF;
		b.local_pref = s->lp;
	}
	wr_u32(&cw, comm_of[s->comm]);
	b.part[ATTRS_AS_PATH] = (struct attrs_view){ path, (uint16_t)wr_len(&pw) };
	b.part[ATTRS_COMMUNITIES] = (struct attrs_view){ comm, s->comm ? 4 : 0 };
	return attrs_intern(w->pool, &b);
}

/* Peer k says s of prefixes `from` to `to`. */
static void
announce(unsigned k, unsigned from, unsigned to, const struct spec *s)
{
	const struct attrs *a = spec_attrs(k, s);
	uint8_t buf[BGP_MAX_OCTETS];
	unsigned i;

	for (i = from; i <= to; i++) {
		struct nlri n = { .prefix = prefix_no(i) };
		struct update_nh nh = { .nh = next_hop_no(n.prefix.af, s->nh) };
		struct wr wr = wr_init(buf, sizeof(buf));

		PROP(update_encode_reach(&wr, &w->p[k].rp->peer->ctx, a, n.prefix.af, &nh, &n, 1,
			 NULL, NULL) == 1);
		feed(k, buf, wr_len(&wr));
		w->p[k].in[i] = *s;
	}
	attrs_unref(w->pool, a);
}

static void
withdraw(unsigned k, unsigned i)
{
	struct nlri n = { .prefix = prefix_no(i) };
	uint8_t buf[BGP_MAX_OCTETS];
	struct wr wr = wr_init(buf, sizeof(buf));

	PROP(update_encode_unreach(&wr, &w->p[k].rp->peer->ctx, n.prefix.af, &n, 1) == 1);
	feed(k, buf, wr_len(&wr));
	w->p[k].in[i].said = false;
}

static void
originate(unsigned i, const struct spec *s)
{
	struct ipc_originate o = { .prefix = prefix_no(i), .has_med = true, .med = s->med };
	unsigned k;

	if (s->comm) {
		o.ncomm = 1;
		o.comm[0] = comm_of[s->comm];
	}
	for (k = 1; k <= NPEERS; k++)
		if (s->only >> k & 1)
			o.only[o.nonly++] = k;
	speaker_originate(w->sp, w->now, &o);
	w->p[0].in[i] = *s;
}

/* ---- out --------------------------------------------------------------------------------- */

static void
attrs_text(const struct attrs *a, const struct ip_addr *nh, char *buf)
{
	char path[128], comm[64], cl[64], addr[IP_ADDR_STRLEN];

	attrs_str_as_path(a, path, sizeof(path));
	attrs_str_communities(a, comm, sizeof(comm));
	attrs_str_cluster_list(a, cl, sizeof(cl));
	snprintf(buf, TEXT, "%s|%u|nh %s|med %d|lp %d|%s|orig %x|cl %s", path, a->origin,
	    ip_addr_str(nh, addr), a->flags & ATTRS_MED ? (int)a->med : -1,
	    a->flags & ATTRS_LOCAL_PREF ? (int)a->local_pref : -1, comm, a->originator_id, cl);
}

static void
got_withdrawn(struct party *p, struct rd r, uint8_t af)
{
	struct bgp_err e = { 0 };
	struct nlri n;

	while (nlri_next(&r, af, false, &n, &e)) {
		char *got = p->got[no_of(&n.prefix)];

		PROP(!w->strict || got[0] != '\0');
		got[0] = '\0';
	}
}

static void
got_announced(struct party *p, const struct update *u, bool mp)
{
	struct rd r = mp ? u->mp_reach : u->nlri;
	struct attrs_build b;
	const struct attrs *a;
	struct ip_addr nh;
	struct bgp_err e = { 0 };
	struct nlri n;
	char text[TEXT];

	if (rd_left(&r) == 0)
		return;
	update_attrs(u, mp, &b);
	a = attrs_intern(w->pool, &b);
	nh = attrs_next_hop(a);
	attrs_text(a, &nh, text);
	while (nlri_next(&r, mp ? u->mp_reach_af : IP4, false, &n, &e)) {
		char *got = p->got[no_of(&n.prefix)];

		PROP(!w->strict || strcmp(got, text) != 0);
		strcpy(got, text);
	}
	attrs_unref(w->pool, a);
}

static void
receive(struct party *p, const uint8_t *buf, size_t octets)
{
	static struct update u;
	struct update_ctx ctx = p->rp->peer->ctx;
	struct rd r = rd_init(buf, octets);

	ctx.ep = NULL;
	while (rd_left(&r) > 0) {
		const uint8_t *head = rd_view(&r, BGP_HEADER_OCTETS);
		uint16_t length = (uint16_t)(head[16] << 8 | head[17]);
		struct rd body = rd_sub(&r, length - BGP_HEADER_OCTETS);

		PROP(!r.bad && length <= BGP_MAX_OCTETS);
		if (head[18] != BGP_UPDATE)
			continue;
		update_decode(&ctx, body.p, rd_left(&body), &u);
		PROP(u.err.act == ACT_NONE);
		got_withdrawn(p, u.withdrawn, IP4);
		if (u.mp_unreach_af)
			got_withdrawn(p, u.mp_unreach, u.mp_unreach_af);
		got_announced(p, &u, false);
		if (u.mp_reach_af)
			got_announced(p, &u, true);
		if (u.eor & AF_BIT(IP4))
			p->eor[0] = true;
		if (u.eor & AF_BIT(IP6))
			p->eor[1] = true;
	}
}

static bool
pull(struct party *p, size_t cap)
{
	uint8_t buf[BUF];
	size_t n = speaker_peer_ops.fill(p->rp->peer, w->now, buf, cap);

	PROP(n <= cap);
	receive(p, buf, n);
	return n > 0;
}

/* ---- the model ------------------------------------------------------------------------------ */

static unsigned
model_lp(unsigned k, const struct spec *s)
{
	if (k == 0)
		return 100;
	if (!w->p[k].ebgp)
		return s->lp;
	return comm_of[s->comm] == COMM_GRACEFUL_SHUTDOWN ? 0 : 100;
}

/* RFC 4271 section 9.1.2.2 as a loop over rivals: does b remove a from consideration? */
static int
model_rank(unsigned a, unsigned b, const struct spec *sa, const struct spec *sb, unsigned step)
{
	unsigned ha = a == 0 ? 0 : sa->hops + w->p[a].ebgp, hb = b == 0 ? 0 : sb->hops + w->p[b].ebgp;
	uint32_t na = w->p[a].ebgp ? asn_of(a) : sa->hops ? 100 : 0;
	uint32_t nb = w->p[b].ebgp ? asn_of(b) : sb->hops ? 100 : 0;

	switch (step) {
	case 0:
		return (b == 0) - (a == 0);
	case 1:
		return (int)model_lp(b, sb) - (int)model_lp(a, sa);
	case 2:
		return (int)ha - (int)hb;
	case 3:
		return (int)sa->origin - (int)sb->origin;
	case 4:
		return na == nb ? (int)sa->med - (int)sb->med : 0;
	case 5:
		return (int)w->p[b].ebgp - (int)w->p[a].ebgp;
	default:
		return (int)a - (int)b; /* router ids and addresses rise with the number */
	}
}

static bool
model_usable(unsigned k, unsigned i)
{
	const struct party *p = &w->p[k];

	return p->in[i].said && (k == 0 || (p->up && !w->nh_down[(i < NV4 ? 0 : 4) + p->in[i].nh]));
}

/* The best of a prefix, or -1. */
static int
model_best(unsigned i)
{
	bool alive[NPEERS + 1];
	unsigned a, b, step;

	for (a = 0; a <= NPEERS; a++)
		alive[a] = model_usable(a, i);
	for (step = 0; step < 7; step++) {
		bool gone[NPEERS + 1] = { false };

		for (a = 0; a <= NPEERS; a++)
			for (b = 0; b <= NPEERS && alive[a]; b++)
				gone[a] |= alive[b] &&
				    model_rank(a, b, &w->p[a].in[i], &w->p[b].in[i], step) > 0;
		for (a = 0; a <= NPEERS; a++)
			alive[a] &= !gone[a];
	}
	for (a = 0; a <= NPEERS; a++)
		if (alive[a])
			return (int)a;
	return -1;
}

static bool
model_exports(unsigned from, unsigned to, const struct spec *s)
{
	const struct party *t = &w->p[to], *f = &w->p[from];
	uint32_t comm = comm_of[s->comm];

	if (from == to || comm == COMM_NO_ADVERTISE)
		return false;
	if (from == 0 && s->only && !(s->only >> to & 1))
		return false;
	if (t->ebgp)
		return comm != COMM_NO_EXPORT &&
		    (from == 0 || (t->conf.export_all && (!f->ebgp || w->conf.transit)));
	if (from != 0 && !t->conf.export_all)
		return false;
	return from == 0 || f->ebgp || f->conf.rr_client || t->conf.rr_client;
}

static void
model_text(unsigned from, unsigned to, unsigned i, const struct spec *s, char *buf)
{
	const struct party *t = &w->p[to], *f = &w->p[from];
	bool v4 = i < NV4, reflected = !t->ebgp && from != 0 && !f->ebgp;
	bool self = from == 0 || (t->ebgp ? t->conf.next_hop_mode != IPC_NEXTHOP_KEEP :
		    !reflected && (t->conf.next_hop_mode == IPC_NEXTHOP_SELF ||
			(t->conf.next_hop_mode == IPC_NEXTHOP_AUTO && f->conf.onlink)));
	struct ip_addr nh = next_hop_no(v4 ? IP4 : IP6, s->nh);
	char path[128], addr[IP_ADDR_STRLEN], orig[16] = "0";
	const char *comm[] = { "", "1:1", "no-export", "no-advertise", "graceful-shutdown" };
	uint32_t lp = model_lp(from, s);

	if (self)
		nh = v4 ? t->rp->peer->ep.self4 : t->rp->peer->ep.self6;
	if (reflected)
		sprintf(orig, "%x", 0x0a000000u + from);
	path_text(path, from, s, t->ebgp);
	snprintf(buf, TEXT, "%s|%u|nh %s|med %d|lp %d|%s|orig %s|cl %s", path,
	    from == 0 ? 0u : s->origin, ip_addr_str(&nh, addr),
	    t->ebgp && from != 0 ? -1 : s->med, t->ebgp ? -1 : (int)lp, comm[s->comm], orig,
	    reflected ? "10.0.0.253" : "");
}

/* With install: the agent refuses every seventh prefix. */
static bool
is_refused(unsigned i)
{
	return w->conf.install && i % 7 == 3;
}

static void
compare(void)
{
	char want[TEXT];
	unsigned k, i;
	int best;

	for (i = 0; i < NPREFIXES; i++) {
		best = model_best(i);
		for (k = 1; k <= NPEERS; k++) {
			struct party *p = &w->p[k];
			const struct spec *s = best >= 0 ? &w->p[best].in[i] : NULL;

			if (!p->up)
				continue;
			want[0] = '\0';
			if (s && !(best > 0 && is_refused(i)) && model_exports((unsigned)best, k, s))
				model_text((unsigned)best, k, i, s, want);
			if (strcmp(p->got[i], want) != 0)
				fprintf(stderr, "peer %u prefix %u best %d:\n got  %s\n want %s\n", k, i,
				    best, p->got[i], want);
			PROP(strcmp(p->got[i], want) == 0);
		}
	}
}

/* ---- events ------------------------------------------------------------------------------------- */

static void
answer_watches(void)
{
	struct todo t;

	while (speaker_next_todo(w->sp, &t)) {
		struct ipc_nh_state st = { .addr = t.nh, .gen = ++w->nh_gen };

		if (t.kind != TODO_NH_WATCH || !t.on)
			continue;
		st.resolved = st.onlink = !w->nh_down[(t.nh.af == IP4 ? t.nh.b[3] : t.nh.b[15] + 4u) - 100];
		speaker_nh_state(w->sp, w->now, &st);
	}
}

static void
take_fib(void)
{
	struct fib_op op;

	while (speaker_next_fib(w->sp, &op))
		if (op.kind == FIB_ROUTE || op.kind == FIB_ROUTE_DEL)
			w->verdict_due[no_of(&op.prefix)] = op.kind == FIB_ROUTE;
}

/* Verdicts come late, each with a chance of pct per cent. */
static bool
give_verdicts(unsigned pct)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < NPREFIXES; i++) {
		struct ipc_verdict v = { .prefix = prefix_no(i),
			.state = is_refused(i) ? IPC_V_REFUSED : IPC_V_INSTALLED };

		if (!w->verdict_due[i] || !rng_chance(w->r, pct))
			continue;
		w->verdict_due[i] = false;
		speaker_verdict(w->sp, w->now, &v);
		any = true;
	}
	return any;
}

static void
work(void)
{
	do {
		speaker_timeout(w->sp, w->now);
		speaker_work(w->sp, w->now, 1 + (uint32_t)rng_below(w->r, 50));
		answer_watches();
		take_fib();
	} while (mono_reached(w->now, speaker_deadline(w->sp)));
}

/* Everybody who keeps up pulls until nothing comes. */
static void
settle(bool lazy_too)
{
	bool any;
	unsigned k;

	do {
		work();
		any = give_verdicts(lazy_too ? 100 : 30);
		for (k = 1; k <= NPEERS; k++)
			if (w->p[k].up && (lazy_too || !w->p[k].lazy))
				any |= pull(&w->p[k], BGP_MAX_OCTETS + rng_below(w->r, BUF - BGP_MAX_OCTETS));
	} while (any);
}

static void
peer_up(unsigned k)
{
	struct party *p = &w->p[k];
	struct peer *peer = p->rp->peer;
	bool no_v6_self = false;

	peer->neg = (struct peer_neg){ .ebgp = p->ebgp,
		.as4 = k != 2,
		.refresh = true,
		.families = 3,
		.local_asn = OUR_AS,
		.remote_asn = asn_of(k),
		.remote_id = 0x0a000000u + k };
	peer->ep = (struct ipc_endpoints){ .remote = p->conf.addr,
		.self4 = { .af = IP4, .b = { 192, 0, 2, (uint8_t)(200 + k) } },
		.self6 = { .af = no_v6_self ? 0 : IP6, .b = { 0x20, 1, 0xd, 0xb8, [15] = (uint8_t)(200 + k) } } };
	peer->ctx = (struct update_ctx){ .as4 = peer->neg.as4,
		.ebgp = p->ebgp,
		.families = 3,
		.max_octets = BGP_MAX_OCTETS };
	memset(p->got, 0, sizeof(p->got));
	memset(p->in, 0, sizeof(p->in));
	p->eor[0] = p->eor[1] = false;
	p->up = true;
	speaker_peer_ops.up(peer, w->now);
}

static void
peer_down(unsigned k)
{
	speaker_peer_ops.down(w->p[k].rp->peer, w->now, PEER_DOWN_FLUSH, "test");
	w->p[k].up = false;
	memset(w->p[k].in, 0, sizeof(w->p[k].in));
}

static void
configure(void)
{
	static const struct ip_prefix all[2] = { { .af = IP4 }, { .af = IP6 } };
	struct ipc_conf_applied applied;
	struct ipc_conf_peer conf[NPEERS];
	unsigned k;

	for (k = 1; k <= NPEERS; k++)
		conf[k - 1] = w->p[k].conf;
	speaker_configure(w->sp, w->now, &w->conf, conf, NPEERS, all, 2, &applied);
	PROP(applied.reset == 0 && applied.removed == 0);
}

static void
toggle_policy(unsigned k)
{
	struct party *p = &w->p[k];

	p->conf.export_all = !p->conf.export_all;
	p->conf.next_hop_mode = (uint8_t)rng_below(w->r, 3);
	configure();
}

static void
toggle_next_hop(void)
{
	unsigned n = (unsigned)rng_below(w->r, 8);
	struct ipc_nh_state st = { .addr = next_hop_no(n < 4 ? IP4 : IP6, n % 4),
		.gen = ++w->nh_gen };

	w->nh_down[n] = !w->nh_down[n];
	st.resolved = st.onlink = !w->nh_down[n];
	speaker_nh_state(w->sp, w->now, &st);
}

static void
random_event(void)
{
	unsigned k = 1 + (unsigned)rng_below(w->r, NPEERS), i = (unsigned)rng_below(w->r, NPREFIXES);
	unsigned to = i + (unsigned)rng_below(w->r, 8), what = (unsigned)rng_below(w->r, 100);
	struct party *p = &w->p[k];
	struct spec s = random_spec(p->ebgp);

	if (to >= NPREFIXES)
		to = NPREFIXES - 1;
	if (what < 45 && p->up) {
		announce(k, i, to, &s);
	} else if (what < 60 && p->up) {
		withdraw(k, i);
	} else if (what < 68) {
		s.only = rng_chance(w->r, 40) ? (uint8_t)(rng_u64(w->r) & 0xfe) : 0;
		s.hops = s.lp = 0;
		originate(i, &s);
	} else if (what < 75) {
		struct ip_prefix prefix = prefix_no(i);

		speaker_unoriginate(w->sp, w->now, &prefix);
		w->p[0].in[i].said = false;
	} else if (what < 80) {
		toggle_next_hop();
	} else if (what < 86) {
		if (p->up)
			peer_down(k);
		else
			peer_up(k);
	} else if (w->strict) {
		return;
	} else if (what < 92) {
		p->lazy = !p->lazy;
	} else if (what < 96 && p->up) {
		speaker_peer_ops.refresh(p->rp->peer, w->now, rng_chance(w->r, 50) ? IP4 : IP6,
		    REFRESH_REQUEST);
	} else {
		toggle_policy(k);
	}
}

/* ---- the world ------------------------------------------------------------------------------------- */

static void
world_new(struct rng *r)
{
	struct ipc_hello hello = { .seed = rng_u64(r) };
	uint64_t key[2] = { 3, 4 };
	unsigned k;

	memset(w, 0, sizeof(*w));
	w->r = r;
	w->now.us = 5000000;
	w->pool = attrs_pool_new(key);
	w->sp = speaker_new(w->now, &hello, NULL);
	w->conf = (struct ipc_conf_speaker){
		.asn = OUR_AS, .router_id = OUR_ID, .cluster_id = CLUSTER, .multipath = 4,
		.install = rng_chance(r, 50), .transit = rng_chance(r, 50)
	};
	for (k = 1; k <= NPEERS; k++) {
		w->p[k].ebgp = k <= 3;
		w->p[k].conf = (struct ipc_conf_peer){ .id = k,
			.addr = { .af = IP4, .b = { 192, 0, 2, (uint8_t)k } },
			.asn = asn_of(k),
			.passive = true,
			.enabled = true,
			.onlink = k == 1,
			.export_all = k == 2 || k > 3,
			.rr_client = k >= 6,
			.families = 3 };
	}
	configure();
	for (k = 1; k <= NPEERS; k++)
		w->p[k].rp = speaker_peer(w->sp, k);
	speaker_originate_end(w->sp, w->now);
	for (k = 1; k <= NPEERS; k++)
		peer_up(k);
}

/* Everything goes: the tables must be empty in the end. */
static void
world_end(void)
{
	struct ipc_row_stats st;
	unsigned k, i;

	for (i = 0; i < NPREFIXES; i++) {
		struct ip_prefix prefix = prefix_no(i);

		speaker_unoriginate(w->sp, w->now, &prefix);
	}
	memset(w->p[0].in, 0, sizeof(w->p[0].in));
	for (k = 1; k <= NPEERS; k++)
		if (w->p[k].up && k != 4)
			peer_down(k);
	for (i = 0; w->p[4].up && i < NPREFIXES; i++)
		withdraw(4, i);
	for (i = 0; i < 6; i++) {
		settle(true);
		w->now = mono_add_s(w->now, 1);
		speaker_timeout(w->sp, w->now);
	}
	compare();
	speaker_stats(w->sp, w->now, &st);
	PROP(st.paths[0] == 0 && st.paths[1] == 0);
	PROP(st.destinations[0] == 0 && st.destinations[1] == 0);
	PROP(st.attr_sets == 0 && st.fib_pending == 0);
	speaker_free(w->sp);
	attrs_pool_free(w->pool);
}

static void
check_quiet(void)
{
	unsigned k;

	for (k = 1; k <= NPEERS; k++)
		w->p[k].lazy = false;
	settle(true);
	compare();
	for (k = 1; k <= NPEERS; k++) {
		PROP(!w->p[k].up || (w->p[k].eor[0] && w->p[k].eor[1]));
		PROP(!speaker_peer_ops.wants_fill(w->p[k].rp->peer));
	}
}

static void
run(struct rng *r, bool strict)
{
	unsigned round, i;

	world_new(r);
	w->strict = strict;
	if (!strict) { /* logs so short that members fall behind all the time */
		w->sp->groups.log_chunks = 1 + (uint32_t)rng_below(r, 8);
		w->sp->groups.log_octets = 500 + rng_below(r, 5000);
	}
	for (round = 0; round < 8; round++) {
		for (i = 0; i < 60; i++) {
			random_event();
			w->now = mono_add_us(w->now, rng_below(r, 3000));
			if (strict || rng_chance(r, 40))
				settle(false);
		}
		check_quiet();
	}
	world_end();
}

static void
everybody_keeps_up(struct rng *r)
{
	run(r, true);
}

static void
some_fall_behind(struct rng *r)
{
	run(r, false);
}

int
main(void)
{
	w = mem_alloc(sizeof(*w));
	prop_run("everybody keeps up", 30, everybody_keeps_up);
	prop_run("some fall behind", 60, some_fall_behind);
	mem_free(w);
	return 0;
}
