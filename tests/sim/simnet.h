/*
 * Many speakers in one process, in virtual time, from a seed.
 *
 * Every node is a struct speaker and a small agent: connects are made between
 * nodes, octets travel through pipes with latency, of limited capacity and in
 * pieces of random size, next hops resolve as the test says, and the routes
 * told are kept in a table that insists on the order of sets and routes.
 * A step goes to the next thing that is due; nothing waits for real time.
 */
#ifndef TESTS_SIM_SIMNET_H
#define TESTS_SIM_SIMNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/speaker.h"
#include "lib/hmap.h"
#include "lib/rng.h"

#define SIM_NODES    32
#define SIM_CONNS    512
#define SIM_PEERS    32
#define SIM_OWN	     64
#define SIM_SOCK_MAX 65536

/* One direction of a connection. */
struct sim_pipe {
	uint8_t buf[SIM_SOCK_MAX];
	size_t flying;		/* octets written, on the way */
	uint8_t rx[2 * SIM_SOCK_MAX];
	size_t unread;		/* octets arrived that the speaker has not consumed */
	struct mono_us due;	/* the next arrival */
	bool want_write;	/* the writer has something */
	bool stuck;		/* nothing arrives any more */
	bool fin;		/* the writer has closed: arrives after the octets */
	bool fin_seen;
	int err;		/* what the close looks like */
	uint64_t octets;	/* ever written */
};

struct sim_conn {
	bool used;
	uint8_t node[2]; /* [0] dialled */
	conn_id id[2];	 /* 0: closed on that side */
	struct sim_pipe to[2]; /* to node[k] */
};

struct sim_dial {
	bool used;
	struct mono_us due;
	uint8_t from, to;
	uint32_t peer, token;
};

struct sim_route {
	struct hmap_node node;
	struct ip_prefix prefix;
	uint32_t set;
	bool marked; /* named since SYNC_BEGIN */
};

struct sim_node {
	struct sim *sim;
	uint8_t no;
	bool up;
	struct speaker *sp;
	struct ip_addr addr4, addr6;
	struct ipc_conf_speaker conf;
	struct ipc_conf_peer peer[SIM_PEERS]; /* peer[k].id is 1 + the other node's number */
	size_t npeers;
	struct ip_prefix permit[8];
	size_t npermit;
	struct ip_prefix own[SIM_OWN];
	size_t nown;

	/* The agent. */
	struct hmap routes;
	struct ipc_nhset *set; /* by id; n 0: not known */
	uint32_t nsets;
	bool syncing, synced;
	uint64_t route_ops;	 /* ROUTE and ROUTE_DEL ever seen */
	uint64_t flaps;		 /* ROUTE_DEL ever seen */
	bool unreachable[SIM_NODES]; /* that node's addresses do not resolve here */
	bool shutdown_done;
	char last_event[IPC_NAME_MAX];
	char last_event_text[IPC_TEXT_MAX];
};

struct sim {
	struct mono_us now;
	struct rng rng;
	struct sim_node node[SIM_NODES];
	uint8_t nnodes;
	struct sim_conn *conn[SIM_CONNS];
	struct sim_dial dial[SIM_CONNS];
	bool cut[SIM_NODES][SIM_NODES]; /* no connection between these, and none can be made */
	bool silent[SIM_NODES][SIM_NODES]; /* connects between these are never answered */
	uint64_t latency_us;
	uint64_t steps;
};

/* An empty network. */
void sim_init(struct sim *s, uint64_t seed);
/* Frees all speakers, which assert that nothing is left over. */
void sim_free(struct sim *s);

/* A node with that AS; not started. Its router id and addresses follow from its number. */
struct sim_node *sim_add(struct sim *s, uint32_t asn);

/* Make a and b peers of each other (both families). Change node->peer[] afterwards as needed. */
void sim_peer(struct sim_node *a, struct sim_node *b);
struct ipc_conf_peer *sim_peer_conf(struct sim_node *a, const struct sim_node *b);

/* An own prefix, in text; announced at the start or at once when the node runs. */
void sim_own(struct sim_node *n, const char *prefix);
void sim_disown(struct sim_node *n, const char *prefix);

/* Start a node (again): restarting tells it that forwarding state was kept. */
void sim_start(struct sim_node *n, bool restarting);
/* It is gone, as by SIGKILL: its connections end with a FIN, its routes stay in the kernel. */
void sim_kill(struct sim_node *n);
/* Apply node->conf, peer[] and permit[] to the running speaker. */
void sim_reconfigure(struct sim_node *n, struct ipc_conf_applied *ret);

/* The agent asks a node to end, and its socket takes everything. */
void sim_shutdown(struct sim_node *n, enum ipc_shutdown_mode mode);

/* Break every connection between two nodes; while cut none can be made. */
void sim_cut(struct sim_node *a, struct sim_node *b, bool cut);

/* Nothing from a reaches b any more on their connection (a full socket), or again. */
void sim_stick(struct sim_node *a, struct sim_node *b, bool stuck);

/* Steps until that much virtual time has passed. */
void sim_run(struct sim *s, uint64_t us);
/* Steps until done(ctx) or the time is up: returns done(ctx). */
bool sim_until(struct sim *s, uint64_t us, bool (*done)(void *ctx), void *ctx);

/* All pairs of peers among running nodes are Established. */
bool sim_all_established(void *sim);

/* The route of a node: NULL when it has none. */
const struct ipc_nhset *sim_route(const struct sim_node *n, const char *prefix);

/* Rows of a view: how many; the first one into *ret (may be NULL). prefix NULL: all. */
size_t sim_paths(struct sim_node *n, uint8_t view, uint32_t peer, const char *prefix,
    struct ipc_row_path *ret);
/* The row of one peer. */
void sim_peer_row(struct sim_node *n, const struct sim_node *of, struct ipc_row_peer *ret);

#endif
