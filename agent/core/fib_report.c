/*
 * What the routing state has to say: verdicts, next-hop states, local prefixes and
 * events.  Events of one kind are gathered for a moment: a thousand deleted routes are
 * one event with the first of them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/fib_priv.h"
#include "lib/mem.h"

/* ---- events -------------------------------------------------------------- */

void
fib_event(struct fib *f, enum ipc_level level, const char *name, const char *fmt, ...)
{
	struct fib_event *ev;
	va_list ap;

	if (f->nevents >= FIB_EVENTS_MAX)
		return;
	ev = mem_zalloc(sizeof(*ev));
	ev->e.level = (uint8_t)level;
	snprintf(ev->e.name, sizeof(ev->e.name), "%s", name);
	va_start(ap, fmt);
	vsnprintf(ev->e.text, sizeof(ev->e.text), fmt, ap);
	va_end(ap);
	list_push_back(&f->events, &ev->link);
	f->nevents++;
}

void
fib_gather(struct fib *f, enum fib_agg kind, const struct ip_prefix *p, uint32_t by, int err,
    const char *text)
{
	struct agg *a = &f->agg[kind];

	if (a->n++ == 0) {
		a->first = *p;
		a->by = by;
		a->err = err;
		a->due = mono_add_us(f->now, kind == AGG_LIMIT ? FIB_AGG_LIMIT_US : FIB_AGG_US);
		snprintf(a->text, sizeof(a->text), "%s", text ? text : "");
	}
}

/* "systemd-network (pid 4711)", "pid 4711, which has ended". */
static const char *
by_text(const struct fib *f, uint32_t by, char *buf, size_t cap)
{
	const char *name = fib_process_name(f, by);

	if (by == 0 || by == FIB_BY_DUMP)
		return "unknown";
	if (name[0])
		snprintf(buf, cap, "%s (pid %u)", name, by);
	else
		snprintf(buf, cap, "pid %u, which has ended", by);
	return buf;
}

/* " cause=..." when there is a likely one. */
static const char *
cause_text(const struct fib *f, uint32_t by, char *buf, size_t cap)
{
	const char *cause = conflict_cause(&f->conflict, by == FIB_BY_DUMP ? 0 : by,
	    fib_process_name(f, by));

	buf[0] = '\0';
	if (cause[0])
		snprintf(buf, cap, " cause=\"%s\"", cause);
	return buf;
}

static void
agg_say(struct fib *f, enum fib_agg kind)
{
	static const struct {
		const char *name, *what;
		enum ipc_level level;
	} desc[AGG_N] = {
		[AGG_LOST] = { "routes-lost", "deleted by somebody else, put back at once",
		    IPC_LVL_WARN },
		[AGG_FIGHT] = { "routes-fight", "deleted again and again, put back with delay",
		    IPC_LVL_WARN },
		[AGG_CHANGED] = { "routes-changed", "changed by somebody else, set right",
		    IPC_LVL_WARN },
		[AGG_FOREIGN] = { "routes-foreign", "somebody else's route is in the place",
		    IPC_LVL_WARN },
		[AGG_FAILED] = { "routes-failed", "the kernel refuses them", IPC_LVL_ERR },
		[AGG_NEXTHOP] = { "nexthops-lost", "nexthop objects deleted or changed, set again",
		    IPC_LVL_WARN },
		[AGG_DISCARD] = { "discard-refused", "discard route not installed", IPC_LVL_WARN },
		[AGG_LIMIT] = { "fib-limit", "more next hops or routes than the agent keeps",
		    IPC_LVL_ERR },
	};
	struct agg *a = &f->agg[kind];
	char p[IP_PREFIX_STRLEN], by[48], cause[80];

	if (kind == AGG_FAILED || kind == AGG_DISCARD)
		fib_event(f, desc[kind].level, desc[kind].name,
		    "count=%u first=%s error=%d why=\"%s\"", a->n, ip_prefix_str(&a->first, p),
		    a->err, a->text[0] ? a->text : desc[kind].what);
	else if (kind == AGG_FOREIGN || kind == AGG_LIMIT)
		fib_event(f, desc[kind].level, desc[kind].name, "count=%u first=%s why=\"%s\"",
		    a->n, ip_prefix_str(&a->first, p), desc[kind].what);
	else if (kind == AGG_NEXTHOP)
		fib_event(f, desc[kind].level, desc[kind].name,
		    "count=%u by=\"%s\" why=\"%s\"%s", a->n, by_text(f, a->by, by, sizeof(by)),
		    desc[kind].what, cause_text(f, a->by, cause, sizeof(cause)));
	else
		fib_event(f, desc[kind].level, desc[kind].name,
		    "count=%u first=%s by=\"%s\" times=%u why=\"%s\"%s", a->n,
		    ip_prefix_str(&a->first, p), by_text(f, a->by, by, sizeof(by)),
		    a->most ? a->most : 1, desc[kind].what,
		    cause_text(f, a->by, cause, sizeof(cause)));
	memset(a, 0, sizeof(*a));
}

void
fib_aggs_due(struct fib *f)
{
	int k;

	for (k = 0; k < AGG_N; k++) {
		if (f->agg[k].n > 0 && mono_reached(f->now, f->agg[k].due))
			agg_say(f, (enum fib_agg)k);
	}
	fib_conflict_events(f);
}

/* ---- reports ------------------------------------------------------------- */

static bool
report_nh(struct fib *f, struct fib_report *ret)
{
	struct list *l;

	while (f->ready && (l = list_pop_front(&f->nh_reports))) {
		const struct nh *nh = container_of(l, struct nh, report_link);

		if (!nh->watched)
			continue;
		ret->kind = FIB_REP_NH_STATE;
		memset(&ret->nh, 0, sizeof(ret->nh));
		ret->nh.addr = nh->addr;
		ret->nh.resolved = nh->resolved;
		ret->nh.onlink = nh->onlink;
		ret->nh.metric = nh->metric;
		ret->nh.ifindex = nh->ifindex;
		ret->nh.gen = nh->gen;
		nht_why_text(&f->nht, nh, ret->nh.why, sizeof(ret->nh.why));
		return true;
	}
	return false;
}

bool
fib_next_link_lost(struct fib *f, struct fib_report *ret)
{
	struct list *l;

	fib_settle(f);
	while ((l = list_pop_front(&f->lost))) {
		const struct nh *nh = container_of(l, struct nh, lost_link);

		if (!nh->followed)
			continue;
		ret->kind = FIB_REP_LINK_LOST;
		memset(&ret->nh, 0, sizeof(ret->nh));
		ret->nh.addr = nh->addr;
		nht_why_text(&f->nht, nh, ret->nh.why, sizeof(ret->nh.why));
		if (!ret->nh.why[0])
			snprintf(ret->nh.why, sizeof(ret->nh.why), "the link was lost for a moment");
		return true;
	}
	return false;
}

static enum ipc_verdict_state
verdict_state(const struct fib_entry *e)
{
	switch ((enum fib_state)e->state) {
	case FIB_ST_PENDING:
	case FIB_ST_STALE:
	case FIB_ST_REMOVING:
		return IPC_V_PENDING;
	case FIB_ST_INSTALLED:
		return IPC_V_INSTALLED;
	case FIB_ST_REFUSED:
		return e->code == IPC_REF_OWN_PREFIX ? IPC_V_SHADOWED : IPC_V_REFUSED;
	case FIB_ST_FAILED:
		return IPC_V_FAILED;
	case FIB_ST_FOREIGN:
		return IPC_V_FOREIGN;
	case FIB_ST_HELD:
		return IPC_V_HELD;
	}
	return IPC_V_PENDING;
}

static bool
report_verdict(struct fib *f, struct fib_report *ret)
{
	uint32_t idx;

	while (f->ready && ring_pop(&f->reports, &idx)) {
		struct fib_entry *e = entry_at(f, idx);

		e->report = 0;
		if (e->set == 0 || e->state == FIB_ST_PENDING) {
			entry_gc(f, e);
			continue; /* said when there is something to say */
		}
		ret->kind = FIB_REP_VERDICT;
		entry_prefix_to(e, &ret->verdict.prefix);
		ret->verdict.state = (uint8_t)verdict_state(e);
		ret->verdict.code = (uint16_t)e->code;
		return true;
	}
	return false;
}

static bool
report_flushed(struct fib *f, struct fib_report *ret)
{
	if (!f->flushed || f->flush_said || f->nhave > 0 || f->nflight > 0 || f->objs.n > 0 ||
	    !list_is_empty(&f->strays))
		return false;
	f->flush_said = true;
	ret->kind = FIB_REP_FLUSHED;
	return true;
}

bool
fib_next_report(struct fib *f, struct fib_report *ret)
{
	struct list *l;

	fib_settle(f);
	if (f->ready && !f->adopted_said) {
		f->adopted_said = true;
		ret->kind = FIB_REP_ADOPTED;
		ret->adopted[0] = f->adopted[0];
		ret->adopted[1] = f->adopted[1];
		return true;
	}
	if (report_nh(f, ret) || local_next_report(f, ret) || report_verdict(f, ret))
		return true;
	l = list_pop_front(&f->events);
	if (l) {
		struct fib_event *ev = container_of(l, struct fib_event, link);

		f->nevents--;
		ret->kind = FIB_REP_EVENT;
		ret->event = ev->e;
		mem_free(ev);
		return true;
	}
	return report_flushed(f, ret);
}
