/*
 * Addresses that are down; see nhdown.h.  One trie node for each address, with a chain
 * of the interfaces on which it is: link-local addresses are often the same everywhere.
 */
#include "agent/core/nhdown.h"

#include "lib/list.h"
#include "lib/mem.h"

struct downed {
	struct trie_node node; /* in the trie only for the first of its address */
	struct downed *next;   /* same address on another interface */
	uint32_t ifindex;      /* 0: on any */
};

static struct downed *
first_of(const struct nhdown *d, const struct ip_addr *a)
{
	struct ip_prefix p = ip_prefix_from_addr(a);
	struct trie_node *n = d->trie.n > 0 ? trie_find(&d->trie, &p) : NULL;

	return n ? container_of(n, struct downed, node) : NULL;
}

bool
nhdown_has(const struct nhdown *d, const struct ip_addr *a, uint32_t ifindex)
{
	const struct downed *x;

	for (x = first_of(d, a); x; x = x->next) {
		if (x->ifindex == 0 || x->ifindex == ifindex)
			return true;
	}
	return false;
}

static void
downed_add(struct nhdown *d, const struct ip_addr *a, uint32_t ifindex)
{
	struct downed *first = first_of(d, a), *x = mem_zalloc(sizeof(*x));
	struct ip_prefix p = ip_prefix_from_addr(a);

	x->ifindex = ifindex;
	if (first) {
		x->next = first->next;
		first->next = x;
	} else {
		trie_insert(&d->trie, &x->node, &p);
	}
}

static void
downed_del(struct nhdown *d, const struct ip_addr *a, uint32_t ifindex)
{
	struct downed *first = first_of(d, a), *x = first, *before = NULL;
	struct ip_prefix p = ip_prefix_from_addr(a);

	for (; x && x->ifindex != ifindex; x = x->next)
		before = x;
	if (!x)
		return;
	if (before) {
		before->next = x->next;
	} else {
		trie_remove(&d->trie, &x->node);
		if (x->next)
			trie_insert(&d->trie, &x->next->node, &p);
	}
	mem_free(x);
}

bool
nhdown_set(struct nhdown *d, const struct ip_addr *a, bool down)
{
	uint32_t ifindex = ip_addr_is_link_local(a) ? a->ifindex : 0;
	const struct downed *x = first_of(d, a);

	while (x && x->ifindex != ifindex)
		x = x->next;
	if (down == (x != NULL))
		return false;
	if (down)
		downed_add(d, a, ifindex);
	else
		downed_del(d, a, ifindex);
	return true;
}

void
nhdown_free(struct nhdown *d)
{
	struct trie_node *n;

	while ((n = trie_first(&d->trie))) {
		struct downed *x = container_of(n, struct downed, node), *next;

		trie_remove(&d->trie, n);
		for (; x; x = next) {
			next = x->next;
			mem_free(x);
		}
	}
}
