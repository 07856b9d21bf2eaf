/*
 * Reasons in words: why a peer is not Established.
 *
 * Every text is one sentence fragment without a full stop that names which
 * side found fault with what.  Texts of the peer (RFC 9003) are cleaned by
 * msg_shutdown_text() before they get here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/peer_int.h"

struct words {
	char *buf;
	size_t len;
};

static void add(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->buf + w->len, WHY_MAX - w->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		w->len = w->len + (size_t)n < WHY_MAX ? w->len + (size_t)n : WHY_MAX - 1;
}

/* ---- NOTIFICATIONs ---------------------------------------------------------------------- */

static void
hint_asn(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	add(w, ": it does not expect AS %u here", peer_local_asn(p));
}

static void
hint_id(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	struct ip_addr id = ip_addr_from_v4(p->env->conf->router_id);
	char text[IP_ADDR_STRLEN];

	add(w, ": it does not accept our BGP identifier %s, which may be its own",
	    ip_addr_str(&id, text));
}

static void
hint_hold(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	add(w, ": it does not accept our hold time of %u s", p->conf.hold_s);
}

/* The data lists the capabilities that the peer misses: RFC 5492 section 5. */
static void
hint_capability(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	struct rd r = rd_init(n->data, n->data_octets);
	unsigned shown = 0;

	add(w, ": it wants a capability that we do not offer");
	while (rd_left(&r) >= 2 && shown < 4) {
		uint8_t code = rd_u8(&r);

		rd_skip(&r, rd_u8(&r));
		add(w, "%s%s (%u)", shown++ ? ", " : ": ", cap_name(code), code);
	}
}

/* AFI, SAFI and limit may come along: RFC 4486 section 4. */
static void
hint_max_prefixes(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	struct rd r = rd_init(n->data, n->data_octets);
	uint16_t afi = rd_u16(&r);
	uint8_t safi = rd_u8(&r);
	uint32_t limit = rd_u32(&r);

	add(w, ": we announce more prefixes than it allows");
	if (rd_done(&r) && (afi == IP4 || afi == IP6) && safi == BGP_SAFI_UNICAST)
		add(w, ", which is %" PRIu32 " of %s", limit, afi_desc[AF_IDX(afi)].name);
}

static void
hint_role(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	if (p->conf.role == IPC_ROLE_NONE)
		add(w, ": it wants our role, and none is configured here");
	else
		add(w, ": it does not accept that we are %s to it",
		    ipc_role_name((enum ipc_role)p->conf.role));
}

static void
hint_text(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	char text[WHY_MAX];

	if (*msg_shutdown_text(n, text, sizeof(text)))
		add(w, ": \"%s\"", text);
}

static void hint_hard_reset(const struct peer *p, const struct msg_notification *n, struct words *w);

static const struct {
	uint8_t code, sub;
	const char *hint;
	void (*fn)(const struct peer *p, const struct msg_notification *n, struct words *w);
} hints[] = {
	{ ERR_OPEN, OPEN_BAD_VERSION, "it does not speak BGP-4", NULL },
	{ ERR_OPEN, OPEN_BAD_PEER_AS, NULL, hint_asn },
	{ ERR_OPEN, OPEN_BAD_ID, NULL, hint_id },
	{ ERR_OPEN, OPEN_BAD_PARAMETER, "it refuses optional parameters", NULL },
	{ ERR_OPEN, OPEN_BAD_HOLD_TIME, NULL, hint_hold },
	{ ERR_OPEN, OPEN_BAD_CAPABILITY, NULL, hint_capability },
	{ ERR_OPEN, OPEN_ROLE_MISMATCH, NULL, hint_role },
	{ ERR_HOLD_TIMER, 0, "it heard nothing from us in time", NULL },
	{ ERR_CEASE, CEASE_MAX_PREFIXES, NULL, hint_max_prefixes },
	{ ERR_CEASE, CEASE_ADMIN_SHUTDOWN, NULL, hint_text },
	{ ERR_CEASE, CEASE_DECONFIGURED, "it has no configuration for us any more", NULL },
	{ ERR_CEASE, CEASE_ADMIN_RESET, NULL, hint_text },
	{ ERR_CEASE, CEASE_REJECTED, "it does not take a connection from us now", NULL },
	{ ERR_CEASE, CEASE_HARD_RESET, NULL, hint_hard_reset },
	{ ERR_SEND_HOLD_TIMER, 0, "we did not read what it sent in time", NULL },
};

static void
say_notification(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	char name[BGP_WORDS_MAX];

	add(w, "%s", bgp_err_words(n->code, n->sub, name));
	for (unsigned i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (hints[i].code != n->code || hints[i].sub != n->sub)
			continue;
		if (hints[i].fn)
			hints[i].fn(p, n, w);
		else
			add(w, ": %s", hints[i].hint);
	}
}

/* What is inside says why; a Hard Reset in a Hard Reset says nothing. */
static void
hint_hard_reset(const struct peer *p, const struct msg_notification *n, struct words *w)
{
	struct msg_notification inner, again;

	msg_hard_reset(n, &inner);
	if (inner.code == 0 || msg_hard_reset(&inner, &again))
		return;
	add(w, ": ");
	say_notification(p, &inner, w);
}

char *
why_notification(const struct peer *p, const struct msg_notification *n, char *buf)
{
	struct words w = { .buf = buf };

	add(&w, "peer says ");
	say_notification(p, n, &w);
	return buf;
}

/* ---- TCP ----------------------------------------------------------------------------------- */

static const struct {
	int err;
	const char *connect; /* the address follows */
	const char *closed;  /* "connection lost: ..." */
} errnos[] = {
	{ ECONNREFUSED, "connect refused: nothing listens on", "refused" },
	{ ETIMEDOUT, "connect timed out: no answer from", "the peer's host does not answer" },
	{ EHOSTUNREACH, "no route to host", "no route to host" },
	{ ENETUNREACH, "no route to the network of", "no route to its network" },
	{ EADDRNOTAVAIL, "our source address is not on this host, for the connect to",
	    "our address is gone from this host" },
	{ ECONNRESET, "connect reset by", "reset by the peer" },
	{ EPIPE, "connect broken off by", "the peer has closed it" },
};

#define NERRNOS (sizeof(errnos) / sizeof(errnos[0]))

char *
why_connect(const struct peer *p, int err, const char *said, char *buf)
{
	struct words w = { .buf = buf };
	char addr[IP_ADDR_STRLEN];

	ip_addr_bare_str(&p->addr, addr);
	if (said && *said) {
		add(&w, "%s", said);
		return buf;
	}
	for (unsigned i = 0; i < NERRNOS; i++) {
		if (errnos[i].err != err)
			continue;
		add(&w, "%s %s", errnos[i].connect, addr);
		return buf;
	}
	add(&w, "connect to %s failed with error %d", addr, err);
	return buf;
}

char *
why_closed(const struct session *s, int err, char *buf)
{
	struct words w = { .buf = buf };
	char addr[IP_ADDR_STRLEN];

	/* Who closes with our OPEN unread sends a reset instead. */
	if ((err == 0 || err == ECONNRESET) && s->state == FSM_OPENSENT && !s->have_open) {
		add(&w, "the peer closed the connection before its OPEN: "
			"it may not expect one from %s",
		    ip_addr_bare_str(&s->conn->ep.local, addr));
		return buf;
	}
	if (err == 0)
		add(&w, "the peer closed the connection%s",
		    s->state == FSM_ESTABLISHED ? "" : " after its OPEN");
	else
		add(&w, "connection lost: ");
	for (unsigned i = 0; err != 0 && i < NERRNOS; i++)
		if (errnos[i].err == err) {
			add(&w, "%s", errnos[i].closed);
			return buf;
		}
	if (err != 0)
		add(&w, "error %d", err);
	return buf;
}

/* ---- the row -------------------------------------------------------------------------------- */

static unsigned
left_s(struct mono_us now, struct mono_us when)
{
	return (unsigned)((mono_diff_us(when, now) + 999999) / 1000000);
}

static void
idle_words(const struct peer *p, struct mono_us now, struct words *w)
{
	const char *stopped = peer_stopped_why(p);
	struct mono_us next = p->s[SESSION_OUT].deadline[TIMER_IDLE_HOLD];

	if (p->admin_down || !p->conf.enabled || !p->started) {
		add(w, "%s%s%s", stopped, p->admin_down && p->reason ? ": " : "",
		    p->admin_down && p->reason ? p->reason : "");
		return;
	}
	if (p->drained) {
		add(w, "%s%s%s", stopped, p->conf.drain_text[0] ? ": " : "", p->conf.drain_text);
		return;
	}
	add(w, "%s", p->reason ? p->reason : "idle");
	if (!mono_is_never(p->idle_until) && p->idle_until.us > 0)
		next = p->idle_until;
	if (!mono_is_never(next))
		add(w, "; next attempt in %u s", left_s(now, next));
	else if (stopped)
		add(w, "; stays down until it is reset by command");
}

static void
active_words(const struct peer *p, struct mono_us now, struct words *w)
{
	if (p->conf.unnumbered && p->addr.af == IP_NONE) {
		add(w, "no router advertisement heard on %s for %u s; is the router sending them?",
		    p->conf.ifname, (unsigned)(mono_diff_us(now, p->unheard_since) / 1000000));
		return;
	}
	if (p->reason)
		add(w, "%s; ", p->reason);
	add(w, p->conf.passive ? "waiting for the peer to connect (passive)" : "about to connect again");
}

char *
why_not_up(const struct peer *p, struct mono_us now, char *buf)
{
	struct words w = { .buf = buf };
	char addr[IP_ADDR_STRLEN];

	*buf = '\0';
	ip_addr_bare_str(&p->addr, addr);
	switch (peer_state(p)) {
	case FSM_IDLE:
		idle_words(p, now, &w);
		break;
	case FSM_CONNECT:
		if (p->reason)
			add(&w, "%s; connecting again", p->reason);
		else
			add(&w, "connecting to %s", addr);
		break;
	case FSM_ACTIVE:
		active_words(p, now, &w);
		break;
	case FSM_OPENSENT:
		add(&w, "connected, waiting for its OPEN");
		break;
	case FSM_OPENCONFIRM:
		add(&w, "OPENs agree, waiting for its first KEEPALIVE");
		break;
	case FSM_ESTABLISHED:
	case FSM_NSTATES:
		break;
	}
	return buf;
}
