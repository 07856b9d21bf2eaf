/*
 * The reflector against an API server, and a clock, that the test plays itself: what it asks for after
 * everything that a server does, and what it tells.
 */
#include <stdarg.h>
#include <stdio.h>

#include "agent/kube/apicall.h"
#include "agent/kube/reflector.h"
#include "lib/mem.h"
#include "tests/unit/apirig.h"
#include "tests/unit/unit.h"

/* ---- the api ------------------------------------------------------------- */

static struct {
	char path[6000];
	bool stream;
	const struct api_call_ops *ops;
	void *ctx;
	bool up;
	struct list listeners, reflectors;
} api;

uint32_t
api_call(struct api *a, const struct api_call_spec *spec, const struct api_call_ops *ops, void *ctx)
{
	snprintf(api.path, sizeof api.path, "%s", spec->req.path);
	api.stream = spec->stream;
	api.ops = ops;
	api.ctx = ctx;
	return apirig_begin();
}

void
api_listen(struct api *a, struct api_listener *l)
{
	list_push_back(&api.listeners, &l->link);
}

void
api_unlisten(struct api_listener *l)
{
	list_remove(&l->link);
}

bool
api_may_ask(const struct api *a)
{
	return api.up;
}

const char *
api_why(const struct api *a)
{
	return "gone";
}

struct list *
api_reflectors(struct api *a)
{
	return &api.reflectors;
}

/* ---- what was told -------------------------------------------------------------- */

static char told[8192];
static struct reflector *r;
static bool free_in_object;

static void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told + strlen(told), sizeof told - strlen(told), fmt, ap);
	va_end(ap);
}

static void
object(void *ctx, const char *key, const json_t *obj)
{
	const json_t *v = json_object_get(obj, "v");

	say("%s=%d ", key, (int)json_integer_value(v));
	if (free_in_object) {
		reflector_free(r);
		r = NULL;
	}
}

static void
deleted(void *ctx, const char *key)
{
	say("-%s ", key);
}

static void
synced(void *ctx)
{
	say("synced ");
}

static void
problem(void *ctx, const char *why)
{
	say("[%s] ", why);
}

static const struct reflector_ops ops = { object, deleted, synced, problem };

/* ---- driving it -------------------------------------------------------------------- */

static void
setup(void)
{
	static const struct reflector_spec spec = { .path = "/api/v1/nodes", .query = "a=b" };

	memset(&api, 0, sizeof api);
	memset(&apirig, 0, sizeof apirig);
	api.up = true;
	apirig.now.us = 1000000;
	list_init(&api.listeners);
	list_init(&api.reflectors);
	told[0] = '\0';
	free_in_object = false;
	r = reflector_new(NULL, &spec, &ops, NULL);
}

static void
teardown(void)
{
	reflector_free(r);
	r = NULL;
}

/* Until it asks for something, at most so long; the time it took in ms. */
static uint32_t
run(uint32_t most_ms)
{
	struct mono_us begin = apirig.now;

	ck_assert_msg(apirig.id == 0, "it has asked already: %s", api.path);
	ck_assert(!mono_is_never(apirig.timer->at));
	ck_assert_msg(mono_diff_us(apirig.timer->at, begin) <= most_ms * 1000ull, "it would wait %llu ms",
	    (unsigned long long)mono_diff_us(apirig.timer->at, begin) / 1000);
	if (mono_before(apirig.now, apirig.timer->at))
		apirig.now = apirig.timer->at;
	apirig_fire();
	return (uint32_t)(mono_diff_us(apirig.now, begin) / 1000);
}

static void
asks(const char *path)
{
	ck_assert_msg(apirig.id != 0, "it asks for nothing");
	ck_assert_msg(strncmp(api.path, path, strlen(path)) == 0, "it asks for %s", api.path);
}

static void
gives(const char *text)
{
	api.ops->octets(api.ctx, (const uint8_t *)text, strlen(text));
}

static void
ends_as(struct api_end e)
{
	apirig.id = 0;
	if (!e.why)
		e.why = e.kind == API_OK ? "" : "why";
	api.ops->end(api.ctx, &e);
}

static void
ends(enum api_end_kind kind, int status)
{
	ends_as((struct api_end){ .kind = kind, .status = status });
}

static void
tells(const char *want)
{
	ck_assert_str_eq(told, want);
	told[0] = '\0';
}

#define LIST "/api/v1/nodes?limit=50&a=b"
#define CHECK "/api/v1/nodes?limit=1&a=b"
#define WATCH "/api/v1/nodes?watch=true&allowWatchBookmarks=true&resourceVersion="
#define OBJ(name, rv, v) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" rv "\"},\"v\":" v "}"
#define PAGE(rv, more, items) "{\"metadata\":{\"resourceVersion\":\"" rv "\"" more "},\"items\":[" items "]}"
#define EVENT(type, obj) "{\"type\":\"" type "\",\"object\":" obj "}\n"

/* Watching from resourceVersion 10, with a (5) and b (6) known. */
static void
watching(void)
{
	run(200);
	asks(LIST);
	gives(PAGE("10", "", OBJ("a", "5", "1") "," OBJ("b", "6", "2")));
	ends(API_OK, 200);
	asks(WATCH "10&a=b&timeoutSeconds=");
	ck_assert(api.stream);
	tells("a=1 b=2 synced ");
	apirig.now = mono_add_s(apirig.now, 60);
}

/* ---- lists -------------------------------------------------------------------------- */

START_TEST(pages)
{
	run(200);
	asks(LIST);
	ck_assert_str_eq(api.path, LIST);
	gives(PAGE("10", ",\"continue\":\"x/y=\"", OBJ("a", "5", "1")));
	ends(API_OK, 200);
	asks(LIST "&continue=x%2Fy%3D");
	ck_assert(!reflector_is_synced(r));
	gives(PAGE("10", "", OBJ("b", "6", "2")));
	ends(API_OK, 200);
	asks(WATCH "10");
	ck_assert(reflector_is_synced(r));
	tells("a=1 b=2 synced ");
}
END_TEST

/* An error in the middle: the page is asked for again, nothing is taken as gone. */
START_TEST(page_again)
{
	run(200);
	gives(PAGE("10", ",\"continue\":\"x\"", OBJ("a", "5", "1")));
	ends(API_OK, 200);
	gives("{\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[");
	ends(API_CUT, 200);
	tells("a=1 [why] ");
	run(200);
	asks(LIST "&continue=x");
	gives(PAGE("10", "", OBJ("b", "6", "2")));
	ends(API_OK, 200);
	tells("b=2 [] synced ");
}
END_TEST

/* Row 1 of the recordings: an expired continue token. Larger pages, from the start. */
START_TEST(token_expired)
{
	run(200);
	gives(PAGE("10", ",\"continue\":\"x\"", OBJ("a", "5", "1")));
	ends(API_OK, 200);
	ends(API_REFUSED, 410);
	run(200);
	ck_assert_str_eq(api.path, "/api/v1/nodes?limit=500&a=b");
	gives(PAGE("11", "", OBJ("a", "5", "1")));
	ends(API_OK, 200);
	tells("a=1 [why] [] synced ");
	ends(API_REFUSED, 410);
	run(200);
	asks(LIST);
}
END_TEST

/* Only what has changed is told, and what is gone. */
START_TEST(list_again)
{
	watching();
	gives(EVENT("ERROR", "{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}"));
	ck_assert_uint_eq(apirig.id, 0);
	run(200);
	asks(LIST);
	gives(PAGE("20", "", OBJ("b", "15", "3") "," OBJ("c", "16", "4")));
	tells("b=3 c=4 ");
	ends(API_OK, 200);
	tells("-a synced ");
	asks(WATCH "20");
}
END_TEST

/* Rows 3 and 13: neither 403 nor 404 means that there are no objects. */
START_TEST(refused_lists)
{
	static const int statuses[] = { 401, 403, 404, 500, 503 };
	uint32_t ms = 0;

	watching();
	ends(API_REFUSED, 410);
	for (int i = 0; i < 30; i++) {
		ms = run(30000);
		asks(LIST);
		ends(API_REFUSED, statuses[_i]);
	}
	ck_assert_uint_gt(ms, 15000); /* less and less often */
	run(30000);
	gives(PAGE("10", "", OBJ("a", "5", "1") "," OBJ("b", "6", "2")));
	ends(API_OK, 200);
	tells(statuses[_i] == 404 ? "[not served here (why)] [] synced " : "[why] [] synced ");
}
END_TEST

/* The first attempt after a spurious 403 comes soon. */
START_TEST(soon_again)
{
	watching();
	ends(API_REFUSED, 403);
	ck_assert_uint_le(run(200), 200);
}
END_TEST

/* Row 7: lists hang while etcd is down; the cache may answer, but it is only for who has nothing. */
START_TEST(cache)
{
	run(200);
	asks(LIST);
	ends(API_TIMEOUT, 0);
	run(200);
	ck_assert_str_eq(api.path, "/api/v1/nodes?resourceVersion=0&a=b");
	ends(API_TIMEOUT, 0);
	run(400);
	ck_assert_str_eq(api.path, LIST);
	ends(API_REFUSED, 504);
	run(800);
	ck_assert_str_eq(api.path, "/api/v1/nodes?resourceVersion=0&a=b");
	gives(PAGE("10", "", OBJ("a", "5", "1")));
	ends(API_OK, 200);
	asks(WATCH "10");
	told[0] = '\0';
	ends(API_REFUSED, 410);
	run(200);
	ends(API_TIMEOUT, 0);
	run(400);
	ck_assert_str_eq(api.path, LIST);
	tells("[why] ");
}
END_TEST

static const char *const no_lists[] = {
	"", "{", "[]", "null", "\"text\"", "{\"items\":[]}", "{\"metadata\":{\"resourceVersion\":7},\"items\":[]}",
	"{\"metadata\":[],\"items\":[]}", "{\"metadata\":{\"resourceVersion\":\"1&x=y\"},\"items\":[]}",
	"{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{]}", "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[nul]}",
	"Too many requests, please try again later.",
};

START_TEST(not_a_list)
{
	run(200);
	gives(no_lists[_i]);
	ends(API_OK, 200);
	tells("[the answer is not a list] ");
	run(200);
	asks(LIST);
}
END_TEST

/* Objects of a strange shape are left out, the others stay. */
START_TEST(strange_objects)
{
	run(200);
	gives(PAGE("10", "", "null,7,\"x\",[],{},{\"metadata\":{}},{\"metadata\":{\"name\":7}},{\"metadata\":{\"name\":\"\"}},"
			     "{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\"}}"));
	ends(API_OK, 200);
	tells("s/n=0 synced ");
}
END_TEST

/* Names go into URLs, files' names and logs: what could lead elsewhere there is no name. */
static const char *const no_names[] = { "a/b", "..", ".", "a b", "a\\r\\nHost: b", "a\\u001b[2J", "a?b", "a#b",
	"a%2fb", "a\\\\b", "a\\\"b", "\xc3\xa4" };

START_TEST(names_that_lead_elsewhere)
{
	char *page = mem_printf(PAGE("10", "", "{\"metadata\":{\"name\":\"%s\"}},"
		"{\"metadata\":{\"namespace\":\"%s\",\"name\":\"a\"}},"
		"{\"metadata\":{\"name\":\"N-1_a.b:c\"}}"), no_names[_i], no_names[_i]);

	run(200);
	gives(page);
	mem_free(page);
	ends(API_OK, 200);
	tells("N-1_a.b:c=0 synced ");
}
END_TEST

/* ---- watches ------------------------------------------------------------------------- */

START_TEST(events)
{
	watching();
	gives(EVENT("ADDED", OBJ("c", "11", "3")) EVENT("MODIFIED", OBJ("a", "12", "4")));
	gives(EVENT("DELETED", OBJ("b", "13", "2")) "{\"type\":\"MODI");
	tells("c=3 a=4 -b ");
	gives("FIED\",\"object\":" OBJ("c", "14", "5") "}\n");
	tells("c=5 ");
	gives(EVENT("DELETED", OBJ("x", "15", "0")) EVENT("UNHEARD-OF", OBJ("a", "16", "0")));
	tells("");
	ends(API_OK, 200);
	asks(WATCH "16");
}
END_TEST

/* Row 6: a bookmark is a partial object; it moves the version, and nothing else. Row 2: follow it. */
START_TEST(bookmarks)
{
	watching();
	gives(EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"99\"},\"endpoints\":null}"));
	ends(API_OK, 200);
	asks(WATCH "99");
	tells("");
}
END_TEST

/* A watch that is cut: is the server's state older than what we have seen? */
START_TEST(cut)
{
	watching();
	gives(EVENT("MODIFIED", OBJ("a", "12", "4")) "{\"type\":\"ADD");
	ends(API_CUT, 200);
	run(200);
	ck_assert_str_eq(api.path, CHECK);
	gives(PAGE("30", ",\"continue\":\"x\"", OBJ("z", "5", "1")));
	ends(API_OK, 200);
	asks(WATCH "12");
	tells("a=4 ");
	apirig.now = mono_add_s(apirig.now, 60);
	ends(API_CUT, 200);
	run(200);
	gives(PAGE("3", "", OBJ("a", "2", "9")));
	ends(API_OK, 200);
	asks(LIST);
	gives(PAGE("3", "", OBJ("a", "2", "9")));
	ends(API_OK, 200);
	tells("a=9 -b synced ");
	asks(WATCH "3");
}
END_TEST

/* Old events that are sent again change nothing. */
START_TEST(replayed)
{
	watching();
	gives(EVENT("MODIFIED", OBJ("a", "4", "9")) EVENT("DELETED", OBJ("b", "9", "2")));
	gives(EVENT("MODIFIED", OBJ("a", "5", "1")));
	tells("");
	gives(EVENT("MODIFIED", OBJ("a", "11", "2")));
	tells("a=2 ");
}
END_TEST

/* Row 4: Retry-After in both forms is obeyed, even when the server is "back". */
START_TEST(retry_after)
{
	struct api_listener *l;

	watching();
	if (_i)
		ends_as((struct api_end){ .kind = API_REFUSED, .status = 429, .retry_after = true,
		    .retry_after_ms = 7000 });
	else
		gives(EVENT("ERROR", "{\"code\":429,\"details\":{\"retryAfterSeconds\":7}}"));
	l = container_of(list_first(&api.listeners), struct api_listener, link);
	l->changed(l->ctx, true);
	ck_assert_uint_ge(run(8400), 7000);
}
END_TEST

/* Row 9: a version from the future. */
START_TEST(too_large)
{
	watching();
	if (_i)
		ends(API_REFUSED, 504);
	else
		gives(EVENT("ERROR", "{\"code\":504,\"message\":\"Too large resource version\"}"));
	run(200);
	asks(LIST);
}
END_TEST

static const char *const no_events[] = { "{}\n", "[]\n", "null\n", "{\"type\":7,\"object\":{}}\n",
	"{\"type\":\"ADDED\"}\n", "text\n", "{]\n", "{\"type\":\"ADDED\",\"object\":{}}}\n" };

START_TEST(not_an_event)
{
	watching();
	gives(no_events[_i]);
	ck_assert_uint_eq(apirig.id, 0);
	tells("[the watch brought what is no event] ");
	run(200);
	asks(CHECK);
}
END_TEST

/* A server that ends each watch at once is not asked without end. */
START_TEST(short_watches)
{
	uint32_t ms = 0;

	watching();
	for (int i = 0; i < 20; i++) {
		ends(API_OK, 200);
		if (apirig.id == 0)
			ms = run(30000);
		asks(WATCH "10");
	}
	ck_assert_uint_gt(ms, 10000);
}
END_TEST

/* Not there at all: it waits until it is told, then comes soon. */
START_TEST(server_gone)
{
	struct api_listener *l = container_of(list_first(&api.listeners), struct api_listener, link);

	watching();
	api.up = false;
	ends(API_CUT, 200);
	apirig_fire();
	ck_assert_uint_eq(apirig.id, 0);
	ck_assert(mono_is_never(apirig.timer->at));
	api.up = true;
	l->changed(l->ctx, true);
	ck_assert_uint_le(run(300), 300);
	asks(CHECK);
	tells("[gone] ");
	gives(PAGE("10", "", ""));
	ends(API_OK, 200);
	asks(WATCH "10");
	api.ops->head(api.ctx);
	tells("[] ");
}
END_TEST

/* The listener may free it from within; nothing is told afterwards. */
START_TEST(freed_within)
{
	watching();
	free_in_object = true;
	gives(EVENT("MODIFIED", OBJ("a", "11", "1")) EVENT("MODIFIED", OBJ("b", "12", "2")));
	tells("a=1 ");
	ck_assert_uint_eq(apirig.id, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reflector");
	TCase *tc = unit_case(s, "reflector");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, pages);
	tcase_add_test(tc, page_again);
	tcase_add_test(tc, token_expired);
	tcase_add_test(tc, list_again);
	tcase_add_loop_test(tc, refused_lists, 0, 5);
	tcase_add_test(tc, soon_again);
	tcase_add_test(tc, cache);
	tcase_add_loop_test(tc, not_a_list, 0, NROWS(no_lists));
	tcase_add_test(tc, strange_objects);
	tcase_add_loop_test(tc, names_that_lead_elsewhere, 0, NROWS(no_names));
	tcase_add_test(tc, events);
	tcase_add_test(tc, bookmarks);
	tcase_add_test(tc, cut);
	tcase_add_test(tc, replayed);
	tcase_add_loop_test(tc, retry_after, 0, 2);
	tcase_add_loop_test(tc, too_large, 0, 2);
	tcase_add_loop_test(tc, not_an_event, 0, NROWS(no_events));
	tcase_add_test(tc, short_watches);
	tcase_add_test(tc, server_gone);
	tcase_add_test(tc, freed_within);
	return unit_run(s);
}
