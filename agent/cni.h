/*
 * The file by which container runtimes learn how to make pods on this node (agent/core/cnilist.h).
 *
 * Written through weftd (launch/cni.c) once the node has its routes (routed.h), and again only when
 * it is to say something else.  Files of others are left alone; one that runtimes would take
 * instead is an event.
 */
#ifndef AGENT_CNI_H
#define AGENT_CNI_H

#include "agent/agent.h"

struct cni;

/* Borrows a, which outlives it. NULL is fine to free: the file stays. */
struct cni *cni_new(struct agent *a);
void cni_free(struct cni *c);

/* Something that it depends on may have changed; cheap when nothing has. */
void cni_look(struct cni *c);

enum cni_state {
	CNI_OFF,
	CNI_WAITING, /* see why */
	CNI_WRITTEN,
	CNI_FAILED, /* see why */
};

struct cni_view {
	enum cni_state state;
	const char *file;    /* its name, "": no configuration is in force */
	char why[256];	     /* in words, "" */
	const char *foreign; /* the file that runtimes take in its place, "" */
	const char *text;    /* what stands in it; NULL: not written by this process */
	struct mono_us at;   /* when it was written or found to be right; us 0: not */
	uint64_t writes;     /* of this process */
};
/* Borrowed until the next call of any function here. */
struct cni_view cni_view(const struct cni *c);
const char *cni_state_name(enum cni_state s);

#endif
