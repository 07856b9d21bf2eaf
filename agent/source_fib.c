/*
 * What the fib is told: where routes go, which are permitted, what is protected.
 */
#include "agent/source_priv.h"

#include <string.h>

#include "agent/fallover.h"
#include "agent/kube/kube.h"
#include "agent/places.h"
#include "lib/conf.h"
#include "lib/mem.h"

#define SERVERS_MAX 8 /* addresses of the API server */

static struct ip_addr
source_hint(const struct agent *a, uint8_t af)
{
	const struct conf_kernel *k = &a->conf->kernel;
	struct ip_addr node = af == IP4 ? a->node4 : a->node6;

	switch (k->source_how) {
	case CONF_SOURCE_ADDR:
		return k->source[af - 1].af ? k->source[af - 1] : node;
	case CONF_SOURCE_NODE_IP:
		return node;
	case CONF_SOURCE_NONE:
	case CONF_SOURCE_INTERFACE:
		break;
	}
	return (struct ip_addr){ 0 };
}

static bool
names_exactly(const struct conf_prefixes *permit, uint8_t af)
{
	for (size_t i = 0; i < permit->n; i++)
		if (permit->v[i].af == af && permit->v[i].len == 0)
			return true;
	return false;
}

/* The API server's addresses, each as a prefix of its own. */
static size_t
protect_servers(const struct agent *a, struct ip_prefix *to)
{
	struct ip_addr addr[SERVERS_MAX];
	size_t n = kube_server_addresses(a->kube, addr, SERVERS_MAX);

	for (size_t i = 0; i < n; i++)
		to[i] = ip_prefix_of(&addr[i], addr[i].af == IP4 ? 32 : 128);
	return n;
}

void
source_protect_again(struct agent *a)
{
	if (!a->conf)
		return;
	source_apply_fib(a);
	agent_kick(a);
}

void
source_apply_fib(struct agent *a)
{
	static const enum fib_nhobj_mode nhobj[] = {
		[CONF_AUTO] = FIB_NHOBJ_AUTO, [CONF_ON] = FIB_NHOBJ_ON, [CONF_OFF] = FIB_NHOBJ_OFF
	};
	static const enum fib_block block[] = { [CONF_OWN_BLACKHOLE] = FIB_BLOCK_BLACKHOLE,
		[CONF_OWN_UNREACHABLE] = FIB_BLOCK_UNREACHABLE, [CONF_OWN_NONE] = FIB_BLOCK_NONE };
	const struct conf_kernel *k = &a->conf->kernel;
	struct ip_addr *peers = mem_zalloc_array(a->npeers + 1, sizeof *peers);
	struct ip_addr *follow = mem_zalloc_array(a->npeers + 1, sizeof *follow);
	struct ip_prefix *protect = mem_zalloc_array(k->protect.n + SERVERS_MAX, sizeof *protect);
	struct fib_conf f = {
		.install = k->install,
		.observe = a->conf->observe,
		.table = k->table,
		.protocol = (uint8_t)k->protocol,
		.metric = k->metric,
		.multipath = (uint8_t)k->multipath,
		.nhobj = nhobj[k->nexthop_objects],
		.source4 = source_hint(a, IP4),
		.source6 = source_hint(a, IP6),
		.own_block = block[k->own_block],
		.discard_permit = k->discard_pod_range == CONF_DISCARD_UNREACHABLE,
		.permit_default4 = names_exactly(&k->permit, IP4),
		.permit_default6 = names_exactly(&k->permit, IP6),
		.protect_default = k->protect_given && conf_protects(a->conf, CONF_PROTECT_DEFAULT),
		.protect_node = conf_protects(a->conf, CONF_PROTECT_NODE_IP),
		.protect_peers = conf_protects(a->conf, CONF_PROTECT_BGP_NEXTHOPS),
		.max_routes = k->max_routes,
		.guard_pct = k->guard.threshold_pct,
		.guard_within_ms = k->guard.within_ms,
		.guard_hold_ms = k->guard.hold_ms,
		.permit = k->permit.v,
		.npermit = k->permit.n,
		.protect = protect,
		.peers = peers,
		.follow = follow,
		.nfollow = fallover_follow(a, follow),
	};

	for (size_t i = 0; i < a->npeers; i++)
		if (a->peers[i].addr.af)
			peers[f.npeers++] = a->peers[i].addr;
	for (size_t i = 0; i < k->protect.n; i++)
		if (k->protect.v[i].what == CONF_PROTECT_PREFIX)
			protect[f.nprotect++] = k->protect.v[i].prefix;
	if (conf_protects(a->conf, CONF_PROTECT_API_SERVER))
		f.nprotect += protect_servers(a, protect + f.nprotect);
	fib_configure(a->fib, agent_now(), &f);
	places_use(a->places, &(struct fib_place){ f.protocol, f.table, f.metric });
	mem_free(peers);
	mem_free(follow);
	mem_free(protect);
}
