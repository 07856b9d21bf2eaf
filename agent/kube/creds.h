/*
 * Where the API server is, whom we believe to be it, and who we are.
 *
 * From a kubeconfig (its current context) or from a pod's service account. Files are read by a
 * function of the caller's, so nothing here opens any; texts that are secret are wiped when they
 * are freed.
 */
#ifndef AGENT_KUBE_CREDS_H
#define AGENT_KUBE_CREDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CREDS_WHY_MAX 256
#define CREDS_FILE_MAX (1u << 20)
#define CREDS_SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

enum creds_kind { CREDS_TOKEN, CREDS_CERTIFICATE, CREDS_NONE };

struct creds {
	enum creds_kind kind;
	bool in_cluster; /* of a service account */
	bool tls;	 /* false: plain HTTP, to this host only */
	char *host;	 /* name or address, without brackets */
	uint16_t port;
	char *base;	 /* path before all others, "" or "/prefix" */
	char *name;	 /* that the server's certificate must be for; also of Host */
	char *ca, *cert, *key; /* PEM, or NULL */
	char *token;	 /* or NULL */
	char *namespace; /* never NULL */
};

struct creds_source {
	const char *kubeconfig; /* path, or NULL: the service account */
	const char *server;	/* URL in place of what they name, or NULL */
	const char *namespace;	/* the same */
	/* The environment's value, or NULL. */
	const char *(*env)(void *ctx, const char *name);
	/* The whole file, NUL-terminated, the caller's to mem_free(); NULL with the reason
	 * (CREDS_WHY_MAX octets). */
	char *(*read)(void *ctx, const char *path, size_t *ret_len, char *why);
	void *ctx;
};

/* Does the environment say that we are in a pod of a cluster? */
bool creds_in_cluster(const struct creds_source *s);

/* Fill *ret, all zeros or freed before; false with the reason (CREDS_WHY_MAX octets). */
bool creds_load(const struct creds_source *s, struct creds *ret, char *why);

/* Leaves it all zeros. */
void creds_free(struct creds *c);

/* The same server, reached with the same trust and the same credentials. */
bool creds_equal(const struct creds *a, const struct creds *b);
/* The same but for the token: connections may stay. */
bool creds_same_server(const struct creds *a, const struct creds *b);

/* "service-account", "token", "certificate", "none". */
const char *creds_kind_str(const struct creds *c);

/* Decode base64 (RFC 4648 section 4), blanks ignored; NULL: it is none. Owned by the caller,
 * NUL-terminated. */
char *creds_base64(const char *text, size_t len, size_t *ret_len);

#endif
