/*
 * Packets that the daemon's namespace sends along its routes, and where they arrive.
 *
 * UDP flows go from a socket in the daemon's namespace to addresses in routes of the pool.
 * A leg that dies swallows what is sent to it: traffic_cut() gives its neighbour entry a
 * link-layer address that nobody has, so what still goes there can be told apart by that
 * address, and is seen by a packet socket at this end of the link.
 */
#ifndef LOAD_TRAFFIC_H
#define LOAD_TRAFFIC_H

#include "tests/bench/load/pool.h"

#define TRAFFIC_FLOWS 32

struct traffic;

struct traffic_counts {
	uint64_t sent, refused; /* refused: the kernel had no route at that moment */
	uint64_t arrived, dead; /* dead: to the leg that was cut */
	uint32_t flows_dead;	/* flows that used that leg when it was cut */
};

/* Sockets at both ends; flows go to prefixes all over the pool. Ends the program without. */
struct traffic *traffic_open(const char *netns, const struct pool *pool);
void traffic_close(struct traffic *t);

/* Send what is due: each flow once in a millisecond; false while nothing was due. */
bool traffic_send(struct traffic *t, struct mono_us now);

/* Take in what has arrived. */
void traffic_read(struct traffic *t);

/* The leg by that gateway is dead from now on. */
void traffic_cut(struct traffic *t, const struct ip_addr *gateway);

/* Send one packet of each flow now and count the flows that use the dead leg. */
void traffic_probe(struct traffic *t);

/*
 * When the first packet was sent from which on nothing of its flow was lost, the latest of
 * all flows that used the dead leg; 0 as long as one of them has had none.
 */
struct mono_us traffic_moved(const struct traffic *t);

const struct traffic_counts *traffic_counts(const struct traffic *t);

#endif
