/*
 * Hints about sessions that do not come up; see tcp_hint.h.
 *
 * A wrong password, a missing one and a low hop limit all look like silence to
 * both ends, because the kernel drops such segments.  It counts them for the
 * whole namespace (TCPMD5*, TCPMinTTLDrop), so a rise names a likely reason for
 * the peers that it fits, not a certain one.
 */
#include "agent/tcp_hint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECENT_S 60 /* a peer that retries at its slowest is seen once in that time */

static const char *const counters[TCP_NDROPS] = {
	[DROP_MD5_WRONG] = "TCPMD5Failure",
	[DROP_MD5_MISSING] = "TCPMD5NotFound",
	[DROP_MD5_UNEXPECTED] = "TCPMD5Unexpected",
	[DROP_HOP_LIMIT] = "TCPMinTTLDrop",
};

/* ---- counters ---------------------------------------------------------------- */

static void
take(struct tcp_drops *d, struct mono_us now, const char *name, uint64_t count)
{
	for (size_t i = 0; i < TCP_NDROPS; i++) {
		if (strcmp(counters[i], name) != 0)
			continue;
		if (d->known && count > d->count[i])
			d->rose[i] = now;
		d->count[i] = count;
	}
}

/* Two lines of equally many words: names, then numbers. */
static void
take_lines(struct tcp_drops *d, struct mono_us now, char *names, char *numbers)
{
	char *n1, *n2;
	const char *name = strtok_r(names, " \n", &n1), *number = strtok_r(numbers, " \n", &n2);

	while (name && number) {
		take(d, now, name, strtoull(number, NULL, 10));
		name = strtok_r(NULL, " \n", &n1);
		number = strtok_r(NULL, " \n", &n2);
	}
}

void
tcp_drops_read(struct tcp_drops *d, struct mono_us now, const char *path)
{
	char names[8192], numbers[8192];
	FILE *f;

	if (d->known && !mono_reached(now, mono_add_s(d->read, 1)))
		return;
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(names, sizeof names, f) && fgets(numbers, sizeof numbers, f))
		if (strncmp(names, "TcpExt:", 7) == 0)
			take_lines(d, now, names, numbers);
	fclose(f);
	d->known = true;
	d->read = now;
}

static bool
recently(const struct tcp_drops *d, enum tcp_drop which, struct mono_us now)
{
	return d->rose[which].us && !mono_reached(now, mono_add_s(d->rose[which], RECENT_S));
}

/* ---- hints --------------------------------------------------------------------- */

static bool
is_own_address(const struct fib *f, const struct ip_addr *a)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (fib_next_addr(f, &pos, &ka))
		if (ka.addr.af == a->af && memcmp(ka.addr.b, a->b, sizeof a->b) == 0 &&
		    (!a->ifindex || a->ifindex == ka.ifindex))
			return true;
	return false;
}

/* By address, not by route: the kernel drops the routes of a link that is down. */
static uint32_t
link_towards(const struct fib *f, const struct ip_addr *a)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (!a->ifindex && fib_next_addr(f, &pos, &ka)) {
		struct ip_prefix net = ip_prefix_of(&ka.addr, ka.plen);

		if (ip_prefix_has_addr(&net, a))
			return ka.ifindex;
	}
	return a->ifindex;
}

static const struct kern_link *
dead_link(const struct fib *f, const struct ip_addr *a)
{
	uint32_t ifindex = link_towards(f, a);
	const struct kern_link *l = ifindex ? fib_link(f, ifindex) : NULL;

	return l && (!l->up || !l->carrier) ? l : NULL;
}

/* Is the peer silent, rather than at fault with something that it said? */
static bool
is_silent(enum ipc_fsm_state state)
{
	return state != IPC_IDLE && state != IPC_ESTABLISHED;
}

static const char *
md5_words(const struct tcp_peer *p, enum ipc_fsm_state state, const struct tcp_drops *d,
    struct mono_us now)
{
	if (!p->key_len)
		return recently(d, DROP_MD5_UNEXPECTED, now) ?
		    "the kernel drops segments signed with an MD5 password: "
		    "the peer may have one for us, we have none for it" : NULL;
	if (recently(d, DROP_MD5_WRONG, now) &&
	    !mono_before(d->rose[DROP_MD5_WRONG], d->rose[DROP_MD5_MISSING]))
		return "the kernel drops segments signed with another MD5 password: "
		       "ours and the peer's may differ";
	if (recently(d, DROP_MD5_MISSING, now))
		return "the kernel drops segments without an MD5 signature: "
		       "the peer may have no password for us";
	return state == IPC_CONNECT ?
	    "an MD5 password is set: another one at the peer, or none, looks like this" : NULL;
}

/*
 * Without ebgpMultihop and ttlSecurity packets to eBGP peers leave with TTL 1, and who drops them
 * says nothing; with some daemons not before it has taken our connection and our OPEN.
 */
static const char *
ttl_words(const struct tcp_peer *p, enum ipc_fsm_state state, bool was_up, const struct fib *f)
{
	if (p->ttl != 1)
		return NULL;
	if (!p->link && !fib_onlink_ifindex(f, &p->addr) && !link_towards(f, &p->addr))
		return "it is on no link of this node, and we send TTL 1 to eBGP peers: "
		       "ebgpMultihop lets us reach it";
	return !was_up && (state == IPC_CONNECT || state >= IPC_OPENSENT) ?
	    "we send TTL 1: a peer with TTL security drops that, ttlSecurity here would send 255" : NULL;
}

void
tcp_hint_words(const struct tcp_peer *p, enum ipc_fsm_state state, bool was_up,
    const struct fib *f, const struct tcp_drops *d, struct mono_us now, char *buf, size_t cap)
{
	/* Of an unnumbered peer the link is known before the address is. */
	struct ip_addr at = p->addr.af || !p->link ? p->addr
						   : (struct ip_addr){ .af = IP6, .ifindex = p->link };
	const struct kern_link *l = dead_link(f, &at);
	char addr[IP_ADDR_STRLEN];
	const char *words = NULL;

	*buf = '\0';
	if (is_own_address(f, &p->addr))
		snprintf(buf, cap, "%s is this node's own address", ip_addr_str(&p->addr, addr));
	else if (l)
		snprintf(buf, cap, "interface %s %s", l->name, l->up ? "has no carrier" : "is down");
	else if (is_silent(state) && p->min_ttl && recently(d, DROP_HOP_LIMIT, now))
		snprintf(buf, cap, "ttlSecurity: the kernel drops segments with a hop limit below "
		    "%u; the peer has to send 255", p->min_ttl);
	else if (is_silent(state))
		words = md5_words(p, state, d, now);
	if (!*buf && !words)
		words = ttl_words(p, state, was_up, f);
	if (words)
		snprintf(buf, cap, "%s", words);
}
