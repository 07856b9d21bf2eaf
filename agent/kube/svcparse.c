/*
 * Services and EndpointSlices out of JSON; see svcparse.h.
 *
 * EndpointSlices come as v1, and as v1beta1 from servers before 1.21: there an endpoint's node is
 * in its topology, or in nodeName behind a feature gate.  Conditions that are absent: ready is
 * true, serving is what ready is, terminating is false.
 */
#include "agent/kube/svcparse.h"

#include <stdio.h>
#include <string.h>

#include "agent/kube/jget.h"
#include "lib/conf.h"
#include "lib/conf_community.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

#define OUR_CLASS     "weft.dev/" /* of loadBalancerClass */
#define NOTE_COMM_MAX 16	  /* communities in one annotation */

/* ---- Services -------------------------------------------------------------------- */

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->key, ((const struct label *)b)->key);
}

static void
parse_labels(const json_t *obj, struct svc_parsed *ret)
{
	const json_t *labels = jget(obj, "metadata.labels");
	size_t n = 0;

	if (!json_is_object(labels))
		return;
	for (void *it = json_object_iter((json_t *)labels); it && n < SVC_LABELS_MAX;
	    it = json_object_iter_next((json_t *)labels, it)) {
		const char *value = json_string_value(json_object_iter_value(it));

		if (value)
			ret->label[n++] = (struct label){ json_object_iter_key(it), value };
	}
	qsort(ret->label, n, sizeof(ret->label[0]), by_key);
	ret->service.labels = (struct labels){ ret->label, n };
}

static void
add_addr(struct svc_parsed *ret, enum service_kind kind, const char *text, bool proxied)
{
	struct service_addr *a;

	if (!text || ret->service.naddrs == SERVICES_ADDRS_MAX)
		return;
	a = &ret->addr[ret->service.naddrs];
	*a = (struct service_addr){ .kind = (uint8_t)kind, .proxied = proxied };
	if (ip_addr_parse(text, &a->addr) && a->addr.ifindex == 0)
		ret->service.naddrs++;
}

/* All of an array of texts. */
static void
add_addrs(struct svc_parsed *ret, enum service_kind kind, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		add_addr(ret, kind, json_string_value(json_array_get(list, i)), false);
}

static void
add_ingress(struct svc_parsed *ret, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *in = json_array_get(list, i);
		const char *mode = jget_str(in, "ipMode");

		add_addr(ret, SERVICE_LB_IP, jget_str(in, "ip"), mode && strcmp(mode, "Proxy") == 0);
	}
}

static bool
is_text(const json_t *obj, const char *path, const char *want)
{
	const char *text = jget_str(obj, path);

	return text && strcmp(text, want) == 0;
}

static const char *
note(const json_t *obj, const char *name)
{
	return json_string_value(json_object_get(jget(obj, "metadata.annotations"), name));
}

static void
parse_addrs(const json_t *obj, struct svc_parsed *ret)
{
	if (is_text(obj, "spec.type", "ExternalName"))
		return;
	if (is_text(obj, "spec.type", "LoadBalancer"))
		add_ingress(ret, jget(obj, "status.loadBalancer.ingress"));
	add_addrs(ret, SERVICE_EXTERNAL_IP, jget(obj, "spec.externalIPs"));
	if (jget_len(obj, "spec.clusterIPs") > 0)
		add_addrs(ret, SERVICE_CLUSTER_IP, jget(obj, "spec.clusterIPs"));
	else
		add_addr(ret, SERVICE_CLUSTER_IP, jget_str(obj, "spec.clusterIP"), false);
}

static bool
is_foreign(const json_t *obj, const char *ours)
{
	const char *class = jget_str(obj, "spec.loadBalancerClass");

	return class && strncmp(class, OUR_CLASS, strlen(OUR_CLASS)) != 0 &&
	    (!ours || strcmp(class, ours) != 0);
}

void
svc_parse(const char *key, const json_t *obj, const char *class, struct svc_parsed *ret)
{
	ret->service = (struct service){
		.key = key,
		.addrs = ret->addr,
		.external_local = is_text(obj, "spec.externalTrafficPolicy", "Local"),
		.internal_local = is_text(obj, "spec.internalTrafficPolicy", "Local"),
		.foreign_class = is_foreign(obj, class),
		.deleting = jget_str(obj, "metadata.deletionTimestamp") != NULL,
		.communities = note(obj, "weft.dev/communities"),
		.local_pref = note(obj, "weft.dev/local-pref"),
	};
	parse_labels(obj, ret);
	parse_addrs(obj, ret);
}

/* ---- EndpointSlices ---------------------------------------------------------------- */

static bool
is_here(const json_t *ep, const char *node, const char *hostname)
{
	const char *name = jget_str(ep, "nodeName");
	const json_t *topology = jget(ep, "topology");

	if (name)
		return strcmp(name, node) == 0;
	name = json_string_value(json_object_get(topology, "kubernetes.io/hostname"));
	return name && (strcmp(name, node) == 0 || (hostname && strcmp(name, hostname) == 0));
}

static struct service_endpoint
parse_endpoint(const json_t *ep, const char *node, const char *hostname)
{
	struct service_endpoint e = { .ready = jget_bool(ep, "conditions.ready", true) };

	e.serving = jget_bool(ep, "conditions.serving", e.ready);
	e.terminating = jget_bool(ep, "conditions.terminating", false);
	e.here = is_here(ep, node, hostname);
	return e;
}

/* "namespace/" of the slice's key and the Service's name. */
static bool
service_of(const char *key, const json_t *obj, char *service)
{
	size_t ns = strcspn(key, "/");
	const char *name = json_string_value(
	    json_object_get(jget(obj, "metadata.labels"), "kubernetes.io/service-name"));
	int n;

	if (!name || !*name || key[ns] != '/' || ns > SVC_KEY_MAX)
		return false;
	n = snprintf(service, SVC_KEY_MAX, "%.*s/%s", (int)ns, key, name);
	return n > 0 && n < SVC_KEY_MAX;
}

bool
svc_parse_slice(const char *key, const json_t *obj, const char *node, const char *hostname,
    char *service, struct service_slice *ret)
{
	const json_t *eps = jget(obj, "endpoints");

	*ret = (struct service_slice){ .key = key, .service = service };
	if (is_text(obj, "addressType", "IPv4"))
		ret->af = IP4;
	else if (is_text(obj, "addressType", "IPv6"))
		ret->af = IP6;
	if (ret->af == IP_NONE || !service_of(key, obj, service))
		return false;
	for (size_t i = 0; i < json_array_size(eps); i++) {
		struct service_endpoint e = parse_endpoint(json_array_get(eps, i), node, hostname);

		service_count_add(&ret->count, &e);
	}
	return true;
}

/* ---- annotations ----------------------------------------------------------------------- */

static bool
add_community(struct ipc_originate *o, const struct conf_community_value *v)
{
	for (uint16_t i = 0; !v->large && i < o->ncomm; i++)
		if (o->comm[i] == v->v[0])
			return true;
	if (v->large ? o->nlarge == IPC_COMM_MAX : o->ncomm == IPC_COMM_MAX)
		return false;
	if (v->large)
		memcpy(o->large[o->nlarge++], v->v, sizeof(v->v));
	else
		o->comm[o->ncomm++] = v->v[0];
	return true;
}

static bool
add_word(const struct conf *c, const char *word, struct ipc_originate *o, char *why)
{
	struct conf_community_value v;

	if (!conf_community_find(c, word, &v)) {
		snprintf(why, IPC_TEXT_MAX, "weft.dev/communities: \"%.64s\" is no community", word);
		return false;
	}
	if (!add_community(o, &v)) {
		snprintf(why, IPC_TEXT_MAX, "weft.dev/communities: too many communities");
		return false;
	}
	return true;
}

static bool
add_words(const struct conf *c, char *text, struct ipc_originate *o, char *why)
{
	size_t n = 0;

	for (char *save, *w = strtok_r(text, ", \t\n", &save); w; w = strtok_r(NULL, ", \t\n", &save)) {
		if (n++ == NOTE_COMM_MAX) {
			snprintf(why, IPC_TEXT_MAX, "weft.dev/communities: want at most %d", NOTE_COMM_MAX);
			return false;
		}
		if (!add_word(c, w, o, why))
			return false;
	}
	return true;
}

static bool
note_communities(const struct conf *c, const char *text, struct ipc_originate *o, char *why)
{
	struct ipc_originate was = *o;
	char *copy;
	bool ok;

	if (strlen(text) > SERVICES_NOTE_MAX) {
		snprintf(why, IPC_TEXT_MAX, "weft.dev/communities: want at most %d octets", SERVICES_NOTE_MAX);
		return false;
	}
	copy = mem_strdup(text);
	ok = add_words(c, copy, o, why);
	mem_free(copy);
	if (!ok)
		memcpy(o, &was, sizeof(was));
	return ok;
}

static bool
note_local_pref(const char *text, struct ipc_originate *o, char *why)
{
	uint64_t v;

	if (!opt_parse_number(text, UINT32_MAX, &v)) {
		snprintf(why, IPC_TEXT_MAX, "weft.dev/local-pref: want 0 to %u, got \"%.32s\"", UINT32_MAX,
		    text);
		return false;
	}
	o->has_local_pref = true;
	o->local_pref = (uint32_t)v;
	return true;
}

bool
svc_parse_notes(const struct conf *c, const char *communities, const char *local_pref,
    struct ipc_originate *o, char *why)
{
	bool ok = true;

	why[0] = '\0';
	if (communities)
		ok = note_communities(c, communities, o, why);
	if (local_pref)
		ok &= note_local_pref(local_pref, o, why);
	return ok;
}
