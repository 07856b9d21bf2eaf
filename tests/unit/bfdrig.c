/*
 * Rig for tests of bfdd/core; see bfdrig.h.
 */
#include "tests/unit/bfdrig.h"

#include <md5.h>
#include <sha1.h>

#include "tests/unit/unit.h"

static void
digest(void *ctx, enum bfd_digest kind, const void *octets, size_t len, uint8_t *ret)
{
	if (kind == BFD_DIGEST_SHA1) {
		SHA1_CTX c;

		SHA1Init(&c);
		SHA1Update(&c, octets, len);
		SHA1Final(ret, &c);
	} else {
		MD5_CTX c;

		MD5Init(&c);
		MD5Update(&c, octets, len);
		MD5Final(ret, &c);
	}
}

const struct bfd_ops bfdrig_ops = { .digest = digest };

struct bfd_conf
bfdrig_conf(void)
{
	return (struct bfd_conf){
		.key = { .local = ad("10.0.0.1"), .remote = ad("10.0.0.2") },
		.rx_us = 100 * MS,
		.tx_us = 100 * MS,
		.detect_mult = 3,
	};
}

struct bfd_auth
bfdrig_auth(enum bfd_auth_type type, uint8_t key_id, const char *key)
{
	struct bfd_auth a = { .type = type, .key_id = key_id, .key_len = (uint8_t)strlen(key) };

	memcpy(a.key, key, a.key_len);
	return a;
}

struct bfd_meta
bfdrig_meta(const struct bfd_conf *c)
{
	return (struct bfd_meta){
		.src = c->key.remote,
		.dst = c->key.local,
		.ifindex = 7,
		.ttl = 255,
		.multihop = c->key.multihop,
	};
}

struct bfd_pkt
bfdrig_pkt(enum bfd_state state, uint32_t your_discr)
{
	return (struct bfd_pkt){
		.version = BFD_VERSION,
		.state = state,
		.mult = 3,
		.length = BFD_OCTETS_MIN,
		.my_discr = 0x1111,
		.your_discr = your_discr,
		.tx_us = 100 * MS,
		.rx_us = 100 * MS,
	};
}

void
bfdrig_init_empty(struct bfdrig *r, const struct bfd_conf *conf, struct bfd_saved *slots, size_t n)
{
	*r = (struct bfdrig){ .now = { 1000 * S }, .conf = conf ? *conf : bfdrig_conf() };
	r->meta = bfdrig_meta(&r->conf);
	r->e = bfd_engine_new(&bfdrig_ops, 42, slots, n);
}

void
bfdrig_init(struct bfdrig *r, const struct bfd_conf *conf, struct bfd_saved *slots, size_t n)
{
	bfdrig_init_empty(r, conf, slots, n);
	ck_assert(bfd_session_set(r->e, r->now, 1, &r->conf));
}

void
bfdrig_free(struct bfdrig *r)
{
	bfd_engine_free(r->e);
}

enum bfd_rx
bfdrig_octets(struct bfdrig *r, const void *octets, size_t len)
{
	return bfd_input(r->e, r->now, octets, len, &r->meta);
}

enum bfd_rx
bfdrig_input(struct bfdrig *r, const struct bfd_pkt *p)
{
	uint8_t buf[BFD_OCTETS_MAX];
	struct wr w = wr_init(buf, sizeof(buf));

	bfd_pkt_encode(p, &w);
	if (p->has_auth)
		bfd_auth_append(&r->conf.auth, &bfdrig_ops, ++r->peer_seq, &w);
	return bfdrig_octets(r, buf, wr_len(&w));
}

enum bfd_rx
bfdrig_say(struct bfdrig *r, enum bfd_state state)
{
	struct bfd_pkt p = bfdrig_pkt(state, bfdrig_view(r).discr);

	p.has_auth = r->conf.auth.type != BFD_AUTH_NONE;
	p.length += bfd_auth_octets(r->conf.auth.type);
	return bfdrig_input(r, &p);
}

bool
bfdrig_output(struct bfdrig *r)
{
	if (!bfd_output(r->e, r->now, &r->out))
		return false;
	ck_assert_uint_eq(bfd_pkt_decode(r->out.octets, r->out.len, &r->sent), BFD_RX_OK);
	ck_assert_uint_eq(r->sent.length, r->out.len);
	return true;
}

unsigned
bfdrig_drain(struct bfdrig *r)
{
	unsigned n = 0;

	while (bfdrig_output(r))
		n++;
	return n;
}

unsigned
bfdrig_pass(struct bfdrig *r, uint64_t us)
{
	struct mono_us end = mono_add_us(r->now, us);
	unsigned n = bfdrig_drain(r);

	while (!mono_before(end, bfd_deadline(r->e))) {
		r->now = bfd_deadline(r->e);
		n += bfdrig_drain(r);
	}
	r->now = end;
	return n;
}

struct bfd_view
bfdrig_view(const struct bfdrig *r)
{
	struct bfd_view v;

	ck_assert(bfd_view(r->e, 1, &v));
	return v;
}

void
bfdrig_up(struct bfdrig *r)
{
	struct bfd_pkt final;

	bfdrig_drain(r);
	ck_assert_uint_eq(bfdrig_say(r, BFD_DOWN), BFD_RX_OK);
	bfdrig_drain(r);
	ck_assert_uint_eq(bfdrig_say(r, BFD_INIT), BFD_RX_OK);
	ck_assert_uint_eq(bfdrig_view(r).state, BFD_UP);
	bfdrig_drain(r);
	final = bfdrig_pkt(BFD_UP, bfdrig_view(r).discr);
	final.final = true;
	final.has_auth = r->conf.auth.type != BFD_AUTH_NONE;
	final.length += bfd_auth_octets(r->conf.auth.type);
	ck_assert_uint_eq(bfdrig_input(r, &final), BFD_RX_OK);
	bfdrig_drain(r);
}
