/*
 * What this node announces itself: the configuration's advertisements made
 * into prefixes with attributes, their local routes (through the fib) and their
 * ORIGINATE messages to bgpd.
 *
 * A prefix goes to bgpd only when the fib says that its local route is there.
 */
#ifndef AGENT_ANNOUNCE_H
#define AGENT_ANNOUNCE_H

#include <stdbool.h>

#include "agent/agent.h"

struct announce;
struct conf_adv;

/*
 * Nothing announced yet. Borrows a, which outlives it; announce_free() frees it and
 * withdraws nothing.
 */
struct announce *announce_new(struct agent *a);
void announce_free(struct announce *an);

/* Bring everything in line with that configuration and the addresses that the node has now. */
void announce_apply(struct announce *an, const struct conf *c);

/* The fib's report on one of them. */
void announce_local(struct announce *an, const struct ip_prefix *p, bool ready);

/* bgpd is new: all that are ready, and ORIGINATE_END when nothing is outstanding. */
void announce_greet(struct announce *an);

/*
 * Addresses of Services.  They come and go without a configuration being applied, and are
 * announced in the same turn of the loop; the kernel gets nothing for them, as kube-proxy has to
 * find what is sent to them.  A prefix that the configuration names, too, is the configuration's.
 */

/* What an advertisement says of its prefixes: all of *ret but the prefix. */
void announce_attributes(const struct agent *a, const struct conf_adv *adv, struct ipc_originate *ret);
/* Announce p (masked) with these attributes, or with other ones than before. Both are copied. */
void announce_service_set(
    struct announce *an, const struct ip_prefix *p, const struct ipc_originate *attributes);
/* And no longer; nothing when it is not announced. */
void announce_service_clear(struct announce *an, const struct ip_prefix *p);
/* All will be set again; those that were not until the end are cleared by it. */
void announce_services_again(struct announce *an);
void announce_services_end(struct announce *an);
/* All that is set, in the order of the prefixes; o is valid during the call only. */
void announce_services_each(const struct announce *an,
    void (*fn)(void *ctx, const struct ip_prefix *p, const struct ipc_originate *o), void *ctx);
/* They are not known yet: bgpd must not take what it was told for everything. */
void announce_service_wait(struct announce *an, bool wait);
/* Have all been given to bgpd that are announced? */
bool announce_is_complete(const struct announce *an);
/* That prefix is announced, or a shorter one for it, but bgpd does not have it yet. */
bool announce_is_awaited(const struct announce *an, const struct ip_prefix *p);

/* Rows for the CLI: the i-th announcement; false at the end. */
bool announce_view(const struct announce *an, size_t i, struct ipc_originate *ret, bool *ret_ready);

#endif
