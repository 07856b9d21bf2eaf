/*
 * One drain, of the node or of a peer: which step comes when.
 *
 * Pure: the caller says who has to be told in a step and who was, and asks with
 * the time what is next.
 *
 *   SIGNAL    peers are sent everything again with GRACEFUL_SHUTDOWN
 *   SETTLE    time for traffic to move
 *   WITHDRAW  everything is withdrawn
 *   LINGER    time for what is still on its way here
 *   CLOSE     sessions are closed with the reason
 *   DONE      until it is ended
 *
 * What is provable: nobody can have moved, or has to, when no session was up and
 * told of a prefix; then nothing is waited for.  Beyond that nothing proves that
 * traffic has moved: the kernel counts no packets per route, and a peer that now
 * announces the prefix itself may still use our path beside its own best.  So
 * settle is always the whole time.  RFC 8326 section 4.2.
 */
#ifndef AGENT_CORE_DRAIN_H
#define AGENT_CORE_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ipcmsg.h"
#include "lib/mono.h"

enum drain_step {
	DRAIN_OFF,
	DRAIN_SIGNAL,
	DRAIN_SETTLE,
	DRAIN_WITHDRAW,
	DRAIN_LINGER,
	DRAIN_CLOSE,
	DRAIN_DONE,
	DRAIN_NSTEPS
};

struct drain {
	enum drain_step step;
	bool gshut;	/* begin with SIGNAL, else with WITHDRAW */
	bool moving;	/* a peer whose session is up was told of prefixes */
	bool resumed;	/* something was restarted meanwhile: sessions have to come up first */
	bool slow;	/* a step ended by its limit */
	bool by_cluster; /* the caller's: who has asked for it */
	uint64_t settle_us;
	char reason[IPC_DRAIN_TEXT_MAX]; /* "": none given */
	struct mono_us since;	   /* the beginning; of DONE when that was loaded: its loading */
	struct mono_us step_since, until; /* until: the step ends then in any case */
	uint32_t *wait;		   /* peers that have not been told of the step */
	size_t nwait;
};

/* All zeros is a drain that is off; its array. */
void drain_free(struct drain *d);

/* Begin; reason may be "". */
void drain_begin(struct drain *d, struct mono_us now, bool gshut, uint64_t settle_us,
    const char *reason);

/*
 * As it was before this process was started: done, else it begins again, in full,
 * as sessions have to come up before peers can be told.
 */
void drain_resume(struct drain *d, struct mono_us now, bool done);

/* No longer drained. */
void drain_end(struct drain *d);

/* Peers that have to be told of the step that has just begun: ids, copied. */
void drain_expect(struct drain *d, const uint32_t *id, size_t n);

/* A peer was told of a step, or is none any more. */
void drain_told(struct drain *d, const struct ipc_drained *m);
void drain_forget(struct drain *d, uint32_t peer);

/* Wait no longer for anything but messages to be written. */
void drain_hurry(struct drain *d, struct mono_us now);

/* True when the next step has begun: peers have to be asked, drain_expect(). */
bool drain_next(struct drain *d, struct mono_us now);

/* When drain_next() is to be asked at the latest; MONO_NEVER: after a message only. */
struct mono_us drain_deadline(const struct drain *d);

/* Begun and not DONE? */
bool drain_is_under_way(const struct drain *d);

/* What peers are asked for. */
enum ipc_drain drain_phase(const struct drain *d);

/* "off", "signal", "settle", ... */
const char *drain_step_name(enum drain_step step);

#endif
