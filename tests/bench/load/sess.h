/*
 * BGP sessions of the generator's peers: OPEN, KEEPALIVE, the hold time (RFC 4271),
 * and octets both ways. UPDATEs are handed to the scenario as they came.
 *
 * A session is either ours to make up (--dial=yes: connect, again every --retry-ms
 * while it is refused) or the daemon's (--dial=no: we listen on port 179 and tell
 * the peer by the address that was connected to). Once all have been up (sess_all_up()), a
 * session that ends fails the run, unless it ended by sess_close() or ops->down takes it.
 */
#ifndef LOAD_SESS_H
#define LOAD_SESS_H

#include <sys/uio.h>

#include "tests/bench/load/load.h"

#define SESS_QUEUE 8

enum sess_state { SESS_IDLE, SESS_CONNECT, SESS_OPENSENT, SESS_OPENCONFIRM, SESS_UP, SESS_CLOSED };

struct sess_ops {
	/* The session is up: KEEPALIVE was received. May be NULL. */
	void (*up)(struct sess *s);
	/* It was up, as all were, and the other side ended it. NULL: that fails the run. */
	void (*down)(struct sess *s, const char *why);
	/* The body of an UPDATE: after the header. Only borrowed. */
	void (*update)(struct sess *s, const uint8_t *body, size_t len);
};

struct sess {
	struct watch watch; /* first: the callback gets this */
	struct load *l;
	unsigned i; /* from 0 */
	enum sess_state state;
	struct ip_addr self;
	uint32_t as, id; /* id: BGP identifier, host order */
	const struct sess_ops *ops;
	uint32_t hold_s; /* agreed on */
	struct mono_us retry_at, give_up_at, keep_at, hold_at;
	struct mono_us up_at;
	uint8_t *rest; /* start of a message whose end has not come */
	size_t nrest;
	struct iovec q[SESS_QUEUE]; /* to be written */
	unsigned nq;
	uint8_t open[96]; /* our OPEN and the KEEPALIVE after it */
	uint64_t written; /* octets of UPDATEs given to the kernel */
	void *own;	  /* the scenario's */
};

/*
 * Make n sessions (l->sess) with the addresses, AS numbers and identifiers that the
 * options give them. Nothing is connected before sess_start_all().
 */
void sess_make(struct load *l, unsigned n, const struct sess_ops *ops);
void sess_free_all(struct load *l);

/* Begin to connect (listen); from now on the loop brings sessions up. */
void sess_start_all(struct load *l);

/* For load_until(): all sessions are up. From then on none may be lost. */
bool sess_all_up(struct load *l);

/* For load_until(): all that was sent has been given to the kernel. */
bool sess_all_sent(struct load *l);

/*
 * Write octets (whole messages) to a session that is up, now or as soon as the
 * connection takes them. They are borrowed until then. More than SESS_QUEUE pieces
 * in waiting fail the run.
 */
void sess_send(struct sess *s, const void *octets, size_t len);

/* Close the connection; the session stays down. */
void sess_close(struct sess *s);

/* Let a closed session be connected again. */
void sess_reopen(struct sess *s);

/* The run has failed by what this session got: the reason with the peer's number before it. */
void sess_fail(struct sess *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The loop's: do what is due, and say when to ask again; connect as many as may begin. */
struct mono_us sess_timers(struct load *l);
void sess_dial_more(struct load *l);

/* An address plus n, in its last four octets. */
struct ip_addr sess_addr_add(const struct ip_addr *a, uint32_t n);

#endif
