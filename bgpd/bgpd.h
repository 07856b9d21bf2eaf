/*
 * weft-bgpd's shell: the event loop around bgpd/core/speaker.h.  What its
 * parts know of each other.
 *
 *   main.c     arguments, sandbox
 *   loop.c     the turn: input, timers, work, output
 *   channel.c  the three channels to the agent
 *   control.c  configuration, connections, events, commands
 *   routes.c   route intents out, verdicts and next hops in
 *   query.c    the agent's questions, row by row
 *   io.c       connections: descriptors, incomplete tails, back-pressure
 *   ra.c       router advertisements
 *   sink.c     monitoring feeds: BMP collectors, MRT dumps and recordings
 *
 * One process, one thread, one struct bgpd.  It opens nothing: everything
 * comes as a descriptor.  Nobody blocks and no queue grows with the tables:
 * routes and rows are pulled while their channel takes them.
 */
#ifndef BGPD_BGPD_H
#define BGPD_BGPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/speaker.h"
#include "lib/clock.h"
#include "lib/hmap.h"
#include "lib/ipcmsg.h"
#include "lib/largemem.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/mono.h"

struct event;
struct event_base;

#define BGPD_SCRATCH 65536 /* the longest message (RFC 8654), and a good read */

struct chan {
	struct bgpd *b;
	enum ipc_chan which;
	int fd;
	struct event *rd, *wr;
	struct list unsent; /* encoded messages that wait for room */
	uint32_t nunsent;
};

/* A configuration being collected between CONF_BEGIN and CONF_END. */
struct conf_in {
	bool open, have_speaker;
	uint32_t gen;
	struct ipc_conf_speaker speaker;
	struct ipc_conf_peer *peer;
	size_t npeers, peer_cap;
	bool others_stay; /* of the speaker's peers those that are not named, but for */
	uint32_t *gone;
	size_t ngone;
	struct ip_prefix *permit;
	size_t npermit, permit_cap;
	struct filter_db *filters;
	struct ipc_conf_bmp *bmp;
	size_t nbmp;
};

struct bgpd {
	struct event_base *base;
	struct event *timer;
	struct speaker *sp; /* NULL until the agent's HELLO */
	struct chan chan[IPC_NCHANS];
	struct conf_in conf;
	uint32_t events_lost;
	int in_fds_max;	       /* connections of others have lower descriptors */
	struct log_limit full; /* of saying that one has not */
	bool shutdown_done; /* to be told once all connections are flushed */

	struct hmap conns; /* struct conn by id */
	struct list wanting;  /* conns with output pending and room in the socket */
	struct list held;     /* conns with whole messages that the speaker did not take yet */
	struct list closing;  /* conns that send their last octets, oldest first */
	size_t unflushed;     /* of those, not sent completely */
	bool input_full;      /* this turn a read filled the buffer: more waits */
	struct mono_us wanting_since; /* MONO_NEVER: no output is waiting */

	struct list queries;

	int ra_fd; /* ICMPv6; -1: none */
	struct event *ra_ev;

	struct list sinks;	 /* of monitoring feeds */
	struct list sinks_ready; /* those with something to pull and room in the descriptor */

	struct largemem mem;
	struct crash_page *crash; /* shared with the agent; NULL: none */
	bool stop;
	int status; /* exit status once stop is set */
	struct ipc_msg *in, *out; /* scratch: the message decoded, the message being built */
	uint8_t *scratch;	  /* BGPD_SCRATCH octets, never used across calls of another part */
};

/*
 * Serve on these three descriptors (in the order of enum ipc_chan; taken over)
 * until a channel ends.  Connections that others made are refused from the
 * descriptor in_fds_max on.  crash (NULL: none) is where it is kept whose message is being
 * handled.  Returns the exit status: 0 when the agent closed them, 1 after a broken message.
 */
int bgpd_run(const int fds[IPC_NCHANS], int in_fds_max, struct crash_page *crash);

/* End the loop: why is logged when status is not 0. */
void bgpd_stop(struct bgpd *b, int status, const char *why);

/* ---- channel.c ------------------------------------------------------------------ */

/* 0 or -errno. */
int chan_open_all(struct bgpd *b, const int fds[IPC_NCHANS]);
void chan_close_all(struct bgpd *b);
/* Until the agent's HELLO only control is read. */
void chan_read_all(struct bgpd *b);
/* Nothing waits: the next message has a chance to be taken at once. */
bool chan_has_room(const struct bgpd *b, enum ipc_chan which);
/* Send or keep. */
void chan_send(struct bgpd *b, enum ipc_chan which, const struct ipc_msg *m);
/* The same with a descriptor, which stays the caller's; -1: none. */
void chan_send_fd(struct bgpd *b, enum ipc_chan which, const struct ipc_msg *m, int fd);

/* ---- one for each channel: NULL, or what is wrong with the message ------------------ */

/* fd (or -1) came along and is taken over. */
const char *control_take(struct bgpd *b, const struct ipc_msg *m, int fd);
const char *routes_take(struct bgpd *b, const struct ipc_msg *m);
const char *query_take(struct bgpd *b, const struct ipc_msg *m);

/* Carry out what the speaker wants done. */
void control_todos(struct bgpd *b);
void control_free(struct bgpd *b);

/* Send route intents while there is room; true when a slice was not enough. */
bool routes_pump(struct bgpd *b);

/* Send rows while there is room and credit; true when a slice was not enough. */
bool query_pump(struct bgpd *b);
void query_free_all(struct bgpd *b);

/* ---- ra.c ----------------------------------------------------------------------- */

/* Before anything else here. */
void ra_init(struct bgpd *b);
/* The agent's ICMPv6 socket; taken over, in place of one that was there. */
void ra_take(struct bgpd *b, int fd);
/* TODO_RA_SEND. */
void ra_send(struct bgpd *b, uint32_t ifindex, bool advert);
void ra_free(struct bgpd *b);

/* ---- sink.c --------------------------------------------------------------------- */

/* Before anything else here. */
void sink_init(struct bgpd *b);
/* The descriptor of a feed of the speaker; taken over. */
void sink_add(struct bgpd *b, uint32_t feed, int fd);
/* TODO_FEED_WRITE, TODO_FEED_CLOSE, TODO_FEED_ABORT; nothing for ids that are gone. */
void sink_want_write(struct bgpd *b, uint32_t feed);
void sink_close(struct bgpd *b, uint32_t feed);
void sink_abort(struct bgpd *b, uint32_t feed);
/* Pull and write; true when a slice was not enough. */
bool sink_pump(struct bgpd *b);
/* Feeds whose second for the last octets is over; the next such time. */
void sink_timeout(struct bgpd *b, struct mono_us now);
struct mono_us sink_deadline(const struct bgpd *b);
void sink_free_all(struct bgpd *b);

/* ---- io.c ------------------------------------------------------------------------- */

/* Before anything else here. */
void io_init(struct bgpd *b);
/* A connection that the speaker knows by id; takes fd over. */
void io_add(struct bgpd *b, conn_id id, int fd);
/* TODO_WRITE, TODO_CLOSE, TODO_ABORT; nothing for ids that are gone. */
void io_want_write(struct bgpd *b, conn_id id);
void io_close(struct bgpd *b, conn_id id);
void io_abort(struct bgpd *b, conn_id id);
/* Send the agent every connection of that peer, as CONN_LENT. */
void io_lend(struct bgpd *b, uint32_t peer);
/* Offer held input again. */
void io_offer_held(struct bgpd *b);
/* Tell the speaker which paused connections have octets waiting, before timers act. */
void io_note_paused(struct bgpd *b);
/* Pull and write output; true when a slice was not enough. */
bool io_write(struct bgpd *b);
/* Connections whose second for the last octets is over; the next such time. */
void io_timeout(struct bgpd *b, struct mono_us now);
struct mono_us io_deadline(const struct bgpd *b);
void io_free_all(struct bgpd *b);

#endif
