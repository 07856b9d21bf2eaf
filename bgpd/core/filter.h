/*
 * Filters: rules of the configuration, and what they make of a route.
 *
 * Pure.  A rule is compiled from its message (CONF_FILTER); the rules that a
 * peer's filters have for one direction and family are a chain.  Chains with
 * equal rules are one object with one id, so an update group can be keyed by
 * it; ids are never used again.  Rules and chains are immutable and counted.
 *
 * A route runs through a chain from its first rule: one whose conditions all
 * hold changes the attributes and may accept or reject, which ends the run.
 * The result of a chain that does not look at the prefix is remembered by
 * attributes and chain (struct filter_memo).
 *
 * Whether a route that no rule decided is taken is for policy.h.
 */
#ifndef BGPD_CORE_FILTER_H
#define BGPD_CORE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "lib/ip.h"
#include "lib/ipcmsg.h"
#include "lib/list.h"

struct filter_chain;
struct filter_db;
struct filter_rule;

/* Every chain in use, and results that are remembered.  Belongs to a speaker. */
struct filters {
	struct list chains;
	uint32_t next_id;
	struct filter_memo *memo; /* NULL: nothing was remembered yet */
	uint64_t runs; /* of which nothing was remembered */
};

/* ---- rules of a configuration ------------------------------------------------ */

/* An empty set of filters; NULL is fine to free. */
struct filter_db *filter_db_new(void);
void filter_db_free(struct filter_db *db);

/* One rule more; rules of one filter come in the order in which they are asked. */
void filter_db_add(struct filter_db *db, const struct ipc_conf_filter *f);

/* ---- chains --------------------------------------------------------------------- */

/* No chains; and forget what is remembered, after the last chain was put back. */
void filters_init(struct filters *fs);
void filters_free(struct filters *fs, struct attrs_pool *pool);

/* Forget results, so that they do not keep attributes alive. */
void filters_forget(struct filters *fs, struct attrs_pool *pool);

/*
 * The chain of n filters by their ids (unknown ones have no rules) for one
 * direction and family; per filter the rules of the family come before those
 * for both.  A reference, the caller's; NULL when there are no rules.
 */
const struct filter_chain *filter_chain_get(struct filters *fs, const struct filter_db *db,
    const uint32_t *id, size_t n, bool export, uint8_t af);

/* One reference more (NULL stays NULL), and one less. */
const struct filter_chain *filter_chain_ref(const struct filter_chain *c);
void filter_chain_put(struct filters *fs, const struct filter_chain *c);

/* Identity, never 0; 0 for NULL. */
uint32_t filter_chain_id(const struct filter_chain *c);

/* Does some rule look at the prefix? */
bool filter_chain_by_prefix(const struct filter_chain *c);

/* ---- running ----------------------------------------------------------------------- */

/* What rules may ask beside the attributes. */
struct filter_route {
	const struct ip_prefix *prefix;
	uint8_t source; /* enum ipc_rule_source: LOCAL, MESH or PEER */
	bool ebgp;	/* the session it came by (import), or would go by (export) */
	bool export;
};

enum filter_action { FILTER_NONE, FILTER_ACCEPT, FILTER_REJECT };

struct filter_result {
	enum filter_action action;
	const struct filter_rule *rule;	 /* that decided, NULL: none; lives as long as the chain */
	const struct attrs *attrs;	 /* changed or not: a reference, the caller's */
};

/* Told of every rule that is asked. */
struct filter_trace {
	/*
	 * failed: the condition that does not hold, NULL: all do, and the
	 * attributes went from before to after.
	 */
	void (*rule)(void *ctx, const struct filter_rule *r, const char *failed,
	    const struct attrs *before, const struct attrs *after);
	void *ctx;
};

/* Run a route through a chain (NULL: no rules).  trace may be NULL. */
void filter_run(struct attrs_pool *pool, const struct filter_chain *c,
    const struct filter_route *route, const struct attrs *a, const struct filter_trace *trace,
    struct filter_result *ret);

/* The same; worked out once for prefixes that the rules do not tell apart. */
void filter_run_memo(struct filters *fs, struct attrs_pool *pool, const struct filter_chain *c,
    const struct filter_route *route, const struct attrs *a, struct filter_result *ret);

/* ---- words ------------------------------------------------------------------------- */

/* Does the rule name routes of other eBGP peers (source: peer or RemotePeers)? */
bool filter_rule_names_remote(const struct filter_rule *r);

/* What it does with a route for which its conditions hold. */
enum filter_action filter_rule_action(const struct filter_rule *r);

/* "filter from-fabric, rule 2", "filter from-fabric, importV4 rule 2" into buf; returned. */
char *filter_rule_text(const struct filter_rule *r, char *buf, size_t cap);

/*
 * What a chain did, as a sentence into buf, "" when nothing: "filter
 * from-fabric, rule 2: rejected", "filter x, rule 1: changed; ..." with the
 * rules that changed something and the one that decided.  Runs the route.
 */
char *filter_explain(struct attrs_pool *pool, const struct filter_chain *c,
    const struct filter_route *route, const struct attrs *a, char *buf, size_t cap);

#endif
