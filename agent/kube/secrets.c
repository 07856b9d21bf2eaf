/*
 * See secrets.h.
 *
 * The API server gives a list or a watch of one Secret to who may have it by name, if the request
 * selects it by metadata.name and by nothing else.
 */
#include "agent/kube/secrets.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "agent/events.h"
#include "agent/kube/creds.h"
#include "agent/kube/jget.h"
#include "agent/kube/reflector.h"
#include "agent/source.h"
#include "lib/ipcmsg.h"
#include "lib/mem.h"

#define VALUES_MAX 1024 /* keys of one Secret */
#define WHY_MAX	   160
#define RETRY_US   200000 /* until the namespace is known */

struct value {
	char *key;
	uint8_t octets[SOURCE_SECRET_MAX];
	size_t len; /* SIZE_MAX: too long, or no base64 */
};

struct secret {
	struct secret *next;
	struct secrets *of;
	char *name;
	struct reflector *reflector; /* NULL: the namespace is not known yet */
	bool synced, there, named;
	struct value *v;
	size_t n;
	char why[WHY_MAX]; /* why nothing is known */
};

struct secrets {
	struct kube *k;
	struct secret *list;
	struct event *ev;
};

/* ---- values ---------------------------------------------------------------------- */

static void
values_clear(struct secret *s)
{
	for (size_t i = 0; i < s->n; i++)
		mem_free(s->v[i].key);
	if (s->v)
		explicit_bzero(s->v, s->n * sizeof *s->v);
	mem_free(s->v);
	s->v = NULL;
	s->n = 0;
}

/* Without the line end that files and `kubectl create secret --from-file` have. */
static void
value_read(struct value *v, const char *text)
{
	size_t whole = 0, n;
	char *all = creds_base64(text, strlen(text), &whole);

	for (n = whole; n > 0 && (all[n - 1] == '\n' || all[n - 1] == '\r');)
		n--;
	v->len = !all || n > SOURCE_SECRET_MAX ? SIZE_MAX : n;
	if (v->len != SIZE_MAX)
		memcpy(v->octets, all, n);
	if (all)
		explicit_bzero(all, whole);
	mem_free(all);
}

static void
changed(struct secret *s)
{
	struct agent *a = kube_agent(s->of->k);

	if (s->named)
		source_keys_changed(a);
}

static void
on_object(void *ctx, const char *key, const json_t *obj)
{
	struct secret *s = ctx;
	const json_t *data = jget(obj, "data");
	const char *name, *text;
	json_t *j;

	values_clear(s);
	s->there = true;
	s->v = mem_zalloc_array(json_object_size(data) + 1, sizeof *s->v);
	json_object_foreach ((json_t *)(uintptr_t)data, name, j) {
		text = json_string_value(j);
		if (!text || s->n == VALUES_MAX)
			continue;
		s->v[s->n].key = mem_strdup(name);
		value_read(&s->v[s->n++], text);
		/* nobody reads it after us, and it is not to stay in freed memory */
		explicit_bzero((void *)(uintptr_t)text, strlen(text));
	}
	if (s->synced)
		changed(s);
}

static void
on_deleted(void *ctx, const char *key)
{
	struct secret *s = ctx;

	values_clear(s);
	s->there = false;
	if (s->synced)
		changed(s);
}

static void
on_synced(void *ctx)
{
	struct secret *s = ctx;

	if (!s->synced) {
		s->synced = true;
		changed(s);
	}
}

static void
on_problem(void *ctx, const char *why)
{
	struct secret *s = ctx;

	snprintf(s->why, sizeof s->why, "%s", why);
	if (!s->synced)
		changed(s);
}

/* ---- secrets ----------------------------------------------------------------------- */

static struct secret *
find(struct secrets *all, const char *name)
{
	for (struct secret *s = all->list; s; s = s->next)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static void
secret_free(struct secret *s)
{
	reflector_free(s->reflector);
	values_clear(s);
	mem_free(s->name);
	mem_free(s);
}

static void
name_secret(struct secrets *all, const char *name)
{
	struct secret *s = name ? find(all, name) : NULL;

	if (name && !s) {
		s = mem_zalloc(sizeof *s);
		*s = (struct secret){ .next = all->list, .of = all, .name = mem_strdup(name) };
		all->list = s;
	}
	if (s)
		s->named = true;
}

static void
drop_unnamed(struct secrets *all)
{
	struct secret **at = &all->list, *s;

	while ((s = *at)) {
		if (s->named) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		secret_free(s);
	}
}

/* Watch those that are not watched yet, once it is known where. */
static void
watch(struct secrets *all)
{
	static const struct reflector_ops ops = { .object = on_object, .deleted = on_deleted,
		.synced = on_synced, .problem = on_problem };
	static const struct timeval soon = { 0, RETRY_US };
	const char *ns = kube_namespace(all->k);
	char path[128], query[320];
	bool any = false;

	for (struct secret *s = all->list; s; s = s->next) {
		if (s->reflector)
			continue;
		any = true;
		if (!*ns)
			continue;
		snprintf(path, sizeof path, "/api/v1/namespaces/%s/secrets", ns);
		snprintf(query, sizeof query, "fieldSelector=metadata.name%%3D%s", s->name);
		s->reflector = reflector_new(
		    kube_api(all->k), &(struct reflector_spec){ .path = path, .query = query }, &ops, s);
	}
	if (any && !*ns)
		event_add(all->ev, &soon);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	watch(arg);
}

bool
kube_secret(struct kube *k, const char *name, const char *key, uint8_t *ret, size_t *ret_len,
    char *ret_problem, bool *ret_later)
{
	struct secrets *all = k ? kube_part_find(k, "secrets") : NULL;
	struct secret *s = all ? find(all, name) : NULL;

	*ret_later = all && (!s || !s->synced);
	if (!all) {
		snprintf(ret_problem, IPC_TEXT_MAX, "password: Secret %s: there is no Kubernetes to ask for it "
		    "(kubernetes.enabled)", name);
		return false;
	}
	if (!s || !s->synced) {
		snprintf(ret_problem, IPC_TEXT_MAX, "password: Secret %s: not read yet%s%s", name,
		    s && s->why[0] ? ": " : "", s ? s->why : "");
		return false;
	}
	if (!s->there) {
		snprintf(ret_problem, IPC_TEXT_MAX, "password: there is no Secret %s in namespace %s", name,
		    kube_namespace(k));
		return false;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->v[i].key, key) != 0)
			continue;
		if (s->v[i].len == SIZE_MAX || s->v[i].len == 0) {
			snprintf(ret_problem, IPC_TEXT_MAX, "password: Secret %s: %s is not of 1 to %d octets",
			    name, key, SOURCE_SECRET_MAX);
			return false;
		}
		memcpy(ret, s->v[i].octets, s->v[i].len);
		*ret_len = s->v[i].len;
		return true;
	}
	snprintf(ret_problem, IPC_TEXT_MAX, "password: Secret %s has no key %s", name, key);
	return false;
}

/* ---- the part ------------------------------------------------------------------------ */

static void *
start(struct kube *k)
{
	struct secrets *all = mem_zalloc(sizeof *all);

	all->k = k;
	all->ev = event_new(kube_agent(k)->base, -1, 0, on_time, all);
	return all;
}

static void
stop(void *part)
{
	struct secrets *all = part;

	for (struct secret *s = all->list; s; s = s->next)
		s->named = false;
	drop_unnamed(all);
	event_free(all->ev);
	mem_free(all);
}

static void
conf(void *part, const struct conf *c)
{
	struct secrets *all = part;

	for (struct secret *s = all->list; s; s = s->next)
		s->named = false;
	for (size_t i = 0; i < c->peers.n; i++)
		name_secret(all, c->peers.v[i].password_secret);
	for (size_t i = 0; i < c->bfd.n; i++)
		name_secret(all, c->bfd.v[i].password_secret);
	drop_unnamed(all);
	watch(all);
}

const struct kube_part kube_secrets_part = {
	.name = "secrets", .start = start, .stop = stop, .conf = conf };
