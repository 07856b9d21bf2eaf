/*
 * A Service of the API as agent/core/pools.h takes it. Nothing of it is trusted to be there, nor to
 * be of any type.
 */
#ifndef AGENT_KUBE_SVCPOOL_H
#define AGENT_KUBE_SVCPOOL_H

#include <jansson.h>

#include "agent/core/pools.h"

/* What a Service says of itself, with what it points to. */
struct svcpool {
	struct pool_service s;
	struct label *labels;
	struct pool_port *ports;
	char *backends;
};

/*
 * class: loadBalancerClass of the Services that are ours; NULL: none, or one of "weft.dev/".
 * key and obj are borrowed until svcpool_clear().
 */
void svcpool_parse(const char *key, const json_t *obj, const char *class, struct svcpool *ret);
void svcpool_clear(struct svcpool *p);

/* Seconds since 1970 of an RFC 3339 time in UTC; 0: it is none. */
uint64_t svcpool_time(const char *text);

#endif
