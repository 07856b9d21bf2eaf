/*
 * See converge.h.
 */
#include "agent/core/converge.h"

#include "lib/mem.h"

static void
forget_peers(struct converge *c)
{
	mem_free(c->peer);
	c->peer = NULL;
	c->npeers = c->cap = 0;
	idmap_free(&c->places);
}

void
converge_free(struct converge *c)
{
	forget_peers(c);
	*c = (struct converge){ 0 };
}

/* ---- sessions ------------------------------------------------------------------ */

void
converge_forget(struct converge *c, uint32_t peer)
{
	size_t place = idmap_get(&c->places, peer);

	if (place == IDMAP_NONE)
		return;
	idmap_set(&c->places, peer, IDMAP_NONE);
	c->peer[place] = c->peer[--c->npeers];
	if (place < c->npeers)
		idmap_set(&c->places, c->peer[place].id, place);
}

void
converge_forget_all(struct converge *c)
{
	forget_peers(c);
}

static struct converge_peer *
peer_of(struct converge *c, struct mono_us now, uint32_t id)
{
	size_t place = idmap_get(&c->places, id);

	if (place != IDMAP_NONE)
		return &c->peer[place];
	if (c->npeers == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 16;
		c->peer = mem_realloc_array(c->peer, c->cap, sizeof *c->peer);
	}
	idmap_set(&c->places, id, c->npeers);
	c->peer[c->npeers] = (struct converge_peer){ .id = id, .since = now };
	return &c->peer[c->npeers++];
}

void
converge_session(struct converge *c, struct mono_us now, const struct ipc_peer_session *m)
{
	if (m->session == IPC_SESSION_DOWN)
		converge_forget(c, m->peer);
	else if (!c->done) /* else nobody asks any more: a table of many peers is not kept */
		peer_of(c, now, m->peer)->session = m->session;
}

static struct mono_us
told_at(const struct converge_peer *p)
{
	switch ((enum ipc_session)p->session) {
	case IPC_SESSION_SYNCED:
		return p->since;
	case IPC_SESSION_PLAIN:
		return mono_add_us(p->since, CONVERGE_PLAIN_US);
	case IPC_SESSION_DOWN:
	case IPC_SESSION_UP:
		break;
	}
	return MONO_NEVER;
}

static bool
has_told(const struct converge_peer *p, struct mono_us now)
{
	return !mono_before(now, told_at(p));
}

uint32_t
converge_awaited(const struct converge *c, struct mono_us now, size_t *ret_n)
{
	uint32_t id = IPC_PEER_NONE;
	size_t n = 0;

	for (size_t i = 0; i < c->npeers; i++)
		if (!has_told(&c->peer[i], now) && n++ == 0)
			id = c->peer[i].id;
	if (ret_n)
		*ret_n = n;
	return id;
}

/* ---- waiting ------------------------------------------------------------------------ */

static struct mono_us
come_until(const struct converge *c)
{
	return mono_add_us(c->began, CONVERGE_COME_US);
}

/*
 * Those that are on their way are waited for as long as sessions take to come up; after that for
 * one at least, as a node without any has no routes.
 */
static bool
sessions_lack(const struct converge *c, struct mono_us now, const struct converge_facts *f)
{
	if (f->peers == 0 && c->npeers == 0)
		return mono_before(now, mono_add_us(c->began, CONVERGE_ALONE_US));
	if (c->npeers >= f->peers)
		return false;
	return c->npeers == 0 || mono_before(now, come_until(c));
}

static enum converge_wait
waits_for(const struct converge *c, struct mono_us now, const struct converge_facts *f)
{
	if (!f->known)
		return CONVERGE_UNKNOWN;
	if (!f->own)
		return CONVERGE_OWN;
	if (sessions_lack(c, now, f))
		return CONVERGE_PEERS;
	if (converge_awaited(c, now, NULL) != IPC_PEER_NONE)
		return CONVERGE_EOR;
	if (!f->bgpd)
		return CONVERGE_BGPD;
	return f->kernel ? CONVERGE_NOTHING : CONVERGE_KERNEL;
}

static struct mono_us
timeout_at(const struct converge *c)
{
	return mono_add_us(c->began, c->timeout_us);
}

static void
finish(struct converge *c, struct mono_us now)
{
	c->done = true;
	c->timed_out = c->wait != CONVERGE_NOTHING;
	c->at = now;
	forget_peers(c);
}

bool
converge_next(struct converge *c, struct mono_us now, const struct converge_facts *f)
{
	if (c->done)
		return false;
	if (f->known && !c->begun)
		c->began = now;
	c->begun = f->known;
	c->wait = waits_for(c, now, f);
	if (c->wait != CONVERGE_NOTHING &&
	    (c->wait == CONVERGE_UNKNOWN || mono_before(now, timeout_at(c))))
		return false;
	finish(c, now);
	return true;
}

/* The earlier one that is still to come. */
static struct mono_us
sooner(struct mono_us a, struct mono_us b, struct mono_us now)
{
	return mono_before(now, b) ? mono_min(a, b) : a;
}

struct mono_us
converge_deadline(const struct converge *c, struct mono_us now)
{
	struct mono_us t;

	if (c->done || !c->begun)
		return MONO_NEVER;
	t = timeout_at(c);
	t = sooner(t, come_until(c), now);
	t = sooner(t, mono_add_us(c->began, CONVERGE_ALONE_US), now);
	for (size_t i = 0; i < c->npeers; i++)
		t = sooner(t, told_at(&c->peer[i]), now);
	return t;
}

uint64_t
converge_took_us(const struct converge *c, struct mono_us now)
{
	return c->begun ? mono_diff_us(c->done ? c->at : now, c->began) : 0;
}
