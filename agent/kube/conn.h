/*
 * A connection to the API server: octets to it and from it, through TLS.
 *
 * Non-blocking, on the agent's event loop. The kernel finds out about a server that vanished
 * (keep-alives, TCP_USER_TIMEOUT); a connection on which nothing happens stays.
 */
#ifndef AGENT_KUBE_CONN_H
#define AGENT_KUBE_CONN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/kube/tls.h"

struct event_base;
struct conn;

enum conn_end {
	CONN_CLOSED,	/* by the peer, in good order */
	CONN_CUT,	/* in the middle */
	CONN_NO_SERVER, /* it was never there: refused, unreachable, no answer */
	CONN_TLS,	/* it is not who it must be, or does not want us */
};

struct conn_to {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	const struct tls_ops *tls; /* NULL: none */
	struct tls_ctx *ctx;
	const char *name;    /* that its certificate must be for */
	uint32_t connect_ms; /* for connecting and TLS's handshake */
};

struct conn_ops {
	void (*up)(void *ctx); /* octets can be sent; the server has shown who it is */
	void (*octets)(void *ctx, const uint8_t *p, size_t n);
	void (*lost)(void *ctx, enum conn_end how, const char *why); /* nothing follows but conn_free() */
};

/* ops are called from the loop, never from within these functions. */
struct conn *conn_new(struct event_base *base, const struct conn_to *to, const struct conn_ops *ops,
    void *ctx);
/* May be called from ops; NULL is fine. */
void conn_free(struct conn *c);

/* Kept until they can be sent. */
void conn_write(struct conn *c, const void *p, size_t n);

#endif
