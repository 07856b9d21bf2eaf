/*
 * The node's own prefixes and the permitted ranges.
 *
 * A pod CIDR is announced only when a blackhole route at a high metric stands for
 * it: addresses without a pod must not follow the default route back out and loop
 * (host routes would cut off the pod itself and never get one).  So does a prefix
 * that stands for longer ones (aggregationLength), but what other nodes announce
 * inside of that is learned.  Each permitted
 * range gets an unreachable route at the highest metric, so that a lost route never
 * lets pod packets leak out of the default route; not for the default route, nor
 * where it would cut off a protected address.
 */
#include "agent/core/fib_priv.h"
#include "lib/mem.h"

static struct local *
local_find(const struct fib *f, const struct ip_prefix *p)
{
	struct trie_node *n = trie_find(&f->locals, p);

	return n ? container_of(n, struct local, node) : NULL;
}

static bool
wants_block(const struct fib *f, const struct local *l)
{
	return (l->block || l->cover) && f->conf.own_block != FIB_BLOCK_NONE && f->conf.install &&
	    !ip_prefix_is_host(&l->node.prefix) && l->node.prefix.len > 0;
}

static void
local_say(struct fib *f, struct local *l, bool ready)
{
	l->ready = ready;
	if (l->ready != l->said && !list_is_linked(&l->say))
		list_push_back(&f->local_reports, &l->say);
}

/* The block's entry has another state now. */
void
local_entry_installed(struct fib *f, struct fib_entry *e)
{
	struct ip_prefix p;
	struct local *l;

	if (e->kind != FIB_BLOCK)
		return;
	p = entry_prefix(e);
	l = local_find(f, &p);
	if (!l || !wants_block(f, l))
		return;
	if (e->state == FIB_ST_INSTALLED || e->state == FIB_ST_FOREIGN)
		local_say(f, l, true); /* somebody else's route there serves as well */
	else if (e->state == FIB_ST_FAILED)
		local_say(f, l, false);
}

static void
want_entry(struct fib *f, enum fib_kind kind, const struct ip_prefix *p, bool want)
{
	struct fib_entry *e = want ? entry_get(f, kind, p) : entry_find(f, kind, p);

	if (!e)
		return;
	e->wanted = want;
	entry_eval(f, e);
}

static void
local_eval(struct fib *f, struct local *l)
{
	bool block = wants_block(f, l);
	struct fib_entry *e;

	if (!block) {
		want_entry(f, FIB_BLOCK, &l->node.prefix, false);
		local_say(f, l, true);
		return;
	}
	want_entry(f, FIB_BLOCK, &l->node.prefix, true);
	e = entry_find(f, FIB_BLOCK, &l->node.prefix);
	if (e)
		local_entry_installed(f, e);
}

static void
discards_configure(struct fib *f)
{
	const struct fib_conf *c = &f->conf;
	struct admit a = fib_admit(f);
	struct fib_entry *e;
	struct ip_prefix at;
	uint32_t refused = 0;
	size_t i;

	FIB_FOREACH(f, FIB_DISCARD, e, &at)
		e->wanted = 0;
	for (i = 0; c->install && c->discard_permit && i < c->npermit; i++) {
		const struct ip_prefix *p = &c->permit[i];

		if (p->len == 0 || ip_prefix_is_host(p))
			continue;
		if (f->ready && admit_discard(&a, p) != IPC_REF_NONE) {
			refused++;
			if (refused > f->ndiscard_refused)
				fib_gather(f, AGG_DISCARD, p, 0, 0,
				    "it would cut off an address of this node, a peer or a protected one");
			continue;
		}
		entry_get(f, FIB_DISCARD, p)->wanted = 1;
	}
	f->ndiscard_refused = refused;
	FIB_FOREACH(f, FIB_DISCARD, e, &at)
		entry_eval(f, e);
}

void
local_configure(struct fib *f)
{
	struct trie_node *n;

	TRIE_FOREACH(n, &f->locals)
		local_eval(f, container_of(n, struct local, node));
	discards_configure(f);
}

static void
judge_below(struct fib *f, const struct ip_prefix *p)
{
	struct fib_entry *e = entry_find(f, FIB_LEARNED, p);
	struct ip_prefix at = *p;

	for (e = e ? e : entry_after(f, FIB_LEARNED, p); e; e = entry_after(f, FIB_LEARNED, &at)) {
		at = entry_prefix(e);
		if (!ip_prefix_contains(p, &at))
			break;
		entry_judge(f, e);
	}
}

void
fib_local_set(struct fib *f, struct mono_us now, const struct ip_prefix *p, enum fib_own own)
{
	struct local *l = local_find(f, p);

	f->now = now;
	if (!l) {
		l = mem_zalloc(sizeof(*l));
		list_init(&l->say);
		trie_insert(&f->locals, &l->node, p);
	}
	l->block = own == FIB_OWN_BLOCK;
	l->cover = own == FIB_OWN_COVER;
	local_eval(f, l);
	judge_below(f, p);
}

void
fib_local_del(struct fib *f, struct mono_us now, const struct ip_prefix *p)
{
	struct local *l = local_find(f, p);
	struct ip_prefix q = *p;

	f->now = now;
	if (!l)
		return;
	list_remove(&l->say);
	trie_remove(&f->locals, &l->node);
	mem_free(l);
	want_entry(f, FIB_BLOCK, &q, false);
	judge_below(f, &q);
}

bool
local_next_report(struct fib *f, struct fib_report *ret)
{
	struct list *li;

	while ((li = list_pop_front(&f->local_reports))) {
		struct local *l = container_of(li, struct local, say);

		if (l->said == l->ready)
			continue;
		l->said = l->ready;
		ret->kind = l->ready ? FIB_REP_LOCAL_READY : FIB_REP_LOCAL_LOST;
		ret->prefix = l->node.prefix;
		return true;
	}
	return false;
}

void
locals_free(struct fib *f)
{
	struct trie_node *n;

	while ((n = trie_first(&f->locals))) {
		trie_remove(&f->locals, n);
		mem_free(container_of(n, struct local, node));
	}
}
