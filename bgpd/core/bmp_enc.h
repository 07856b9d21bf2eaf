/*
 * BMP messages as octets.
 *
 * Everything is appended to a writer, which turns full when it does not fit;
 * nothing is known here of peers, tables or connections.
 * RFC 7854 section 4, RFC 8671 section 4, RFC 9069 sections 4 and 5.
 */
#ifndef BGPD_CORE_BMP_ENC_H
#define BGPD_CORE_BMP_ENC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/wire.h"

#define BMP_HEADER_OCTETS 6  /* RFC 7854 section 4.1 */
#define BMP_PEER_OCTETS	  42 /* section 4.2 */

enum bmp_type {
	BMP_ROUTE = 0,
	BMP_STATS = 1,
	BMP_PEER_DOWN = 2,
	BMP_PEER_UP = 3,
	BMP_INITIATION = 4,
	BMP_TERMINATION = 5,
};

enum bmp_peer_type {
	BMP_PEER_GLOBAL = 0,
	BMP_PEER_LOC_RIB = 3, /* RFC 9069 section 4.1 */
};

/* Of a BMP_PEER_GLOBAL; a Loc-RIB has none of them: ours is not filtered (RFC 9069 section 4.2). */
enum bmp_peer_flag {
	BMP_F_IPV6 = 0x80,    /* the peer's address; written by bmp_put_peer() */
	BMP_F_POST = 0x40,    /* after policy */
	BMP_F_AS2 = 0x20,     /* AS_PATH with 2-octet numbers */
	BMP_F_ADJ_OUT = 0x10, /* RFC 8671 section 4 */
};

/* RFC 7854 section 4.9, RFC 9069 section 5.3. */
enum bmp_down {
	BMP_DOWN_LOCAL_NOTIFICATION = 1,
	BMP_DOWN_LOCAL_EVENT = 2, /* with the FSM's event */
	BMP_DOWN_REMOTE_NOTIFICATION = 3,
	BMP_DOWN_REMOTE = 4,
	BMP_DOWN_UNMONITORED = 5,
	BMP_DOWN_LOC_RIB = 6, /* with the table's name */
};

enum bmp_term { BMP_TERM_ADMIN = 0, BMP_TERM_UNSPECIFIED = 1, BMP_TERM_RESOURCES = 2 };

/* RFC 7854 section 4.8. */
enum bmp_stat {
	BMP_STAT_REJECTED = 0,
	BMP_STAT_DUP_PREFIX = 1,
	BMP_STAT_DUP_WITHDRAW = 2,
	BMP_STAT_CLUSTER_LOOP = 3,
	BMP_STAT_AS_LOOP = 4,
	BMP_STAT_ORIGINATOR = 5,
	BMP_STAT_ADJ_IN = 7,	   /* gauge */
	BMP_STAT_LOC_RIB = 8,	   /* gauge */
	BMP_STAT_ADJ_IN_AF = 9,	   /* gauge of a family */
	BMP_STAT_LOC_RIB_AF = 10,  /* gauge of a family */
	BMP_STAT_WITHDRAW_ERRS = 11,
};

/* The per-peer header. */
struct bmp_peer {
	uint8_t type;	     /* enum bmp_peer_type */
	uint8_t flags;	     /* enum bmp_peer_flag without BMP_F_IPV6 */
	struct ip_addr addr; /* of the peer; af 0: zeros */
	uint32_t asn, id;
	uint64_t wall_us;    /* since 1970; 0: not known */
};

/* Header with a length to be closed by bmp_close(), which takes what this returns. */
size_t bmp_open(struct wr *w, enum bmp_type type);
void bmp_close(struct wr *w, size_t mark);
void bmp_put_peer(struct wr *w, const struct bmp_peer *p);

/* An Initiation: what runs here, and the node's name. */
void bmp_encode_initiation(struct wr *w, const char *sys_descr, const char *sys_name);

/* A Termination with its reason, and a text (NULL: none). */
void bmp_encode_termination(struct wr *w, enum bmp_term reason, const char *text);

/* One of the two OPENs of a session, header included. */
struct bmp_open_msg {
	const uint8_t *p;
	size_t octets;
};

/*
 * A Peer Up.  local: own address of the session (af 0: zeros); table: name of
 * the table (RFC 9069 section 5.2), NULL: none.
 */
void bmp_encode_peer_up(struct wr *w, const struct bmp_peer *p, const struct ip_addr *local,
    uint16_t local_port, uint16_t remote_port, struct bmp_open_msg sent,
    struct bmp_open_msg received, const char *table);

/* A Peer Down; data as the reason asks for: a NOTIFICATION, two octets of an event, none. */
void bmp_encode_peer_down(struct wr *w, const struct bmp_peer *p, enum bmp_down reason,
    const void *data, size_t octets);

/* The same for the Loc-RIB, with the table's name. */
void bmp_encode_loc_rib_down(struct wr *w, const struct bmp_peer *p, const char *table);

/* One statistic: af 0 a 32-bit counter or 64-bit gauge as its type has it, else for a family. */
struct bmp_stat_value {
	uint8_t stat; /* enum bmp_stat */
	uint8_t af;   /* enum ip_af, for those of a family */
	uint64_t value;
};
void bmp_encode_stats(struct wr *w, const struct bmp_peer *p, const struct bmp_stat_value *v,
    size_t n);

/* A Route Monitoring around an UPDATE that is encoded already. */
void bmp_encode_route(struct wr *w, const struct bmp_peer *p, const void *update, size_t octets);

#endif
