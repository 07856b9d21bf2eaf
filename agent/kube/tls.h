/*
 * TLS for a client, as a stream of octets over a connected, non-blocking socket.
 *
 * OpenSSL is behind it, in a module of its own (weft-tls.so, beside the agent's executable) which
 * is loaded when TLS is first used: its relocations alone would cost every plain host half a
 * megabyte of memory.
 */
#ifndef AGENT_KUBE_TLS_H
#define AGENT_KUBE_TLS_H

#include <stdbool.h>
#include <stddef.h>

#define TLS_WHY_MAX 192

struct tls_ctx;
struct tls;

/* Whom we believe and who we are; PEM texts, borrowed. */
struct tls_trust {
	const char *ca;	  /* certificates of authorities; NULL: those of the system */
	const char *cert; /* our own, with its chain; NULL: none */
	const char *key;  /* its key */
};

enum tls_io {
	TLS_OK,
	TLS_WANT_READ,	/* call again when the socket is readable */
	TLS_WANT_WRITE,
	TLS_END,  /* the peer has said that nothing more comes */
	TLS_CUT,  /* the connection ended without that: what was read may not be all */
	TLS_FAIL, /* see why */
};

/* What the module gives. Nothing here blocks, or looks anything up. */
struct tls_ops {
	/* NULL with the reason (TLS_WHY_MAX octets) when a text is no certificate or no key. */
	struct tls_ctx *(*ctx_new)(const struct tls_trust *t, char *why);
	void (*ctx_free)(struct tls_ctx *c); /* connections under way stay; NULL is fine */
	/*
	 * A connection over fd, which stays the caller's, to a server whose certificate must be for
	 * that name or address. NULL: out of memory.
	 */
	struct tls *(*open)(struct tls_ctx *c, int fd, const char *name);
	void (*close)(struct tls *t); /* says that nothing more comes, if it can; NULL is fine */
	/* TLS_OK: the server has shown who it is. */
	enum tls_io (*handshake)(struct tls *t);
	/* TLS_OK: *ret_n octets, at least one. */
	enum tls_io (*read)(struct tls *t, void *buf, size_t cap, size_t *ret_n);
	enum tls_io (*write)(struct tls *t, const void *buf, size_t n, size_t *ret_n);
	/* Why the last call failed, in words; borrowed. */
	const char *(*why)(const struct tls *t);
};

/* The module, loaded at the first call; NULL with the reason (TLS_WHY_MAX octets). */
const struct tls_ops *tls_load(char *why);

/* Where the module lies, for tests whose program is not beside it; static. */
void tls_set_dir(const char *dir);

#endif
