/*
 * Loading a configuration, step by step, and giving it back. See conf.h.
 */
#include "lib/conf.h"

#include <string.h>

#include "lib/conf_ctx.h"
#include "lib/conf_err.h"
#include "lib/conf_filter.h"
#include "lib/conf_graft.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

void
conf_note(struct conf_ctx *ctx, struct conf_err e)
{
	char *path = conf_graft_path(&ctx->parts[e.part], e.path);

	e.path = path;
	conf_errs_add(ctx->errs, &e);
	mem_free(path);
}

struct conf *
conf_load(const struct conf_env *env, const char *name, const char *text, size_t len,
    struct conf_errs *errs)
{
	struct conf_part file = { .kind = CONF_PART_FILE, .name = name, .text = text, .len = len };

	return conf_load_parts(env, &file, 1, errs);
}

struct conf *
conf_load_parts(const struct conf_env *env, const struct conf_part *parts, size_t n,
    struct conf_errs *errs)
{
	struct conf_ctx ctx = { .env = env, .errs = errs, .parts = parts };
	struct conf_graft graft;
	bool ok;

	conf_errs_free(errs);
	errs->file = n ? mem_strdup(parts[0].name) : NULL;
	for (size_t i = 0; i < n; i++)
		conf_errs_name_part(errs, parts[i].name, parts[i].no_lines);
	ok = conf_graft(&graft, parts, n, errs);
	if (ok) {
		ctx.root = graft.root;
		ctx.own_advertisements = graft.own_advertisements;
		ctx.c = mem_zalloc(sizeof(*ctx.c));
		if (conf_parse(&ctx)) {
			conf_fill(&ctx);
			conf_check(&ctx);
			conf_settle(ctx.c);
		}
		mem_free(ctx.mark);
	}
	conf_graft_free(&graft);
	conf_errs_sort(errs);
	if (errs->nerrors == 0)
		return ctx.c;
	conf_free(ctx.c);
	return NULL;
}

/* ---- giving it back ------------------------------------------------------ */

static void
clear_option(const struct opt *o, void *base)
{
	void *field = opt_field(o, base);
	struct conf_list *l = field;

	if (o->type == OPT_MAP || o->type == OPT_LIST)
		return;
	if (!(o->flags & OPT_F_MANY)) {
		opt_clear(o, field);
		return;
	}
	for (size_t i = 0; i < l->n; i++)
		opt_clear(o, conf_list_at(l, opt_codec(o)->size, i));
	mem_free(l->v);
}

/* Everything that base, an element of list (NULL: struct conf itself), owns. */
static void
clear_base(const struct opt *list, void *base)
{
	const struct opt *o = NULL;

	while ((o = opt_next_in(list, o)))
		clear_option(o, base);
}

/* The lists in base, an element of list (NULL: struct conf itself), with all that is in them. */
static void
clear_lists(const struct opt *list, void *base)
{
	const struct opt *o = NULL, *members;
	struct conf_list *l;
	void *elem;

	while ((o = opt_next_in(list, o))) {
		if (o->type != OPT_LIST)
			continue;
		l = opt_field(o, base);
		members = opt_members(o);
		for (size_t i = 0; i < l->n; i++) {
			elem = conf_list_at(l, o->elem, i);
			clear_lists(members, elem);
			clear_base(members, elem);
			if (o->flags & OPT_F_NAMED)
				mem_free(*opt_name_of(elem));
		}
		mem_free(l->v);
	}
}

/* A peer out of a template owns two texts. */
static void
free_made(struct conf_peers *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		if (ps->v[i].origin == CONF_PEER_WRITTEN)
			continue;
		mem_free(ps->v[i].name);
		mem_free(ps->v[i].of_node);
	}
}

void
conf_peers_clear(struct conf_peers *ps)
{
	free_made(ps);
	for (size_t i = 0; i < ps->n; i++)
		if (ps->v[i].origin == CONF_PEER_WRITTEN)
			clear_base(opt_find("peers"), &ps->v[i]);
	mem_free(ps->v);
	*ps = (struct conf_peers){ NULL, 0 };
}

void
conf_free(struct conf *c)
{
	if (!c)
		return;
	conf_peers_clear(&c->peers);
	conf_peers_clear(&c->templates);
	for (size_t i = 0; i < c->advertisements.n; i++)
		mem_free(c->advertisements.v[i].communities.v);
	conf_filters_clear(&c->filters);
	clear_lists(NULL, c);
	clear_base(NULL, c);
	mem_free(c);
}

/* ---- looking things up --------------------------------------------------- */

const struct conf_peer *
conf_peer_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->peers.n; i++)
		if (strcmp(c->peers.v[i].name, name) == 0)
			return &c->peers.v[i];
	return NULL;
}

const struct conf_filter *
conf_filter_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->filters.n; i++)
		if (strcmp(c->filters.v[i].name, name) == 0)
			return &c->filters.v[i];
	return NULL;
}

const struct conf_bfd *
conf_bfd_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->bfd.n; i++)
		if (c->bfd.v[i].name && strcmp(c->bfd.v[i].name, name) == 0)
			return &c->bfd.v[i];
	return NULL;
}

const struct conf_bfd *
conf_peer_bfd(const struct conf *c, const struct conf_peer *p)
{
	/* The defaults of the options under bfdProfiles. */
	static const struct conf_bfd dflt = { .name = (char *)(uintptr_t)CONF_BFD_DEFAULT, .rx_ms = 300,
		.tx_ms = 300, .multiplier = 3, .min_ttl = 254, .key_id = 1 };
	const struct conf_bfd *b;

	if (!p->bfd || strcmp(p->bfd, CONF_BFD_OFF) == 0)
		return NULL;
	b = conf_bfd_find(c, p->bfd);
	return b || strcmp(p->bfd, CONF_BFD_DEFAULT) != 0 ? b : &dflt;
}

const struct conf_ao_key *
conf_ao_key_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->ao_keys.n; i++)
		if (c->ao_keys.v[i].name && strcmp(c->ao_keys.v[i].name, name) == 0)
			return &c->ao_keys.v[i];
	return NULL;
}

bool
conf_has_unnumbered(const struct conf *c)
{
	for (size_t i = 0; i < c->peers.n; i++)
		if (conf_peer_is_unnumbered(&c->peers.v[i]))
			return true;
	return false;
}

bool
conf_protects(const struct conf *c, enum conf_protect_what what)
{
	for (size_t i = 0; i < c->kernel.protect.n; i++)
		if (c->kernel.protect.v[i].what == what)
			return true;
	return false;
}

bool
conf_peer_is_confed(const struct conf *c, const struct conf_peer *p)
{
	if (p->remote_as.how == CONF_AS_EXTERNAL || c->bgp.confed_id == 0)
		return false;
	for (size_t i = 0; i < c->bgp.confed_members.n; i++)
		if (c->bgp.confed_members.v[i] == p->remote_as.asn)
			return p->remote_as.asn != c->bgp.asn;
	return false;
}

uint32_t
conf_peer_local_as(const struct conf *c, const struct conf_peer *p)
{
	if (p->local_as)
		return p->local_as;
	if (c->bgp.confed_id && !conf_peer_is_ibgp(c, p) && !conf_peer_is_confed(c, p))
		return c->bgp.confed_id;
	return c->bgp.asn;
}
