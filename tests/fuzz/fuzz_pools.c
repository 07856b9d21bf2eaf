/*
 * Lines of JSON as Services that want addresses out of pools: whatever they say, no address has two
 * owners that did not agree to share it, and all are free when the Services are gone.
 */
#include <jansson.h>
#include <string.h>

#include "agent/core/pools.h"
#include "agent/kube/jget.h"
#include "agent/kube/svcpool.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

#define KEYS 8

static char *sharing[KEYS]; /* of the Services that are there */

static unsigned
number_of(const json_t *obj)
{
	const char *name = jget_str(obj, "metadata.name");

	return name ? (unsigned)strlen(name) % KEYS : 0;
}

static void
key_of(unsigned i, char key[16])
{
	snprintf(key, 16, "ns/%u", i);
}

static void
put(struct pools *p, const json_t *obj)
{
	unsigned i = number_of(obj);
	struct svcpool s;
	char key[16];

	key_of(i, key);
	svcpool_parse(key, obj, NULL, &s);
	HOLD(s.s.nrequested <= POOLS_REQUESTS_MAX && s.s.nstatus <= POOLS_REQUESTS_MAX);
	HOLD(s.s.family == IP4 || s.s.family == IP6);
	HOLD(s.s.nrequested < 2 || s.s.requested[0].af != s.s.requested[1].af);
	mem_free(sharing[i]);
	sharing[i] = s.s.sharing ? mem_strdup(s.s.sharing) : NULL;
	pools_put(p, &s.s);
	svcpool_clear(&s);
}

static void
check_two(const struct pools_service_view *a, const struct pools_service_view *b, unsigned i, unsigned k)
{
	for (size_t x = 0; x < a->n; x++)
		for (size_t y = 0; y < b->n; y++)
			if (ip_addr_eq(&a->addr[x], &b->addr[y]))
				HOLD(sharing[i] && sharing[k] && strcmp(sharing[i], sharing[k]) == 0);
}

static void
check_owners(const struct pools *p)
{
	static struct pools_service_view v[KEYS];
	char key[16];

	for (unsigned i = 0; i < KEYS; i++) {
		key_of(i, key);
		if (!pools_service(p, key, &v[i]))
			v[i].n = 0;
		HOLD(v[i].n <= POOLS_REQUESTS_MAX);
		for (unsigned k = 0; k < i; k++)
			check_two(&v[i], &v[k], i, k);
	}
}

static void
drain(struct pools *p)
{
	struct pools_event e;
	struct pools_todo t;

	while (pools_next_todo(p, &t)) {
		HOLD(t.n <= POOLS_REQUESTS_MAX);
		for (size_t i = 0; i < t.n; i++)
			HOLD(t.addr[i].af == IP4 || t.addr[i].af == IP6);
	}
	while (pools_next_event(p, &e))
		HOLD(*e.reason && memchr(e.text, '\0', sizeof(e.text)));
	check_owners(p);
}

static void
configure(struct pools *p)
{
	static const char *const here[] = { "ns" };
	struct ip_range small, large, six;
	struct pool_conf v[] = {
		{ .name = "small", .ranges = &small, .nranges = 1, .auto_assign = true },
		{ .name = "large", .ranges = &large, .nranges = 1, .avoid_buggy = true, .namespaces = here,
		    .nnamespaces = 1 },
		{ .name = "six", .ranges = &six, .nranges = 1, .auto_assign = true },
	};

	HOLD(ip_range_parse("203.0.113.10-203.0.113.12", &small));
	HOLD(ip_range_parse("198.51.100.0/24", &large) && ip_range_parse("2001:db8:aa::/64", &six));
	pools_configure(p, v, sizeof(v) / sizeof(v[0]), false);
}

static void
forget_all(struct pools *p)
{
	struct pools_view v;
	char key[16];

	for (unsigned i = 0; i < KEYS; i++) {
		key_of(i, key);
		pools_remove(p, key);
		mem_free(sharing[i]);
		sharing[i] = NULL;
	}
	drain(p);
	for (size_t i = 0; pools_view(p, i, &v); i++)
		HOLD(v.used[0] == 0 && v.used[1] == 0 && v.services == 0 && v.conflicts == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct pools *p = pools_new(1);
	const uint8_t *end = in + len, *lf;
	unsigned lines = 0;

	configure(p);
	for (; in < end; in = lf + 1) {
		json_t *j;

		lf = memchr(in, '\n', (size_t)(end - in));
		lf = lf ? lf : end;
		j = json_loadb((const char *)in, (size_t)(lf - in), JSON_DECODE_ANY, NULL);
		if (j)
			put(p, j);
		json_decref(j);
		if (++lines == 3)
			pools_synced(p);
		drain(p);
	}
	forget_all(p);
	pools_free(p);
	return 0;
}
