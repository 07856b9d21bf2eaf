/*
 * From the configuration file to what the parts of the agent and bgpd need.
 *
 * Reading is apart from applying: a file with an error changes nothing.
 */
#ifndef AGENT_SOURCE_H
#define AGENT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/agent.h"

struct source;

/*
 * No configuration yet. Borrows a, which outlives it; source_free() also wipes the
 * passwords (NULL is fine).
 */
struct source *source_new(struct agent *a);
void source_free(struct source *s);

/*
 * Read and check the file.  Returns the configuration (the caller's) or NULL;
 * *ret_errors and *ret_warnings are lines of text, the caller's to mem_free(), "" when none.
 */
struct conf *source_read(struct agent *a, char **ret_errors, char **ret_warnings);

/*
 * Make c the configuration in force (ownership moves to the agent) and apply
 * it as far as the kernel's state is known: addresses need the first dump.
 * *ret_summary (may be NULL): what changed, in words, the caller's to mem_free().
 */
void source_apply(struct agent *a, struct conf *c, char **ret_summary);

/*
 * The cluster has changed: expand the configuration again and apply it, from the text that was taken
 * last; many calls within 20 ms count as one.
 */
void source_again(struct agent *a);

/* The whole of fd, at most cap octets, the caller's; NULL and the reason in *ret_why. */
char *source_read_fd(int fd, size_t cap, size_t *ret_len, const char **ret_why);

/* Passwords have changed: give them to the sessions as they are. */
void source_keys_changed(struct agent *a);
/* Is the session with that node only kept until its routes come over others (moves.h)? */
bool source_is_leaving(const struct agent *a, const char *node);

/* The first dump is there, or links and addresses changed: resolve names and addresses again. */
void source_resolve(struct agent *a);

/* Links or addresses may have changed: resolve again if so. */
void source_check_addresses(struct agent *a);

/* bgpd is new: give it everything. */
void source_greet(struct agent *a);

/* What bgpd has to know of that peer has changed beside the configuration; false: no bgpd. */
bool source_send_peer(struct agent *a, const struct agent_peer *p);

/*
 * Somebody without a peer of its own has connected: make it one out of a listenRange, if there is
 * one with room.  False with the reason in words.
 */
bool source_admit(struct agent *a, const struct ip_addr *remote, char *ret_why, size_t cap);

/* bgpd has found who is at the interface of an unnumbered peer; af 0: nobody any more. */
void source_peer_addr(struct agent *a, uint32_t id, const struct ip_addr *addr);

/* bgpd has forgotten that dynamic peer. */
void source_peer_gone(struct agent *a, uint32_t id);

/* The id by which announcements name all peers of a range, IPC_PEER_NONE: no such range. */
uint32_t source_range_id(const struct agent *a, const char *name);

/* How many peers it has. */
size_t source_range_peers(const struct agent *a, const char *name);

/* Own address that connections to that peer are made from; af 0: the kernel chooses. */
struct ip_addr source_local_address(const struct agent *a, const struct agent_peer *p);

#define SOURCE_SECRET_MAX 80 /* octets */
/* Where a secret is: in one of these places, the others NULL. */
struct source_secret {
	const char *file, *env;
	const char *secret, *key; /* of Kubernetes */
};
/*
 * A secret without its line end. False with the reason in ret_problem (IPC_TEXT_MAX octets); *ret_later
 * (may be NULL): it may well be there, but it could not be asked for yet.
 */
bool source_secret(struct agent *a, const struct source_secret *from, uint8_t ret[SOURCE_SECRET_MAX],
    size_t *ret_len, char *ret_problem, bool *ret_later);

/* What kernel.protect names has other addresses now. */
void source_protect_again(struct agent *a);

/* Does bgpd have all own prefixes that are announced? */
bool source_own_announced(const struct agent *a);
/* That prefix is announced as well, but bgpd does not have it yet. */
bool source_own_awaited(const struct agent *a, const struct ip_prefix *p);

/* The fib says that a local prefix can be announced, or no longer. */
void source_local(struct agent *a, const struct ip_prefix *p, bool ready);

/* What announces this node's own prefixes. */
struct announce;
struct announce *source_announce(const struct agent *a);

#endif
