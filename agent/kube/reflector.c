/*
 * List and watch.
 *
 * A reflector is in one of three states: it waits (for a delay, or for the server to come back), it
 * lists, or it watches. Every end of a call leads to the next one of them:
 *
 *	list complete -> watch from its resourceVersion
 *	watch ended well, or cut -> watch from the last resourceVersion that was seen, bookmarks
 *	    included; after a cut it first asks for one object of the list, as the resourceVersion of
 *	    that tells whether the server was put back to an older state: then it lists
 *	410, or 504 "too large resource version" -> list
 *	410 to a list that was continued -> list again, with pages ten times as large: what was
 *	    compacted while we read will be again
 *	429, and all that has Retry-After -> wait as long as it says
 *	any other error -> wait, longer each time; 403 and 404 as well: they never mean that there
 *	    are no objects
 *
 * An event with a resourceVersion below the one that was seen last is a replay and changes nothing.
 * resourceVersions are compared only where they are numbers; the servers of today promise that they
 * are.
 */
#include "agent/kube/reflector.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kube/apicall.h"
#include "agent/kube/backoff.h"
#include "agent/kube/jget.h"
#include "agent/kube/jscan.h"
#include "agent/kube/jskim.h"
#include "lib/hmap.h"
#include "lib/mem.h"

#define PAGE		 50
#define PAGE_MOST	 50000
#define FIRST_MOST_MS	 200   /* jitter before the first list */
#define BACK_MOST_MS	 300   /* the same after the server is back */
#define RETRY_LEAST_MS	 200
#define RETRY_MOST_MS	 30000
#define LIST_MS		 15000
#define WATCH_LEAST_S	 300
#define WATCH_MOST_S	 420
#define WATCH_LATE_MS	 30000 /* that a server may be late with ending a watch */
#define WATCH_SHORT_MS	 1000  /* one that ends sooner, without news, was no success */
#define RV_MAX		 64
#define CONTINUE_MAX	 4096
#define WHY_MAX		 256
#define TRIM_OCTETS	 (256u << 10) /* of a list, before memory is given back to the system */

static const char *const skip_always[] = { "metadata.managedFields", NULL };

enum state { ST_WAIT, ST_LIST, ST_CHECK, ST_WATCH };

struct known {
	struct hmap_node node;
	uint32_t gen;	 /* of the list that it was in */
	char *rv;	 /* behind key's NUL */
	char key[];
};

struct reflector {
	struct list link; /* in api_reflectors() */
	struct api *api;
	const struct reflector_ops *ops;
	void *ctx;
	char *path, *query;
	uint32_t page, page_now, list_ms;
	const char *const *skip;

	enum state state;
	uint32_t call; /* 0: none */
	struct api_timer *timer;
	struct api_listener listener;
	struct backoff backoff;
	unsigned busy; /* calls of ours on the stack */
	bool dead;     /* freed while busy */
	bool must_wait;	 /* Retry-After: nobody wakes it */
	bool news;	 /* the watch under way brought some */
	bool synced, list_next, check_next, cached_next;
	struct jscan scan;
	struct hmap known;
	uint32_t gen;
	char rv[RV_MAX];
	char list_rv[RV_MAX];	 /* of the list under way */
	char *cont;		 /* the page that is asked for; NULL: the first one */
	char *next;		 /* the one after it; NULL: none */
	size_t list_octets;
	bool absent;		 /* the last failure was 404 */
	bool stop_scan;		 /* what came is no JSON, or no list */
	struct mono_us call_at, heard;
	char why[WHY_MAX], told[WHY_MAX];
	uint64_t events, restarts, gone, lists;
	struct rng rng;
};

static void go(struct reflector *r);

/* ---- life ---------------------------------------------------------------------- */

static void
destroy(struct reflector *r)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &r->known) {
		hmap_remove(&r->known, n);
		mem_free(container_of(n, struct known, node));
	}
	hmap_free(&r->known);
	jscan_free(&r->scan);
	api_timer_free(r->timer);
	mem_free(r->cont);
	mem_free(r->next);
	mem_free(r->path);
	mem_free(r->query);
	mem_free(r);
}

/* A listener may free us from within its functions. */
static void
enter(struct reflector *r)
{
	r->busy++;
}

static void
leave(struct reflector *r)
{
	if (--r->busy == 0 && r->dead)
		destroy(r);
}

/* ---- what is known ----------------------------------------------------------- */

static struct known *
known_find(struct reflector *r, const char *key, uint64_t hash)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&r->known, hash); n; n = hmap_next_with(n))
		if (strcmp(container_of(n, struct known, node)->key, key) == 0)
			return container_of(n, struct known, node);
	return NULL;
}

static void
known_drop(struct reflector *r, struct known *k)
{
	hmap_remove(&r->known, &k->node);
	mem_free(k);
}

/* Note it; false: it is known with that very resourceVersion. */
static bool
known_put(struct reflector *r, const char *key, const char *rv)
{
	size_t nkey = strlen(key) + 1, nrv = strlen(rv) + 1;
	uint64_t hash = hmap_hash(&r->known, key, nkey);
	struct known *k = known_find(r, key, hash);
	bool same = k && strcmp(k->rv, rv) == 0;

	if (same) {
		k->gen = r->gen;
		return false;
	}
	if (k && strlen(k->rv) + 1 == nrv) { /* the usual case */
		k->gen = r->gen;
		memcpy(k->rv, rv, nrv);
		return true;
	}
	if (k)
		known_drop(r, k);
	k = mem_alloc(sizeof *k + nkey + nrv);
	k->gen = r->gen;
	memcpy(k->key, key, nkey);
	k->rv = k->key + nkey;
	memcpy(k->rv, rv, nrv);
	hmap_insert(&r->known, &k->node, hash);
	return true;
}

/* What was not in the list is no more. */
static void
sweep(struct reflector *r)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &r->known) {
		struct known *k = container_of(n, struct known, node);

		if (k->gen == r->gen)
			continue;
		hmap_remove(&r->known, n);
		if (r->ops->deleted)
			r->ops->deleted(r->ctx, k->key);
		mem_free(k);
	}
}

/* ---- resourceVersions ----------------------------------------------------------- */

static bool
rv_number(const char *rv, uint64_t *ret)
{
	char *end;

	if (*rv < '0' || *rv > '9' || strlen(rv) > 19)
		return false;
	*ret = strtoull(rv, &end, 10);
	return *end == '\0';
}

/* Is a certainly older than b? */
static bool
rv_older(const char *a, const char *b)
{
	uint64_t x, y;

	return rv_number(a, &x) && rv_number(b, &y) && x < y;
}

/* One that fits and can be written into a URL as it is; "" otherwise. */
static void
rv_copy(char *to, const char *rv)
{
	to[0] = '\0';
	if (rv && strlen(rv) < RV_MAX &&
	    strspn(rv, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == strlen(rv))
		memcpy(to, rv, strlen(rv) + 1);
}

/* ---- objects --------------------------------------------------------------------- */

/* Parsed, without what nobody wants; NULL: no JSON. */
static json_t *
load(const struct reflector *r, const struct jscan_event *e, size_t flags)
{
	return json_loadb(e->text, jskim(e->text, e->len, r->skip), flags, NULL);
}

/*
 * A name as objects have them: of characters that mean nothing in a URL, a file's name or a line of
 * text, as names go into all of these, and no step to another directory.
 */
static bool
is_name(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";

	return *s && s[strspn(s, plain)] == '\0' && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

/* "namespace/name" or the name; false: it has none, or one that no API server gives. */
static bool
key_of(const json_t *obj, char *key, size_t cap)
{
	const char *name = jget_str(obj, "metadata.name"), *ns = jget_str(obj, "metadata.namespace");
	int n;

	if (!name || !is_name(name) || (ns && *ns && !is_name(ns)))
		return false;
	n = snprintf(key, cap, "%s%s%s", ns ? ns : "", ns && *ns ? "/" : "", name);
	return n > 0 && (size_t)n < cap;
}

/* True: it is new, or another than before. */
static bool
take_object(struct reflector *r, const json_t *obj)
{
	const char *rv = jget_str(obj, "metadata.resourceVersion");
	char key[600];

	if (!key_of(obj, key, sizeof key))
		return false;
	if (!known_put(r, key, rv ? rv : "") && rv)
		return false;
	if (r->ops->object)
		r->ops->object(r->ctx, key, obj);
	return true;
}

static void
take_deleted(struct reflector *r, const json_t *obj)
{
	struct known *k;
	char key[600];

	if (!key_of(obj, key, sizeof key))
		return;
	k = known_find(r, key, hmap_hash(&r->known, key, strlen(key) + 1));
	if (!k)
		return;
	known_drop(r, k);
	if (r->ops->deleted)
		r->ops->deleted(r->ctx, key);
}

/* ---- states ------------------------------------------------------------------------- */

/* Tell what is wrong, or that nothing is, once. */
static void
tell(struct reflector *r, const char *why)
{
	if (strcmp(r->told, why) == 0)
		return;
	snprintf(r->told, sizeof r->told, "%s", why);
	if (r->ops->problem)
		r->ops->problem(r->ctx, r->told);
}

static void
wait_for(struct reflector *r, uint32_t ms)
{
	r->state = ST_WAIT;
	if (!r->dead)
		api_timer_set(r->timer, ms);
}

static void
woken(void *ctx)
{
	struct reflector *r = ctx;

	r->must_wait = false;
	enter(r);
	if (r->state == ST_WAIT)
		go(r);
	leave(r);
}

/* The server is back, or there are new credentials; not all in the same moment. */
static void
server_changed(void *ctx, bool up)
{
	struct reflector *r = ctx;

	if (up && r->state == ST_WAIT && !r->must_wait)
		wait_for(r, (uint32_t)rng_below(&r->rng, BACK_MOST_MS));
}

/* After an error: when to try again. */
static void
retry(struct reflector *r, const struct api_end *e)
{
	uint32_t ms = backoff_next(&r->backoff);

	if (e->retry_after && e->retry_after_ms > ms) {
		ms = e->retry_after_ms + (uint32_t)rng_below(&r->rng, e->retry_after_ms / 5 + 1);
		r->must_wait = true;
	}
	wait_for(r, ms);
}

/* In words: what a status means for somebody who reads `weft kube`. */
static void
fail(struct reflector *r, const struct api_end *e)
{
	r->absent = e->status == 404;
	if (r->absent)
		snprintf(r->why, sizeof r->why, "not served here (%s)", e->why);
	else
		snprintf(r->why, sizeof r->why, "%s", e->why);
	tell(r, r->why);
	retry(r, e);
}

/* ---- listing ---------------------------------------------------------------------------- */

static bool
is_reserved(char c)
{
	return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		 strchr("-_.~", c));
}

/* Percent-encoded (RFC 3986 section 2.1), owned by the caller. */
static char *
encode(const char *s)
{
	char *out = mem_alloc(strlen(s) * 3 + 1), *o = out;

	for (; *s; s++)
		o += is_reserved(*s) ? sprintf(o, "%%%02X", (unsigned char)*s) : sprintf(o, "%c", *s);
	*o = '\0';
	return out;
}

static void
list_reset(struct reflector *r)
{
	mem_free(r->cont);
	mem_free(r->next);
	r->cont = r->next = NULL;
}

static void
list_metadata(struct reflector *r, const json_t *meta)
{
	const char *cont = jget_str(meta, "continue");

	rv_copy(r->list_rv, jget_str(meta, "resourceVersion"));
	mem_free(r->next);
	r->next = cont && *cont && strlen(cont) <= CONTINUE_MAX ? mem_strdup(cont) : NULL;
}

static void
list_value(struct reflector *r, const struct jscan_event *e)
{
	json_t *j;

	if (!e->item && strcmp(e->key, "metadata") != 0)
		return;
	j = load(r, e, JSON_DECODE_ANY);
	if (!j)
		r->stop_scan = true;
	else if (!e->item)
		list_metadata(r, j);
	else if (r->state == ST_LIST)
		take_object(r, j);
	json_decref(j);
}

static void
list_octets(void *ctx, const uint8_t *p, size_t n)
{
	struct reflector *r = ctx;
	struct jscan_event e;

	enter(r);
	r->list_octets += n;
	r->heard = api_now(r->api);
	while ((e = jscan_next(&r->scan, &p, &n)).kind == JSCAN_VALUE)
		list_value(r, &e);
	r->stop_scan |= e.kind == JSCAN_BAD;
	leave(r);
}

/* All pages are here. */
static void
list_complete(struct reflector *r)
{
	memcpy(r->rv, r->list_rv, sizeof r->rv);
	r->list_next = r->check_next = r->cached_next = false;
	r->page_now = r->page;
	r->lists++;
	r->synced = true;
	backoff_reset(&r->backoff);
	if (r->list_octets > TRIM_OCTETS)
		malloc_trim(0);
	r->list_octets = 0;
	sweep(r);
	tell(r, "");
	if (r->ops->synced)
		r->ops->synced(r->ctx);
}

/* The server may have no more than its cache while etcd is down: better than nothing at all. */
static bool
wants_cache(const struct reflector *r, const struct api_end *e)
{
	return !r->synced && !r->cached_next && !r->cont &&
	       (e->kind == API_TIMEOUT || e->status == 500 || e->status == 504);
}

static void
list_failed(struct reflector *r, const struct api_end *e)
{
	if (e->status == 410 && r->cont) {
		r->page_now = r->page_now > PAGE_MOST / 10 ? PAGE_MOST : r->page_now * 10;
		r->gone++;
	}
	r->cached_next = wants_cache(r, e);
	if (e->kind == API_REFUSED && e->status != 429 && e->status < 500)
		list_reset(r); /* else the page is asked for again */
	fail(r, e);
}

static void
list_end(void *ctx, const struct api_end *e)
{
	static const struct api_end bad = { .kind = API_BAD, .why = "the answer is not a list" };
	struct reflector *r = ctx;
	bool whole = !r->stop_scan && !jscan_is_partial(&r->scan) && r->list_rv[0];

	enter(r);
	r->call = 0;
	jscan_free(&r->scan);
	if (e->kind != API_OK || !whole) {
		list_failed(r, e->kind == API_OK ? &bad : e);
	} else {
		backoff_reset(&r->backoff);
		mem_free(r->cont);
		r->cont = r->next;
		r->next = NULL;
		if (!r->cont)
			list_complete(r);
		go(r);
	}
	leave(r);
}

static const struct api_call_ops list_ops = { NULL, list_octets, list_end };

static void
ask(struct reflector *r, enum state st, const char *path, const struct api_call_ops *ops)
{
	struct api_call_spec spec = { .req = { .method = "GET", .path = path },
		.head_ms = r->list_ms,
		.idle_ms = r->list_ms };

	r->state = st;
	r->call_at = api_now(r->api);
	r->stop_scan = false;
	r->list_rv[0] = '\0';
	mem_free(r->next);
	r->next = NULL;
	jscan_free(&r->scan);
	jscan_init(&r->scan, st == ST_WATCH ? JSCAN_LINES : JSCAN_LIST);
	if (st == ST_WATCH) {
		uint32_t s = (uint32_t)rng_range(&r->rng, WATCH_LEAST_S, WATCH_MOST_S);
		char *full = mem_printf("%s&timeoutSeconds=%u", path, s);

		spec.stream = true;
		spec.idle_ms = s * 1000 + WATCH_LATE_MS;
		spec.req.path = full;
		r->call = api_call(r->api, &spec, ops, r);
		mem_free(full);
		return;
	}
	r->call = api_call(r->api, &spec, ops, r);
}

/* The next page, or the first one. */
static void
start_list(struct reflector *r)
{
	char *cont = r->cont ? encode(r->cont) : NULL, *path;

	if (!r->cont) {
		r->gen++;
		r->list_octets = 0;
	}
	if (r->cached_next && !r->cont)
		path = mem_printf("%s?resourceVersion=0%s%s", r->path, r->query ? "&" : "",
		    r->query ? r->query : "");
	else
		path = mem_printf("%s?limit=%u%s%s%s%s", r->path, r->page_now, r->query ? "&" : "",
		    r->query ? r->query : "", cont ? "&continue=" : "", cont ? cont : "");
	ask(r, ST_LIST, path, &list_ops);
	mem_free(cont);
	mem_free(path);
}

/* ---- is the server where it was? --------------------------------------------------------- */

static void
check_end(void *ctx, const struct api_end *e)
{
	struct reflector *r = ctx;
	bool whole = !r->stop_scan && !jscan_is_partial(&r->scan) && r->list_rv[0];
	bool older;
	uint64_t n;

	enter(r);
	r->call = 0;
	older = !whole || !rv_number(r->list_rv, &n) || rv_older(r->list_rv, r->rv);
	list_reset(r); /* there may be more pages: nobody wants them */
	if (e->kind != API_OK) {
		r->list_next |= e->status == 410;
		fail(r, e);
	} else {
		r->check_next = false;
		r->list_next = older;
		go(r);
	}
	leave(r);
}

static const struct api_call_ops check_ops = { NULL, list_octets, check_end };

static void
start_check(struct reflector *r)
{
	char *path = mem_printf("%s?limit=1%s%s", r->path, r->query ? "&" : "",
	    r->query ? r->query : "");

	ask(r, ST_CHECK, path, &check_ops);
	mem_free(path);
}

/* ---- watching ----------------------------------------------------------------------------- */

static void
watch_head(void *ctx)
{
	struct reflector *r = ctx;

	enter(r);
	r->heard = api_now(r->api);
	tell(r, "");
	leave(r);
}

/* The watch is over, by the server's end or ours. */
static void
watch_over(struct reflector *r, const struct api_end *e)
{
	bool lasted = r->news || mono_diff_us(api_now(r->api), r->call_at) >= WATCH_SHORT_MS * 1000ULL;

	r->restarts++;
	jscan_free(&r->scan);
	if (lasted)
		backoff_reset(&r->backoff);
	if (e->status == 410 || e->status == 504) {
		r->gone += e->status == 410;
		r->list_next = true;
		wait_for(r, backoff_next(&r->backoff));
	} else if (e->kind == API_OK && lasted) {
		go(r);
	} else if (e->kind == API_OK || e->kind == API_CUT) {
		r->check_next |= e->kind == API_CUT;
		wait_for(r, backoff_next(&r->backoff));
	} else {
		r->check_next = true;
		r->list_next |= e->status == 400 || e->status == 422;
		fail(r, e);
	}
}

static void
watch_end(void *ctx, const struct api_end *e)
{
	struct reflector *r = ctx;

	enter(r);
	r->call = 0;
	watch_over(r, e);
	leave(r);
}

/* We end it: what came cannot be gone on from. */
static void
watch_stop(struct reflector *r, const struct api_end *e)
{
	api_cancel(r->api, r->call);
	r->call = 0;
	watch_over(r, e);
}

/* An ERROR event holds a Status: what would have been the answer's status. */
static void
watch_error(struct reflector *r, const json_t *st)
{
	const char *words = jget_str(st, "message");
	struct api_end e = { .kind = API_REFUSED };
	char why[WHY_MAX];

	e.status = (int)jget_int(st, "code", 0, 999, 0);
	e.retry_after_ms = (uint32_t)jget_int(st, "details.retryAfterSeconds", 0, 300, 0) * 1000;
	e.retry_after = e.retry_after_ms > 0;
	snprintf(why, sizeof why, "the server ended the watch: %d%s%.160s", e.status, words ? ": " : "",
	    words ? words : "");
	e.why = why;
	watch_stop(r, &e);
}

static void
watch_event(struct reflector *r, const char *type, const json_t *obj)
{
	char rv[RV_MAX];

	rv_copy(rv, jget_str(obj, "metadata.resourceVersion"));
	r->events++;
	if (strcmp(type, "ERROR") == 0) {
		watch_error(r, obj);
		return;
	}
	if (rv_older(rv, r->rv))
		return; /* told before */
	r->news |= rv_older(r->rv, rv);
	if (rv[0])
		memcpy(r->rv, rv, sizeof rv);
	if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0)
		take_object(r, obj);
	else if (strcmp(type, "DELETED") == 0)
		take_deleted(r, obj);
}

static void
watch_octets(void *ctx, const uint8_t *p, size_t n)
{
	static const struct api_end bad = { .kind = API_BAD, .why = "the watch brought what is no event" };
	struct reflector *r = ctx;
	uint32_t call = r->call;
	struct jscan_event e;

	enter(r);
	r->heard = api_now(r->api);
	while (r->call == call && (e = jscan_next(&r->scan, &p, &n)).kind != JSCAN_MORE) {
		json_t *j = e.kind == JSCAN_VALUE ? load(r, &e, 0) : NULL;
		const char *type = jget_str(j, "type");

		if (type && jget(j, "object"))
			watch_event(r, type, jget(j, "object"));
		else
			watch_stop(r, &bad);
		json_decref(j);
	}
	leave(r);
}

static const struct api_call_ops watch_ops = { watch_head, watch_octets, watch_end };

static void
start_watch(struct reflector *r)
{
	char *path = mem_printf("%s?watch=true&allowWatchBookmarks=true&resourceVersion=%s%s%s", r->path,
	    r->rv, r->query ? "&" : "", r->query ? r->query : "");

	r->news = false;
	ask(r, ST_WATCH, path, &watch_ops);
	mem_free(path);
}

static void
go(struct reflector *r)
{
	if (r->dead)
		return;
	if (!api_may_ask(r->api)) {
		r->state = ST_WAIT; /* until the api tells */
		r->check_next = r->synced;
		tell(r, api_why(r->api));
	} else if (!r->synced || r->list_next || r->cont) {
		start_list(r);
	} else if (r->check_next) {
		start_check(r);
	} else {
		start_watch(r);
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

struct reflector *
reflector_new(struct api *api, const struct reflector_spec *spec, const struct reflector_ops *ops,
    void *ctx)
{
	struct reflector *r = mem_zalloc(sizeof *r);
	uint64_t key[2] = { api_seed(api), api_seed(api) };

	r->api = api;
	r->ops = ops;
	r->ctx = ctx;
	r->path = mem_strdup(spec->path);
	r->query = spec->query ? mem_strdup(spec->query) : NULL;
	r->page = r->page_now = spec->page ? spec->page : PAGE;
	r->list_ms = spec->list_ms ? spec->list_ms : LIST_MS;
	r->skip = spec->skip ? spec->skip : skip_always;
	hmap_init(&r->known, key);
	rng_seed(&r->rng, api_seed(api));
	backoff_init(&r->backoff, RETRY_LEAST_MS, RETRY_MOST_MS, api_seed(api));
	r->timer = api_timer_new(api, woken, r);
	r->listener = (struct api_listener){ .changed = server_changed, .ctx = r };
	api_listen(api, &r->listener);
	list_push_back(api_reflectors(api), &r->link);
	wait_for(r, (uint32_t)rng_below(&r->rng, FIRST_MOST_MS));
	return r;
}

void
reflector_free(struct reflector *r)
{
	static const struct reflector_ops none;

	if (!r || r->dead)
		return;
	if (r->call)
		api_cancel(r->api, r->call);
	r->call = 0;
	r->dead = true;
	r->ops = &none;
	list_remove(&r->link);
	api_unlisten(&r->listener);
	api_timer_stop(r->timer);
	if (r->busy == 0)
		destroy(r);
}

bool
reflector_is_synced(const struct reflector *r)
{
	return r->synced;
}

void
reflector_look(const struct list *link, struct reflector_view *ret)
{
	static const char *const words[] = { "waiting", "listing", "checking", "watching" };
	const struct reflector *r = container_of(link, const struct reflector, link);

	*ret = (struct reflector_view){
		.path = r->path,
		.query = r->query ? r->query : "",
		.state = words[r->state],
		.problem = r->told,
		.absent = r->absent,
		.synced = r->synced,
		.objects = r->known.n,
		.heard = r->heard,
		.events = r->events,
		.restarts = r->restarts,
		.gone = r->gone,
		.lists = r->lists,
	};
}
