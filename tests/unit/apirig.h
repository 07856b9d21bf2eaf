/*
 * What tests of the API client's users share: time, one timer, and the call that is under way,
 * in place of agent/kube/api.c. Each plays the calls themselves, api_call() or api_send().
 */
#ifndef TESTS_UNIT_APIRIG_H
#define TESTS_UNIT_APIRIG_H

#include "agent/kube/apicall.h"

struct api_timer {
	void (*fn)(void *ctx);
	void *ctx;
	struct mono_us at;
};

extern struct apirig {
	uint32_t id; /* of the call under way; 0: none */
	uint32_t calls; /* in all */
	struct mono_us now;
	struct api_timer *timer; /* the one made last */
	uint64_t seed;
} apirig;

/* A call begins, the only one; its id. */
uint32_t apirig_begin(void);
/* The timer fires now. */
void apirig_fire(void);

#endif
