/*
 * The control channel: a configuration is collected and applied at once,
 * connections arrive as descriptors, commands go to the speaker; and what the
 * speaker wants done goes out.
 *
 * Events wait in a bounded queue: a peer that flaps while the agent is busy
 * costs events, which are counted, and no memory.
 */
#include "bgpd/bgpd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/logmain.h"
#include "lib/mem.h"

#define EVENTS_WAITING_MAX 256

/* ---- configuration ---------------------------------------------------------------- */

static void
conf_begin(struct conf_in *c, uint32_t gen)
{
	c->open = true;
	c->have_speaker = false;
	c->gen = gen;
	c->npeers = c->npermit = c->nbmp = c->ngone = 0;
	c->others_stay = false;
	filter_db_free(c->filters);
	c->filters = filter_db_new();
}

static void
conf_add_peer(struct conf_in *c, const struct ipc_conf_peer *p)
{
	if (c->npeers == c->peer_cap) {
		c->peer_cap = c->peer_cap ? 2 * c->peer_cap : 4;
		c->peer = mem_realloc_array(c->peer, c->peer_cap, sizeof(*c->peer));
	}
	c->peer[c->npeers++] = *p;
}

static void
conf_add_gone(struct conf_in *c, const struct ipc_conf_others *m)
{
	c->others_stay = true;
	c->gone = mem_realloc_array(c->gone, c->ngone + m->n + 1, sizeof(*c->gone));
	memcpy(c->gone + c->ngone, m->gone, m->n * sizeof(m->gone[0]));
	c->ngone += m->n;
}

static bool
is_named(const struct conf_in *c, size_t npeers, uint32_t id)
{
	for (size_t i = 0; i < npeers; i++)
		if (c->peer[i].id == id)
			return true;
	for (size_t i = 0; i < c->ngone; i++)
		if (c->gone[i] == id)
			return true;
	return false;
}

/* Behind those that are named the ones that stay as they are. */
static void
conf_add_others(struct bgpd *b)
{
	struct conf_in *c = &b->conf;
	const struct ipc_conf_peer *p;
	size_t named = c->npeers;
	uint16_t pos = 0;

	while (c->others_stay && (p = speaker_next_conf(b->sp, &pos)))
		if (!is_named(c, named, p->id))
			conf_add_peer(c, p);
}

static void
conf_add_permit(struct conf_in *c, const struct ipc_prefixes *p)
{
	if (p->n > c->permit_cap - c->npermit) {
		c->permit_cap = 2 * c->npermit + p->n;
		c->permit = mem_realloc_array(c->permit, c->permit_cap, sizeof(*c->permit));
	}
	if (p->n > 0)
		memcpy(c->permit + c->npermit, p->prefix, p->n * sizeof(p->prefix[0]));
	c->npermit += p->n;
}

static void
conf_add_bmp(struct conf_in *c, const struct ipc_conf_bmp *p)
{
	c->bmp = mem_realloc_array(c->bmp, c->nbmp + 1, sizeof(*c->bmp)); /* there are few */
	c->bmp[c->nbmp++] = *p;
}

/* The arrays are needed for the call only: a configuration comes seldom. */
static void
conf_free(struct conf_in *c)
{
	mem_free(c->peer);
	mem_free(c->gone);
	mem_free(c->permit);
	filter_db_free(c->filters);
	mem_free(c->bmp);
	memset(c, 0, sizeof(*c));
}

static const char *
conf_end(struct bgpd *b, uint32_t gen)
{
	struct conf_in *c = &b->conf;

	if (!c->have_speaker || gen != c->gen)
		return "an incomplete configuration";
	b->out->type = IPC_CONF_APPLIED;
	b->out->conf_applied = (struct ipc_conf_applied){ .gen = gen };
	conf_add_others(b);
	speaker_set_filters(b->sp, c->filters);
	c->filters = NULL;
	speaker_configure(b->sp, clock_mono(), &c->speaker, c->peer, c->npeers, c->permit, c->npermit,
	    &b->out->conf_applied);
	b->out->conf_applied.gen = gen;
	speaker_bmp_configure(b->sp, clock_mono(), c->bmp, c->nbmp);
	conf_free(c);
	chan_send(b, IPC_CHAN_CONTROL, b->out);
	return NULL;
}

static const char *
conf_take(struct bgpd *b, const struct ipc_msg *m)
{
	struct conf_in *c = &b->conf;

	if (m->type == IPC_CONF_BEGIN) {
		conf_begin(c, m->conf_begin.gen);
		return NULL;
	}
	if (!c->open)
		return "configuration outside CONF_BEGIN and CONF_END";
	if (m->type == IPC_CONF_SPEAKER) {
		c->speaker = m->conf_speaker;
		c->have_speaker = true;
	} else if (m->type == IPC_CONF_PEER) {
		conf_add_peer(c, &m->conf_peer);
	} else if (m->type == IPC_CONF_OTHERS) {
		conf_add_gone(c, &m->conf_others);
	} else if (m->type == IPC_CONF_FILTER) {
		filter_db_add(c->filters, &m->conf_filter);
	} else if (m->type == IPC_CONF_PERMIT) {
		conf_add_permit(c, &m->prefixes);
	} else if (m->type == IPC_CONF_BMP) {
		conf_add_bmp(c, &m->conf_bmp);
	} else {
		return conf_end(b, m->conf_begin.gen);
	}
	return NULL;
}

/* ---- connections ------------------------------------------------------------------- */

static void
conn_start(struct bgpd *b, conn_id id, int fd, const char *why)
{
	if (id != 0) {
		io_add(b, id, fd);
		return;
	}
	log_event(LOG_DEBUG, "connection-unwanted", "why=\"%s\"", why ? why : "");
	close(fd);
}

static const char *
conn_done(struct bgpd *b, const struct ipc_conn_done *d, int fd)
{
	const char *why = NULL;
	conn_id id;

	if ((d->err == 0) != (fd >= 0)) {
		if (fd >= 0)
			close(fd);
		return "CONN_DONE with an error and a descriptor, or with neither";
	}
	if (fd < 0) {
		speaker_conn_failed(b->sp, clock_mono(), d->peer, d->token, d->err, d->why);
		return NULL;
	}
	id = speaker_conn_connected(b->sp, clock_mono(), d->peer, d->token, &d->ep, &why);
	conn_start(b, id, fd, why);
	return NULL;
}

/*
 * The last descriptors are for what we asked for: the agent's next one, were
 * there none left for it, would break the channel.
 */
static bool
is_full(struct bgpd *b, int fd)
{
	uint32_t dropped = 0;

	if (fd < b->in_fds_max)
		return false;
	if (log_limit_pass(&b->full, clock_mono(), &dropped))
		log_event(LOG_ERR, "connection-refused",
		    "why=\"too many open descriptors\" limit=%d not-shown=%u", b->in_fds_max,
		    dropped);
	return true;
}

static const char *
conn_in(struct bgpd *b, const struct ipc_conn_in *c, int fd)
{
	const char *why = NULL;
	conn_id id;

	if (fd < 0)
		return "CONN_IN without a descriptor";
	if (is_full(b, fd)) {
		close(fd);
		return NULL;
	}
	id = speaker_conn_accepted(b->sp, clock_mono(), &c->ep, &why);
	conn_start(b, id, fd, why);
	return NULL;
}

/* ---- monitoring feeds ---------------------------------------------------------------- */

static const char *
bmp_done(struct bgpd *b, const struct ipc_bmp_done *d, int fd)
{
	uint32_t feed;

	if ((d->err == 0) != (fd >= 0)) {
		if (fd >= 0)
			close(fd);
		return "BMP_DONE with an error and a descriptor, or with neither";
	}
	if (fd < 0) {
		speaker_bmp_failed(b->sp, clock_mono(), d->id, d->token, d->err, d->why);
		return NULL;
	}
	feed = speaker_bmp_connected(b->sp, clock_mono(), d->id, d->token);
	if (feed != 0)
		sink_add(b, feed, fd);
	else
		close(fd);
	return NULL;
}

static const char *
mrt_start(struct bgpd *b, const struct ipc_mrt_start *m, int fd)
{
	uint32_t feed;

	if (fd < 0)
		return "MRT_START without a descriptor";
	feed = speaker_mrt_start(b->sp, clock_mono(), m);
	if (feed != 0)
		sink_add(b, feed, fd);
	else
		close(fd);
	return NULL;
}

/* ---- in ------------------------------------------------------------------------------ */

static const char *
hello(struct bgpd *b, const struct ipc_hello *h)
{
	const uint64_t key[2] = { h->seed ^ 0x776566742d626770, h->seed };

	if (b->sp)
		return "a second HELLO";
	if (h->version != IPC_VERSION)
		return "another version of the protocol";
	hmap_init(&b->conns, key);
	b->sp = speaker_new(clock_mono(), h, &log_main);
	speaker_set_crash_page(b->sp, b->crash);
	chan_read_all(b);
	return NULL;
}

const char *
control_take(struct bgpd *b, const struct ipc_msg *m, int fd)
{
	struct mono_us now = clock_mono();

	switch ((int)m->type) { /* the table lets only the agent's control messages through */
	case IPC_HELLO:
		return hello(b, &m->hello);
	case IPC_CONF_BEGIN:
	case IPC_CONF_SPEAKER:
	case IPC_CONF_PEER:
	case IPC_CONF_OTHERS:
	case IPC_CONF_PERMIT:
	case IPC_CONF_FILTER:
	case IPC_CONF_BMP:
	case IPC_CONF_END:
		return conf_take(b, m);
	case IPC_ORIGINATE:
		speaker_originate(b->sp, now, &m->originate);
		return NULL;
	case IPC_ORIGINATE_DEL:
		speaker_unoriginate(b->sp, now, &m->prefix.prefix);
		return NULL;
	case IPC_ORIGINATE_END:
		speaker_originate_end(b->sp, now);
		return NULL;
	case IPC_CONN_DONE:
		return conn_done(b, &m->conn_done, fd);
	case IPC_CONN_IN:
		return conn_in(b, &m->conn_in, fd);
	case IPC_CONN_LEND:
		io_lend(b, m->conn_lend.peer);
		return NULL;
	case IPC_PEER_ADD:
		speaker_peer_add(b->sp, now, &m->conf_peer);
		return NULL;
	case IPC_PEER_CMD:
		speaker_peer_cmd(b->sp, now, &m->peer_cmd); /* a peer may have just gone */
		return NULL;
	case IPC_BMP_DONE:
		return bmp_done(b, &m->bmp_done, fd);
	case IPC_MRT_START:
		return mrt_start(b, &m->mrt_start, fd);
	case IPC_MRT_STOP:
		speaker_mrt_stop(b->sp, now, m->mrt_stop.id);
		return NULL;
	case IPC_RA_SOCKET:
		if (fd < 0)
			return "RA_SOCKET without a descriptor";
		ra_take(b, fd);
		return NULL;
	case IPC_SHUTDOWN:
		speaker_shutdown(b->sp, now, (enum ipc_shutdown_mode)m->shutdown.mode,
		    m->shutdown.text);
		return NULL;
	default:
		return "a message that does not belong on the control channel";
	}
}

/* ---- out ------------------------------------------------------------------------------- */

static void
send_event(struct bgpd *b, const struct ipc_event *e)
{
	struct ipc_msg *m = b->out;

	if (b->chan[IPC_CHAN_CONTROL].nunsent >= EVENTS_WAITING_MAX) {
		b->events_lost++;
		return;
	}
	m->type = IPC_EVENT;
	m->event = *e;
	chan_send(b, IPC_CHAN_CONTROL, m);
}

static void
tell_events_lost(struct bgpd *b)
{
	struct ipc_event e = { .level = IPC_LVL_WARN, .name = "events-lost" };

	if (b->events_lost == 0 || !chan_has_room(b, IPC_CHAN_CONTROL))
		return;
	snprintf(e.text, sizeof(e.text), "n=%u why=\"the agent did not keep up\"", b->events_lost);
	b->events_lost = 0;
	send_event(b, &e);
}

static void
send_conn_req(struct bgpd *b, enum ipc_type type, const struct todo *t)
{
	b->out->type = type;
	b->out->conn_req = (struct ipc_conn_req){ .peer = t->peer, .token = t->token };
	chan_send(b, IPC_CHAN_CONTROL, b->out);
}

static void
send_nh_watch(struct bgpd *b, const struct todo *t)
{
	b->out->type = IPC_NH_WATCH;
	b->out->nh_watch = (struct ipc_nh_watch){ .addr = t->nh, .on = t->on };
	chan_send(b, IPC_CHAN_ROUTES, b->out);
}

static void
send_peer_gone(struct bgpd *b, uint32_t peer)
{
	b->out->type = IPC_PEER_GONE;
	b->out->peer_gone.peer = peer;
	chan_send(b, IPC_CHAN_CONTROL, b->out);
}

static void
send_peer_addr(struct bgpd *b, const struct todo *t)
{
	b->out->type = IPC_PEER_ADDR;
	b->out->peer_addr = (struct ipc_peer_addr){ .peer = t->peer, .addr = t->nh };
	chan_send(b, IPC_CHAN_CONTROL, b->out);
}

static void
send_drained(struct bgpd *b, const struct ipc_drained *d)
{
	b->out->type = IPC_DRAINED;
	b->out->drained = *d;
	chan_send(b, IPC_CHAN_CONTROL, b->out);
}

static void
send_peer_session(struct bgpd *b, const struct todo *t)
{
	b->out->type = IPC_PEER_SESSION;
	b->out->peer_session = (struct ipc_peer_session){ t->peer, (uint8_t)t->session };
	chan_send(b, IPC_CHAN_CONTROL, b->out);
}

static void
send_bmp_req(struct bgpd *b, const struct todo *t)
{
	b->out->type = IPC_BMP_REQ;
	b->out->bmp_req = (struct ipc_bmp_req){ .id = t->peer, .token = t->token };
	chan_send(b, IPC_CHAN_CONTROL, b->out);
}

static void
send_mrt_done(struct bgpd *b, const struct todo *t)
{
	b->out->type = IPC_MRT_DONE;
	b->out->mrt_done = t->mrt;
	chan_send(b, IPC_CHAN_CONTROL, b->out);
}

/* What the speaker wants done for a monitoring feed. */
static void
feed_do(struct bgpd *b, const struct todo *t)
{
	if (t->kind == TODO_BMP_CONNECT)
		send_bmp_req(b, t);
	else if (t->kind == TODO_FEED_WRITE)
		sink_want_write(b, t->conn);
	else if (t->kind == TODO_FEED_CLOSE)
		sink_close(b, t->conn);
	else if (t->kind == TODO_FEED_ABORT)
		sink_abort(b, t->conn);
	else if (t->kind == TODO_MRT_DONE)
		send_mrt_done(b, t);
}

static void
todo_do(struct bgpd *b, const struct todo *t)
{
	switch (t->kind) {
	case TODO_CONNECT:
		send_conn_req(b, IPC_CONN_REQ, t);
		break;
	case TODO_CANCEL:
		send_conn_req(b, IPC_CONN_CANCEL, t);
		break;
	case TODO_WRITE:
		io_want_write(b, t->conn);
		break;
	case TODO_CLOSE:
		io_close(b, t->conn);
		break;
	case TODO_ABORT:
		io_abort(b, t->conn);
		break;
	case TODO_EVENT:
		send_event(b, &t->event);
		break;
	case TODO_NH_WATCH:
		send_nh_watch(b, t);
		break;
	case TODO_PEER_GONE:
		send_peer_gone(b, t->peer);
		break;
	case TODO_PEER_ADDR:
		send_peer_addr(b, t);
		break;
	case TODO_RA_SEND:
		ra_send(b, t->nh.ifindex, t->on);
		break;
	case TODO_DRAINED:
		send_drained(b, &t->drained);
		break;
	case TODO_SESSION:
		send_peer_session(b, t);
		break;
	case TODO_SHUTDOWN_DONE:
		b->shutdown_done = true;
		break;
	case TODO_BMP_CONNECT:
	case TODO_FEED_WRITE:
	case TODO_FEED_CLOSE:
	case TODO_FEED_ABORT:
	case TODO_MRT_DONE:
		feed_do(b, t);
		break;
	}
}

void
control_todos(struct bgpd *b)
{
	struct todo t;

	tell_events_lost(b);
	while (!b->stop && speaker_next_todo(b->sp, &t))
		todo_do(b, &t);
	if (b->shutdown_done && b->unflushed == 0) {
		b->shutdown_done = false;
		b->out->type = IPC_SHUTDOWN_DONE;
		chan_send(b, IPC_CHAN_CONTROL, b->out);
	}
}

void
control_free(struct bgpd *b)
{
	conf_free(&b->conf);
}
