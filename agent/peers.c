/*
 * The agent's peers by what people and messages call them.
 */
#include <string.h>

#include "agent/agent.h"

const struct agent_peer *
agent_peer_by_id(const struct agent *a, uint32_t id)
{
	size_t place = idmap_get(&a->peer_places, id);

	return place == IDMAP_NONE ? NULL : &a->peers[place];
}

const struct agent_peer *
agent_peer_by_name(const struct agent *a, const char *name_or_addr)
{
	struct ip_addr addr;

	for (size_t i = 0; i < a->npeers; i++)
		if (strcmp(a->peers[i].conf->name, name_or_addr) == 0)
			return &a->peers[i];
	if (!ip_addr_parse(name_or_addr, &addr))
		return NULL;
	for (size_t i = 0; i < a->npeers; i++) {
		struct ip_addr bare = a->peers[i].addr;

		if (!addr.ifindex)
			bare.ifindex = 0;
		if (ip_addr_eq(&bare, &addr))
			return &a->peers[i];
	}
	return NULL;
}
