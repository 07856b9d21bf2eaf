/*
 * What was not written: defaults from the table, values inherited from `bgp`, and
 * what follows from other values.
 */
#include <assert.h>
#include <string.h>

#include "lib/conf_ctx.h"
#include "lib/conf_err.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

/* ---- from the table ------------------------------------------------------ */

/* The default of an option: one value, or several with blanks between. */
static void
put_defaults(const struct opt *o, void *base)
{
	const char *p = o->dflt, *end;
	uint32_t all = 0;
	char *word;
	bool ok;

	while (*p) {
		end = p + strcspn(p, " ");
		word = mem_strndup(p, (size_t)(end - p));
		ok = conf_put_default(o, base, word);
		assert(ok);
		(void)ok;
		mem_free(word);
		if (o->type == OPT_FLAGS)
			all |= *(uint32_t *)opt_field(o, base);
		p = end + strspn(end, " ");
	}
	if (o->type == OPT_FLAGS)
		*(uint32_t *)opt_field(o, base) = all;
}

static void
inherit(struct conf *c, const struct opt *o, void *base)
{
	const struct opt *from = opt_find(o->inherit);

	assert(from && from->type == o->type && !opt_codec(o)->owns && !(o->flags & OPT_F_MANY));
	memcpy(opt_field(o, base), opt_cfield(from, opt_base(from) ? base : (void *)c),
	    opt_codec(o)->size);
}

/* Fill what was not written in base, an element of list (NULL: struct conf itself). */
static void
fill_from_table(struct conf *c, const struct opt *list, void *base)
{
	const struct opt *o = NULL;

	while ((o = opt_next_in(list, o))) {
		if (opt_is_set(base, o))
			continue;
		if (o->dflt)
			put_defaults(o, base);
		else if (o->inherit)
			inherit(c, o, base);
	}
}

/* The lists in base, an element of list (NULL: struct conf itself), and what is in them. */
static void
fill_lists(struct conf *c, const struct opt *list, void *base)
{
	const struct opt *o = NULL, *members;
	struct conf_list *l;

	while ((o = opt_next_in(list, o))) {
		if (o->type != OPT_LIST)
			continue;
		l = opt_field(o, base);
		members = opt_members(o);
		for (size_t i = 0; i < l->n; i++) {
			fill_from_table(c, members, conf_list_at(l, o->elem, i));
			fill_lists(c, members, conf_list_at(l, o->elem, i));
		}
	}
}

/* ---- derived ------------------------------------------------------------- */

static void
fill_node(struct conf_ctx *ctx)
{
	const struct opt *o = opt_find("node.name");
	const char *host = ctx->env ? ctx->env->hostname : NULL;
	struct conf_err e = { .line = 1, .col = 1, .path = o->path, .found = "nothing" };

	if (opt_is_set(ctx->c, o))
		return;
	if (host && *host && conf_put_default(o, ctx->c, host)) {
		opt_mark_set(ctx->c, o);
		return;
	}
	e.wanted = opt_wanted(o);
	e.hint = host && *host ? "the host name is no such name" : "there is no host name";
	conf_note(ctx, e);
	mem_free((void *)e.wanted);
}

/* As in messages: 10.0.0.1, fe80::1%eth0, eth0. */
static char *
peer_default_name(const struct conf_peer *p)
{
	char buf[IP_ADDR_STRLEN], net[IP_PREFIX_STRLEN];

	if (conf_peer_is_unnumbered(p))
		return mem_strdup(p->ifname);
	if (p->peer_selector)
		return mem_strdup("nodes");
	if (p->ranges.n > 0)
		return mem_strdup(ip_prefix_str(&p->ranges.v[0], net));
	return mem_printf("%s%s%s", ip_addr_str(&p->addr, buf), p->ifname[0] ? "%" : "", p->ifname);
}

/* bgp.filters, unless the peer has a list of its own. */
static void
fill_filters(const struct conf *c, struct conf_peer *p)
{
	const struct opt *o = opt_find("peers[].filters");
	const struct conf_strs *from = &c->bgp.filters;

	if (opt_is_set(p, o))
		return;
	opt_mark_set(p, o);
	p->filters = (struct conf_strs){ .n = from->n };
	if (from->n > 0)
		p->filters.v = mem_zalloc_array(from->n, sizeof(from->v[0]));
	for (size_t i = 0; i < from->n; i++)
		p->filters.v[i] = mem_strdup(from->v[i]);
}

/* bgp.bfd, unless the peer says itself. */
static void
fill_bfd(const struct conf *c, struct conf_peer *p)
{
	const struct opt *o = opt_find("peers[].bfd");

	if (opt_is_set(p, o) || !c->bgp.bfd)
		return;
	opt_mark_set(p, o);
	p->bfd = mem_strdup(c->bgp.bfd);
}

/* Address and interface, which may be written in one. */
static void
fill_peer_address(struct conf_peer *p)
{
	p->addr = p->peer.addr;
	if (p->peer.ifname[0] && !p->ifname[0])
		memcpy(p->ifname, p->peer.ifname, sizeof(p->ifname));
	if (p->ifname[0])
		opt_mark_set(p, opt_find("peers[].interface"));
}

/* What depends on the peer's AS number. */
void
conf_fill_remote(const struct conf *c, struct conf_peer *p, bool import_given, bool export_given)
{
	bool internal;

	if (p->remote_as.how == CONF_AS_INTERNAL)
		p->remote_as.asn = c->bgp.asn;
	internal = conf_peer_is_ibgp(c, p) || conf_peer_is_confed(c, p);
	if (!import_given)
		p->import = internal ? CONF_IMPORT_ALL : CONF_IMPORT_PERMITTED;
	if (!export_given)
		p->export = internal ? CONF_EXPORT_ALL : CONF_EXPORT_OWN;
}

/* What does not; also for peers that others are made of. */
static void
fill_settings(struct conf *c, struct conf_peer *p)
{
	const struct opt *hold = opt_find("peers[].timers.hold");
	const struct opt *keepalive = opt_find("peers[].timers.keepalive");

	if (p->peer.port != 0 && !opt_is_set(p, opt_find("peers[].port")))
		p->port = p->peer.port;
	if (opt_is_set(p, hold) && !opt_is_set(p, keepalive))
		p->timers.keepalive_s = 0;
	p->gr.restart_s = c->bgp.gr.restart_s;
	fill_filters(c, p);
	fill_bfd(c, p);
}

static void
fill_peer(struct conf *c, struct conf_peer *p)
{
	const struct opt *import = opt_find("peers[].import"), *export = opt_find("peers[].export");
	const struct opt *as = opt_find("peers[].asNumber");

	if (!p->name)
		p->name = peer_default_name(p);
	opt_mark_set(p, opt_find("peers[].name"));
	fill_settings(c, p);
	if (p->ranges.n > 0 && !opt_is_set(p, opt_find("peers[].passive")))
		p->passive = true;
	if (p->peer_selector) /* the rest differs from peer to peer */
		return;
	if (conf_peer_is_unnumbered(p) && !opt_is_set(p, as))
		p->remote_as.how = CONF_AS_EXTERNAL;
	if (conf_peer_is_unnumbered(p))
		opt_mark_set(p, as);
	conf_fill_remote(c, p, opt_is_set(p, import), opt_is_set(p, export));
	opt_mark_set(p, import);
	opt_mark_set(p, export);
}

void
conf_fill_template(struct conf *c, struct conf_peer *p)
{
	fill_from_table(c, opt_find("peers"), p);
	fill_settings(c, p);
}

/* Another number than the file's is known for this node. */
static void
fill_asn(struct conf_ctx *ctx)
{
	struct conf_bgp *b = &ctx->c->bgp;

	b->cluster_asn = b->asn;
	if (ctx->env && ctx->env->asn)
		b->asn = ctx->env->asn;
}

static bool
has_advertisement(const struct conf *c, enum conf_adv_type type)
{
	for (size_t i = 0; i < c->advertisements.n; i++)
		if (c->advertisements.v[i].type == type)
			return true;
	return false;
}

static void
add_advertisement(struct conf_ctx *ctx, enum conf_adv_type type)
{
	struct conf_advs *as = &ctx->c->advertisements;
	struct conf_adv *v = mem_zalloc_array(as->n + 1, sizeof(v[0]));

	if (as->n > 0)
		memcpy(v, as->v, as->n * sizeof(v[0]));
	conf_marks_move(ctx, as->v, as->n * sizeof(v[0]), v);
	mem_free(as->v);
	as->v = v;
	as->v[as->n] = (struct conf_adv){ .type = type };
	opt_mark_set(&as->v[as->n++], opt_find("advertisements[].type"));
}

/*
 * Links without addresses lead nobody to the node: its own address has to be told. Objects add to
 * what is announced by default; only a file says that nothing is.
 */
static void
default_advertisements(struct conf_ctx *ctx)
{
	const struct conf *c = ctx->c;

	if (!has_advertisement(c, CONF_ADV_POD_CIDR))
		add_advertisement(ctx, CONF_ADV_POD_CIDR);
	if (conf_has_unnumbered(c) && !has_advertisement(c, CONF_ADV_NODE_IP))
		add_advertisement(ctx, CONF_ADV_NODE_IP);
}

static void
fill_advertisements(struct conf_ctx *ctx)
{
	struct conf *c = ctx->c;
	const struct opt *lp = opt_find("advertisements[].localPref");
	const struct opt *med = opt_find("advertisements[].med");
	struct conf_adv *a;

	if (!ctx->own_advertisements)
		default_advertisements(ctx);
	for (size_t i = 0; i < c->advertisements.n; i++) {
		a = &c->advertisements.v[i];
		a->has_local_pref = opt_is_set(a, lp);
		a->has_med = opt_is_set(a, med);
	}
}

static void
fill_bmp(struct conf_bmp *c)
{
	char addr[IP_ADDR_STRLEN];

	if (!c->name)
		c->name = mem_strdup(ip_addr_str(&c->addr, addr));
	opt_mark_set(c, opt_find("bmp[].name"));
}

static void
fill_kernel(struct conf *c)
{
	struct conf_kernel *k = &c->kernel;

	k->permit_given = opt_is_set(c, opt_find("kernel.permit"));
	k->protect_given = opt_is_set(c, opt_find("kernel.protect"));
	if (k->source_items.n > 0)
		k->source_how = k->source_items.v[0].how;
	for (size_t i = 0; i < k->source_items.n; i++)
		if (k->source_items.v[i].how == CONF_SOURCE_ADDR)
			k->source[k->source_items.v[i].addr.af == IP6] = k->source_items.v[i].addr;
}

void
conf_fill(struct conf_ctx *ctx)
{
	struct conf *c = ctx->c;

	fill_node(ctx);
	fill_from_table(c, NULL, c);
	fill_asn(ctx);
	for (size_t i = 0; i < c->peers.n; i++)
		fill_peer_address(&c->peers.v[i]);
	fill_advertisements(ctx);
	fill_lists(c, NULL, c);
	for (size_t i = 0; i < c->peers.n; i++)
		fill_peer(c, &c->peers.v[i]);
	for (size_t i = 0; i < c->bgp.mesh.n; i++)
		fill_settings(c, &c->bgp.mesh.v[i]);
	for (size_t i = 0; i < c->bmp.n; i++)
		fill_bmp(&c->bmp.v[i]);
	fill_kernel(c);
}

void
conf_settle(struct conf *c)
{
	struct conf_peer *p;

	for (size_t i = 0; i < c->peers.n; i++) {
		p = &c->peers.v[i];
		p->peer.port = 0;
		p->peer.ifname[0] = '\0';
	}
}
