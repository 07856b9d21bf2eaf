/*
 * Services and EndpointSlices as JSON lines, changed and removed in any order, with whatever shape.
 * What is announced is counted along; in the end everything goes, and nothing stays announced.
 *
 * A line is an object; its key comes from its length, so that objects replace each other. A line
 * that begins with "-" removes the Service and the slice of that key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agent/core/services.h"
#include "agent/kube/svcparse.h"
#include "lib/conf.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

#define KEYS 16

static const struct service_rule rules[] = {
	{ .kinds = 1u << SERVICE_LB_IP },
	{ .kinds = 7, .aggregate = { 24, 64 } },
};

static void
drain(struct services *s, size_t *announced)
{
	static const struct conf none;
	struct ipc_originate o;
	struct service_change c;
	char why[IPC_TEXT_MAX];

	while (services_next_change(s, &c)) {
		memset(&o, 0, sizeof(o));
		if (c.on && !svc_parse_notes(&none, c.communities, c.local_pref, &o, why) && !why[0])
			abort(); /* wrong without a reason */
		if (o.ncomm > IPC_COMM_MAX || o.nlarge > IPC_COMM_MAX)
			abort();
	}
	*announced = services_announced(s);
}

static void
give(struct services *s, struct svc_parsed *v, const char *key, const json_t *j)
{
	char service[SVC_KEY_MAX];
	struct service_slice sl;

	if (svc_parse_slice(key, j, "n1", "h1", service, &sl))
		services_put_slice(s, &sl);
	svc_parse(key, j, NULL, v);
	services_put(s, &v->service);
}

static void
look(const struct services *s)
{
	struct service_addr_view a;
	struct service_view v;
	char why[SERVICES_WHY_MAX];
	const char *after = NULL;

	for (; services_next(s, after, &v); after = v.key)
		for (size_t i = 0; services_addr(s, v.key, i, &a); i++) {
			if (service_why_is_on(a.why) != (a.by.af != IP_NONE))
				abort(); /* announced by nothing, or not announced by something */
			service_why_text(&a, why);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct svc_parsed *v = mem_alloc(sizeof(*v));
	struct services *s = services_new();
	size_t announced = 0;
	char key[32];

	services_set_rules(s, rules, 2);
	for (size_t n; len > 0; in += n, len -= n) {
		const uint8_t *nl = memchr(in, '\n', len);
		json_t *j;

		n = nl ? (size_t)(nl - in) + 1 : len;
		snprintf(key, sizeof(key), "d/s%zu", n % KEYS);
		j = json_loadb((const char *)in, n, 0, NULL);
		if (j)
			give(s, v, key, j);
		else if (*in == '-')
			services_remove(s, key);
		json_decref(j);
		if (n % 3 == 0)
			drain(s, &announced);
	}
	look(s);
	for (size_t i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "d/s%zu", i);
		services_remove(s, key);
		services_remove_slice(s, key);
	}
	drain(s, &announced);
	if (announced != 0 || services_count(s) != 0)
		abort();
	services_free(s);
	mem_free(v);
	return 0;
}
