/*
 * What tests of one peer and its sessions share: the rig with that peer, the OPEN that it will
 * send, and what is asked of them in every other line, therefore by short names.
 */
#ifndef TESTS_UNIT_PEERRIG_H
#define TESTS_UNIT_PEERRIG_H

#include "bgpd/core/peer_int.h"
#include "tests/unit/rig.h"

#define S 1000000ull /* a second */

extern struct rig r;
extern struct msg_open theirs; /* rig_their_open(), for a test to change */

/* Fixture of every test: the rig without a peer, which the test starts. */
void setup(void);
void teardown(void);

/* The session that the peer dials, and the one that is dialled to it. */
struct session *in(void);
struct session *out(void);

/* How long a timer that runs has to go; whether it does. */
uint64_t left_us(const struct session *s, enum session_timer t);
bool runs(const struct session *s, enum session_timer t);

/* Take a connection's output and forget it. */
void discard(conn_id c);

/* Types of all messages in a connection's output, as digits: "14" is OPEN, KEEPALIVE. */
const char *out_types(conn_id c);

/* Through `theirs` and a KEEPALIVE to Established. */
void up(conn_id c);

/* A started peer with graceful restart and the N bit on both sides, Established. */
conn_id up_with_n_bit(void);

/* An accepted connection brought to a state of OpenSent to Established; its output is taken. */
conn_id conn_in(enum fsm_state state);

/* An answer for the connect under way: it failed. */
void fail_connect(int err, const char *said);

/* Every way in which a session ends. */
enum ending { END_FIN, END_RST, END_NOTIFICATION, END_HOLD, END_HEADER, END_ADMIN_RESET, END_OURS,
	END_RECONFIGURED, NENDINGS };
void end_session(conn_id c, enum ending how);

/* The connection's last word is this NOTIFICATION; nothing else is left to take. */
void expect_notification(conn_id c, uint8_t code, uint8_t sub, const uint8_t *data, size_t octets);

/* That connection, dialled by the peer, is to be closed, and its session has none any more. */
void expect_closed(conn_id c);

/* The peer's row as it is now. */
struct ipc_row_peer row(void);

/* A message of that type, header and body, into buf; how many octets. Delivered, all of it. */
size_t message(uint8_t *buf, uint8_t type, const void *body, size_t octets);
void send_message(conn_id c, uint8_t type, const void *body, size_t octets);

/* Bodies: of an empty UPDATE, and of a ROUTE-REFRESH for IPv4. */
extern const uint8_t eor[4], v4_refresh[4];

#endif
