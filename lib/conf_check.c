/*
 * Contradictions between values that are right by themselves: the node, the kernel,
 * and what the other checks share. A value that was complained about already is not
 * blamed twice.
 */
#include "lib/conf_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/conf_err.h"
#include "lib/conf_community.h"
#include "lib/mem.h"

/* ---- saying so ----------------------------------------------------------- */

/* Put the way from `from`, an element of list (NULL: struct conf), to base into p. */
static bool
path_to(struct conf_path *p, const struct opt *list, const void *from, const void *base)
{
	const struct opt *o = NULL;
	const struct conf_list *l;
	size_t mark = p->len;
	void *elem;

	while ((o = opt_next_in(list, o))) {
		if (o->type != OPT_LIST)
			continue;
		l = opt_cfield(o, from);
		for (size_t i = 0; i < l->n; i++) {
			elem = conf_list_at(l, o->elem, i);
			conf_path_key(p, list ? o->path + strlen(list->path) + strlen("[].") : o->path);
			if (o->flags & OPT_F_NAMED)
				conf_path_key(p, *opt_name_of(elem));
			else if (!(o->flags & OPT_F_ONE))
				conf_path_index(p, i);
			if (elem == base || path_to(p, opt_members(o), elem, base))
				return true;
			conf_path_cut(p, mark);
		}
	}
	return false;
}

/* Uplinks are found behind the peers; they are called as they were written. */
static void
call_uplink(struct conf_path *p, const struct conf *c, const struct opt *list, const void *base)
{
	const struct conf_peer *v = c->peers.v;
	size_t first = 0, i = 0;

	if (strcmp(list->path, "peers") != 0)
		return;
	while (first < c->peers.n && !v[first].uplink)
		first++;
	while (i < c->peers.n && &v[i] != base)
		i++;
	if (i < first || i == c->peers.n)
		return;
	conf_path_cut(p, 0);
	conf_path_key(p, "uplinks");
	conf_path_index(p, i - first);
}

char *
conf_instance_path(const struct conf *c, const void *base, const struct opt *o, int item)
{
	const struct opt *list = opt_base(o);
	struct conf_path p = { .len = 0 };

	if (list) {
		path_to(&p, NULL, c, base);
		call_uplink(&p, c, list, base);
		conf_path_key(&p, o->path + strlen(list->path) + strlen("[]."));
	} else {
		conf_path_key(&p, o->path);
	}
	if (item >= 0)
		conf_path_index(&p, (size_t)item);
	return mem_strdup(p.buf);
}

void
conf_clash(struct conf_ctx *ctx, const struct conf_clash *at, const char *fmt, ...)
{
	const struct opt *o = opt_find(at->path);
	struct conf_err e = { .warning = at->warning, .hint = at->hint };
	const struct ynode *n;
	char text[512];
	va_list ap;

	if (conf_is_bad(ctx, at->base, o) ||
	    (at->other && conf_is_bad(ctx, at->base, opt_find(at->other))))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = conf_where(ctx, at->base, o, at->item);
	e.part = n->part;
	e.line = n->line;
	e.col = n->col;
	e.path = conf_instance_path(ctx->c, at->base, o, at->item);
	e.wanted = text;
	conf_note(ctx, e);
	mem_free((void *)e.path);
}

void
conf_clash_name(struct conf_ctx *ctx, struct conf_clash at, const char *best, const char *what,
    const char *name)
{
	char *hint = best ? mem_printf("did you mean %s?", best) : NULL;

	at.hint = hint;
	conf_clash(ctx, &at, "no %s has the name \"%s\"", what, name);
	mem_free(hint);
}

#define CNI_NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
bool
conf_is_object_name(const char *name)
{
	static const char octets[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

	return name[0] != '\0' && name[strspn(name, octets)] == '\0';
}

/* ---- node ---------------------------------------------------------------- */

static void
check_pod_cidrs(struct conf_ctx *ctx)
{
	const struct conf_prefixes *pc = &ctx->c->node.pod_cidrs;
	struct conf_clash at = { .base = ctx->c, .path = "node.podCIDRs" };
	char a[IP_PREFIX_STRLEN], b[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < pc->n; i++) {
		at.item = (int)i;
		ip_prefix_str(&pc->v[i], a);
		if (ip_prefix_is_default(&pc->v[i]))
			conf_clash(ctx, &at, "%s is everything: no node's own range", a);
		for (size_t j = 0; j < i; j++)
			if (ip_prefix_overlaps(&pc->v[i], &pc->v[j]))
				conf_clash(ctx, &at, "%s overlaps %s, which stands here, too", a,
				    ip_prefix_str(&pc->v[j], b));
	}
}

/* ---- bgp ----------------------------------------------------------------- */

static void
check_bgp(struct conf_ctx *ctx)
{
	const struct conf_timers *t = &ctx->c->bgp.timers;
	struct conf_clash at = { .base = ctx->c,
		.path = "bgp.timers.keepalive",
		.item = -1,
		.other = "bgp.timers.hold" };
	struct conf_clash alone = { .base = ctx->c,
		.path = "bgp.gracefulRestart.longLivedWithoutPeer",
		.item = -1,
		.other = "bgp.gracefulRestart.longLived" };

	if (ctx->c->bgp.gr.longlived_alone && ctx->c->bgp.gr.longlived_s == 0)
		conf_clash(ctx, &alone, "longLived says for how long, and is off");
	if (t->keepalive_s > 0 && t->hold_s == 0)
		conf_clash(ctx, &at, "no keepalives are sent when hold is 0");
	else if (t->keepalive_s > 0 && t->keepalive_s >= t->hold_s)
		conf_clash(
		    ctx, &at, "%us is not less than the hold time, %us", t->keepalive_s, t->hold_s);
}

static void
check_confederation(struct conf_ctx *ctx)
{
	const struct conf_bgp *b = &ctx->c->bgp;
	struct conf_clash at = { .base = ctx->c,
		.path = "bgp.confederation.members",
		.item = -1,
		.other = "bgp.confederation.identifier" };

	if (b->confed_members.n > 0 && b->confed_id == 0)
		conf_clash(ctx, &at, "members need the confederation's identifier");
	for (size_t i = 0; i < b->confed_members.n; i++) {
		at.item = (int)i;
		if (b->confed_id != 0 && b->confed_members.v[i] == b->confed_id)
			conf_clash(ctx, &at, "%u is the confederation's identifier", b->confed_id);
	}
	if (b->confed_id == 0 || b->confed_id != b->asn)
		return;
	at = (struct conf_clash){ .base = ctx->c, .path = "bgp.confederation.identifier",
		.item = -1, .other = "bgp.asNumber" };
	conf_clash(ctx, &at, "%u is bgp.asNumber, which is the number of this node's member", b->asn);
}

/* ---- kernel -------------------------------------------------------------- */

static void
check_permit(struct conf_ctx *ctx)
{
	const struct conf_kernel *k = &ctx->c->kernel;
	struct conf_clash at = { .base = ctx->c, .path = "kernel.permit", .item = -1 };
	char buf[IP_PREFIX_STRLEN];

	if (k->install && k->permit.n == 0 && !k->permit_given && conf_is_clustered(ctx))
		return; /* the nodes' pod ranges are */
	if (k->install && k->permit.n == 0) {
		at.warning = true;
		at.hint = "name the cluster's pod ranges, or set kernel.install: false";
		conf_clash(ctx, &at, "no range is permitted: no learned route will be installed");
		return;
	}
	for (size_t i = 0; i < k->permit.n; i++)
		for (size_t j = 0; j < i; j++) {
			if (!ip_prefix_eq(&k->permit.v[i], &k->permit.v[j]))
				continue;
			at.item = (int)i;
			at.warning = true;
			conf_clash(
			    ctx, &at, "%s stands here twice", ip_prefix_str(&k->permit.v[i], buf));
			break;
		}
}

static void
check_kernel_source(struct conf_ctx *ctx)
{
	const struct conf_sources *s = &ctx->c->kernel.source_items;
	struct conf_clash at = { .base = ctx->c, .path = "kernel.sourceAddress", .item = 1 };

	if (s->n < 2)
		return;
	if (s->v[0].how != CONF_SOURCE_ADDR || s->v[1].how != CONF_SOURCE_ADDR)
		conf_clash(ctx, &at, "nodeIP and none stand alone");
	else if (s->v[0].addr.af == s->v[1].addr.af)
		conf_clash(ctx, &at, "a second %s address", ip_af_str(s->v[1].addr.af));
}

/* ---- natOutgoing --------------------------------------------------------- */

/* Where everything may be installed, nothing says which destinations are pods. */
static void
check_nat(struct conf_ctx *ctx)
{
	const struct conf_prefixes *permit = &ctx->c->kernel.permit, *ex = &ctx->c->nat.exclude;
	struct conf_clash at = { .base = ctx->c, .path = "kernel.permit", .warning = true };
	bool named;

	for (size_t i = 0; ctx->c->nat.enabled && i < permit->n; i++) {
		named = !ip_prefix_is_default(&permit->v[i]);
		for (size_t k = 0; k < ex->n; k++)
			named |= ex->v[k].af == permit->v[i].af;
		at.item = (int)i;
		if (!named)
			conf_clash(ctx, &at, "natOutgoing cannot tell pods of other nodes from the outside by this: "
			    "name their ranges in natOutgoing.exclude");
	}
}

/* ---- loadBalancerPools --------------------------------------------------- */

static void
check_pool_range(struct conf_ctx *ctx, const struct conf_pool *p, size_t i)
{
	struct conf_clash at = { .base = p, .path = "loadBalancerPools[].addresses", .item = (int)i };
	const struct conf_pools *all = &ctx->c->pools;
	const struct ip_range *r = &p->addresses.v[i];
	char buf[IP_RANGE_STRLEN];

	if (ip_addr_is_multicast(&r->last) || ip_addr_is_loopback(&r->first) || ip_addr_is_unspec(&r->first))
		conf_clash(ctx, &at, "%s is not for services", ip_range_str(r, buf));
	for (const struct conf_pool *q = all->v; q <= p; q++)
		for (size_t k = 0; k < (q == p ? i : q->addresses.n); k++)
			if (ip_range_overlaps(r, &q->addresses.v[k]))
				conf_clash(ctx, &at, "it overlaps %s, which stands %s, too",
				    ip_range_str(&q->addresses.v[k], buf), q == p ? "here" : "in another pool");
}

static void
check_pools(struct conf_ctx *ctx)
{
	const struct conf_pools *ps = &ctx->c->pools;
	struct conf_clash at = { .path = "loadBalancerPools[].name", .item = -1 };

	for (size_t i = 0; i < ps->n; i++) {
		at.base = &ps->v[i];
		for (size_t j = 0; ps->v[i].name && j < i; j++)
			if (ps->v[j].name && strcmp(ps->v[i].name, ps->v[j].name) == 0)
				conf_clash(ctx, &at, "another pool has that name, too");
		for (size_t k = 0; k < ps->v[i].addresses.n; k++)
			check_pool_range(ctx, &ps->v[i], k);
	}
}

/* ---- communities --------------------------------------------------------- */

static void
check_communities(struct conf_ctx *ctx)
{
	const struct conf_communities *cs = &ctx->c->communities;
	struct conf_clash at = { .path = "communities[].name", .item = -1 };
	struct conf_community_value v;
	const char *name;

	for (size_t i = 0; i < cs->n; i++) {
		at.base = &cs->v[i];
		name = cs->v[i].name;
		if (name && (strchr(name, ':') || conf_community_parse(name, &v)))
			conf_clash(
			    ctx, &at, "\"%s\" is a value already and cannot be a name", name);
		for (size_t j = 0; name && j < i; j++)
			if (cs->v[j].name && strcmp(cs->v[j].name, name) == 0)
				conf_clash(ctx, &at, "\"%s\" is the name of communities[%zu], too",
				    name, j);
	}
}

/* ---- bmp ----------------------------------------------------------------- */

static void
check_collector(struct conf_ctx *ctx, const struct conf_bmp *c)
{
	struct conf_clash at = { .base = c, .path = "bmp[].address", .item = -1 };
	char addr[IP_ADDR_STRLEN];

	ip_addr_str(&c->addr, addr);
	if (c->addr.af == IP6 && ip_addr_is_link_local(&c->addr))
		conf_clash(ctx, &at, "%s is link-local: a collector needs an address without scope",
		    addr);
	at.path = "bmp[].sourceAddress";
	at.other = "bmp[].address";
	if (c->source.how == CONF_SOURCE_ADDR && c->addr.af != IP_NONE &&
	    c->source.addr.af != c->addr.af)
		conf_clash(ctx, &at, "it is of another family than the collector's address, %s",
		    addr);
}

static void
check_bmp(struct conf_ctx *ctx)
{
	const struct conf_bmps *cs = &ctx->c->bmp;
	struct conf_clash at = { .path = "bmp[].name", .item = -1, .other = "bmp[].address" };

	for (size_t i = 0; i < cs->n; i++) {
		check_collector(ctx, &cs->v[i]);
		at.base = &cs->v[i];
		for (size_t j = 0; j < i; j++)
			if (strcmp(cs->v[j].name, cs->v[i].name) == 0)
				conf_clash(ctx, &at, "\"%s\" is the name of bmp[%zu], too",
				    cs->v[i].name, j);
	}
}

/* ---- cni ----------------------------------------------------------------- */

/* weftd writes to no other (weftd(8), --cni-dir). */
static void
check_cni(struct conf_ctx *ctx)
{
	static const char end[] = "-weft.conflist";
	struct conf_clash at = { .base = ctx->c, .path = "cni.name", .item = -1 };
	const char *name = ctx->c->cni.name;
	size_t n = name ? strlen(name) : 0, m = sizeof(end) - 1;

	if (!name)
		return;
	if (ctx->c->cni.data_dir && ctx->c->cni.data_dir[0] != '/')
		conf_clash(ctx, &(struct conf_clash){ .base = ctx->c, .path = "cni.dataDir", .item = -1 },
		    "\"%s\" does not begin at /", ctx->c->cni.data_dir);
	if (n <= m || strcmp(name + n - m, end) != 0)
		conf_clash(ctx, &at, "\"%s\" does not end in %s", name, end);
	else if (name[0] == '.' || strspn(name, CNI_NAME_CHARS) != n)
		conf_clash(ctx, &at, "\"%s\" is no plain file name (letters, digits, \"-\", \"_\", \".\")",
		    name);
}

void
conf_check(struct conf_ctx *ctx)
{
	check_pod_cidrs(ctx);
	check_bgp(ctx);
	check_confederation(ctx);
	conf_check_peers(ctx);
	check_communities(ctx);
	conf_check_advertisements(ctx);
	conf_check_filters(ctx);
	conf_check_bfd(ctx);
	check_permit(ctx);
	check_kernel_source(ctx);
	check_nat(ctx);
	check_pools(ctx);
	check_bmp(ctx);
	check_cni(ctx);
}
