/*
 * See moves.h.
 *
 * Whether routes have moved is asked of bgpd, twice a second while anything leaves: for each pod
 * range of the nodes whose sessions are to go, is there a valid path from another peer? The other
 * end does the same for itself. What comes over a reflector has been sent by a node that is connected
 * to it, so that the way back is there, too; the pause at the beginning is for the last octets.
 */
#include "agent/moves.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/cluster.h"
#include "agent/source.h"
#include "lib/mem.h"

#define LOOK_US	    500000
#define PAUSE_S	    2  /* at least */
#define PATIENCE_S  30 /* at most */
#define QUERY_ROWS  256

struct leaver {
	char *node;
	bool asked; /* by the configuration that is being expanded */
};

/* A pod range of a node that leaves. */
struct pods {
	struct ip_prefix prefix;
	bool here, elsewhere; /* known over its session, over another one */
};

struct moves {
	struct agent *a;
	struct conf_keep keep;
	struct leaver *v;
	size_t n;
	struct mono_us since; /* the first one leaves */
	bool let_go;	      /* with the next configuration they go */
	bool reflects;	      /* this node was a reflector last, */
	struct mono_us until; /* and is no more but until then; us 0: it is */
	struct event *look_ev;
	uint32_t query; /* 0: none */
	uint32_t rows;
	struct pods *pods; /* by prefix; of the query */
	size_t npods;
};

/* ---- what is kept ---------------------------------------------------------------- */

static struct leaver *
find(const struct moves *m, const char *node)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].node, node) == 0)
			return &m->v[i];
	return NULL;
}

static const struct agent_peer *
peer_of(const struct agent *a, const char *node)
{
	for (size_t i = 0; i < a->npeers; i++)
		if (a->peers[i].conf->origin == CONF_PEER_MESH &&
		    strcmp(a->peers[i].conf->of_node, node) == 0)
			return &a->peers[i];
	return NULL;
}

/* Asked for nodes that would be no peers: those that are stay until the others are up. */
static bool
stays(void *ctx, const char *node)
{
	struct moves *m = ctx;
	struct leaver *l = find(m, node);

	if (m->let_go)
		return false;
	if (!l && !peer_of(m->a, node))
		return false;
	if (!l) {
		m->v = mem_realloc_array(m->v, m->n + 1, sizeof *m->v);
		l = &m->v[m->n++];
		*l = (struct leaver){ .node = mem_strdup(node) };
	}
	l->asked = true;
	return true;
}

static bool
still_reflects(struct moves *m, const struct conf *c, const struct conf_node_view *own)
{
	struct mono_us now = agent_now();

	if (conf_node_role(c, own) == CONF_NODE_REFLECTOR) {
		m->reflects = true;
		m->until.us = 0;
		return false; /* not still, but as it should */
	}
	if (m->reflects && m->until.us == 0)
		m->until = mono_add_us(now, (uint64_t)PATIENCE_S * 1000000);
	m->reflects = m->reflects && now.us < m->until.us;
	return m->reflects;
}

const struct conf_keep *
moves_keep(struct moves *m, const struct conf *c, const struct conf_cluster_view *view)
{
	for (size_t i = 0; i < m->n; i++)
		m->v[i].asked = false;
	m->keep = (struct conf_keep){ .peer = stays, .ctx = m };
	if (view->own)
		m->keep.reflector = still_reflects(m, c, view->own);
	return &m->keep;
}

static void
look_later(struct moves *m)
{
	static const struct timeval tv = { 0, LOOK_US };

	if (!event_pending(m->look_ev, EV_TIMEOUT, NULL))
		event_add(m->look_ev, &tv);
}

void
moves_settle(struct moves *m)
{
	size_t kept = 0;
	bool first = mono_is_never(m->since);

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].asked)
			m->v[kept++] = m->v[i];
		else
			mem_free(m->v[i].node);
	m->n = kept;
	m->let_go = false;
	if (kept == 0)
		m->since = MONO_NEVER;
	else if (first)
		m->since = agent_now();
	if (kept > 0 && first)
		events_addf(m->a->events, IPC_LVL_NOTICE, "sessions-move",
		    "leaving=%zu why=\"kept until their routes come over others\"", kept);
	if (kept > 0 || m->until.us)
		look_later(m);
}

bool
moves_is_leaving(const struct moves *m, const char *node)
{
	return find(m, node) != NULL;
}

/* ---- have the routes moved? -------------------------------------------------------- */

static void
let_go(struct moves *m, size_t missing)
{
	uint64_t ms = mono_diff_us(agent_now(), m->since) / 1000;

	events_addf(m->a->events, missing ? IPC_LVL_WARN : IPC_LVL_NOTICE, "sessions-moved",
	    "gone=%zu after-ms=%u ranges-without-another-path=%zu", m->n, (unsigned)ms, missing);
	m->let_go = true;
	source_again(m->a);
}

static int
by_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(&((const struct pods *)a)->prefix, &((const struct pods *)b)->prefix);
}

/* The pod ranges of those that leave. */
static void
list_pods(struct moves *m)
{
	mem_free(m->pods);
	m->pods = mem_zalloc_array(m->n * CLUSTER_CIDRS_MAX + 1, sizeof *m->pods);
	m->npods = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct cluster_node *n = cluster_find(m->a->cluster, m->v[i].node);

		for (size_t k = 0; n && k < n->ncidrs; k++)
			m->pods[m->npods++].prefix = n->cidrs[k];
	}
	qsort(m->pods, m->npods, sizeof *m->pods, by_prefix);
}

static void
on_row(void *ctx, const struct ipc_msg *msg)
{
	struct moves *m = ctx;
	const struct ipc_row_path *r = &msg->row_path;
	struct pods *p = bsearch(&(struct pods){ .prefix = r->prefix }, m->pods, m->npods, sizeof *m->pods, by_prefix);
	const struct agent_peer *from = p && r->peer != IPC_PEER_NONE ? agent_peer_by_id(m->a, r->peer) : NULL;

	if (++m->rows % QUERY_ROWS == 0)
		agent_query_more(m->a, m->query, QUERY_ROWS);
	if (!from || !(r->flags & IPC_PATH_VALID))
		return;
	if (from->conf->of_node && find(m, from->conf->of_node))
		p->here = true;
	else
		p->elsewhere = true;
}

static void
on_end(void *ctx, uint8_t status, bool lost)
{
	struct moves *m = ctx;
	uint64_t s = mono_is_never(m->since) ? 0 : mono_diff_us(agent_now(), m->since) / 1000000;
	size_t missing = 0;

	m->query = 0;
	for (size_t i = 0; i < m->npods; i++)
		missing += m->pods[i].here && !m->pods[i].elsewhere;
	if (m->n == 0 || lost)
		return;
	if (s >= PATIENCE_S || (missing == 0 && s >= PAUSE_S))
		let_go(m, missing);
}

static const struct query_ops ops = { on_row, on_end };

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct moves *m = arg;
	struct ipc_query q = { .kind = IPC_Q_PATHS, .view = IPC_VIEW_ALL, .match = IPC_MATCH_ANY,
		.credit = QUERY_ROWS };

	if (m->until.us && agent_now().us >= m->until.us) {
		m->until.us = 0;
		source_again(m->a);
	}
	if (m->n > 0 && m->query == 0 && !m->let_go) {
		list_pods(m);
		m->rows = 0;
		m->query = agent_query(m->a, &q, &ops, m);
	}
	if (m->n > 0 || m->until.us)
		look_later(m);
}

struct moves *
moves_new(struct agent *a)
{
	struct moves *m = mem_zalloc(sizeof *m);

	m->a = a;
	m->since = MONO_NEVER;
	m->look_ev = event_new(a->base, -1, 0, on_look, m);
	return m;
}

void
moves_free(struct moves *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		mem_free(m->v[i].node);
	mem_free(m->v);
	mem_free(m->pods);
	event_free(m->look_ev);
	mem_free(m);
}
