/*
 * What the files of source share: agent/source*.c only.
 *
 *	source.c	 peers, their ids, what follows from links and addresses, applying
 *	source_conf.c	 from the texts and the cluster to a configuration
 *	source_keys.c	 secrets
 *	source_bgpd.c	 to bgpd
 *	source_fib.c	 to the fib
 *	source_dynamic.c peers out of listenRanges, and of interfaces
 */
#ifndef AGENT_SOURCE_PRIV_H
#define AGENT_SOURCE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/dynamic.h"
#include "agent/source.h"
#include "agent/tcp.h"
#include "lib/conf_expand.h"
#include "lib/hmap.h"
#include "lib/ipcmsg.h"

struct announce;
struct moves;
struct event;

struct peer_slot {
	struct hmap_node node; /* by name */
	char name[IPC_NAME_MAX]; /* of a configured peer or a range */
	uint32_t id;
	uint64_t sent;		   /* hash of what bgpd was sent of it; 0: nothing yet */
	struct tcp_peer tcp;	   /* as last given to tcp */
	struct ip_addr neighbour;  /* unnumbered: who was found last; af 0: nobody */
	bool used;	   /* it is a peer of the configuration in force */
	bool made;	   /* of a node of the cluster: goes with it */
	uint32_t transport;	   /* rises with changes of it that need a new session */
};

/* An entry with listenRange, resolved: what its peers are made of. */
struct range {
	const struct conf_peer *conf;
	uint32_t id;
	struct tcp_peer tcp;
	char problem[IPC_TEXT_MAX]; /* as struct agent_peer's; told once */
};

/* The file that was read last while peers are resolved; path NULL: none. */
struct key_cache {
	const char *path;
	uint8_t key[TCP_KEY_MAX], key_len;
	bool ok;
	char problem[IPC_TEXT_MAX];
};

/* A pod range that no node has any more: permitted until routes have changed. */
struct former {
	struct ip_prefix prefix;
	struct mono_us until;
};

struct source {
	struct hmap slots;	 /* by name: ids stay with names */
	uint32_t *gone; /* ids of peers that bgpd is to forget */
	size_t ngone;
	uint32_t last_id;
	uint32_t *free_id; /* of peers that bgpd has forgotten */
	size_t nfree;
	struct dynamic dynamic;
	struct range *range; /* of the configuration in force */
	size_t nranges;
	struct event *found_ev; /* neighbours of unnumbered peers changed */
	struct key_cache key;
	struct moves *moves;
	struct conf_prefixes permit; /* the nodes' pod ranges as they were last */
	struct former *former;
	size_t nformer;
	struct event *former_ev;
	struct event *again_ev;
	struct event *await_ev;
	bool greet_due;	 /* bgpd waits for the first list of nodes, */
	bool await_over; /* which has taken too long */
	struct event *guard_ev; /* new dynamic peers: their addresses are to be protected */
	struct announce *announce;
	bool others_known; /* bgpd has what was sent of each peer */
	bool resolved;	/* the first dump is there */
	bool greeted;	/* bgpd has been given the configuration */
	uint64_t addr_gen; /* of the state that was resolved last */
};

/* The slot of that name, made if there is none; it belongs to the source. */
struct peer_slot *source_slot_for(struct source *s, const char *name);
void source_slot_free(struct peer_slot *slot);

/* An id that nobody has, not even a message on its way; and one that nobody has any more. */
uint32_t source_take_id(struct source *s);
void source_give_id(struct source *s, uint32_t id);

/* bgpd is to forget that peer, with the next configuration. */
void source_forget(struct source *s, uint32_t id);

/* The range of that name in the configuration in force, NULL: none. */
struct range *source_range(struct source *s, const char *name);

/* One of its peers as the agent has them. */
struct agent_peer *source_add_dynamic(struct agent *a, const struct dynamic_peer *d);
/* And as tcp needs it. */
void source_resolve_dynamic(struct agent *a, struct agent_peer *p, struct tcp_peer *t);
/* The agent knows it no more; those behind it move up. */
void source_drop_peer(struct agent *a, uint32_t id);

/* The peer's keys; was: as they were, or NULL. False with the problem in words. A missing secret stops
 * the peer: never fall back to no password. */
bool source_load_key(struct agent *a, const struct conf_peer *c, const struct tcp_peer *was,
    struct tcp_peer *t, char *problem);

/* The peer as bgpd is told of it. */
void source_fill_peer(const struct agent *a, const struct agent_peer *p, struct ipc_conf_peer *to);
/* For peer_slot's `sent`; never 0. A keyed hash in place of 450 octets for each of thousands of peers. */
uint64_t source_hash_peer(const struct source *s, const struct ipc_conf_peer *conf);
/* The configuration to bgpd. */
void source_send_conf(struct agent *a);

/* The configuration to the fib. */
void source_apply_fib(struct agent *a);

/* The nodes of a->cluster as lib/conf_expand.h wants them, by name; the caller's to mem_free(). */
struct conf_node_view *source_view(const struct agent *a, struct conf_cluster_view *ret);

/* Neighbours at interfaces have changed; dynamic peers are new (events). */
void source_on_found(int fd, short what, void *arg);
void source_on_await(int fd, short what, void *arg);
void source_on_again(int fd, short what, void *arg);
void source_on_guard(int fd, short what, void *arg);

#endif
