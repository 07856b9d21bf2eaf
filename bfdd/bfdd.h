/*
 * weft-bfdd's shell: the event loop around bfdd/core/bfd.h.  What its parts
 * know of each other.
 *
 *   main.c     arguments, memory, sandbox
 *   loop.c     the turn: input, timers, output
 *   sock.c     packets in and out
 *   channel.c  the agent: sessions as it wants them, states, rows
 *   digest.c   MD5 and SHA1
 *
 * One process, one thread, one struct bfdd.  It opens nothing: everything comes
 * as a descriptor.  Nothing in it waits but the loop itself, and what one turn
 * does is bounded, so that no packet leaves late.
 */
#ifndef BFDD_BFDD_H
#define BFDD_BFDD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bfdd/core/bfd.h"
#include "lib/ipcmsg.h"
#include "lib/launchmsg.h"
#include "lib/mono.h"

struct event;
struct event_base;
struct rx_batch;

/* A walk over all sessions for the agent: where it stands, as a number of sessions. */
struct walk {
	bool on;
	size_t pos;
};

struct bfdd {
	struct event_base *base;
	struct event *timer;
	struct bfd_engine *engine;
	struct mono_us started;
	size_t resumed; /* sessions taken over at start */

	int sock[LAUNCH_BFD_NFDS]; /* -1: not there */
	struct event *sock_ev[LAUNCH_BFD_NFDS];
	struct rx_batch *rx;
	uint64_t late_us; /* the most that a turn came after its deadline */

	int launcher;
	struct event *launcher_ev;
	int agent; /* -1: none */
	struct event *agent_rd, *agent_wr;
	bool agent_full;     /* the channel takes nothing now */
	struct walk states;  /* states to be told: those that found no room, too */
	struct walk rows;
	uint32_t query;	     /* of rows */
	struct ipc_msg *in, *out;
	uint8_t *buf; /* IPC_MAX_OCTETS */

	bool stopping;
	struct mono_us tell_at; /* the peers; MONO_NEVER: they were told */
	struct mono_us stop_at; /* gone by then, whatever peers have heard */
	bool stop;
	int status;
};

/*
 * Run on these descriptors (taken over) and with the sessions of state
 * (LAUNCH_BFD_STATE_OCTETS, or NULL; only the first `used` octets were ever written)
 * until weftd closes its channel.  Returns the exit status.
 */
int bfdd_run(int launcher, const int sock[LAUNCH_BFD_NFDS], void *state, size_t used);

/* ---- sock.c --------------------------------------------------------------- */

/* Room for what one call takes in; the caller's. */
struct rx_batch *sock_batch_new(void);
/* NULL is fine. */
void sock_batch_free(struct rx_batch *rx);
/* Take what waits in socket `which`, at most a batch; true when there may be more. */
bool sock_read(struct bfdd *b, enum launch_bfd_fd which);
/* Send one packet; whatever stands in its way, the next one will come. */
void sock_send(struct bfdd *b, const struct bfd_out *out);

/* ---- channel.c ------------------------------------------------------------ */

/* A new agent; takes fd over.  The one before is forgotten. */
void channel_attach(struct bfdd *b, int fd);
void channel_detach(struct bfdd *b, const char *why);
/* Tell the agent of this change, now or when there is room. */
void channel_event(struct bfdd *b, const struct bfd_event *ev);
/* Go on with walks while there is room. */
void channel_pump(struct bfdd *b);

/* ---- digest.c ------------------------------------------------------------- */

/* For struct bfd_ops. */
void digest(void *ctx, enum bfd_digest kind, const void *octets, size_t len, uint8_t *ret);

#endif
