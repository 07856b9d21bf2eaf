/*
 * BMP collectors on the agent's side: their ids, and the connections to them.
 *
 * bgpd decides when to connect and speaks BMP; the agent connects and hands
 * the descriptor on, as it does for peers.
 */
#ifndef AGENT_BMP_H
#define AGENT_BMP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/ipcmsg.h"

struct agent;
struct bmp;

/* Without any connect under way; NULL is fine to free. */
struct bmp *bmp_new(struct agent *a);
void bmp_free(struct bmp *b);

/* Send bgpd the collectors of the configuration in force, within CONF_BEGIN and CONF_END. */
void bmp_send_conf(struct bmp *b);

/* bgpd wants a connection; BMP_DONE answers, never from within this call. */
void bmp_connect(struct bmp *b, uint32_t id, uint32_t token);
/* bgpd is gone: drop every connect under way. */
void bmp_cancel_all(struct bmp *b);

/* The id of a configured collector (by its place), and the other way round; NULL: no such one. */
uint32_t bmp_id(struct bmp *b, size_t place);
const struct conf_bmp *bmp_by_id(const struct bmp *b, uint32_t id);

#endif
