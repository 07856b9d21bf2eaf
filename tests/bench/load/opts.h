/*
 * The keys of the command line: one row each in opts.c.
 */
#ifndef LOAD_OPTS_H
#define LOAD_OPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/ip.h"

struct opts {
	struct ip_addr dut;	   /* the daemon under test */
	struct ip_addr first_peer; /* peer i has this address plus i - 1 */
	struct ip_addr first_id;   /* and its BGP identifier is this plus i - 1 */
	struct ip_addr cluster_id; /* what the daemon puts into CLUSTER_LIST */
	uint32_t peers;
	uint32_t dut_as, peer_as;
	bool same_as; /* eBGP peers share peer_as */
	bool ibgp;
	bool v6;	     /* IPv6 prefixes over IPv6 sessions */
	const char *families; /* of OPEN: "4", "6" or "46"; NULL: that of the prefixes */
	uint32_t prefixes;
	uint32_t each;	     /* prefixes of each client */
	uint32_t per_set;    /* prefixes that share an attribute set */
	uint32_t first_prefix; /* number of the first one: several generators side by side */
	const char *others;    /* fail or ok: prefixes that this generator did not send */
	uint32_t prefix_len; /* bits; 0: 24 or 48 */
	uint32_t hold_s;
	const char *dut_netns;
	const char *dial; /* yes: we connect; no: we only listen; both */
	uint32_t dialing; /* sessions on their way up at a time */
	uint32_t retry_ms;
	uint32_t port; /* of the daemon */
	uint32_t timeout_s;
	uint32_t seed;
	uint32_t seconds;
	uint32_t rounds;
	uint32_t change; /* prefixes that change in a round */
	const char *mrt;
	const char *own; /* prefix that the daemon announces itself */
	const char *next_hop; /* eBGP: any, self or keep */
	const char *own_back; /* fail or ok: a peer is sent its own routes */
	const char *ext_comm; /* unknown extended communities come as-sent, or any of them */
	const char *med; /* iBGP routes without one come as-sent, or may have zero */
	bool expect_wrong;    /* one octet received is corrupted before it is checked */
};

/* The defaults, then argv[2] and on; on an error text on standard error and false. */
bool opts_parse(struct opts *o, int argc, char **argv);

/* All keys with their defaults, one a line. */
void opts_help(FILE *f);

#endif
