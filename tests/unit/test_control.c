/*
 * The control socket: requests good and broken, who may change something, slow
 * readers, clients that leave.  Server and client live in one process and one loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

#include "agent/control.h"
#include "agent/drains.h"
#include "lib/logmain.h"
#include "lib/mem.h"
#include "tests/unit/fake_agent.h"
#include "tests/unit/unit.h"

static char dir[] = "/tmp/weft-control-XXXXXX";
static struct fake *f;
static struct control *c;

static void
setup(void)
{
	int err;

	log_main.sink = NULL;
	f = fake_new();
	c = control_new(&f->a, &err);
	ck_assert_int_eq(err, 0);
}

static void
teardown(void)
{
	control_free(c);
	fake_free(f);
}

/* ---- a client -------------------------------------------------------------------------- */

struct client {
	int fd;
	char *buf;
	size_t len;
	bool closed;
};

static struct client
client_new(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = CONTROL_SOCKET };
	struct client cl = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };

	ck_assert_int_eq(connect(cl.fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	fcntl(cl.fd, F_SETFL, O_NONBLOCK);
	cl.buf = mem_zalloc(1);
	return cl;
}

static void
client_free(struct client *cl)
{
	close(cl->fd);
	mem_free(cl->buf);
}

/* Some turns of the loop. */
static void
turn(unsigned ms)
{
	struct timeval tv = { .tv_usec = (int)ms * 1000 };

	event_base_loopexit(f->a.base, &tv);
	event_base_dispatch(f->a.base);
}

static void
client_read(struct client *cl)
{
	char part[65536];
	ssize_t n;

	while ((n = read(cl->fd, part, sizeof(part))) > 0) {
		cl->buf = mem_realloc(cl->buf, cl->len + (size_t)n + 1);
		memcpy(cl->buf + cl->len, part, (size_t)n);
		cl->len += (size_t)n;
		cl->buf[cl->len] = '\0';
	}
	cl->closed = n == 0 || (n < 0 && errno != EAGAIN);
}

/* Read until the answer's end, the connection's end, or for 5 seconds without anything new. */
static void
client_wait(struct client *cl)
{
	size_t was = 0;

	for (int idle = 0; idle < 2500 && !cl->closed; idle = cl->len > was ? 0 : idle + 1) {
		if (strstr(cl->buf + (was > 16 ? was - 16 : 0), "{\"end\":"))
			return;
		was = cl->len;
		turn(2);
		client_read(cl);
	}
}

static void
client_wait_closed(struct client *cl)
{
	for (int i = 0; i < 2500 && !cl->closed; i++) {
		turn(2);
		client_read(cl);
	}
	ck_assert(cl->closed);
}

static void
client_write(struct client *cl, const char *text, size_t n)
{
	for (ssize_t k; n; text += k, n -= (size_t)k) {
		k = write(cl->fd, text, n);
		if (k < 0 && errno != EAGAIN)
			return; /* the server had enough */
		if (k < 0) {
			k = 0;
			turn(2);
		}
	}
}

/* The whole answer to one request, which is closed with a newline. Static. */
static const char *
ask(const char *request)
{
	static char *last;
	struct client cl = client_new();

	client_write(&cl, request, strlen(request));
	client_write(&cl, "\n", 1);
	client_wait(&cl);
	mem_free(last);
	last = mem_strdup(cl.buf);
	client_free(&cl);
	return last;
}

/* As much of an answer as comes at once. */
static void
ask_part(const char *request, const char *want)
{
	struct client cl = client_new();

	client_write(&cl, request, strlen(request));
	client_write(&cl, "\n", 1);
	for (int i = 0; i < 2500 && !strstr(cl.buf, want); i++) {
		turn(2);
		client_read(&cl);
	}
	ck_assert_msg(strstr(cl.buf, want), "%s: %s", request, cl.buf);
	client_free(&cl);
}

/* By memmem(): AddressSanitizer's strstr() measures the whole rest at every call. */
static size_t
count(const char *text, const char *what)
{
	const char *end = text + strlen(text);
	size_t n = 0;

	for (; (text = memmem(text, (size_t)(end - text), what, strlen(what))); text++)
		n++;
	return n;
}

/* ---- requests ------------------------------------------------------------------------------ */

static const struct {
	const char *request, *says;
	int status;
} bad[] = {
	{ "", "not JSON", 2 },
	{ "{", "not JSON", 2 },
	{ "[]", "want an object with \\\"cmd\\\"", 2 },
	{ "7", "not JSON", 2 },
	{ "{}", "want an object with", 2 },
	{ "{\"cmd\":7}", "want an object with", 2 },
	{ "{\"cmd\":\"peers\",\"cmd\":\"peers\"}", "not JSON: duplicate", 2 },
	{ "{\"cmd\":\"explode\"}", "unknown command \\\"explode\\\"", 2 },
	{ "{\"cmd\":\"peers\",\"arg\":{}}", "unknown key \\\"arg\\\"", 2 },
	{ "{\"cmd\":\"peers\",\"args\":[]}", "args: want an object", 2 },
	{ "{\"cmd\":\"peers\",\"args\":{\"view\":\"best\"}}", "peers takes no argument", 2 },
	{ "{\"cmd\":\"peers\",\"args\":{\"family\":\"ipx\"}}", "family: want", 2 },
	{ "{\"cmd\":\"peers\",\"args\":{\"family\":4}}", "family: want", 2 },
	{ "{\"cmd\":\"peers\",\"args\":{\"family\":\"ipv4\\u0000\"}}", "not JSON", 2 },
	{ "{\"cmd\":\"peer\"}", "peer needs an argument \\\"name\\\"", 2 },
	{ "{\"cmd\":\"peer\",\"args\":{\"name\":\"\"}}", "name: want", 2 },
	{ "{\"cmd\":\"peer\",\"args\":{\"name\":\"nobody\"}}", "no peer \\\"nobody\\\"", 1 },
	{ "{\"cmd\":\"route\",\"args\":{\"destination\":\"10.0.0.0/33\"}}", "destination: want", 2 },
	{ "{\"cmd\":\"routes\",\"args\":{\"view\":\"worst\"}}", "view: want", 2 },
	{ "{\"cmd\":\"fib\",\"args\":{\"diff\":1}}", "diff: want true or false", 2 },
	{ "{\"cmd\":\"events\",\"args\":{\"since_s\":-1}}", "since_s: want seconds", 2 },
	{ "{\"cmd\":\"events\",\"args\":{\"since_s\":1.5}}", "since_s: want seconds", 2 },
	{ "{\"cmd\":\"peer-command\",\"args\":{\"name\":\"tor1\"}}", "needs an argument", 2 },
	{ "{\"cmd\":\"peer-command\",\"args\":{\"name\":\"tor1\",\"command\":\"hop\"}}",
	    "command: want", 2 },
};

START_TEST(broken_requests)
{
	char want[32];
	const char *answer = ask(bad[_i].request);

	snprintf(want, sizeof(want), "{\"end\":{\"exit\":%d,", bad[_i].status);
	ck_assert_msg(strncmp(answer, want, strlen(want)) == 0 && strstr(answer, bad[_i].says),
	    "%s: %s", bad[_i].request, answer);
	ck_assert_uint_eq(count(answer, "\n"), 1);
}
END_TEST

/* Every line of every answer is one JSON object, and the last one alone is the end. */
static const struct {
	const char *request;
	size_t rows;
	int status;
} good[] = {
	{ "{\"cmd\":\"status\"}", 1, 1 },
	{ "{\"cmd\":\"peers\"}", 5, 1 },
	{ "{\"cmd\":\"peers\",\"args\":{\"family\":\"ipv6\"}}", 5, 1 },
	{ "{\"cmd\":\"peer\",\"args\":{\"name\":\"tor1\"}}", 1, 0 },
	{ "{\"cmd\":\"peer\",\"args\":{\"name\":\"10.0.1.13\"}}", 1, 1 },
	{ "{\"cmd\":\"routes\",\"args\":{}}", 10, 0 },
	{ "{\"cmd\":\"routes\",\"args\":{\"view\":\"best\",\"family\":\"ipv6\"}}", 1, 0 },
	{ "{\"cmd\":\"routes\",\"args\":{\"view\":\"advertised\",\"peer\":\"tor1\"}}", 1, 0 },
	{ "{\"cmd\":\"routes\",\"args\":{\"prefix\":\"10.244.3.9/16\"}}", 7, 0 },
	{ "{\"cmd\":\"route\",\"args\":{\"destination\":\"10.244.3.1\"}}", 1, 0 },
	{ "{\"cmd\":\"route\",\"args\":{\"destination\":\"2001:db8::1\"}}", 0, 1 },
	{ "{\"cmd\":\"fib\"}", 7, 0 },
	{ "{\"cmd\":\"fib\",\"args\":{\"diff\":true}}", 2, 1 },
	{ "{\"cmd\":\"fib\",\"args\":{\"diff\":false,\"family\":\"ipv6\"}}", 1, 0 },
	{ "{\"cmd\":\"nexthops\"}", 3, 0 },
	{ "{\"cmd\":\"nat\"}", 2, 0 },
	{ "{\"cmd\":\"events\"}", 6, 0 },
	{ "{\"cmd\":\"events\",\"args\":{\"since_s\":900,\"peer\":\"node-b\"}}", 2, 0 },
	{ "{\"cmd\":\"events\",\"args\":{\"peer\":\"10.0.0.1\"}}", 1, 0 },
	{ "{\"cmd\":\"version\"}", 1, 0 },
	{ "{\"cmd\":\"reload\"}", 1, 0 },
	{ "{\"cmd\":\"prepare-restart\"}", 1, 0 },
	{ "{\"cmd\":\"cni\"}", 1, 0 },
	{ "{\"cmd\":\"pre-stop\"}", 1, 0 },
	{ "{\"cmd\":\"flush\"}", 1, 0 },
	{ "{\"cmd\":\"peer-command\",\"args\":{\"name\":\"tor1\",\"command\":\"down\","
	  "\"reason\":\"new cable\"}}", 1, 0 },
};

START_TEST(answers_are_lines)
{
	const char *answer = ask(good[_i].request), *line;
	size_t rows = 0, ends = 0, n;
	json_t *doc;

	for (line = answer; *line; line += n + 1) {
		n = strcspn(line, "\n");
		doc = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
		ck_assert_msg(json_is_object(doc) && json_object_size(doc) == 1 && !ends, "%s: %.*s",
		    good[_i].request, (int)n, line);
		rows += json_object_get(doc, "row") != NULL;
		if (json_object_get(doc, "end")) {
			ends++;
			ck_assert_int_eq(json_integer_value(json_object_get(
			    json_object_get(doc, "end"), "exit")), good[_i].status);
		}
		json_decref(doc);
	}
	ck_assert_msg(rows == good[_i].rows && ends == 1, "%s: %zu rows, %zu ends: %s",
	    good[_i].request, rows, ends, answer);
}
END_TEST

START_TEST(commands_reach_the_agent)
{
	ask("{\"cmd\":\"peer-command\",\"args\":{\"name\":\"node-b\",\"command\":\"down\","
	    "\"reason\":\"new cable\"}}");
	ck_assert_uint_eq(f->last_cmd.peer, 2);
	ck_assert_uint_eq(f->last_cmd.cmd, IPC_CMD_DOWN);
	ck_assert_str_eq(f->last_cmd.text, "new cable");
	ask("{\"cmd\":\"peer-command\",\"args\":{\"name\":\"tor1\",\"command\":\"refresh-in\"}}");
	ck_assert_uint_eq(f->last_cmd.peer, 1);
	ck_assert_uint_eq(f->last_cmd.cmd, IPC_CMD_REFRESH_IN);
	ask("{\"cmd\":\"reload\"}");
	ask("{\"cmd\":\"prepare-restart\"}");
	ask("{\"cmd\":\"flush\"}");
	ck_assert_uint_eq(f->reloads, 1);
	ck_assert_uint_eq(f->prepares, 1);
	ck_assert_uint_eq(f->flushes, 1);
	/* Each of them is an event. */
	ck_assert_uint_eq(count(ask("{\"cmd\":\"events\"}"), "operator-command"), 5);
}
END_TEST

/* A node that stays comes back; one that leaves is drained, by the cluster's word. */
START_TEST(before_a_stop)
{
	const struct drain *d;

	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"pre-stop\"}"), "\"step\":\"restart\""));
	ck_assert_uint_eq(f->prepares, 1);
	ck_assert_ptr_null(drains_find(f->a.drains, ""));
	f->leaving = "the node is cordoned";
	ask_part("{\"cmd\":\"pre-stop\"}", "the node is cordoned");
	d = drains_find(f->a.drains, "");
	ck_assert_uint_eq(f->prepares, 1);
	ck_assert(d && d->by_cluster);
	ck_assert_str_eq(d->reason, "the node is cordoned");
	drains_discard(f->a.drains);
}
END_TEST

/* An operator's word goes before the cluster's, whichever was first. */
START_TEST(whose_drain_it_is)
{
	struct drains *ds = f->a.drains;

	ck_assert(drains_by_cluster(ds, 0, "cordoned"));
	ck_assert(!drains_by_cluster(ds, 0, "again"));
	ck_assert(drains_undo_by_cluster(ds));
	ck_assert(!drains_undo_by_cluster(ds));
	ck_assert(drains_by_cluster(ds, 0, "cordoned"));
	ck_assert(!drains_start(ds, "", 0, "mine"));
	ck_assert(!drains_undo_by_cluster(ds));
	ck_assert(drains_undo(ds, ""));
	ck_assert(drains_start(ds, "", 0, "mine"));
	ck_assert(!drains_by_cluster(ds, 0, "cordoned"));
	ck_assert(!drains_undo_by_cluster(ds));
	ck_assert(drains_undo(ds, ""));
	ck_assert_uint_eq(drains_begun(ds), 3);
}
END_TEST

/* ---- a descriptor ------------------------------------------------------------------------ */

/* One octet with the descriptor (-1: without). */
static void
send_fd(int sock, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctl = { .buf = { 0 } };
	char octet = 0;
	struct iovec iov = { &octet, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (fd >= 0) {
		m.msg_control = ctl.buf;
		m.msg_controllen = sizeof(ctl.buf);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	ck_assert_int_eq(sendmsg(sock, &m, 0), 1);
}

/* A client whose request is answered with "ready". */
static struct client
mrt_client(const char *request)
{
	struct client cl = client_new();

	client_write(&cl, request, strlen(request));
	for (int i = 0; i < 2500 && !strchr(cl.buf, '\n'); i++) {
		turn(2);
		client_read(&cl);
	}
	ck_assert_str_eq(cl.buf, "{\"row\":{\"ready\":true}}\n");
	return cl;
}

START_TEST(descriptors_are_passed_on)
{
	struct client cl = mrt_client("{\"cmd\":\"mrt-rib\"}\n");
	char buf[32] = "";
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	send_fd(cl.fd, p[1]);
	close(p[1]);
	client_wait(&cl);
	ck_assert_ptr_nonnull(strstr(cl.buf, "{\"row\":{\"records\":3,\"octets\":15,\"lost\":0}}"));
	ck_assert_ptr_nonnull(strstr(cl.buf, "{\"end\":{\"exit\":0,"));
	ck_assert_int_eq(read(p[0], buf, sizeof(buf)), 15);
	ck_assert_int_eq(read(p[0], buf, sizeof(buf)), 0); /* nobody has it any more */
	close(p[0]);
	client_free(&cl);
}
END_TEST

START_TEST(recordings_end_when_the_client_has_enough)
{
	static const struct ipc_mrt_done full = { .id = 1, .records = 9, .err = ENOSPC };
	struct client cl = mrt_client("{\"cmd\":\"mrt-record\",\"args\":{\"peer\":\"node-b\"}}\n");
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	send_fd(cl.fd, p[1]);
	turn(20);
	ck_assert_int_eq(f->mrt_kind, IPC_MRT_RECORD);
	ck_assert_uint_eq(f->mrt_peer, 2);
	ck_assert_uint_eq(f->mrt_stops, 0);
	shutdown(cl.fd, SHUT_WR);
	turn(20);
	ck_assert_uint_eq(f->mrt_stops, 1);
	fake_mrt_done(f, &full);
	client_wait_closed(&cl);
	ck_assert_ptr_nonnull(strstr(cl.buf, "\"exit\":1,"));
	ck_assert_ptr_nonnull(strstr(cl.buf, "No space left"));
	ck_assert_uint_eq(f->mrt_drops, 0);
	close(p[0]);
	close(p[1]);
	client_free(&cl);
}
END_TEST

/* A client that vanishes takes its recording with it; one that sends no descriptor gets none. */
START_TEST(recordings_of_clients_that_left)
{
	struct client cl = mrt_client("{\"cmd\":\"mrt-record\"}\n");
	struct timespec linger = { .tv_nsec = 1 };
	int p[2];

	send_fd(cl.fd, -1);
	client_wait(&cl);
	ck_assert_ptr_nonnull(strstr(cl.buf, "\"exit\":2,"));
	client_free(&cl);
	cl = mrt_client("{\"cmd\":\"mrt-record\"}\n");
	client_free(&cl);
	turn(20);
	cl = mrt_client("{\"cmd\":\"mrt-record\"}\n");
	ck_assert_int_eq(pipe(p), 0);
	send_fd(cl.fd, p[1]);
	turn(20);
	ck_assert_int_ge(f->mrt_fd, 0);
	close(p[0]);
	close(p[1]);
	client_free(&cl);
	nanosleep(&linger, NULL);
	turn(20);
	ck_assert_uint_eq(f->mrt_stops + f->mrt_drops, 1);
}
END_TEST

START_TEST(requests_follow_each_other)
{
	static const char three[] = "{\"cmd\":\"version\"}\n{\"cmd\":\"routes\"}\nnonsense\n";
	struct client cl = client_new();

	client_write(&cl, three, sizeof(three) - 1);
	shutdown(cl.fd, SHUT_WR);
	client_wait_closed(&cl);
	ck_assert_uint_eq(count(cl.buf, "{\"end\":"), 3);
	ck_assert_uint_eq(count(cl.buf, "{\"row\":"), 11);
	client_free(&cl);
}
END_TEST

START_TEST(long_requests_are_refused)
{
	struct client cl = client_new();
	char *big = mem_alloc(CONTROL_REQUEST_MAX + 100);

	memset(big, ' ', CONTROL_REQUEST_MAX + 100);
	client_write(&cl, big, CONTROL_REQUEST_MAX + 100);
	client_wait_closed(&cl);
	ck_assert_ptr_nonnull(strstr(cl.buf, "{\"end\":{\"exit\":2,\"error\":\"the request is longer"));
	client_free(&cl);

	/* The longest one that is allowed. */
	cl = client_new();
	memcpy(big, "{\"cmd\":\"version\"}", 17);
	big[CONTROL_REQUEST_MAX] = '\n';
	client_write(&cl, big, CONTROL_REQUEST_MAX + 1);
	client_wait(&cl);
	ck_assert_ptr_nonnull(strstr(cl.buf, "{\"end\":{\"exit\":0,"));
	client_free(&cl);
	mem_free(big);
}
END_TEST

/* A destination of more paths than are shown is still said to whom it is announced. */
START_TEST(route_of_many_paths)
{
	const char *all, *adv;

	f->repeat = 600;
	all = ask("{\"cmd\":\"route\",\"args\":{\"destination\":\"10.244.1.0/24\"}}");
	adv = strstr(all, "\"advertised_to\":[");
	ck_assert_ptr_nonnull(adv);
	ck_assert(strncmp(adv, "\"advertised_to\":[]", 18) != 0);
	ck_assert_ptr_nonnull(strstr(adv, "\"truncated\":true"));
}
END_TEST

START_TEST(bgpd_down)
{
	f->lost = true;
	f->a.bgpd_child.running = false;
	ck_assert_uint_eq(count(ask("{\"cmd\":\"peers\"}"), "\"reason\":\"weft-bgpd is not running"), 3);
	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"routes\"}"),
	    "{\"end\":{\"exit\":1,\"error\":\"weft-bgpd is not running"));
	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"route\",\"args\":{\"destination\":\"::/0\"}}"),
	    "{\"end\":{\"exit\":1,\"error\":\"weft-bgpd is not running"));
	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"status\"}"), "\"running\":false"));
	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"fib\"}"), "{\"end\":{\"exit\":0,"));
	ck_assert_ptr_nonnull(strstr(
	    ask("{\"cmd\":\"peer-command\",\"args\":{\"name\":\"tor1\",\"command\":\"up\"}}"),
	    "{\"end\":{\"exit\":1,\"error\":\"weft-bgpd is not running"));
}
END_TEST

/* It runs and says nothing: what the agent knows is shown, and who does not answer is named. */
START_TEST(bgpd_hangs)
{
	f->silent = true;
	f->a.bgpd_child.running = true;
	f->a.bgpd_child.pid = 4711;
	ck_assert_uint_eq(count(ask("{\"cmd\":\"peers\"}"),
	    "\"reason\":\"weft-bgpd (pid 4711) does not answer"), 3);
	ck_assert_uint_eq(f->cancels, 1);
	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"status\"}"),
	    "weft-bgpd (pid 4711) does not answer"));
	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"routes\"}"),
	    "{\"end\":{\"exit\":1,\"error\":\"weft-bgpd (pid 4711) does not answer"));
}
END_TEST

/* ---- flow --------------------------------------------------------------------------------------- */

/* A reader that takes nothing gets no more rows asked for than a buffer's worth; then all of them. */
START_TEST(slow_reader_stalls_its_query_only)
{
	struct client cl = client_new();
	const uint32_t rows = 8000;
	uint32_t before;

	f->repeat = rows;
	client_write(&cl, "{\"cmd\":\"routes\"}\n", 17);
	for (int i = 0; i < 50; i++)
		turn(2);
	before = f->rows_out;
	ck_assert_uint_gt(before, 100);
	ck_assert_uint_lt(before, 3000);
	for (int i = 0; i < 20; i++)
		turn(2);
	ck_assert_uint_eq(f->rows_out, before);
	/* Somebody else is served meanwhile. */
	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"version\"}"), "{\"end\":{\"exit\":0,"));
	client_wait(&cl);
	ck_assert_uint_eq(f->rows_out, rows);
	ck_assert_uint_eq(count(cl.buf, "{\"row\":"), rows);
	client_free(&cl);
}
END_TEST

START_TEST(leaving_cancels_the_query)
{
	struct client cl = client_new();

	f->silent = true;
	client_write(&cl, "{\"cmd\":\"routes\"}\n", 17);
	turn(10);
	ck_assert_uint_eq(f->queries, 1);
	ck_assert_uint_eq(f->cancels, 0);
	client_write(&cl, "x", 1); /* whatever comes next does not disturb */
	turn(10);
	client_free(&cl);
	turn(10);
	/* Half closed is not gone: the answer is still owed until a write fails. */
	control_free(c);
	ck_assert_uint_eq(f->cancels, 1);
	c = NULL;
}
END_TEST

START_TEST(late_callbacks_find_nobody)
{
	struct client cl = client_new();

	f->hold_flush = true;
	client_write(&cl, "{\"cmd\":\"flush\"}\n", 16);
	turn(10);
	ck_assert_uint_eq(f->flushes, 1);
	client_free(&cl);
	turn(10);
	control_free(c);
	c = NULL;
	fake_flushed(f);
}
END_TEST

START_TEST(events_are_followed)
{
	struct client cl = client_new();

	client_write(&cl, "{\"cmd\":\"events\",\"args\":{\"follow\":true,\"since_s\":0}}\n", 52);
	turn(10);
	client_read(&cl);
	ck_assert_str_eq(cl.buf, "");
	events_addf(f->a.events, IPC_LVL_INFO, "first", "n=1");
	events_addf(f->a.events, IPC_LVL_INFO, "second", "n=2");
	turn(10);
	client_read(&cl);
	ck_assert_uint_eq(count(cl.buf, "{\"row\":"), 2);
	events_addf(f->a.events, IPC_LVL_INFO, "third", "n=3");
	turn(10);
	client_read(&cl);
	ck_assert_ptr_nonnull(strstr(cl.buf, "\"third\""));
	/* More than the table holds while this one does not read: told, not hidden. */
	for (int i = 0; i < 250; i++)
		events_addf(f->a.events, IPC_LVL_INFO, "flood", "n=%d", i);
	turn(10);
	client_read(&cl);
	ck_assert_ptr_nonnull(strstr(cl.buf, "{\"warning\":\"150 events were lost"));
	ck_assert(!cl.closed);
	client_free(&cl);
	turn(10);
}
END_TEST

START_TEST(clients_are_counted)
{
	struct client cl[CONTROL_CLIENTS_MAX] = { 0 }, more;

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		cl[i] = client_new();
		turn(1);
	}
	more = client_new();
	client_wait_closed(&more);
	ck_assert_ptr_nonnull(strstr(more.buf, "too many clients"));
	client_free(&more);
	client_free(&cl[0]);
	turn(5);
	ck_assert_ptr_nonnull(strstr(ask("{\"cmd\":\"version\"}"), "{\"end\":{\"exit\":0,"));
	for (int i = 1; i < CONTROL_CLIENTS_MAX; i++)
		client_free(&cl[i]);
}
END_TEST

/* ---- who may ----------------------------------------------------------------------------------------- */

START_TEST(socket_is_private)
{
	struct stat st;

	ck_assert_int_eq(stat(CONTROL_SOCKET, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
}
END_TEST

static const struct {
	struct control_cred cred;
	uid_t owner;
	gid_t admin; /* 0: no such group */
	bool may;
} rights[] = {
	{ { .uid = 0, .gid = 0 }, 100, 0, true },
	{ { .uid = 100, .gid = 100 }, 100, 0, true },
	{ { .uid = 101, .gid = 100 }, 100, 0, false },
	{ { .uid = 101, .gid = 200 }, 100, 200, true },
	{ { .uid = 101, .gid = 100, .groups = { 5, 200 }, .ngroups = 2 }, 100, 200, true },
	{ { .uid = 101, .gid = 100, .groups = { 5, 200 }, .ngroups = 1 }, 100, 200, false },
	{ { .uid = 101, .gid = 100, .groups = { 5, 6 }, .ngroups = 2 }, 100, 200, false },
};

START_TEST(who_may_change)
{
	ck_assert_int_eq(control_may_change(&rights[_i].cred, rights[_i].owner,
	    rights[_i].admin ? &rights[_i].admin : NULL), rights[_i].may);
}
END_TEST

/* Another user who may open the socket may look and not change; needs root to become one. */
START_TEST(strangers_only_look)
{
	static const char both[] = "{\"cmd\":\"flush\"}\n{\"cmd\":\"version\"}\n";
	struct client cl;
	int wait, status;
	char buf[4096];
	pid_t pid;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(CONTROL_SOCKET, 0666), 0);
	ck_assert_int_eq(chmod(".", 0755), 0);
	pid = fork();
	if (pid == 0) {
		size_t len = 0;
		ssize_t n;

		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		cl = client_new();
		fcntl(cl.fd, F_SETFL, 0);
		(void)!write(cl.fd, both, sizeof(both) - 1);
		shutdown(cl.fd, SHUT_WR);
		while ((n = read(cl.fd, buf + len, sizeof(buf) - 1 - len)) > 0)
			len += (size_t)n;
		buf[len] = '\0';
		_exit(strncmp(buf, "{\"end\":{\"exit\":1,\"error\":\"flush is for root", 43) == 0 &&
		    strstr(buf, "{\"end\":{\"exit\":0,") ? 0 : 1);
	}
	for (wait = 0; wait < 2500 && waitpid(pid, &status, WNOHANG) == 0; wait++)
		turn(2);
	ck_assert_int_lt(wait, 2500);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(f->flushes, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("control");
	TCase *t;
	int rc;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return EXIT_FAILURE;
	t = unit_case(s, "requests");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, broken_requests, 0, NROWS(bad));
	tcase_add_loop_test(t, answers_are_lines, 0, NROWS(good));
	tcase_add_test(t, commands_reach_the_agent);
	tcase_add_test(t, before_a_stop);
	tcase_add_test(t, whose_drain_it_is);
	tcase_add_test(t, descriptors_are_passed_on);
	tcase_add_test(t, recordings_end_when_the_client_has_enough);
	tcase_add_test(t, recordings_of_clients_that_left);
	tcase_add_test(t, requests_follow_each_other);
	tcase_add_test(t, long_requests_are_refused);
	tcase_add_test(t, route_of_many_paths);
	tcase_add_test(t, bgpd_down);
	tcase_add_test(t, bgpd_hangs);
	t = unit_case(s, "flow");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, slow_reader_stalls_its_query_only);
	tcase_add_test(t, leaving_cancels_the_query);
	tcase_add_test(t, late_callbacks_find_nobody);
	tcase_add_test(t, events_are_followed);
	tcase_add_test(t, clients_are_counted);
	t = unit_case(s, "who");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, socket_is_private);
	tcase_add_loop_test(t, who_may_change, 0, NROWS(rights));
	tcase_add_test(t, strangers_only_look);
	rc = unit_run(s);
	unlink(CONTROL_SOCKET);
	rmdir(dir);
	return rc;
}
