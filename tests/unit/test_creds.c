/*
 * Credentials: kubeconfig, service account, base64; and the delays between attempts.
 */
#include <stdio.h>

#include "agent/kube/backoff.h"
#include "agent/kube/creds.h"
#include "lib/mem.h"
#include "tests/unit/unit.h"

struct world {
	const char *host, *port; /* of the environment */
	const char *kubeconfig;
};

static const char *
env(void *ctx, const char *name)
{
	const struct world *w = ctx;

	return strcmp(name, "KUBERNETES_SERVICE_HOST") == 0 ? w->host :
	    strcmp(name, "KUBERNETES_SERVICE_PORT") == 0    ? w->port :
							      NULL;
}

static const struct {
	const char *path, *text;
} files[] = {
	{ CREDS_SERVICE_ACCOUNT "/token", "the.token\n" },
	{ CREDS_SERVICE_ACCOUNT "/ca.crt", "CA" },
	{ CREDS_SERVICE_ACCOUNT "/namespace", "weft-system\n" },
	{ "/etc/weft/token", "other.token" },
	{ "/etc/weft/pki/ca.crt", "CA2" },
	{ "/etc/weft/bad", "two words" },
	{ "/etc/weft/empty", "\n" },
};

static char *
rd(void *ctx, const char *path, size_t *ret_len, char *why)
{
	const struct world *w = ctx;
	const char *text = strcmp(path, "/etc/weft/kubeconfig") == 0 ? w->kubeconfig : NULL;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (strcmp(path, files[i].path) == 0)
			text = files[i].text;
	if (!text) {
		snprintf(why, CREDS_WHY_MAX, "%s: not there", path);
		return NULL;
	}
	*ret_len = strlen(text);
	return mem_strdup(text);
}

static bool
load(struct world *w, const char *server, struct creds *c, char *why)
{
	struct creds_source s = { .kubeconfig = w->kubeconfig ? "/etc/weft/kubeconfig" : NULL,
		.server = server, .env = env, .read = rd, .ctx = w };

	return creds_load(&s, c, why);
}

START_TEST(service_account)
{
	struct world w = { "10.96.0.1", "443", NULL }, w6 = { "fd00::1", "6443", NULL }, none = { 0 };
	char why[CREDS_WHY_MAX];
	struct creds c, d;

	ck_assert_msg(load(&w, NULL, &c, why), "%s", why);
	ck_assert_str_eq(c.host, "10.96.0.1");
	ck_assert_uint_eq(c.port, 443);
	ck_assert(c.tls && c.in_cluster && c.kind == CREDS_TOKEN);
	ck_assert_str_eq(c.token, "the.token");
	ck_assert_str_eq(c.ca, "CA");
	ck_assert_str_eq(c.namespace, "weft-system");
	ck_assert_str_eq(creds_kind_str(&c), "service-account");
	ck_assert(load(&w6, NULL, &d, why));
	ck_assert_str_eq(d.host, "fd00::1");
	ck_assert(!creds_same_server(&c, &d));
	creds_free(&d);
	ck_assert(load(&w, "https://api.example:8443/k8s/", &d, why));
	ck_assert_str_eq(d.host, "api.example");
	ck_assert_str_eq(d.name, "api.example");
	ck_assert_str_eq(d.base, "/k8s");
	ck_assert_uint_eq(d.port, 8443);
	creds_free(&d);
	ck_assert(!load(&none, NULL, &d, why));
	ck_assert(strstr(why, "KUBERNETES_SERVICE_HOST"));
	creds_free(&c);
}
END_TEST

#define CLUSTER "clusters: [{name: c, cluster: {"
#define USER "}}]\nusers: [{name: u, user: {"
#define REST "}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"

static const struct {
	const char *name, *text;
	const char *why; /* part of it; NULL: good */
	const char *kind, *host, *token;
} configs[] = {
	{ "token", CLUSTER "server: 'https://h:1'" USER "token: abc" REST, NULL, "token", "h", "abc" },
	{ "token file, beside", CLUSTER "server: 'https://[::1]:1'" USER "tokenFile: token" REST, NULL, "token",
	    "::1", "other.token" },
	{ "certificate", CLUSTER "server: 'https://h'" USER "client-certificate-data: QUJD, client-key-data: REVG"
	    REST, NULL, "certificate", "h", NULL },
	{ "CA file, beside", CLUSTER "server: 'https://h', certificate-authority: pki/ca.crt" USER "token: a" REST,
	    NULL, "token", "h", "a" },
	{ "http to this host", CLUSTER "server: 'http://127.0.0.1:8001'" USER REST, NULL, "none", "127.0.0.1", NULL },
	{ "http elsewhere", CLUSTER "server: 'http://10.0.0.1'" USER REST, "plain http", NULL, NULL, NULL },
	{ "token over http", CLUSTER "server: 'http://localhost'" USER "token: a" REST, "not sent", NULL, NULL, NULL },
	{ "other scheme", CLUSTER "server: 'ftp://h'" USER REST, "https://", NULL, NULL, NULL },
	{ "no host", CLUSTER "server: 'https://:1'" USER REST, "not a URL", NULL, NULL, NULL },
	{ "user in the URL", CLUSTER "server: 'https://a@h'" USER REST, "not a URL", NULL, NULL, NULL },
	{ "port 0", CLUSTER "server: 'https://h:0'" USER REST, "not a URL", NULL, NULL, NULL },
	{ "port too large", CLUSTER "server: 'https://h:65536'" USER REST, "not a URL", NULL, NULL, NULL },
	{ "no server", CLUSTER USER REST, "no server", NULL, NULL, NULL },
	{ "skip the check", CLUSTER "server: 'https://h', insecure-skip-tls-verify: true" USER REST, "insecure", NULL,
	    NULL, NULL },
	{ "exec", CLUSTER "server: 'https://h'" USER "exec: {command: x}" REST, "exec", NULL, NULL, NULL },
	{ "password", CLUSTER "server: 'https://h'" USER "username: x" REST, "username", NULL, NULL, NULL },
	{ "certificate alone", CLUSTER "server: 'https://h'" USER "client-certificate-data: QUJD" REST,
	    "go together", NULL, NULL, NULL },
	{ "bad base64", CLUSTER "server: 'https://h'" USER "client-certificate-data: 'Q*JD'" REST, "not base64", NULL,
	    NULL, NULL },
	{ "bad token", CLUSTER "server: 'https://h'" USER "tokenFile: bad" REST, "not a token", NULL, NULL, NULL },
	{ "empty token", CLUSTER "server: 'https://h'" USER "tokenFile: empty" REST, "empty token", NULL, NULL, NULL },
	{ "file missing", CLUSTER "server: 'https://h'" USER "tokenFile: nowhere" REST, "not there", NULL, NULL, NULL },
	{ "no context", "current-context: y\n", "no such context: y", NULL, NULL, NULL },
	{ "none current", "contexts: []\n", "none is current", NULL, NULL, NULL },
	{ "no such cluster", "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n", "no such cluster",
	    NULL, NULL, NULL },
	{ "all of another kind", "contexts: {a: [b]}\nclusters: 7\nusers: null\ncurrent-context: [x]\n",
	    "no such context", NULL, NULL, NULL },
	{ "no YAML", "{{{", "kubeconfig", NULL, NULL, NULL },
	{ "empty", "", "kubeconfig", NULL, NULL, NULL },
};

START_TEST(kubeconfig)
{
	struct world w = { .kubeconfig = configs[_i].text };
	char why[CREDS_WHY_MAX];
	struct creds c;

	if (configs[_i].why) {
		ck_assert_msg(!load(&w, NULL, &c, why), "%s", configs[_i].name);
		ck_assert_msg(strstr(why, configs[_i].why), "%s: %s", configs[_i].name, why);
		return;
	}
	ck_assert_msg(load(&w, NULL, &c, why), "%s: %s", configs[_i].name, why);
	ck_assert_str_eq(creds_kind_str(&c), configs[_i].kind);
	ck_assert_str_eq(c.host, configs[_i].host);
	ck_assert_pstr_eq(c.token, configs[_i].token);
	ck_assert_str_eq(c.namespace, "kube-system");
	creds_free(&c);
}
END_TEST

/* A new token alone leaves the connections. */
START_TEST(rotated)
{
	struct world w = { .kubeconfig = configs[0].text };
	char why[CREDS_WHY_MAX];
	struct creds a, b;

	ck_assert(load(&w, NULL, &a, why));
	w.kubeconfig = CLUSTER "server: 'https://h:1'" USER "token: abd" REST;
	ck_assert(load(&w, NULL, &b, why));
	ck_assert(!creds_equal(&a, &b));
	ck_assert(creds_same_server(&a, &b));
	creds_free(&a);
	creds_free(&b);
}
END_TEST

static const struct {
	const char *in, *out;
} base64[] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
	{ "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" }, { "Zm9v\nYmFy\n", "foobar" }, { "Zm8", "fo" },
	{ "Z", NULL }, { "Zg=", NULL }, { "Zg=a", NULL }, { "Zg===", NULL }, { "=", NULL }, { "Zm9v!", NULL } };

START_TEST(decode) /* RFC 4648 section 10 */
{
	size_t n = 0;
	char *got = creds_base64(base64[_i].in, strlen(base64[_i].in), &n);

	ck_assert_pstr_eq(got, base64[_i].out);
	if (got)
		ck_assert_uint_eq(n, strlen(got));
	mem_free(got);
}
END_TEST

START_TEST(delays)
{
	uint32_t base = 100;
	struct backoff b, c;

	backoff_init(&b, 100, 1500, _i);
	backoff_init(&c, 100, 1500, _i);
	for (int i = 0; i < 20; i++, base = base * 2 > 1500 ? 1500 : base * 2) {
		uint32_t ms = backoff_next(&b);

		ck_assert_uint_ge(ms, base / 2);
		ck_assert_uint_le(ms, base);
		ck_assert_uint_eq(ms, backoff_next(&c)); /* the same seed */
	}
	backoff_reset(&b);
	ck_assert_uint_le(backoff_next(&b), 100);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("creds");
	TCase *tc = unit_case(s, "creds");

	tcase_add_test(tc, service_account);
	tcase_add_loop_test(tc, kubeconfig, 0, NROWS(configs));
	tcase_add_test(tc, rotated);
	tcase_add_loop_test(tc, decode, 0, NROWS(base64));
	tcase_add_loop_test(tc, delays, 0, 20);
	return unit_run(s);
}
