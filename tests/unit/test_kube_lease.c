/*
 * The Lease in the cluster against an API server, and a clock, that the test plays itself: what a
 * holder believes while its server says nothing, and how often it looks.
 */
#include "agent/core/lease.h"

#include <stdio.h>

#include "agent/kube/api.h"
#include "agent/kube/apicall.h"
#include "agent/kube/kube.h"
#include "agent/kube/lease.h"
#include "lib/mem.h"
#include "tests/unit/unit.h"

#define DURATION_MS 2000
#define BELIEVED_MS (DURATION_MS * 2 / 3)

/* ---- the api ------------------------------------------------------------- */

struct api_timer {
	void (*fn)(void *ctx);
	void *ctx;
	struct mono_us at;
};

static struct {
	uint32_t id; /* of the call under way; 0: none */
	uint32_t sends;
	char method[8], path[200], holder[LEASE_TEXT_MAX];
	void (*done)(void *ctx, const struct api_answer *ans);
	void *ctx;
	struct mono_us now;
	struct api_timer *timer;
	const char *namespace;
	unsigned version;
} api;

uint32_t
api_send(struct api *a, const struct api_req *r,
    void (*done)(void *ctx, const struct api_answer *ans), void *ctx)
{
	const json_t *spec = r->body ? json_object_get(r->body, "spec") : NULL;

	ck_assert_uint_eq(api.id, 0); /* one at a time */
	snprintf(api.method, sizeof api.method, "%s", r->method);
	snprintf(api.path, sizeof api.path, "%s", r->path);
	if (spec)
		snprintf(api.holder, sizeof api.holder, "%s",
		    json_string_value(json_object_get(spec, "holderIdentity")));
	api.done = done;
	api.ctx = ctx;
	return api.id = ++api.sends;
}

void
api_cancel(struct api *a, uint32_t id)
{
	ck_assert_uint_eq(id, api.id);
	api.id = 0;
}

struct api_timer *
api_timer_new(struct api *a, void (*fn)(void *ctx), void *ctx)
{
	api.timer = mem_zalloc(sizeof *api.timer);
	*api.timer = (struct api_timer){ fn, ctx, MONO_NEVER };
	return api.timer;
}

void
api_timer_free(struct api_timer *t)
{
	mem_free(t);
}

void
api_timer_set(struct api_timer *t, uint32_t ms)
{
	t->at = mono_add_ms(api.now, ms);
}

void
api_timer_stop(struct api_timer *t)
{
	t->at = MONO_NEVER;
}

struct mono_us
api_now(const struct api *a)
{
	return api.now;
}

uint64_t
api_seed(struct api *a)
{
	return 7;
}

/* ---- the rest of the agent ------------------------------------------------------ */

static struct agent agent = { .hostname = "one" };

struct agent *
kube_agent(struct kube *k)
{
	return &agent;
}

struct api *
kube_api(struct kube *k)
{
	return NULL;
}

const char *
kube_namespace(const struct kube *k)
{
	return api.namespace;
}

/* ---- a lease --------------------------------------------------------------------- */

static struct kube_lease *lease;
static unsigned won, lost;

static void
on_won(void *ctx)
{
	won++;
}

static void
on_lost(void *ctx)
{
	lost++;
}

static const struct kube_lease_ops ops = { on_won, on_lost };

static void
setup(void)
{
	memset(&api, 0, sizeof api);
	won = lost = 0;
	api.now = (struct mono_us){ 1000000 };
	api.namespace = "weft";
	lease = kube_lease_new(NULL, "load", DURATION_MS, &ops, NULL);
}

static void
teardown(void)
{
	kube_lease_free(lease);
}

/* Let the timer fire, early_us before its time as the kernel's coarse clock may let it. */
static void
fire(uint64_t early_us)
{
	struct mono_us at = api.timer->at;

	ck_assert(!mono_is_never(at));
	api.timer->at = MONO_NEVER;
	at.us -= early_us;
	api.now = mono_before(api.now, at) ? at : mono_add_us(api.now, 100); /* a turn takes time */
	api.timer->fn(api.timer->ctx);
}

/* The Lease as whoever wrote it last left it; holder NULL: the server says status only. */
static void
answer(int status, const char *holder)
{
	char version[16];
	json_t *body = NULL;
	struct api_answer ans = { .status = status, .why = "" };

	if (holder) {
		snprintf(version, sizeof version, "%u", ++api.version);
		body = json_pack("{s:{s:s}, s:{s:s, s:i}}", "metadata", "resourceVersion", version,
		    "spec", "holderIdentity", holder, "leaseDurationSeconds", DURATION_MS / 1000);
		ans.body = body;
	}
	ck_assert_uint_ne(api.id, 0);
	api.id = 0;
	api.done(api.ctx, &ans);
	json_decref(body);
}

/* Lead, with the next renewal under way. */
static void
lead(void)
{
	fire(0);
	ck_assert_str_eq(api.method, "GET");
	answer(404, NULL);
	ck_assert_str_eq(api.method, "POST");
	answer(201, api.holder);
	ck_assert_uint_eq(won, 1);
	ck_assert(kube_lease_is_held(lease));
	fire(0);
	ck_assert_str_eq(api.method, "PATCH");
}

/* ---- the server says nothing ------------------------------------------------------ */

START_TEST(lead_ends_in_time)
{
	static const uint64_t early_us[] = { 0, 500, 4000 };
	struct mono_us limit = mono_add_ms(api.now, BELIEVED_MS + 10);

	lead();
	while (lost == 0) {
		ck_assert_msg(!mono_is_never(api.timer->at), "nothing will look at the lead's end");
		fire(early_us[_i]);
		ck_assert(mono_before(api.now, limit));
	}
	ck_assert(!kube_lease_is_held(lease));
	ck_assert_uint_eq(lost, 1);
}
END_TEST

START_TEST(nothing_spins_after_the_end)
{
	lead();
	while (lost == 0)
		fire(0);
	ck_assert(mono_is_never(api.timer->at)); /* the renewal is still under way */
	answer(0, NULL);
	ck_assert(mono_diff_us(api.timer->at, api.now) > 50000);
	fire(0);
	ck_assert_str_eq(api.method, "GET"); /* came of it, or did it not? */
	answer(200, api.holder);
	ck_assert_str_eq(api.method, "PATCH");
	ck_assert_uint_eq(won, 1);
	answer(200, api.holder);
	ck_assert_uint_eq(won, 2);
}
END_TEST

START_TEST(renewals_keep_it)
{
	lead();
	for (int i = 0; i < 100; i++) {
		api.now = mono_add_ms(api.now, 20);
		answer(200, api.holder);
		fire(0);
		ck_assert_str_eq(api.method, "PATCH");
	}
	ck_assert_uint_eq(won, 1);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(freed_while_it_asks)
{
	api.namespace = "";
	fire(0);
	ck_assert_uint_ne(api.id, 0);
	kube_lease_free(lease);
	lease = NULL;
	ck_assert_uint_eq(api.id, 0);
}
END_TEST

START_TEST(freed_while_it_renews)
{
	lead();
	kube_lease_free(lease);
	lease = NULL;
	ck_assert_uint_eq(api.id, 0);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(namespace_is_awaited)
{
	api.namespace = "";
	fire(0);
	ck_assert_str_eq(api.path, "/version");
	fire(0);
	ck_assert_uint_eq(api.sends, 1); /* the first is not answered yet */
	answer(200, NULL);
	ck_assert_uint_eq(api.sends, 1);
	ck_assert(mono_diff_us(api.timer->at, api.now) > 50000);
	fire(0);
	ck_assert_uint_eq(api.sends, 2);
	ck_assert_str_eq(api.path, "/version");
	api.namespace = "weft";
	answer(200, NULL);
	fire(0);
	ck_assert_str_eq(api.path, "/apis/coordination.k8s.io/v1/namespaces/weft/leases/load");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kube_lease");
	TCase *tc = unit_case(s, "silence");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, lead_ends_in_time, 0, 3);
	tcase_add_test(tc, nothing_spins_after_the_end);
	tcase_add_test(tc, renewals_keep_it);
	tcase_add_test(tc, freed_while_it_asks);
	tcase_add_test(tc, freed_while_it_renews);
	tcase_add_test(tc, namespace_is_awaited);
	return unit_run(s);
}
