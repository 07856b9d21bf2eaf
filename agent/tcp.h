/*
 * BGP's TCP connections: listeners, outgoing connects, keys, and why a
 * connect failed.
 *
 * The agent binds, keys and connects; connected descriptors go to bgpd, and
 * the agent closes its copy.  TCP MD5 keys (RFC 2385) never leave this module.
 * GTSM (RFC 5082) by IP_MINTTL / IPV6_MINHOPCOUNT.
 */
#ifndef AGENT_TCP_H
#define AGENT_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/ipcmsg.h"

struct event_base;
struct fib;
struct launcher;
struct tcp;

#define TCP_KEY_MAX 80 /* TCP_MD5SIG_MAXKEYLEN */

#define TCP_AO_KEYS_MAX 4

/* A master key tuple of TCP-AO (RFC 5925 section 3.1). */
struct tcp_ao_key {
	uint8_t send_id, recv_id;
	uint8_t algorithm; /* enum conf_ao_algorithm */
	uint8_t key_len;
	uint8_t key[TCP_KEY_MAX];
};

/* What a connection to or from one peer needs; copied. */
struct tcp_peer {
	uint32_t id;
	char name[IPC_NAME_MAX];
	struct ip_addr addr;	/* af 0: unnumbered, and not found yet */
	uint32_t link;		/* unnumbered: index of its interface; else 0 */
	uint16_t port;
	bool enabled;
	bool dynamic;		/* out of a range: its key is the range's, on listeners */
	struct ip_addr source;	/* bind to it; af 0: the kernel chooses */
	uint8_t ttl;		/* 0: the kernel's default */
	uint8_t min_ttl;	/* 0: anything (RFC 5082) */
	bool multihop;
	uint8_t key[TCP_KEY_MAX];
	uint8_t key_len;	/* 0: no key */
	uint8_t nao;		/* 0: no TCP-AO */
	struct tcp_ao_key ao[TCP_AO_KEYS_MAX]; /* the first one is sent with */
};

/* Peers that may connect, known by their prefix only; copied. */
struct tcp_range {
	struct ip_prefix prefix;
	bool gtsm; /* its peers check our hop limit */
	uint8_t key[TCP_KEY_MAX];
	uint8_t key_len;
	uint8_t nao;
	struct tcp_ao_key ao[TCP_AO_KEYS_MAX];
};

struct tcp_listen {
	struct ip_addr addr; /* family only: wildcard */
	uint16_t port;
};

struct tcp_ops {
	/* fd is the receiver's when err is 0, else -1. */
	void (*done)(void *ctx, const struct ipc_conn_done *d, int fd);
	/* peer: whose it is. */
	void (*accepted)(void *ctx, uint32_t peer, const struct ipc_conn_in *in, int fd);
	/* So many accepted ones wait already that further ones had better wait in the listener's queue. */
	bool (*full)(void *ctx);
	/* No peer has that address: tcp_add() one, or false with the reason in words. */
	bool (*admit)(void *ctx, const struct ip_addr *remote, char *ret_why, size_t cap);
	void (*event)(void *ctx, enum ipc_level level, uint32_t peer, const char *name,
	    const char *text);
};

/* launcher and fib are borrowed for the life of the module. */
struct tcp *tcp_new(struct event_base *base, struct launcher *l, struct fib *fib,
    const struct tcp_ops *ops, void *ctx);
void tcp_free(struct tcp *t);

/* Next hops to use when the interface of a connection has none. */
void tcp_set_node(struct tcp *t, const struct ip_addr *node4, const struct ip_addr *node6);

/* Everything that tcp_configure() takes; borrowed for the call. */
struct tcp_conf {
	const struct tcp_peer *peer;
	size_t npeers;
	const struct tcp_range *range;
	size_t nranges;
	const struct tcp_listen *listen;
	size_t nlistens;
};

/*
 * Take peers, ranges and listeners: listeners that are still wanted stay open, keys
 * are brought in line.  A listener that cannot be opened is an event and is
 * tried again every 5 s; *ret_failed (may be NULL) counts them.
 */
void tcp_configure(struct tcp *t, const struct tcp_conf *c, unsigned *ret_failed);

/* One more peer, and one less; the next tcp_configure() names them all. */
void tcp_add(struct tcp *t, const struct tcp_peer *p);
void tcp_remove(struct tcp *t, uint32_t peer);

/* Who is at the interface of an unnumbered peer; af 0: nobody. */
void tcp_set_addr(struct tcp *t, uint32_t peer, const struct ip_addr *addr);

/*
 * Give an established connection of that peer its key of now, or none; closes fd.  0 or -errno:
 * -EINVAL when it is no connection of that peer.
 */
int tcp_rekey(struct tcp *t, uint32_t peer, int fd);

/* Words on listeners that could not be opened, or "". */
void tcp_problem(const struct tcp *t, char *buf, size_t cap);

/*
 * What the node's side knows about why a peer does not come up (interface down,
 * segments that the kernel drops), or "". Looks at the kernel's counters.
 */
void tcp_hint(struct tcp *t, uint32_t peer, enum ipc_fsm_state state, bool was_up, char *buf,
    size_t cap);

/* Start connecting; done() follows, never from within this call. */
void tcp_connect(struct tcp *t, uint32_t peer, uint32_t token);
/* No longer wanted: no done() follows. */
void tcp_cancel(struct tcp *t, uint32_t peer, uint32_t token);
/* bgpd is gone: drop every connect under way. */
void tcp_cancel_all(struct tcp *t);

#endif
