/*
 * What people and programs see, as JSON: one function for each kind of row, drawn
 * from bgpd's rows (lib/ipcmsg.h) and the agent's own state.  Keys and their
 * meaning are documented in weft(8), JSON OUTPUT; they are stable.
 *
 * Each function writes the members of an object that the caller has opened and
 * closes.  Nothing here asks, waits or changes anything.
 */
#ifndef AGENT_VIEWS_H
#define AGENT_VIEWS_H

#include "agent/agent.h"
#include "agent/core/drain.h"
#include "lib/out.h"

struct bfd_view;

/* Room for an address with "%IFNAME". */
#define VIEW_ADDR_STRLEN 80
#define VIEW_ROUTE_STRLEN 4096

/* Address as people write it: a link-local one with its interface's name. Returns buf. */
char *view_addr(const struct agent *a, const struct ip_addr *addr, char *buf);

/*
 * A kernel route as ip-route(8) writes it, without its prefix: "via 10.0.0.1 dev eth0
 * metric 20 proto 212", and with several legs "metric 20 proto 212 nexthop via 10.0.0.1
 * dev eth0 weight 1 nexthop via ...".  buf has cap octets; returns buf.
 */
char *view_kern_route(const struct agent *a, const struct kern_route *r, char *buf, size_t cap);

/* Why bgpd cannot be asked, in words, or NULL when it runs; buf has cap octets. */
const char *view_bgpd_problem(const struct agent *a, char *buf, size_t cap);

/* The fib's verdict in words; "" for a route that is simply installed. */
const char *view_fib_state(enum fib_state s);

/*
 * A peer.  r: bgpd's row, NULL when it has none (it does not run, or the peer could not be
 * given to it).  af limits `families`; 0: both.
 */
void view_peer(struct out *o, const struct agent *a, const struct agent_peer *p,
    const struct ipc_row_peer *r, uint8_t af);

/*
 * A drain, as a member with that key; null when d is NULL.  node: it is the node's.
 */
void view_drain(struct out *o, const char *key, const struct drain *d, bool node);

/* A path of an Adj-RIB-In or of the Loc-RIB, or a row of an Adj-RIB-Out. */
void view_path(struct out *o, const struct agent *a, const struct ipc_row_path *r);

/* One of the peers that a destination is advertised to. */
void view_advertised_to(struct out *o, const struct agent *a, const struct ipc_row_path *r);

/* A BMP collector; r: bgpd's row, NULL when it has none. */
void view_bmp(struct out *o, const struct agent *a, const struct conf_bmp *c,
    const struct ipc_row_bmp *r);

/* A BFD session; in the row of its peer as "bfd", null when that has none. */
void view_bfd(struct out *o, const struct agent *a, const struct bfd_view *v);
void view_peer_bfd(struct out *o, const struct agent *a, uint32_t peer);

/* A kernel route wanted or held, a BGP next hop, an event. */
void view_fib(struct out *o, const struct agent *a, const struct fib_view *v);
void view_nexthop(struct out *o, const struct agent *a, const struct fib_nh_view *v);
struct kube_pools_view;
struct pools_view;
struct pools_service_view;
/* p NULL: what is used is known where addresses are given out. */
void view_pool(struct out *o, const struct kube_pools_view *v, const struct conf_pool *c,
    const struct pools_view *p);
void view_pool_service(struct out *o, const struct pools_service_view *s);
struct nat_view;
void view_nat(struct out *o, uint8_t af, const struct nat_view *v);
void view_event(struct out *o, const struct event_row *row);

/* Has the node its routes (routed.h)? As a member with that key. The CNI file (cni.h). */
void view_convergence(struct out *o, const char *key, const struct agent *a);
void view_cni(struct out *o, const struct agent *a);
/* The connection to the API server; its member of a status, and its warnings. */
void view_kube(struct out *o, const struct agent *a);
void view_status_kube(struct out *o, const struct agent *a);
void view_warn_kube(struct out *o, const struct agent *a);
/* Is it not connected although it ought to be? */
bool view_kube_is_bad(const struct agent *a);

/* ---- nodes --------------------------------------------------------------- */

struct cluster_node;
/* What bgpd says of a session. */
struct view_session {
	uint32_t peer;
	uint8_t state; /* enum ipc_fsm_state */
	char reason[IPC_TEXT_MAX];
};
/* A node of the cluster; false: there should be a session with it, and is none. */
bool view_node(struct out *o, const struct agent *a, const struct cluster_node *n,
    const struct view_session *sessions, size_t nsessions);
/* What is wrong with the cluster's nodes as a whole, for the warnings of the status; a->conf is there. */
void view_warn_nodes(struct out *o, const struct agent *a);

/* ---- Services ------------------------------------------------------------ */

struct kube_services;
struct service_view;
/* A Service with its addresses and why each is announced or not. */
void view_service(struct out *o, const struct kube_services *p, const struct service_view *v);

/* ---- status -------------------------------------------------------------- */

/* Sums over the rows of all peers. */
struct view_totals {
	uint32_t configured, established, down; /* disabled and drained peers are not down */
	uint32_t drained;			/* or being drained */
	struct {
		uint64_t received, accepted, rejected, stale, best, advertised;
	} fam[2];
	char problem_peer[IPC_NAME_MAX]; /* the first peer that cannot be started, and why */
	char problem[IPC_TEXT_MAX];
	uint32_t problems;
	char unfound[IPC_TEXT_MAX]; /* of the first unnumbered peer that nobody was found for: the reason */
	uint32_t nunfound;
};
void view_totals_add(struct view_totals *t, const struct agent_peer *p,
    const struct ipc_row_peer *r);

/* Does the session count as down: configured, enabled, not drained, not Established? r may be NULL. */
bool view_peer_is_down(const struct agent_peer *p, const struct ipc_row_peer *r);

/* stats may be NULL: bgpd did not answer. http_problem: "" or why there are no metrics. */
void view_status(struct out *o, const struct agent *a, const struct view_totals *t,
    const struct ipc_row_stats *stats, const char *http_problem);

/* Is anything wrong that `weft status` answers with exit status 1? */
bool view_status_is_bad(const struct agent *a, const struct view_totals *t);

#endif
