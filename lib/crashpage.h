/*
 * What bgpd was doing when it died: one page that it shares with the agent.
 *
 * weftd makes it (a sealed memfd: nobody can shorten it under a reader), hands
 * it to both at exec as LAUNCH_FD_CRASH and never looks at it.  bgpd writes it
 * with plain stores around the handling of each message; the agent reads it
 * when bgpd has died by a fault, and empties it, before it greets the next one.
 * It also counts the turns of bgpd's loop there, by which the agent sees that it lives.
 * The writer may be in a stranger's hands: the reader takes a copy, and nothing in it is
 * more than a number or octets to count.
 */
#ifndef LIB_CRASHPAGE_H
#define LIB_CRASHPAGE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CRASH_PAGE_OCTETS 4096

struct crash_page {
	volatile uint32_t peer;	  /* whose message is being handled; 0: none is */
	volatile uint32_t octets; /* its length; what does not fit below is not kept */
	volatile uint32_t turns;  /* of the loop, over and over from 0 */
	uint8_t msg[CRASH_PAGE_OCTETS - 12];
};

/* That peer's message is handled from now on.  No page (NULL) is fine. */
static inline void
crash_page_enter(struct crash_page *c, uint32_t peer, const uint8_t *msg, size_t octets)
{
	if (!c)
		return;
	memcpy(c->msg, msg, octets < sizeof(c->msg) ? octets : sizeof(c->msg));
	c->octets = (uint32_t)octets;
	c->peer = peer;
}

/* A turn of the loop begins.  No page (NULL) is fine. */
static inline void
crash_page_turn(struct crash_page *c)
{
	if (c)
		c->turns = c->turns + 1;
}

/* It is done. */
static inline void
crash_page_leave(struct crash_page *c)
{
	if (c)
		c->peer = 0;
}

#endif
