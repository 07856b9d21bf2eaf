/*
 * The file of what is known of a cluster: what is written is what is read, and whatever is not
 * exactly that is refused as a whole.
 */
#include "agent/core/kept.h"
#include "lib/conf_parts.h"
#include "lib/mem.h"
#include "tests/unit/unit.h"

#define KEY UINT64_C(0x1122334455667788)

static uint8_t *file;
static size_t file_len;
static struct label labels[] = { { "rack", "r1" }, { "zone", "" } };
static struct label taint[] = { { "weft.dev/not-ready", "NoSchedule" } };

static void
take(void *ctx, const void *octets, size_t n)
{
	file = mem_realloc(file, file_len + n);
	memcpy(file + file_len, octets, n);
	file_len += n;
}

static struct cluster_node
node(void)
{
	struct cluster_node n = { .name = "n1", .naddrs = 2, .ncidrs = 2, .labels = { labels, 2 },
		.taints = { taint, 1 }, .cordoned = true, .shutting_down = true };

	n.addrs[0] = ad("10.0.0.1");
	n.addrs[1] = ad("2001:db8::1");
	n.cidrs[0] = px("10.244.1.0/24");
	n.cidrs[1] = px("2001:db8:1::/64");
	return n;
}

static const struct kept_object object = { CONF_PART_PEER, "tor1", "2026-01-01T00:00:00Z",
	"{\"peerIP\":\"10.0.0.9\"}" };

static struct kept_service
service(void)
{
	struct kept_service s = { .prefix = px("192.0.2.1/32"), .has_med = true, .med = 7, .ncomm = 1,
		.nlarge = 2, .nonly = 1, .comm = { 0xfde80001 }, .large = { { 1, 2, 3 }, { 4, 5, 6 } },
		.only = { "tor1" } };

	return s;
}

static void
setup(void)
{
	struct kept_writer w = { .put = take };
	struct cluster_node n = node();
	struct kept_service s = service();

	file_len = 0;
	kept_begin(&w, KEY, 1234567890);
	kept_put_node(&w, &n);
	kept_put_object(&w, &object);
	kept_put_service(&w, &s);
	kept_end(&w);
}

static void
teardown(void)
{
	mem_free(file);
	file = NULL;
	file_len = 0;
}

static int told[3];

static void
see_node(void *ctx, const struct cluster_node *n)
{
	struct cluster_node want = node();
	struct cluster *c = cluster_new("n1");

	ck_assert(cluster_put(c, &want));
	ck_assert(!cluster_put(c, n)); /* it is the same */
	cluster_free(c);
	told[0]++;
}

static void
see_object(void *ctx, const struct kept_object *o)
{
	ck_assert_uint_eq(o->kind, object.kind);
	ck_assert_str_eq(o->element, object.element);
	ck_assert_str_eq(o->age, object.age);
	ck_assert_str_eq(o->text, object.text);
	told[1]++;
}

static void
see_service(void *ctx, const struct kept_service *s)
{
	struct kept_service want = service();

	ck_assert(ip_prefix_eq(&s->prefix, &want.prefix));
	ck_assert(s->has_med && s->med == 7 && !s->has_local_pref && !s->aggregate);
	ck_assert(s->ncomm == 1 && s->comm[0] == want.comm[0]);
	ck_assert(s->nlarge == 2 && memcmp(s->large, want.large, sizeof(s->large)) == 0);
	ck_assert(s->nonly == 1 && strcmp(s->only[0], "tor1") == 0);
	told[2]++;
}

static const struct kept_ops ops = { see_node, see_object, see_service };

static enum kept_verdict
look(uint64_t key)
{
	int64_t as_of = 0;
	enum kept_verdict v;

	memset(told, 0, sizeof(told));
	v = kept_read(file, file_len, key, &ops, NULL, &as_of);
	if (v == KEPT_GOOD)
		ck_assert_int_eq(as_of, 1234567890);
	else
		ck_assert_int_eq(told[0] + told[1] + told[2], 0);
	ck_assert_str_ne(kept_verdict_text(v), "");
	return v;
}

/* With the sum that is right for the octets as they are now. */
static void
sign(void)
{
	uint64_t sum = kept_sum(KEPT_SUM, file, file_len - 8);

	for (int i = 0; i < 8; i++)
		file[file_len - 8 + (size_t)i] = (uint8_t)(sum >> (56 - 8 * i));
}

START_TEST(round_trip)
{
	ck_assert_int_eq(look(KEY), KEPT_GOOD);
	ck_assert(told[0] == 1 && told[1] == 1 && told[2] == 1);
	ck_assert_int_eq(look(KEY + 1), KEPT_FOREIGN);
}
END_TEST

START_TEST(other_version)
{
	file[9]++;
	ck_assert_int_eq(look(KEY), KEPT_BROKEN);
	sign();
	ck_assert_int_eq(look(KEY), KEPT_VERSION_OTHER);
}
END_TEST

START_TEST(cut_anywhere)
{
	size_t whole = file_len;

	for (file_len = 0; file_len < whole; file_len++)
		ck_assert_int_eq(look(KEY), KEPT_BROKEN);
}
END_TEST

START_TEST(any_octet_changed)
{
	for (size_t i = 0; i < file_len; i++) {
		file[i] ^= 0x41;
		ck_assert_int_ne(look(KEY), KEPT_GOOD);
		file[i] ^= 0x41;
	}
}
END_TEST

/* A right sum makes no form right: cut records, and octets that cannot be. */
START_TEST(wrong_form)
{
	static const struct kept_ops nothing = { .node = NULL };
	int64_t as_of;
	size_t whole = file_len, good = 0;
	uint8_t *all = mem_dup(file, file_len);

	for (file_len = 8 + 2 + 8 + 8 + 1 + 8; file_len < whole; file_len++) {
		memcpy(file, all, whole);
		sign();
		good += kept_read(file, file_len, KEY, &nothing, NULL, &as_of) == KEPT_GOOD;
	}
	ck_assert_uint_eq(good, 2); /* at the end of the first and of the second record */
	for (size_t i = 26; i < whole - 8; i++) {
		memcpy(file, all, whole);
		file[i] = 0xff;
		sign();
		kept_read(file, file_len, KEY, &nothing, NULL, &as_of);
	}
	mem_free(all);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kept");
	TCase *tc = unit_case(s, "kept");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, other_version);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, any_octet_changed);
	tcase_add_test(tc, wrong_form);
	return unit_run(s);
}
