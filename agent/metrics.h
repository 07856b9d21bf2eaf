/*
 * Metrics as Prometheus text (exposition format 0.0.4): collected from bgpd's rows
 * and the agent's state, then written metric by metric, each with its HELP and
 * TYPE once, as the format wants.
 */
#ifndef AGENT_METRICS_H
#define AGENT_METRICS_H

#include <stddef.h>

#include "agent/agent.h"

struct metrics;

/* An empty collection about that agent, which it borrows; NULL is fine to free. */
struct metrics *metrics_new(const struct agent *a);
void metrics_free(struct metrics *m);

/* A peer; r: bgpd's row, or NULL when there is none. One call for each peer. */
void metrics_add_peer(struct metrics *m, const struct agent_peer *p,
    const struct ipc_row_peer *r);
/* A BMP collector. */
void metrics_add_bmp(struct metrics *m, const struct conf_bmp *c, const struct ipc_row_bmp *r);
void metrics_add_stats(struct metrics *m, const struct ipc_row_stats *stats);

/* Was that peer, or the collector of that name, added already? */
bool metrics_has_peer(const struct metrics *m, uint32_t id);
bool metrics_has_bmp(const struct metrics *m, const char *name);

/* The text, owned by the caller (free()); *ret_len octets. */
char *metrics_text(const struct metrics *m, size_t *ret_len);

#endif
