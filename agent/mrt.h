/*
 * MRT dumps and recordings under way: between a client of the control socket,
 * which reads records from a pipe, and bgpd, which writes them into it.
 */
#ifndef AGENT_MRT_H
#define AGENT_MRT_H

#include <stdint.h>

#include "lib/ipcmsg.h"

struct agent;
struct mrts;

/* Called once, unless mrt_drop() comes before; done->why says what is wrong, "" nothing. */
typedef void mrt_done_fn(void *ctx, const struct ipc_mrt_done *done);

/* No job yet; jobs under way are forgotten at the end, NULL is fine. */
struct mrts *mrts_new(struct agent *a);
void mrts_free(struct mrts *m);

/*
 * Have bgpd write into fd, a pipe, which is taken over.  The job's id, or 0
 * with a static text in *ret_why; fd is closed then.
 */
uint32_t mrt_start(struct mrts *m, enum ipc_mrt_kind kind, uint32_t peer, int fd,
    mrt_done_fn *done, void *ctx, const char **ret_why);

/* That is enough: done follows when the last record is written. */
void mrt_stop(struct mrts *m, uint32_t id);
/* Nobody is interested any more: stopped, and done is not called. */
void mrt_drop(struct mrts *m, uint32_t id);

/* bgpd says that one is over; bgpd has ended, and with it all of them. */
void mrt_done(struct mrts *m, const struct ipc_mrt_done *done);
void mrt_lost(struct mrts *m);

#endif
