/*
 * -w: the same again and again.
 *
 * On a terminal each picture is drawn over the one before, line by line, in one
 * write: nothing is cleared first, so nothing flickers; what does not fit is cut
 * rather than scrolled.  Elsewhere the pictures follow each other.  An agent that
 * goes away is shown as such, and again when it is back; following goes on then, too.
 */
#include "ctl/ctl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>


static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
	stopped = 1;
}

/* Octets of the first columns of a line. */
static size_t
fit(const char *line, size_t len, unsigned columns)
{
	size_t at = 0, n;

	for (unsigned col = 0; at < len && col < columns; col++) {
		n = utf8_len(line + at, len - at);
		at += n ? n : 1;
	}
	return at;
}

/* Draw text over what the screen shows. */
static void
draw(const struct ctl *c, const char *head, const char *text)
{
	unsigned left = c->lines > 1 ? c->lines - 1 : 1;
	size_t n;

	fprintf(c->out, "\033[?25l\033[H%.*s\033[K\n", (int)fit(head, strlen(head), c->columns),
	    head);
	for (left--; *text && left; left--, text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		fprintf(c->out, "%.*s\033[K\n", (int)fit(text, n, c->columns), text);
	}
	fprintf(c->out, "%s\033[J\033[?25h", *text ? "..." : "");
	fflush(c->out);
}

/* One picture: what the command prints, errors too. */
static char *
picture(const struct ctl *c, int (*run)(struct ctl *c), int *ret_status)
{
	struct ctl mine = *c;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	mine.out = mine.err = f;
	*ret_status = run(&mine);
	fclose(f);
	return text;
}

/* The terminal may have been given another size. */
static void
measure(struct ctl *c)
{
	struct winsize ws;

	if (c->columns && ioctl(fileno(c->out), TIOCGWINSZ, &ws) == 0) {
		c->columns = ws.ws_col;
		c->lines = ws.ws_row;
	}
}

static void
wait_s(unsigned s)
{
	struct timespec left = { .tv_sec = (time_t)s };

	nanosleep(&left, NULL);
}

int
follow(struct ctl *c, int (*run)(struct ctl *c))
{
	int status = run(c);

	while (status == CTL_UNREACHABLE && (c->lost || c->lost_s)) {
		fputs("weft: waiting for the agent\n", c->err);
		c->lost_s = 1;
		do {
			wait_s(1);
			c->lost_s++;
		} while (!client_reaches(c));
		c->no_headers = true;
		status = run(c);
	}
	return status;
}

int
watch(struct ctl *c, int (*run)(struct ctl *c))
{
	struct sigaction sa = { .sa_handler = on_stop };
	char head[160], when[16];
	int status = CTL_OK;
	bool tty = c->columns && c->format != CTL_JSON;
	char *text;
	time_t now;
	struct tm tm;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (tty)
		fputs("\033[H\033[2J", c->out);
	while (!stopped) {
		measure(c);
		text = picture(c, run, &status);
		if (!text || stopped) {
			free(text);
			break;
		}
		now = time(NULL);
		localtime_r(&now, &tm);
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
		snprintf(head, sizeof(head), "weft %s, every %us, %s", c->cmd->name, c->interval_s,
		    when);
		if (tty)
			draw(c, head, text);
		else
			fprintf(c->out, "%s%s", text, c->format == CTL_JSON ? "" : "\n");
		free(text);
		if (fflush(c->out) != 0 || ferror(c->out))
			break;
		wait_s(c->interval_s);
	}
	return status;
}
