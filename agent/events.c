/*
 * The event table: what happened lately, for `weft events`, and one log line
 * for each event.
 *
 * A ring of pointers to records that are exactly as large as their texts.  Two
 * bounds hold at all times: the number of rows given to events_new(), and
 * EVENTS_OCTETS_MAX; the oldest rows make room.  A row's place in the ring is
 * its seq modulo the capacity, so that following from any seq needs no search.
 *
 * Texts come from bgpd, which reads what peers say: they are kept as they are
 * and escaped by whoever writes them (lib/out, lib/log).
 */
#include "agent/events.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/logmain.h"
#include "lib/mem.h"

/* who, name, peer_name and text follow as strings, in that order. */
struct event_rec {
	uint64_t seq;
	int64_t wall_us;
	struct mono_us at;
	uint32_t peer;
	uint32_t octets; /* of the whole record */
	uint8_t level;
	char str[];
};

struct events {
	struct event_rec **ring;
	size_t cap;
	uint64_t first, next; /* seqs kept: first to next - 1 */
	size_t octets;
	void (*notify)(void *ctx);
	void *notify_ctx;
};

struct events *
events_new(size_t capacity)
{
	struct events *ev = mem_zalloc(sizeof(*ev));

	ev->cap = capacity ? capacity : 1;
	ev->ring = mem_zalloc_array(ev->cap, sizeof(*ev->ring));
	ev->first = ev->next = 1;
	return ev;
}

static void
events_drop_oldest(struct events *ev)
{
	struct event_rec **slot = &ev->ring[ev->first++ % ev->cap];

	ev->octets -= (*slot)->octets;
	mem_free(*slot);
	*slot = NULL;
}

void
events_free(struct events *ev)
{
	if (!ev)
		return;
	while (ev->first < ev->next)
		events_drop_oldest(ev);
	mem_free(ev->ring);
	mem_free(ev);
}

uint64_t
events_last(const struct events *ev)
{
	return ev->next - 1;
}

void
events_set_notify(struct events *ev, void (*fn)(void *ctx), void *ctx)
{
	ev->notify = fn;
	ev->notify_ctx = ctx;
}

/* Append s, at most max - 1 octets of it, and a NUL; returns the place after it. */
static char *
put_str(char *dst, const char *s, size_t max)
{
	size_t n = strnlen(s, max - 1);

	memcpy(dst, s, n);
	dst[n] = '\0';
	return dst + n + 1;
}

/* Copy the next string to dst of max octets; returns the place after it. */
static const char *
get_str(char *dst, const char *s, size_t max)
{
	size_t n = strlen(s);

	memcpy(dst, s, n < max ? n + 1 : max);
	dst[max - 1] = '\0';
	return s + n + 1;
}

void
events_add_row(struct events *ev, const struct event_row *row)
{
	size_t len = strnlen(row->who, sizeof(row->who) - 1) +
	    strnlen(row->name, sizeof(row->name) - 1) +
	    strnlen(row->peer_name, sizeof(row->peer_name) - 1) +
	    strnlen(row->text, sizeof(row->text) - 1) + 4;
	struct event_rec *rec = mem_alloc(sizeof(*rec) + len);
	char *p = rec->str;

	*rec = (struct event_rec){
		.seq = ev->next,
		.wall_us = row->wall_us,
		.at = row->at,
		.peer = row->peer,
		.octets = (uint32_t)(sizeof(*rec) + len),
		.level = row->level,
	};
	p = put_str(p, row->who, sizeof(row->who));
	p = put_str(p, row->name, sizeof(row->name));
	p = put_str(p, row->peer_name, sizeof(row->peer_name));
	put_str(p, row->text, sizeof(row->text));

	while (ev->first < ev->next && (ev->next - ev->first >= ev->cap ||
	    ev->octets + rec->octets > EVENTS_OCTETS_MAX))
		events_drop_oldest(ev);
	ev->octets += rec->octets;
	ev->ring[ev->next++ % ev->cap] = rec;
	if (ev->notify)
		ev->notify(ev->notify_ctx);
}

bool
events_next(const struct events *ev, uint64_t after, struct event_row *ret)
{
	uint64_t seq = after + 1 > ev->first ? after + 1 : ev->first;
	const struct event_rec *rec;
	const char *p;

	if (after >= ev->next || seq >= ev->next)
		return false;
	rec = ev->ring[seq % ev->cap];
	ret->seq = rec->seq;
	ret->wall_us = rec->wall_us;
	ret->at = rec->at;
	ret->level = rec->level;
	ret->peer = rec->peer;
	p = get_str(ret->who, rec->str, sizeof(ret->who));
	p = get_str(ret->name, p, sizeof(ret->name));
	p = get_str(ret->peer_name, p, sizeof(ret->peer_name));
	get_str(ret->text, p, sizeof(ret->text));
	return true;
}

/* ---- the log line -------------------------------------------------------- */

#define EVENT_WORDS_MAX 12

/*
 * Take `key=value` or `key="value with spaces"` off *s in place: *ret_key and
 * *ret_val point into it.  \" and \\ inside quotes lose their backslash.
 */
static bool
take_word(char **s, const char **ret_key, const char **ret_val)
{
	char *p = *s, *to;

	*ret_key = p;
	while (islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_' || *p == '-')
		p++;
	if (p == *s || *p != '=')
		return false;
	*p++ = '\0';
	*ret_val = p;
	if (*p == '"') {
		*ret_val = to = ++p;
		while (*p && *p != '"') {
			if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
				p++;
			*to++ = *p++;
		}
		if (*p++ != '"')
			return false;
		if (*p && *p != ' ')
			return false;
		*s = *p ? p + 1 : p;
		*to = '\0';
		return true;
	}
	while (*p && *p != ' ' && *p != '"')
		p++;
	if (*p == '"')
		return false;
	*s = *p ? p + 1 : p;
	*p = '\0';
	return true;
}

/* Split text into words and a format for them; false when it is prose. */
static bool
split_words(char *text, const char *val[EVENT_WORDS_MAX], char *fmt, size_t cap)
{
	size_t n = 0, len = 0;
	const char *key;
	int w;

	while (*text) {
		if (n == EVENT_WORDS_MAX || !take_word(&text, &key, &val[n++]))
			return false;
		w = snprintf(fmt + len, cap - len, " %s=%%s", key);
		if (w < 0 || (size_t)w >= cap - len)
			return false;
		len += (size_t)w;
	}
	return true;
}

/* Without the format attribute: the format is built here, from checked keys and %s only. */
static void
log_built(enum log_level level, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vto(&log_main, level, name, fmt, ap);
	va_end(ap);
}

static void
event_log(const struct event_row *row)
{
	const char *v[EVENT_WORDS_MAX] = { 0 };
	char words[sizeof(row->text) + 2 * EVENT_WORDS_MAX * 2 + 1] = "";
	char fmt[sizeof(words) + 32], text[sizeof(row->text)];
	bool about_peer = row->peer_name[0] != '\0';

	snprintf(text, sizeof(text), "%s", row->text);
	if (!split_words(text, v, words, sizeof(words))) {
		v[0] = row->text;
		snprintf(words, sizeof(words), " why=%%s");
	}
	if (strncmp(words, " peer=", 6) == 0)
		about_peer = false;
	snprintf(fmt, sizeof(fmt), "%s%s", about_peer ? "peer=%s" : "",
	    about_peer ? words : words + (words[0] == ' '));
	if (about_peer)
		log_built((enum log_level)row->level, row->name, fmt, row->peer_name, v[0], v[1],
		    v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11]);
	else
		log_built((enum log_level)row->level, row->name, fmt, v[0], v[1], v[2], v[3], v[4],
		    v[5], v[6], v[7], v[8], v[9], v[10], v[11]);
}

/* ---- adding -------------------------------------------------------------- */

void
events_add(struct events *ev, const char *who, const struct ipc_event *e, const char *peer_name)
{
	struct event_row row = {
		.at = agent_now(),
		.level = e->level <= IPC_LVL_DEBUG ? e->level : IPC_LVL_DEBUG,
		.peer = e->peer,
	};
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	row.wall_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	put_str(row.who, who, sizeof(row.who));
	put_str(row.name, e->name, sizeof(row.name));
	put_str(row.peer_name, peer_name ? peer_name : "", sizeof(row.peer_name));
	put_str(row.text, e->text, sizeof(row.text));
	event_log(&row);
	events_add_row(ev, &row);
}

void
events_addf(struct events *ev, enum ipc_level level, const char *name, const char *fmt, ...)
{
	struct ipc_event e = { .level = (uint8_t)level, .peer = IPC_PEER_NONE };
	va_list ap;

	put_str(e.name, name, sizeof(e.name));
	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	events_add(ev, "agent", &e, NULL);
}
