/*
 * BMP collectors: connections to them, and what they are told.
 *
 * A collector is told what is there (a walk over the tables), then what
 * changes.  Announcements wait as one bit per path or destination and are made
 * from the newest state when the collector's connection takes them; what has
 * no state to be made from (Peer Down, withdrawals, UPDATEs we sent,
 * statistics) waits as octets, at most BMP_QUEUE_OCTETS.  A collector that lets
 * more than that wait, or takes nothing for too long, is disconnected, and told
 * everything again on its next connection.
 *
 * RFC 7854, RFC 8671, RFC 9069; octets: bmp_enc.h.
 */
#ifndef BGPD_CORE_BMP_H
#define BGPD_CORE_BMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"

#define BMP_QUEUE_OCTETS (2u << 20)

struct rpeer;
struct speaker;

/* End of the speaker: forget them, or say goodbye first. */
void bmp_free(struct speaker *sp);
void bmp_shutdown(struct speaker *sp, struct mono_us now);

/* What happened; as feed.h says. */
void bmp_up(struct rpeer *rp);
void bmp_down(struct rpeer *rp);
void bmp_end_of_rib(struct rpeer *rp, unsigned i);
void bmp_path(struct speaker *sp, unsigned i, uint32_t path, bool was_accepted);
void bmp_path_gone(struct speaker *sp, unsigned i, uint32_t path);
/* The destination has a (new) best path; it has none any more. */
void bmp_best(struct speaker *sp, unsigned i, uint32_t dest);
void bmp_best_gone(struct speaker *sp, unsigned i, uint32_t dest);
/* An UPDATE is on its way to the peer. */
void bmp_sent(struct rpeer *rp, const uint8_t *msg, size_t octets);

#endif
