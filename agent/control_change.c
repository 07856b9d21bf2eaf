/*
 * Commands that change something: the session of a peer, the configuration in force, what the next
 * stop does, the routes in the kernel, drains.
 *
 * The table says that they need a right; control_cmd_start() has looked at it.
 */
#include "agent/control_cmd.h"

#include <stdio.h>
#include <string.h>

#include "agent/drains.h"
#include "agent/kube/leave.h"
#include "lib/mem.h"

#define PREPARED_S 60

/* ---- one peer -------------------------------------------------------------- */

void
control_cmd_peer_command(struct control_req *r)
{
	const struct agent_peer *p = control_need_peer(r);
	struct ipc_peer_cmd cmd = { .cmd = r->args.command };
	struct out *o;

	if (!p)
		return;
	cmd.peer = p->id;
	snprintf(cmd.text, sizeof(cmd.text), "%s", r->args.reason);
	if (!agent_peer_release(r->a, &cmd) && p->problem[0]) {
		control_endf(r, CONTROL_DOWN, "peer %s cannot be started: %s", p->conf->name,
		    p->problem);
		return;
	}
	if (!agent_peer_cmd(r->a, &cmd)) {
		control_end_lost(r);
		return;
	}
	o = control_row(r);
	out_str(o, "peer", p->conf->name);
	out_str(o, "command", control_peer_command(cmd.cmd));
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

/* ---- reload, restart, flush ------------------------------------------------ */

static void
out_lines(struct out *o, const char *key, const char *text)
{
	size_t n;

	out_open_array(o, key);
	for (; text && *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n)
			out_strn(o, NULL, text, n);
	}
	out_close(o);
}

/* An error of one or more lines; the last one ends without a newline, as other errors do. */
static void
end_with_lines(struct control_req *r, const char *lines)
{
	size_t n = strlen(lines);
	char *text = mem_strndup(lines, n && lines[n - 1] == '\n' ? n - 1 : n);

	control_end(r, CONTROL_USAGE, text);
	mem_free(text);
}

static void
reload_done(void *ctx, const char *errors, const char *warnings, const char *summary)
{
	struct control_req *r = control_redeem(ctx);
	struct out *o;

	if (!r)
		return;
	if (errors) {
		end_with_lines(r, errors);
		return;
	}
	o = control_row(r);
	out_str(o, "summary", summary);
	out_lines(o, "warnings", warnings);
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

void
control_cmd_reload(struct control_req *r)
{
	agent_reload(r->a, reload_done, control_ticket(r));
}

void
control_cmd_prepare_restart(struct control_req *r)
{
	struct out *o;

	agent_prepare_restart(r->a);
	o = control_row(r);
	out_u64(o, "prepared_s", PREPARED_S);
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

static void
flush_done(void *ctx, uint64_t removed)
{
	struct control_req *r = control_redeem(ctx);

	if (!r)
		return;
	out_u64(control_row(r), "removed", removed);
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

void
control_cmd_flush(struct control_req *r)
{
	if (agent_observes(r->a))
		control_end(r, CONTROL_DOWN, "observe is on: nothing is removed");
	else
		agent_flush(r->a, flush_done, control_ticket(r));
}

/* ---- drain ----------------------------------------------------------------- */

static void
drain_row(struct control_req *r, enum drain_step step, uint64_t elapsed_us, const char *text)
{
	struct out *o = control_row(r);

	out_str(o, "peer", r->args.peer_name[0] ? r->args.peer_name : NULL);
	out_str(o, "step", drain_step_name(step));
	out_str(o, "text", text);
	out_u64(o, "elapsed_ms", elapsed_us / 1000);
	control_row_end(r);
}

static void
pre_stop_row(struct control_req *r, const char *step, const char *text)
{
	struct out *o = control_row(r);

	out_null(o, "peer");
	out_str(o, "step", step);
	out_str(o, "text", text);
	out_u64(o, "elapsed_ms", 0);
	control_row_end(r);
}

static void
drain_step(void *ctx, const struct drains_report *rep)
{
	struct control_req *r = ctx;

	drain_row(r, rep->step, rep->elapsed_us, rep->text);
	if (rep->step != DRAIN_DONE && rep->step != DRAIN_OFF)
		return;
	r->st.drain = NULL; /* that was its last report */
	if (rep->step == DRAIN_DONE)
		control_end(r, CONTROL_OK, NULL);
	else
		control_end(r, CONTROL_DOWN, "undrained meanwhile");
}

/* Where it stands; then its steps, if they are wanted and there are more. */
static void
drain_follow(struct control_req *r)
{
	const struct drain *d = drains_find(r->a->drains, r->args.peer_name);
	bool wait = !control_given(r, ARG_WAIT) || r->args.wait;
	char text[128];

	if (!d) {
		control_end(r, CONTROL_DOWN, "undrained meanwhile");
		return;
	}
	drain_row(r, d->step, mono_diff_us(agent_now(), d->since),
	    drains_text(d, text, sizeof(text)));
	if (!wait || !drain_is_under_way(d))
		control_end(r, CONTROL_OK, NULL);
	else
		r->st.drain = drains_watch(r->a->drains, r->args.peer_name, drain_step, r);
}

/* The drain's name out of --peer: "" is the node's. False: the answer has been ended. */
static bool
drain_name(struct control_req *r)
{
	const struct agent_peer *p;

	if (!control_given(r, ARG_PEER))
		return true;
	if (drains_find(r->a->drains, r->args.peer_name))
		return true; /* of a peer that may have gone */
	p = control_need_peer(r);
	if (p)
		snprintf(r->args.peer_name, sizeof(r->args.peer_name), "%s", p->conf->name);
	return p;
}

void
control_cmd_drain(struct control_req *r)
{
	const struct conf *c = r->a->conf;
	const struct drain *d;

	if (strlen(r->args.reason) >= IPC_DRAIN_TEXT_MAX) {
		control_endf(r, CONTROL_USAGE, "drain: reason: want a text of at most %d octets",
		    IPC_DRAIN_TEXT_MAX - 1);
		return;
	}
	if (!drain_name(r))
		return;
	if (!c) {
		control_end(r, CONTROL_DOWN, "no configuration is in force");
		return;
	}
	if (!control_given(r, ARG_SETTLE))
		r->args.settle_ms = c->drain.settle_ms;
	if (!drains_start(r->a->drains, r->args.peer_name, r->args.settle_ms * 1000, r->args.reason)) {
		d = drains_find(r->a->drains, r->args.peer_name);
		control_warn(r, "%s already%s%s", d->step == DRAIN_DONE ? "drained" : "being drained",
		    d->reason[0] ? ": " : "", d->reason);
	}
	drain_follow(r);
}

void
control_cmd_undrain(struct control_req *r)
{
	bool was;

	if (!drain_name(r))
		return;
	was = drains_undo(r->a->drains, r->args.peer_name);
	drain_row(r, DRAIN_OFF, 0, was ? "undrained: sessions may come up again" : "not drained");
	if (r->args.peer_name[0] && drains_find(r->a->drains, ""))
		control_warn(r, "the node is drained, this peer with it (see: weft undrain)");
	control_end(r, CONTROL_OK, NULL);
}

static void
pre_stop_restart(struct control_req *r)
{
	char text[96];

	agent_prepare_restart(r->a);
	snprintf(text, sizeof(text), "the next stop within %d s keeps all routes", PREPARED_S);
	pre_stop_row(r, "restart", text);
	control_end(r, CONTROL_OK, NULL);
}

/* What a pod's preStop hook asks for: a node that stays is to come back, one that leaves is drained
 * before its end. */
void
control_cmd_pre_stop(struct control_req *r)
{
	const struct conf *c = r->a->conf;
	char why[LEAVE_WHY_MAX];

	if (!leave_is_due(r->a, why) || !c) {
		pre_stop_restart(r);
		return;
	}
	pre_stop_row(r, "drain", why);
	drains_by_cluster(r->a->drains, (uint64_t)c->drain.settle_ms * 1000, why);
	drain_follow(r);
}
