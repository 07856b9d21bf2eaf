/*
 * JSON rows of Services and their addresses.
 */
#include "agent/views.h"

#include <string.h>

#include "agent/kube/services.h"

static void
out_count(struct out *o, const char *key, const struct service_count *c)
{
	out_open(o, key);
	out_u64(o, "ready", c->ready[0]);
	out_u64(o, "ready_local", c->ready[1]);
	out_u64(o, "terminating", c->leaving[0]);
	out_u64(o, "terminating_local", c->leaving[1]);
	out_close(o);
}

static void
out_addr(struct out *o, const struct service_view *v, const struct service_addr_view *a)
{
	const struct service_count *c = a->addr.af ? &v->count[a->addr.af - 1] : &v->count[0];
	char text[IP_PREFIX_STRLEN], addr[IP_ADDR_STRLEN], why[SERVICES_WHY_MAX];

	out_open(o, NULL);
	out_str(o, "address", ip_addr_str(&a->addr, addr));
	out_str(o, "kind", service_kind_text(a->kind));
	out_str(o, "policy", a->local ? "Local" : "Cluster");
	out_u64(o, "ready", c->ready[0]);
	out_u64(o, "ready_local", c->ready[1]);
	out_bool(o, "announced", service_why_is_on(a->why));
	out_str(o, "prefix", a->by.af ? ip_prefix_str(&a->by, text) : NULL);
	if (a->rule == SIZE_MAX)
		out_null(o, "advertisement");
	else
		out_u64(o, "advertisement", a->rule);
	out_str(o, "why", service_why_text(a, why));
	out_close(o);
}

void
view_service(struct out *o, const struct kube_services *p, const struct service_view *v)
{
	size_t ns = strcspn(v->key, "/"), rule = SIZE_MAX;
	struct service_addr_view a;
	char why[IPC_TEXT_MAX];

	out_strn(o, "namespace", v->key, ns);
	out_str(o, "name", v->key + ns + (v->key[ns] == '/'));
	out_count(o, "ipv4", &v->count[0]);
	out_count(o, "ipv6", &v->count[1]);
	out_open_array(o, "addresses");
	for (size_t i = 0; services_addr(kube_services_model(p), v->key, i, &a); i++) {
		rule = a.rule < rule ? a.rule : rule;
		a.rule = kube_services_adv(p, a.rule);
		out_addr(o, v, &a);
	}
	out_close(o);
	out_str(o, "annotation_problem", kube_services_note(p, v, rule, why) ? why : NULL);
}
