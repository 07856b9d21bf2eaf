/*
 * Sessions in memory that outlives the process.
 *
 * A slot holds two copies of 256 octets, in network order: magic, version,
 * generation, the record, zeros, and a checksum over all of it. Writing takes the
 * copy that is not the newest, so a process that is killed in between (the kernel
 * keeps every store that was made) leaves the newest whole one. The memory is read
 * like a packet: bounded, and every value is looked at before it is believed.
 */
#include "bfdd/core/saved.h"

#include <string.h>

#include "lib/hmap.h"
#include "lib/wire.h"

#define MAGIC	    0x77626664u /* "wbfd" */
#define VERSION	    1
#define COPY_OCTETS (BFD_SAVED_OCTETS / 2)
#define SUM_AT	    (COPY_OCTETS - 8)

/* Against accidents, not against people: whoever can write here is trusted. */
static const uint64_t sum_key[2] = { 0x626664207365u, 0x7373696f6e73u };

static uint64_t
checksum(const uint8_t *copy)
{
	return siphash13(sum_key, copy, SUM_AT);
}

/* ---- writing ---- */

static void
put_addr(struct wr *w, const struct ip_addr *a)
{
	wr_u8(w, a->af);
	wr_u32(w, a->ifindex);
	wr_bytes(w, a->b, sizeof(a->b));
}

static void
put_conf(struct wr *w, const struct bfd_conf *c)
{
	put_addr(w, &c->key.remote);
	put_addr(w, &c->key.local);
	wr_u32(w, c->key.ifindex);
	wr_u8(w, c->key.multihop);
	wr_u32(w, c->rx_us);
	wr_u32(w, c->tx_us);
	wr_u8(w, c->detect_mult);
	wr_u8(w, c->min_ttl);
	wr_u8(w, c->passive);
	wr_u8(w, c->admin_down);
	wr_u8(w, c->auth.type);
	wr_u8(w, c->auth.key_id);
	wr_u8(w, c->auth.key_len);
	wr_bytes(w, c->auth.key, sizeof(c->auth.key));
}

static void
put_remote(struct wr *w, const struct bfd_remote *m)
{
	wr_u32(w, m->discr);
	wr_u32(w, m->tx_us);
	wr_u32(w, m->rx_us);
	wr_u8(w, m->mult);
	wr_u8(w, m->diag);
	wr_u8(w, m->state);
	wr_u8(w, m->demand);
	wr_u8(w, m->independent);
}

static void
put_record(struct wr *w, const struct bfd_record *r)
{
	wr_u32(w, r->id);
	put_conf(w, &r->conf);
	wr_u32(w, r->discr);
	wr_u8(w, r->state);
	wr_u8(w, r->diag);
	put_remote(w, &r->remote);
	wr_u32(w, r->used.tx_us);
	wr_u32(w, r->used.rx_us);
	wr_u8(w, r->poll);
	wr_u32(w, r->xmit_seq);
	wr_u32(w, r->rcv_seq.seq);
	wr_u8(w, r->rcv_seq.known);
	wr_u64(w, r->seq_at.us);
	wr_u64(w, r->since.us);
	wr_u64(w, r->last_down.us);
	wr_u8(w, r->last_down_diag);
	wr_u8(w, r->last_down_remote_diag);
	wr_u64(w, r->ups);
	wr_u64(w, r->downs);
}

void
bfd_saved_write(struct bfd_place *p, const struct bfd_record *r)
{
	uint8_t copy[COPY_OCTETS];
	struct wr w = wr_init(copy, sizeof(copy));

	if (!p->slot)
		return;
	p->generation++;
	wr_u32(&w, MAGIC);
	wr_u32(&w, VERSION);
	wr_u64(&w, p->generation);
	put_record(&w, r);
	wr_zero(&w, SUM_AT - wr_len(&w));
	wr_u64(&w, checksum(copy));
	memcpy(p->slot->octets + (p->generation & 1) * COPY_OCTETS, copy, sizeof(copy));
}

void
bfd_saved_clear(struct bfd_saved *slot)
{
	memset(slot, 0, sizeof(*slot));
}

/* ---- reading ---- */

/* A number of one octet of at most max; anything else turns *ok false. */
static uint8_t
get_below(struct rd *r, uint8_t max, bool *ok)
{
	uint8_t v = rd_u8(r);

	if (v > max)
		*ok = false;
	return v <= max ? v : 0;
}

static void
get_addr(struct rd *r, struct ip_addr *a, bool *ok)
{
	a->af = get_below(r, IP6, ok);
	a->ifindex = rd_u32(r);
	rd_copy(r, a->b, sizeof(a->b));
}

static void
get_conf(struct rd *r, struct bfd_conf *c, bool *ok)
{
	get_addr(r, &c->key.remote, ok);
	get_addr(r, &c->key.local, ok);
	c->key.ifindex = rd_u32(r);
	c->key.multihop = get_below(r, 1, ok);
	c->rx_us = rd_u32(r);
	c->tx_us = rd_u32(r);
	c->detect_mult = rd_u8(r);
	c->min_ttl = rd_u8(r);
	c->passive = get_below(r, 1, ok);
	c->admin_down = get_below(r, 1, ok);
	c->auth.type = get_below(r, BFD_AUTH_METICULOUS_SHA1, ok);
	c->auth.key_id = rd_u8(r);
	c->auth.key_len = rd_u8(r);
	rd_copy(r, c->auth.key, sizeof(c->auth.key));
}

static void
get_remote(struct rd *r, struct bfd_remote *m, bool *ok)
{
	m->discr = rd_u32(r);
	m->tx_us = rd_u32(r);
	m->rx_us = rd_u32(r);
	m->mult = rd_u8(r);
	m->diag = rd_u8(r);
	m->state = get_below(r, BFD_UP, ok);
	m->demand = get_below(r, 1, ok);
	m->independent = get_below(r, 1, ok);
}

static void
get_record(struct rd *r, struct bfd_record *ret, bool *ok)
{
	ret->id = rd_u32(r);
	get_conf(r, &ret->conf, ok);
	ret->discr = rd_u32(r);
	ret->state = get_below(r, BFD_UP, ok);
	ret->diag = get_below(r, BFD_DIAG_REV_CONCAT_DOWN, ok);
	get_remote(r, &ret->remote, ok);
	ret->used.tx_us = rd_u32(r);
	ret->used.rx_us = rd_u32(r);
	ret->poll = get_below(r, POLL_WAIT, ok);
	ret->xmit_seq = rd_u32(r);
	ret->rcv_seq.seq = rd_u32(r);
	ret->rcv_seq.known = get_below(r, 1, ok);
	ret->seq_at.us = rd_u64(r);
	ret->since.us = rd_u64(r);
	ret->last_down.us = rd_u64(r);
	ret->last_down_diag = get_below(r, BFD_DIAG_REV_CONCAT_DOWN, ok);
	ret->last_down_remote_diag = rd_u8(r);
	ret->ups = rd_u64(r);
	ret->downs = rd_u64(r);
}

/* Values that no session can have. Up without having heard the peer is one. */
static bool
is_possible(const struct bfd_record *r)
{
	return r->discr != 0 && !bfd_conf_valid(&r->conf) && r->used.tx_us > 0 &&
	       r->used.rx_us > 0 &&
	       (r->state != BFD_UP || (r->remote.mult > 0 && r->remote.discr != 0));
}

static bool
read_copy(const uint8_t *copy, struct bfd_record *ret, uint64_t *ret_generation)
{
	struct rd r = rd_init(copy, COPY_OCTETS);
	struct rd sum = rd_init(copy + SUM_AT, COPY_OCTETS - SUM_AT);
	struct bfd_record rec = { 0 };
	bool ok = true;
	uint64_t generation;

	if (rd_u32(&r) != MAGIC || rd_u32(&r) != VERSION || rd_u64(&sum) != checksum(copy))
		return false;
	generation = rd_u64(&r);
	get_record(&r, &rec, &ok);
	if (!ok || r.bad || !is_possible(&rec))
		return false;
	*ret = rec;
	*ret_generation = generation;
	return true;
}

bool
bfd_saved_read(struct bfd_saved *slot, struct bfd_record *ret, uint64_t *ret_generation)
{
	struct bfd_saved mem = *slot; /* one look: it may be shared */
	bool found = false;

	for (unsigned i = 0; i < 2; i++) {
		struct bfd_record rec;
		uint64_t generation;

		if (!read_copy(mem.octets + i * COPY_OCTETS, &rec, &generation) ||
		    (found && generation < *ret_generation))
			continue;
		*ret = rec;
		*ret_generation = generation;
		found = true;
	}
	return found;
}
