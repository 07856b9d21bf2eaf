/*
 * Update groups: who belongs where, and who has to be asked to write.
 * See group.h; what happens when a member pulls is in pull.c.
 */
#include "bgpd/core/group.h"

#include <assert.h>
#include <string.h>

#include "bgpd/core/adjout.h"
#include "bgpd/core/aspath.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/loc.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

/* Pages of a dead group's table given back for one unit of work. */
#define CLEAR_UNITS_PER_PAGE 8

/* Logs are whole for those who come soon after others: a table that rests need not be there twice. */
static void
replays_fire(struct timer *t, struct mono_us now)
{
	struct groups *gs = container_of(t, struct groups, replays);
	struct speaker *sp = container_of(gs, struct speaker, groups);
	struct list *l;

	LIST_FOREACH(l, &gs->all) {
		struct group *g = container_of(l, struct group, node);
		struct mono_us end = mono_add_s(g->joined, GROUP_REPLAY_S);

		if (!g->replay)
			continue;
		if (mono_reached(now, end))
			group_forget_replay(g);
		else
			timer_set_earlier(&sp->timers, t, end);
	}
}

void
groups_init(struct speaker *sp)
{
	struct groups *gs = &sp->groups;

	list_init(&gs->all);
	list_init(&gs->dead);
	list_init(&gs->asked);
	list_init(&gs->owed);
	gs->batch = mem_zalloc(sizeof(*gs->batch));
	gs->log_octets = GROUP_LOG_OCTETS;
	gs->log_chunks = GROUP_LOG_CHUNKS;
	gs->too_large = (struct log_limit){ .burst = 10, .interval_us = 10000000 };
	gs->replays = (struct timer){ .fire = replays_fire };
	reap_init(sp);
}

static void
group_free(struct speaker *sp, struct group *g)
{
	list_remove(&g->node);
	outtable_free(&g->out, sp->pool);
	bitq_free(&g->dirty);
	bitq_free(&g->gone);
	outlog_free(&g->log);
	filter_chain_put(&sp->filters, g->chain);
	mem_free(g);
}

void
groups_free(struct speaker *sp)
{
	struct groups *gs = &sp->groups;

	while (!list_is_empty(&gs->all))
		group_free(sp, container_of(list_first(&gs->all), struct group, node));
	while (!list_is_empty(&gs->dead))
		group_free(sp, container_of(list_first(&gs->dead), struct group, node));
	timer_stop(&sp->timers, &gs->replays);
	reap_free(sp);
	vis_free(sp);
	mem_free(gs->batch);
}

void
group_nlri(const struct rib *rib, bool by_path, uint32_t id, struct nlri *ret)
{
	ret->path_id = by_path ? id : 0;
	rib_prefix_to(rib, by_path ? rib_path(rib, id)->dest : id, &ret->prefix);
}

/* ---- what changed ------------------------------------------------------------ */

bool
group_ready(const struct speaker *sp, const struct group *g, struct mono_us now)
{
	return !loc_busy(sp) || mono_diff_us(now, g->dirty_since) >= GROUP_HOLD_US;
}

/* Something is about to be queued. */
static void
group_stir(struct speaker *sp, struct group *g)
{
	if (group_is_dirty(g))
		return;
	g->dirty_since = sp->now;
	g->kick = true;
}

static void
group_touch(struct speaker *sp, struct group *g, uint32_t dest)
{
	group_stir(sp, g);
	bitq_add(&g->dirty, dest);
}

void
groups_touch(struct speaker *sp, unsigned i, uint32_t dest)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		struct group *g = container_of(l, struct group, node);

		if (AF_IDX(g->af) == i)
			group_touch(sp, g, dest);
	}
}

void
groups_touch_paths(struct speaker *sp, unsigned i, uint32_t dest)
{
	struct list *l;

	if (sp->groups.nby_path[i] == 0)
		return;
	LIST_FOREACH(l, &sp->groups.all) {
		struct group *g = container_of(l, struct group, node);

		if (AF_IDX(g->af) == i && group_by_path(g))
			group_touch(sp, g, dest);
	}
}

bool
groups_know_paths(const struct speaker *sp, unsigned i)
{
	return sp->groups.nby_path[i] > 0;
}

void
groups_path_gone(struct speaker *sp, unsigned i, uint32_t path)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		struct group *g = container_of(l, struct group, node);

		if (AF_IDX(g->af) != i || !group_by_path(g) || !outtable_get(&g->out, path))
			continue;
		group_stir(sp, g);
		bitq_add(&g->gone, path);
	}
	reap_dying(sp, REAP_PATHS + i, path);
}

/* Is something announced of a destination without paths?  Gone paths are queued already. */
static bool
is_announced(const struct group *g, uint32_t dest)
{
	return !group_by_path(g) && outtable_get(&g->out, dest);
}

static void
group_touch_all(struct speaker *sp, struct group *g)
{
	const struct rib *rib = &sp->rib[AF_IDX(g->af)];
	uint32_t id;

	for (id = 1; id < slots_end(&rib->dests); id++)
		if (rib_is_dest(rib, id) && (rib_dest(rib, id)->paths || is_announced(g, id)))
			group_touch(sp, g, id);
}

void
groups_touch_all(struct speaker *sp, unsigned i)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		struct group *g = container_of(l, struct group, node);

		if (AF_IDX(g->af) == i)
			group_touch_all(sp, g);
	}
}

void
groups_kick(struct speaker *sp)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all)
		container_of(l, struct group, node)->kick = true;
}

void
group_forget_replay(struct group *g)
{
	if (g->replay)
		outlog_leave(&g->log, g->replay);
	g->replay = NULL;
}

/* The words of that source lose their origin, so that they differ from every new one. */
static void
forget_source(struct group *g, uint16_t index)
{
	uint32_t id;

	for (id = 1; id < outtable_end(&g->out); id++) {
		uint64_t word = outtable_get(&g->out, id);

		if (word != 0 && outword_vis(word) == index)
			outtable_set(&g->out, id, outword(outword_attrs(word), VIS_GONE));
	}
}

void
groups_source_changed(struct speaker *sp, uint16_t index)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		forget_source(container_of(l, struct group, node), index);
		group_forget_replay(container_of(l, struct group, node)); /* it tells of that index, too */
	}
}

/* ---- membership ---------------------------------------------------------------- */

/* The IPv6 next hop "self": RFC 2545 section 3 for the link-local one. */
static struct update_nh
self_next_hop6(const struct ipc_endpoints *ep)
{
	bool has_ll = ep->ifindex != 0 && ep->self6ll.af != IP_NONE;

	if (!has_ll)
		return (struct update_nh){ .nh = ep->self6 };
	if (ep->self6.af != IP_NONE)
		return (struct update_nh){ .nh = ep->self6, .ll = ep->self6ll };
	if (ip_addr_is_link_local(&ep->remote))
		return (struct update_nh){ .nh = ep->self6ll, .ll = ep->self6ll };
	return (struct update_nh){ 0 };
}

/*
 * The next hop "self" of a session: the one that was given, or an own address;
 * for IPv4 over IPv6, where that was agreed on, an IPv6 one (RFC 8950).
 */
static struct update_nh
self_next_hop(const struct rpeer *rp, unsigned i)
{
	const struct ipc_endpoints *ep = &rp->peer->ep;

	if (rp->conf.next_hop[i].af != IP_NONE)
		return (struct update_nh){ .nh = rp->conf.next_hop[i] };
	if (AF_OF(i) == IP6 || (rp->peer->neg.ext_next_hop && ep->remote.af == IP6))
		return self_next_hop6(ep);
	return (struct update_nh){ .nh = ep->self4 };
}

/* What AS_PATHs to the peer show; equal policies share a group, so nothing is set that has no effect. */
static void
path_policy_of(const struct rpeer *rp, struct export_policy *ret)
{
	const struct ipc_conf_speaker *conf = &rp->sp->conf;
	const struct peer_neg *neg = &rp->peer->neg;
	uint8_t mode = rp->conf.local_as_mode;

	ret->role = rp->conf.role;
	ret->drop_confed = conf->confed_id != 0;
	ret->as_override = rp->conf.as_override;
	ret->private_as = rp->conf.private_as;
	if (ret->as_override ||
	    (ret->private_as != IPC_PRIVATE_KEEP && aspath_is_private(neg->remote_asn)))
		ret->peer_asn = neg->remote_asn;
	if (rp->conf.local_asn && (mode == IPC_LOCAL_AS_NO_PREPEND || mode == IPC_LOCAL_AS_PREPEND))
		ret->inner_asn = conf->confed_id ? conf->confed_id : conf->asn;
}

static void
export_policy_of(const struct rpeer *rp, unsigned i, const struct update_nh *self,
    struct export_policy *ret)
{
	const struct ipc_conf_speaker *conf = &rp->sp->conf;
	const struct peer_neg *neg = &rp->peer->neg;

	memset(ret, 0, sizeof(*ret));
	ret->af = AF_OF(i);
	ret->next_hop_mode = rp->conf.next_hop_mode;
	ret->self_octets = self->nh.af ? (uint8_t)update_nh_octets(self) : 0;
	ret->ebgp = neg->ebgp;
	ret->all = rp->conf.export_all;
	ret->confed = neg->ebgp && neg->confed;
	ret->transit = neg->ebgp && conf->transit;
	if (neg->ebgp && !neg->confed)
		path_policy_of(rp, ret);
	ret->rr_client = !neg->ebgp && rp->conf.rr_client;
	ret->no_client_to_client = ret->rr_client && conf->no_client_to_client;
	ret->as4 = neg->as4;
	if (neg->addpath_tx & AF_BIT(AF_OF(i))) {
		ret->addpath = rp->conf.addpath_send;
		ret->addpath_max = rp->conf.addpath_max;
	}
	ret->max_octets = peer_max_octets(neg);
	ret->llgr = neg->peer_llgr;
	ret->ext_next_hop = neg->ext_next_hop && AF_OF(i) == IP4;
	ret->local_asn = neg->local_asn;
	ret->cluster_id = conf->cluster_id ? conf->cluster_id : conf->router_id;
	ret->chain = filter_chain_id(rp->af[i].chain[1]);
	ret->gshut = rp->conf.drain == IPC_DRAIN_SIGNAL;
	ret->silent = rp->conf.drain >= IPC_DRAIN_WITHDRAW;
	ret->observe = conf->observe;
}

static struct group *
group_find(const struct speaker *sp, const struct export_policy *policy)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		struct group *g = container_of(l, struct group, node);

		if (memcmp(&g->policy, policy, sizeof(*policy)) == 0)
			return g;
	}
	return NULL;
}

/* Look at every destination, from the first on. */
static void
group_build(struct speaker *sp, struct group *g)
{
	bitq_free(&g->dirty);
	group_touch_all(sp, g);
	g->built = g->dirty.count == 0;
	g->build_lap = g->dirty.laps;
	g->unheard = false;
}

static struct group *
group_new(struct speaker *sp, const struct export_policy *policy, const struct filter_chain *chain)
{
	struct group *g = mem_zalloc(sizeof(*g));

	g->af = policy->af;
	g->policy = *policy;
	g->chain = filter_chain_ref(chain);
	g->ctx = (struct update_ctx){ .as4 = policy->as4,
		.ebgp = policy->ebgp,
		.confed = policy->confed,
		.families = AF_BIT(policy->af),
		.addpath_tx = group_by_path(g) ? AF_BIT(policy->af) : 0,
		.max_octets = policy->max_octets };
	outlog_init(&g->log, sp->pool);
	g->replay = outlog_join(&g->log);
	list_init(&g->members);
	list_push_back(&sp->groups.all, &g->node);
	sp->groups.n++;
	sp->groups.nby_path[AF_IDX(g->af)] += group_by_path(g);
	group_build(sp, g);
	return g;
}

/* Without members: the table goes, in slices. */
static void
group_retire(struct speaker *sp, struct group *g)
{
	list_remove(&g->node);
	list_push_back(&sp->groups.dead, &g->node);
	sp->groups.n--;
	sp->groups.nby_path[AF_IDX(g->af)] -= group_by_path(g);
	bitq_free(&g->dirty);
	bitq_free(&g->gone);
	group_forget_replay(g);
}

/* Take m into the group of its policy: with an empty past, or as a walker with m->has. */
static void
member_enter(struct member *m, const struct export_policy *policy, bool walking)
{
	struct speaker *sp = m->rp->sp;
	struct group *g = group_find(sp, policy);

	if (!g)
		g = group_new(sp, policy, m->rp->af[AF_IDX(policy->af)].chain[1]);
	m->g = g;
	list_push_back(&g->members, &m->node);
	g->nmembers++;
	sp->groups.members[AF_IDX(policy->af)]++;
	if (g->unheard)
		group_build(sp, g); /* there is somebody to hear now */
	member_ask(sp, m);
	g->joined = sp->now;
	if (g->replay)
		timer_set_earlier(&sp->timers, &sp->groups.replays, mono_add_s(sp->now, GROUP_REPLAY_S));
	if (g->replay && !walking) {
		m->at = outlog_join_at(g->replay);
		g->nsynced++;
	} else {
		member_walk_all(sp, m);
	}
}

static void
member_exit(struct member *m)
{
	struct group *g = m->g;

	if (m->at) {
		outlog_leave(&g->log, m->at);
		g->nsynced--;
	}
	m->at = NULL;
	list_remove(&m->node);
	m->rp->sp->groups.members[AF_IDX(g->policy.af)]--;
	if (--g->nmembers == 0)
		group_retire(m->rp->sp, g);
	m->g = NULL;
}

void
groups_join(struct rpeer *rp, struct mono_us now, unsigned i)
{
	struct member *m = mem_zalloc(sizeof(*m));
	struct export_policy policy;

	assert(!rp->af[i].member);
	list_init(&m->ask);
	m->rp = rp;
	m->eor_due = true;
	m->self = self_next_hop(rp, i);
	export_policy_of(rp, i, &m->self, &policy);
	if (policy.self_octets == 0)
		speaker_event(rp->sp, LOG_WARN, rp, "no-next-hop", "family=%s why=\"%s\"",
		    afi_desc[i].name, policy_export_text(EXPORT_NO_SELF));
	rp->af[i].member = m;
	member_enter(m, &policy, false);
}

void
groups_leave(struct rpeer *rp, unsigned i)
{
	struct member *m = rp->af[i].member;

	if (!m)
		return;
	rp->af[i].member = NULL;
	list_remove(&m->ask);
	member_exit(m);
	bitq_free(&m->todo);
	bitq_free(&m->has);
	mem_free(m);
}

/* The member walks, from the beginning. */
static void
member_again(struct member *m)
{
	struct speaker *sp = m->rp->sp;

	if (m->at)
		member_detach(sp, m);
	member_walk_all(sp, m);
	member_ask(sp, m);
}

/* Another next hop of its own: everything is to be said again. */
static bool
next_hop_changed(struct member *m, unsigned i)
{
	struct update_nh self = self_next_hop(m->rp, i);

	if (ip_addr_eq(&self.nh, &m->self.nh) && ip_addr_eq(&self.ll, &m->self.ll))
		return false;
	m->self = self;
	return true;
}

void
groups_rejoin(struct rpeer *rp, struct mono_us now, unsigned i)
{
	struct member *m = rp->af[i].member;
	struct export_policy policy;
	bool again;
	uint32_t id;

	if (!m)
		return;
	again = next_hop_changed(m, i);
	export_policy_of(rp, i, &m->self, &policy);
	if (memcmp(&policy, &m->g->policy, sizeof(policy)) == 0) {
		if (again)
			member_again(m);
		return;
	}
	if (m->at)
		member_detach(rp->sp, m);
	member_exit(m);
	member_enter(m, &policy, true);
	for (id = 1; id / 64 < m->has.nwords; id++) /* sent before: to be withdrawn or replaced */
		if (bitq_has(&m->has, id))
			bitq_add(&m->todo, id);
}

void
groups_refresh(struct rpeer *rp, struct mono_us now, unsigned i)
{
	struct member *m = rp->af[i].member;

	if (!m)
		return;
	m->refresh_due = true;
	member_ask(rp->sp, m);
}

void
member_refresh(struct member *m)
{
	m->refresh_due = false;
	member_again(m);
	m->borr_due = m->rp->peer->neg.enhanced_refresh;
	m->eorr_due = false;
}

/* ---- work ------------------------------------------------------------------------- */

void
member_ask(struct speaker *sp, struct member *m)
{
	list_remove(&m->ask);
	list_push_back(&sp->groups.asked, &m->ask);
}

void
groups_decided(struct speaker *sp)
{
	struct list *l, *tmp;

	if (!gr_end_of_rib_ready(sp))
		return; /* all are asked when it may be sent */
	LIST_FOREACH_SAFE(l, tmp, &sp->groups.owed)
		member_ask(sp, container_of(l, struct member, ask));
}

/* Those whose End-of-RIB has waited long enough, while decisions never come to an end: now and then. */
static void
ask_late(struct speaker *sp, struct mono_us now)
{
	const struct list *l = list_first(&sp->groups.owed);
	const struct rpeer *rp = l ? container_of(l, const struct member, ask)->rp : NULL;

	if (!rp || mono_diff_us(now, rp->up_since) < GROUP_EOR_WITHIN_US ||
	    mono_diff_us(now, sp->groups.late_asked) < GROUP_HOLD_US)
		return;
	sp->groups.late_asked = now;
	groups_decided(sp);
}

/*
 * A thousand sessions that come up one after another are asked one at a time: their group as a
 * whole, whenever one joins, would be a million questions.
 */
static void
ask_members(struct speaker *sp, struct mono_us now)
{
	struct list *l;

	while ((l = list_first(&sp->groups.asked))) {
		struct member *m = container_of(l, struct member, ask);

		list_remove(&m->ask);
		if (groups_wants_fill(m->rp, now, AF_IDX(m->g->af)))
			peer_kick(m->rp->peer);
		else if (group_is_dirty(m->g))
			m->g->kick = true; /* that is held back: once it is let go */
		if (m->eor_due)
			list_push_back(&sp->groups.owed, &m->ask);
	}
}

static void
kick_members(struct group *g, struct mono_us now)
{
	struct list *l;

	g->kick = false;
	LIST_FOREACH(l, &g->members) {
		struct rpeer *rp = container_of(l, struct member, node)->rp;

		if (groups_wants_fill(rp, now, AF_IDX(g->af)))
			peer_kick(rp->peer);
	}
}

static void
clear_dead(struct speaker *sp, int *units)
{
	struct list *l;

	while (*units > 0 && (l = list_first(&sp->groups.dead))) {
		struct group *g = container_of(l, struct group, node);

		if (g->clear_page == g->out.npages) {
			group_free(sp, g);
			continue;
		}
		outtable_clear_page(&g->out, sp->pool, g->clear_page++);
		*units -= CLEAR_UNITS_PER_PAGE;
	}
}

/* A change that is held back for packing has its members asked when it is let go. */
static bool
kick_due(const struct speaker *sp, const struct group *g, struct mono_us now)
{
	return g->kick && (!group_is_dirty(g) || group_ready(sp, g, now));
}

void
groups_work(struct speaker *sp, struct mono_us now, int *units)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		struct group *g = container_of(l, struct group, node);

		if (kick_due(sp, g, now))
			kick_members(g, now);
	}
	ask_late(sp, now);
	ask_members(sp, now);
	clear_dead(sp, units);
	reap_work(sp, units);
}

bool
groups_busy(const struct speaker *sp, struct mono_us now)
{
	struct list *l;

	if (!list_is_empty(&sp->groups.asked) || !list_is_empty(&sp->groups.dead) ||
	    reap_busy(&sp->groups.reaper))
		return true;
	LIST_FOREACH(l, &sp->groups.all)
		if (kick_due(sp, container_of(l, struct group, node), now))
			return true;
	return false;
}

/* ---- views --------------------------------------------------------------------------- */

const struct attrs *
groups_advertised(const struct rpeer *rp, unsigned i, uint32_t id, uint16_t *ret_vis)
{
	const struct member *m = rp->af[i].member;
	uint64_t word = m ? outtable_get(&m->g->out, id) : 0;

	if (word == 0 || !vis_sees(rp->sp, outword_vis(word), rp))
		return NULL;
	*ret_vis = outword_vis(word);
	return outword_attrs(word);
}

bool
groups_told(const struct rpeer *rp, unsigned i)
{
	const struct member *m = rp->af[i].member;

	if (!m)
		return true;
	return m->at && !outlog_next(m->at) && m->g->built && !group_is_dirty(m->g) &&
	    !m->refresh_due;
}

bool
groups_announces(const struct rpeer *rp, unsigned i)
{
	const struct member *m = rp->af[i].member;
	uint16_t vis;
	uint32_t id;

	for (id = 1; m && id < outtable_end(&m->g->out); id++)
		if (groups_advertised(rp, i, id, &vis))
			return true;
	return false;
}

uint32_t
groups_count(const struct rpeer *rp, unsigned i)
{
	const struct member *m = rp->af[i].member;
	uint32_t id, n = 0;
	uint16_t vis;

	for (id = 1; m && id < outtable_end(&m->g->out); id++)
		n += groups_advertised(rp, i, id, &vis) != NULL;
	return n;
}
