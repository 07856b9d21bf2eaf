/*
 * Fast fallover; see fallover.h.
 */
#include "agent/fallover.h"

#include <stdio.h>

#include "lib/mem.h"

struct fallover {
	struct ip_addr *local; /* of the latest connection, by the peer's id; af 0: unknown */
	uint32_t n;
};

struct fallover *
fallover_new(void)
{
	return mem_zalloc(sizeof(struct fallover));
}

void
fallover_free(struct fallover *o)
{
	if (!o)
		return;
	mem_free(o->local);
	mem_free(o);
}

/* Does nothing but a link of ours lie between us and the peer? One that was not found is nowhere. */
static bool
is_on_link(const struct agent *a, const struct agent_peer *p)
{
	if (p->addr.af == IP_NONE)
		return false;
	if (p->addr.af == IP6 && ip_addr_is_link_local(&p->addr))
		return true;
	return !conf_peer_is_ibgp(a->conf, p->conf) && !conf_peer_is_confed(a->conf, p->conf) &&
	       p->conf->multihop_ttl == 0;
}

size_t
fallover_follow(const struct agent *a, struct ip_addr *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < a->npeers; i++) {
		const struct agent_peer *p = &a->peers[i];

		if (p->conf->fast_fallover && p->conf->enabled && !p->problem[0] && is_on_link(a, p))
			ret[n++] = p->addr;
	}
	return n;
}

/* An address that was never ours (IP_FREEBIND, a local route) cannot go. */
void
fallover_connected(struct agent *a, uint32_t peer, const struct ip_addr *local)
{
	struct fallover *o = a->fallover;

	if (peer >= o->n) {
		o->local = mem_realloc_array(o->local, peer + 1u, sizeof *o->local);
		for (; o->n <= peer; o->n++)
			o->local[o->n] = (struct ip_addr){ 0 };
	}
	o->local[peer] = fib_has_addr(a->fib, local) ? *local : (struct ip_addr){ 0 };
}

static void
end_session(struct agent *a, const struct agent_peer *p, const char *why)
{
	struct ipc_peer_cmd cmd = { .peer = p->id, .cmd = IPC_CMD_LINK_LOST };

	snprintf(cmd.text, sizeof cmd.text, "%s", why);
	agent_peer_cmd(a, &cmd);
}

void
fallover_check_addresses(struct agent *a)
{
	struct fallover *o = a->fallover;
	char why[IPC_TEXT_MAX], text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < a->npeers; i++) {
		const struct agent_peer *p = &a->peers[i];
		struct ip_addr *local = p->id < o->n ? &o->local[p->id] : NULL;

		if (!local || local->af == IP_NONE || !p->conf->fast_fallover ||
		    fib_has_addr(a->fib, local))
			continue;
		snprintf(why, sizeof why, "this node no longer has the address %s",
		    ip_addr_str(local, text));
		*local = (struct ip_addr){ 0 };
		end_session(a, p, why);
	}
}

void
fallover_link_lost(struct agent *a, const struct fib_report *r)
{
	for (size_t i = 0; i < a->npeers; i++) {
		const struct agent_peer *p = &a->peers[i];

		if (ip_addr_eq(&p->addr, &r->nh.addr) && p->conf->fast_fallover)
			end_session(a, p, r->nh.why);
	}
}
