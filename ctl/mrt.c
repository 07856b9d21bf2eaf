/*
 * `weft mrt`: bgpd writes MRT records into a pipe, and we put them into a file.
 *
 * The file is ours alone: no process of weft needs a right to it, and a slow or
 * full disk keeps nobody waiting but this command.  A recording ends at
 * SIGINT or SIGTERM, after --for, or when the file takes no more; what was
 * recorded until then is written.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/mem.h"

#define PUMP_OCTETS 65536
#define PIPE_OCTETS (1 << 20) /* asked for; the kernel may give less */
#define LOOK_MS	    200	      /* a signal is noticed so late at most */

static volatile sig_atomic_t interrupted;

struct mrt {
	struct ctl *c;
	const char *file;
	bool is_stdout;
	int in, out; /* -1: closed */
	int err;     /* errno of the file */
	struct timespec until; /* tv_sec 0: until interrupted */
	unsigned long long records, octets, lost;
};

static void
on_signal(int sig)
{
	interrupted = 1;
}

static bool
is_over(const struct mrt *m)
{
	struct timespec now;

	if (interrupted || m->err)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return m->until.tv_sec && (now.tv_sec > m->until.tv_sec ||
	    (now.tv_sec == m->until.tv_sec && now.tv_nsec >= m->until.tv_nsec));
}

/* ---- from the pipe into the file ----------------------------------------------------- */

static void
close_in(struct mrt *m)
{
	close(m->in);
	m->in = -1;
}

static bool
write_all(struct mrt *m, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(m->out, buf, len);

		if (n < 0 && errno == EINTR)
			continue; /* interrupted or not: what was recorded is written */
		if (n < 0) {
			m->err = errno;
			return false;
		}
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

/* One buffer; the pipe is closed at its end, or when the file takes no more. */
static void
pump(struct mrt *m)
{
	static char buf[PUMP_OCTETS];
	ssize_t n = read(m->in, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0 || !write_all(m, buf, (size_t)n))
		close_in(m);
}

/* ---- while the answer comes ------------------------------------------------------------- */

/* The agent waits for the pipe: open the file, and give it the writing end. -1: we cannot. */
static int
on_ready(void *ctx)
{
	struct mrt *m = ctx;
	int fds[2];

	m->out = m->is_stdout ? STDOUT_FILENO
			      : open(m->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (m->out < 0 || pipe2(fds, O_CLOEXEC) < 0) {
		m->err = errno;
		return -1;
	}
	fcntl(fds[1], F_SETPIPE_SZ, PIPE_OCTETS);
	m->in = fds[0];
	return fds[1];
}

static bool
on_step(void *ctx, bool readable)
{
	struct mrt *m = ctx;

	if (readable)
		pump(m);
	return !is_over(m);
}

static int
on_fd(void *ctx)
{
	return ((struct mrt *)ctx)->in;
}

static bool
on_row(void *ctx, json_t *row, const char *raw, size_t len)
{
	struct mrt *m = ctx;

	if (!js_has(row, "records"))
		return true;
	m->records = js_u64(row, "records");
	m->octets = js_u64(row, "octets");
	m->lost = js_u64(row, "lost");
	return true;
}

static void
on_warning(void *ctx, const char *text)
{
	print_clean(((struct mrt *)ctx)->c->err, "weft: %s\n", text);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void
drain(struct mrt *m)
{
	while (m->in >= 0)
		pump(m);
	if (m->out >= 0 && !m->is_stdout && close(m->out) < 0 && !m->err)
		m->err = errno;
}

static int
fail_file(struct mrt *m)
{
	char *text = mem_printf("cannot write %s: %s; %llu records are complete at most",
	    m->is_stdout ? "standard output" : m->file, strerror(m->err), m->records);
	int rc = render_error(m->c, CTL_DOWN, text);

	mem_free(text);
	return rc;
}

static void
print_result(struct mrt *m)
{
	FILE *f = m->is_stdout ? m->c->err : m->c->out;
	struct out o;

	if (m->c->format == CTL_JSON) {
		out_init(&o, false);
		out_open(&o, NULL);
		out_open(&o, "mrt");
		out_str(&o, "file", m->file);
		out_u64(&o, "records", m->records);
		out_u64(&o, "octets", m->octets);
		out_u64(&o, "lost", m->lost);
		out_close(&o);
		out_close(&o);
		fprintf(f, "%s\n", out_text(&o));
		out_free(&o);
		return;
	}
	print_clean(f, "%llu record%s, %llu octet%s%s%s\n", m->records, text_s(m->records),
	    m->octets, text_s(m->octets),
	    m->is_stdout ? "" : " in ", m->is_stdout ? "" : m->file);
	if (m->lost)
		print_clean(m->c->err, "weft: %llu records are missing: the reader was too slow\n",
		    m->lost);
}

static int
result(struct mrt *m, struct client_end *e)
{
	int rc;

	if (m->err) {
		rc = fail_file(m);
	} else if (e->error || e->exit != CTL_OK) {
		rc = render_error(m->c, e->exit, e->error ? e->error : "it failed");
	} else {
		print_result(m);
		rc = m->lost ? CTL_DOWN : CTL_OK;
	}
	mem_free(e->error);
	return rc;
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	interrupted = 0;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
mrt_run(struct ctl *c, json_t *request, const char *file, uint64_t for_s)
{
	static const struct client_ops ops = { .row = on_row, .warning = on_warning };
	struct mrt m = { .c = c, .file = file, .in = -1, .out = -1 };
	struct client_pass pass = { .ready = on_ready, .step = on_step, .fd = on_fd, .ctx = &m,
		.look_ms = LOOK_MS };
	struct client_end e;

	m.is_stdout = strcmp(file, "-") == 0;
	if (m.is_stdout && isatty(STDOUT_FILENO)) {
		json_decref(request);
		return usage_error(c, "mrt: records are no text: not to a terminal");
	}
	catch_signals();
	if (for_s) {
		clock_gettime(CLOCK_MONOTONIC, &m.until);
		m.until.tv_sec += (time_t)for_s;
	}
	client_ask_passing(c, request, &pass, &ops, &m, &e);
	drain(&m);
	return result(&m, &e);
}
