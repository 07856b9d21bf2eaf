/*
 * From the configuration's texts, and from the cluster, to what holds on this node: reading is apart
 * from applying. The texts stay (composition.h), so that a change of the cluster needs no file.
 */
#include "agent/source_priv.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/composition.h"
#include "agent/core/cluster.h"
#include "agent/kube/kube.h"
#include "agent/launcher.h"
#include "agent/moves.h"
#include "lib/conf.h"
#include "lib/conf_expand.h"
#include "lib/logmain.h"
#include "lib/mem.h"

#define FORMER_US UINT64_C(5000000)
#define AGAIN_DELAY_US 20000 /* many nodes may change at once */

static const char *
env_get(void *arg, const char *name)
{
	return getenv(name);
}

/* ---- the cluster ----------------------------------------------------------- */

static struct conf_node_view
view_of(const struct cluster_node *n)
{
	return (struct conf_node_view){ .name = n->name, .addrs = n->addrs, .naddrs = n->naddrs,
		.cidrs = n->cidrs, .ncidrs = n->ncidrs, .labels = &n->labels, .annotations = &n->annotations };
}

struct conf_node_view *
source_view(const struct agent *a, struct conf_cluster_view *ret)
{
	const struct cluster_node *n = NULL, *own = cluster_own(a->cluster);
	struct conf_node_view *v = mem_zalloc_array(cluster_count(a->cluster) + 1, sizeof *v);

	*ret = (struct conf_cluster_view){ .v = v };
	while ((n = cluster_next(a->cluster, n))) {
		if (n == own)
			ret->own = &v[ret->n];
		v[ret->n++] = view_of(n);
	}
	return v;
}

/* What the annotation of our Node says, 0: nothing. */
static uint32_t
own_asn(const struct agent *a)
{
	const struct cluster_node *own = a->cluster ? cluster_own(a->cluster) : NULL;
	struct conf_node_view v;

	if (!own)
		return 0;
	v = view_of(own);
	return conf_node_asn(&v);
}

static bool
is_covered(const struct conf_prefixes *by, const struct ip_prefix *p)
{
	for (size_t i = 0; i < by->n; i++)
		if (ip_prefix_contains(&by->v[i], p))
			return true;
	return false;
}

static void
add_former(struct source *s, const struct ip_prefix *p)
{
	s->former = mem_realloc_array(s->former, s->nformer + 1, sizeof *s->former);
	s->former[s->nformer++] = (struct former){ *p, mono_add_us(agent_now(), FORMER_US) };
}

/* Those that are in time still go into the permitted ranges; the others are forgotten. */
static void
permit_former(struct source *s, struct conf_prefixes *to)
{
	static const struct timeval later = { FORMER_US / 1000000, 100000 };
	size_t kept = 0;

	to->v = mem_realloc_array(to->v, to->n + s->nformer + 1, sizeof *to->v);
	for (size_t i = 0; i < s->nformer; i++) {
		if (agent_now().us >= s->former[i].until.us)
			continue;
		to->v[to->n++] = s->former[i].prefix;
		s->former[kept++] = s->former[i];
	}
	s->nformer = kept;
	to->n = conf_merge_prefixes(to->v, to->n);
	if (kept > 0 && !event_pending(s->former_ev, EV_TIMEOUT, NULL))
		event_add(s->former_ev, &later);
}

/*
 * A node that gets another pod range announces it before it withdraws the one it had, which has to be
 * permitted until then: the Node object changes everywhere at once, routes do not.
 */
static void
keep_permit(struct source *s, struct conf *c)
{
	struct conf_prefixes was = s->permit, *now = &c->kernel.permit;

	if (c->kernel.permit_given)
		return;
	s->permit.v = mem_dup(now->v, now->n * sizeof *now->v);
	s->permit.n = now->n;
	for (size_t i = 0; i < was.n; i++)
		if (!is_covered(now, &was.v[i]))
			add_former(s, &was.v[i]);
	mem_free(was.v);
	if (s->nformer > 0)
		permit_former(s, now);
}

static void
expand(struct agent *a, struct conf *c)
{
	struct conf_cluster_view view;
	struct conf_node_view *v;

	if (!a->cluster || c->kube.enabled == CONF_OFF) {
		conf_expand(c, NULL);
		return;
	}
	v = source_view(a, &view);
	view.keep = moves_keep(a->source->moves, c, &view);
	conf_expand(c, &view);
	moves_settle(a->source->moves);
	keep_permit(a->source, c);
	mem_free(v);
}

bool
source_is_leaving(const struct agent *a, const char *node)
{
	return moves_is_leaving(a->source->moves, node);
}

/* ---- loading ----------------------------------------------------------------- */

/*
 * The configuration of all texts on this node, NULL with errors. One that has to wait for objects of
 * the cluster is better than none.
 */
static struct conf *
load(struct agent *a, char **ret_errors, char **ret_warnings)
{
	struct conf_env env = { .hostname = a->hostname, .getenv = env_get, .asn = own_asn(a),
		.clustered = getenv("KUBERNETES_SERVICE_HOST") != NULL };
	struct conf *c = composition_load(a->composition, &env, ret_errors, ret_warnings), *waiting = NULL;

	if (!c)
		waiting = composition_load_waiting(a->composition, &env);
	if (waiting && kube_is_wanted(a->kube, waiting)) {
		c = waiting;
		mem_free(*ret_errors);
		mem_free(*ret_warnings);
		*ret_errors = mem_strdup("");
		*ret_warnings = mem_printf(
		    "%s: bgp.asNumber: nothing says it yet: waiting for a BGPConfiguration\n", a->config_name);
	} else {
		conf_free(waiting);
	}
	if (c)
		expand(a, c);
	for (size_t i = 0; c && c == waiting && i < c->peers.n; i++)
		c->peers.v[i].enabled = false; /* also those out of the cluster */
	return c;
}

/* The file's text, the caller's; NULL with the errors. */
static char *
read_file(struct agent *a, size_t *ret_len, char **ret_errors)
{
	char words[LAUNCH_TEXT_MAX], *text;
	const char *why = NULL;
	int fd = launcher_open_config(a->launcher, words);

	if (fd < 0) {
		*ret_errors = mem_printf("%s: cannot open: %s\n", a->config_name,
		    words[0] ? words : strerror(-fd));
		return NULL;
	}
	text = source_read_fd(fd, CONF_TEXT_MAX, ret_len, &why);
	close(fd);
	if (!text)
		*ret_errors = mem_printf("%s: cannot read: %s\n", a->config_name, why);
	return text;
}

struct conf *
source_read(struct agent *a, char **ret_errors, char **ret_warnings)
{
	struct composition_result file = { CONF_TAKEN, "" };
	size_t len = 0;
	char *text = read_file(a, &len, ret_errors);
	struct conf *c;

	if (!text) {
		*ret_warnings = mem_strdup("");
		return NULL;
	}
	composition_set_file(a->composition, a->config_name, text, len);
	mem_free(text);
	c = load(a, ret_errors, ret_warnings);
	composition_result(a->composition, CONF_PART_FILE, NULL, &file);
	if (c && file.verdict == CONF_KEPT) { /* its last good text is in force already */
		conf_free(c);
		mem_free(*ret_errors);
		*ret_errors = mem_strdup(file.why);
		return NULL;
	}
	return c;
}

/* ---- again ------------------------------------------------------------------- */

void
source_on_again(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	char *errors, *warnings;
	struct conf *c;

	if (!a->conf || a->stopping)
		return;
	c = load(a, &errors, &warnings);
	if (c) {
		source_apply(a, c, NULL);
		agent_kick(a);
	} else { /* a variable is gone, or the cluster's number does not fit */
		log_event(LOG_ERR, "config-error", "why=\"%s\"", errors);
		kube_apply(a->kube, a->conf); /* whose objects have to hear of it */
	}
	mem_free(errors);
	mem_free(warnings);
}

void
source_again(struct agent *a)
{
	static const struct timeval soon = { 0, AGAIN_DELAY_US };

	if (!event_pending(a->source->again_ev, EV_TIMEOUT, NULL))
		event_add(a->source->again_ev, &soon);
}
