/*
 * The engine: which sessions there are, how they are found, how they come and go.
 *
 * Three maps: by the owner's id, by own discriminator (RFC 5880 section 6.3), and by
 * addresses, interface and kind (RFC 5881 section 3, RFC 5883 section 4).
 */
#include "bfdd/core/bfd_int.h"

#include <string.h>

#include "lib/mem.h"

#define LEAVE_MAX_US 5000000u /* a farewell takes no longer */

/* ---- finding ---- */

/* A key as octets for the hash; every bit of it counts. */
struct flat_key {
	uint8_t remote_af, local_af, multihop, zero;
	uint32_t ifindex;
	uint8_t remote[16], local[16];
};

static struct flat_key
flatten(const struct ip_addr *remote, const struct ip_addr *local, uint32_t ifindex, bool multihop)
{
	struct flat_key k = {
		.remote_af = remote->af,
		.local_af = local->af,
		.multihop = multihop,
		.ifindex = multihop ? 0 : ifindex,
	};

	memcpy(k.remote, remote->b, sizeof(k.remote));
	memcpy(k.local, local->b, sizeof(k.local));
	return k;
}

static struct flat_key
flatten_key(const struct bfd_key *key)
{
	return flatten(&key->remote, &key->local, key->ifindex, key->multihop);
}

static struct session *
find_flat(const struct bfd_engine *e, const struct flat_key *k)
{
	struct hmap_node *n = hmap_first_with(&e->by_key, hmap_hash(&e->by_key, k, sizeof(*k)));

	for (; n; n = hmap_next_with(n)) {
		struct session *s = container_of(n, struct session, by_key);
		struct flat_key own = flatten_key(&s->conf.key);

		if (memcmp(&own, k, sizeof(own)) == 0)
			return s;
	}
	return NULL;
}

/* The closest one: a session may leave the interface or its own address open. */
struct session *
engine_by_meta(const struct bfd_engine *e, const struct bfd_meta *meta)
{
	const struct ip_addr any = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		struct flat_key k = flatten(&meta->src, i & 1 ? &any : &meta->dst,
		    i & 2 ? 0 : meta->ifindex, meta->multihop);
		struct session *s = find_flat(e, &k);

		if (s)
			return s;
	}
	return NULL;
}

struct session *
engine_by_discr(const struct bfd_engine *e, uint32_t discr)
{
	struct hmap_node *n =
	    hmap_first_with(&e->by_discr, hmap_hash(&e->by_discr, &discr, sizeof(discr)));

	for (; n; n = hmap_next_with(n)) {
		struct session *s = container_of(n, struct session, by_discr);

		if (s->discr == discr)
			return s;
	}
	return NULL;
}

struct session *
engine_by_id(const struct bfd_engine *e, uint32_t id)
{
	struct hmap_node *n = hmap_first_with(&e->by_id, hmap_hash(&e->by_id, &id, sizeof(id)));

	for (; n; n = hmap_next_with(n)) {
		struct session *s = container_of(n, struct session, by_id);

		if (s->id == id)
			return s;
	}
	return NULL;
}

/* ---- places in the saved memory ---- */

static void
place_take(struct bfd_engine *e, struct session *s)
{
	for (size_t i = 0; i < e->n_slots && !s->place.slot; i++) {
		if (e->is_taken[i])
			continue;
		e->is_taken[i] = true;
		s->place = (struct bfd_place){ .slot = &e->slots[i] };
	}
}

static void
place_give(struct bfd_engine *e, struct session *s)
{
	if (!s->place.slot)
		return;
	bfd_saved_clear(s->place.slot);
	e->is_taken[s->place.slot - e->slots] = false;
	s->place = (struct bfd_place){ 0 };
}

/* ---- coming and going ---- */

static void
insert_id(struct bfd_engine *e, struct session *s, uint32_t id)
{
	s->id = id;
	hmap_insert(&e->by_id, &s->by_id, hmap_hash(&e->by_id, &id, sizeof(id)));
}

static void
insert(struct bfd_engine *e, struct session *s, uint32_t id)
{
	struct flat_key k = flatten_key(&s->conf.key);

	insert_id(e, s, id);
	hmap_insert(
	    &e->by_discr, &s->by_discr, hmap_hash(&e->by_discr, &s->discr, sizeof(s->discr)));
	hmap_insert(&e->by_key, &s->by_key, hmap_hash(&e->by_key, &k, sizeof(k)));
}

/* Random, so that nobody guesses it; unique and not 0: RFC 5880 section 6.8.1. */
static uint32_t
new_discr(struct bfd_engine *e)
{
	uint32_t discr;

	do
		discr = (uint32_t)rng_u64(&e->rng);
	while (discr == 0 || engine_by_discr(e, discr));
	return discr;
}

/* A session as section 6.8.1 initialises it, in no map. */
static struct session *
session_new(struct bfd_engine *e, const struct bfd_conf *conf, struct mono_us now)
{
	struct session *s = mem_zalloc(sizeof(*s));

	list_init(&s->urgent);
	s->conf = *conf;
	s->state = conf->admin_down ? BFD_ADMIN_DOWN : BFD_DOWN;
	s->diag = conf->admin_down ? BFD_DIAG_ADMIN_DOWN : BFD_DIAG_NONE;
	s->remote = (struct bfd_remote){ .state = BFD_DOWN, .rx_us = 1 };
	s->xmit_seq = (uint32_t)rng_u64(&e->rng);
	s->tx_at = s->last_tx = s->leave_at = s->last_down = MONO_NEVER;
	s->since = now;
	s->is_dirty = true;
	return s;
}

/* Its first intervals are no change that would need a Poll Sequence. */
static void
session_begin(struct bfd_engine *e, struct session *s, struct mono_us now)
{
	bool slow = s->state != BFD_UP && s->conf.tx_us < BFD_SLOW_US;

	s->said = (struct bfd_timing){ slow ? BFD_SLOW_US : s->conf.tx_us, s->conf.rx_us };
	if (s->used.tx_us == 0)
		s->used = s->said;
	session_retime(e, s, now);
	session_settle(e, s);
}

void
engine_drop(struct bfd_engine *e, struct session *s)
{
	heap_remove(&e->timers, &s->timer);
	list_remove(&s->urgent);
	if (!session_is_leaving(s))
		hmap_remove(&e->by_id, &s->by_id);
	hmap_remove(&e->by_discr, &s->by_discr);
	hmap_remove(&e->by_key, &s->by_key);
	place_give(e, s);
	mem_free(s);
}

/* The Detection Time that the peer has now: RFC 5880 section 6.8.4, from its side. */
static uint64_t
remote_detect_us(const struct session *s)
{
	uint32_t rx_us = s->remote.rx_us;

	return (uint64_t)s->conf.detect_mult * (rx_us > s->used.tx_us ? rx_us : s->used.tx_us);
}

/* Does the peer believe in this session? */
static bool
is_believed(const struct session *s)
{
	return s->state == BFD_UP || s->state == BFD_INIT;
}

/*
 * How long it is to stay: until the peer must have noticed (RFC 5880 section 6.8.16),
 * and for a Detection Time after the peer's last packet (section 6.8.1).
 */
static uint64_t
leave_us(const struct session *s, struct mono_us now)
{
	uint64_t told_us = is_believed(s) ? remote_detect_us(s) : 0;
	uint64_t heard_us = s->is_heard ? mono_diff_us(session_expires_at(s), now) : 0;
	uint64_t us = told_us > heard_us ? told_us : heard_us;

	return us < LEAVE_MAX_US ? us : LEAVE_MAX_US;
}

/* AdminDown for that time. A peer that is silent and does not believe need not be told. */
static void
session_leave(struct bfd_engine *e, struct session *s, struct mono_us now)
{
	uint64_t wait_us = leave_us(s, now);

	if (wait_us == 0) {
		engine_drop(e, s);
		return;
	}
	hmap_remove(&e->by_id, &s->by_id);
	place_give(e, s);
	s->leave_at = mono_add_us(now, wait_us);
	s->conf.admin_down = true;
	session_change(e, s, now, BFD_ADMIN_DOWN, BFD_DIAG_ADMIN_DOWN);
	session_settle(e, s);
}

/* ---- configuration ---- */

const char *
bfd_conf_valid(const struct bfd_conf *conf)
{
	const struct bfd_key *k = &conf->key;

	if (k->remote.af == IP_NONE || ip_addr_is_unspec(&k->remote) ||
	    ip_addr_is_multicast(&k->remote))
		return "no unicast remote address";
	if (k->local.af != IP_NONE && k->local.af != k->remote.af)
		return "local and remote address of different families";
	if (k->multihop && k->ifindex != 0)
		return "multihop session bound to an interface";
	if (k->remote.af == IP6 && ip_addr_is_link_local(&k->remote) && k->ifindex == 0)
		return "link-local address without an interface";
	if (conf->rx_us == 0 || conf->tx_us == 0)
		return "interval of 0";
	if (conf->detect_mult == 0)
		return "detect multiplier of 0";
	if (!bfd_auth_is_valid(&conf->auth))
		return "unusable authentication key";
	return NULL;
}

static bool
is_same_auth(const struct bfd_auth *a, const struct bfd_auth *b)
{
	return a->type == b->type && a->key_id == b->key_id && a->key_len == b->key_len &&
	       memcmp(a->key, b->key, a->key_len) == 0;
}

/* Change a session that lives: nothing that stayed the same is disturbed. */
static void
session_reconfigure(
    struct bfd_engine *e, struct session *s, struct mono_us now, const struct bfd_conf *conf)
{
	bool mult_differs = conf->detect_mult != s->conf.detect_mult;

	if (!is_same_auth(&conf->auth, &s->conf.auth))
		s->rcv_seq.known = false;
	s->conf = *conf;
	s->is_dirty = true;
	if (conf->admin_down && s->state != BFD_ADMIN_DOWN)
		session_change(e, s, now, BFD_ADMIN_DOWN, BFD_DIAG_ADMIN_DOWN);
	else if (!conf->admin_down && s->state == BFD_ADMIN_DOWN)
		session_change(e, s, now, BFD_DOWN, BFD_DIAG_NONE);
	else
		session_negotiate(e, s, now);
	if (mult_differs && s->remote.demand)
		session_poll_start(s); /* RFC 5880 section 6.6: it would not be sent otherwise */
	if (mult_differs)
		session_hurry(e, s);
}

/* Make `s` the one of this id, whoever had it. */
static void
session_name(struct bfd_engine *e, struct session *s, uint32_t id)
{
	struct session *other = engine_by_id(e, id);

	if (other == s)
		return;
	if (other)
		engine_drop(e, other);
	if (!session_is_leaving(s))
		hmap_remove(&e->by_id, &s->by_id);
	s->leave_at = MONO_NEVER;
	s->is_dirty = true;
	insert_id(e, s, id);
}

/* Wanted again while it leaves: as a new one, whose first state is no event. */
static void
session_return(struct bfd_engine *e, struct session *s, struct mono_us now,
    const struct bfd_conf *conf)
{
	if (!session_is_leaving(s))
		return;
	place_take(e, s);
	if (!conf->admin_down)
		session_change(e, s, now, BFD_DOWN, BFD_DIAG_NONE);
}

bool
bfd_session_set(struct bfd_engine *e, struct mono_us now, uint32_t id, const struct bfd_conf *conf)
{
	struct flat_key k;
	struct session *s;

	if (bfd_conf_valid(conf))
		return false;
	k = flatten_key(&conf->key);
	s = find_flat(e, &k);
	if (s) {
		session_return(e, s, now, conf);
		session_name(e, s, id);
		session_reconfigure(e, s, now, conf);
	} else {
		if ((s = engine_by_id(e, id)))
			engine_drop(e, s);
		s = session_new(e, conf, now);
		s->discr = new_discr(e);
		insert(e, s, id);
		place_take(e, s);
		session_begin(e, s, now);
	}
	s->is_confirmed = true;
	session_settle(e, s);
	return true;
}

void
bfd_session_remove(struct bfd_engine *e, struct mono_us now, uint32_t id, bool tell)
{
	struct session *s = engine_by_id(e, id);

	if (s && tell)
		session_leave(e, s, now);
	else if (s)
		engine_drop(e, s);
}

void
bfd_mark(struct bfd_engine *e)
{
	struct hmap_node *n;

	HMAP_FOREACH(n, &e->by_id) {
		container_of(n, struct session, by_id)->is_confirmed = false;
	}
}

void
bfd_sweep(struct bfd_engine *e, struct mono_us now)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &e->by_id) {
		struct session *s = container_of(n, struct session, by_id);

		if (!s->is_confirmed)
			session_leave(e, s, now);
	}
}

void
bfd_stop(struct bfd_engine *e, struct mono_us now)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &e->by_id) {
		struct session *s = container_of(n, struct session, by_id);

		if (is_believed(s))
			session_leave(e, s, now);
		else
			engine_drop(e, s); /* there is nothing to preserve it for */
	}
}

bool
bfd_is_empty(const struct bfd_engine *e)
{
	return e->by_key.n == 0;
}

void
bfd_path_down(struct bfd_engine *e, struct mono_us now, uint32_t id)
{
	struct session *s = engine_by_id(e, id);

	if (!s || (s->state != BFD_UP && s->state != BFD_INIT))
		return;
	session_change(e, s, now, BFD_DOWN, BFD_DIAG_PATH_DOWN);
	session_settle(e, s);
}

/* ---- taking over ---- */

/* Is there nobody like this yet? Two slots must not make one session. */
static bool
is_new(const struct bfd_engine *e, const struct bfd_record *r)
{
	struct flat_key k = flatten_key(&r->conf.key);

	return !engine_by_id(e, r->id) && !engine_by_discr(e, r->discr) && !find_flat(e, &k);
}

/*
 * What was negotiated goes on. The number of the last packet may not have reached the slot
 * that was read (it may be the older copy), hence one is left out: the peer takes
 * up to three times Detect Mult more than the last.
 */
static void
session_resume(struct session *s, const struct bfd_record *r, struct mono_us now)
{
	s->is_resumed = s->is_heard = true;
	s->last_rx = now;
	s->state = BFD_UP;
	s->diag = r->diag;
	s->remote = r->remote;
	s->used = r->used;
	s->poll = r->poll;
	s->rcv_seq = r->rcv_seq;
	s->seq_at = r->seq_at;
	s->since = r->since;
}

static bool
resume_slot(struct bfd_engine *e, size_t i, struct mono_us now)
{
	struct bfd_record r;
	uint64_t generation;
	struct session *s;

	if (!bfd_saved_read(&e->slots[i], &r, &generation) || !is_new(e, &r)) {
		bfd_saved_clear(&e->slots[i]);
		return false;
	}
	s = session_new(e, &r.conf, now);
	s->discr = r.discr;
	s->place = (struct bfd_place){ .slot = &e->slots[i], .generation = generation };
	e->is_taken[i] = true;
	s->xmit_seq = r.xmit_seq + 1;
	s->last_down = r.last_down;
	s->last_down_diag = r.last_down_diag;
	s->last_down_remote_diag = r.last_down_remote_diag;
	s->n.ups = r.ups;
	s->n.downs = r.downs;
	if (r.state == BFD_UP)
		session_resume(s, &r, now);
	insert(e, s, r.id);
	session_begin(e, s, now);
	return s->is_resumed;
}

size_t
bfd_resume(struct bfd_engine *e, size_t n, struct mono_us now)
{
	size_t up = 0;

	for (size_t i = 0; i < n && i < e->n_slots; i++)
		up += resume_slot(e, i, now);
	return up;
}

/* ---- the engine itself ---- */

static void
seed_map(struct hmap *h, struct rng *rng)
{
	const uint64_t key[2] = { rng_u64(rng), rng_u64(rng) };

	hmap_init(h, key);
}

struct bfd_engine *
bfd_engine_new(const struct bfd_ops *ops, uint64_t seed, struct bfd_saved *slots, size_t n)
{
	struct bfd_engine *e = mem_zalloc(sizeof(*e));

	e->ops = *ops;
	rng_seed(&e->rng, seed);
	seed_map(&e->by_id, &e->rng);
	seed_map(&e->by_discr, &e->rng);
	seed_map(&e->by_key, &e->rng);
	heap_init(&e->timers);
	list_init(&e->urgent);
	e->slots = slots;
	e->n_slots = n;
	e->is_taken = mem_zalloc_array(n, sizeof(*e->is_taken));
	return e;
}

void
bfd_engine_free(struct bfd_engine *e)
{
	struct hmap_node *n, *tmp;

	heap_free(&e->timers); /* first: it marks what is in it */
	HMAP_FOREACH_SAFE(n, tmp, &e->by_key) {
		mem_free(container_of(n, struct session, by_key));
	}
	hmap_free(&e->by_id);
	hmap_free(&e->by_discr);
	hmap_free(&e->by_key);
	mem_free(e->events);
	mem_free(e->is_taken);
	mem_free(e);
}
