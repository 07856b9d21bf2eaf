/*
 * From the configuration of all nodes to that of one. See conf_expand.h.
 *
 * Peers made of one template share with it all that they point to but their names, so that a mesh
 * of 1,000 costs the structs alone.
 */
#include "lib/conf_expand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf_ctx.h"
#include "lib/conf_type.h"
#include "lib/hmap.h"
#include "lib/mem.h"

#define MULTIHOP_TTL 255
#define POD_CIDR_MIN4 12 /* bits: what is wider is no node's, whatever its Node object says */
#define POD_CIDR_MIN6 32
#define MERGED_MIN    8
#define NAME_KEPT    54 /* octets of a longer name, before a hash of the whole */

struct expand {
	struct conf *c;
	const struct conf_cluster_view *view; /* NULL: a plain host */
	struct selector *reflectors;	      /* NULL: none */
	bool mesh;
	bool own_reflects;
	bool *made; /* is node i of the view a peer already? */
	struct conf_peers out;
	size_t room;
};

/* ---- what is written ----------------------------------------------------------- */

static bool
selects(const char *text, const struct labels *labels)
{
	struct selector *s = selector_parse(text, NULL, NULL); /* its option's type has checked it */
	bool ret = s && selector_match(s, labels);

	selector_free(s);
	return ret;
}

/* Is the peer for this node? */
static bool
is_here(const struct expand *x, const struct conf_peer *p)
{
	if (p->node && strcmp(p->node, x->c->node.name) != 0)
		return false;
	if (!p->node_selector)
		return true;
	return x->view && x->view->own && selects(p->node_selector, x->view->own->labels);
}

static void
peers_add(struct conf_peers *to, const struct conf_peer *p)
{
	to->v = mem_realloc_array(to->v, to->n + 1, sizeof *to->v);
	to->v[to->n++] = *p;
}

static bool
is_for_some_nodes(const struct conf_peer *p)
{
	return p->node || p->node_selector;
}

static bool
has_address_of(const struct conf_peer *p, const struct conf_peer *q)
{
	return p->addr.af != IP_NONE && ip_addr_eq(&q->addr, &p->addr) && strcmp(q->ifname, p->ifname) == 0;
}

/*
 * Two peers of one address that are both for this node: the first counts.  Those that are for every
 * node were held against each other before (conf_check_peers.c); some: which of those that stay are
 * for some nodes, nsome of them.
 */
static bool
is_twin(const struct conf_peers *before, size_t n, const size_t *some, size_t nsome,
    const struct conf_peer *p)
{
	if (!is_for_some_nodes(p)) {
		for (size_t i = 0; i < nsome; i++)
			if (has_address_of(p, &before->v[some[i]]))
				return true;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (has_address_of(p, &before->v[i]))
			return true;
	return false;
}

/* Peers of other nodes go, templates are put aside. */
static void
sort_out(struct expand *x)
{
	struct conf_peers gone = { NULL, 0 }, *ps = &x->c->peers;
	size_t *some = mem_zalloc_array(ps->n + 1, sizeof(*some)), nsome = 0, n = 0;

	for (size_t i = 0; i < ps->n; i++) {
		struct conf_peer *p = &ps->v[i];

		if (!is_here(x, p) || is_twin(ps, n, some, nsome, p)) {
			peers_add(&gone, p);
		} else if (p->peer_selector) {
			peers_add(&x->c->templates, p);
		} else {
			if (is_for_some_nodes(p))
				some[nsome++] = n;
			ps->v[n++] = *p;
		}
	}
	ps->n = n;
	mem_free(some);
	conf_peers_clear(&gone);
}

/* ---- nodes ------------------------------------------------------------------------ */

uint32_t
conf_node_asn(const struct conf_node_view *n)
{
	const char *text = labels_get(n->annotations, CONF_ANNOTATION_AS);
	struct opt_why why = { NULL, NULL };
	uint32_t asn = 0;

	if (!text)
		return 0;
	if (!opt_parse(opt_find("bgp.asNumber"), text, &asn, &why))
		asn = 0;
	mem_free(why.wanted);
	mem_free(why.hint);
	return asn;
}

bool
conf_mesh_on(const struct conf *c)
{
	return c->bgp.mesh_enabled == CONF_ON || (c->bgp.mesh_enabled == CONF_AUTO && !c->bgp.rr_selector);
}

enum conf_role_in_cluster
conf_node_role(const struct conf *c, const struct conf_node_view *n)
{
	if (c->bgp.rr_selector && selects(c->bgp.rr_selector, n->labels))
		return CONF_NODE_REFLECTOR;
	return conf_mesh_on(c) ? CONF_NODE_MESH : CONF_NODE_CLIENT;
}

const char *
conf_node_role_str(enum conf_role_in_cluster role)
{
	switch (role) {
	case CONF_NODE_MESH:
		return "mesh";
	case CONF_NODE_REFLECTOR:
		return "reflector";
	case CONF_NODE_CLIENT:
		return "client";
	}
	return "unknown";
}

static bool
reflects(const struct expand *x, const struct conf_node_view *n)
{
	return x->reflectors && selector_match(x->reflectors, n->labels);
}

static const struct ip_addr *
addr_of(const struct conf_node_view *n, uint8_t af)
{
	for (size_t i = 0; i < n->naddrs; i++)
		if (n->addrs[i].af == af)
			return &n->addrs[i];
	return NULL;
}

/* The first family that both have, of those of the session before the other one. NULL: none. */
static const struct ip_addr *
common_addr(const struct expand *x, const struct conf_node_view *n, uint32_t families)
{
	const struct conf_node_view *own = x->view->own;

	for (int any = 0; any < 2; any++)
		for (uint8_t af = IP4; af <= IP6; af++)
			if ((any || (families & CONF_FAMILY(af))) && addr_of(n, af) && addr_of(own, af))
				return addr_of(n, af);
	return NULL;
}

/* ---- making peers --------------------------------------------------------------- */

/* What peers are made of: a template whose bits say what theirs will. */
struct mould {
	struct conf_peer p;
	bool import_given, export_given, as_given, ttl_given;
};

static struct mould
mould_of(const struct conf_peer *tmpl, enum conf_peer_origin origin)
{
	static const char *const set[] = { "peers[].name", "peers[].peerIP", "peers[].asNumber",
		"peers[].import", "peers[].export" };
	static const char *const unset[] = { "peers[].node", "peers[].nodeSelector", "peers[].peerSelector" };
	struct mould m = { .p = *tmpl,
		.import_given = opt_is_set(tmpl, opt_find("peers[].import")),
		.export_given = opt_is_set(tmpl, opt_find("peers[].export")),
		.as_given = opt_is_set(tmpl, opt_find("peers[].asNumber")),
		.ttl_given = opt_is_set(tmpl, opt_find("peers[].ebgpMultihop")) || tmpl->ttl_security != 0 };

	m.p.origin = origin;
	m.p.name = m.p.of_node = m.p.node = m.p.node_selector = m.p.peer_selector = NULL;
	for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
		opt_mark_set(&m.p, opt_find(set[i]));
	for (size_t i = 0; i < sizeof unset / sizeof unset[0]; i++)
		opt_mark_unset(&m.p, opt_find(unset[i]));
	return m;
}

static bool
name_taken(const struct conf *c, const char *name)
{
	return conf_peer_find(c, name) != NULL;
}

/* A node's name, shortened when it is longer than a peer's may be; another one when a peer that is
 * written has it. Owned by the caller. */
static char *
peer_name(const struct expand *x, const char *node)
{
	static const uint64_t key[2] = { 0x77656674, 0x6e6f6465 };
	size_t len = strlen(node);
	char *name = len <= CONF_NAME_MAX ? mem_strdup(node)
					  : mem_printf("%.*s~%08x", NAME_KEPT, node,
						(unsigned)(siphash24(key, node, len) & 0xffffffff));

	if (name_taken(x->c, name)) {
		mem_free(name);
		name = mem_printf("%.*s~%08x", NAME_KEPT, node,
		    (unsigned)(siphash24(key, node, len) & 0xffffffff));
	}
	return name;
}

static bool
addr_taken(const struct conf *c, const struct ip_addr *a)
{
	for (size_t i = 0; i < c->peers.n; i++)
		if (ip_addr_eq(&c->peers.v[i].addr, a))
			return true;
	return false;
}

static struct conf_peer *
next_peer(struct expand *x)
{
	if (x->out.n == x->room) {
		x->room = x->room ? x->room * 2 : 16;
		x->out.v = mem_realloc_array(x->out.v, x->room, sizeof *x->out.v);
	}
	return &x->out.v[x->out.n];
}

/* Links between nodes of different AS numbers may lead over routers. */
static void
fit_to_as(const struct expand *x, const struct mould *m, struct conf_peer *p, const struct conf_node_view *n)
{
	bool internal;

	if (!m->as_given) {
		p->remote_as = (struct conf_remote_as){ CONF_AS_NUMBER, conf_node_asn(n) };
		if (!p->remote_as.asn)
			p->remote_as.asn = x->c->bgp.cluster_asn;
	}
	conf_fill_remote(x->c, p, m->import_given, m->export_given);
	internal = conf_peer_is_ibgp(x->c, p);
	if (internal)
		p->multihop_ttl = 0;
	else if (!m->ttl_given)
		p->multihop_ttl = MULTIHOP_TTL;
	if (p->origin == CONF_PEER_MESH)
		p->rr_client = internal && x->own_reflects && !reflects(x, n);
}

static void
make_peer(struct expand *x, const struct mould *m, size_t i)
{
	const struct conf_node_view *n = &x->view->v[i];
	const struct ip_addr *addr = common_addr(x, n, m->p.families);
	struct conf_peer *p;

	if (x->made[i] || !addr || addr_taken(x->c, addr) || ip_addr_eq(addr, addr_of(x->view->own, addr->af)))
		return;
	x->made[i] = true;
	p = next_peer(x);
	*p = m->p;
	p->name = peer_name(x, n->name);
	p->of_node = mem_strdup(n->name);
	p->addr = p->peer.addr = *addr;
	fit_to_as(x, m, p, n);
	x->out.n++;
}

static void
make_selected(struct expand *x)
{
	for (size_t t = 0; t < x->c->templates.n; t++) {
		struct mould m = mould_of(&x->c->templates.v[t], CONF_PEER_SELECTED);
		struct selector *s = selector_parse(x->c->templates.v[t].peer_selector, NULL, NULL);

		for (size_t i = 0; s && i < x->view->n; i++)
			if (&x->view->v[i] != x->view->own && selector_match(s, x->view->v[i].labels))
				make_peer(x, &m, i);
		selector_free(s);
	}
}

static bool
is_kept(const struct expand *x, const struct conf_node_view *n)
{
	const struct conf_keep *k = x->view->keep;

	return k && k->peer && k->peer(k->ctx, n->name);
}

/* Without settings of its own: what any peer has. */
static void
default_mesh(struct conf *c)
{
	const struct opt *list = opt_find("bgp.mesh");

	if (c->bgp.mesh.n > 0)
		return;
	c->bgp.mesh.v = mem_zalloc(list->elem);
	c->bgp.mesh.n = 1;
	conf_fill_template(c, c->bgp.mesh.v);
}

static void
make_mesh(struct expand *x)
{
	const struct conf_node_view *own = x->view->own;
	bool own_reflects = reflects(x, own);
	struct mould m;

	if (!x->mesh && !x->reflectors && !x->view->keep)
		return;
	default_mesh(x->c);
	m = mould_of(x->c->bgp.mesh.v, CONF_PEER_MESH);
	for (size_t i = 0; i < x->view->n; i++) {
		const struct conf_node_view *n = &x->view->v[i];

		if (n != own && (x->mesh || own_reflects || reflects(x, n) || is_kept(x, n)))
			make_peer(x, &m, i);
	}
}

static int
by_addr(const void *a, const void *b)
{
	const struct conf_peer *const *pa = a, *const *pb = b;
	int d = ip_addr_cmp(&(*pa)->addr, &(*pb)->addr);

	return d != 0 ? d : *pa < *pb ? -1 : 1;
}

/* Two Node objects of one address: the first by name counts. */
static void
drop_twins(struct conf_peers *ps)
{
	struct conf_peer **v = mem_zalloc_array(ps->n + 1, sizeof(struct conf_peer *));
	size_t n = 0;

	for (size_t i = 0; i < ps->n; i++)
		v[i] = &ps->v[i];
	qsort(v, ps->n, sizeof(struct conf_peer *), by_addr);
	for (size_t i = ps->n; i-- > 1;)
		if (ip_addr_eq(&v[i]->addr, &v[i - 1]->addr))
			v[i]->addr.af = IP_NONE;
	for (size_t i = 0; i < ps->n; i++) {
		if (ps->v[i].addr.af != IP_NONE) {
			ps->v[n++] = ps->v[i];
			continue;
		}
		mem_free(ps->v[i].name);
		mem_free(ps->v[i].of_node);
	}
	ps->n = n;
	mem_free(v);
}

/* Behind those that are written. */
static void
join_made(struct expand *x)
{
	struct conf_peers *ps = &x->c->peers;

	if (x->out.n == 0)
		return;
	drop_twins(&x->out);
	ps->v = mem_realloc_array(ps->v, ps->n + x->out.n, sizeof *ps->v);
	memcpy(ps->v + ps->n, x->out.v, x->out.n * sizeof *ps->v);
	ps->n += x->out.n;
	mem_free(x->out.v);
}

/* ---- pod ranges -------------------------------------------------------------------- */

bool
conf_is_pod_cidr(const struct ip_prefix *p)
{
	return p->len >= (p->af == IP4 ? POD_CIDR_MIN4 : POD_CIDR_MIN6);
}

static void
own_pod_cidrs(struct expand *x)
{
	const struct conf_node_view *own = x->view->own;
	struct conf_prefixes *to = &x->c->node.pod_cidrs;

	if (to->n > 0 || own->ncidrs == 0)
		return;
	to->v = mem_zalloc_array(own->ncidrs, sizeof *to->v);
	for (size_t i = 0; i < own->ncidrs; i++)
		if (conf_is_pod_cidr(&own->cidrs[i]))
			to->v[to->n++] = own->cidrs[i];
	if (to->n > 0)
		opt_mark_set(x->c, opt_find("node.podCIDRs"));
}

static int
by_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

/* Two halves of one prefix? */
static bool
are_halves(const struct ip_prefix *a, const struct ip_prefix *b, struct ip_prefix *ret)
{
	if (a->af != b->af || a->len != b->len || a->len <= MERGED_MIN)
		return false;
	*ret = *a;
	ret->len--;
	ip_prefix_mask(ret);
	return ip_prefix_contains(ret, b);
}

size_t
conf_merge_prefixes(struct ip_prefix *v, size_t n)
{
	struct ip_prefix both;
	size_t m = 0;

	qsort(v, n, sizeof *v, by_prefix);
	for (size_t i = 0; i < n; i++) {
		if (m > 0 && ip_prefix_contains(&v[m - 1], &v[i]))
			continue;
		v[m++] = v[i];
		while (m > 1 && are_halves(&v[m - 2], &v[m - 1], &both))
			v[--m - 1] = both;
	}
	return m;
}

/* Unless the file says which: exactly the pod ranges of all nodes, in as few prefixes as it takes. */
static void
permit_pod_cidrs(struct expand *x)
{
	struct conf_kernel *k = &x->c->kernel;
	size_t n = 0;

	if (k->permit_given)
		return;
	for (size_t i = 0; i < x->view->n; i++)
		n += x->view->v[i].ncidrs;
	if (n == 0)
		return;
	k->permit.v = mem_zalloc_array(n, sizeof *k->permit.v);
	for (size_t i = 0; i < x->view->n; i++)
		for (size_t j = 0; j < x->view->v[i].ncidrs; j++)
			if (conf_is_pod_cidr(&x->view->v[i].cidrs[j]))
				k->permit.v[k->permit.n++] = x->view->v[i].cidrs[j];
	k->permit.n = conf_merge_prefixes(k->permit.v, k->permit.n);
	opt_mark_set(x->c, opt_find("kernel.permit"));
}

static void
own_cluster_id(struct expand *x)
{
	const char *text = labels_get(x->view->own->annotations, CONF_ANNOTATION_CLUSTER_ID);
	struct conf_bgp *b = &x->c->bgp;
	struct ip_addr id;

	if (text && ip_addr_parse(text, &id) && id.af == IP4 && !ip_addr_is_unspec(&id))
		b->cluster_id = id;
	else if (x->own_reflects && b->rr_cluster_id.af != IP_NONE)
		b->cluster_id = b->rr_cluster_id;
}

void
conf_expand(struct conf *c, const struct conf_cluster_view *view)
{
	struct expand x = { .c = c, .view = view, .mesh = conf_mesh_on(c) };

	sort_out(&x);
	if (!view)
		return;
	permit_pod_cidrs(&x);
	if (!view->own)
		return;
	if (c->bgp.rr_selector)
		x.reflectors = selector_parse(c->bgp.rr_selector, NULL, NULL);
	x.own_reflects = reflects(&x, view->own) || (view->keep && view->keep->reflector);
	x.made = mem_zalloc_array(view->n + 1, sizeof *x.made);
	own_pod_cidrs(&x);
	own_cluster_id(&x);
	make_selected(&x);
	make_mesh(&x);
	join_made(&x);
	mem_free(x.made);
	selector_free(x.reflectors);
}
