/*
 * Node addresses and the router id.
 *
 * The order of `auto` for each family: the InternalIP of the Kubernetes Node; on a node whose links have no addresses
 * (uplinks) a host address on lo; the source address that the kernel uses towards
 * the default route; an address in the subnet of a configured peer; the first
 * address of a real interface; a host address on lo.  Never an address of a
 * container bridge, and never a virtual one (/32 on another interface than lo).
 * RFC 6286: a router id is any 32-bit number but 0, unique within the AS.
 */
#include "agent/identity.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/core/cluster.h"
#include "agent/core/fib.h"
#include "agent/tcp_sock.h"
#include "lib/conf.h"
#include "lib/hmap.h"

/* Interfaces that carry pods or virtual networks, by the names that CNI plugins, docker and
 * libvirt give them. */
static const char *const virtual_ifs[] = { "docker", "cni", "veth", "cali", "br-", "virbr", "kube",
	"flannel", "lxc", "weave", "tunl", "vxlan", "nodelocaldns" };

static bool
is_virtual(const char *name)
{
	for (size_t i = 0; i < sizeof virtual_ifs / sizeof virtual_ifs[0]; i++)
		if (strncmp(name, virtual_ifs[i], strlen(virtual_ifs[i])) == 0)
			return true;
	return false;
}

static bool
same_octets(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->af == b->af && memcmp(a->b, b->b, sizeof a->b) == 0;
}

static bool
on_node(const struct fib *f, const struct ip_addr *a)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (fib_next_addr(f, &pos, &ka))
		if (same_octets(&ka.addr, a))
			return true;
	return false;
}

static bool
usable(const struct kern_addr *ka, uint8_t af)
{
	return ka->addr.af == af && !ka->tentative && !ka->deprecated &&
	    !ip_addr_is_loopback(&ka->addr) && !ip_addr_is_link_local(&ka->addr);
}

/* What the kernel would use as source towards dst: nothing is sent. af 0: no route. */
static struct ip_addr
source_towards(const struct ip_addr *dst)
{
	struct sockaddr_storage ss;
	socklen_t len = tcp_sockaddr(dst, 9, &ss);
	struct ip_addr a = { 0 };
	uint16_t port;
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return a;
	if (connect(fd, (struct sockaddr *)&ss, len) == 0) {
		len = sizeof ss;
		if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
		    !tcp_from_sockaddr(&ss, &a, &port) || ip_addr_is_unspec(&a) ||
		    ip_addr_is_loopback(&a) || ip_addr_is_link_local(&a))
			a = (struct ip_addr){ 0 };
	}
	close(fd);
	return a;
}

/* Through the default route: documentation addresses have no route of their own. */
static struct ip_addr
by_default_route(uint8_t af)
{
	struct ip_addr dst = { 0 };

	(void)ip_addr_parse(af == IP4 ? "192.0.2.1" : "2001:db8::1", &dst);
	return source_towards(&dst);
}

static struct ip_addr
first_on(const struct fib *f, uint32_t ifindex, uint8_t af)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (fib_next_addr(f, &pos, &ka))
		if (ka.ifindex == ifindex && usable(&ka, af))
			return ka.addr;
	return (struct ip_addr){ 0 };
}

static struct ip_addr
by_peers(const struct agent *a, uint8_t af)
{
	for (size_t i = 0; i < a->npeers; i++) {
		uint32_t ifi = fib_onlink_ifindex(a->fib, &a->peers[i].addr);
		struct ip_addr got = { 0 };

		if (ifi)
			got = first_on(a->fib, ifi, af);
		if (got.af)
			return got;
	}
	return (struct ip_addr){ 0 };
}

static bool
is_on_lo(const struct fib *f, const struct ip_addr *a)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (fib_next_addr(f, &pos, &ka)) {
		const struct kern_link *l = fib_link(f, ka.ifindex);

		if (l && l->loopback && same_octets(&ka.addr, a))
			return true;
	}
	return false;
}

/* The first of a real interface (lo false) or a host address on lo (lo true). */
static struct ip_addr
first_real(const struct fib *f, uint8_t af, bool lo)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (fib_next_addr(f, &pos, &ka)) {
		const struct kern_link *l = fib_link(f, ka.ifindex);

		if (!l || l->loopback != lo || !usable(&ka, af))
			continue;
		if (lo || (!is_virtual(l->name) && ka.plen != ip_af_bits(af)))
			return ka.addr;
	}
	return (struct ip_addr){ 0 };
}

/* Where the other nodes of the cluster expect us: the InternalIP of our Node. */
static struct ip_addr
by_cluster(const struct agent *a, uint8_t af)
{
	const struct cluster_node *own = a->cluster ? cluster_own(a->cluster) : NULL;

	for (size_t i = 0; own && i < own->naddrs; i++)
		if (own->addrs[i].af == af && on_node(a->fib, &own->addrs[i]))
			return own->addrs[i];
	return (struct ip_addr){ 0 };
}

static struct ip_addr
by_auto(const struct agent *a, uint8_t af, const struct ip_addr *now)
{
	struct ip_addr got = by_cluster(a, af);

	if (got.af)
		return got;
	if (conf_has_unnumbered(a->conf) && !(now->af && is_on_lo(a->fib, now)))
		got = first_real(a->fib, af, true);
	if (got.af)
		return got;
	if (now->af && on_node(a->fib, now))
		return *now;
	got = by_default_route(af);
	if (!got.af)
		got = by_peers(a, af);
	if (!got.af)
		got = first_real(a->fib, af, false);
	if (!got.af)
		got = first_real(a->fib, af, true);
	return got;
}

static struct ip_addr
by_cidr(const struct fib *f, const struct ip_prefix *cidr)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (fib_next_addr(f, &pos, &ka))
		if (usable(&ka, cidr->af) && ip_prefix_has_addr(cidr, &ka.addr))
			return ka.addr;
	return (struct ip_addr){ 0 };
}

static struct ip_addr
by_rule(const struct agent *a, const struct conf_ip_rule *r, uint8_t af, const struct ip_addr *now)
{
	const struct kern_link *l;

	switch (r->how) {
	case CONF_IP_AUTO:
		return by_auto(a, af, now);
	case CONF_IP_ADDR:
		return r->addr;
	case CONF_IP_INTERFACE:
		l = fib_link_by_name(a->fib, r->ifname);
		return l ? first_on(a->fib, l->ifindex, af) : (struct ip_addr){ 0 };
	case CONF_IP_CIDR:
		return by_cidr(a->fib, &r->cidr);
	case CONF_IP_CAN_REACH:
		return source_towards(&r->addr);
	}
	return (struct ip_addr){ 0 };
}

static struct ip_addr
node_addr(const struct agent *a, uint8_t af, const struct ip_addr *now)
{
	const struct conf_ip_rules *rules = &a->conf->node.ip;

	for (size_t i = 0; i < rules->n; i++) {
		struct ip_addr got = by_rule(a, &rules->v[i], af, now);

		if (got.af == af)
			return got;
	}
	return (struct ip_addr){ 0 };
}

/* Without an IPv4 address: a number from the name that is the same at every start. */
static uint32_t
id_from_name(const char *name)
{
	static const uint64_t key[2] = { 0x77656674, 0x726f7574 };
	uint32_t id = (uint32_t)siphash24(key, name, strlen(name));

	return id ? id : 1;
}

static void
tell_change(struct agent *a, const char *what, const struct ip_addr *was, const struct ip_addr *now)
{
	char from[IP_ADDR_STRLEN], to[IP_ADDR_STRLEN];

	if (!ip_addr_eq(was, now))
		events_addf(a->events, IPC_LVL_INFO, "node-address", "family=%s from=%s to=%s", what,
		    ip_addr_str(was, from), ip_addr_str(now, to));
}

void
identity_resolve(struct agent *a)
{
	struct ip_addr was4 = a->node4, was6 = a->node6;
	const struct ip_addr *id = &a->conf->bgp.router_id;

	a->node4 = node_addr(a, IP4, &was4);
	a->node6 = node_addr(a, IP6, &was6);
	tell_change(a, "ipv4", &was4, &a->node4);
	tell_change(a, "ipv6", &was6, &a->node6);
	if (id->af)
		a->router_id = ip_addr_v4(id);
	else if (a->router_id == 0 || a->router_id == id_from_name(a->conf->node.name))
		a->router_id = a->node4.af ? ip_addr_v4(&a->node4) : id_from_name(a->conf->node.name);
}

/* A directly connected peer expects the address of the link: the node's own address is only used
 * there when it lies on that very link. Towards a link-local address the kernel takes the link-local
 * one of that interface, which is what the peer is configured with. */
static struct ip_addr
node_ip_towards(const struct agent *a, const struct conf_peer *c, const struct ip_addr *peer)
{
	struct ip_addr node = peer->af == IP4 ? a->node4 : a->node6;
	bool direct = !conf_peer_is_ibgp(a->conf, c) && c->multihop_ttl == 0;
	uint32_t ifi = fib_onlink_ifindex(a->fib, peer);

	if (peer->af == IP6 && ip_addr_is_link_local(peer))
		return (struct ip_addr){ 0 };
	if (direct || ifi) {
		struct ip_addr on_link = ifi ? first_on(a->fib, ifi, peer->af) : (struct ip_addr){ 0 };

		if (!same_octets(&on_link, &node))
			return (struct ip_addr){ 0 };
	}
	return node;
}

bool
identity_source(const struct agent *a, const struct conf_peer *c, const struct ip_addr *peer,
    struct ip_addr *ret, char *problem)
{
	const struct kern_link *l;

	*ret = (struct ip_addr){ 0 };
	switch (c->source.how) {
	case CONF_SOURCE_NODE_IP:
		*ret = node_ip_towards(a, c, peer);
		return true;
	case CONF_SOURCE_NONE:
		return true;
	case CONF_SOURCE_ADDR:
		*ret = c->source.addr;
		return true;
	case CONF_SOURCE_INTERFACE:
		l = fib_link_by_name(a->fib, c->source.ifname);
		if (l)
			*ret = first_on(a->fib, l->ifindex, peer->af);
		if (ret->af)
			return true;
		snprintf(problem, IPC_TEXT_MAX, "sourceAddress: interface %s %s", c->source.ifname,
		    l ? "has no address of the peer's family" : "is not there");
		return false;
	}
	return true;
}
