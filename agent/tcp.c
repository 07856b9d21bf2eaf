/*
 * BGP's TCP connections on the agent's side.
 *
 * Owns the listeners (opened by weftd) and every connect under way.  A
 * finished connection is described (struct ipc_endpoints) and handed on; this
 * module keeps nothing of it.
 */
#include "agent/tcp.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/core/fib.h"
#include "agent/launcher.h"
#include "agent/tcp_ao.h"
#include "agent/tcp_hint.h"
#include "agent/tcp_peers.h"
#include "agent/tcp_sock.h"
#include "lib/hmap.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/mem.h"

#define LISTEN_BACKLOG	 4096 /* a rack of peers may come at once; a dropped SYN costs a second */
#define LISTEN_RETRY_S	 5
#define NETSTAT		 "/proc/net/netstat"
#define ACCEPT_BATCH	 64 /* accepted in one turn of the loop */
#define PAUSE_MS	 5  /* no accepting while those accepted wait for bgpd */
#define CONNECT_MAX_S	 30 /* bgpd cancels long before; this only bounds leftovers */

struct listener {
	struct list link;
	struct tcp *tcp;
	struct tcp_listen conf;
	int fd; /* -1: could not be opened yet */
	char problem[LAUNCH_TEXT_MAX]; /* why not, or "" */
	struct event *ev;
	bool wanted;
};

struct dial {
	struct hmap_node node;
	struct tcp *tcp;
	uint32_t peer, token;
	int fd, err;
	struct event *ev;
};

struct tcp {
	struct event_base *base;
	struct launcher *launcher;
	struct fib *fib;
	const struct tcp_ops *ops;
	void *ctx;
	struct ip_addr node4, node6;
	struct tcp_peers *peers;
	uint64_t key[2]; /* of maps: peers out of a range may choose their addresses */
	struct tcp_range *ranges;
	size_t nranges;
	struct list listeners;
	struct hmap dials; /* by peer: one at a time for each */
	struct event *retry, *resume;
	struct tcp_drops drops;
	struct log_limit strangers;
};

/* ---- endpoints ------------------------------------------------------------ */

/* The interface that holds a local address; 0: none. */
static uint32_t
ifindex_of_local(const struct fib *f, const struct ip_addr *local)
{
	struct kern_addr ka;
	size_t pos = 0;

	if (local->ifindex)
		return local->ifindex;
	while (fib_next_addr(f, &pos, &ka))
		if (memcmp(ka.addr.b, local->b, sizeof local->b) == 0 && ka.addr.af == local->af)
			return ka.ifindex;
	return 0;
}

/* First usable address of an interface: IPv4, global IPv6 or link-local IPv6; never ::1 and its like. */
static struct ip_addr
addr_on(const struct fib *f, uint32_t ifindex, uint8_t af, bool link_local)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (fib_next_addr(f, &pos, &ka)) {
		if (ka.ifindex != ifindex || ka.addr.af != af || ka.tentative || ip_addr_is_loopback(&ka.addr))
			continue;
		if (af == IP4 || ip_addr_is_link_local(&ka.addr) == link_local)
			return ka.addr;
	}
	return (struct ip_addr){ 0 };
}

#define IFINDEX_LO 1 /* in every network namespace */

/* The other family's next hop "self": on the loopback interface, where all sorts of addresses are,
 * the node's own before others. */
static struct ip_addr
self_of(const struct tcp *t, uint32_t ifindex, uint8_t af)
{
	const struct ip_addr *node = af == IP4 ? &t->node4 : &t->node6;

	if (ifindex == IFINDEX_LO && node->af != IP_NONE)
		return *node;
	return addr_on(t->fib, ifindex, af, false);
}

/*
 * Next hops "self" of a connection: its own local address for its family, and
 * for the other family an address of the same interface, else the node's.  On a
 * link without addresses the peer has no route to the node's: only the
 * link-local one is of use there.
 */
static void
describe(const struct tcp *t, struct ipc_endpoints *ep)
{
	uint32_t ifi = ifindex_of_local(t->fib, &ep->local);
	bool ll = ip_addr_is_link_local(&ep->local) && ep->local.af == IP6;

	ep->ifindex = ep->remote.ifindex ? ep->remote.ifindex : fib_onlink_ifindex(t->fib, &ep->remote);
	ep->self4 = ep->local.af == IP4 ? ep->local : self_of(t, ifi, IP4);
	ep->self6 = ep->local.af == IP6 && !ll ? ep->local : self_of(t, ifi, IP6);
	ep->self6ll = addr_on(t->fib, ifi, IP6, true);
	if (ll)
		return;
	if (ep->self4.af == 0)
		ep->self4 = t->node4;
	if (ep->self6.af == 0)
		ep->self6 = t->node6;
}

static bool
endpoints(const struct tcp *t, int fd, const struct sockaddr_storage *remote,
    struct ipc_endpoints *ret)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	memset(ret, 0, sizeof *ret);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
	    !tcp_from_sockaddr(&ss, &ret->local, &ret->local_port) ||
	    !tcp_from_sockaddr(remote, &ret->remote, &ret->remote_port))
		return false;
	describe(t, ret);
	return true;
}

/* ---- listeners -------------------------------------------------------------- */

static void
refuse_stranger(struct tcp *t, const struct ip_addr *from, const char *why)
{
	char addr[IP_ADDR_STRLEN], text[IPC_TEXT_MAX];
	uint32_t dropped = 0;

	if (!log_limit_pass(&t->strangers, agent_now(), &dropped))
		return;
	snprintf(text, sizeof text, "from=%s why=\"%s\" not-shown=%u", ip_addr_str(from, addr), why,
	    dropped);
	t->ops->event(t->ctx, IPC_LVL_WARN, IPC_PEER_NONE, "connection-refused", text);
}

/* The other side has reset it while it waited to be accepted. */
static bool
is_gone(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	return getpeername(fd, (struct sockaddr *)&ss, &len) < 0;
}

/*
 * Whose connection it is if no peer has the address; NULL, with the reason in words, when it is
 * nobody's.  A listener asks only addresses that it knows for a password: others on the link must
 * not get by without.
 */
static const struct tcp_peer *
owner_of(struct tcp *t, const struct ip_addr *remote, char *ret_why, size_t cap)
{
	const struct tcp_peer *p = tcp_peers_by_link(t->peers, remote);

	if (p && (p->key_len || p->nao)) {
		snprintf(ret_why, cap, "%s has a password, and this is not the router found there", p->name);
		return NULL;
	}
	if (!p && t->ops->admit(t->ctx, remote, ret_why, cap))
		p = tcp_peers_by_addr(t->peers, remote);
	return p;
}

static void
take_accepted(struct tcp *t, int fd, const struct sockaddr_storage *remote)
{
	struct ipc_conn_in in;
	const struct tcp_peer *p;
	char why[IPC_TEXT_MAX] = "the peer is administratively down";
	int r;

	if (!endpoints(t, fd, remote, &in.ep)) {
		close(fd);
		return;
	}
	p = tcp_peers_by_addr(t->peers, &in.ep.remote);
	if (!p && is_gone(fd)) { /* somebody's probe: neither a peer nor a stranger */
		close(fd);
		return;
	}
	if (!p)
		p = owner_of(t, &in.ep.remote, why, sizeof why);
	if (!p || !p->enabled) {
		refuse_stranger(t, &in.ep.remote, why);
		close(fd);
		return;
	}
	r = tcp_set_ttl(fd, in.ep.remote.af, p->ttl, p->min_ttl);
	if (r < 0) {
		refuse_stranger(t, &in.ep.remote, strerror(-r));
		close(fd);
		return;
	}
	tcp_set_common(fd, in.ep.remote.af);
	t->ops->accepted(t->ctx, p->id, &in, fd);
}

/* Nobody is turned away: the kernel keeps those that come until there is room again. */
static void
pause_accepting(struct tcp *t)
{
	static const struct timeval later = { .tv_usec = PAUSE_MS * 1000 };
	struct list *n;

	LIST_FOREACH(n, &t->listeners)
		if (container_of(n, struct listener, link)->ev)
			event_del(container_of(n, struct listener, link)->ev);
	event_add(t->resume, &later);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct tcp *t = arg;
	struct list *n;

	LIST_FOREACH(n, &t->listeners)
		if (container_of(n, struct listener, link)->ev)
			event_add(container_of(n, struct listener, link)->ev, NULL);
}

static void
on_accept(evutil_socket_t lfd, short what, void *arg)
{
	struct listener *l = arg;

	if (l->tcp->ops->full(l->tcp->ctx)) {
		pause_accepting(l->tcp);
		return;
	}
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof ss;
		int fd = accept4(lfd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			take_accepted(l->tcp, fd, &ss);
		else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void
listener_free(struct listener *l)
{
	list_remove(&l->link);
	if (l->ev)
		event_free(l->ev);
	if (l->fd >= 0)
		close(l->fd);
	mem_free(l);
}

static bool
same_listen(const struct tcp_listen *a, const struct tcp_listen *b)
{
	return a->port == b->port && ip_addr_eq(&a->addr, &b->addr);
}

/* The address and port of a listener; a wildcard is named by its family. */
static char *
listener_name(const struct listener *l, char *buf, size_t cap)
{
	char addr[IP_ADDR_STRLEN];

	snprintf(buf, cap, "address=%s port=%u",
	    ip_addr_is_unspec(&l->conf.addr) ? ip_af_str(l->conf.addr.af)
					     : ip_addr_str(&l->conf.addr, addr),
	    l->conf.port);
	return buf;
}

/* It is tried again and again: told once for each reason. */
static void
listen_failed(struct listener *l, int err, const char *words)
{
	char name[IP_ADDR_STRLEN + 32], text[IPC_TEXT_MAX], why[LAUNCH_TEXT_MAX];

	l->fd = -1;
	snprintf(why, sizeof why, "%s", *words ? words : strerror(err));
	if (strcmp(why, l->problem) == 0)
		return;
	memcpy(l->problem, why, sizeof why);
	snprintf(text, sizeof text, "%s why=\"%s\"", listener_name(l, name, sizeof name), why);
	l->tcp->ops->event(l->tcp->ctx, IPC_LVL_ERR, IPC_PEER_NONE, "listen-failed", text);
}

static void
listen_works(struct listener *l)
{
	char name[IP_ADDR_STRLEN + 32];

	if (l->problem[0])
		l->tcp->ops->event(l->tcp->ctx, IPC_LVL_NOTICE, IPC_PEER_NONE, "listening",
		    listener_name(l, name, sizeof name));
	l->problem[0] = '\0';
}

/* peer: the one whose key it is, IPC_PEER_NONE for a range. */
static void
key_failed(struct tcp *t, uint32_t peer, int err)
{
	char text[IPC_TEXT_MAX];

	snprintf(text, sizeof text, "why=\"%s%s\"", strerror(err),
	    err == ENOMEM ? ": a listener takes no more keys (net.core.optmem_max)" : "");
	t->ops->event(t->ctx, IPC_LVL_ERR, peer, "key-failed", text);
}

/* A listener's key of a peer or range, MD5 or TCP-AO; the same key again is fine. */
static int
dress_ao(int fd, const struct ip_prefix *peer, const struct tcp_ao_key *k, uint8_t n)
{
	tcp_ao_unset(fd, peer, k, n);
	return tcp_ao_set(fd, peer, k, n, true);
}

static int
dress_peer(int fd, const struct tcp_peer *p)
{
	struct ip_prefix host = tcp_host_prefix(&p->addr);

	if (p->nao)
		return dress_ao(fd, &host, p->ao, p->nao);
	return p->key_len ? tcp_set_md5(fd, &p->addr, p->key, p->key_len) : 0;
}

static int
dress_range(int fd, const struct tcp_range *g)
{
	if (g->nao)
		return dress_ao(fd, &g->prefix, g->ao, g->nao);
	return g->key_len ? tcp_set_md5_net(fd, &g->prefix, g->key, g->key_len) : 0;
}

/* Keys of every configured peer and range of that family; dynamic peers have their range's. */
static bool
listener_dress_peers(struct listener *l)
{
	struct tcp *t = l->tcp;
	bool gtsm = false;
	struct list *n;

	TCP_PEERS_FOREACH(n, t->peers) {
		const struct tcp_peer *p = tcp_peer_at(n);
		int r;

		if ((p->link ? IP6 : p->addr.af) != l->conf.addr.af || p->dynamic)
			continue;
		gtsm = gtsm || p->min_ttl;
		r = p->addr.af ? dress_peer(l->fd, p) : 0; /* else when it is found */
		if (r < 0)
			key_failed(t, p->id, -r);
	}
	return gtsm;
}

static bool
listener_dress_ranges(struct listener *l)
{
	struct tcp *t = l->tcp;
	bool gtsm = false;

	for (size_t i = 0; i < t->nranges; i++) {
		const struct tcp_range *g = &t->ranges[i];
		int r;

		if (g->prefix.af != l->conf.addr.af)
			continue;
		gtsm = gtsm || g->gtsm;
		r = dress_range(l->fd, g);
		if (r < 0)
			key_failed(t, IPC_PEER_NONE, -r);
	}
	return gtsm;
}

static void
listener_dress(struct listener *l)
{
	/* Peers last: one in a range of its address alone keeps its own key. */
	bool ranges = listener_dress_ranges(l), peers = listener_dress_peers(l);

	if (peers || ranges) /* the SYN-ACK towards a peer that checks must leave with 255 */
		(void)tcp_set_ttl(l->fd, l->conf.addr.af, 255, 0);
}

static bool
listener_open(struct listener *l)
{
	char words[LAUNCH_TEXT_MAX];

	l->fd = launcher_open_listener(l->tcp->launcher, &l->conf.addr, l->conf.port, NULL, words);
	if (l->fd < 0) {
		listen_failed(l, -l->fd, words);
		return false;
	}
	listener_dress(l);
	if (listen(l->fd, LISTEN_BACKLOG) < 0) {
		int err = errno;

		close(l->fd);
		listen_failed(l, err, "");
		return false;
	}
	l->ev = event_new(l->tcp->base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
	event_add(l->ev, NULL);
	listen_works(l);
	return true;
}

static unsigned
open_listeners(struct tcp *t)
{
	static const struct timeval again = { LISTEN_RETRY_S, 0 };
	unsigned failed = 0;
	struct list *n;

	LIST_FOREACH(n, &t->listeners) {
		struct listener *l = container_of(n, struct listener, link);

		if (l->fd < 0 && !listener_open(l))
			failed++;
	}
	if (failed)
		event_add(t->retry, &again);
	return failed;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)open_listeners(arg);
}

static struct listener *
find_listener(struct tcp *t, const struct tcp_listen *c)
{
	struct list *n;

	LIST_FOREACH(n, &t->listeners) {
		struct listener *l = container_of(n, struct listener, link);

		if (same_listen(&l->conf, c))
			return l;
	}
	return NULL;
}

static void
undress_listeners(struct tcp *t, uint8_t af, const struct ip_addr *addr, const struct ip_prefix *net)
{
	struct list *n;

	LIST_FOREACH(n, &t->listeners) {
		struct listener *l = container_of(n, struct listener, link);

		if (l->fd < 0 || l->conf.addr.af != af)
			continue;
		if (addr)
			(void)tcp_set_md5(l->fd, addr, NULL, 0);
		else
			(void)tcp_set_md5_net(l->fd, net, NULL, 0);
	}
}

/*
 * Is the kernel's key of net still somebody's?  That of a peer and that of a range of one address
 * are the same to it.
 */
static bool
has_range_key(const struct tcp *t, const struct ip_prefix *net)
{
	for (size_t i = 0; i < t->nranges; i++)
		if (t->ranges[i].key_len && ip_prefix_eq(&t->ranges[i].prefix, net))
			return true;
	return false;
}

/* That peer's key, once it is gone or has lost it; new keys replace old ones by themselves. */
static void
undress_peer(struct tcp *t, const struct tcp_peer *was)
{
	struct ip_prefix host = tcp_host_prefix(&was->addr);

	if (was->key_len && !was->dynamic && !tcp_peers_have_key(t->peers, &host) &&
	    !has_range_key(t, &host))
		undress_listeners(t, was->addr.af, &was->addr, NULL);
}

static void
undress_peers(struct tcp *t, const struct tcp_peers *were)
{
	struct list *n;

	TCP_PEERS_FOREACH(n, were)
		undress_peer(t, tcp_peer_at(n));
}

static void
listener_undress_ao(struct listener *l)
{
	struct tcp *t = l->tcp;
	struct list *n;

	TCP_PEERS_FOREACH(n, t->peers) {
		const struct tcp_peer *p = tcp_peer_at(n);
		struct ip_prefix host = tcp_host_prefix(&p->addr);

		if (p->nao && p->addr.af == l->conf.addr.af)
			tcp_ao_unset(l->fd, &host, p->ao, p->nao);
	}
	for (size_t i = 0; i < t->nranges; i++)
		if (t->ranges[i].nao && t->ranges[i].prefix.af == l->conf.addr.af)
			tcp_ao_unset(l->fd, &t->ranges[i].prefix, t->ranges[i].ao, t->ranges[i].nao);
}

/* Every TCP-AO key that was there; what is still wanted is set again. */
static void
undress_ao(struct tcp *t)
{
	struct list *n;

	LIST_FOREACH(n, &t->listeners)
		if (container_of(n, struct listener, link)->fd >= 0)
			listener_undress_ao(container_of(n, struct listener, link));
}

static void
undress_ranges(struct tcp *t, const struct tcp_range *old, size_t nold)
{
	for (size_t i = 0; i < nold; i++)
		if (old[i].key_len && !has_range_key(t, &old[i].prefix) &&
		    !tcp_peers_have_key(t->peers, &old[i].prefix))
			undress_listeners(t, old[i].prefix.af, NULL, &old[i].prefix);
}

static void
forget_keys(void *v, size_t octets)
{
	if (v)
		explicit_bzero(v, octets);
	mem_free(v);
}

/* Connects under way as well: the next segment may be the answer to our SYN. */
static void
rekey_dials(struct tcp *t)
{
	struct hmap_node *n;

	HMAP_FOREACH(n, &t->dials) {
		struct dial *d = container_of(n, struct dial, node);
		const struct tcp_peer *p = tcp_peers_by_id(t->peers, d->peer);

		if (p && d->fd >= 0)
			(void)tcp_set_md5(d->fd, &p->addr, p->key, p->key_len);
	}
}

static void
want_listeners(struct tcp *t, const struct tcp_listen *want, size_t n)
{
	struct list *k, *tmp;

	LIST_FOREACH(k, &t->listeners)
		container_of(k, struct listener, link)->wanted = false;
	for (size_t i = 0; i < n; i++) {
		struct listener *l = find_listener(t, &want[i]);

		if (!l) {
			l = mem_zalloc(sizeof *l);
			l->tcp = t;
			l->fd = -1;
			l->conf = want[i];
			list_push_back(&t->listeners, &l->link);
		} else if (l->fd >= 0) {
			listener_dress(l);
		}
		l->wanted = true;
	}
	LIST_FOREACH_SAFE(k, tmp, &t->listeners)
		if (!container_of(k, struct listener, link)->wanted)
			listener_free(container_of(k, struct listener, link));
}

void
tcp_configure(struct tcp *t, const struct tcp_conf *c, unsigned *ret_failed)
{
	struct tcp_peers *were = t->peers;
	struct tcp_range *ranges = t->ranges;
	size_t nranges = t->nranges;
	unsigned failed;

	undress_ao(t);
	t->peers = tcp_peers_new(t->key);
	for (size_t i = 0; i < c->npeers; i++)
		tcp_peers_add(t->peers, &c->peer[i]);
	t->nranges = c->nranges;
	t->ranges = c->nranges ? mem_dup(c->range, c->nranges * sizeof *c->range) : NULL;
	want_listeners(t, c->listen, c->nlistens);
	undress_peers(t, were);
	undress_ranges(t, ranges, nranges);
	tcp_peers_free(were);
	forget_keys(ranges, nranges * sizeof *ranges);
	rekey_dials(t);
	failed = open_listeners(t);
	if (ret_failed)
		*ret_failed = failed;
}

void
tcp_add(struct tcp *t, const struct tcp_peer *p)
{
	tcp_peers_add(t->peers, p);
}

void
tcp_remove(struct tcp *t, uint32_t peer)
{
	tcp_peers_remove(t->peers, peer);
}

/* The keys of a peer that has moved from `was`; others keep theirs as they are. */
static void
redress_peer(struct tcp *t, const struct tcp_peer *was, const struct tcp_peer *p)
{
	struct ip_prefix host = tcp_host_prefix(&was->addr);
	struct list *n;
	int r;

	undress_peer(t, was);
	LIST_FOREACH(n, &t->listeners) {
		struct listener *l = container_of(n, struct listener, link);

		if (l->fd >= 0 && was->nao && was->addr.af == l->conf.addr.af)
			tcp_ao_unset(l->fd, &host, was->ao, was->nao);
		if (l->fd < 0 || p->addr.af != l->conf.addr.af)
			continue;
		r = dress_peer(l->fd, p);
		if (r < 0)
			key_failed(t, p->id, -r);
	}
}

void
tcp_set_addr(struct tcp *t, uint32_t peer, const struct ip_addr *addr)
{
	const struct tcp_peer *p = tcp_peers_by_id(t->peers, peer);
	struct tcp_peer was;

	if (!p || ip_addr_eq(&p->addr, addr))
		return;
	was = *p;
	tcp_peers_move(t->peers, peer, addr);
	if (p->key_len || p->nao)
		redress_peer(t, &was, p);
	explicit_bzero(&was, sizeof was);
}

void
tcp_problem(const struct tcp *t, char *buf, size_t cap)
{
	char addr[IP_ADDR_STRLEN];
	struct list *n;

	*buf = '\0';
	LIST_FOREACH(n, &t->listeners) {
		const struct listener *l = container_of(n, struct listener, link);

		if (!l->problem[0])
			continue;
		snprintf(buf, cap, "peers cannot connect to %s port %u: %s%s",
		    ip_addr_is_unspec(&l->conf.addr) ? ip_af_str(l->conf.addr.af)
						     : ip_addr_str(&l->conf.addr, addr),
		    l->conf.port, l->problem,
		    strstr(l->problem, strerror(EADDRINUSE)) ? " by another program (ss -ltnp shows which)"
							      : "");
		return;
	}
}

void
tcp_hint(struct tcp *t, uint32_t peer, enum ipc_fsm_state state, bool was_up, char *buf,
    size_t cap)
{
	const struct tcp_peer *p = tcp_peers_by_id(t->peers, peer);
	struct mono_us now = agent_now();

	*buf = '\0';
	if (!p)
		return;
	tcp_drops_read(&t->drops, now, NETSTAT);
	tcp_hint_words(p, state, was_up, t->fib, &t->drops, now, buf, cap);
}

/* ---- outgoing connects ------------------------------------------------------ */

static void
dial_free(struct dial *d)
{
	hmap_remove(&d->tcp->dials, &d->node);
	if (d->ev)
		event_free(d->ev);
	if (d->fd >= 0)
		close(d->fd);
	mem_free(d);
}

static uint64_t
dial_hash(const struct tcp *t, uint32_t peer)
{
	return hmap_hash(&t->dials, &peer, sizeof peer);
}

/* NULL: none is under way. */
static struct dial *
dial_of(struct tcp *t, uint32_t peer)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&t->dials, dial_hash(t, peer)); n; n = hmap_next_with(n))
		if (container_of(n, struct dial, node)->peer == peer)
			return container_of(n, struct dial, node);
	return NULL;
}

static void
dial_finish(struct dial *d, int err)
{
	struct tcp *t = d->tcp;
	const struct tcp_peer *p = tcp_peers_by_id(t->peers, d->peer);
	struct ipc_conn_done done = { .peer = d->peer, .token = d->token, .err = err };
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof ss;
	int fd = -1;

	if (err == 0 && (getpeername(d->fd, (struct sockaddr *)&ss, &len) < 0 ||
			    !endpoints(t, d->fd, &ss, &done.ep)))
		done.err = err = ENOTCONN;
	if (err == 0) {
		fd = d->fd;
		d->fd = -1;
	} else if (p) {
		tcp_explain(err, p, done.why, sizeof done.why);
	}
	dial_free(d);
	t->ops->done(t->ctx, &done, fd);
}

static void
on_dial(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	socklen_t len = sizeof d->err;

	if (d->err == 0 && (what & EV_TIMEOUT))
		d->err = ETIMEDOUT;
	else if (d->err == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &d->err, &len) < 0)
		d->err = errno;
	dial_finish(d, d->err);
}

/* Socket ready to connect, or -errno. */
static int
dial_socket(const struct tcp_peer *p)
{
	int af = p->addr.af == IP4 ? AF_INET : AF_INET6;
	int fd = socket(af, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ip_prefix host = tcp_host_prefix(&p->addr);
	struct sockaddr_storage ss;
	socklen_t len;
	int r = 0;

	if (fd < 0)
		return -errno;
	tcp_set_common(fd, p->addr.af);
	r = tcp_set_ttl(fd, p->addr.af, p->ttl, p->min_ttl);
	if (r == 0 && p->key_len)
		r = tcp_set_md5(fd, &p->addr, p->key, p->key_len);
	if (r == 0 && p->nao)
		r = tcp_ao_set(fd, &host, p->ao, p->nao, false);
	if (r == 0 && p->source.af == p->addr.af) {
		len = tcp_sockaddr(&p->source, 0, &ss);
		if (bind(fd, (struct sockaddr *)&ss, len) < 0)
			r = -errno;
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

void
tcp_connect(struct tcp *t, uint32_t peer, uint32_t token)
{
	static const struct timeval limit = { CONNECT_MAX_S, 0 };
	const struct tcp_peer *p = tcp_peers_by_id(t->peers, peer);
	struct dial *d = dial_of(t, peer);
	struct sockaddr_storage ss;
	socklen_t len;

	if (d) /* what is asked for now is wanted instead */
		dial_free(d);
	d = mem_zalloc(sizeof *d);
	tcp_drops_read(&t->drops, agent_now(), NETSTAT);
	d->tcp = t;
	d->peer = peer;
	d->token = token;
	hmap_insert(&t->dials, &d->node, dial_hash(t, peer));
	d->fd = p && p->addr.af ? dial_socket(p) : -EHOSTUNREACH;
	if (d->fd >= 0) {
		len = tcp_sockaddr(&p->addr, p->port, &ss);
		if (connect(d->fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS)
			d->err = errno;
	} else {
		d->err = -d->fd;
		d->fd = -1;
	}
	d->ev = event_new(t->base, d->fd, d->fd >= 0 ? EV_WRITE : 0, on_dial, d);
	if (d->err)
		event_active(d->ev, EV_WRITE, 0); /* never answer from within the call */
	else
		event_add(d->ev, &limit);
}

void
tcp_cancel(struct tcp *t, uint32_t peer, uint32_t token)
{
	struct dial *d = dial_of(t, peer);

	if (d && d->token == token)
		dial_free(d);
}

void
tcp_cancel_all(struct tcp *t)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &t->dials)
		dial_free(container_of(n, struct dial, node));
}

/* ---- new keys ----------------------------------------------------------------- */

/* bgpd reads what strangers send: what it lends is looked at before it is touched. */
int
tcp_rekey(struct tcp *t, uint32_t peer, int fd)
{
	const struct tcp_peer *p = tcp_peers_by_id(t->peers, peer);
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	struct ip_addr remote;
	uint16_t port;
	int r = -EINVAL;

	if (fd < 0)
		return r;
	if (p && getpeername(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    tcp_from_sockaddr(&ss, &remote, &port) && ip_addr_eq(&remote, &p->addr))
		r = tcp_set_md5(fd, &p->addr, p->key, p->key_len);
	close(fd);
	return r;
}

/* ---- life --------------------------------------------------------------------- */

struct tcp *
tcp_new(struct event_base *base, struct launcher *l, struct fib *fib, const struct tcp_ops *ops,
    void *ctx)
{
	struct tcp *t = mem_zalloc(sizeof *t);

	t->base = base;
	t->launcher = l;
	t->fib = fib;
	t->ops = ops;
	t->ctx = ctx;
	if (getrandom(t->key, sizeof t->key, 0) != (ssize_t)sizeof t->key)
		t->key[0] = agent_now().us; /* cannot happen for so few octets */
	t->strangers = (struct log_limit){ .burst = 5, .interval_us = 10000000 };
	list_init(&t->listeners);
	hmap_init(&t->dials, t->key);
	t->peers = tcp_peers_new(t->key);
	t->retry = event_new(base, -1, 0, on_retry, t);
	t->resume = event_new(base, -1, 0, on_resume, t);
	tcp_drops_read(&t->drops, agent_now(), NETSTAT);
	return t;
}

void
tcp_free(struct tcp *t)
{
	struct list *n, *tmp;

	if (!t)
		return;
	tcp_cancel_all(t);
	LIST_FOREACH_SAFE(n, tmp, &t->listeners)
		listener_free(container_of(n, struct listener, link));
	event_free(t->retry);
	event_free(t->resume);
	hmap_free(&t->dials);
	tcp_peers_free(t->peers);
	forget_keys(t->ranges, t->nranges * sizeof *t->ranges);
	mem_free(t);
}

void
tcp_set_node(struct tcp *t, const struct ip_addr *node4, const struct ip_addr *node6)
{
	t->node4 = *node4;
	t->node6 = *node6;
}
