/*
 * Beneath api_send(): answers as streams, time, and whether the server is there. For the reflector
 * and for kube.c; the parts use api.h.
 *
 * While the server does not answer at all, or says that it is not ready, the api itself asks it in
 * short intervals, on one connection for all, and tells its listeners when that has changed: so a
 * node notices soon that its server is back, without asking for much.
 *
 * RBAC: get of the non-resource URL /readyz, which Kubernetes gives to everybody
 * (system:public-info-viewer); a 403 is an answer, too.
 */
#ifndef AGENT_KUBE_APICALL_H
#define AGENT_KUBE_APICALL_H

#include "agent/kube/api.h"
#include "agent/kube/creds.h"
#include "lib/ip.h"
#include "lib/list.h"
#include "lib/mono.h"

struct event_base;

struct api_env {
	struct event_base *base;
	struct creds_source creds; /* its texts are copied */
	uint64_t seed;
	/* The server was reached, or is lost, with the reason. */
	void (*reached)(void *ctx, const char *server);
	void (*lost)(void *ctx, const char *why);
	void (*moved)(void *ctx); /* api_addresses() has others; NULL: nobody cares */
	void *ctx;
};

/* Connects when it is first used. */
struct api *api_new(const struct api_env *env);
/* Requests under way end without a word. NULL is fine. */
void api_free(struct api *api);

/* ---- answers as streams --------------------------------------------------- */

enum api_end_kind {
	API_OK,	       /* 2xx, and complete */
	API_REFUSED,   /* another status */
	API_NO_SERVER, /* nobody there, or not who it must be, or we have no credentials */
	API_TIMEOUT,   /* no octet in time */
	API_CUT,       /* the answer is not complete */
	API_BAD,       /* not HTTP, or too much of it */
};

struct api_end {
	enum api_end_kind kind;
	int status;		 /* 0: none was read */
	bool retry_after;	 /* the server said when to come again */
	uint32_t retry_after_ms;
	const json_t *body;	 /* API_REFUSED: the Status object; NULL: none; borrowed */
	const char *why;	 /* in words; "" when all is well */
};

struct api_call_ops {
	void (*head)(void *ctx); /* the status is 2xx; may be NULL */
	void (*octets)(void *ctx, const uint8_t *p, size_t n); /* of a 2xx answer's body */
	void (*end)(void *ctx, const struct api_end *e);       /* exactly once, unless cancelled */
};

struct api_call_spec {
	struct api_req req;
	bool stream;	  /* it may last: has a connection of its own */
	uint32_t head_ms; /* until the answer begins; 0: 30 s */
	uint32_t idle_ms; /* without an octet after that; 0: for ever */
};

/* Never calls ops from within; api_cancel() ends it. Returns its id. */
uint32_t api_call(struct api *api, const struct api_call_spec *spec, const struct api_call_ops *ops,
    void *ctx);

/* ---- time ------------------------------------------------------------------- */

struct api_timer;

/* A timer that calls fn once after each api_timer_set(); _free() takes NULL, too. */
struct api_timer *api_timer_new(struct api *api, void (*fn)(void *ctx), void *ctx);
void api_timer_free(struct api_timer *t);
void api_timer_set(struct api_timer *t, uint32_t ms);
void api_timer_stop(struct api_timer *t);
/* CLOCK_MONOTONIC. */
struct mono_us api_now(const struct api *api);
/* For jitter: another one at each call. */
uint64_t api_seed(struct api *api);

/* ---- is it there? ----------------------------------------------------------- */

enum api_health { API_UNKNOWN, API_UP, API_SICK, API_DOWN };

struct api_listener {
	struct list link;
	void (*changed)(void *ctx, bool up); /* up: try again now */
	void *ctx;
};
/* Tell l from now on; it is the caller's, linked until api_unlisten(). */
void api_listen(struct api *api, struct api_listener *l);
void api_unlisten(struct api_listener *l);
/* False: it does not answer at all; wait until told. */
bool api_may_ask(const struct api *api);
/* Why the server is not there, or not ready, in words; "" all is well. Borrowed. */
const char *api_why(const struct api *api);

/* What its certificate is checked with (PEM); NULL: nothing, or no credentials. Borrowed. */
const char *api_ca(const struct api *api);

/* Where the server is, as far as that is known: at most cap addresses; returns how many. */
size_t api_addresses(const struct api *api, struct ip_addr *ret, size_t cap);

/* ---- views -------------------------------------------------------------------- */

#define API_CODES_MAX 16

struct api_view {
	enum api_health health;
	struct mono_us since;
	const char *server; /* "https://10.0.0.1:6443", "" not known */
	const char *credentials; /* creds_kind_str(), "" none */
	const char *namespace;
	const char *why;    /* of what is wrong, "" */
	uint32_t connections; /* open now */
	uint64_t connects, losses;
	uint64_t ncodes; /* answers by their status; 0: none */
	struct {
		int code;
		uint64_t n;
	} code[API_CODES_MAX];
};
/* Everything at once; texts are borrowed until the next turn of the loop. */
void api_look(const struct api *api, struct api_view *ret);
const char *api_health_str(enum api_health h);

/* Reflectors of this api, for views: their list. */
struct list *api_reflectors(struct api *api);

#endif
