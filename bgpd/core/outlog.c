/*
 * The log of an update group.  See outlog.h.
 */
#include "bgpd/core/outlog.h"

#include <string.h>

#include "lib/mem.h"

static size_t
chunk_octets(uint16_t n, uint16_t octets)
{
	return sizeof(struct chunk) + (size_t)n * (sizeof(uint32_t) + sizeof(uint16_t)) + octets;
}

void
outlog_init(struct outlog *l, struct attrs_pool *pool)
{
	*l = (struct outlog){ .pool = pool };
	l->oldest = l->newest = mem_zalloc(sizeof(struct chunk));
}

static void
free_oldest(struct outlog *l)
{
	struct chunk *c = l->oldest;

	l->oldest = c->next;
	attrs_unref(l->pool, c->attrs);
	mem_free(c);
}

void
outlog_free(struct outlog *l)
{
	while (l->oldest)
		free_oldest(l);
	*l = (struct outlog){ 0 };
}

void
outlog_append(struct outlog *l, const struct chunk *proto)
{
	size_t total = chunk_octets(proto->n, proto->octets);
	struct chunk *c = mem_alloc(total);

	*c = *proto;
	c->next = NULL;
	c->readers = 0;
	c->seq = l->newest->seq + 1;
	attrs_ref(c->attrs);
	c->id = (uint32_t *)(void *)(c + 1);
	c->old = (uint16_t *)(void *)(c->id + c->n);
	c->msg = (uint8_t *)(c->old + c->n);
	memcpy(c->id, proto->id, c->n * sizeof(*c->id));
	memcpy(c->old, proto->old, c->n * sizeof(*c->old));
	memcpy(c->msg, proto->msg, c->octets);
	l->newest->next = c;
	l->newest = c;
	l->chunks++;
	l->octets += total;
}

/* Free what every cursor has passed; the newest stays as the place to stand on. */
static void
trim(struct outlog *l)
{
	while (l->oldest != l->newest && l->oldest->readers == 0) {
		struct chunk *next = l->oldest->next;

		/* Now a cursor may stand on next: it counts as read, and no longer. */
		l->chunks--;
		l->octets -= chunk_octets(next->n, next->octets);
		free_oldest(l);
	}
}

struct chunk *
outlog_join(struct outlog *l)
{
	l->newest->readers++;
	return l->newest;
}

struct chunk *
outlog_join_at(struct chunk *at)
{
	at->readers++;
	return at;
}

void
outlog_leave(struct outlog *l, struct chunk *at)
{
	at->readers--;
	trim(l);
}

struct chunk *
outlog_advance(struct outlog *l, struct chunk *at)
{
	struct chunk *next = at->next;

	at->readers--;
	next->readers++;
	trim(l);
	return next;
}
