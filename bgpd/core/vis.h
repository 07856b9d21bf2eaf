/*
 * Who may see an announcement, in 16 bits (the values: outlog.h).
 *
 * What a peer said is for everybody but that peer; own prefixes are for
 * everybody, or for the peers of a list.  Lists are interned, and few: each
 * is a line of somebody's configuration.  They stay until the speaker ends.
 */
#ifndef BGPD_CORE_VIS_H
#define BGPD_CORE_VIS_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/outlog.h"

struct export_source;
struct ip_prefix;
struct rpeer;
struct speaker;

#define VIS_LISTS_MAX 4096

struct only_set {
	uint16_t n;
	uint32_t *id; /* of peers' configurations, sorted */
};

/*
 * The list of n peers (at most IPC_ONLY_MAX) as a vis; VIS_LOCAL for n 0.
 * VIS_NONE when there are too many lists.
 */
uint16_t vis_only(struct speaker *sp, const uint32_t *id, uint16_t n);
void vis_free(struct speaker *sp);

/* May that peer see it? */
bool vis_sees(const struct speaker *sp, uint16_t vis, const struct rpeer *rp);

/* The vis of an own prefix, as vis_set_local() noted it; VIS_LOCAL when it did not. */
uint16_t vis_of_local(const struct speaker *sp, const struct ip_prefix *prefix);
void vis_set_local(struct speaker *sp, const struct ip_prefix *prefix, uint16_t vis);

/* Where it comes from, as the export policy sees it; NULL for VIS_GONE and VIS_NONE. */
const struct export_source *vis_source(const struct speaker *sp, uint16_t vis);

#endif
