/*
 * The row of `weft status`: one screen about this node, and everything that its
 * operator should be warned about.
 */
#include "config.h"

#include "agent/views.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/bfd.h"
#include "agent/cni.h"
#include "agent/composition.h"
#include "agent/core/conflict.h"
#include "agent/drains.h"
#include "agent/events.h"
#include "agent/kube/pools.h"
#include "agent/kube/status.h"
#include "agent/nat.h"
#include "agent/tcp.h"

/* ---- sums ---------------------------------------------------------------- */

/* An interface that leads to a router, it seems, of which nothing is heard. */
static bool
is_unfound(const struct agent_peer *p)
{
	return p->conf && conf_peer_is_unnumbered(p->conf) && p->conf->enabled && !p->problem[0] &&
	       p->addr.af == IP_NONE;
}

void
view_totals_add(struct view_totals *t, const struct agent_peer *p, const struct ipc_row_peer *r)
{
	t->configured++;
	if (view_peer_is_down(p, r))
		t->down++;
	t->drained += p->drain != IPC_DRAIN_NONE;
	if (p->problem[0] && t->problems++ == 0) {
		snprintf(t->problem_peer, sizeof(t->problem_peer), "%s",
		    p->conf ? p->conf->name : "?");
		snprintf(t->problem, sizeof(t->problem), "%s", p->problem);
	}
	if (!r)
		return;
	if (r->state == IPC_ESTABLISHED)
		t->established++;
	else if (is_unfound(p) && t->nunfound++ == 0)
		snprintf(t->unfound, sizeof(t->unfound), "%s", r->reason);
	for (size_t i = 0; i < 2; i++) {
		t->fam[i].received += r->fam[i].received;
		t->fam[i].accepted += r->fam[i].accepted;
		t->fam[i].rejected += r->fam[i].rejected;
		t->fam[i].stale += r->fam[i].stale;
		t->fam[i].best += r->fam[i].best;
		t->fam[i].advertised += r->fam[i].advertised;
	}
}

bool
view_status_is_bad(const struct agent *a, const struct view_totals *t)
{
	return !a->conf || !a->bgpd_child.running || a->bgpd_child.silent || t->down > 0;
}

/* ---- parts --------------------------------------------------------------- */

static void
out_ip(struct out *o, const struct ip_addr *a)
{
	char buf[IP_ADDR_STRLEN];

	if (a->af)
		out_str(o, NULL, ip_addr_str(a, buf));
}

static void
status_identity(struct out *o, const struct agent *a)
{
	struct ip_addr id = ip_addr_from_v4(a->router_id);
	char buf[IP_ADDR_STRLEN];

	out_str(o, "node", a->conf && a->conf->node.name ? a->conf->node.name : a->hostname);
	out_str(o, "router_id", a->router_id ? ip_addr_str(&id, buf) : NULL);
	out_u64(o, "as", a->conf ? a->conf->bgp.asn : 0);
	out_open_array(o, "addresses");
	out_ip(o, &a->node4);
	out_ip(o, &a->node6);
	out_close(o);
	out_str(o, "version", PACKAGE_VERSION);
	out_u64(o, "uptime_s", mono_diff_us(agent_now(), a->started) / 1000000);
}

static void
status_bgpd(struct out *o, const struct agent *a, const struct ipc_row_stats *stats)
{
	const struct agent_child *c = &a->bgpd_child;

	out_open(o, "bgpd");
	out_bool(o, "running", c->running);
	if (c->running)
		out_i64(o, "pid", c->pid);
	else
		out_null(o, "pid");
	if (stats) {
		out_u64(o, "uptime_s", stats->uptime_us / 1000000);
		out_u64(o, "update_groups", stats->update_groups);
	} else {
		out_null(o, "uptime_s");
	}
	out_u64(o, "restarts", c->restarts);
	if (c->last_status == -1 || (!c->restarts && c->running))
		out_null(o, "last_exit");
	else if (WIFSIGNALED(c->last_status))
		out_fmt(o, "last_exit", "killed by signal %d (%s)", WTERMSIG(c->last_status),
		    strsignal(WTERMSIG(c->last_status)));
	else
		out_fmt(o, "last_exit", "exit status %d", WEXITSTATUS(c->last_status));
	out_close(o);
}

static void
status_sessions(struct out *o, const struct view_totals *t, const struct fib_stats *fs)
{
	out_open(o, "sessions");
	out_u64(o, "configured", t->configured);
	out_u64(o, "established", t->established);
	out_u64(o, "down", t->down);
	out_u64(o, "drained", t->drained);
	out_close(o);
	out_open(o, "families");
	for (uint8_t af = IP4; af <= IP6; af++) {
		out_open(o, ip_af_str(af));
		out_u64(o, "received", t->fam[af - 1].received);
		out_u64(o, "accepted", t->fam[af - 1].accepted);
		out_u64(o, "rejected", t->fam[af - 1].rejected);
		out_u64(o, "stale", t->fam[af - 1].stale);
		out_u64(o, "best", t->fam[af - 1].best);
		out_u64(o, "advertised", t->fam[af - 1].advertised);
		out_u64(o, "wanted", fs->wanted[af - 1]);
		out_u64(o, "installed", fs->installed[af - 1]);
		out_close(o);
	}
	out_close(o);
}

static uint64_t
hold_left_s(const struct fib_stats *fs)
{
	return (mono_diff_us(fs->hold_until, agent_now()) + 999999) / 1000000;
}

static void
count_bfd(const struct agent *a, unsigned *ret_n, unsigned *ret_up, unsigned *ret_dead)
{
	struct bfd_view v;
	size_t pos = 0;

	*ret_n = *ret_up = *ret_dead = 0;
	while (bfd_next(a->bfd, &pos, &v)) {
		++*ret_n;
		*ret_up += v.known && v.state->state == IPC_BFD_UP;
		*ret_dead += v.holds_down;
	}
}

static void
status_bfd(struct out *o, const struct agent *a)
{
	unsigned n, up, dead;

	count_bfd(a, &n, &up, &dead);
	out_open(o, "bfd");
	out_u64(o, "sessions", n);
	out_u64(o, "up", up);
	out_u64(o, "restarts", a->bfdd_child.restarts);
	out_close(o);
}

static void
status_fib(struct out *o, const struct agent *a, const struct fib_stats *fs)
{
	out_open(o, "fib");
	out_bool(o, "install", a->conf && a->conf->kernel.install);
	out_bool(o, "synced", fs->synced);
	out_bool(o, "stale", fs->stale);
	out_u64(o, "refused", fs->refused);
	out_u64(o, "failed", fs->failed);
	out_u64(o, "foreign", fs->foreign);
	out_u64(o, "held", fs->held);
	out_u64(o, "repairs", fs->repairs);
	out_u64(o, "withdrawals_held", fs->hold_n);
	if (fs->hold_until.us)
		out_u64(o, "hold_left_s", hold_left_s(fs));
	else
		out_null(o, "hold_left_s");
	out_u64(o, "nexthop_objects", fs->nh_objects);
	out_u64(o, "operations", fs->ops);
	out_u64(o, "errors", fs->op_errors);
	out_close(o);
}

static void
status_nat(struct out *o, const struct agent *a)
{
	struct nat_view v;

	nat_view(a->nat, false, &v);
	out_open(o, "nat");
	out_bool(o, "on", a->conf && a->conf->nat.enabled);
	out_str(o, "state", v.state_name);
	out_str(o, "why", v.why[0] ? v.why : NULL);
	out_u64(o, "repairs", v.repairs);
	out_close(o);
}

static void
status_restart(struct out *o, const struct agent *a, const struct ipc_row_stats *stats)
{
	bool deferring = stats && stats->deferring;
	uint64_t prepared = mono_diff_us(a->restart_prepared_until, agent_now());

	out_open(o, "restart");
	out_bool(o, "deferring", deferring);
	out_str(o, "deferring_for", deferring && stats->deferring_for[0] ?
	    stats->deferring_for : NULL);
	if (prepared)
		out_u64(o, "prepared_s", (prepared + 999999) / 1000000);
	else
		out_null(o, "prepared_s");
	out_close(o);
}

static void
status_config(struct out *o, const struct agent *a)
{
	out_open(o, "config");
	out_str(o, "file", a->config_name[0] ? a->config_name : NULL);
	out_u64(o, "generation", a->conf_gen);
	if (a->conf)
		out_u64(o, "loaded_s", mono_diff_us(agent_now(), a->conf_loaded) / 1000000);
	else
		out_null(o, "loaded_s");
	out_u64(o, "reloads", a->reloads - a->reload_failures);
	out_u64(o, "failures", a->reload_failures);
	out_str(o, "last_error", a->conf_error[0] ? a->conf_error : NULL);
	out_close(o);
}

static void
status_last_change(struct out *o, const struct agent *a)
{
	struct event_row row;
	uint64_t last = a->events ? events_last(a->events) : 0;

	/* Seqs have no gaps: the row after the one before the last is the last. */
	if (!last || !events_next(a->events, last - 1, &row)) {
		out_null(o, "last_change");
		return;
	}
	out_open(o, "last_change");
	view_event(o, &row);
	out_u64(o, "age_s", mono_diff_us(agent_now(), row.at) / 1000000);
	out_close(o);
}

/* ---- warnings ------------------------------------------------------------ */

/* The first line of a text that may have several. */
static int
first_line(const char *s)
{
	return (int)strcspn(s, "\n");
}

static void
warn_config(struct out *o, const struct agent *a)
{
	if (!a->conf)
		out_fmt(o, NULL, "no configuration is in force%s%.*s", a->conf_error[0] ? ": " : "",
		    first_line(a->conf_error), a->conf_error);
	else if (a->conf_error[0])
		out_fmt(o, NULL, "the last reload failed, the configuration before it stays: %.*s",
		    first_line(a->conf_error), a->conf_error);
}

/* One object by its name and mistake, the others counted. */
static void
warn_objects(struct out *o, const struct agent *a)
{
	struct composition_result r, other;
	size_t pos = 0, more = 0;
	const char *name = composition_next_refused(a->composition, &pos, &r);

	if (composition_waits(a->composition))
		out_str(o, NULL, "nothing says bgp.asNumber: peers are down until a BGPConfiguration does");
	if (!name)
		return;
	while (composition_next_refused(a->composition, &pos, &other))
		more++;
	out_fmt(o, NULL, "%s is not in force as it is written, %s: %.*s", name,
	    r.verdict == CONF_KEPT ? "its last good text is" : "it is left out", first_line(r.why), r.why);
	if (more)
		out_fmt(o, NULL, "%zu more object%s not in force as written (see: weft events)", more,
		    more == 1 ? " is" : "s are");
}

static void
warn_peers(struct out *o, const struct agent *a, const struct view_totals *t)
{
	char why[IPC_TEXT_MAX];

	if (view_bgpd_problem(a, why, sizeof(why)))
		out_str(o, NULL, why);
	else if (a->bgpd_child.restarts)
		out_fmt(o, NULL, "weft-bgpd was started again %u time%s (see: weft events)",
		    a->bgpd_child.restarts, a->bgpd_child.restarts == 1 ? "" : "s");
	if (t->problems == 1)
		out_fmt(o, NULL, "peer %s cannot be started: %s", t->problem_peer, t->problem);
	else if (t->problems)
		out_fmt(o, NULL, "%u peers cannot be started, the first is %s: %s", t->problems,
		    t->problem_peer, t->problem);
	if (t->nunfound)
		out_str(o, NULL, t->unfound);
	if (t->nunfound > 1)
		out_fmt(o, NULL, "%u more interfaces like that (see: weft peers)", t->nunfound - 1);
}

static void
warn_bfd(struct out *o, const struct agent *a)
{
	char why[IPC_TEXT_MAX];
	unsigned n, up, dead;

	count_bfd(a, &n, &up, &dead);
	if (bfd_problem(a->bfd, why, sizeof(why)))
		out_str(o, NULL, why);
	else if (a->bfdd_child.restarts)
		out_fmt(o, NULL, "weft-bfdd was started again %u time%s (see: weft events)",
		    a->bfdd_child.restarts, a->bfdd_child.restarts == 1 ? "" : "s");
	if (dead)
		out_fmt(o, NULL, "BFD finds the path to %u peer%s dead (see: weft bfd)", dead,
		    dead == 1 ? "" : "s");
}

static void
warn_next_hops(struct out *o, const struct agent *a)
{
	unsigned n = 0, dead = 0;
	struct fib_nh_view v;
	struct ip_addr at;

	if (!a->fib)
		return;
	for (bool more = fib_next_nh_view(a->fib, NULL, &v); more;
	     at = v.nh, more = fib_next_nh_view(a->fib, &at, &v)) {
		n++;
		dead += !v.resolved;
	}
	if (dead)
		out_fmt(o, NULL, "%u of %u next hops cannot be used (see: weft nexthops)", dead, n);
}

/* What works against our routes, and what to do about it. */
static void
warn_conflicts(struct out *o, const struct agent *a)
{
	const struct conflict *c = a->fib ? fib_conflict(a->fib) : NULL;

	for (int k = 0; c && k < CONFLICT_N; k++) {
		const struct conflict_item *i = &c->item[k];

		if (i->on)
			out_fmt(o, NULL, "%s%s%s%s", conflict_is_hint((enum conflict_kind)k) ?
			    "hint: " : "", i->text, i->fix[0] ? "; mend: " : "", i->fix);
	}
}

static void
status_conflicts(struct out *o, const struct agent *a)
{
	const struct conflict *c = a->fib ? fib_conflict(a->fib) : NULL;

	out_open_array(o, "conflicts");
	for (int k = 0; c && k < CONFLICT_N; k++) {
		const struct conflict_item *i = &c->item[k];

		if (!i->on)
			continue;
		out_open(o, NULL);
		out_str(o, "kind", conflict_name((enum conflict_kind)k));
		out_bool(o, "hint", conflict_is_hint((enum conflict_kind)k));
		out_str(o, "text", i->text);
		out_str(o, "mend", i->fix[0] ? i->fix : NULL);
		out_u64(o, "count", i->count);
		out_u64(o, "since_s", mono_diff_us(agent_now(), i->since) / 1000000);
		out_close(o);
	}
	out_close(o);
}

static void
warn_nat(struct out *o, const struct agent *a)
{
	struct nat_view v;

	nat_view(a->nat, false, &v);
	if (v.state == NAT_FAILED || v.state == NAT_FOREIGN)
		out_fmt(o, NULL, "natOutgoing: pods are not translated: %s", v.why);
	else if (v.state == NAT_INSTALLED && !a->conf->node.pod_cidrs.n)
		out_str(o, NULL, "natOutgoing: node.podCIDRs is empty, so nothing is translated");
}

static void
warn_pools(struct out *o, const struct agent *a)
{
	struct kube_pools_view v;

	kube_pools_look(a->kube ? kube_part_find(a->kube, "pools") : NULL, &v);
	if (v.problem[0])
		out_fmt(o, NULL, "loadBalancerPools: %s (see: weft pools)", v.problem);
	else if (a->conf->pools.n > 0 && !v.configured && !a->conf->observe)
		out_str(o, NULL, "loadBalancerPools: nothing is given out, as the cluster is not followed "
		    "(kubernetes)");
}

static void
warn_kernel(struct out *o, const struct agent *a, const struct fib_stats *fs)
{
	const struct conf_kernel *k = &a->conf->kernel;

	warn_next_hops(o, a);
	if (!k->install)
		return;
	if (!k->permit.n)
		out_str(o, NULL, "kernel.permit is not set: no learned route is installed; "
		    "name the ranges your pods use");
	if (fs->flushed)
		out_str(o, NULL, "routes were removed by weft flush and stay out until weft reload");
	if (fs->hold_n)
		out_fmt(o, NULL, "%u of %u routes were withdrawn at once and are kept for %llu s more "
		    "(kernel.massWithdrawGuard)", fs->hold_n, fs->hold_of,
		    (unsigned long long)hold_left_s(fs));
	if (fs->failed)
		out_fmt(o, NULL, "the kernel rejected %llu route%s (see: weft fib --diff)",
		    (unsigned long long)fs->failed, fs->failed == 1 ? "" : "s");
	if (fs->foreign)
		out_fmt(o, NULL, "%llu route%s not installed because somebody else's route has "
		    "that place (see: weft fib --diff)", (unsigned long long)fs->foreign,
		    fs->foreign == 1 ? " is" : "s are");
	warn_conflicts(o, a);
}

static void
warn_cni(struct out *o, const struct agent *a)
{
	struct cni_view v = cni_view(a->cni);

	if (v.state == CNI_FAILED)
		out_fmt(o, NULL, "the CNI file %s is not there: %s", v.file, v.why);
	if (v.foreign[0])
		out_fmt(o, NULL, "container runtimes take the CNI file %s instead of %s, as it is before "
		    "it by name", v.foreign, v.file);
}

void
view_status(struct out *o, const struct agent *a, const struct view_totals *t,
    const struct ipc_row_stats *stats, const char *http_problem)
{
	struct fib_stats fs = { .synced = true };
	char listen[IPC_TEXT_MAX] = "";

	if (a->fib)
		fib_stats(a->fib, &fs);
	status_identity(o, a);
	out_bool(o, "observe", agent_observes(a));
	status_bgpd(o, a, stats);
	status_sessions(o, t, &fs);
	status_bfd(o, a);
	status_fib(o, a, &fs);
	status_nat(o, a);
	view_status_kube(o, a);
	status_restart(o, a, stats);
	view_convergence(o, "convergence", a);
	view_drain(o, "drain", drains_find(a->drains, ""), true);
	status_config(o, a);
	status_conflicts(o, a);
	out_open_array(o, "warnings");
	if (agent_observes(a))
		out_str(o, NULL, "OBSERVE: nothing is announced and nothing is changed on this node "
		    "(weft fib --diff shows what would be)");
	warn_config(o, a);
	warn_objects(o, a);
	warn_peers(o, a, t);
	warn_bfd(o, a);
	view_warn_kube(o, a);
	if (a->conf) {
		warn_kernel(o, a, &fs);
		warn_nat(o, a);
		warn_pools(o, a);
		view_warn_nodes(o, a);
	}
	if (a->tcp)
		tcp_problem(a->tcp, listen, sizeof(listen));
	if (listen[0])
		out_str(o, NULL, listen);
	warn_cni(o, a);
	if (status_problem(a)[0])
		out_fmt(o, NULL, "the cluster cannot be told of this node: %s", status_problem(a));
	if (http_problem[0])
		out_str(o, NULL, http_problem);
	out_close(o);
	status_last_change(o, a);
}
