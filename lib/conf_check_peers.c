/*
 * Contradictions in peers, and between peers, communities and advertisements.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/conf_check.h"
#include "lib/conf_community.h"
#include "lib/conf_suggest.h"
#include "lib/mem.h"

/* One finding about one peer; other: what else of the peer it depends on. */
#define CLASH(p, option, other_option, ...)                                                        \
	conf_clash(ctx,                                                                            \
	    &(struct conf_clash){                                                                  \
		.base = (p), .path = (option), .item = -1, .other = (other_option) },              \
	    __VA_ARGS__)

/* ---- two peers ----------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct conf_peer *const *pa = a, *const *pb = b;
	int d = strcmp((*pa)->name, (*pb)->name);

	return d != 0 ? d : *pa < *pb ? -1 : 1; /* the earlier one first */
}

static int
cmp_addr(const struct conf_peer *a, const struct conf_peer *b)
{
	int d = ip_addr_cmp(&a->addr, &b->addr);

	return d != 0 ? d : strcmp(a->ifname, b->ifname);
}

static int
by_addr(const void *a, const void *b)
{
	const struct conf_peer *const *pa = a, *const *pb = b;
	int d = cmp_addr(*pa, *pb);

	return d != 0 ? d : *pa < *pb ? -1 : 1;
}

/* Only on some nodes: racks may use the same addresses. */
static bool
is_elsewhere(const struct conf_peer *p)
{
	return p->node || p->node_selector;
}

static void
check_twins(struct conf_ctx *ctx)
{
	const struct conf_peers *ps = &ctx->c->peers;
	const struct conf_peer **v, *p, *q;
	char buf[IP_ADDR_STRLEN], *place = NULL;

	v = mem_zalloc_array(ps->n + 1, sizeof(v[0]));
	for (size_t i = 0; i < ps->n; i++)
		v[i] = &ps->v[i];
	qsort(v, ps->n, sizeof(v[0]), by_addr);
	for (size_t i = 1; i < ps->n; i++) {
		p = v[i];
		q = v[i - 1];
		if (p->addr.af != IP_NONE && cmp_addr(p, q) == 0 && !is_elsewhere(p) && !is_elsewhere(q))
			CLASH(p, "peers[].peerIP", "peers[].interface",
			    "%s is the address of %s, too", ip_addr_str(&p->addr, buf),
			    (place = conf_peer_place(ctx, q, true)));
		mem_free(place);
		place = NULL;
	}
	qsort(v, ps->n, sizeof(v[0]), by_name);
	for (size_t i = 1; i < ps->n; i++) {
		p = v[i];
		q = v[i - 1];
		if ((p->addr.af != IP_NONE || p->ranges.n > 0 || conf_peer_is_unnumbered(p)) &&
		    strcmp(p->name, q->name) == 0 && (p->ranges.n > 0 || cmp_addr(p, q) != 0))
			CLASH(p, "peers[].name", "peers[].peerIP",
			    "\"%s\" is the name of %s, too", p->name,
			    (place = conf_peer_place(ctx, q, false)));
		mem_free(place);
		place = NULL;
	}
	mem_free(v);
}

/* An option that is written although the one it belongs to is not. */
static void
check_needs(struct conf_ctx *ctx, const struct conf_peer *p)
{
	const struct opt *list = opt_find("peers"), *o = NULL;

	while ((o = opt_next_child(list, o)))
		if (o->needs && opt_is_set(p, o) && !opt_is_set(p, opt_find(o->needs)))
			CLASH(p, o->path, NULL, "this key is for peers with %s",
			    opt_key(opt_find(o->needs)));
}

/* ---- one peer ------------------------------------------------------------ */

static void
check_address(struct conf_ctx *ctx, const struct conf_peer *p)
{
	char buf[IP_ADDR_STRLEN];
	bool link_local = p->addr.af == IP6 && ip_addr_is_link_local(&p->addr);

	ip_addr_str(&p->addr, buf);
	if (link_local && !p->ifname[0])
		CLASH(p, "peers[].peerIP", "peers[].interface",
		    "%s is link-local and needs its interface: %s%%NAME, or the key interface", buf,
		    buf);
	if (!link_local && p->ifname[0] && p->addr.af != IP_NONE)
		CLASH(p, p->peer.ifname[0] ? "peers[].peerIP" : "peers[].interface",
		    "peers[].peerIP", "an interface is for link-local addresses, and %s is none",
		    buf);
	if (p->peer.ifname[0] && strcmp(p->peer.ifname, p->ifname) != 0)
		CLASH(p, "peers[].interface", "peers[].peerIP",
		    "\"%s\" contradicts \"%s\" in peerIP", p->ifname, p->peer.ifname);
	if (p->peer.port != 0 && p->peer.port != p->port)
		CLASH(p, "peers[].port", "peers[].peerIP", "%u contradicts port %u in peerIP",
		    p->port, p->peer.port);
	if (p->source.how != CONF_SOURCE_ADDR || p->addr.af == IP_NONE)
		return;
	ip_addr_str(&p->source.addr, buf);
	if (p->source.addr.af != p->addr.af)
		CLASH(p, "peers[].sourceAddress", "peers[].peerIP",
		    "%s is of another family than the peer's address", buf);
	else if (memcmp(p->source.addr.b, p->addr.b, sizeof(p->addr.b)) == 0)
		CLASH(p, "peers[].sourceAddress", "peers[].peerIP", "%s is the peer's own address",
		    buf);
}

/* Two peers that would be found in the same place. */
static void
check_interface_twins(struct conf_ctx *ctx, const struct conf_peer *p)
{
	for (const struct conf_peer *q = ctx->c->peers.v; q < p; q++)
		if (conf_peer_is_unnumbered(q) && strcmp(p->ifname, q->ifname) == 0) {
			CLASH(p, "peers[].interface", NULL, "%s is the interface of %s already",
			    p->ifname, q->name);
			return;
		}
}

/* A peer that is found on its interface. */
static void
check_unnumbered(struct conf_ctx *ctx, const struct conf_peer *p)
{
	static const char interface[] = "peers[].interface";

	check_interface_twins(ctx, p);
	if (p->source.how == CONF_SOURCE_ADDR || p->source.how == CONF_SOURCE_INTERFACE)
		CLASH(p, "peers[].sourceAddress", interface,
		    "a peer without peerIP is spoken to from the link-local address of %s",
		    p->ifname);
	if (p->multihop_ttl != 0)
		CLASH(p, "peers[].ebgpMultihop", interface,
		    "a peer without peerIP is on the link, and this is for others");
	if (p->ext_next_hop == CONF_OFF && p->families == CONF_FAMILY(IP4))
		CLASH(p, "peers[].extendedNextHop", "peers[].families",
		    "IPv4 needs it here: a peer without peerIP is spoken to over IPv6");
}

/* Under uplinks stand peers that are found, and no others. */
static void
check_uplink(struct conf_ctx *ctx, const struct conf_peer *p)
{
	static const char *const paths[] = { "peers[].peerIP", "peers[].listenRange" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (p->uplink && opt_is_set(p, opt_find(paths[i])))
			CLASH(p, paths[i], NULL,
			    "uplinks find their peer by themselves: this one belongs under peers");
}

/* With peerIP the interface does not stand in for an AS number. */
static void
check_as_given(struct conf_ctx *ctx, const struct conf_peer *p)
{
	if (!p->uplink && p->ifname[0] && !conf_peer_is_unnumbered(p) &&
	    !opt_is_set(p, opt_find("peers[].asNumber")))
		CLASH(p, "peers[].asNumber", "peers[].interface",
		    "required: external or internal, or a number");
}

static bool
is_link_local(const struct ip_prefix *net)
{
	struct ip_addr a = ip_addr_from_bytes(net->af, net->b);

	return net->af == IP6 && net->len >= 10 && ip_addr_is_link_local(&a);
}

static void
check_range_prefixes(struct conf_ctx *ctx, const struct conf_peer *p)
{
	char buf[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < p->ranges.n; i++) {
		const struct ip_prefix *net = &p->ranges.v[i];
		struct conf_clash at = { .base = p, .path = "peers[].listenRange", .item = (int)i,
			.other = "peers[].interface" };
		bool link_local = is_link_local(net);

		if (link_local && !p->ifname[0])
			conf_clash(ctx, &at, "%s is link-local and needs the key interface",
			    ip_prefix_str(net, buf));
		else if (!link_local && p->ifname[0])
			conf_clash(ctx, &at,
			    "an interface is for link-local prefixes, and %s is none",
			    ip_prefix_str(net, buf));
	}
}

static void
check_range(struct conf_ctx *ctx, const struct conf_peer *p)
{
	static const char range[] = "peers[].listenRange";
	static const char dial[] = "this is for connecting, and peers of a listenRange connect to us";

	if (opt_is_set(p, opt_find("peers[].peerIP")))
		CLASH(p, range, "peers[].peerIP", "peerIP stands here, too; keep one of them");
	if (strlen(p->name) > CONF_RANGE_NAME_MAX)
		CLASH(p, "peers[].name", range,
		    "with listenRange a name has at most %d octets: \"%s\" is too long",
		    CONF_RANGE_NAME_MAX, p->name);
	if (!p->passive)
		CLASH(p, "peers[].passive", range, "peers of a listenRange are passive always");
	if (p->port != CONF_PORT_BGP)
		CLASH(p, "peers[].port", range, "%s", dial);
	if (p->source.how != CONF_SOURCE_NODE_IP)
		CLASH(p, "peers[].sourceAddress", range, "%s", dial);
	check_range_prefixes(ctx, p);
}

/* A range that two entries name: which of them would count? */
static void
check_range_twins(struct conf_ctx *ctx, const struct conf_peer *p)
{
	const struct conf_peers *ps = &ctx->c->peers;
	char buf[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < p->ranges.n; i++)
		for (const struct conf_peer *q = ps->v; q <= p; q++)
			for (size_t k = 0; k < (q == p ? i : q->ranges.n); k++) {
				struct conf_clash at = { .base = p, .path = "peers[].listenRange",
					.item = (int)i };

				if (ip_prefix_eq(&p->ranges.v[i], &q->ranges.v[k]) &&
				    strcmp(p->ifname, q->ifname) == 0)
					conf_clash(ctx, &at, "%s is a range of peers[%zu] (%s), too",
					    ip_prefix_str(&p->ranges.v[i], buf),
					    (size_t)(q - ps->v), q->name);
			}
}

/* Options about AS_PATH and roles, and the kind of peer that they are for. */
static void
check_as_path(struct conf_ctx *ctx, const struct conf_peer *p, bool internal)
{
	static const char *const ebgp_only[] = { "peers[].asOverride", "peers[].removePrivate",
		"peers[].role", "peers[].strictRole", "peers[].acceptBlackhole" };
	const struct {
		bool on;
		const char *path;
	} v[] = {
		{ p->as_override, ebgp_only[0] },
		{ p->remove_private != CONF_PRIVATE_KEEP, ebgp_only[1] },
		{ p->role != CONF_ROLE_NONE, ebgp_only[2] },
		{ p->strict_role, ebgp_only[3] },
		{ p->accept_blackhole, ebgp_only[4] },
	};
	bool confed = conf_peer_is_confed(ctx->c, p);

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].on && (internal || confed))
			CLASH(p, v[i].path, "peers[].asNumber",
			    "%s is for eBGP peers, and this one is %s", strchr(v[i].path, '.') + 1,
			    internal ? "internal" : "in our confederation");
	if (p->strict_role && p->role == CONF_ROLE_NONE)
		CLASH(p, "peers[].strictRole", "peers[].role", "strictRole needs a role");
	if (p->local_as != 0 && confed)
		CLASH(p, "peers[].localAS", "peers[].asNumber",
		    "localAS is for peers outside of the confederation");
	if (ctx->c->bgp.confed_id != 0 && p->remote_as.how == CONF_AS_NUMBER &&
	    p->remote_as.asn == ctx->c->bgp.confed_id)
		CLASH(p, "peers[].asNumber", "bgp.confederation.identifier",
		    "%u is our confederation's identifier: write the peer's Member-AS",
		    p->remote_as.asn);
	if (p->local_as == 0 && p->local_as_mode != CONF_LOCAL_AS_REPLACE)
		CLASH(p, "peers[].localASMode", NULL, "localASMode needs localAS");
	if (p->local_as_mode == CONF_LOCAL_AS_DUAL && p->remote_as.how == CONF_AS_NUMBER &&
	    p->remote_as.asn == ctx->c->bgp.asn)
		CLASH(p, "peers[].localASMode", "peers[].asNumber",
		    "with dualAs the peer's AS must differ from bgp.asNumber, too");
}

static void
check_as(struct conf_ctx *ctx, const struct conf_peer *p)
{
	bool internal = conf_peer_is_ibgp(ctx->c, p);

	if (conf_is_bad(ctx, ctx->c, opt_find("bgp.asNumber")) || ctx->c->bgp.asn == 0)
		return;
	if (p->local_as != 0 && p->local_as == ctx->c->bgp.asn)
		CLASH(p, "peers[].localAS", NULL, "%u is bgp.asNumber anyway; leave it out",
		    p->local_as);
	else if (p->local_as != 0 && p->remote_as.how == CONF_AS_INTERNAL)
		CLASH(p, "peers[].localAS", "peers[].asNumber",
		    "localAS is for eBGP peers, and this one is internal");
	else if (p->local_as != 0 && internal)
		CLASH(p, "peers[].localAS", "peers[].asNumber",
		    "%u is the peer's own AS; localAS is for eBGP peers", p->local_as);
	if (internal && p->multihop_ttl != 0)
		CLASH(p, "peers[].ebgpMultihop", "peers[].asNumber",
		    "ebgpMultihop is for eBGP peers, and this one is internal");
	check_as_path(ctx, p, internal);
	if (!internal && p->rr_client)
		CLASH(p, "peers[].routeReflectorClient", "peers[].asNumber",
		    "a route reflector's client is an iBGP peer, and this one is external");
}

static void
check_password(struct conf_ctx *ctx, const struct conf_peer *p)
{
	static const char secret[] = "peers[].password.secretKeyRef";
	const char *first = p->password_file ? "file" : "env";

	if (p->password_file && p->password_env)
		CLASH(p, "peers[].password.env", "peers[].password.file",
		    "file stands here, too; keep one of them");
	else if ((p->password_file || p->password_env) && opt_is_set(p, opt_find(secret)))
		CLASH(p, secret, NULL, "%s stands here, too; keep one of them", first);
	else if (opt_is_set(p, opt_find(secret)) && (!p->password_secret || !p->password_key))
		CLASH(p, secret, p->password_secret ? "peers[].password.secretKeyRef.key" :
						       "peers[].password.secretKeyRef.name",
		    "want {name: NAME, key: KEY}");
	else if (p->password_secret && p->password_key &&
	    (!conf_is_object_name(p->password_secret) || !conf_is_object_name(p->password_key)))
		CLASH(p, secret, NULL, "names in Kubernetes have letters, digits, -, . and _");
	else if (opt_is_set(p, opt_find("peers[].password")) && !p->password_file &&
	    !p->password_env && !opt_is_set(p, opt_find(secret)))
		CLASH(p, "peers[].password", NULL,
		    "want {file: PATH}, {env: NAME} or {secretKeyRef: {name: NAME, key: KEY}}");
}

static void
check_session(struct conf_ctx *ctx, const struct conf_peer *p)
{
	const struct conf_timers *t = &p->timers;
	const char *keepalive = opt_is_set(p, opt_find("peers[].timers.keepalive"))
				    ? "peers[].timers.keepalive"
				    : "peers[].timers.hold";
	const struct opt *alone = opt_find("peers[].gracefulRestart.longLivedWithoutPeer");
	const struct conf_listen *l = &ctx->c->bgp.listen;
	bool own_timers = opt_is_set(p, opt_find("peers[].timers.hold")) ||
			  opt_is_set(p, opt_find("peers[].timers.keepalive"));

	if (p->ttl_security != 0 && p->multihop_ttl != 0)
		CLASH(p, "peers[].ttlSecurity", "peers[].ebgpMultihop",
		    "ttlSecurity and ebgpMultihop exclude each other");
	if (own_timers && t->keepalive_s > 0 && t->hold_s == 0)
		CLASH(p, keepalive, "peers[].timers.hold", "no keepalives are sent when hold is 0");
	else if (own_timers && t->keepalive_s > 0 && t->keepalive_s >= t->hold_s)
		CLASH(p, keepalive, "peers[].timers.hold",
		    "the keepalive time, %us, is not less than the hold time, %us", t->keepalive_s,
		    t->hold_s);
	if (opt_is_set(p, alone) && p->gr.longlived_alone && p->gr.longlived_s == 0)
		CLASH(p, "peers[].gracefulRestart.longLivedWithoutPeer",
		    "peers[].gracefulRestart.longLived", "longLived says for how long, and is off");
	if (p->passive && (!l->enabled || l->port == 0))
		CLASH(p, "peers[].passive", NULL,
		    "a passive peer cannot come up: bgp.listen is switched off");
	check_password(ctx, p);
}

/* ---- passwords ------------------------------------------------------------ */

static bool
has_password(const struct conf_peer *p)
{
	return p->password_file || p->password_env || p->password_secret;
}

static size_t
keys_of(const struct conf_peer *p, uint8_t af)
{
	size_t n = 0;

	if (!has_password(p))
		return 0;
	for (size_t i = 0; i < p->ranges.n; i++)
		n += p->ranges.v[i].af == af;
	return n + (p->addr.af == af) + (af == IP6 && conf_peer_is_unnumbered(p));
}

/* A listener has one key for each peer or prefix. */
static void
check_key_count(struct conf_ctx *ctx, uint8_t af)
{
	const struct conf_peers *ps = &ctx->c->peers;
	size_t n = 0, k;

	for (size_t i = 0; i < ps->n; i++) {
		k = keys_of(&ps->v[i], af);
		if (n <= CONF_KEYS_MAX && n + k > CONF_KEYS_MAX)
			CLASH(&ps->v[i], "peers[].password", NULL,
			    "this is the %s password number %d, and a listener takes no more than that "
			    "less one: a listenRange needs one for all its peers", ip_af_str(af),
			    CONF_KEYS_MAX + 1);
		n += k;
	}
}

/* The kernel asks everybody of a range for its password, configured peers without one, too. */
static void
check_key_of_range(struct conf_ctx *ctx, const struct conf_peer *p)
{
	struct conf_clash at = { .base = p, .path = "peers[].peerIP", .item = -1, .warning = true };
	char buf[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < ctx->c->peers.n; i++) {
		const struct conf_peer *q = &ctx->c->peers.v[i];

		for (size_t k = 0; has_password(q) && k < q->ranges.n; k++)
			if (ip_prefix_has_addr(&q->ranges.v[k], &p->addr)) {
				conf_clash(ctx, &at,
				    "without a password it cannot connect to us: it lies in %s of peers[%zu] "
				    "(%s), which has one", ip_prefix_str(&q->ranges.v[k], buf), i, q->name);
				return;
			}
	}
}

/* ---- TCP-AO ----------------------------------------------------------------- */

static void
check_ao_names(struct conf_ctx *ctx, const struct conf_peer *p)
{
	struct conf_clash at = { .base = p, .path = "peers[].tcpAO" };

	for (size_t i = 0; i < p->ao_names.n; i++) {
		const struct conf_ao_key *k = conf_ao_key_find(ctx->c, p->ao_names.v[i]), *o;

		at.item = (int)i;
		if (!k)
			conf_clash(ctx, &at, "no key of tcpAOKeys has the name \"%s\"",
			    p->ao_names.v[i]);
		for (size_t j = 0; k && j < i; j++) {
			o = conf_ao_key_find(ctx->c, p->ao_names.v[j]);
			if (o && (o->send_id == k->send_id || o->recv_id == k->recv_id))
				conf_clash(ctx, &at, "\"%s\" and \"%s\" have the same %s", o->name,
				    k->name, o->send_id == k->send_id ? "sendID" : "recvID");
		}
	}
	if (p->ao_names.n > CONF_AO_KEYS_MAX)
		CLASH(p, "peers[].tcpAO", NULL, "a peer has at most %d keys", CONF_AO_KEYS_MAX);
	if (p->ao_names.n > 0 && has_password(p))
		CLASH(p, "peers[].tcpAO", "peers[].password", "password stands here, too; keep one of them");
}

static void
check_ao_keys(struct conf_ctx *ctx)
{
	const struct conf_ao_keys *ks = &ctx->c->ao_keys;

	for (size_t i = 0; i < ks->n; i++)
		for (size_t j = 0; j < i; j++)
			if (ks->v[i].name && ks->v[j].name && strcmp(ks->v[i].name, ks->v[j].name) == 0)
				CLASH(&ks->v[i], "tcpAOKeys[].name", NULL,
				    "\"%s\" is the name of tcpAOKeys[%zu], too", ks->v[i].name, j);
}

static void
check_passwords(struct conf_ctx *ctx)
{
	const struct conf_peers *ps = &ctx->c->peers;

	check_key_count(ctx, IP4);
	check_key_count(ctx, IP6);
	check_ao_keys(ctx);
	for (size_t i = 0; i < ps->n; i++)
		check_ao_names(ctx, &ps->v[i]);
	for (size_t i = 0; i < ps->n; i++)
		if (ps->v[i].ranges.n == 0 && !has_password(&ps->v[i]))
			check_key_of_range(ctx, &ps->v[i]);
}

/* Equals are those that the decision process uses side by side: with multipath 1 none are. */
static void
check_add_path(struct conf_ctx *ctx, const struct conf_peer *p)
{
	struct conf_clash at = { .base = p, .path = "peers[].addPath.send", .item = -1, .warning = true,
		.hint = "raise bgp.multipath, or send all" };

	if (p->addpath.send == CONF_ADDPATH_EQUAL && ctx->c->bgp.multipath == 1)
		conf_clash(ctx, &at, "with bgp.multipath 1 nothing is equal: one path is sent");
}

/* ---- the cluster's nodes ------------------------------------------------------ */

static void
check_selectors(struct conf_ctx *ctx, const struct conf_peer *p)
{
	static const char *const not_with[] = { "peers[].peerIP", "peers[].listenRange", "peers[].interface" };

	static const char needs[] = "it needs the labels of Kubernetes' nodes, and kubernetes.enabled is false";

	if (p->node_selector && ctx->c->kube.enabled == CONF_OFF)
		CLASH(p, "peers[].nodeSelector", NULL, "%s", needs);
	if (p->peer_selector && ctx->c->kube.enabled == CONF_OFF)
		CLASH(p, "peers[].peerSelector", NULL, "%s", needs);
	if (p->node && p->node_selector)
		CLASH(p, "peers[].nodeSelector", "peers[].node", "node stands here, too; keep one of them");
	for (size_t i = 0; p->peer_selector && i < sizeof(not_with) / sizeof(not_with[0]); i++)
		if (opt_is_set(p, opt_find(not_with[i])))
			CLASH(p, "peers[].peerSelector", not_with[i],
			    "%s stands here, too; keep one of them", strchr(not_with[i], '.') + 1);
}

/* Who a mesh peer is follows from the cluster. */
static void
check_mesh(struct conf_ctx *ctx, const struct conf_peer *p)
{
	static const char *const who[] = { "peers[].name", "peers[].peerIP", "peers[].node",
		"peers[].nodeSelector", "peers[].peerSelector", "peers[].listenRange", "peers[].interface",
		"peers[].asNumber" };

	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++)
		if (opt_is_set(p, opt_find(who[i])))
			CLASH(p, who[i], NULL, "the nodes say who the peer is: this key is for peers");
	if (p->rr_client)
		CLASH(p, "peers[].routeReflectorClient", NULL,
		    "bgp.routeReflector says who is a client of whom");
	check_session(ctx, p);
	check_add_path(ctx, p);
	check_ao_names(ctx, p);
}

static void
check_reflectors(struct conf_ctx *ctx)
{
	const struct conf_bgp *b = &ctx->c->bgp;
	struct conf_clash at = { .base = ctx->c, .path = "bgp.routeReflector.clusterID", .item = -1,
		.other = "bgp.routeReflector.selector" };

	if (b->rr_cluster_id.af != IP_NONE && !b->rr_selector)
		conf_clash(ctx, &at, "clusterID needs selector: which nodes reflect");
}

bool
conf_is_clustered(const struct conf_ctx *ctx)
{
	const struct conf *c = ctx->c;

	return c->kube.enabled == CONF_ON || (c->kube.enabled == CONF_AUTO && ctx->env && ctx->env->clustered) ||
	    c->kube.kubeconfig || c->bgp.mesh_enabled == CONF_ON || c->bgp.mesh.n > 0 ||
	    c->bgp.rr_selector;
}

void
conf_check_peers(struct conf_ctx *ctx)
{
	const struct conf_peers *ps = &ctx->c->peers;
	struct conf_clash none = { .base = ctx->c, .path = "peers", .item = -1, .warning = true };

	if (ps->n == 0 && !conf_is_clustered(ctx))
		conf_clash(ctx, &none, "no peers: nothing will be announced or learned");
	check_twins(ctx);
	check_passwords(ctx);
	for (size_t i = 0; i < ctx->c->bgp.mesh.n; i++)
		check_mesh(ctx, &ctx->c->bgp.mesh.v[i]);
	check_reflectors(ctx);
	for (size_t i = 0; i < ps->n; i++) {
		check_needs(ctx, &ps->v[i]);
		check_uplink(ctx, &ps->v[i]);
		check_as_given(ctx, &ps->v[i]);
		if (ps->v[i].ranges.n > 0) {
			check_range(ctx, &ps->v[i]);
			check_range_twins(ctx, &ps->v[i]);
		} else if (conf_peer_is_unnumbered(&ps->v[i])) {
			check_unnumbered(ctx, &ps->v[i]);
		} else {
			check_address(ctx, &ps->v[i]);
		}
		if (!ps->v[i].peer_selector)
			check_as(ctx, &ps->v[i]);
		check_selectors(ctx, &ps->v[i]);
		check_session(ctx, &ps->v[i]);
		check_add_path(ctx, &ps->v[i]);
	}
}

/* ---- advertisements ------------------------------------------------------ */

/* Options that belong to one type of advertisement. */
static const struct {
	const char *path;
	enum conf_adv_type type;
	bool needed;
} adv_keys[] = {
	{ "advertisements[].interface", CONF_ADV_INTERFACE, true },
	{ "advertisements[].subnet", CONF_ADV_INTERFACE, false },
	{ "advertisements[].prefixes", CONF_ADV_PREFIX, true },
	{ "advertisements[].addresses", CONF_ADV_SERVICE, true },
	{ "advertisements[].selector", CONF_ADV_SERVICE, false },
	{ "advertisements[].namespaces", CONF_ADV_SERVICE, false },
	{ "advertisements[].serviceAnnotations", CONF_ADV_SERVICE, false },
};

static void
check_adv_keys(struct conf_ctx *ctx, const struct conf_adv *a)
{
	const char *const *words = opt_find("advertisements[].type")->words;
	bool set;

	for (size_t i = 0; i < sizeof(adv_keys) / sizeof(adv_keys[0]); i++) {
		set = opt_is_set(a, opt_find(adv_keys[i].path));
		if (set && a->type != adv_keys[i].type)
			CLASH(a, adv_keys[i].path, "advertisements[].type",
			    "this key is for type %s, and the type is %s", words[adv_keys[i].type],
			    words[a->type]);
		else if (!set && a->type == adv_keys[i].type && adv_keys[i].needed)
			CLASH(a, adv_keys[i].path, "advertisements[].type", "required for type %s",
			    words[a->type]);
	}
}

/* May a peer be called by a node's name? */
static bool
has_nodes(const struct conf_ctx *ctx)
{
	for (size_t i = 0; i < ctx->c->peers.n; i++)
		if (ctx->c->peers.v[i].peer_selector)
			return true;
	return conf_is_clustered(ctx);
}

static void
check_adv_peers(struct conf_ctx *ctx, const struct conf_adv *a)
{
	struct conf_clash at = { .base = a, .path = "advertisements[].peers" };
	struct conf_suggest s;

	for (size_t i = 0; i < a->peers.n; i++) {
		if (conf_peer_find(ctx->c, a->peers.v[i]) || has_nodes(ctx)) /* one may be a node's */
			continue;
		s = conf_suggest_for(a->peers.v[i]);
		for (size_t j = 0; j < ctx->c->peers.n; j++)
			conf_suggest_offer(&s, ctx->c->peers.v[j].name);
		at.item = (int)i;
		conf_clash_name(ctx, at, conf_suggest_best(&s), "peer", a->peers.v[i]);
	}
}

static int
by_value(const void *a, const void *b)
{
	return conf_community_cmp(a, b);
}

static void
unknown_community(struct conf_ctx *ctx, struct conf_clash at, const char *text)
{
	struct conf_suggest s = conf_suggest_for(text);
	char *hint = NULL;

	if (conf_community_near(text))
		conf_suggest_offer(&s, conf_community_near(text));
	for (size_t i = 0; i < ctx->c->communities.n; i++)
		if (ctx->c->communities.v[i].name)
			conf_suggest_offer(&s, ctx->c->communities.v[i].name);
	if (conf_suggest_best(&s))
		hint = mem_printf("did you mean %s?", s.best);
	at.hint = hint;
	conf_clash(ctx, &at, "\"%s\" is not among communities", text);
	mem_free(hint);
}

bool
conf_resolve_community(struct conf_ctx *ctx, const struct conf_clash *at, const char *text, bool ext,
    struct conf_community_value *ret)
{
	if (conf_community_find(ctx->c, text, ret) || (ext && conf_community_parse_ext(text, ret)))
		return true;
	unknown_community(ctx, *at, text);
	return false;
}

static void
resolve_communities(struct conf_ctx *ctx, struct conf_adv *a)
{
	struct conf_community_values *to = &a->communities;
	struct conf_clash at = { .base = a, .path = "advertisements[].communities" };
	size_t n = 0;

	to->v = mem_zalloc_array(a->community_names.n + 1, sizeof(to->v[0]));
	for (size_t i = 0; i < a->community_names.n; i++) {
		at.item = (int)i;
		to->n += conf_resolve_community(
		    ctx, &at, a->community_names.v[i], false, &to->v[to->n]);
	}
	qsort(to->v, to->n, sizeof(to->v[0]), by_value);
	for (size_t i = 0; i < to->n; i++)
		if (n == 0 || conf_community_cmp(&to->v[n - 1], &to->v[i]) != 0)
			to->v[n++] = to->v[i];
	to->n = n;
}

/* A node between links without addresses is reached at an address that it announces. */
static void
check_reachable(struct conf_ctx *ctx)
{
	const struct conf_advs *as = &ctx->c->advertisements;
	struct conf_clash at = { .base = ctx->c, .path = "advertisements", .item = -1, .warning = true,
		.hint = "add {type: NodeIP}" };

	for (size_t i = 0; i < as->n; i++)
		if (as->v[i].type != CONF_ADV_POD_CIDR)
			return;
	if (conf_has_unnumbered(ctx->c))
		conf_clash(ctx, &at,
		    "links without addresses lead to the pods only: the node's own address is not announced");
}

void
conf_check_advertisements(struct conf_ctx *ctx)
{
	struct conf_advs *as = &ctx->c->advertisements;

	check_reachable(ctx);

	for (size_t i = 0; i < as->n; i++) {
		check_adv_keys(ctx, &as->v[i]);
		check_adv_peers(ctx, &as->v[i]);
		resolve_communities(ctx, &as->v[i]);
	}
}
