/*
 * What the speaker has to say and to have done: events and todos.
 *
 * An event is formatted by lib/log for each who wants it: as a line for the log,
 * and, from INFO up, with the same escaping, without level, name and peer, as the
 * text of the event that goes to the agent.  So nothing a peer sends can break out
 * of its value.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

struct todo_node {
	struct list node;
	struct todo todo;
};

/* Of a thousand peers that are asked to write at once none shall cost what an event's text does. */
static size_t
todo_octets(enum todo_kind kind)
{
	bool large = kind == TODO_EVENT || kind == TODO_MRT_DONE || kind == TODO_DRAINED;

	return large ? sizeof(struct todo) : offsetof(struct todo, event);
}

void
speaker_todo(struct speaker *sp, const struct todo *t)
{
	size_t octets = todo_octets(t->kind);
	struct todo_node *n = mem_alloc(offsetof(struct todo_node, todo) + octets);

	memcpy(&n->todo, t, octets);
	list_init(&n->node);
	list_push_back(&sp->todos, &n->node);
}

bool
speaker_pop_todo(struct speaker *sp, struct todo *ret)
{
	struct list *l = list_pop_front(&sp->todos);
	struct todo_node *n;

	if (!l)
		return false;
	n = container_of(l, struct todo_node, node);
	memcpy(ret, &n->todo, todo_octets(n->todo.kind));
	mem_free(n);
	return true;
}

/* Keep what follows "level name ". */
static void
take_text(void *ctx, enum log_level level, const char *line, size_t len)
{
	struct ipc_event *ev = ctx;
	const char *p = strchr(line, ' ');

	p = p ? strchr(p + 1, ' ') : NULL;
	snprintf(ev->text, sizeof(ev->text), "%s", p ? p + 1 : "");
}

/* "peer=NAME FMT": a name is the operator's, but must not be read as a format. */
static void
with_peer(char *buf, size_t cap, const char *peer, const char *fmt)
{
	char name[IPC_NAME_MAX];
	size_t k;

	snprintf(name, sizeof(name), "%s", peer);
	for (k = 0; name[k]; k++)
		if (strchr("%\"\\ ", name[k]) || (unsigned char)name[k] < 0x20)
			name[k] = '_';
	snprintf(buf, cap, "peer=%s%s%s", name, fmt[0] ? " " : "", fmt);
}

/* For the agent: the text alone, as a line of the log has it. */
static void
tell_event(struct speaker *sp, enum log_level level, uint32_t peer, const char *name,
    const char *fmt, va_list ap)
{
	struct todo t = { .kind = TODO_EVENT, .peer = peer };
	struct log text = { .level = LOG_DEBUG, .ctx = &t.event, .sink = take_text };

	t.event.level = (uint8_t)level;
	t.event.peer = peer;
	snprintf(t.event.name, sizeof(t.event.name), "%s", name);
	log_vto(&text, level, name, fmt, ap);
	speaker_todo(sp, &t);
}

void
speaker_vevent(struct speaker *sp, enum log_level level, uint32_t peer, const char *peer_name,
    const char *name, const char *fmt, va_list ap)
{
	char line_fmt[512];
	va_list copy;

	if (level <= LOG_INFO) {
		va_copy(copy, ap);
		tell_event(sp, level, peer, name, fmt, copy);
		va_end(copy);
	}
	if (!log_wants(sp->log, level)) /* at the default level most are not wanted */
		return;
	if (peer_name) {
		with_peer(line_fmt, sizeof(line_fmt), peer_name, fmt);
		fmt = line_fmt;
	}
	log_vto(sp->log, level, name, fmt, ap);
}

void
speaker_event(struct speaker *sp, enum log_level level, const struct rpeer *rp, const char *name,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	speaker_vevent(sp, level, rp ? rp->id : IPC_PEER_NONE, rp ? rp->conf.name : NULL, name,
	    fmt, ap);
	va_end(ap);
}
