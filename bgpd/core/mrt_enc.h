/*
 * MRT records as octets.
 *
 * Everything is appended to a writer, which turns full when it does not fit;
 * nothing is known here of peers, tables or files.
 * RFC 6396 sections 2 to 4, RFC 8050.
 */
#ifndef BGPD_CORE_MRT_ENC_H
#define BGPD_CORE_MRT_ENC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "lib/ip.h"
#include "lib/wire.h"

#define MRT_HEADER_OCTETS 12

/* The session that a message or a change of state belongs to. */
struct mrt_session {
	uint32_t peer_asn, local_asn;
	uint16_t ifindex;
	struct ip_addr peer, local; /* one family; local af 0: zeros */
	bool as4;		    /* AS_PATHs in its UPDATEs have 4-octet numbers */
	bool addpath;		    /* there are path ids in that direction (RFC 8050) */
};

/* A message of the session, header included, as BGP4MP_ET; sent: by us. RFC 6396 section 4.4. */
void mrt_encode_message(struct wr *w, uint64_t wall_us, const struct mrt_session *s, bool sent,
    const void *msg, size_t octets);

/* The session went from one state to another, numbered 1 (Idle) to 6. RFC 6396 section 4.4.1. */
void mrt_encode_state(struct wr *w, uint64_t wall_us, const struct mrt_session *s, uint16_t was,
    uint16_t now);

/* Octets that mrt_encode_message() takes beside the message. */
#define MRT_MESSAGE_OCTETS (MRT_HEADER_OCTETS + 4 + 12 + 32)

struct mrt_peer {
	uint32_t id, asn;
	struct ip_addr addr; /* af 0: 0.0.0.0 */
};

/* One open record; as mrt_*_open() fills it. */
struct mrt_mark {
	size_t start, count;
	uint16_t n;
};

/* PEER_INDEX_TABLE: open, any number of peers up to 65535, close. RFC 6396 section 4.3.1. */
struct mrt_mark mrt_peers_open(struct wr *w, uint64_t wall_us, uint32_t collector_id,
    const char *view);
void mrt_peers_add(struct wr *w, struct mrt_mark *m, const struct mrt_peer *p);
void mrt_peers_close(struct wr *w, const struct mrt_mark *m);
#define MRT_PEER_OCTETS 25 /* of one peer at most */

/*
 * RIB_IPV4_UNICAST, RIB_IPV6_UNICAST, or their forms with path ids: open, the
 * prefix's paths, close. RFC 6396 section 4.3.2, RFC 8050 section 4.
 */
struct mrt_mark mrt_rib_open(struct wr *w, uint64_t wall_us, uint32_t seq,
    const struct ip_prefix *prefix, bool addpath);

struct mrt_path {
	uint16_t peer;	  /* index in the PEER_INDEX_TABLE */
	uint32_t since_s; /* seconds since 1970 */
	uint32_t path_id;
	const struct attrs *attrs;
};

/* False, with the writer as it was, when the path does not fit any more. RFC 6396 section 4.3.4. */
bool mrt_rib_add(struct wr *w, struct mrt_mark *m, uint8_t af, bool addpath,
    const struct mrt_path *p);
void mrt_rib_close(struct wr *w, const struct mrt_mark *m);

#endif
