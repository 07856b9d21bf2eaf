/*
 * One request to the Kubernetes API server and its answer.
 *
 * Connections are HTTPS through libevent and OpenSSL, HTTP/1.1 (no ALPN h2); the server's
 * certificate and name are checked. Where the server is and who we are comes from the
 * configuration's `kubernetes`, from a kubeconfig, or from a pod's service account; tokens are read
 * again when they change and after a 401. Each request has a time-out; nothing here retries: who
 * asked decides (backoff.h has the delays, reflector.h retries by itself).
 */
#ifndef AGENT_KUBE_API_H
#define AGENT_KUBE_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;

struct api_req {
	const char *method; /* GET, POST, PUT, PATCH, DELETE */
	const char *path;   /* with its query, percent-encoded: "/api/v1/nodes?limit=50" */
	const char *type;   /* of the body; NULL: application/json. Patches need one of RFC 7396's
			     * application/merge-patch+json and the like */
	const json_t *body; /* borrowed during the call; NULL: none */
};

struct api_answer {
	int status;	      /* of HTTP; 0: no (whole) answer, see why */
	const json_t *body;   /* NULL: none, or no JSON; borrowed during the callback */
	uint32_t retry_after_ms; /* what Retry-After says; 0: nothing */
	const char *why;      /* what went wrong, in words, with the server's own; "" when status is 2xx */
};

/*
 * Send a request; done is called exactly once, never from within api_send(), unless cancelled.
 * Returns its id, never 0.
 */
uint32_t api_send(struct api *api, const struct api_req *req,
    void (*done)(void *ctx, const struct api_answer *ans), void *ctx);
void api_cancel(struct api *api, uint32_t id);

#endif
