/*
 * The channel to the agent.
 *
 * An agent that goes leaves its sessions: the next one names those that it
 * wants, and the others end.  What finds no room is not kept: all states are
 * told again when there is some, so nothing grows with a slow agent.
 */
#include "bfdd/bfdd.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/ipcsock.h"
#include "lib/logmain.h"

#define READ_BATCH 64

_Static_assert((int)IPC_BFD_AUTH_METICULOUS_SHA1 == (int)BFD_AUTH_METICULOUS_SHA1, "same numbers");
_Static_assert((int)IPC_BFD_UP == (int)BFD_UP, "same numbers");
_Static_assert(IPC_BFD_KEY_MAX == BFD_KEY_MAX, "same length");

/* ---- sending ---------------------------------------------------------------- */

/* False: it is gone, or takes nothing now. */
static bool
channel_send(struct bfdd *b, const struct ipc_msg *m)
{
	size_t len = ipcmsg_encode(m, b->buf, IPC_MAX_OCTETS);
	int rc;

	if (b->agent < 0 || b->agent_full)
		return false;
	if (len == 0)
		abort(); /* we built it: it must fit its own table */
	rc = ipcsock_send(b->agent, b->buf, len, NULL, 0);
	if (rc == 0)
		return true;
	if (rc != -EAGAIN) {
		channel_detach(b, strerror(-rc));
		return false;
	}
	b->agent_full = true;
	event_add(b->agent_wr, NULL);
	return false;
}

static uint64_t
age_us(struct mono_us now, struct mono_us then)
{
	return mono_is_never(then) ? UINT64_MAX : mono_diff_us(now, then);
}

static void
put_state(struct ipc_bfd_state_msg *to, struct mono_us now, const struct bfd_view *v)
{
	to->id = v->id;
	to->was = to->state = (uint8_t)v->state;
	to->remote_state = (uint8_t)v->remote_state;
	to->remote_independent = v->remote_independent;
	to->diag = (uint8_t)v->diag;
	to->remote_diag = v->remote_diag;
	snprintf(to->diag_text, sizeof(to->diag_text), "%s", bfd_diag_str((uint8_t)v->diag));
	snprintf(to->remote_diag_text, sizeof(to->remote_diag_text), "%s", bfd_diag_str(v->remote_diag));
	to->silent_us = age_us(now, v->last_rx);
	to->detect_us = v->detect_us;
}

void
channel_event(struct bfdd *b, const struct bfd_event *ev)
{
	struct ipc_msg m = { .type = IPC_BFD_STATE };
	struct bfd_view v;

	if (!bfd_view(b->engine, ev->id, &v))
		return; /* removed meanwhile: nobody wants to know */
	put_state(&m.bfd_state, clock_mono(), &v);
	m.bfd_state.was = (uint8_t)ev->was;
	m.bfd_state.state = (uint8_t)ev->state;
	m.bfd_state.diag = (uint8_t)ev->diag;
	m.bfd_state.remote_state = (uint8_t)ev->remote_state;
	snprintf(m.bfd_state.diag_text, sizeof(m.bfd_state.diag_text), "%s",
	    bfd_diag_str((uint8_t)ev->diag));
	if (!channel_send(b, &m) && b->agent >= 0)
		b->states = (struct walk){ .on = true };
}

/* ---- walks ------------------------------------------------------------------ */

/* "ttl=3 auth-digest=12", as far as it fits. */
static void
put_drops(char *to, size_t cap, const uint64_t drops[BFD_RX_N])
{
	size_t len = 0;

	to[0] = '\0';
	for (int i = BFD_RX_OK + 1; i < BFD_RX_N; i++) {
		int n;

		if (drops[i] == 0)
			continue;
		n = snprintf(to + len, cap - len, "%s%s=%llu", len ? " " : "",
		    bfd_rx_name((enum bfd_rx)i), (unsigned long long)drops[i]);
		if (n < 0 || (size_t)n >= cap - len) {
			to[len] = '\0';
			return;
		}
		len += (size_t)n;
	}
}

static bool
send_state(struct bfdd *b, struct mono_us now, const struct bfd_view *v)
{
	struct ipc_msg m = { .type = IPC_BFD_STATE };

	put_state(&m.bfd_state, now, v);
	return channel_send(b, &m);
}

static bool
send_row(struct bfdd *b, struct mono_us now, const struct bfd_view *v)
{
	struct ipc_row_bfd *row = &b->out->row_bfd;

	memset(b->out, 0, sizeof(*b->out));
	b->out->type = IPC_ROW_BFD;
	row->query = b->query;
	put_state(&row->s, now, v);
	row->state_age_us = mono_diff_us(now, v->since);
	row->discr = v->discr;
	row->remote_discr = v->remote_discr;
	row->tx_us = v->tx_us;
	row->remote_tx_us = v->remote_tx_us;
	row->remote_rx_us = v->remote_rx_us;
	row->remote_mult = v->remote_mult;
	row->remote_demand = v->remote_demand;
	row->polling = v->polling;
	row->resumed = v->resumed;
	row->leaving = v->leaving;
	row->last_down_age_us = age_us(now, v->last_down);
	if (!mono_is_never(v->last_down))
		snprintf(row->last_down, sizeof(row->last_down), "%s",
		    bfd_diag_str((uint8_t)v->last_down_diag));
	row->rx = v->n.rx;
	row->tx = v->n.tx;
	row->ups = v->n.ups;
	row->downs = v->n.downs;
	put_drops(row->drops, sizeof(row->drops), v->n.drops);
	return channel_send(b, b->out);
}

/* Every session from w->pos on; true at the end, false when there is no room. */
static bool
walk_on(struct bfdd *b, struct walk *w,
    bool (*send)(struct bfdd *b, struct mono_us now, const struct bfd_view *v))
{
	struct mono_us now = clock_mono();
	const void *cursor = NULL;
	struct bfd_view v;

	for (size_t i = 0; bfd_view_next(b->engine, &cursor, &v); i++) {
		if (i < w->pos || v.leaving || v.id == 0)
			continue;
		if (!send(b, now, &v))
			return false;
		w->pos = i + 1;
	}
	return true;
}

static bool
send_stats(struct bfdd *b)
{
	struct ipc_msg m = { .type = IPC_BFD_STATS };

	m.bfd_stats = (struct ipc_bfd_stats){
		.query = b->query,
		.sessions = (uint32_t)bfd_count(b->engine),
		.resumed = (uint32_t)b->resumed,
		.uptime_us = mono_diff_us(clock_mono(), b->started),
		.late_us = b->late_us,
	};
	put_drops(m.bfd_stats.drops, sizeof(m.bfd_stats.drops), bfd_stray_drops(b->engine));
	if (!channel_send(b, &m))
		return false;
	b->late_us = 0;
	return true;
}

void
channel_pump(struct bfdd *b)
{
	if (b->states.on && walk_on(b, &b->states, send_state))
		b->states.on = false;
	if (b->rows.on && walk_on(b, &b->rows, send_row) && send_stats(b))
		b->rows.on = false;
}

/* ---- receiving -------------------------------------------------------------- */

static const char *
take_session(struct bfdd *b, const struct ipc_bfd_session *s)
{
	struct bfd_conf c = {
		.key = { .remote = s->remote, .local = s->local, .ifindex = s->ifindex,
		    .multihop = s->multihop },
		.rx_us = s->rx_us,
		.tx_us = s->tx_us,
		.detect_mult = s->detect_mult,
		.min_ttl = s->min_ttl,
		.passive = s->passive,
		.admin_down = s->admin_down,
		.auth = { .type = (enum bfd_auth_type)s->auth, .key_id = s->key_id,
		    .key_len = s->key_len },
	};

	memcpy(c.auth.key, s->key, sizeof(c.auth.key));
	return bfd_session_set(b->engine, clock_mono(), s->id, &c) ? NULL : bfd_conf_valid(&c);
}

/* NULL, or what is wrong with the message. */
static const char *
take(struct bfdd *b, const struct ipc_msg *m)
{
	b->states.pos = b->rows.pos = 0; /* the sessions may change: from the start */
	switch ((int)m->type) {
	case IPC_BFD_BEGIN:
		bfd_mark(b->engine);
		return m->bfd_begin.version == IPC_VERSION ? NULL : "another version of the protocol";
	case IPC_BFD_SESSION:
		return take_session(b, &m->bfd_session);
	case IPC_BFD_DEL:
		bfd_session_remove(b->engine, clock_mono(), m->bfd_del.id, m->bfd_del.tell);
		return NULL;
	case IPC_BFD_END:
		bfd_sweep(b->engine, clock_mono());
		b->states = (struct walk){ .on = true };
		return NULL;
	case IPC_BFD_QUERY:
		b->query = m->bfd_query.query;
		b->rows = (struct walk){ .on = true };
		return NULL;
	default: /* ipcmsg_decode() lets nothing else through on this channel */
		return "a message that does not belong here";
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct bfdd *b = arg;

	for (int i = 0; i < READ_BATCH && b->agent >= 0; i++) {
		size_t nfds;
		ssize_t n = ipcsock_recv(b->agent, b->buf, IPC_MAX_OCTETS, NULL, 0, &nfds);
		const char *why;

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			channel_detach(b, n == 0 || n == -ECONNRESET ? NULL : strerror((int)-n));
			return;
		}
		why = ipcmsg_decode(IPC_AGENT, IPC_CHAN_BFD, b->buf, (size_t)n, b->in);
		explicit_bzero(b->buf, (size_t)n);
		if (!why)
			why = take(b, b->in);
		if (why)
			channel_detach(b, why);
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct bfdd *b = arg;

	b->agent_full = false;
}

/* ---- life --------------------------------------------------------------------- */

void
channel_detach(struct bfdd *b, const char *why)
{
	if (b->agent < 0)
		return;
	if (why)
		log_event(LOG_ERR, "agent-channel", "why=\"%s\"", why);
	event_free(b->agent_rd);
	event_free(b->agent_wr);
	close(b->agent);
	b->agent = -1;
	b->states.on = b->rows.on = false;
}

void
channel_attach(struct bfdd *b, int fd)
{
	int rc = ipcsock_adopt(fd);

	channel_detach(b, NULL);
	if (rc != 0) {
		log_event(LOG_ERR, "agent-channel", "why=\"%s\"", strerror(-rc));
		close(fd);
		return;
	}
	b->agent = fd;
	b->agent_full = false;
	b->agent_rd = event_new(b->base, fd, EV_READ | EV_PERSIST, on_readable, b);
	b->agent_wr = event_new(b->base, fd, EV_WRITE, on_writable, b);
	event_add(b->agent_rd, NULL);
}
