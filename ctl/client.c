/*
 * The client's side of the control socket: one request, lines of JSON back.
 *
 * The agent is trusted to be the agent of this node, not to be well: a line may be
 * LINE_MAX octets, and an answer that stops for ANSWER_TIMEOUT_MS is an error.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/mem.h"

#define SOCKET_NAME	  "control.sock"
#define ANSWER_TIMEOUT_MS 30000
#define CLIENT_LINE_MAX	  (8u << 20)

struct client {
	int fd;
	bool patient; /* no timeout: following events, waiting for a drain */
	const struct client_pass *pass; /* NULL: none */
	bool stopped; /* the agent was told that it is enough */
	char *buf;
	size_t len, cap, used; /* octets there; octets of them already given out */
};

/* ---- reaching the agent -------------------------------------------------------- */

static char *
unreachable_text(const struct ctl *c, int err)
{
	const char *hint;

	if (err == EACCES || err == EPERM)
		hint = "you may not use it: join the group \"weft\" (usermod -aG weft USER, then "
		       "log in again), or use sudo";
	else if (err == ENOENT || err == ENOTDIR)
		hint = "is weftd running (systemctl status weftd)? Another run directory is named "
		       "with --run-dir DIR or WEFT_RUN_DIR";
	else if (err == ECONNREFUSED)
		hint = "nobody listens there: weft-agent has ended or is being started; see "
		       "systemctl status weftd";
	else
		hint = "is weftd running (systemctl status weftd)?";
	return mem_printf("cannot reach the agent at %s/%s: %s; %s", c->run_dir, SOCKET_NAME,
	    strerror(err), hint);
}

/* A connected socket, or -errno. A path of any length will do. */
static int
client_connect(const char *run_dir)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, rc, err, dir = -1, n;

	n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", run_dir, SOCKET_NAME);
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path)) {
		dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			return -errno;
		snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%s", dir,
		    SOCKET_NAME);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	err = rc < 0 ? errno : 0;
	if (dir >= 0)
		close(dir);
	if (err && fd >= 0)
		close(fd);
	return err ? -err : fd;
}

/* 0 or -errno. */
static int
client_send(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* ---- reading lines ---------------------------------------------------------------- */

/* Let the command work; wait until the agent has said something. */
static int
client_wait_passing(struct client *cl)
{
	const struct client_pass *p = cl->pass;

	for (;;) {
		struct pollfd pfd[2] = { { .fd = cl->fd, .events = POLLIN },
			{ .fd = p->fd(p->ctx), .events = POLLIN } };
		int rc = poll(pfd, 2, p->look_ms);

		if (rc < 0 && errno != EINTR)
			return rc;
		if (!p->step(p->ctx, rc > 0 && pfd[1].fd >= 0 && pfd[1].revents) && !cl->stopped) {
			cl->stopped = true;
			shutdown(cl->fd, SHUT_WR);
		}
		if (rc > 0 && pfd[0].revents)
			return 1;
	}
}

static int
client_wait(struct client *cl)
{
	struct pollfd pfd = { .fd = cl->fd, .events = POLLIN };
	int rc;

	if (cl->pass)
		return client_wait_passing(cl);
	do
		rc = poll(&pfd, 1, cl->patient ? -1 : ANSWER_TIMEOUT_MS);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* More octets into the buffer. NULL, or what is wrong. */
static const char *
client_fill(struct client *cl)
{
	ssize_t n;

	if (cl->used)
		memmove(cl->buf, cl->buf + cl->used, cl->len - cl->used);
	cl->len -= cl->used;
	cl->used = 0;
	if (cl->cap - cl->len < 4096) {
		if (cl->cap >= CLIENT_LINE_MAX)
			return "its answer has a line that is too long";
		cl->cap = cl->cap ? cl->cap * 2 : 65536;
		cl->buf = mem_realloc(cl->buf, cl->cap);
	}
	if (client_wait(cl) == 0)
		return "it has not answered for 30 seconds";
	n = recv(cl->fd, cl->buf + cl->len, cl->cap - cl->len - 1, 0);
	if (n < 0)
		return errno == EINTR ? NULL : strerror(errno);
	if (n == 0)
		return "it closed the connection before its answer was whole: was it restarted?";
	cl->len += (size_t)n;
	return NULL;
}

/* The next line, NUL-terminated in the buffer; NULL with a reason in *ret_why. */
static char *
client_line(struct client *cl, size_t *ret_len, const char **ret_why)
{
	size_t seen = 0;
	char *nl, *line;

	*ret_why = NULL;
	for (;;) {
		nl = cl->len > cl->used + seen ?
		    memchr(cl->buf + cl->used + seen, '\n', cl->len - cl->used - seen) : NULL;
		if (nl)
			break;
		seen = cl->len - cl->used;
		*ret_why = client_fill(cl);
		if (*ret_why)
			return NULL;
	}
	line = cl->buf + cl->used;
	*nl = '\0';
	*ret_len = (size_t)(nl - line);
	cl->used += *ret_len + 1;
	return line;
}

/* ---- the answer --------------------------------------------------------------------- */

/* The text of a row without its wrapping, when the line is one. */
static bool
raw_row(char *line, size_t len, char **ret_raw, size_t *ret_len)
{
	static const char head[] = "{\"row\":";
	const size_t n = sizeof(head) - 1;

	if (len < n + 2 || strncmp(line, head, n) != 0)
		return false;
	*ret_raw = line + n;
	*ret_len = len - n - 1;
	return true;
}

/* False: the answer is over, *ret says how. */
static bool
take_line(char *line, size_t len, bool parse, const struct client_ops *ops, void *ctx,
    struct client_end *ret)
{
	json_t *root, *end;
	const char *warning, *error;
	char *raw = NULL;
	size_t raw_len = 0;
	bool more = true, row = raw_row(line, len, &raw, &raw_len);

	if (row && !parse)
		return ops->row(ctx, NULL, raw, raw_len);
	root = json_loadb(line, len, 0, NULL);
	end = json_object_get(root, "end");
	warning = json_string_value(json_object_get(root, "warning"));
	if (row && root) {
		more = ops->row(ctx, json_object_get(root, "row"), raw, raw_len);
	} else if (warning) {
		ops->warning(ctx, warning);
	} else if (end) {
		error = json_string_value(json_object_get(end, "error"));
		ret->exit = (enum ctl_exit)json_integer_value(json_object_get(end, "exit"));
		ret->error = error ? mem_strdup(error) : NULL;
		more = false;
	} else {
		ret->exit = CTL_UNREACHABLE;
		ret->error = mem_strdup("the agent's answer is not understood: are weft and "
					"weft-agent of one version?");
		more = false;
	}
	json_decref(root);
	return more;
}

/* ---- passing a descriptor --------------------------------------------------------------- */

static bool
is_ready_row(const char *line)
{
	static const char ready[] = "{\"row\":{\"ready\":true}";

	return strncmp(line, ready, sizeof(ready) - 1) == 0;
}

/* The agent waits for the descriptor; false: there is none. */
static bool
client_pass_fd(struct client *cl)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctl = { .buf = { 0 } };
	char octet = 0;
	struct iovec iov = { &octet, 1 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.buf,
		.msg_controllen = sizeof(ctl.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd = cl->pass->ready(cl->pass->ctx);
	ssize_t n;

	if (fd < 0)
		return false;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	n = sendmsg(cl->fd, &m, MSG_NOSIGNAL);
	close(fd);
	return n == 1;
}

/* False: it broke off. */
static bool
read_answer(struct client *cl, bool parse, const struct client_ops *ops, void *ctx,
    struct client_end *ret)
{
	const char *why;
	size_t len = 0;
	char *line;

	do {
		line = client_line(cl, &len, &why);
		if (!line) {
			ret->exit = CTL_UNREACHABLE;
			ret->error = mem_printf("the agent was lost: %s", why);
			return false;
		}
		if (cl->pass && is_ready_row(line) && !client_pass_fd(cl)) {
			ret->exit = CTL_DOWN;
			return true;
		}
	} while (take_line(line, len, parse, ops, ctx, ret));
	return true;
}

bool
client_reaches(const struct ctl *c)
{
	int fd = client_connect(c->run_dir);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
ask(struct ctl *c, json_t *request, bool parse, const struct client_pass *pass,
    const struct client_ops *ops, void *ctx, struct client_end *ret)
{
	json_t *args = json_object_get(request, "args");
	struct client cl = { .patient = json_is_true(json_object_get(args, "follow")) ||
		    json_is_true(json_object_get(args, "wait")),
		.pass = pass };
	char *text = json_dumps(request, JSON_COMPACT);
	char *line = mem_printf("%s\n", text ? text : "");
	int rc;

	*ret = (struct client_end){ 0 };
	c->lost = false;
	cl.fd = client_connect(c->run_dir);
	rc = cl.fd < 0 ? cl.fd : client_send(cl.fd, line);
	/* A full agent answers and closes before it reads: its word counts, not our EPIPE. */
	if (rc < 0 && rc != -EPIPE) {
		ret->exit = CTL_UNREACHABLE;
		ret->error = unreachable_text(c, -rc);
	} else {
		c->lost = !read_answer(&cl, parse, ops, ctx, ret);
	}
	if (cl.fd >= 0)
		close(cl.fd);
	mem_free(cl.buf);
	mem_free(line);
	free(text);
	json_decref(request);
}

void
client_ask(struct ctl *c, json_t *request, bool parse, const struct client_ops *ops,
    void *ctx, struct client_end *ret)
{
	ask(c, request, parse, NULL, ops, ctx, ret);
}

void
client_ask_passing(struct ctl *c, json_t *request, const struct client_pass *pass,
    const struct client_ops *ops, void *ctx, struct client_end *ret)
{
	ask(c, request, true, pass, ops, ctx, ret);
}
