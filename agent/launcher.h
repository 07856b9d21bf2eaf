/*
 * weft-agent's side of the channel to weftd (lib/launchmsg.h).
 *
 * Requests are answered from weftd's own memory and file system, so they wait
 * for their answer, at most LAUNCHER_WAIT_MS; notices that arrive meanwhile
 * are kept and delivered from the loop.
 */
#ifndef AGENT_LAUNCHER_H
#define AGENT_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/launchmsg.h"

#define LAUNCHER_WAIT_MS 2000

struct event_base;
struct launcher;

struct launcher_ops {
	/* A notice; fds are the receiver's to close (LAUNCH_BGPD has three). */
	void (*notice)(void *ctx, const struct launch_msg *m, const int *fds, size_t nfds);
	/* weftd is gone or spoke nonsense. */
	void (*lost)(void *ctx, const char *why);
};

/* Adopts LAUNCH_FD_CHANNEL. 0 in *ret_err, or -errno and NULL. */
struct launcher *launcher_new(struct event_base *base, int fd, const struct launcher_ops *ops,
    void *ctx, int *ret_err);
void launcher_free(struct launcher *l);

/* Each returns a descriptor (the caller's) or -errno; -ETIMEDOUT when weftd did not answer.
 * ret_text (LAUNCH_TEXT_MAX octets, may be NULL) gets weftd's words on a failure. */
int launcher_open_config(struct launcher *l, char *ret_text);
int launcher_open_secret(struct launcher *l, const char *path, char *ret_text);
/* addr of family only, without octets: the wildcard. */
int launcher_open_listener(struct launcher *l, const struct ip_addr *addr, uint16_t port,
    const char *ifname, char *ret_text);
int launcher_open_ra(struct launcher *l, char *ret_text);

/* One of LAUNCH_CNI_..., about the file of that name ("" for LAUNCH_CNI_LIST); as above. */
int launcher_cni(struct launcher *l, enum launch_type what, const char *name, char *ret_text);

/* LAUNCH_OPEN_CLAIM; as above. */
int launcher_open_claim(struct launcher *l, uint8_t protocol, char *ret_text);

/* For the service manager; lost silently when weftd is gone. */
void launcher_ready(struct launcher *l, const char *status);
void launcher_status(struct launcher *l, const char *status);
/* The answer to LAUNCH_PING, or a beat that saves the next one. */
void launcher_pong(struct launcher *l);
/* There are BFD sessions, or none any more: a LAUNCH_BFDD notice follows. */
void launcher_want_bfdd(struct launcher *l, bool want);
/* The channel to bfdd was broken. */
void launcher_restart_bfdd(struct launcher *l, const char *why);
/* The channel to bgpd was broken: start it again. */
void launcher_restart_bgpd(struct launcher *l, const char *why);

#endif
