/*
 * Sessions: connecting, OPEN and KEEPALIVE, the hold time both ways.
 *
 * A keepalive is only queued when nothing else is, so it never comes between the
 * pieces of an UPDATE; while UPDATEs flow they hold the session up themselves.
 */
#include "tests/bench/load/sess.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wire.h"

#define HEADER	     19
#define MSG_MAX	     4096
#define SCAN_US	     20000
#define WRITE_MAX    262144 /* octets in one go: others want their turn */
#define CONNECT_US   300000 /* a SYN that was dropped is sent again after a second: do not wait */
#define CAP_MP	     1
#define CAP_AS4	     65

enum msg_type { MSG_OPEN = 1, MSG_UPDATE, MSG_NOTIFICATION, MSG_KEEPALIVE };

static const uint8_t keepalive[HEADER] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 0, HEADER, MSG_KEEPALIVE };

static void sess_event(struct watch *w, uint32_t events);

void
sess_fail(struct sess *s, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	load_fail(s->l, "peer %u: %s", s->i + 1, text);
}

struct ip_addr
sess_addr_add(const struct ip_addr *a, uint32_t n)
{
	struct ip_addr r = *a;
	uint8_t *p = r.b + (a->af == IP4 ? 0 : 12);
	uint32_t v = ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]) + n;

	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
	return r;
}

/* ---- messages of our own ---- */

static void
put_family(struct wr *w, uint16_t afi)
{
	wr_u8(w, CAP_MP);
	wr_u8(w, 4);
	wr_u16(w, afi);
	wr_u16(w, 1); /* reserved, SAFI unicast */
}

static void
put_caps(struct wr *w, const struct sess *s)
{
	const char *f = s->l->opt->families ? s->l->opt->families : s->l->opt->v6 ? "6" : "4";
	size_t all = wr_open8(w), one;

	wr_u8(w, 2); /* parameter: capabilities, RFC 5492 */
	one = wr_open8(w);
	if (strchr(f, '4'))
		put_family(w, 1);
	if (strchr(f, '6'))
		put_family(w, 2);
	wr_u8(w, CAP_AS4);
	wr_u8(w, 4);
	wr_u32(w, s->as);
	wr_close8(w, one);
	wr_close8(w, all);
}

/* RFC 4271 section 4.2. */
static size_t
open_make(struct sess *s)
{
	struct wr w = wr_init(s->open, sizeof(s->open));
	size_t start;

	wr_bytes(&w, keepalive, 16);
	start = wr_len(&w);
	wr_u16(&w, 0);
	wr_u8(&w, MSG_OPEN);
	wr_u8(&w, 4);
	wr_u16(&w, s->as > 65535 ? 23456 : (uint16_t)s->as);
	wr_u16(&w, (uint16_t)s->l->opt->hold_s);
	wr_u32(&w, s->id);
	put_caps(&w, s);
	s->open[start + 1] = (uint8_t)wr_len(&w);
	return wr_len(&w);
}

/* ---- life ---- */

void
sess_make(struct load *l, unsigned n, const struct sess_ops *ops)
{
	const struct opts *o = l->opt;

	l->sess = mem_zalloc_array(n, sizeof(*l->sess));
	l->nsess = n;
	for (unsigned i = 0; i < n; i++) {
		struct sess *s = &l->sess[i];

		s->watch = (struct watch){ .fd = -1, .cb = sess_event, .l = l };
		s->l = l;
		s->i = i;
		s->self = sess_addr_add(&o->first_peer, i);
		s->id = ip_addr_v4(&o->first_id) + i;
		s->as = o->ibgp ? o->dut_as : o->peer_as + (o->same_as ? 0 : i);
		s->ops = ops;
	}
}

static void
sess_drop(struct sess *s)
{
	if (s->watch.fd >= 0) {
		load_watch(s->l, &s->watch, 0);
		close(s->watch.fd);
	}
	if (s->state > SESS_IDLE && s->state < SESS_UP)
		s->l->dialing--;
	s->l->nup -= s->state == SESS_UP;
	s->watch.fd = -1;
	s->nq = 0;
	mem_free(s->rest);
	s->rest = NULL;
	s->nrest = 0;
}

void
sess_free_all(struct load *l)
{
	for (unsigned i = 0; i < l->nsess; i++)
		sess_drop(&l->sess[i]);
	mem_free(l->sess);
	l->nsess = 0;
	if (l->listener.fd >= 0)
		close(l->listener.fd);
}

void
sess_close(struct sess *s)
{
	sess_drop(s);
	s->state = SESS_CLOSED;
}

void
sess_reopen(struct sess *s)
{
	s->state = SESS_IDLE;
	s->retry_at = s->l->now;
	s->l->dial_more = true;
}

/*
 * The other side, or the network, ended it. Before all were up for the first time that is no
 * news: try again. (FRR, just started, now and then closes a session that came up.)
 */
static void
sess_lost(struct sess *s, const char *why)
{
	bool was_up = s->state == SESS_UP;
	struct load *l = s->l;

	sess_drop(s);
	s->state = SESS_IDLE;
	s->retry_at = mono_add_ms(l->now, l->opt->retry_ms);
	l->dial_more = true;
	l->count.refused += !was_up;
	l->count.lost_early += was_up && !l->settled;
	if (!was_up || !l->settled)
		return;
	if (s->ops->down)
		s->ops->down(s, why);
	else
		sess_fail(s, "session lost: %s", why);
}

bool
sess_all_up(struct load *l)
{
	l->settled |= l->nup == l->nsess;
	return l->nup == l->nsess;
}

bool
sess_all_sent(struct load *l)
{
	for (unsigned i = 0; i < l->nsess; i++)
		if (l->sess[i].nq)
			return false;
	return true;
}

/* ---- writing ---- */

static void
queue_eat(struct sess *s, size_t n)
{
	unsigned k = 0;

	s->written += n;
	while (k < s->nq && n >= s->q[k].iov_len)
		n -= s->q[k++].iov_len;
	s->nq -= k;
	memmove(s->q, s->q + k, s->nq * sizeof(s->q[0]));
	if (s->nq) {
		s->q[0].iov_base = (uint8_t *)s->q[0].iov_base + n;
		s->q[0].iov_len -= n;
	}
}

/* The first piece, at most WRITE_MAX of it, or all when they are small. */
static ssize_t
queue_write(struct sess *s)
{
	if (s->q[0].iov_len > WRITE_MAX)
		return send(s->watch.fd, s->q[0].iov_base, WRITE_MAX, MSG_NOSIGNAL);
	return writev(s->watch.fd, s->q, (int)s->nq);
}

static void
sess_flush(struct sess *s)
{
	ssize_t n = s->nq ? queue_write(s) : 0;

	if (n > 0)
		queue_eat(s, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		sess_lost(s, strerror(errno));
		return;
	}
	load_watch(s->l, &s->watch, EPOLLIN | (s->nq ? EPOLLOUT : 0));
}

static void
sess_queue(struct sess *s, const void *octets, size_t len)
{
	if (s->nq == SESS_QUEUE) {
		sess_fail(s, "too many pieces to send at a time");
		return;
	}
	s->q[s->nq++] = (struct iovec){ (void *)(uintptr_t)octets, len };
	if (s->nq == 1)
		sess_flush(s);
}

void
sess_send(struct sess *s, const void *octets, size_t len)
{
	if (s->state != SESS_UP)
		sess_fail(s, "cannot send: session is not up");
	else if (len > 0)
		sess_queue(s, octets, len);
}

/* ---- reading ---- */

static void
got_open(struct sess *s, struct rd *r)
{
	uint8_t version = rd_u8(r);
	uint16_t hold;

	rd_u16(r);
	hold = rd_u16(r);
	rd_u32(r);
	if (s->state != SESS_OPENSENT || version != 4 || r->bad) {
		sess_fail(s, "bad OPEN");
		return;
	}
	s->hold_s = hold < s->l->opt->hold_s ? hold : s->l->opt->hold_s;
	s->state = SESS_OPENCONFIRM;
	sess_queue(s, keepalive, sizeof(keepalive));
}

static void
sess_arm(struct sess *s)
{
	s->hold_at = s->hold_s ? mono_add_s(s->l->now, s->hold_s) : MONO_NEVER;
}

static void
got_keepalive(struct sess *s)
{
	if (s->state != SESS_OPENCONFIRM)
		return;
	s->state = SESS_UP;
	s->l->dialing--;
	s->l->nup++;
	s->up_at = clock_mono();
	s->written = 0;
	s->keep_at = s->hold_s ? mono_add_us(s->l->now, s->hold_s * 1000000ull / 3) : MONO_NEVER;
	s->l->dial_more = true;
	if (s->ops->up)
		s->ops->up(s);
}

static void
got_notification(struct sess *s, struct rd *r)
{
	char text[64];
	uint8_t code = rd_u8(r), sub = rd_u8(r);

	snprintf(text, sizeof(text), "NOTIFICATION %u/%u", code, sub);
	if (s->state == SESS_UP || code != 6)
		load_event(s->l, "notification", "peer=%u code=%u sub=%u", s->i + 1, code, sub);
	sess_lost(s, text);
}

static void
got_message(struct sess *s, uint8_t type, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);

	if (type == MSG_UPDATE && s->state == SESS_UP) {
		s->l->count.updates++;
		s->ops->update(s, body, len);
	} else if (type == MSG_KEEPALIVE)
		got_keepalive(s);
	else if (type == MSG_OPEN)
		got_open(s, &r);
	else if (type == MSG_NOTIFICATION)
		got_notification(s, &r);
	else
		sess_fail(s, "message of type %u in state %u", type, s->state);
}

/* Whole messages in p; returns the octets used. */
static size_t
messages(struct sess *s, const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (n - at >= HEADER && s->watch.fd >= 0 && !s->l->failed) {
		size_t len = (size_t)p[at + 16] << 8 | p[at + 17];

		if (memcmp(p + at, keepalive, 16) != 0 || len < HEADER || len > MSG_MAX) {
			sess_fail(s, "bad message header");
			return n;
		}
		if (n - at < len)
			break;
		got_message(s, p[at + 18], p + at + HEADER, len - HEADER);
		at += len;
	}
	return at;
}

static void
sess_keep_rest(struct sess *s, const uint8_t *p, size_t n)
{
	mem_free(s->rest);
	s->rest = n ? mem_dup(p, n) : NULL;
	s->nrest = n;
}

static void
sess_read(struct sess *s)
{
	struct load *l = s->l;
	size_t at, have = s->nrest;
	ssize_t n;

	memcpy(l->in, s->rest ? s->rest : l->in, have);
	n = recv(s->watch.fd, l->in + have, LOAD_IN, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		sess_lost(s, n == 0 ? "closed" : strerror(errno));
		return;
	}
	l->count.octets += (uint64_t)n;
	sess_arm(s);
	have += (size_t)n;
	at = messages(s, l->in, have);
	if (s->watch.fd >= 0)
		sess_keep_rest(s, l->in + at, have - at);
}

/* Nobody listens yet, so the others need not ask either for a while. */
static void
sess_refused(struct sess *s, int err)
{
	if (err == ECONNREFUSED)
		s->l->dial_at = mono_add_ms(s->l->now, s->l->opt->retry_ms);
	sess_lost(s, strerror(err));
}

static void
sess_connected(struct sess *s)
{
	int err = 0;
	socklen_t n = sizeof(err);

	getsockopt(s->watch.fd, SOL_SOCKET, SO_ERROR, &err, &n);
	if (err) {
		sess_refused(s, err);
		return;
	}
	s->state = SESS_OPENSENT;
	if (!s->l->first_at.us)
		s->l->first_at = clock_mono();
	s->give_up_at = MONO_NEVER;
	sess_queue(s, s->open, open_make(s));
}

static void
sess_event(struct watch *w, uint32_t events)
{
	struct sess *s = (struct sess *)w;

	if (s->state == SESS_CONNECT) {
		sess_connected(s);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		sess_read(s);
	if (s->watch.fd >= 0 && s->state != SESS_CONNECT && (events & EPOLLOUT))
		sess_flush(s);
}

/* ---- connecting ---- */

static socklen_t
sockaddr_make(struct sockaddr_storage *ss, const struct ip_addr *a, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (a->af == IP4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a->b, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, a->b, 16);
	return sizeof(*v6);
}

static int
dial_socket(const struct sess *s)
{
	int fd = socket(s->self.af == IP4 ? AF_INET : AF_INET6,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage ss;
	socklen_t n = sockaddr_make(&ss, &s->self, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, n) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
sess_begin(struct sess *s, int fd)
{
	s->watch.fd = fd;
	s->state = SESS_CONNECT;
	s->hold_at = s->keep_at = MONO_NEVER;
	s->give_up_at = mono_add_us(s->l->now, CONNECT_US);
	s->l->dialing++;
}

static void
sess_dial(struct sess *s)
{
	struct load *l = s->l;
	struct sockaddr_storage ss;
	socklen_t n = sockaddr_make(&ss, &l->opt->dut, (uint16_t)l->opt->port);
	int fd = dial_socket(s);

	if (fd < 0) {
		sess_fail(s, "socket: %s", strerror(errno));
		return;
	}
	sess_begin(s, fd);
	if (connect(fd, (struct sockaddr *)&ss, n) != 0 && errno != EINPROGRESS)
		sess_refused(s, errno);
	else
		load_watch(l, &s->watch, EPOLLOUT);
}

/* Which peer a connection that was accepted is for: by its local address. */
static struct sess *
sess_by_local(struct load *l, int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	struct ip_addr a;

	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return NULL;
	a = ip_addr_from_bytes(IP6, &((struct sockaddr_in6 *)&ss)->sin6_addr);
	a = ip_addr_unmap(&a);
	for (unsigned i = 0; i < l->nsess; i++)
		if (ip_addr_eq(&l->sess[i].self, &a))
			return &l->sess[i];
	return NULL;
}

static void
listener_event(struct watch *w, uint32_t events)
{
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
	struct sess *s;

	(void)events;
	if (fd < 0)
		return;
	s = sess_by_local(w->l, fd);
	if (!s || s->state != SESS_IDLE) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	sess_begin(s, fd);
	sess_connected(s);
}

static void
listen_start(struct load *l)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(179) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, zero = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	l->listener.fd = fd;
	l->listener.cb = listener_event;
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, 4096) != 0)
		load_fail(l, "cannot listen: %s", strerror(errno));
	else
		load_watch(l, &l->listener, EPOLLIN);
}

void
sess_start_all(struct load *l)
{
	l->now = l->scan_at = clock_mono();
	if (strcmp(l->opt->dial, "yes") != 0)
		listen_start(l);
	l->dial_max = strcmp(l->opt->dial, "no") != 0 ? l->opt->dialing : 0;
	l->scan_at = sess_timers(l);
}

/* ---- timers ---- */

static void
sess_timer_up(struct sess *s)
{
	struct mono_us now = s->l->now;

	if (mono_reached(now, s->hold_at)) {
		sess_fail(s, "nothing came for the hold time of %u s", s->hold_s);
		return;
	}
	if (!mono_reached(now, s->keep_at))
		return;
	s->keep_at = mono_add_us(now, s->hold_s * 1000000ull / 3);
	if (!s->nq)
		sess_queue(s, keepalive, sizeof(keepalive));
}

static void
sess_timer(struct sess *s)
{
	struct load *l = s->l;

	if (s->state == SESS_UP)
		sess_timer_up(s);
	else if (s->state == SESS_CONNECT && mono_reached(l->now, s->give_up_at))
		sess_lost(s, "no answer to SYN");
}

/* Round about from where it ended last: usually the very next one may. */
void
sess_dial_more(struct load *l)
{
	l->dial_more = false;
	if (!mono_reached(l->now, l->dial_at))
		return;
	for (unsigned i = 0; i < l->nsess && l->dialing < l->dial_max && !l->failed; i++) {
		struct sess *s = &l->sess[l->next_dial++ % l->nsess];

		if (s->state == SESS_IDLE && mono_reached(l->now, s->retry_at))
			sess_dial(s);
	}
}

struct mono_us
sess_timers(struct load *l)
{
	uint64_t every = SCAN_US;

	if (l->nup < l->nsess && l->opt->retry_ms * 1000ull < every)
		every = l->opt->retry_ms * 1000ull;
	for (unsigned i = 0; i < l->nsess && !l->failed; i++)
		sess_timer(&l->sess[i]);
	sess_dial_more(l);
	return mono_add_us(l->now, every ? every : 1000);
}
