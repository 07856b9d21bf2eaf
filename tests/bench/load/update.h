/*
 * An UPDATE taken apart, strictly, and its attributes compared with those that were
 * sent. This is a reader of its own: it shares nothing with the daemon's.
 *
 * Everything points into the message; nothing is copied.
 */
#ifndef LOAD_UPDATE_H
#define LOAD_UPDATE_H

#include "lib/wire.h"
#include "tests/bench/load/load.h"

enum attr_type {
	ATTR_ORIGIN = 1,
	ATTR_AS_PATH = 2,
	ATTR_NEXT_HOP = 3,
	ATTR_MED = 4,
	ATTR_LOCAL_PREF = 5,
	ATTR_ATOMIC = 6,
	ATTR_AGGREGATOR = 7,
	ATTR_COMMUNITIES = 8,
	ATTR_ORIGINATOR = 9,
	ATTR_CLUSTER_LIST = 10,
	ATTR_MP_REACH = 14,
	ATTR_MP_UNREACH = 15,
	ATTR_EXT_COMM = 16,
	ATTR_LARGE_COMM = 32,
	ATTR_MAX = 41
};

struct span {
	const uint8_t *p;
	size_t len;
};

/* The value of each attribute; p is NULL where it is absent. */
struct attrs {
	uint64_t have; /* a bit for each type that is there */
	struct span v[ATTR_MAX];
};

struct update {
	struct attrs attrs;
	struct span next_hop; /* of NEXT_HOP or MP_REACH_NLRI */
	struct span nlri;     /* announced, of either family */
	struct span gone;     /* withdrawn */
	uint8_t nlri_af, gone_af;
	bool bare; /* no attributes and no prefixes: End-of-RIB */
};

/*
 * Take the body of an UPDATE apart; NULL, or what is wrong with it. Announcements of
 * both families in one message are wrong here: nobody sends that.
 */
const char *update_read(struct update *u, const uint8_t *body, size_t len);

/* The attributes alone, as they stand in an UPDATE. NULL or what is wrong. */
const char *attrs_read(struct attrs *a, struct rd r);

/* How what is received has to differ from what was sent. */
struct rules {
	bool ebgp;
	uint32_t dut_as;
	struct ip_addr dut;	/* next hop when it is the daemon itself */
	bool next_hop_self, next_hop_keep; /* allowed */
	bool ext_any;		/* as many extended communities will do, whatever is in them */
	bool med_zero;		/* where there was none iBGP peers may get one of 0 */
	bool reflected;		/* ORIGINATOR_ID and CLUSTER_LIST are wanted */
	uint32_t originator;	/* host order */
	uint32_t cluster;
};

/* A line about it: octets received and sent of the attribute of that name. */
void attrs_explain(char *buf, size_t len, const struct update *u, const struct attrs *sent,
    const char *name);

/* The rules of the options: eBGP, or a reflector's with originator 0. */
struct rules rules_make(const struct opts *o);

/*
 * Compare the attributes of u with the sent ones: AS_PATH (RFC 4271 5.1.2), NEXT_HOP
 * (5.1.3), MED (5.1.4), LOCAL_PREF (5.1.5), communities as sets, the others as they are,
 * ORIGINATOR_ID and CLUSTER_LIST (RFC 4456 section 8). NULL or the name of what differs.
 */
const char *attrs_check(const struct update *u, const struct attrs *sent,
    const struct span *sent_next_hop, const struct rules *r);

#endif
