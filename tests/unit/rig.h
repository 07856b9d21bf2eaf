/*
 * A speaker without RIBs, sockets or clock: one peer with everything that it
 * asks for written down.  For the tests of sessions, peers and collisions.
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include "bgpd/core/peer.h"
#include "lib/heap.h"
#include "lib/rng.h"

#define RIG_TODOS 64

struct rig {
	struct peer_env env;
	struct heap timers;
	struct rng rng;
	struct ipc_conf_speaker conf;
	struct ipc_conf_peer pconf;
	struct peer *p;
	struct mono_us now;

	struct todo todo[RIG_TODOS]; /* not taken yet */
	unsigned ntodo;

	/* what the ops were told */
	unsigned ups, downs, updates, refreshes, events;
	enum peer_down down_how;
	char down_why[IPC_TEXT_MAX];
	char last_event[IPC_NAME_MAX], last_text[IPC_TEXT_MAX];
	enum log_level last_level;
	unsigned warnings;
	enum bgp_act update_act;
	uint32_t update_prefixes;
	uint8_t refresh_af, refresh_subtype;

	/* what the ops answer */
	struct cap_gr gr;
	uint8_t fill[4096];
	size_t fill_octets;
	bool end_on_update; /* ops->update() ends the session, as a prefix limit does */
};

/* A speaker 65001 with identifier 10.0.0.1, and its peer 10.0.0.2 in AS 65002. */
void rig_init(struct rig *r, uint64_t seed);
void rig_free(struct rig *r);

/* The peer with r->pconf, started. */
void rig_start(struct rig *r);

/* The oldest todo of that kind, taken out of the list; kind TODO_* , false when there is none. */
bool rig_take(struct rig *r, enum todo_kind kind, struct todo *ret);

/* Let time pass, firing timers as they fall due. */
void rig_pass_us(struct rig *r, uint64_t us);

/* Both ends of the connection: local 10.0.0.1, remote 10.0.0.2. */
struct ipc_endpoints rig_ep(void);

/* Answer the connect under way, or dial in; 0 when it is not wanted. */
conn_id rig_connect(struct rig *r);
conn_id rig_accept(struct rig *r);

/* Take all output of a connection into buf (4096 octets or more). */
size_t rig_output(struct rig *r, conn_id conn, uint8_t *buf, size_t cap);

/* Type of the first message in buf, 0: none. */
uint8_t rig_type(const uint8_t *buf, size_t octets);

/* The NOTIFICATION at the end of a connection's output; code 0: none. *ret_data of 256 octets. */
struct msg_notification rig_notification(struct rig *r, conn_id conn, uint8_t *ret_data);

/* Deliver octets; returns what was consumed. */
size_t rig_input(struct rig *r, conn_id conn, const uint8_t *in, size_t octets);

/* Messages of the peer. */
struct msg_open rig_their_open(void); /* AS 65002, id 10.0.0.2, hold 9, IPv4, IPv6, AS4, refresh */
void rig_send_open(struct rig *r, conn_id conn, const struct msg_open *o);
void rig_send_keepalive(struct rig *r, conn_id conn);
void rig_send_notification(struct rig *r, conn_id conn, uint8_t code, uint8_t sub,
    const void *data, size_t octets);

/* To Established on an accepted connection with rig_their_open(); output is discarded. */
conn_id rig_establish(struct rig *r);

/* The reason shown in the peer's row; in a buffer that the next call overwrites. */
const char *rig_reason(struct rig *r);

#endif
