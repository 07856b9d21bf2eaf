/*
 * What the two files of BMP share: bmp.c (collectors and their connections)
 * and bmp_tell.c (what they are told).
 */
#ifndef BGPD_CORE_BMP_INT_H
#define BGPD_CORE_BMP_INT_H

#include "bgpd/core/bitq.h"
#include "bgpd/core/bmp.h"
#include "bgpd/core/bmp_enc.h"
#include "bgpd/core/feed.h"
#include "bgpd/core/nlri.h"
#include "bgpd/core/timer.h"
#include "lib/ipcmsg.h"

#define BMP_DONE UINT32_MAX /* a walk that has seen everything */
#define BMP_GONE_MAX 256

/* One family of what a collector still has to be told. */
struct bmp_af {
	struct bitq paths; /* of Adj-RIB-In, changed behind the walk */
	struct bitq dests; /* of the Loc-RIB, likewise */
	uint32_t path_at, dest_at; /* where the walks stand; BMP_DONE */
	uint32_t out_at;	   /* of Adj-RIB-Out: place in the table of peer out_peer; BMP_DONE */
	uint16_t out_peer;
	bool eor_queued;	   /* the first walks are over: End-of-RIBs are due */
	struct bitq eor_in, eor_out; /* peers (0: the Loc-RIB) whose End-of-RIB is due */
};

/* Withdrawals that gather for one message. */
struct bmp_gone {
	uint16_t peer, n;
	uint8_t af;
	uint8_t ribs; /* of enum ipc_bmp_rib */
	struct nlri v[BMP_GONE_MAX];
};

struct collector {
	struct list node;
	struct speaker *sp;
	struct ipc_conf_bmp conf;
	uint32_t asn, router_id; /* the speaker's, as the collector knows them */
	bool kept;		 /* while a configuration is taken: it is in there */

	uint8_t state; /* enum ipc_bmp_state */
	uint32_t token;
	uint8_t failures; /* in a row, for the pause before the next attempt */
	struct mono_us since;
	struct timer retry, stats, stall;
	char reason[IPC_TEXT_MAX];
	uint64_t messages, octets, dropped;
	uint32_t connects, overflows;

	/* With a connection. */
	struct feed *feed; /* NULL: none */
	uint64_t waiting;  /* messages in the queue */
	struct bitq due;   /* peers (0: the Loc-RIB) to be told up */
	struct bitq told;  /* and those that were */
	struct bmp_af af[AF_COUNT];
	struct bmp_gone gone;
};

/* Begin to tell everything, into an empty queue; forget all that is to be told. */
void bmp_tell_begin(struct collector *c);
void bmp_tell_clear(struct collector *c);

/* feed_ops. */
size_t bmp_pull(struct feed *f, struct mono_us now, uint8_t *buf, size_t cap);
bool bmp_wants(const struct feed *f);

/* Queue a Statistics Report for everybody it was told of; a Termination. */
void bmp_tell_stats(struct collector *c, struct mono_us now);
void bmp_tell_end(struct collector *c);

/* Its queue is full: give the connection up (bmp.c). */
void bmp_overflow(struct collector *c);

/* Peers it was told up, the Loc-RIB not counted. */
uint32_t bmp_told_peers(const struct collector *c);

#endif
