/*
 * Lines of JSON as Nodes: a Node told twice is no change, nor is one without what is not looked at,
 * and nothing stays when they are gone.
 */
#include <jansson.h>
#include <string.h>

#include "agent/core/cluster.h"
#include "agent/kube/jget.h"
#include "agent/kube/jskim.h"
#include "agent/kube/nodeparse.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

#define NAMES 8

static void
name_of(const json_t *obj, char name[8])
{
	const char *s = jget_str(obj, "metadata.name");

	snprintf(name, 8, "n%u", s ? (unsigned)strlen(s) % NAMES : 0);
}

static void
check(const struct cluster_node *n)
{
	HOLD(n && n->naddrs <= CLUSTER_ADDRS_MAX && n->ncidrs <= CLUSTER_CIDRS_MAX);
	for (size_t i = 0; i < n->naddrs; i++)
		HOLD(n->addrs[i].af == IP4 || n->addrs[i].af == IP6);
	for (size_t i = 0; i < n->ncidrs; i++)
		HOLD(n->cidrs[i].len > 0 && n->cidrs[i].len <= ip_af_bits(n->cidrs[i].af));
	for (size_t i = 1; i < n->labels.n; i++)
		HOLD(strcmp(n->labels.v[i - 1].key, n->labels.v[i].key) < 0);
	HOLD(n->labels.n <= CLUSTER_LABELS_MAX && n->taints.n <= CLUSTER_LABELS_MAX);
}

/* One Node, twice, and once more without what is left out of a watch. */
static void
put(struct cluster *c, const char *text, size_t len)
{
	json_t *j = json_loadb(text, len, JSON_DECODE_ANY, NULL), *less;
	char name[8], *copy = mem_dup(text, len);

	less = json_loadb(copy, jskim(copy, len, node_unwanted), JSON_DECODE_ANY, NULL);
	if (j) {
		name_of(j, name);
		node_put(c, name, j);
		check(cluster_find(c, name));
		HOLD(!node_put(c, name, j));
		HOLD(!less || !node_put(c, name, less));
	}
	json_decref(j);
	json_decref(less);
	mem_free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct cluster *c = cluster_new("n1");
	const uint8_t *end = in + len, *lf;
	char name[8];

	for (; in < end; in = lf + 1) {
		lf = memchr(in, '\n', (size_t)(end - in));
		lf = lf ? lf : end;
		put(c, (const char *)in, (size_t)(lf - in));
	}
	HOLD(cluster_count(c) <= NAMES);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		cluster_remove(c, name);
	}
	HOLD(cluster_count(c) == 0 && !cluster_own(c) && !cluster_next(c, NULL));
	cluster_free(c);
	return 0;
}
