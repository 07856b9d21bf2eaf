/*
 * Admission of routes; see admit.h.
 */
#include "agent/core/admit.h"

#include "agent/core/nht.h"
#include "lib/list.h"

static const struct ip_prefix martians4[] = {
	{ .af = IP4, .len = 8, .b = { 0 } },		       /* RFC 1122 section 3.2.1.3 */
	{ .af = IP4, .len = 8, .b = { 127 } },		       /* loopback */
	{ .af = IP4, .len = 16, .b = { 169, 254 } },	       /* link-local, RFC 3927 */
	{ .af = IP4, .len = 4, .b = { 224 } },		       /* multicast, RFC 5771 */
	{ .af = IP4, .len = 32, .b = { 255, 255, 255, 255 } }, /* limited broadcast */
};
static const struct ip_prefix martians6[] = {
	{ .af = IP6, .len = 127, .b = { 0 } },		       /* :: and ::1 */
	{ .af = IP6, .len = 96, .b = { [10] = 0xff, [11] = 0xff } }, /* v4-mapped, RFC 4291 */
	{ .af = IP6, .len = 10, .b = { 0xfe, 0x80 } },	       /* link-local */
	{ .af = IP6, .len = 8, .b = { 0xff } },		       /* multicast */
};

bool
admit_is_martian(const struct ip_prefix *p)
{
	const struct ip_prefix *m = p->af == IP4 ? martians4 : martians6;
	size_t n = p->af == IP4 ? sizeof(martians4) / sizeof(martians4[0])
				: sizeof(martians6) / sizeof(martians6[0]);
	size_t i;

	for (i = 0; i < n; i++) {
		if (ip_prefix_contains(&m[i], p))
			return true;
	}
	return false;
}

static bool
is_permitted(const struct admit *a, const struct ip_prefix *p)
{
	size_t i;

	for (i = 0; i < a->npermit; i++) {
		if (ip_prefix_contains(&a->permit[i], p))
			return true;
	}
	return false;
}

/* In a permitted range that somebody named, so not merely by the default route's permit. */
static bool
is_named(const struct admit *a, const struct ip_prefix *p)
{
	size_t i;

	for (i = 0; i < a->npermit; i++) {
		if (a->permit[i].len > 0 && ip_prefix_contains(&a->permit[i], p))
			return true;
	}
	return false;
}

static enum ipc_refusal
check_default(const struct admit *a, const struct ip_prefix *p)
{
	bool permit = p->af == IP4 ? a->permit_default4 : a->permit_default6;

	return permit && !a->protect_default ? IPC_REF_NONE : IPC_REF_DEFAULT;
}

/* p is as specific as the subnet of an own address inside it: it would take over the link itself. */
static bool
takes_own(const struct admit *a, const struct ip_prefix *p)
{
	struct trie_node *n;

	for (n = trie_first_below(a->own, p); n; n = trie_next_below(n, p)) {
		const struct kaddr *x = container_of(n, struct kaddr, node);

		for (; x; x = x->next) {
			if (p->len >= x->a.plen)
				return true;
		}
	}
	return false;
}

/*
 * A peer behind the default route alone may be reached by a learned route if its
 * address lies in a range that the permit list names (loopbacks of a fabric);
 * a peer that nothing serves may be reached by any. Not so (strict) for a route
 * that discards.
 */
static bool
takes_peer(const struct admit *a, const struct ip_prefix *p, bool strict)
{
	struct trie_node *n;

	for (n = trie_first_below(a->peers, p); n; n = trie_next_below(n, p)) {
		const struct guard *g = container_of(n, struct guard, node);

		if (g->served < 0 || p->len < g->served)
			continue;
		if (strict || g->served > 0 || p->len == 0 || !is_named(a, &n->prefix))
			return true;
	}
	return false;
}

/* A BGP next hop on one of our links. Others may be reached by learned routes: recursion. */
static bool
takes_nexthop(const struct admit *a, const struct ip_prefix *p)
{
	struct trie_node *n;

	for (n = trie_first_below(a->nexthops, p); n; n = trie_next_below(n, p)) {
		const struct nh *nh = container_of(n, struct nh, node);

		for (; nh; nh = nh->next) {
			if (nht_is_next_hop(nh) && nh->onlink && p->len >= nh->through.len && nh->through.af == p->af)
				return true;
		}
	}
	return false;
}

static bool
takes_protected(const struct admit *a, const struct ip_prefix *p)
{
	struct trie_node *n;

	if (a->protect->n == 0)
		return false;
	if (trie_covering(a->protect, p))
		return true;
	for (n = trie_first_below(a->protect, p); n; n = trie_next_below(n, p)) {
		const struct guard *g = container_of(n, struct guard, node);

		if (g->served >= 0 && p->len >= g->served)
			return true;
	}
	return false;
}

static enum ipc_refusal
check_guards(const struct admit *a, const struct ip_prefix *p, bool strict)
{
	if (a->protect_node && takes_own(a, p))
		return IPC_REF_OWN_ADDRESS;
	if (a->protect_peers && (takes_peer(a, p, strict) || takes_nexthop(a, p)))
		return IPC_REF_PEER_ADDRESS;
	if (takes_protected(a, p))
		return IPC_REF_PROTECTED;
	return IPC_REF_NONE;
}

/* p is, or lies within a pod CIDR among, what this node announces itself. */
static bool
is_own_prefix(const struct admit *a, const struct ip_prefix *p)
{
	struct trie_node *n = a->locals->n > 0 ? trie_covering(a->locals, p) : NULL;

	for (; n; n = trie_lpm_next_shorter(a->locals, n)) {
		if (container_of(n, struct local, node)->block || ip_prefix_eq(&n->prefix, p))
			return true;
	}
	return false;
}

enum ipc_refusal
admit_learned(const struct admit *a, const struct ip_prefix *p)
{
	enum ipc_refusal r;

	if (!a->install)
		return IPC_REF_INSTALL_OFF;
	if (a->npermit == 0)
		return IPC_REF_NO_PERMIT;
	if (p->len == 0) {
		r = check_default(a, p);
		if (r != IPC_REF_NONE)
			return r;
	} else if (admit_is_martian(p)) {
		return IPC_REF_MARTIAN;
	} else if (!is_permitted(a, p)) {
		return IPC_REF_NOT_PERMITTED;
	}
	if (is_own_prefix(a, p))
		return IPC_REF_OWN_PREFIX;
	r = check_guards(a, p, false);
	if (r != IPC_REF_NONE)
		return r;
	if (a->max_routes != 0 && a->routes >= a->max_routes)
		return IPC_REF_LIMIT;
	return IPC_REF_NONE;
}

enum ipc_refusal
admit_discard(const struct admit *a, const struct ip_prefix *p)
{
	if (!a->install)
		return IPC_REF_INSTALL_OFF;
	if (p->len == 0)
		return IPC_REF_DEFAULT;
	if (admit_is_martian(p))
		return IPC_REF_MARTIAN;
	return check_guards(a, p, true);
}
