/*
 * The Lease in the cluster against an API server, and a clock, that the test plays itself: what a
 * holder believes while its server says nothing, and how often it looks.
 */
#include "agent/core/lease.h"

#include <stdio.h>

#include "agent/kube/api.h"
#include "agent/kube/kube.h"
#include "agent/kube/lease.h"
#include "tests/unit/apirig.h"
#include "tests/unit/unit.h"

#define DURATION_MS 2000
#define BELIEVED_MS (DURATION_MS * 2 / 3)

/* ---- the api ------------------------------------------------------------- */

static struct {
	char method[8], path[200], holder[LEASE_TEXT_MAX];
	void (*done)(void *ctx, const struct api_answer *ans);
	void *ctx;
	const char *namespace;
	unsigned version;
} api;

uint32_t
api_send(struct api *a, const struct api_req *r,
    void (*done)(void *ctx, const struct api_answer *ans), void *ctx)
{
	const json_t *spec = r->body ? json_object_get(r->body, "spec") : NULL;

	snprintf(api.method, sizeof api.method, "%s", r->method);
	snprintf(api.path, sizeof api.path, "%s", r->path);
	if (spec)
		snprintf(api.holder, sizeof api.holder, "%s",
		    json_string_value(json_object_get(spec, "holderIdentity")));
	api.done = done;
	api.ctx = ctx;
	return apirig_begin();
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
	memset(&apirig, 0, sizeof apirig);
	won = lost = 0;
	apirig.now = (struct mono_us){ 1000000 };
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
	struct mono_us at = apirig.timer->at;

	ck_assert(!mono_is_never(at));
	at.us -= early_us;
	apirig.now = mono_before(apirig.now, at) ? at : mono_add_us(apirig.now, 100); /* a turn takes time */
	apirig_fire();
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
	ck_assert_uint_ne(apirig.id, 0);
	apirig.id = 0;
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
	struct mono_us limit = mono_add_ms(apirig.now, BELIEVED_MS + 10);

	lead();
	while (lost == 0) {
		ck_assert_msg(!mono_is_never(apirig.timer->at), "nothing will look at the lead's end");
		fire(early_us[_i]);
		ck_assert(mono_before(apirig.now, limit));
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
	ck_assert(mono_is_never(apirig.timer->at)); /* the renewal is still under way */
	answer(0, NULL);
	ck_assert(mono_diff_us(apirig.timer->at, apirig.now) > 50000);
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
		apirig.now = mono_add_ms(apirig.now, 20);
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
	ck_assert_uint_ne(apirig.id, 0);
	kube_lease_free(lease);
	lease = NULL;
	ck_assert_uint_eq(apirig.id, 0);
}
END_TEST

START_TEST(freed_while_it_renews)
{
	lead();
	kube_lease_free(lease);
	lease = NULL;
	ck_assert_uint_eq(apirig.id, 0);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(namespace_is_awaited)
{
	api.namespace = "";
	fire(0);
	ck_assert_str_eq(api.path, "/version");
	fire(0);
	ck_assert_uint_eq(apirig.calls, 1); /* the first is not answered yet */
	answer(200, NULL);
	ck_assert_uint_eq(apirig.calls, 1);
	ck_assert(mono_diff_us(apirig.timer->at, apirig.now) > 50000);
	fire(0);
	ck_assert_uint_eq(apirig.calls, 2);
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
