/*
 * Metrics and health checks: the text is held against the exposition format by a
 * small checker, and the HTTP server is asked over loopback.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/http.h"
#include "agent/metrics.h"
#include "lib/logmain.h"
#include "lib/mem.h"
#include "tests/unit/fake_agent.h"
#include "tests/unit/unit.h"

/* ---- the checker ---------------------------------------------------------------------- */

static size_t
name_len(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == ':')
		n++;
	return n && !isdigit((unsigned char)s[0]) ? n : 0;
}

/* {a="b",c="d"} at s: its length, 0 when it is wrong. */
static size_t
labels_len(const char *s)
{
	const char *p = s;
	size_t n;

	if (*p++ != '{')
		return 0;
	for (;;) {
		n = name_len(p);
		if (!n || p[n] != '=' || p[n + 1] != '"')
			return 0;
		for (p += n + 2; *p && *p != '"' && *p != '\n'; p++)
			if (*p == '\\' && !strchr("\\\"n", *++p))
				return 0;
		if (*p++ != '"')
			return 0;
		if (*p == '}')
			return (size_t)(p + 1 - s);
		if (*p++ != ',')
			return 0;
	}
}

struct family {
	char name[80], type[16];
	bool help, samples;
};

/* Samples of a histogram have a name of their own each. */
static bool
is_sample_of(const struct family *f, const char *name, size_t n)
{
	static const char *const ends[] = { "_bucket", "_sum", "_count" };
	size_t k = strlen(f->name);

	if (n < k || strncmp(f->name, name, k) != 0)
		return false;
	for (size_t i = 0; strcmp(f->type, "histogram") == 0 && i < 3; i++)
		if (strlen(ends[i]) == n - k && strncmp(ends[i], name + k, n - k) == 0)
			return true;
	return n == k && strcmp(f->type, "histogram") != 0;
}

/* Every line is right, every family has HELP and TYPE once and before its samples, together. */
static size_t
check_text(const char *text)
{
	static struct family fam[128];
	struct family *f = NULL;
	size_t nfam = 0, n, len;
	const char *line, *p;

	memset(fam, 0, sizeof(fam));
	for (line = text; *line; line += len + 1) {
		len = strcspn(line, "\n");
		ck_assert_msg(line[len] == '\n', "no newline at the end");
		if (strncmp(line, "# HELP ", 7) == 0) {
			n = name_len(line + 7);
			ck_assert_msg(n && line[7 + n] == ' ', "%.*s", (int)len, line);
			for (size_t i = 0; i < nfam; i++)
				ck_assert_msg(strncmp(fam[i].name, line + 7, n) || fam[i].name[n],
				    "twice: %.*s", (int)len, line);
			f = &fam[nfam++];
			memcpy(f->name, line + 7, n);
			f->help = true;
			continue;
		}
		ck_assert_ptr_nonnull(f);
		if (strncmp(line, "# TYPE ", 7) == 0) {
			n = name_len(line + 7);
			ck_assert_msg(!f->type[0] && !f->samples && strlen(f->name) == n &&
			    strncmp(f->name, line + 7, n) == 0, "%.*s", (int)len, line);
			snprintf(f->type, sizeof(f->type), "%.*s", (int)(len - n - 8), line + 8 + n);
			ck_assert_msg(!strcmp(f->type, "gauge") || !strcmp(f->type, "counter") ||
			    !strcmp(f->type, "histogram"), "%s", f->type);
			n = strlen(f->name);
			ck_assert_msg((strcmp(f->type, "counter") == 0) ==
			    (n > 6 && strcmp(f->name + n - 6, "_total") == 0),
			    "counters, and only they, end in _total: %s", f->name);
			continue;
		}
		n = name_len(line);
		ck_assert_msg(f->type[0] && is_sample_of(f, line, n), "stray sample: %.*s", (int)len, line);
		f->samples = true;
		p = line + n;
		if (*p == '{') {
			n = labels_len(p);
			ck_assert_msg(n, "labels: %.*s", (int)len, line);
			p += n;
		}
		ck_assert_msg(*p == ' ' && isdigit((unsigned char)p[1]) &&
		    p + 1 + strspn(p + 1, f->type[0] == 'h' ? "0123456789." : "0123456789") == line + len,
		    "value: %.*s", (int)len, line);
	}
	return nfam;
}

static void
has_line(const char *text, const char *want)
{
	size_t n = strlen(want);

	for (const char *p = text; (p = strstr(p, want)); p++)
		if ((p == text || p[-1] == '\n') && p[n] == '\n')
			return;
	ck_abort_msg("\"%s\" is not in:\n%s", want, text);
}

/* ---- the text ----------------------------------------------------------------------------- */

static char *
text_of(struct fake *f)
{
	struct metrics *m = metrics_new(&f->a);
	size_t len;
	char *text;

	for (size_t i = 0; i < f->npeers; i++)
		metrics_add_peer(m, agent_peer_by_id(&f->a, f->peer[i].id), &f->peer[i]);
	metrics_add_peer(m, &f->a.peers[3], NULL);
	ck_assert(metrics_has_peer(m, 1));
	ck_assert(!metrics_has_peer(m, 5));
	metrics_add_stats(m, &f->stats);
	text = metrics_text(m, &len);
	ck_assert_uint_eq(len, strlen(text));
	metrics_free(m);
	return text;
}

START_TEST(text_is_valid)
{
	struct fake *f = fake_new();
	char *text = text_of(f);

	ck_assert_uint_ge(check_text(text), 15);
	has_line(text, "weft_peer_up{peer=\"tor1\"} 1");
	has_line(text, "weft_peer_state{peer=\"node-c\"} 3");
	has_line(text, "weft_peer_up{peer=\"node-d\"} 0");
	has_line(text, "weft_peer_flaps_total{peer=\"node-c\"} 2");
	has_line(text, "weft_routes_received{peer=\"tor1\",family=\"ipv6\"} 40");
	has_line(text, "weft_routes_accepted{peer=\"tor1\",family=\"ipv6\"} 38");
	has_line(text, "weft_routes_advertised{peer=\"node-b\",family=\"ipv4\"} 1");
	has_line(text, "weft_messages_total{peer=\"tor1\",direction=\"in\",type=\"keepalive\"} 47");
	has_line(text, "weft_fib_routes{family=\"ipv4\",state=\"installed\"} 412");
	has_line(text, "weft_fib_refused 1");
	has_line(text, "weft_netlink_operations_total 460");
	has_line(text, "weft_netlink_errors_total 2");
	has_line(text, "weft_fib_repairs_total 3");
	has_line(text, "weft_child_restarts_total{child=\"bgpd\"} 1");
	has_line(text, "weft_config_reloads_total{result=\"failure\"} 1");
	has_line(text, "weft_config_reloads_total{result=\"success\"} 2");
	has_line(text, "weft_config_last_reload_success 0");
	has_line(text, "weft_nexthop_objects 4");
	has_line(text, "weft_services 4");
	has_line(text, "weft_service_prefixes 3");
	has_line(text, "weft_service_announce_seconds_bucket{le=\"0.00025\"} 1");
	has_line(text, "weft_service_announce_seconds_bucket{le=\"0.02\"} 3");
	has_line(text, "weft_service_announce_seconds_bucket{le=\"+Inf\"} 4");
	has_line(text, "weft_service_announce_seconds_sum 0.104200");
	has_line(text, "weft_service_announce_seconds_count 4");
	has_line(text, "weft_uptime_seconds 190000");
	free(text);
	fake_free(f);
}
END_TEST

START_TEST(labels_are_escaped)
{
	struct fake *f = fake_new();
	char odd[] = "a\"b\\c\nd\033e", *text, *was = f->a.conf->peers.v[0].name;

	f->a.conf->peers.v[0].name = odd;
	text = text_of(f);
	check_text(text);
	has_line(text, "weft_peer_up{peer=\"a\\\"b\\\\c\\nd?e\"} 1");
	f->a.conf->peers.v[0].name = was;
	free(text);
	fake_free(f);
}
END_TEST

/* ---- the server ------------------------------------------------------------------------------ */

struct web {
	struct fake *f;
	struct http *h;
	uint16_t port;
};

/* A port of loopback that was free a moment ago. */
static uint16_t
free_port(int *ret_fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	if (ret_fd)
		*ret_fd = fd;
	else
		close(fd);
	return ntohs(sin.sin_port);
}

static struct web
web_start(struct fake *f)
{
	struct web w = { .f = f };
	char where[32];
	int err;

	log_main.sink = NULL;
	w.port = free_port(NULL);
	snprintf(where, sizeof(where), "127.0.0.1:%u", w.port);
	w.h = http_new(&f->a, where, &err);
	ck_assert_int_eq(err, 0);
	ck_assert_str_eq(http_problem(w.h), "");
	return w;
}

static void
web_stop(struct web *w)
{
	http_free(w->h);
	fake_free(w->f);
}

static int
web_connect(const struct web *w)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Send a request and turn the loop until the server closes; the whole answer, static. */
static const char *
web_raw(struct web *w, const char *request)
{
	static char answer[65536];
	int fd = web_connect(w);
	struct timeval tick = { .tv_usec = 2000 };
	size_t len = 0;
	ssize_t n = -1;

	ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	for (int i = 0; i < 2500 && n != 0; i++) {
		event_base_loopexit(w->f->a.base, &tick);
		event_base_dispatch(w->f->a.base);
		while ((n = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0)
			len += (size_t)n;
		if (n < 0 && errno != EAGAIN)
			break;
	}
	close(fd);
	answer[len] = '\0';
	return answer;
}

static const char *
web_get(struct web *w, const char *path)
{
	char request[128];

	snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	return web_raw(w, request);
}

static const char *
body_of(const char *answer)
{
	const char *p = strstr(answer, "\r\n\r\n");

	ck_assert_msg(p != NULL, "no body in: %s", answer);
	return p + 4;
}

START_TEST(serves_metrics)
{
	struct web w = web_start(fake_new());
	const char *answer = web_get(&w, "/metrics");

	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	ck_assert_ptr_nonnull(strstr(answer, "Content-Type: text/plain; version=0.0.4"));
	ck_assert_uint_ge(check_text(body_of(answer)), 15);
	has_line(body_of(answer), "weft_peer_up{peer=\"tor1\"} 1");
	has_line(body_of(answer), "weft_peer_up{peer=\"node-e\"} 0");
	has_line(body_of(answer), "weft_rib_paths{family=\"ipv4\"} 415");
	web_stop(&w);
}
END_TEST

/* bgpd is down: what the agent knows is still told, and every peer is down. */
START_TEST(serves_metrics_without_bgpd)
{
	struct web w = web_start(fake_new());
	const char *answer;

	w.f->lost = true;
	w.f->a.bgpd_child.running = false;
	answer = web_get(&w, "/metrics");
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	check_text(body_of(answer));
	has_line(body_of(answer), "weft_peer_up{peer=\"tor1\"} 0");
	has_line(body_of(answer), "weft_child_up{child=\"bgpd\"} 0");
	web_stop(&w);
}
END_TEST

START_TEST(says_503_when_bgpd_hangs)
{
	struct web w = web_start(fake_new());
	const char *answer;

	w.f->silent = true;
	answer = web_get(&w, "/metrics");
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 503 "));
	ck_assert_str_eq(body_of(answer), "weft-bgpd did not answer within 2 s\n");
	ck_assert_uint_eq(w.f->cancels, 1);
	web_stop(&w);
}
END_TEST

static void ready_as_is(struct fake *f) { }
static void ready_deferring(struct fake *f)
{
	f->stats.deferring = true;
	snprintf(f->stats.deferring_for, sizeof(f->stats.deferring_for), "node-c, node-b");
}
static void ready_stale(struct fake *f)
{
	f->lost = true;
	f->a.bgpd_child.running = false;
	f->a.bgpd_child.since = (struct mono_us){ (FAKE_NOW_S - 10) * 1000000ull };
}
static void ready_few(struct fake *f) { f->stats.established = 0; }
static void ready_no_conf(struct fake *f)
{
	conf_free(f->a.conf);
	f->a.conf = NULL;
	f->a.npeers = 0;
	idmap_free(&f->a.peer_places);
}
static void live_gone(struct fake *f)
{
	ready_stale(f);
	f->a.bgpd_child.since = (struct mono_us){ (FAKE_NOW_S - 61) * 1000000ull };
}

static const struct {
	const char *path;
	void (*set)(struct fake *f);
	int code;
	const char *body;
} healths[] = {
	{ "/readyz", ready_as_is, 200, "ready\n" },
	{ "/readyz", ready_deferring, 503,
	    "not ready: after a restart, waiting for routes of node-c, node-b\n" },
	{ "/readyz", ready_stale, 503,
	    "not ready: weft-bgpd is not running (started again 1 times so far)\n" },
	{ "/readyz", ready_few, 503,
	    "not ready: 0 sessions are Established, at least 1 wanted\n" },
	{ "/readyz", ready_no_conf, 503, "not ready: no configuration is in force\n" },
	{ "/livez", ready_as_is, 200, "ok\n" },
	{ "/livez", ready_deferring, 200, "ok\n" },
	{ "/livez", ready_stale, 200, "ok, but weft-bgpd is being started again\n" },
	{ "/livez", live_gone, 503, "weft-bgpd is not running (started again 1 times so far)\n" },
	{ "/", ready_as_is, 200, "weft-agent\n/metrics\n/livez\n/readyz\n" },
	{ "/livez?verbose=1", ready_as_is, 200, "ok\n" },
	{ "/secret", ready_as_is, 404, "here are /metrics, /livez and /readyz\n" },
};

START_TEST(health)
{
	struct web w = web_start(fake_new());
	const char *answer;
	int code = 0;

	healths[_i].set(w.f);
	answer = web_get(&w, healths[_i].path);
	ck_assert_int_eq(sscanf(answer, "HTTP/1.1 %d ", &code), 1);
	ck_assert_msg(code == healths[_i].code && !strcmp(body_of(answer), healths[_i].body),
	    "%s: %s", healths[_i].path, answer);
	web_stop(&w);
}
END_TEST

/* Other methods, long headers and bodies are refused; HEAD has no body. */
START_TEST(requests_are_bounded)
{
	struct web w = web_start(fake_new());
	char *big = mem_zalloc(20000);
	const char *answer;

	answer = web_raw(&w, "POST /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			     "Content-Length: 0\r\n\r\n");
	ck_assert_msg(strstr(answer, " 200 ") == NULL, "%s", answer);
	answer = web_raw(&w, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			     "Content-Length: 100000\r\n\r\n");
	ck_assert_msg(strstr(answer, " 200 ") == NULL, "%s", answer);
	memset(big, 'a', 19000);
	memcpy(big, "GET /livez HTTP/1.1\r\nX: ", 24);
	answer = web_raw(&w, big);
	ck_assert_msg(strstr(answer, " 200 ") == NULL, "%s", answer);
	answer = web_raw(&w, "HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	ck_assert_str_eq(body_of(answer), "");
	mem_free(big);
	web_stop(&w);
}
END_TEST

/* Clients that leave while bgpd is asked, and a server that ends meanwhile: nothing is left over. */
START_TEST(clients_may_leave)
{
	struct web w = web_start(fake_new());
	struct timeval tick = { .tv_usec = 20000 };
	int fd[20];

	w.f->silent = true;
	for (int i = 0; i < 20; i++) {
		fd[i] = web_connect(&w);
		ck_assert_int_gt(write(fd[i], "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 35), 0);
	}
	event_base_loopexit(w.f->a.base, &tick);
	event_base_dispatch(w.f->a.base);
	ck_assert_uint_eq(w.f->queries, 16);
	for (int i = 0; i < 20; i++)
		close(fd[i]);
	event_base_loopexit(w.f->a.base, &tick);
	event_base_dispatch(w.f->a.base);
	web_stop(&w);
}
END_TEST

START_TEST(port_in_use_is_no_end)
{
	struct fake *f = fake_new();
	char where[32];
	int fd, err;
	struct http *h;

	log_main.sink = NULL;
	snprintf(where, sizeof(where), "127.0.0.1:%u", free_port(&fd));
	ck_assert_int_eq(listen(fd, 1), 0);
	h = http_new(&f->a, where, &err);
	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(err, EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(http_problem(h), "cannot listen on 127.0.0.1:"));
	ck_assert_ptr_nonnull(strstr(http_problem(h), "Address already in use"));
	http_free(h);
	ck_assert_ptr_null(http_new(&f->a, "", &err));
	ck_assert_int_eq(err, 0);
	close(fd);
	fake_free(f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = unit_case(s, "text");

	tcase_add_test(t, text_is_valid);
	tcase_add_test(t, labels_are_escaped);
	t = unit_case(s, "http");
	tcase_set_timeout(t, 20);
	tcase_add_test(t, serves_metrics);
	tcase_add_test(t, serves_metrics_without_bgpd);
	tcase_add_test(t, says_503_when_bgpd_hangs);
	tcase_add_loop_test(t, health, 0, NROWS(healths));
	tcase_add_test(t, requests_are_bounded);
	tcase_add_test(t, clients_may_leave);
	tcase_add_test(t, port_in_use_is_no_end);
	return unit_run(s);
}
