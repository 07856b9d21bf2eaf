/*
 * The routing half against a naive model: random announcements, withdrawals,
 * peers that come and go, are slow, ask for refresh or get another export
 * policy; next hops that come and go; own prefixes for some peers only.
 * When all is quiet every peer's table, rebuilt from the octets it was sent,
 * is what the model says; and a peer that keeps up is never told twice, nor
 * told to forget what it was never told.  Some peers send or are sent several
 * paths per prefix (RFC 7911), one session so, the next one otherwise.
 * The agent's books, too, are what the model says, and each intent makes sense
 * to it at that moment.
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
#define TEXT	   384
#define NIDS	   3 /* paths of one prefix from a peer with add-path */
#define MULTIPATH  3 /* of 4 next hops */
#define NCANDS	   (NPEERS * NIDS + 1)
#define NSETS	   256

/* What somebody says of a prefix; all zeros: nothing. */
struct spec {
	bool said;
	uint8_t hops;	/* 1 to 3 AS numbers behind the peer's own */
	uint8_t origin, med, lp, comm, nh;
	uint8_t only; /* own prefixes: bit per peer; 0: all */
};

/* A path that a peer was sent. */
struct got {
	uint32_t path_id;
	char text[TEXT]; /* "": none */
};

struct party {
	struct rpeer *rp;
	struct ipc_conf_peer conf;
	bool ebgp, up;
	bool lazy; /* does not pull just now */
	bool rx, tx; /* several paths per prefix, to us and from us */
	struct spec in[NPREFIXES][NIDS];
	struct got got[NPREFIXES][NCANDS]; /* what it was sent */
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
	struct ipc_nhset set[NSETS]; /* the agent's, by id; n 0: none */
	uint32_t route[NPREFIXES];   /* and set of each route; 0: none */
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

static const uint32_t path_id_of[NIDS] = { 7, 0, 0xfffffff0 };

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

/* The session as peer k writes to it. */
static struct update_ctx
writer(unsigned k)
{
	struct update_ctx ctx = w->p[k].rp->peer->ctx;

	ctx.addpath_tx = ctx.addpath_rx;
	return ctx;
}

static struct nlri
nlri_no(unsigned k, unsigned i, unsigned x)
{
	return (struct nlri){ .prefix = prefix_no(i), .path_id = w->p[k].rx ? path_id_of[x] : 0 };
}

/* Peer k says s of prefixes `from` to `to`, as its path x. */
static void
announce(unsigned k, unsigned from, unsigned to, unsigned x, const struct spec *s)
{
	const struct attrs *a = spec_attrs(k, s);
	struct update_ctx ctx = writer(k);
	uint8_t buf[BGP_MAX_OCTETS];
	unsigned i;

	for (i = from; i <= to; i++) {
		struct nlri n = nlri_no(k, i, x);
		struct update_nh nh = { .nh = next_hop_no(n.prefix.af, s->nh) };
		struct wr wr = wr_init(buf, sizeof(buf));

		PROP(update_encode_reach(&wr, &ctx, a, n.prefix.af, &nh, &n, 1, NULL, NULL) == 1);
		feed(k, buf, wr_len(&wr));
		w->p[k].in[i][x] = *s;
	}
	attrs_unref(w->pool, a);
}

static void
withdraw(unsigned k, unsigned i, unsigned x)
{
	struct nlri n = nlri_no(k, i, x);
	struct update_ctx ctx = writer(k);
	uint8_t buf[BGP_MAX_OCTETS];
	struct wr wr = wr_init(buf, sizeof(buf));

	PROP(update_encode_unreach(&wr, &ctx, n.prefix.af, &n, 1) == 1);
	feed(k, buf, wr_len(&wr));
	w->p[k].in[i][x].said = false;
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
	w->p[0].in[i][0] = *s;
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

/* What the party was sent of that path; with NULL a free place. */
static struct got *
got_of(struct party *p, const struct nlri *n)
{
	struct got *g = p->got[no_of(&n->prefix)], *place = NULL;
	unsigned k;

	PROP(p->tx ? n->path_id != 0 : n->path_id == 0);
	for (k = 0; k < NCANDS; k++) {
		if (g[k].text[0] && g[k].path_id == n->path_id)
			return &g[k];
		if (!g[k].text[0])
			place = &g[k];
	}
	PROP(place != NULL);
	place->path_id = n->path_id;
	return place;
}

static void
got_withdrawn(struct party *p, struct rd r, uint8_t af)
{
	struct bgp_err e = { 0 };
	struct nlri n;

	while (nlri_next(&r, af, p->tx, &n, &e)) {
		struct got *got = got_of(p, &n);

		PROP(!w->strict || got->text[0] != '\0');
		got->text[0] = '\0';
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
	while (nlri_next(&r, mp ? u->mp_reach_af : IP4, p->tx, &n, &e)) {
		struct got *got = got_of(p, &n);

		PROP(!w->strict || strcmp(got->text, text) != 0);
		strcpy(got->text, text);
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
	ctx.addpath_rx = ctx.addpath_tx;
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
pull(struct party *p, size_t cap, size_t want)
{
	uint8_t buf[BUF];
	size_t n = speaker_peer_ops.fill(p->rp->peer, w->now, buf, cap, want);

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

/* A usable path of one prefix. */
struct rival {
	unsigned from, x;
	const struct spec *s;
	unsigned lost; /* in that step; NSIEVE: equal to the best */
};

#define NSIEVE 6 /* the steps after these order equals */
#define NSTEPS 8

/* RFC 4271 section 9.1.2.2, one step: above 0 when b is preferred. */
static int
model_cmp(const struct rival *a, const struct rival *b, unsigned step)
{
	const struct spec *sa = a->s, *sb = b->s;
	bool ea = w->p[a->from].ebgp, eb = w->p[b->from].ebgp;
	unsigned ha = a->from == 0 ? 0 : sa->hops + ea, hb = b->from == 0 ? 0 : sb->hops + eb;
	uint32_t na = ea ? asn_of(a->from) : sa->hops ? 100 : 0;
	uint32_t nb = eb ? asn_of(b->from) : sb->hops ? 100 : 0;
	uint32_t ia = path_id_of[a->x], ib = path_id_of[b->x];

	switch (step) {
	case 0:
		return (b->from == 0) - (a->from == 0);
	case 1:
		return (int)model_lp(b->from, sb) - (int)model_lp(a->from, sa);
	case 2:
		return (int)ha - (int)hb;
	case 3:
		return (int)sa->origin - (int)sb->origin;
	case 4:
		return na == nb ? (int)sa->med - (int)sb->med : 0;
	case 5:
		return (int)eb - (int)ea;
	case 6:
		return (int)a->from - (int)b->from; /* router ids and addresses rise with it */
	default:
		return (ia > ib) - (ia < ib);
	}
}

static bool
model_usable(unsigned k, unsigned i, unsigned x)
{
	const struct party *p = &w->p[k];

	return p->in[i][x].said &&
	    (k == 0 || (p->up && !w->nh_down[(i < NV4 ? 0 : 4) + p->in[i][x].nh]));
}

/* Who stays longer in the decision process comes first; MED orders nobody. */
static bool
model_before(const struct rival *a, const struct rival *b)
{
	unsigned step;
	int d = (int)b->lost - (int)a->lost;

	for (step = 0; step < NSTEPS && d == 0; step++)
		if (step != 4)
			d = model_cmp(a, b, step);
	return d < 0;
}

static void
model_sort(struct rival *v, unsigned n)
{
	unsigned a, b;

	for (a = 1; a < n; a++)
		for (b = a; b > 0 && model_before(&v[b], &v[b - 1]); b--) {
			struct rival t = v[b];

			v[b] = v[b - 1];
			v[b - 1] = t;
		}
}

/* The usable paths of a prefix in order of preference; *ret_equal: so many are equals. */
static unsigned
model_order(unsigned i, struct rival *v, unsigned *ret_equal)
{
	unsigned n = 0, k, x, a, b, step;

	for (k = 0; k <= NPEERS; k++)
		for (x = 0; x < NIDS; x++)
			if (model_usable(k, i, x))
				v[n++] = (struct rival){ k, x, &w->p[k].in[i][x], NSIEVE };
	for (step = 0; step < NSIEVE; step++) {
		bool gone[NCANDS + NIDS] = { false };

		for (a = 0; a < n; a++)
			for (b = 0; b < n && v[a].lost == NSIEVE; b++)
				gone[a] |= v[b].lost == NSIEVE && model_cmp(&v[a], &v[b], step) > 0;
		for (a = 0; a < n; a++)
			if (gone[a])
				v[a].lost = step;
	}
	model_sort(v, n);
	for (*ret_equal = 0; *ret_equal < n && v[*ret_equal].lost == NSIEVE;)
		++*ret_equal;
	return n;
}

/* May the group of `to` be told, whoever of it sees it? */
static bool
model_exports(unsigned from, unsigned to, const struct spec *s)
{
	const struct party *t = &w->p[to], *f = &w->p[from];
	uint32_t comm = comm_of[s->comm];

	if (comm == COMM_NO_ADVERTISE)
		return false;
	if (t->ebgp)
		return comm != COMM_NO_EXPORT &&
		    (from == 0 || (t->conf.export_all && (!f->ebgp || w->conf.transit)));
	if (from != 0 && !t->conf.export_all)
		return false;
	return from == 0 || f->ebgp || f->conf.rr_client || t->conf.rr_client;
}

static bool
model_sees(unsigned from, unsigned to, const struct spec *s)
{
	return from != to && !(from == 0 && s->only && !(s->only >> to & 1));
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

/* One of the n paths has that next hop. */
static bool
model_hop_among(const struct rival *v, unsigned n, unsigned nh)
{
	unsigned a;

	for (a = 0; a < n; a++)
		if (v[a].s->nh == nh)
			return true;
	return false;
}

/* How many of the equals are used: as many as MULTIPATH next hops have. */
static unsigned
model_used(const struct rival *v, unsigned equal)
{
	unsigned a, hops = 0;

	for (a = 0; a < equal; a++) {
		bool known = model_hop_among(v, a, v[a].s->nh);

		if (!known && hops == MULTIPATH)
			return a;
		hops += !known;
	}
	return equal;
}

/* What peer k should have been sent of prefix i, by the order of the paths; how many. */
static unsigned
model_view(unsigned k, unsigned i, const struct rival *v, unsigned n, unsigned equal,
    char (*want)[TEXT])
{
	const struct party *p = &w->p[k];
	unsigned a, max = p->tx ? p->conf.addpath_max : 1, count = 0, found = 0;
	bool equals_only = p->tx && p->conf.addpath_send == IPC_ADDPATH_EQUAL;
	struct rival told[NCANDS];

	if (n > 0 && v[0].from > 0 && is_refused(i))
		return 0;
	if (!p->tx)
		n = n > 0;
	else if (equals_only)
		n = model_used(v, equal);
	for (a = 0; a < n && count < max; a++) {
		if (!model_exports(v[a].from, k, v[a].s))
			continue;
		if (equals_only && model_hop_among(told, count, v[a].s->nh))
			continue;
		told[count++] = v[a];
		if (model_sees(v[a].from, k, v[a].s))
			model_text(v[a].from, k, i, v[a].s, want[found++]);
	}
	return found;
}

static void
complain(unsigned k, unsigned i, char (*want)[TEXT], unsigned n)
{
	unsigned a;

	fprintf(stderr, "peer %u prefix %u\n", k, i);
	for (a = 0; a < NCANDS; a++)
		if (w->p[k].got[i][a].text[0])
			fprintf(stderr, " got  %u %s\n", w->p[k].got[i][a].path_id,
			    w->p[k].got[i][a].text);
	for (a = 0; a < n; a++)
		fprintf(stderr, " want %s\n", want[a]);
}

/* The same texts on both sides, in any order. */
static bool
same_view(const struct got *got, char (*want)[TEXT], unsigned n)
{
	bool taken[NCANDS] = { false };
	unsigned a, b, have = 0;

	for (a = 0; a < NCANDS; a++) {
		if (!got[a].text[0])
			continue;
		have++;
		for (b = 0; b < n && (taken[b] || strcmp(got[a].text, want[b]) != 0); b++)
			;
		if (b == n)
			return false;
		taken[b] = true;
	}
	return have == n;
}

static bool
set_leads(const struct ipc_nhset *s, const struct ip_addr *nh)
{
	uint16_t k;

	for (k = 0; k < s->n; k++)
		if (ip_addr_eq(&s->member[k].addr, nh))
			return true;
	return false;
}

/* The route that the agent was told: by the next hops of what is used, and what is next best. */
static void
compare_route(unsigned i, const struct rival *v, unsigned n, unsigned equal)
{
	const struct ipc_nhset *s = &w->set[w->route[i]];
	uint8_t af = prefix_no(i).af;
	unsigned used = model_used(v, equal), a, hops = 0;

	if (n == 0 || v[0].from == 0) {
		PROP(w->route[i] == 0);
		return;
	}
	for (a = 0; a < used; a++) {
		struct ip_addr nh = next_hop_no(af, v[a].s->nh);

		PROP(set_leads(s, &nh));
		hops += !model_hop_among(v, a, v[a].s->nh);
	}
	PROP(s->n == hops);
	while (a < n && v[a].s->nh == v[0].s->nh)
		a++;
	if (w->conf.install && s->n == 1 && a < n) {
		struct ip_addr nh = next_hop_no(af, v[a].s->nh);

		PROP(s->backup && set_leads(&w->set[s->backup], &nh));
		PROP(w->set[s->backup].n == 1);
	} else {
		PROP(s->backup == 0);
	}
}

static void
compare(void)
{
	static char want[NCANDS][TEXT];
	struct rival v[NCANDS + NIDS];
	unsigned k, i, n, equal, wanted;

	for (i = 0; i < NPREFIXES; i++) {
		n = model_order(i, v, &equal);
		compare_route(i, v, n, equal);
		for (k = 1; k <= NPEERS; k++) {
			if (!w->p[k].up)
				continue;
			wanted = model_view(k, i, v, n, equal, want);
			if (!same_view(w->p[k].got[i], want, wanted))
				complain(k, i, want, wanted);
			PROP(same_view(w->p[k].got[i], want, wanted));
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
take_nhset(const struct ipc_nhset *s)
{
	unsigned k;

	PROP(s->id > 0 && s->id < NSETS && s->n > 0);
	if (s->backup) {
		PROP(s->backup < NSETS && s->backup != s->id);
		PROP(w->set[s->backup].n > 0 && w->set[s->backup].backup == 0);
		for (k = 1; k < NSETS; k++)
			PROP(w->set[k].n == 0 || w->set[k].backup != s->id);
	}
	w->set[s->id] = *s;
}

static void
take_nhset_del(uint32_t id)
{
	unsigned k;

	PROP(id > 0 && id < NSETS && w->set[id].n > 0);
	w->set[id] = (struct ipc_nhset){ 0 };
	for (k = 0; k < NPREFIXES; k++)
		PROP(w->route[k] != id);
	for (k = 1; k < NSETS; k++)
		PROP(w->set[k].backup != id);
}

static void
take_fib(void)
{
	struct fib_op op;

	while (speaker_next_fib(w->sp, &op)) {
		if (op.kind == FIB_NHSET)
			take_nhset(op.nhset);
		if (op.kind == FIB_NHSET_DEL)
			take_nhset_del(op.set);
		if (op.kind != FIB_ROUTE && op.kind != FIB_ROUTE_DEL)
			continue;
		w->verdict_due[no_of(&op.prefix)] = op.kind == FIB_ROUTE;
		w->route[no_of(&op.prefix)] = op.kind == FIB_ROUTE ? op.set : 0;
		PROP(op.kind != FIB_ROUTE || w->set[op.set].n > 0);
	}
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
				any |= pull(&w->p[k], BGP_MAX_OCTETS + rng_below(w->r, BUF - BGP_MAX_OCTETS),
				    1 + rng_below(w->r, BUF));
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
	p->rx = rng_chance(w->r, 40);
	p->tx = p->conf.addpath_send != IPC_ADDPATH_NONE && rng_chance(w->r, 70);
	peer->neg.addpath_rx = p->rx ? 3 : 0;
	peer->neg.addpath_tx = p->tx ? 3 : 0;
	peer->ep = (struct ipc_endpoints){ .remote = p->conf.addr,
		.self4 = { .af = IP4, .b = { 192, 0, 2, (uint8_t)(200 + k) } },
		.self6 = { .af = no_v6_self ? 0 : IP6, .b = { 0x20, 1, 0xd, 0xb8, [15] = (uint8_t)(200 + k) } } };
	peer->ctx = (struct update_ctx){ .as4 = peer->neg.as4,
		.ebgp = p->ebgp,
		.families = 3,
		.addpath_rx = peer->neg.addpath_rx,
		.addpath_tx = peer->neg.addpath_tx,
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
	if (p->conf.addpath_send != IPC_ADDPATH_NONE) {
		p->conf.addpath_send = rng_chance(w->r, 50) ? IPC_ADDPATH_ALL : IPC_ADDPATH_EQUAL;
		p->conf.addpath_max = (uint8_t)(1 + rng_below(w->r, 6));
	}
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
	unsigned x = p->rx ? (unsigned)rng_below(w->r, NIDS) : 0;
	struct spec s = random_spec(p->ebgp);

	if (to >= NPREFIXES)
		to = NPREFIXES - 1;
	if (what < 45 && p->up) {
		announce(k, i, to, x, &s);
	} else if (what < 60 && p->up) {
		withdraw(k, i, x);
	} else if (what < 68) {
		s.only = rng_chance(w->r, 40) ? (uint8_t)(rng_u64(w->r) & 0xfe) : 0;
		s.hops = s.lp = 0;
		originate(i, &s);
	} else if (what < 75) {
		struct ip_prefix prefix = prefix_no(i);

		speaker_unoriginate(w->sp, w->now, &prefix);
		w->p[0].in[i][0].said = false;
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
		.asn = OUR_AS, .router_id = OUR_ID, .cluster_id = CLUSTER, .multipath = MULTIPATH,
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
			.addpath_send = (uint8_t)rng_below(r, IPC_ADDPATH_EQUAL + 1),
			.addpath_max = rng_chance(r, 50) ? 255 : (uint8_t)(1 + rng_below(r, 6)),
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
	for (i = 0; w->p[4].up && i < NPREFIXES * NIDS; i++)
		if (w->p[4].rx || i % NIDS == 0)
			withdraw(4, i / NIDS, i % NIDS);
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
			if (rng_chance(r, 15)) /* numbers of what is gone are used again */
				w->now = mono_add_us(w->now, REAP_EVERY_US);
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
