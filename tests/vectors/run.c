/*
 * One vector over a world: the hostile session does what the steps say, and
 * everything weft answers is read; the observer's session tells which routes
 * weft believes in.
 *
 * "Nothing more will come" is never waited for by time: two rounds of markers
 * (prefixes with a number in a community) go through weft to the observer, and
 * what stood before them has been handled then.  Only a route that must be there
 * may take longer: its next hop may be a new one, or, beside a fuzzing peer, another
 * lane's route for the same prefix still in its place.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/vectors/vec.h"

enum { OPEN = 1, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH };

#define HEADER	     19
#define DEADLINE_US  8000000
#define NEXT_HOP_US  2000000
#define OCTETS_MAX   70000

struct vec_observer {
	struct vec_world *w;
	struct vec_conn *c;
	struct vec_view view;
	unsigned marker;	/* the last one sent */
	uint64_t keepalive_us;	/* when the last one was sent */
	bool dead;
};

struct run {
	struct vec_world *w;
	struct vec_observer *o;
	const struct vec_set *set;
	const struct vec *v;
	struct vec_conn *c;
	struct vec_asm a;
	struct vec_view told;	  /* what weft told the hostile session */
	unsigned told_before;	  /* told.serial at the last send */
	uint8_t families;	  /* bits as AFIs: 1 IPv4, 2 IPv6, offered by our OPEN */
	uint8_t add_path;	  /* the same: with path ids */
	uint8_t marker_af;
	bool got_open, sent_open, sent_keepalive, malformed;
	unsigned keepalives;
	uint8_t notification[4096];
	size_t notified;	  /* octets of code, subcode, data; 0: none */
	uint8_t opened[4096];	  /* weft's OPEN */
	size_t opened_octets;
	char *why;
};

static bool
wrong(struct run *r, const char *fmt, const char *about)
{
	if (!*r->why)
		snprintf(r->why, 1024, fmt, about);
	return false;
}

/* ---- messages from weft ------------------------------------------------------------------ */

/* The next whole message of c: its type and body; 0 when there is none. */
static unsigned
take_message(struct vec_conn *c, uint8_t *body, size_t *ret_octets)
{
	size_t n;
	unsigned type;

	if (c->octets < HEADER)
		return 0;
	n = (size_t)(c->in[16] << 8 | c->in[17]);
	if (n < HEADER || c->octets < n)
		return 0;
	type = c->in[18];
	*ret_octets = n - HEADER;
	memcpy(body, c->in + HEADER, n - HEADER);
	c->octets -= n;
	memmove(c->in, c->in + n, c->octets);
	return type;
}

static void
observe(struct vec_observer *o)
{
	static uint8_t body[OCTETS_MAX];
	size_t n;
	unsigned type;

	while ((type = take_message(o->c, body, &n)))
		if (type == NOTIFICATION || (type == UPDATE && !vec_view_update(&o->view, body, n)))
			o->dead = true;
	o->dead |= o->c->closed;
}

static void
keep(uint8_t *to, size_t *ret_octets, size_t cap, const uint8_t *body, size_t n)
{
	*ret_octets = n < cap ? n : cap;
	memcpy(to, body, *ret_octets);
}

/* An OPEN of weft's without parameters: nothing of what ours offers is agreed. */
static void
take_open(struct run *r, const uint8_t *body, size_t n)
{
	keep(r->opened, &r->opened_octets, sizeof(r->opened), body, n);
	r->got_open = true;
	if (n <= 10) {
		r->a.as4 = false;
		r->families = 1;
	}
}

static void
listen(struct run *r)
{
	static uint8_t body[OCTETS_MAX];
	size_t n;
	unsigned type;

	while (r->c && (type = take_message(r->c, body, &n))) {
		r->keepalives += type == KEEPALIVE;
		if (type == OPEN)
			take_open(r, body, n);
		if (type == NOTIFICATION)
			keep(r->notification, &r->notified, sizeof(r->notification), body, n);
		if (type == UPDATE && !vec_view_update(&r->told, body, n))
			r->malformed = true;
	}
}

/* The observer's own hold time is long; a KEEPALIVE now and then. */
static void
observer_keepalive(struct vec_observer *o)
{
	static const uint8_t msg[HEADER] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, HEADER, KEEPALIVE };
	uint64_t now = o->w->now_us(o->w);

	if (now - o->keepalive_us < 20000000)
		return;
	o->keepalive_us = now;
	o->w->send(o->w, o->c, msg, sizeof(msg));
}

static void
pump(struct run *r)
{
	r->w->pump(r->w);
	observer_keepalive(r->o);
	observe(r->o);
	listen(r);
}

/* Until done(r), at most for the deadline. */
static bool
until(struct run *r, bool (*done)(struct run *r))
{
	uint64_t end = r->w->now_us(r->w) + DEADLINE_US;

	while (!done(r)) {
		if (r->w->now_us(r->w) > end)
			return false;
		pump(r);
	}
	return true;
}

static bool
has_ended(struct run *r)
{
	return r->c->closed;
}

static bool
has_open(struct run *r)
{
	return r->got_open || r->c->closed;
}

static bool
has_keepalive(struct run *r)
{
	return r->keepalives > 0 || r->c->closed;
}

/* ---- messages to weft ---------------------------------------------------------------------- */

static bool
send_octets(struct run *r, const char *expr)
{
	static uint8_t buf[OCTETS_MAX];
	struct wr w = wr_init(buf, sizeof(buf));

	r->a.err[0] = '\0';
	r->a.depth = 0;
	if (!vec_octets(&r->a, expr, &w))
		return wrong(r, "cannot be written: %s", r->a.err);
	r->w->send(r->w, r->c, buf, wr_len(&w));
	return true;
}

static const char usual_open[] = "msg:1(04 $my_as u16:90 peer4 l8(param:2(caps)))";

static bool
send_open(struct run *r)
{
	r->sent_open = true;
	return send_octets(r, r->v->open ? r->v->open : usual_open);
}

static bool
send_keepalive(struct run *r)
{
	r->sent_keepalive = true;
	return send_octets(r, "msg:4()");
}

static void
read_family(struct run *r, struct rd *value)
{
	uint16_t afi = rd_u16(value);

	rd_u8(value);
	if ((afi == 1 || afi == 2) && rd_u8(value) == 1)
		r->families |= (uint8_t)afi;
}

/* RFC 7911: we send path ids where weft is configured to take them. */
static void
read_add_path(struct run *r, struct rd *value)
{
	uint16_t afi = rd_u16(value);
	uint8_t safi = rd_u8(value), how = rd_u8(value);

	if (r->a.kind == VEC_ADDPATH && (afi == 1 || afi == 2) && safi == 1 && (how == 2 || how == 3))
		r->add_path |= (uint8_t)afi;
}

/* What our OPEN offers decides how octets are written: AS width, families. */
static void
read_caps(struct run *r)
{
	uint8_t buf[4096];
	struct wr w = wr_init(buf, sizeof(buf));
	struct rd rd;

	r->a.caps = r->v->caps ? r->v->caps : "$caps";
	vec_octets(&r->a, r->a.caps, &w);
	rd = rd_init(buf, wr_len(&w));
	while (rd_left(&rd) > 0) {
		uint8_t code = rd_u8(&rd);
		struct rd value = rd_sub(&rd, rd_u8(&rd));

		r->a.as4 |= code == 65;
		if (code == 1)
			read_family(r, &value);
		while (code == 69 && rd_left(&value) > 0)
			read_add_path(r, &value);
	}
	if (!r->families)
		r->families = 1;
}

static bool
handshake(struct run *r)
{
	if (strcmp(r->v->state, "opensent") == 0)
		return until(r, has_open) || wrong(r, "%s", "no OPEN came");
	if (!send_open(r))
		return false;
	if (!until(r, has_keepalive) || r->c->closed)
		return wrong(r, "the handshake failed%s", r->notified ? ": NOTIFICATION" : "");
	if (strcmp(r->v->state, "established") == 0)
		return send_keepalive(r);
	return strcmp(r->v->state, "openconfirm") == 0 || wrong(r, "no such state: %s", r->v->state);
}

/* ---- markers ----------------------------------------------------------------------------------- */

static bool
marker_came(struct run *r)
{
	struct ip_prefix p = r->marker_af == IP4
	    ? (struct ip_prefix){ .af = IP4, .len = 24, .b = { 20, (uint8_t)r->a.lane, 255 } }
	    : (struct ip_prefix){ .af = IP6, .len = 64,
		      .b = { 0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)r->a.lane, 0, 255 } };
	const struct vec_route *route = vec_view_find(&r->o->view, &p);
	size_t n = 0;
	const uint8_t *attr = route ? vec_route_attr(route, 8, &n) : NULL;

	return r->c->closed || r->o->dead ||
	    (n == 7 && (unsigned)(attr[5] << 8 | attr[6]) == r->o->marker);
}

/* Everything sent so far has been handled, or the session is gone (false). */
static bool
marker_round(struct run *r, uint8_t af)
{
	const char *base = r->a.kind == VEC_IBGP ? "$ibase"
	    : r->a.kind == VEC_MEMBER		 ? "$mbase"
						 : "$base";
	const char *id = r->add_path & (af == IP4 ? 1 : 2) ? "u32:9" : "";
	char expr[256];

	r->marker_af = af;
	r->o->marker = (r->o->marker + 1) & 0xffff;
	if (af == IP4)
		snprintf(expr, sizeof(expr),
		    "msg:2(l16() l16(%s attr:c0:8(u16:64999 u16:%u)) %s p4.255)", base, r->o->marker,
		    id);
	else
		snprintf(expr, sizeof(expr),
		    "msg:2(l16() l16(%s attr:80:14($ip6 l8(peer6) 00 %s p6.255)"
		    " attr:c0:8(u16:64999 u16:%u)))",
		    base, id, r->o->marker);
	return send_octets(r, expr) && until(r, marker_came) && !r->c->closed;
}

/* A round for each family, or two for the one there is: next hops of both are known then. */
static bool
rounds(struct run *r)
{
	uint8_t first = r->families & 1 ? IP4 : IP6, second = r->families & 2 ? IP6 : IP4;

	return marker_round(r, first) && marker_round(r, second);
}

static bool
settle(struct run *r)
{
	if (!r->sent_open && !send_open(r))
		return false;
	if (!r->sent_keepalive && (!until(r, has_keepalive) || r->c->closed || !send_keepalive(r)))
		return wrong(r, "%s", "the session does not come up");
	if (rounds(r))
		return true;
	return wrong(r, "%s", r->c->closed ? "the session ended" : "a marker got lost");
}

/* ---- steps: what weft must have done ------------------------------------------------------------- */

static bool
parse_prefix(struct run *r, const char *expr, struct ip_prefix *ret)
{
	uint8_t buf[32];
	struct wr w = wr_init(buf, sizeof(buf));
	struct rd rd;
	uint8_t af = strchr(expr, ':') || strncmp(expr, "p6", 2) == 0 ? IP6 : IP4;

	r->a.err[0] = '\0';
	r->a.depth = 0;
	if (!vec_octets(&r->a, expr, &w))
		return wrong(r, "not a prefix: %s", expr);
	rd = rd_init(buf, wr_len(&w));
	*ret = (struct ip_prefix){ .af = af, .len = rd_u8(&rd) };
	rd_copy(&rd, ret->b, rd_left(&rd));
	return true;
}

/* Flags but for Extended Length, type and value are the same. */
static bool
same_attr(struct rd *want, const uint8_t *attr, size_t octets)
{
	struct rd have = rd_init(attr, octets);
	uint8_t flags = rd_u8(&have);
	uint8_t want_flags = rd_u8(want);
	size_t n, m;
	const uint8_t *a, *b;

	rd_u8(&have);
	rd_u8(want);
	n = flags & 0x10 ? rd_u16(&have) : rd_u8(&have);
	m = want_flags & 0x10 ? rd_u16(want) : rd_u8(want);
	a = rd_view(&have, n);
	b = rd_view(want, m);
	return n == m && (flags & 0xe0) == (want_flags & 0xe0) && (n == 0 || memcmp(a, b, n) == 0);
}

static void
show_attrs(const struct vec_route *route, char *buf, size_t cap)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < route->octets && n + 3 < cap; i++)
		n += (size_t)snprintf(buf + n, cap - n, "%02x ", route->attrs[i]);
}

/* with EXPR: these attributes, as they are; without TYPE...: none of these. */
static bool
check_attrs(struct run *r, const struct vec_route *route, const char *with, const char *without)
{
	uint8_t buf[8192];
	struct wr w = wr_init(buf, sizeof(buf));
	struct vec_asm a = r->a;
	char shown[512];
	struct rd rd;

	a.as4 = true;
	a.err[0] = '\0';
	a.depth = 0;
	show_attrs(route, shown, sizeof(shown));
	if (with && !vec_octets(&a, with, &w))
		return wrong(r, "cannot be written: %s", a.err);
	rd = rd_init(buf, wr_len(&w));
	while (rd_left(&rd) > 0) {
		size_t n = 0;
		const uint8_t *attr = vec_route_attr(route, rd.p[1], &n);

		if (!same_attr(&rd, attr, attr ? n : 0))
			return wrong(r, "the observer sees other attributes: %s", shown);
	}
	for (const char *s = without; s && *s; s += strspn(s, " ")) {
		size_t n;

		if (vec_route_attr(route, (uint8_t)strtoul(s, (char **)&s, 10), &n))
			return wrong(r, "the observer sees what should be gone: %s", shown);
	}
	return true;
}

/* route PREFIX [with EXPR] [without TYPE ...] */
static bool
step_route(struct run *r, char *rest)
{
	char *with = strstr(rest, " with "), *without = strstr(rest, " without ");
	const struct vec_route *route;
	struct ip_prefix p;
	uint64_t end;

	if (with)
		*with = '\0', with += 6;
	if (without)
		*without = '\0', without += 9;
	if (!parse_prefix(r, rest, &p) || !settle(r))
		return false;
	for (end = r->w->now_us(r->w) + NEXT_HOP_US; r->w->now_us(r->w) < end; pump(r)) {
		route = vec_view_find(&r->o->view, &p);
		if (route && check_attrs(r, route, with, without))
			return true;
		if (r->w->now_us(r->w) + 100000 < end)
			*r->why = '\0'; /* another one may be on its way */
	}
	return wrong(r, "the observer does not see %s", rest);
}

static bool
step_gone(struct run *r, char *rest)
{
	struct ip_prefix p;

	if (!parse_prefix(r, rest, &p))
		return false;
	if (r->c->closed) /* the end of the session takes its routes away, soon */
		for (uint64_t end = r->w->now_us(r->w) + DEADLINE_US;
		     vec_view_find(&r->o->view, &p) && r->w->now_us(r->w) < end;)
			pump(r);
	else if (!settle(r))
		return false;
	return !vec_view_find(&r->o->view, &p) || wrong(r, "the observer still sees %s", rest);
}

static bool
was_told(struct run *r, const struct ip_prefix *p)
{
	const struct vec_route *route = vec_view_find(&r->told, p);

	return route && route->serial > r->told_before;
}

/* Since the last send weft told us of that prefix. */
static bool
step_told(struct run *r, char *rest)
{
	uint64_t end = r->w->now_us(r->w) + DEADLINE_US;
	struct ip_prefix p;

	if (!parse_prefix(r, rest, &p))
		return false;
	while (!was_told(r, &p) && !r->c->closed && r->w->now_us(r->w) < end)
		pump(r);
	return was_told(r, &p) || wrong(r, "weft does not tell us of %s", rest);
}

static bool
step_untold(struct run *r, char *rest)
{
	struct ip_prefix p;

	return parse_prefix(r, rest, &p) && settle(r) &&
	    (!was_told(r, &p) || wrong(r, "weft told us of %s", rest));
}

static void
show_notification(const struct run *r, char *buf, size_t cap)
{
	size_t n;

	if (r->notified < 2) {
		snprintf(buf, cap, "%s", r->c->closed ? "closed without NOTIFICATION" : "still open");
		return;
	}
	n = (size_t)snprintf(buf, cap, "NOTIFICATION %u/%u", r->notification[0], r->notification[1]);
	for (size_t i = 2; i < r->notified && n + 4 < cap; i++)
		n += (size_t)snprintf(buf + n, cap - n, "%s%02x", i == 2 ? " data " : " ",
		    r->notification[i]);
}

/* notify CODE/SUBCODE [data EXPR] */
static bool
step_notify(struct run *r, char *rest)
{
	char *data = strstr(rest, " data "), got[512];
	uint8_t buf[4096];
	struct wr w = wr_init(buf, sizeof(buf));
	unsigned code, sub;

	if (!until(r, has_ended)) {
		show_notification(r, got, sizeof(got));
		return wrong(r, "not closed: %s", got);
	}
	show_notification(r, got, sizeof(got));
	if (sscanf(rest, "%u/%u", &code, &sub) != 2 || r->notified < 2 ||
	    r->notification[0] != code || r->notification[1] != sub)
		return wrong(r, "got %s", got);
	r->a.err[0] = '\0';
	r->a.depth = 0;
	if (data && !vec_octets(&r->a, data + 6, &w))
		return wrong(r, "cannot be written: %s", r->a.err);
	if (data && (r->notified - 2 != wr_len(&w) || memcmp(buf, r->notification + 2, wr_len(&w)) != 0))
		return wrong(r, "other data: %s", got);
	return true;
}

static bool
step_closed(struct run *r, char *rest)
{
	char got[512];

	if (until(r, has_ended) && !r->notified)
		return true;
	show_notification(r, got, sizeof(got));
	return wrong(r, "want it closed without a word: %s", got);
}

/* ends: closed, with or without a NOTIFICATION */
static bool
step_ends(struct run *r, char *rest)
{
	return until(r, has_ended) || wrong(r, "%s", "not closed");
}

static bool
step_up(struct run *r, char *rest)
{
	return settle(r);
}

static bool
step_send(struct run *r, char *rest)
{
	r->told_before = r->told.serial;
	r->sent_open |= strncmp(rest, "msg:1(", 6) == 0 || strncmp(rest, "$open", 5) == 0;
	return send_octets(r, rest);
}

static bool
step_wait(struct run *r, char *rest)
{
	uint64_t end = r->w->now_us(r->w) + strtoul(rest, NULL, 10) * 1000000;

	while (r->w->now_us(r->w) < end && !r->c->closed)
		pump(r);
	return true;
}

/* offers EXPR: weft's OPEN holds these octets (a whole capability) */
static bool
step_offers(struct run *r, char *rest)
{
	uint8_t buf[256];
	struct wr w = wr_init(buf, sizeof(buf));

	r->a.err[0] = '\0';
	r->a.depth = 0;
	if (!vec_octets(&r->a, rest, &w) || !until(r, has_open))
		return wrong(r, "cannot be written, or no OPEN came: %s", rest);
	return memmem(r->opened, r->opened_octets, buf, wr_len(&w)) || wrong(r, "not offered: %s", rest);
}

/* hangup: our end closes the connection, and dials again for what follows */
static bool
step_hangup(struct run *r, char *rest)
{
	r->w->hang_up(r->w, r->c);
	r->c = r->w->dial(r->w, r->a.kind);
	r->got_open = r->sent_open = r->sent_keepalive = false;
	r->keepalives = 0;
	return r->c || wrong(r, "%s", "weft takes no new connection");
}

static bool
step_deaf(struct run *r, char *rest)
{
	if (r->w->deafen)
		r->w->deafen(r->w, r->c, true);
	return r->w->deafen || wrong(r, "%s", "not in this world");
}

static bool
step_hear(struct run *r, char *rest)
{
	r->w->deafen(r->w, r->c, false);
	return true;
}

static const struct {
	const char *verb;
	bool (*run)(struct run *r, char *rest);
} steps[] = {
	{ "send", step_send },
	{ "notify", step_notify },
	{ "closed", step_closed },
	{ "ends", step_ends },
	{ "up", step_up },
	{ "route", step_route },
	{ "gone", step_gone },
	{ "told", step_told },
	{ "untold", step_untold },
	{ "wait", step_wait },
	{ "hangup", step_hangup },
	{ "offers", step_offers },
	{ "deaf", step_deaf },
	{ "hear", step_hear },
};

static bool
run_step(struct run *r, const struct vec_step *s)
{
	char *rest = mem_strdup(s->rest);
	bool ok = false;
	size_t n;

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(steps[i].verb, s->verb) == 0)
			ok = steps[i].run(r, rest);
	mem_free(rest);
	n = strlen(r->why);
	if (!ok)
		snprintf(r->why + n, 1024 - n, " (line %u: %s %.80s)", s->line, s->verb, s->rest);
	return ok;
}

/* ---- the end --------------------------------------------------------------------------------------- */

static bool
is_of_lane(const struct vec_view *view, unsigned lane)
{
	for (size_t i = 0; i < view->n; i++) {
		const struct ip_prefix *p = &view->v[i].prefix;

		if (p->af == IP4 ? p->b[0] == 20 && p->b[1] == lane
				 : p->b[0] == 0x20 && p->b[2] == 0x0d && p->b[5] == lane)
			return true;
	}
	return false;
}

static bool
lane_is_clean(struct run *r)
{
	return !is_of_lane(&r->o->view, r->a.lane) || r->o->dead;
}

/* Close what is open; nothing of this session may be left at the observer, which must be up. */
static bool
clean_up(struct run *r)
{
	bool ok = true;

	if (r->c && !r->c->closed && r->got_open) {
		send_octets(r, "msg:3(06 09 06 02)"); /* a Hard Reset: nothing is kept */
		ok = until(r, has_ended) || wrong(r, "%s", "weft does not close after a Cease");
	}
	if (r->c)
		r->w->hang_up(r->w, r->c);
	r->c = NULL;
	if (!until(r, lane_is_clean))
		ok = wrong(r, "%s", "routes of the ended session are left at the observer");
	if (r->o->dead)
		ok = wrong(r, "%s", "the observer's session ended");
	if (r->malformed)
		ok = wrong(r, "%s", "weft sent a malformed UPDATE");
	return ok;
}

bool
vec_run_as(struct vec_world *w, struct vec_observer *o, const struct vec_set *set,
    const struct vec *v, enum vec_kind kind, char *why)
{
	struct run *r = mem_zalloc(sizeof(*r));
	bool ok;

	*why = '\0';
	r->w = w;
	r->o = o;
	r->set = set;
	r->v = v;
	r->why = why;
	r->a = (struct vec_asm){ .set = set, .kind = kind, .lane = w->lane };
	read_caps(r);
	r->c = w->dial(w, r->a.kind);
	ok = r->c ? handshake(r) : wrong(r, "%s", "weft does not take the connection");
	for (size_t i = 0; ok && i < v->nsteps; i++)
		ok = run_step(r, &v->steps[i]);
	if (ok && r->c && !r->c->closed && r->sent_open) /* whoever is not closed is well */
		ok = settle(r);
	ok &= clean_up(r);
	vec_view_free(&r->told);
	mem_free(r);
	return ok;
}

bool
vec_run(struct vec_world *w, struct vec_observer *o, const struct vec_set *set,
    const struct vec *v, char *why)
{
	return vec_run_as(w, o, set, v, vec_kind_of(v->peer), why);
}

/* What a vector sends from its first octet on, without waiting for anything. */
bool
vec_script(const struct vec_set *set, const struct vec *v, unsigned lane, struct wr *open,
    struct wr *rest)
{
	char why[1024] = "";
	struct run r = { .set = set, .v = v, .why = why,
		.a = { .set = set, .kind = vec_kind_of(v->peer), .lane = lane } };

	read_caps(&r);
	if (!vec_octets(&r.a, v->open ? v->open : usual_open, open))
		return false;
	if (strcmp(v->state, "established") == 0)
		vec_octets(&r.a, "msg:4()", rest);
	for (size_t i = 0; i < v->nsteps; i++)
		if (strcmp(v->steps[i].verb, "send") == 0)
			vec_octets(&r.a, v->steps[i].rest, rest);
	return !r.a.err[0];
}

bool
vec_observer_settle(struct vec_observer *o)
{
	for (unsigned quiet = 0; quiet < 20 && !o->dead; quiet++) {
		unsigned was = o->view.serial;

		o->w->pump(o->w);
		observer_keepalive(o);
		observe(o);
		if (o->view.serial != was)
			quiet = 0;
	}
	return !o->dead;
}

size_t
vec_observer_routes(const struct vec_observer *o)
{
	return o->view.n;
}

bool
vec_observer_is_up(const struct vec_observer *o)
{
	return !o->dead && !o->c->closed;
}

/* ---- the observer -------------------------------------------------------------------------------------- */

struct vec_observer *
vec_observer_up(struct vec_world *w, const struct vec_set *set, char *why)
{
	struct vec_observer *o = mem_zalloc(sizeof(*o));
	static char caps[] = "$caps $nexthop6";
	struct vec plain = { .caps = caps };
	struct run r = { .w = w, .o = o, .set = set, .v = &plain, .why = why,
		.a = { .set = set, .kind = VEC_OBSERVER, .lane = w->lane } };

	*why = '\0';
	o->w = w;
	o->keepalive_us = w->now_us(w);
	o->c = r.c = w->dial(w, VEC_OBSERVER);
	if (!o->c) {
		wrong(&r, "%s", "weft does not take the observer's connection");
		mem_free(o);
		return NULL;
	}
	read_caps(&r);
	/* observe() would take the handshake's messages away */
	send_open(&r);
	for (uint64_t end = w->now_us(w) + DEADLINE_US; !has_keepalive(&r) && w->now_us(w) < end;) {
		w->pump(w);
		listen(&r);
	}
	send_keepalive(&r);
	if (r.keepalives && !o->c->closed)
		return o;
	wrong(&r, "%s", "the observer's session does not come up");
	vec_observer_free(o);
	return NULL;
}

void
vec_observer_free(struct vec_observer *o)
{
	o->w->hang_up(o->w, o->c);
	vec_view_free(&o->view);
	mem_free(o);
}
