/*
 * Events of Kubernetes, for people who look at objects with kubectl.
 *
 * Bounded: the same Event again is counted in the one that is there, at most twice a minute; all
 * together are 20 at once and one in 10 s after that; what is beyond is dropped. While weft only observes (observe) there are none.
 *
 * Needs: create and patch of events (core, "") in `default` and in our namespace.
 */
#ifndef AGENT_KUBE_RECORDER_H
#define AGENT_KUBE_RECORDER_H

#include <stdbool.h>

#include "agent/kube/kube.h"

extern const struct kube_part kube_recorder_part;

/* What an Event is about. */
struct kube_ref {
	const char *api_version, *kind, *name;
	const char *namespace; /* NULL: of the cluster; its Events are in `default` */
	const char *uid;       /* NULL: not known */
};

/* reason: one CamelCase word; message: a sentence. All texts are copied. Nothing waits for it. */
void kube_event(struct kube *k, const struct kube_ref *ref, bool warning, const char *reason,
    const char *message);

#endif
