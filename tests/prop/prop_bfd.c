/*
 * Properties of bfdd/core, from seeds.
 *
 * Two engines, in one virtual time, over a channel that delays, loses and can be cut: they
 * come Up, stay Up while nothing is lost whatever is reconfigured, notice a cut after
 * exactly the Detection Time, come back, and go on after one of them was killed.
 * Besides: packets and saved records keep their meaning, and damaged ones do no harm.
 */
#include <string.h>

#include "bfdd/core/auth.h"
#include "bfdd/core/bfd.h"
#include "bfdd/core/pkt.h"
#include "bfdd/core/saved.h"
#include "lib/hmap.h"
#include "tests/prop/prop.h"

#define MS    1000ull
#define S     1000000ull
#define PIPE  4096 /* packets on their way, at most */
#define NEVER UINT64_MAX

uint64_t prop_seed;

/* Not a digest to be used: it depends on every octet, which is what is needed here. */
static void
digest(void *ctx, enum bfd_digest kind, const void *octets, size_t len, uint8_t *ret)
{
	static const uint64_t key[2] = { 1, 2 };
	uint64_t h = siphash13(key, octets, len);
	size_t n = kind == BFD_DIGEST_SHA1 ? 20 : 16;

	for (size_t i = 0; i < n; i++)
		ret[i] = (uint8_t)(h >> 8 * (i % 8)) ^ (uint8_t)i;
}

static const struct bfd_ops ops = { .digest = digest };

/* ---- a world of two ---- */

struct flying {
	uint64_t at_us;
	unsigned to;
	size_t len;
	uint8_t octets[BFD_OCTETS_MAX];
};

struct side {
	struct bfd_engine *e;
	struct bfd_conf conf;
	struct bfd_saved slot;
	enum bfd_state state;
	unsigned downs;	      /* times it left Up */
	uint64_t down_at_us;  /* the last of them */
	uint64_t last_rx_us;  /* accepted */
	uint64_t detect_us;   /* before that packet's successor is due */
	uint64_t first_tx_us; /* after it was started again */
	bool is_dead;
};

struct world {
	struct rng *rng;
	struct mono_us now;
	struct side side[2];
	struct flying pipe[PIPE];
	size_t n;
	uint64_t delay_us;
	unsigned loss_pct;
	bool cut[2]; /* nothing gets to this side */
};

static struct world w;

static uint32_t
some_interval(struct rng *r)
{
	return (uint32_t)(rng_chance(r, 20) ? rng_range(r, 1 * S, 2 * S)
					    : rng_range(r, 20 * MS, 500 * MS));
}

static void
some_auth(struct rng *r, struct bfd_auth *a)
{
	static const enum bfd_auth_type types[] = { BFD_AUTH_NONE, BFD_AUTH_NONE, BFD_AUTH_SHA1,
		BFD_AUTH_METICULOUS_SHA1, BFD_AUTH_MD5, BFD_AUTH_METICULOUS_MD5 };

	*a = (struct bfd_auth){ .type = types[rng_below(r, 6)] };
	if (a->type == BFD_AUTH_NONE)
		return;
	a->key_id = (uint8_t)rng_u64(r);
	a->key_len = (uint8_t)rng_range(r, 1, 16);
	rng_fill(r, a->key, a->key_len);
}

static void
world_begin(struct rng *r)
{
	struct bfd_auth auth;
	unsigned passive = (unsigned)rng_below(r, 4); /* 0, 1: that side; else none */
	bool multihop = rng_chance(r, 50);

	memset(&w, 0, sizeof(w));
	w.rng = r;
	w.now.us = rng_below(r, 1000 * S);
	w.delay_us = rng_below(r, 30 * MS);
	some_auth(r, &auth);
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &w.side[i];

		s->conf = (struct bfd_conf){
			.key = { .local = ip_addr_from_v4(0x0a000001 + i),
			    .remote = ip_addr_from_v4(0x0a000002 - i),
			    .multihop = multihop },
			.rx_us = some_interval(r),
			.tx_us = some_interval(r),
			.detect_mult = (uint8_t)rng_range(r, 1, 6),
			.passive = passive == i,
			.auth = auth,
		};
		s->e = bfd_engine_new(&ops, rng_u64(r), &s->slot, 1);
		s->state = BFD_DOWN;
		PROP(bfd_session_set(s->e, w.now, 1, &s->conf));
	}
}

static void
world_end(void)
{
	for (unsigned i = 0; i < 2; i++)
		bfd_engine_free(w.side[i].e);
}

static void
note_events(struct side *s)
{
	struct bfd_event ev;

	while (bfd_event_next(s->e, &ev)) {
		PROP(ev.was == s->state && ev.state != ev.was);
		s->state = ev.state;
		if (ev.was != BFD_UP)
			continue;
		s->downs++;
		s->down_at_us = ev.when.us;
	}
}

static void
fly(unsigned to, const struct bfd_out *out)
{
	if (w.cut[to] || rng_chance(w.rng, w.loss_pct))
		return;
	PROP(w.n < PIPE);
	w.pipe[w.n] = (struct flying){ .at_us = w.now.us + w.delay_us, .to = to, .len = out->len };
	memcpy(w.pipe[w.n++].octets, out->octets, out->len);
}

static void
deliver(const struct flying *f)
{
	struct side *s = &w.side[f->to];
	struct bfd_meta meta = { .src = s->conf.key.remote,
		.dst = s->conf.key.local,
		.ifindex = 1,
		.ttl = 255,
		.multihop = s->conf.key.multihop };
	struct bfd_view v;

	if (s->is_dead || w.cut[f->to] ||
	    bfd_input(s->e, w.now, f->octets, f->len, &meta) != BFD_RX_OK)
		return;
	s->last_rx_us = w.now.us;
	PROP(bfd_view(s->e, 1, &v));
	s->detect_us = v.detect_us;
}

/* All that arrives now, in the order in which it was sent. */
static void
deliver_due(void)
{
	size_t kept = 0, n = w.n;

	for (size_t i = 0; i < n; i++) {
		struct flying f = w.pipe[i];

		if (f.at_us <= w.now.us)
			deliver(&f);
		else
			w.pipe[kept++] = f;
	}
	w.n = kept;
}

static void
pull(unsigned i)
{
	struct side *s = &w.side[i];
	struct bfd_out out;

	if (s->is_dead)
		return;
	while (bfd_output(s->e, w.now, &out)) {
		if (!s->first_tx_us)
			s->first_tx_us = w.now.us;
		fly(!i, &out);
	}
	note_events(s);
}

static uint64_t
next_us(void)
{
	uint64_t at = NEVER;

	for (size_t i = 0; i < w.n; i++)
		at = w.pipe[i].at_us < at ? w.pipe[i].at_us : at;
	for (unsigned i = 0; i < 2; i++)
		if (!w.side[i].is_dead && bfd_deadline(w.side[i].e).us < at)
			at = bfd_deadline(w.side[i].e).us;
	return at;
}

/* Let time pass until `end`, or until both sides are as wanted (want < 0: no matter). */
static bool
run(uint64_t end_us, int want)
{
	for (;;) {
		uint64_t at;

		deliver_due();
		pull(0);
		pull(1);
		if (want >= 0 && (int)w.side[0].state == want && (int)w.side[1].state == want)
			return true;
		at = next_us();
		if (at > end_us)
			break;
		w.now.us = at > w.now.us ? at : w.now.us;
	}
	w.now.us = end_us;
	return want < 0;
}

static bool
run_for(uint64_t us, int want)
{
	return run(w.now.us + us, want);
}

/* Nothing went down in this time. */
static void
run_quietly(uint64_t us)
{
	unsigned a = w.side[0].downs, b = w.side[1].downs;

	run_for(us, -1);
	PROP(w.side[0].downs == a && w.side[1].downs == b);
	PROP(w.side[0].state == BFD_UP && w.side[1].state == BFD_UP);
}

/* ---- what holds in it ---- */

/* Up over a channel that loses packets, and for good once it does not. */
static void
converge(void)
{
	w.loss_pct = (unsigned)rng_below(w.rng, 30);
	PROP(run_for(200 * S, BFD_UP));
	w.loss_pct = 0;
	run_for(20 * S, -1); /* what the losses caused */
	run_quietly(10 * S);
}

static void
reconfigure(void)
{
	for (unsigned k = 0; k < 4; k++) {
		struct side *s = &w.side[rng_below(w.rng, 2)];

		s->conf.tx_us = some_interval(w.rng);
		s->conf.rx_us = some_interval(w.rng);
		if (rng_chance(w.rng, 30))
			s->conf.detect_mult = (uint8_t)rng_range(w.rng, s->conf.detect_mult, 8);
		PROP(bfd_session_set(s->e, w.now, 1, &s->conf));
		run_quietly(rng_below(w.rng, 3 * S));
	}
	run_quietly(10 * S);
}

/* The interval between packets that both sides have agreed on is what the formulas say. */
static void
agreed(void)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct bfd_conf *own = &w.side[i].conf, *peer = &w.side[!i].conf;
		uint64_t tx = own->tx_us > peer->rx_us ? own->tx_us : peer->rx_us;
		uint64_t rx = own->rx_us > peer->tx_us ? own->rx_us : peer->tx_us;
		struct bfd_view v;

		PROP(bfd_view(w.side[i].e, 1, &v));
		PROP(v.tx_us == tx && v.detect_us == rx * peer->detect_mult);
		PROP(!v.polling && !v.remote_independent);
	}
}

/* One direction or both: noticed after exactly the Detection Time, told to the other side. */
static void
cut_and_mend(void)
{
	unsigned first = (unsigned)rng_below(w.rng, 2);
	struct side *s = &w.side[first];
	bool both = rng_chance(w.rng, 50);
	unsigned downs = s->downs;

	w.cut[first] = true;
	w.cut[!first] = both;
	/* the other one is told, or (a passive one may not speak now) finds out by itself */
	run_for(s->detect_us + w.side[!first].detect_us + w.delay_us, BFD_DOWN);
	PROP(w.side[0].state != BFD_UP && w.side[1].state != BFD_UP);
	PROP(s->downs == downs + 1 && s->down_at_us == s->last_rx_us + s->detect_us);
	w.cut[0] = w.cut[1] = false;
	PROP(run_for(20 * S, BFD_UP));
	run_quietly(10 * S);
}

/* One of them is killed, and back within half of the peer's Detection Time. */
static void
kill_one(void)
{
	unsigned victim = (unsigned)rng_below(w.rng, 2);
	struct side *s = &w.side[victim];
	uint64_t gone_us = rng_below(w.rng, w.side[!victim].detect_us / 2);

	if (s->conf.detect_mult == 1)
		return; /* one packet less is too much for the peer */
	bfd_engine_free(s->e);
	s->is_dead = true;
	run_quietly(gone_us);
	s->e = bfd_engine_new(&ops, rng_u64(w.rng), &s->slot, 1);
	s->is_dead = false;
	s->first_tx_us = 0;
	PROP(bfd_resume(s->e, SIZE_MAX, w.now) == 1);
	PROP(mono_reached(w.now, bfd_deadline(s->e)));
	run_quietly(5 * S);
	PROP(bfd_session_set(s->e, w.now, 1, &s->conf));
	run_quietly(5 * S);
}

/* Both stop as planned, one after the other: the peer learns why. */
static void
stop(void)
{
	struct bfd_view v;

	bfd_stop(w.side[0].e, w.now);
	run_for(w.delay_us, -1);
	PROP(w.side[1].state == BFD_DOWN);
	PROP(bfd_view(w.side[1].e, 1, &v));
	PROP(v.diag == BFD_DIAG_NEIGHBOR_DOWN && v.remote_state == BFD_ADMIN_DOWN);
	PROP(v.remote_diag == BFD_DIAG_ADMIN_DOWN);
	run_for(6 * S, -1);
	PROP(bfd_is_empty(w.side[0].e));
}

static void
life(struct rng *r)
{
	world_begin(r);
	converge();
	reconfigure();
	agreed();
	cut_and_mend();
	kill_one();
	agreed();
	cut_and_mend();
	stop();
	world_end();
}

/* ---- packets and records ---- */

static struct bfd_pkt
some_pkt(struct rng *r)
{
	struct bfd_pkt p = {
		.version = BFD_VERSION,
		.diag = rng_below(r, 32),
		.state = rng_below(r, 4),
		.independent = rng_chance(r, 50),
		.demand = rng_chance(r, 50),
		.mult = (uint8_t)rng_range(r, 1, 255),
		.length = BFD_OCTETS_MIN,
		.my_discr = (uint32_t)rng_range(r, 1, UINT32_MAX),
		.your_discr = (uint32_t)rng_u64(r),
		.tx_us = (uint32_t)rng_u64(r),
		.rx_us = (uint32_t)rng_u64(r),
		.echo_us = (uint32_t)rng_u64(r),
	};

	p.poll = rng_chance(r, 30);
	p.final = !p.poll && rng_chance(r, 30);
	return p;
}

static void
packet_round_trip(struct rng *r)
{
	struct bfd_pkt p = some_pkt(r), back;
	uint8_t buf[BFD_OCTETS_MIN], again[BFD_OCTETS_MIN];
	struct wr out = wr_init(buf, sizeof(buf)), out2 = wr_init(again, sizeof(again));

	bfd_pkt_encode(&p, &out);
	PROP(!out.full && wr_len(&out) == sizeof(buf));
	PROP(bfd_pkt_decode(buf, sizeof(buf), &back) == BFD_RX_OK);
	PROP(back.diag == p.diag && back.state == p.state && back.mult == p.mult);
	PROP(back.poll == p.poll && back.final == p.final && back.demand == p.demand);
	PROP(back.my_discr == p.my_discr && back.your_discr == p.your_discr);
	PROP(back.tx_us == p.tx_us && back.rx_us == p.rx_us && back.echo_us == p.echo_us);
	bfd_pkt_encode(&back, &out2);
	PROP(memcmp(buf, again, sizeof(buf)) == 0);
}

/* Packets with octets changed, cut or made up: an authenticated session does not budge. */
static void
mutations(struct rng *r)
{
	uint8_t buf[BFD_OCTETS_MAX + 16];
	struct bfd_meta meta;
	struct bfd_view was, is;

	do {
		world_begin(r);
		if (w.side[0].conf.auth.type == BFD_AUTH_NONE)
			world_end();
	} while (w.side[0].conf.auth.type == BFD_AUTH_NONE);
	PROP(run_for(200 * S, BFD_UP));
	meta = (struct bfd_meta){ w.side[0].conf.key.remote, w.side[0].conf.key.local, 1, 255,
		w.side[0].conf.key.multihop };
	PROP(bfd_view(w.side[0].e, 1, &was));
	for (unsigned i = 0; i < 200; i++) {
		struct bfd_pkt p = some_pkt(r);
		struct wr out = wr_init(buf, sizeof(buf));
		size_t len;

		p.your_discr = was.discr;
		p.has_auth = true;
		p.length += bfd_auth_octets(was.conf.auth.type);
		bfd_pkt_encode(&p, &out);
		bfd_auth_append(&was.conf.auth, &ops, (uint32_t)rng_u64(r), &out);
		len = wr_len(&out);
		buf[rng_below(r, len)] ^= (uint8_t)rng_range(r, 1, 255);
		if (rng_chance(r, 30))
			len = rng_below(r, sizeof(buf) + 1);
		PROP(bfd_input(w.side[0].e, w.now, buf, len, &meta) != BFD_RX_OK);
	}
	PROP(bfd_view(w.side[0].e, 1, &is));
	PROP(is.state == was.state && is.remote_discr == was.remote_discr && is.n.rx == was.n.rx);
	world_end();
}

static struct bfd_record
some_record(struct rng *r)
{
	struct bfd_record rec = {
		.id = (uint32_t)rng_u64(r),
		.discr = (uint32_t)rng_range(r, 1, UINT32_MAX),
		.state = rng_below(r, 4),
		.diag = rng_below(r, 9),
		.remote = { .discr = (uint32_t)rng_range(r, 1, UINT32_MAX),
		    .tx_us = (uint32_t)rng_u64(r),
		    .rx_us = (uint32_t)rng_u64(r),
		    .mult = (uint8_t)rng_range(r, 1, 255),
		    .diag = rng_below(r, 32),
		    .state = rng_below(r, 4),
		    .demand = rng_chance(r, 50) },
		.used = { (uint32_t)rng_range(r, 1, UINT32_MAX),
		    (uint32_t)rng_range(r, 1, UINT32_MAX) },
		.poll = rng_below(r, 4),
		.xmit_seq = (uint32_t)rng_u64(r),
		.rcv_seq = { (uint32_t)rng_u64(r), rng_chance(r, 50) },
		.seq_at = { rng_u64(r) },
		.since = { rng_u64(r) },
		.last_down = { rng_u64(r) },
		.ups = rng_u64(r),
		.downs = rng_u64(r),
	};

	rec.conf = w.side[0].conf;
	return rec;
}

/* What is written is read; a slot with octets changed is what one of its copies was, or empty. */
static void
records(struct rng *r)
{
	struct bfd_saved slot;
	struct bfd_place place = { .slot = &slot };
	struct bfd_record a, b, back;
	uint64_t generation;

	world_begin(r);
	memset(&slot, 0, sizeof(slot));
	a = some_record(r);
	b = some_record(r);
	bfd_saved_write(&place, &a);
	PROP(bfd_saved_read(&slot, &back, &generation) && generation == 1);
	PROP(back.id == a.id && back.discr == a.discr && back.seq_at.us == a.seq_at.us);
	PROP(back.downs == a.downs && back.poll == a.poll && back.remote.mult == a.remote.mult);
	PROP(memcmp(&back.conf.auth.key, &a.conf.auth.key, sizeof(a.conf.auth.key)) == 0);
	bfd_saved_write(&place, &b);
	PROP(bfd_saved_read(&slot, &back, &generation) && generation == 2 && back.id == b.id);
	for (unsigned i = 0; i < 20; i++) {
		slot.octets[rng_below(r, sizeof(slot.octets))] ^= (uint8_t)rng_range(r, 1, 255);
		if (bfd_saved_read(&slot, &back, &generation))
			PROP(back.id == a.id || back.id == b.id);
	}
	rng_fill(r, slot.octets, sizeof(slot.octets));
	PROP(!bfd_saved_read(&slot, &back, &generation));
	world_end();
}

int
main(void)
{
	prop_run("packet round trip", 20000, packet_round_trip);
	prop_run("mutations", 200, mutations);
	prop_run("records", 1000, records);
	prop_run("life of two sessions", 2000, life);
	return EXIT_SUCCESS;
}
