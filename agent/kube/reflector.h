/*
 * All objects of one kind, and every change of them: list in pages, then watch, forever.
 *
 * The reflector survives what an API server does: it lists again on 410, waits as Retry-After
 * says, follows bookmarks, notices a hung server and a cut stream, and backs off with jitter. What
 * it has told stays true in the meantime: no error is ever taken for "there are no objects".
 * It keeps key and resourceVersion of each object, so that after a new list only real changes and
 * deletions are told; the objects themselves are the listener's to keep, as little of them as it needs.
 */
#ifndef AGENT_KUBE_REFLECTOR_H
#define AGENT_KUBE_REFLECTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

struct api;
struct reflector;

struct reflector_spec {
	const char *path;  /* "/api/v1/nodes"; copied */
	const char *query; /* "fieldSelector=metadata.name%3Dx" or NULL; copied */
	uint32_t page;	   /* objects of a list's page; 0: 50 */
	uint32_t list_ms;  /* that a list may be silent; 0: 15 s */
	/* Members that the listener does not want to see (agent/kube/jskim.h), which makes large objects
	 * cheap; static. NULL: metadata.managedFields. */
	const char *const *skip;
};

struct reflector_ops {
	/* New or changed. key is "namespace/name", or the name alone; both are valid during the call
	 * only. In a watch it is called as soon as the event's last octet was read. */
	void (*object)(void *ctx, const char *key, const json_t *obj);
	void (*deleted)(void *ctx, const char *key);
	/* A list is complete: all objects and deletions of it have been told. */
	void (*synced)(void *ctx);
	/* In words, when it changes: why nothing can be learned at the moment; "" all is well. */
	void (*problem)(void *ctx, const char *why);
};

/* Any of the ops may be NULL. Borrows api and ops, which outlive it. */
struct reflector *reflector_new(
    struct api *api, const struct reflector_spec *spec, const struct reflector_ops *ops, void *ctx);
void reflector_free(struct reflector *r);

/* Was a list ever complete? */
bool reflector_is_synced(const struct reflector *r);

/* ---- views ------------------------------------------------------------------ */

struct list;

struct reflector_view {
	const char *path, *query, *state, *problem; /* "" when there is none */
	bool synced;
	size_t objects;
	struct mono_us heard; /* the last octet; us 0: never */
	uint64_t events, restarts, gone, lists;
	bool absent; /* the problem is that it is not served there: a definition is not installed */
};

/* One of api_reflectors(); the texts are borrowed from it. */
void reflector_look(const struct list *link, struct reflector_view *ret);

#endif
