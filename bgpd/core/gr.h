/*
 * Graceful restart: peers that restart, and our own restart.
 *
 * A peer restarts (RFC 4724 section 4.2): its paths stay, stale, until it has
 * sent them again and said End-of-RIB, or time is up.  Paths carry the
 * generation of the session they came in; stale are those of an older one.
 * Going stale or going away is therefore one assignment per family, and the
 * walk over all paths (adjin.c) cleans up in slices.
 *
 * It stays away (RFC 9494): past the restart time the paths of a family with a
 * Long-Lived Stale Time stay for that long, marked LLGR_STALE and least
 * preferred; the walk marks them.  That time runs from then on, whatever the
 * session does, until a session has told everything.  Last known good
 * (llgr_alone) grants it to peers that offer none, and past what they say.
 *
 * We restart (section 4.1): selection is deferred.  Own prefixes are announced
 * at once; what is learned waits, for the FIB and for the peers, until every
 * configured peer has said End-of-RIB or has failed: refused, unreachable, or
 * not Established 3 s after the start, unless it takes our connections and ends
 * them without a word.  Peers without the capability, and
 * those that restart themselves, are waited for no longer than 3 s after their
 * session came up.  gr_deferral_ms without progress ends it, 120 s in any case.
 * Only where last known good is asked for and no peer at all is up it goes on, for
 * the Long-Lived Stale Time: the kernel's routes are all there is.
 */
#ifndef BGPD_CORE_GR_H
#define BGPD_CORE_GR_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/cap.h"
#include "bgpd/core/peer.h"
#include "bgpd/core/timer.h"
#include "lib/ipcmsg.h"
#include "lib/log.h"
#include "lib/mono.h"

#define GR_GENS 4 /* generations: now, stale, being swept, and one to spare */

/* What the stale paths of a family are. */
enum gr_phase {
	GR_FRESH,     /* there are none of an earlier session */
	GR_RESTART,   /* kept as they were: RFC 4724 */
	GR_LONG_LIVED, /* kept as a last resort: RFC 9494 */
};

/* How long stale paths wait for End-of-RIB once the session is back, or for End-of-RR. */
#define GR_STALE_MAX_S 360
/* Begin-of-RR after Begin-of-RR: so many of these times in all. */
#define GR_REFRESHES 3

struct rpeer;
struct speaker;

/* A refresh between Begin-of-RR and End-of-RR (RFC 7313 section 4), of one family. */
struct gr_refresh {
	struct timer timer; /* the end of paths not sent again; armed: it is under way */
	struct mono_us since; /* the first Begin-of-RR of those without an End-of-RR */
	struct rpeer *rp;
	uint8_t i;
	struct log_limit walks; /* that refreshes cost; beyond it they are ignored */
	struct log_limit lines; /* about them */
};

/* Stale paths of one family. */
struct gr_family {
	struct timer timer; /* the phase's end; while the session is up End-of-RIB's last chance */
	struct rpeer *rp;
	uint8_t i, phase;   /* enum gr_phase */
	uint8_t joined;	    /* sessions with path ids whose paths joined older stale ones */
	uint32_t long_s;    /* Long-Lived Stale Time that counts, 0: none */
	struct mono_us since; /* GR_RESTART: when the oldest became stale */
	struct mono_us long_end; /* GR_LONG_LIVED */
};

struct gr_peer {
	struct gr_family fam[2]; /* by index of the family */
	struct gr_refresh refresh[2];
	struct ip_addr of; /* the neighbour whose paths are stale: its address */
	enum ipc_session told;	   /* to the agent */
	struct mono_us wait_until; /* deferral waits for it until then; 0: not (any more) */
};

struct gr {
	bool restarted;		/* forwarding state was kept when the speaker began */
	bool deferring;		/* and selection is deferred; R bit in OPENs */
	bool alone;		/* it goes on because no peer is up: said so */
	uint32_t adopted[2];
	struct mono_us began;	/* first configuration; MONO_NEVER: not yet */
	struct mono_us progress; /* last time something happened */
	struct mono_us ended;
	struct timer timer;
};

/* At the speaker's start: deferring when forwarding state was kept. */
void gr_init(struct speaker *sp, const struct ipc_hello *hello);
/* A peer's timers, made and stopped. */
void gr_peer_init(struct rpeer *rp);
void gr_peer_stop(struct rpeer *rp);

/* What to put into the OPEN: peer_ops.gr_caps. */
void gr_caps(const struct peer *p, struct cap_gr *ret);

/* The session is up, or down (how as peer.h): paths stay, go, or become stale. */
void gr_up(struct rpeer *rp, struct mono_us now);
void gr_down(struct rpeer *rp, struct mono_us now, enum peer_down how);

/* We have stopped the peer: stale paths that it left behind before go (RFC 4271 section 8.1.2). */
void gr_forget(struct rpeer *rp, struct mono_us now);

/* Its configuration was changed: does it still grant what is kept? */
void gr_changed(struct rpeer *rp, struct mono_us now);

/* Tell the agent how far the session is, when that is something new: TODO_SESSION. */
void gr_tell_session(struct rpeer *rp);

/* The peer has sent End-of-RIB for a family (by index). */
void gr_end_of_rib(struct rpeer *rp, struct mono_us now, unsigned i);

/*
 * A ROUTE-REFRESH's begin and end (RFC 7313 section 4): what is not sent again
 * in between goes, at the end or after GR_STALE_MAX_S, and by nothing else; a
 * begin again makes it start again, GR_REFRESHES times as long at most.  A begin before the End-of-RIB of a peer that offers graceful restart, even if
 * we do not, an end without a begin, and a flood of begins are ignored.
 */
void gr_refresh_begin(struct rpeer *rp, struct mono_us now, unsigned i);
void gr_refresh_end(struct rpeer *rp, struct mono_us now, unsigned i);
/* Between the two: what is stale in the family then is the refresh's business alone. */
bool gr_is_refreshing(const struct rpeer *rp, unsigned i);

/* Stale paths of a family of that peer, and the time they have left (0: none). */
uint32_t gr_stale(const struct rpeer *rp, unsigned i);
uint32_t gr_stale_left_s(const struct rpeer *rp, struct mono_us now, unsigned i);
/* Are these past their restart time?  *ret_s (may be NULL): how long they stay in all then. */
bool gr_long_lived(const struct rpeer *rp, unsigned i, uint32_t *ret_s);

/* ---- our own restart --------------------------------------------------------- */

/* The first configuration is in: the clock of the deferral starts. */
void gr_begin(struct speaker *sp, struct mono_us now);

/* A connection to that peer was refused or could not be made. */
void gr_peer_failed(struct rpeer *rp, struct mono_us now);

/*
 * That peer has ended a connection without a word: it lives, but is not ready for us yet (GoBGP
 * takes nobody for five seconds after a lost session).  It is waited for as long as others make
 * progress, and gr_deferral_ms.
 */
void gr_peer_hung_up(struct rpeer *rp, struct mono_us now);

/* Something was learned. */
void gr_progress(struct speaker *sp, struct mono_us now);

/* A peer came, went or was disabled: may the deferral end? */
void gr_check(struct speaker *sp, struct mono_us now);

/*
 * After the deferral: has the agent answered for every next hop in use (or had
 * time enough to), so that what does not resolve now may be swept?
 */
bool gr_next_hops_known(const struct speaker *sp);

/* SYNC_END is out. */
void gr_synced(struct speaker *sp);

/* May End-of-RIB be sent: nothing of what was kept over the restart is missing any more. */
bool gr_end_of_rib_ready(const struct speaker *sp);

/* "peer-a, peer-b" that the deferral waits for, into buf, which is returned. */
char *gr_waiting_for(const struct speaker *sp, struct mono_us now, char *buf, size_t cap);

#endif
