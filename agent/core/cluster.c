/*
 * The cluster's nodes: an array sorted by name of one block of memory for each node.
 *
 * A block is the node, its labels, and the strings of both. A node that is put again is built anew
 * and compared: thousands of status updates change nothing and move no pointer.
 */
#include "agent/core/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

struct cluster {
	char *own_name;
	struct cluster_node **v; /* by name */
	size_t n, room;
	size_t octets;
};

struct cluster *
cluster_new(const char *own_name)
{
	struct cluster *c = mem_zalloc(sizeof *c);

	c->own_name = mem_strdup(own_name);
	return c;
}

bool
cluster_rename(struct cluster *c, const char *own_name)
{
	if (strcmp(c->own_name, own_name) == 0)
		return false;
	mem_free(c->own_name);
	c->own_name = mem_strdup(own_name);
	return true;
}

void
cluster_free(struct cluster *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		mem_free(c->v[i]);
	mem_free(c->v);
	mem_free(c->own_name);
	mem_free(c);
}

/* ---- one node ---------------------------------------------------------------- */

static size_t
labels_used(const struct labels *l)
{
	return l->n < CLUSTER_LABELS_MAX ? l->n : CLUSTER_LABELS_MAX;
}

static size_t
labels_size(const struct labels *l)
{
	size_t size = 0;

	for (size_t i = 0; i < labels_used(l); i++)
		size += sizeof *l->v + strlen(l->v[i].key) + strlen(l->v[i].value) + 2;
	return size;
}

static size_t
node_size(const struct cluster_node *n)
{
	return sizeof *n + strlen(n->name) + 1 + labels_size(&n->labels) + labels_size(&n->annotations) +
	    labels_size(&n->taints);
}

static const char *
put_string(char **at, const char *s)
{
	size_t len = strlen(s) + 1;
	char *to = *at;

	memcpy(to, s, len);
	*at += len;
	return to;
}

/* Insertion keeps the order of what is sorted already, which API servers' labels are. */
static struct labels
put_labels(struct label *to, char **strings, const struct labels *from)
{
	struct labels l = { .v = to };

	for (size_t i = 0; i < labels_used(from); i++) {
		const char *key = from->v[i].key;
		size_t at = l.n;

		while (at > 0 && strcmp(to[at - 1].key, key) > 0)
			at--;
		if (at > 0 && strcmp(to[at - 1].key, key) == 0) {
			to[at - 1].value = put_string(strings, from->v[i].value);
			continue;
		}
		memmove(&to[at + 1], &to[at], (l.n - at) * sizeof *to);
		to[at].key = put_string(strings, key);
		to[at].value = put_string(strings, from->v[i].value);
		l.n++;
	}
	return l;
}

static struct cluster_node *
node_copy(const struct cluster_node *from, size_t size)
{
	struct cluster_node *n = mem_zalloc(size);
	struct label *labels = (struct label *)(n + 1);
	char *strings = (char *)(labels + labels_used(&from->labels) + labels_used(&from->annotations) +
	    labels_used(&from->taints));

	*n = *from;
	n->labels = put_labels(labels, &strings, &from->labels);
	labels += labels_used(&from->labels);
	n->annotations = put_labels(labels, &strings, &from->annotations);
	labels += labels_used(&from->annotations);
	n->taints = put_labels(labels, &strings, &from->taints);
	n->name = put_string(&strings, from->name);
	return n;
}

static bool
same_labels(const struct labels *a, const struct labels *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].key, b->v[i].key) != 0 || strcmp(a->v[i].value, b->v[i].value) != 0)
			return false;
	return true;
}

static bool
same_addresses(const struct cluster_node *a, const struct cluster_node *b)
{
	if (a->naddrs != b->naddrs || a->ncidrs != b->ncidrs)
		return false;
	for (size_t i = 0; i < a->naddrs; i++)
		if (!ip_addr_eq(&a->addrs[i], &b->addrs[i]))
			return false;
	for (size_t i = 0; i < a->ncidrs; i++)
		if (!ip_prefix_eq(&a->cidrs[i], &b->cidrs[i]))
			return false;
	return true;
}

static bool
same_node(const struct cluster_node *a, const struct cluster_node *b)
{
	return same_addresses(a, b) && same_labels(&a->labels, &b->labels) &&
	    same_labels(&a->annotations, &b->annotations) && same_labels(&a->taints, &b->taints) &&
	    a->cordoned == b->cordoned && a->deleting == b->deleting &&
	    a->shutting_down == b->shutting_down;
}

/* ---- all of them ----------------------------------------------------------------- */

/* Where that name is, or belongs. */
static size_t
place_of(const struct cluster *c, const char *name, bool *ret_there)
{
	size_t lo = 0, hi = c->n;

	*ret_there = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(c->v[mid]->name, name);

		if (d == 0) {
			*ret_there = true;
			return mid;
		}
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
insert(struct cluster *c, size_t at, struct cluster_node *n)
{
	if (c->n == c->room) {
		c->room = c->room ? c->room * 2 : 16;
		c->v = mem_realloc_array(c->v, c->room, sizeof(struct cluster_node *));
	}
	memmove(&c->v[at + 1], &c->v[at], (c->n - at) * sizeof(struct cluster_node *));
	c->v[at] = n;
	c->n++;
}

bool
cluster_put(struct cluster *c, const struct cluster_node *n)
{
	struct cluster_node *now = node_copy(n, node_size(n));
	bool there;
	size_t at = place_of(c, n->name, &there);

	if (there && same_node(c->v[at], now)) {
		mem_free(now);
		return false;
	}
	c->octets += node_size(now);
	if (there) {
		c->octets -= node_size(c->v[at]);
		mem_free(c->v[at]);
		c->v[at] = now;
	} else {
		insert(c, at, now);
	}
	return true;
}

bool
cluster_remove(struct cluster *c, const char *name)
{
	bool there;
	size_t at = place_of(c, name, &there);

	if (!there)
		return false;
	c->octets -= node_size(c->v[at]);
	mem_free(c->v[at]);
	c->n--;
	memmove(&c->v[at], &c->v[at + 1], (c->n - at) * sizeof(struct cluster_node *));
	return true;
}

const struct cluster_node *
cluster_find(const struct cluster *c, const char *name)
{
	bool there;
	size_t at = place_of(c, name, &there);

	return there ? c->v[at] : NULL;
}

const struct cluster_node *
cluster_own(const struct cluster *c)
{
	return cluster_find(c, c->own_name);
}

const struct cluster_node *
cluster_next(const struct cluster *c, const struct cluster_node *after)
{
	bool there;
	size_t at = after ? place_of(c, after->name, &there) + 1 : 0;

	return at < c->n ? c->v[at] : NULL;
}

size_t
cluster_count(const struct cluster *c)
{
	return c->n;
}

size_t
cluster_octets(const struct cluster *c)
{
	return sizeof *c + c->room * sizeof(struct cluster_node *) + c->octets;
}
