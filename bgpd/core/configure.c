/*
 * Taking a whole configuration: what has to change, and how little of it has
 * to touch a session.
 */
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/drain.h"
#include "bgpd/core/loc.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

/* ---- permitted prefixes ---------------------------------------------------------- */

/* The same prefixes as now; permit may name one twice. */
static bool
same_permit(const struct speaker *sp, const struct ip_prefix *permit, size_t n)
{
	struct trie_node *node;
	size_t k;

	for (k = 0; k < n; k++)
		if (!trie_find(&sp->permit, &permit[k]))
			return false;
	TRIE_FOREACH(node, &sp->permit) {
		for (k = 0; k < n && !ip_prefix_eq(&node->prefix, &permit[k]); k++)
			;
		if (k == n)
			return false;
	}
	return true;
}

/* Returns true when the set changed. */
static bool
set_permit(struct speaker *sp, const struct ip_prefix *permit, size_t n)
{
	size_t k;

	if (same_permit(sp, permit, n))
		return false;
	mem_free(sp->permit_nodes);
	trie_init(&sp->permit);
	sp->permit_nodes = mem_zalloc_array(n ? n : 1, sizeof(*sp->permit_nodes));
	for (k = 0; k < n; k++) {
		struct ip_prefix p = permit[k];

		ip_prefix_mask(&p);
		trie_insert(&sp->permit, &sp->permit_nodes[k], &p);
	}
	return true;
}

/* ---- the speaker's own settings ----------------------------------------------------- */

/* Does every OPEN look different now? */
static bool
identity_changed(const struct ipc_conf_speaker *a, const struct ipc_conf_speaker *b)
{
	return a->asn != b->asn || a->router_id != b->router_id || a->gr_enabled != b->gr_enabled ||
	    a->gr_restart_time_s != b->gr_restart_time_s || a->confed_id != b->confed_id ||
	    a->nmembers != b->nmembers ||
	    memcmp(a->member, b->member, a->nmembers * sizeof(a->member[0])) != 0;
}

static void
decide_all(struct speaker *sp)
{
	uint32_t id;
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		for (id = 1; id < slots_end(&sp->rib[i].dests); id++)
			if (rib_is_dest(&sp->rib[i], id) && rib_dest(&sp->rib[i], id)->paths)
				loc_touch(sp, i, id);
}

/* Settings that change what is made of stored paths. */
static void
apply_speaker(struct speaker *sp, const struct ipc_conf_speaker *old)
{
	unsigned i;

	if (old->multipath != sp->conf.multipath || old->weighted != sp->conf.weighted ||
	    old->install != sp->conf.install || old->no_routes != sp->conf.no_routes)
		decide_all(sp); /* with install there are backups */
	if (old->install != sp->conf.install)
		for (i = 0; i < AF_COUNT; i++)
			groups_touch_all(sp, i);
}

/* Who aggregates, of our own covering prefixes: RFC 4271 section 5.1.7. */
static void
readdress(struct speaker *sp, struct mono_us now, unsigned i, uint32_t dest)
{
	uint32_t id = rib_path_find(&sp->rib[i], dest, RIB_LOCAL_PEER, 0);
	const struct attrs *a = id ? rib_path(&sp->rib[i], id)->attrs : NULL;
	struct ip_prefix prefix = rib_prefix(&sp->rib[i], dest);
	struct attrs_build b;

	if (!a || !(a->flags & ATTRS_AGGREGATOR))
		return;
	attrs_to_build(a, &b);
	speaker_aggregator(sp, &b);
	a = attrs_intern(sp->pool, &b);
	adjin_local(sp, now, &prefix, a);
	attrs_unref(sp->pool, a);
}

static void
readdress_all(struct speaker *sp, struct mono_us now)
{
	uint32_t id;
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		for (id = 1; id < slots_end(&sp->rib[i].dests); id++)
			if (rib_is_dest(&sp->rib[i], id))
				readdress(sp, now, i, id);
}

/* ---- peers ------------------------------------------------------------------------------ */

/* Thousands of peers are found by their ids. */
struct known {
	uint32_t id;
	struct rpeer *rp; /* NULL: it is one of the configuration's */
};

static int
by_id(const void *a, const void *b)
{
	const struct known *ka = a, *kb = b;

	return ka->id < kb->id ? -1 : ka->id > kb->id;
}

static const struct known *
known_find(const struct known *v, size_t n, uint32_t id)
{
	return bsearch(&(struct known){ .id = id }, v, n, sizeof(v[0]), by_id);
}

static void
remove_peers(struct speaker *sp, struct mono_us now, const struct ipc_conf_peer *peers, size_t n,
    struct ipc_conf_applied *ret)
{
	struct known *named = mem_zalloc_array(n + 1, sizeof(named[0]));
	uint16_t k;

	for (size_t i = 0; i < n; i++)
		named[i].id = peers[i].id;
	qsort(named, n, sizeof(named[0]), by_id);
	for (k = 1; k < sp->npeers; k++) {
		struct rpeer *rp = sp->peer[k];

		if (!rp || !rp->peer || known_find(named, n, rp->id))
			continue;
		rpeer_remove(rp, now);
		ret->removed++;
	}
	mem_free(named);
}

/* Those that the speaker has now, by id; the caller's to mem_free(). */
static struct known *
known_peers(const struct speaker *sp, size_t *ret_n)
{
	struct known *v = mem_zalloc_array(sp->npeers + 1u, sizeof(v[0]));
	size_t n = 0;
	uint16_t k;

	for (k = 1; k < sp->npeers; k++)
		if (sp->peer[k] && sp->peer[k]->peer)
			v[n++] = (struct known){ sp->peer[k]->id, sp->peer[k] };
	qsort(v, n, sizeof(v[0]), by_id);
	*ret_n = n;
	return v;
}

const struct ipc_conf_peer *
speaker_next_conf(const struct speaker *sp, uint16_t *pos)
{
	while (++*pos < sp->npeers)
		if (sp->peer[*pos] && sp->peer[*pos]->peer)
			return &sp->peer[*pos]->conf;
	return NULL;
}

/* Would the import policy say something else? */
static bool
import_changed(const struct ipc_conf_peer *a, const struct ipc_conf_peer *b)
{
	return a->import_all != b->import_all || a->any_first_as != b->any_first_as ||
	    a->allow_as_in != b->allow_as_in || a->accept_blackhole != b->accept_blackhole ||
	    a->ignore_gshut != b->ignore_gshut;
}

/* Settings that need no session: applied to what is stored and to what was announced. */
static void
apply_peer(struct rpeer *rp, struct mono_us now, const struct ipc_conf_peer *old, bool reimport)
{
	unsigned i;

	if (mono_is_never(rp->up_since))
		return;
	rpeer_import_policy(rp);
	rp->src.onlink = rp->conf.onlink;
	rp->src.rr_client = !rp->src.ebgp && rp->conf.rr_client;
	rp->src.ignore_gshut = rp->conf.ignore_gshut;
	if (reimport || import_changed(old, &rp->conf))
		rp->reimport = true;
	for (i = 0; i < AF_COUNT; i++) {
		if (rp->reimport)
			adjin_walk_request(rp->sp, i);
		groups_rejoin(rp, now, i);
		if (memcmp(&old->maxpfx[i], &rp->conf.maxpfx[i], sizeof(old->maxpfx[i])) != 0)
			adjin_limit_changed(rp, now, i);
	}
}

/* What others are told of its paths depends on this. */
static bool
source_changed(const struct ipc_conf_peer *a, const struct ipc_conf_peer *b)
{
	return a->rr_client != b->rr_client || a->onlink != b->onlink ||
	    a->ignore_gshut != b->ignore_gshut;
}

void
speaker_set_filters(struct speaker *sp, struct filter_db *db)
{
	filter_db_free(sp->filter_db);
	sp->filter_db = db;
	filters_forget(&sp->filters, sp->pool);
}

static void
change_peer(struct rpeer *rp, struct mono_us now, const struct ipc_conf_peer *conf, bool reimport,
    struct ipc_conf_applied *ret)
{
	struct ipc_conf_peer old = rp->conf;
	bool differs = memcmp(&old, conf, sizeof(old)) != 0;
	unsigned i;

	drain_prepare(rp, conf);
	rpeer_set_conf(rp, conf);
	reimport |= rpeer_filters(rp);
	gr_changed(rp, now);
	if (peer_configure(rp->peer, now, conf)) {
		ret->reset++;
		rp->addr = conf->addr;
		drain_apply(rp, now, &old);
		return;
	}
	ret->changed += differs;
	if (source_changed(&old, conf) || drain_is_alone(rp) != rp->src.draining) {
		rp->src.draining = drain_is_alone(rp);
		groups_source_changed(rp->sp, rp->index);
		for (i = 0; i < AF_COUNT; i++) {
			groups_touch_all(rp->sp, i);
			loc_touch_all(rp->sp, i);
		}
	}
	apply_peer(rp, now, &old, reimport);
	drain_apply(rp, now, &old);
}

static void
add_peer(struct speaker *sp, struct mono_us now, const struct ipc_conf_peer *conf,
    struct ipc_conf_applied *ret)
{
	struct rpeer *rp = rpeer_new(sp, now, conf);

	if (!rp) {
		speaker_event(sp, LOG_ERR, NULL, "too-many-peers", "limit=%d", PEERS_MAX);
		return;
	}
	ret->added++;
	drain_apply(rp, now, NULL);
	peer_start(rp->peer, now);
}

void
speaker_peer_add(struct speaker *sp, struct mono_us now, const struct ipc_conf_peer *conf)
{
	struct rpeer *rp = speaker_peer(sp, conf->id);
	struct ipc_conf_applied ret = { 0 };

	sp->now = now;
	if (rp)
		change_peer(rp, now, conf, false, &ret);
	else
		add_peer(sp, now, conf, &ret);
}

static void
reset_all(struct speaker *sp, struct mono_us now)
{
	uint16_t k;

	for (k = 1; k < sp->npeers; k++)
		if (sp->peer[k] && sp->peer[k]->peer)
			peer_speaker_changed(sp->peer[k]->peer, now);
}

void
speaker_configure(struct speaker *sp, struct mono_us now, const struct ipc_conf_speaker *conf,
    const struct ipc_conf_peer *peers, size_t npeers, const struct ip_prefix *permit,
    size_t npermit, struct ipc_conf_applied *ret)
{
	struct ipc_conf_speaker old = sp->conf;
	bool first = !sp->configured, reimport;
	struct known *known;
	size_t k, nknown;

	sp->now = now;
	*ret = (struct ipc_conf_applied){ 0 };
	sp->conf = *conf;
	sp->configured = true;
	reimport = set_permit(sp, permit, npermit) || old.cluster_id != conf->cluster_id;
	remove_peers(sp, now, peers, npeers, ret);
	if (!first && identity_changed(&old, conf)) {
		reset_all(sp, now);
		readdress_all(sp, now);
	}
	known = known_peers(sp, &nknown);
	for (k = 0; k < npeers; k++) {
		const struct known *have = known_find(known, nknown, peers[k].id);

		struct rpeer *rp = have ? have->rp : speaker_peer(sp, peers[k].id);

		if (rp)
			change_peer(rp, now, &peers[k], reimport, ret);
		else
			add_peer(sp, now, &peers[k], ret);
	}
	mem_free(known);
	unnumbered_configure(sp, now);
	if (first)
		gr_begin(sp, now);
	else
		apply_speaker(sp, &old);
	gr_check(sp, now);
}
