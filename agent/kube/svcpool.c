/*
 * A Service of the API for pools; see svcpool.h.
 */
#include "agent/kube/svcpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/kube/jget.h"
#include "lib/mem.h"

#define PREFIX	    "weft.dev/"
#define ASK_ADDRS   "metadata.annotations['weft.dev/load-balancer-ips']"
#define ASK_POOL    "metadata.annotations['weft.dev/load-balancer-pool']"
#define ASK_SHARING "metadata.annotations['weft.dev/allow-shared-ip']"
#define PORTS_MAX   256
#define LABELS_MAX  128
#define NOTE_MAX    253 /* octets of a pool's name, and of a sharing key */

uint64_t
svcpool_time(const char *text)
{
	struct tm tm = { 0 };

	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			 &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return tm.tm_year < 70 ? 0 : (uint64_t)timegm(&tm);
}

static uint8_t
kind_of(const json_t *obj, const char *class)
{
	const char *type = jget_str(obj, "spec.type"), *its = jget_str(obj, "spec.loadBalancerClass");

	if (!type || strcmp(type, "LoadBalancer") != 0 || jget(obj, "metadata.deletionTimestamp"))
		return POOLS_NONE;
	if (class)
		return its && strcmp(its, class) == 0 ? POOLS_MINE : POOLS_OTHERS;
	return !its || !*its || strncmp(its, PREFIX, strlen(PREFIX)) == 0 ? POOLS_MINE : POOLS_OTHERS;
}

static int
label_cmp(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->key, ((const struct label *)b)->key);
}

static void
parse_labels(const json_t *obj, struct svcpool *ret)
{
	json_t *labels = (json_t *)jget(obj, "metadata.labels"), *v;
	const char *key;
	size_t n = 0;

	if (!json_is_object(labels) || json_object_size(labels) == 0)
		return;
	ret->labels = mem_zalloc_array(LABELS_MAX, sizeof *ret->labels);
	json_object_foreach(labels, key, v)
		if (json_is_string(v) && n < LABELS_MAX)
			ret->labels[n++] = (struct label){ key, json_string_value(v) };
	qsort(ret->labels, n, sizeof *ret->labels, label_cmp);
	ret->s.labels = (struct labels){ ret->labels, n };
}

static uint8_t
protocol_of(const char *name)
{
	return name && strcmp(name, "UDP") == 0 ? 17 : name && strcmp(name, "SCTP") == 0 ? 132 : 6;
}

static void
parse_ports(const json_t *obj, struct svcpool *ret)
{
	json_t *ports = (json_t *)jget(obj, "spec.ports"), *p;
	size_t i, n = 0;

	if (!json_is_array(ports) || json_array_size(ports) == 0)
		return;
	ret->ports = mem_zalloc_array(PORTS_MAX, sizeof *ret->ports);
	json_array_foreach(ports, i, p) {
		if (n == PORTS_MAX)
			break;
		ret->ports[n].port = (uint16_t)jget_int(p, "port", 1, 65535, 0);
		ret->ports[n++].protocol = protocol_of(jget_str(p, "protocol"));
	}
	ret->s.ports = ret->ports;
	ret->s.nports = n;
}

/* True: it was taken; false: no address, or the second one of its family. */
static bool
add_addr(struct ip_addr *v, size_t *n, const char *text)
{
	struct ip_addr a;

	if (!text || !ip_addr_parse(text, &a) || a.ifindex || *n == POOLS_REQUESTS_MAX ||
	    (*n == 1 && v[0].af == a.af))
		return false;
	v[(*n)++] = a;
	return true;
}

/* Addresses with commas or blanks between them. */
static void
parse_requests(const json_t *obj, struct pool_service *s)
{
	const char *list = jget_str(obj, ASK_ADDRS), *one = jget_str(obj, "spec.loadBalancerIP");
	char *copy = list ? mem_strdup(list) : NULL, *save = NULL;

	for (char *w = copy ? strtok_r(copy, ", \t\n", &save) : NULL; w; w = strtok_r(NULL, ", \t\n", &save))
		s->bad_request |= !add_addr(s->requested, &s->nrequested, w);
	if (!list && one && *one)
		s->bad_request |= !add_addr(s->requested, &s->nrequested, one);
	mem_free(copy);
}

static void
parse_status(const json_t *obj, struct pool_service *s)
{
	json_t *v = (json_t *)jget(obj, "status.loadBalancer.ingress"), *e;
	size_t i;

	if (json_is_array(v))
		json_array_foreach(v, i, e)
			s->odd_status |= !add_addr(s->status, &s->nstatus, jget_str(e, "ip"));
}

/* An annotation may have 256 KiB: one that long asks for nothing that there is. */
static const char *
note(const json_t *obj, const char *path, bool *bad)
{
	const char *text = jget_str(obj, path);
	bool is_long = text && strlen(text) > NOTE_MAX;

	*bad |= is_long;
	return is_long ? NULL : text;
}

static uint8_t
family_named(const char *name)
{
	return !name ? IP_NONE : strcmp(name, "IPv4") == 0 ? IP4 : strcmp(name, "IPv6") == 0 ? IP6 : IP_NONE;
}

/* Without ipFamilies, of a server that knows no dual stack, the cluster address says it. */
static void
parse_families(const json_t *obj, struct pool_service *s)
{
	const char *policy = jget_str(obj, "spec.ipFamilyPolicy"), *cluster = jget_str(obj, "spec.clusterIP");
	uint8_t first = family_named(jget_str(obj, "spec.ipFamilies[0]"));
	struct ip_addr a;

	if (!first && cluster && ip_addr_parse(cluster, &a))
		first = a.af;
	s->family = first ? first : IP4;
	s->policy = !policy ? POOLS_SINGLE : strcmp(policy, "RequireDualStack") == 0 ? POOLS_REQUIRE_DUAL :
	    strcmp(policy, "PreferDualStack") == 0 ? POOLS_PREFER_DUAL : POOLS_SINGLE;
	if (s->policy == POOLS_PREFER_DUAL && jget_len(obj, "spec.ipFamilies") == 1)
		s->policy = POOLS_SINGLE; /* the cluster has that family only */
}

void
svcpool_parse(const char *key, const json_t *obj, const char *class, struct svcpool *ret)
{
	struct pool_service *s = &ret->s;
	const char *etp = jget_str(obj, "spec.externalTrafficPolicy");
	const json_t *selector = jget(obj, "spec.selector");

	memset(ret, 0, sizeof *ret);
	s->key = key;
	s->kind = kind_of(obj, class);
	s->created = svcpool_time(jget_str(obj, "metadata.creationTimestamp"));
	s->pool = note(obj, ASK_POOL, &s->bad_request);
	s->sharing = note(obj, ASK_SHARING, &s->bad_request);
	s->local = etp && strcmp(etp, "Local") == 0;
	parse_labels(obj, ret);
	parse_ports(obj, ret);
	parse_families(obj, s);
	parse_requests(obj, s);
	parse_status(obj, s);
	if (selector && s->local && s->sharing) {
		char *text = json_dumps(selector, JSON_SORT_KEYS | JSON_COMPACT);

		ret->backends = text ? mem_strdup(text) : NULL;
		free(text);
		s->backends = ret->backends;
	}
}

void
svcpool_clear(struct svcpool *p)
{
	mem_free(p->labels);
	mem_free(p->ports);
	mem_free(p->backends);
}
