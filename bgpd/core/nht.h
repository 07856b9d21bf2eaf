/*
 * Next hops of the speaker: one object for each distinct address, with users.
 *
 * The first user makes it watched (TODO_NH_WATCH), the last one leaving ends
 * that.  Until the agent has answered, a next hop does not resolve.  Changes
 * are marked; whoever holds the users looks for the mark, then clears all.
 *
 * A next hop that is new has few users when its first answer comes: they are
 * remembered, so that a thousand peers that come up with one each do not have
 * all paths looked through a thousand times.
 *
 * RFC 4271 section 9.1.2 (resolvability), 9.1.2.2 e) (interior cost).
 */
#ifndef BGPD_CORE_NHT_H
#define BGPD_CORE_NHT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/hmap.h"
#include "lib/ip.h"
#include "lib/ipcmsg.h"
#include "lib/list.h"

/* Of a path that uses a next hop: its family's index, and its destination. */
struct nh_user {
	uint32_t dest;
	uint8_t i;
};

/* So many are remembered; with more of them all paths are looked through. */
#define NHT_WAITING_MAX 1024

struct nh {
	struct hmap_node node;
	struct list pending; /* in nht.pending: the watch has to be told */
	struct ip_addr addr;
	uint32_t users;
	bool told;	  /* the agent was asked to watch it */
	bool answered;
	bool resolved, onlink;
	bool changed;	  /* since nht_clear_changed() */
	uint32_t metric, ifindex, gen;
	char *why;	  /* unresolved: the agent's words; NULL: none */
	struct nh_user *waiting; /* for the first answer; NULL when there were more than NHT_WAITING_MAX */
	uint32_t nwaiting;
};

/* Next hops that were asked for of late, by the last octets of the address. */
#define NHT_MEMO 64

struct nht {
	struct hmap map;
	struct nh **memo; /* NHT_MEMO: every path asks, and there are few next hops */
	struct list pending;
	uint32_t unanswered;	  /* watched, and no answer yet */
	bool any_changed;
};

static inline unsigned
nht_memo_at(uint8_t af, const uint8_t *b)
{
	const uint8_t *last = b + (af == IP4 ? 2 : 14);

	return (last[0] * 7u + last[1]) % NHT_MEMO;
}

/* An empty table, key seeds its hash; and free every object. */
void nht_init(struct nht *t, const uint64_t key[2]);
void nht_free(struct nht *t);

/* The object of an address; NULL when nobody uses it. */
struct nh *nht_find(const struct nht *t, const struct ip_addr *addr);

/* The same from memory, of an address without a scope: NULL, too, when it was not asked for lately. */
static inline struct nh *
nht_recall(const struct nht *t, uint8_t af, const uint8_t *octets)
{
	struct nh *nh = t->memo[nht_memo_at(af, octets)];

	if (!nh || nh->addr.af != af || nh->addr.ifindex != 0)
		return NULL;
	if (af == IP4 ? memcmp(nh->addr.b, octets, 4) != 0 : memcmp(nh->addr.b, octets, 16) != 0)
		return NULL;
	return nh;
}

/*
 * One user more, one less. nht_leave(): of an object, whose user one is.  Whoever makes a user of
 * one that is not answered calls nht_wait(), too: NHT_FIRST counts on it.
 */
struct nh *nht_ref(struct nht *t, const struct ip_addr *addr);
void nht_unref(struct nht *t, const struct ip_addr *addr);
void nht_leave(struct nht *t, struct nh *nh);

/* The new user's path is one of that destination, which the first answer is to be told to. */
void nht_wait(struct nh *nh, unsigned i, uint32_t dest);

enum nht_news {
	NHT_NO_NEWS, /* of an older generation, of an address nobody watches, the same as before */
	NHT_FIRST,   /* those who wait for it have to be decided on: nht_next_waiting() has them all */
	NHT_CHANGED, /* all its users have to be decided on again: it is marked */
};

/* The agent's answer or news. */
enum nht_news nht_state(struct nht *t, const struct ipc_nh_state *st);

/* After NHT_FIRST, until there is none: one that waited (the same one may come more than once). */
bool nht_next_waiting(struct nht *t, const struct ip_addr *addr, struct nh_user *ret);

/* Every user was looked at. */
void nht_clear_changed(struct nht *t);

/* The next watch to tell the agent: address and whether to begin or to end; false: none. */
bool nht_next_watch(struct nht *t, struct ip_addr *ret_addr, bool *ret_on);

/* The agent is a new one: every next hop in use has to be watched again. Answers stay. */
void nht_reset(struct nht *t);

#endif
