/*
 * A BFD engine against whatever arrives: packets, time, restarts from memory that was
 * touched. The input is a script: an octet says what comes next, see step().
 *
 * What must hold whatever comes: what is sent is a packet that we would take, with the
 * sender's discriminator and P and F never together; a session whose packets are
 * authenticated never hears an unsigned one; counts add up; events follow each other.
 */
#include <string.h>

#include "bfdd/core/auth.h"
#include "bfdd/core/bfd.h"
#include "bfdd/core/pkt.h"
#include "lib/hmap.h"
#include "tests/fuzz/fuzz.h"

#define SESSIONS 4
#define KEYED	 3 /* the id of the one with authentication */

struct script {
	struct rd r;
	struct mono_us now;
	struct bfd_engine *e;
	struct bfd_saved slots[SESSIONS];
	enum bfd_state state[SESSIONS + 1];
	uint64_t inputs, verdicts[BFD_RX_N];
};

static void
digest(void *ctx, enum bfd_digest kind, const void *octets, size_t len, uint8_t *ret)
{
	static const uint64_t key[2] = { 3, 4 };
	uint64_t h = siphash13(key, octets, len);

	for (size_t i = 0; i < (kind == BFD_DIGEST_SHA1 ? 20 : 16); i++)
		ret[i] = (uint8_t)(h >> 8 * (i % 8));
}

static const struct bfd_ops ops = { .digest = digest };

static struct bfd_conf
conf_of(uint32_t id)
{
	struct bfd_conf c = {
		.key = { .remote = ip_addr_from_v4(0x0a000000 + id),
		    .local = ip_addr_from_v4(0x0a0000ff),
		    .multihop = id == 2 },
		.rx_us = 50000,
		.tx_us = 50000,
		.detect_mult = 3,
		.passive = id == 4,
		.min_ttl = id == 2 ? 200 : 0,
	};

	if (id == KEYED)
		c.auth = (struct bfd_auth){ BFD_AUTH_METICULOUS_SHA1, 1, 3, "key" };
	return c;
}

static void
check_sent(struct script *s, const struct bfd_out *out)
{
	struct bfd_pkt p;
	struct bfd_view v;

	HOLD(bfd_pkt_decode(out->octets, out->len, &p) == BFD_RX_OK);
	HOLD(p.length == out->len && !p.demand && p.echo_us == 0);
	HOLD(p.state == BFD_UP || p.tx_us >= BFD_SLOW_US);
	HOLD(out->id >= 1 && out->id <= SESSIONS);
	if (bfd_view(s->e, out->id, &v))
		HOLD(p.my_discr == v.discr && p.your_discr == v.remote_discr && p.state == v.state);
}

static void
check_events(struct script *s)
{
	struct bfd_event ev;

	while (bfd_event_next(s->e, &ev)) {
		HOLD(ev.id >= 1 && ev.id <= SESSIONS && ev.was != ev.state);
		HOLD(ev.was == s->state[ev.id]);
		s->state[ev.id] = ev.state;
	}
}

static void
pull(struct script *s)
{
	struct bfd_out out;
	unsigned n = 0;

	while (bfd_output(s->e, s->now, &out)) {
		check_sent(s, &out);
		HOLD(++n <= 3 * SESSIONS); /* a Final, a change, a periodic one */
	}
	HOLD(s->now.us < bfd_deadline(s->e).us);
	check_events(s);
}

static void
input(struct script *s)
{
	struct bfd_meta meta = { .dst = ip_addr_from_v4(0x0a0000ff), .ifindex = 1, .ttl = 255 };
	uint8_t buf[BFD_OCTETS_MAX + 4] = { 0 };
	uint8_t head = rd_u8(&s->r), size = rd_u8(&s->r), ttl = rd_u8(&s->r);
	size_t len = size < sizeof(buf) ? size : BFD_OCTETS_MIN;
	uint32_t id = head % (SESSIONS + 1);
	struct bfd_view v = { 0 };
	enum bfd_rx rx;

	len = len < rd_left(&s->r) ? len : rd_left(&s->r);
	rd_copy(&s->r, buf, len);
	meta.src = ip_addr_from_v4(0x0a000000 + id);
	meta.multihop = head & 0x80;
	meta.ttl = head & 0x40 ? ttl : 255;
	if (head & 0x20 && bfd_view(s->e, id, &v) &&
	    len >= 12) /* a guess that fuzzing cannot make */
		memcpy(buf + 8,
		    (uint8_t[]){ (uint8_t)(v.discr >> 24), (uint8_t)(v.discr >> 16),
			(uint8_t)(v.discr >> 8), (uint8_t)v.discr },
		    4);
	rx = bfd_input(s->e, s->now, buf, len, &meta);
	HOLD((unsigned)rx < BFD_RX_N);
	s->inputs++;
	s->verdicts[rx]++;
	if (bfd_view(s->e, KEYED, &v))
		HOLD(v.state != BFD_UP && v.n.rx == 0); /* no digest comes out right by chance */
}

static void
restart(struct script *s)
{
	uint8_t times = rd_u8(&s->r) % 8;

	bfd_engine_free(s->e);
	while (times-- > 0) {
		uint16_t at = rd_u16(&s->r);

		((uint8_t *)s->slots)[at % sizeof(s->slots)] ^= rd_u8(&s->r);
	}
	s->e = bfd_engine_new(&ops, 2, s->slots, SESSIONS);
	bfd_resume(s->e, SIZE_MAX, s->now);
	memset(s->verdicts, 0, sizeof(s->verdicts));
	s->inputs = 0;
	for (uint32_t id = 1; id <= SESSIONS; id++) {
		struct bfd_view v;

		s->state[id] = bfd_view(s->e, id, &v) ? v.state : BFD_DOWN;
	}
}

static void
configure(struct script *s)
{
	uint32_t id = 1 + rd_u8(&s->r) % SESSIONS;
	struct bfd_conf c = conf_of(id);
	struct bfd_view v;

	c.tx_us += 1000u * rd_u8(&s->r);
	c.rx_us += 1000u * rd_u8(&s->r);
	c.detect_mult += rd_u8(&s->r) % 4;
	c.admin_down = rd_u8(&s->r) % 4 == 0;
	if (!bfd_view(s->e, id, &v))
		s->state[id] = c.admin_down ? BFD_ADMIN_DOWN : BFD_DOWN;
	HOLD(bfd_session_set(s->e, s->now, id, &c));
	HOLD(bfd_view(s->e, id, &v) && v.conf.tx_us == c.tx_us);
	check_events(s);
	HOLD(v.state == s->state[id]);
}

static void
step(struct script *s)
{
	uint8_t what = rd_u8(&s->r);

	if (what < 0xa0)
		input(s);
	else if (what < 0xd0)
		s->now = mono_add_us(s->now, 1000u * rd_u16(&s->r));
	else if (what < 0xe0)
		configure(s);
	else if (what < 0xe8)
		restart(s);
	else if (what < 0xf0)
		bfd_session_remove(s->e, s->now, 1 + what % SESSIONS, rd_u8(&s->r) & 1);
	else
		bfd_path_down(s->e, s->now, 1 + what % SESSIONS);
	if (what & 1)
		pull(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static struct script s;
	uint64_t found = 0;
	struct bfd_view v;
	const void *cursor = NULL;

	memset(&s, 0, sizeof(s));
	s.r = rd_init(in, len);
	s.now.us = 1000000;
	s.e = bfd_engine_new(&ops, 1, s.slots, SESSIONS);
	for (uint32_t id = 1; id <= SESSIONS; id++) {
		struct bfd_conf c = conf_of(id);

		s.state[id] = BFD_DOWN;
		HOLD(bfd_session_set(s.e, s.now, id, &c));
	}
	while (rd_left(&s.r) > 0)
		step(&s);
	pull(&s);
	while (bfd_view_next(s.e, &cursor, &v))
		found++;
	HOLD(found == bfd_count(s.e) && found <= 2 * SESSIONS);
	bfd_stop(s.e, s.now);
	s.now.us += 6000000;
	pull(&s);
	HOLD(bfd_is_empty(s.e));
	bfd_engine_free(s.e);
	return 0;
}
