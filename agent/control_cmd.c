/*
 * The commands of the control socket: their table, how a request finds its row, what several of
 * them need. They themselves are in the files that control_cmd.h lists.
 *
 * What is not in the table is an error that names it.  Most rows are written by views*.c.
 *
 * What bgpd knows is asked with a query.  While bgpd is down the answer is made of
 * what the agent knows, with a warning, and exit status 1.
 */
#include "config.h"

#include "agent/control_cmd.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "agent/control.h"
#include "agent/drains.h"
#include "agent/events.h"
#include "agent/mrt.h"
#include "agent/source.h"
#include "lib/mem.h"

#define A(arg) (1u << (arg)) /* takes, needs */

/* ---- shared by commands ---------------------------------------------------- */

/* Find the peer that args name; without one the answer has been ended. */
const struct agent_peer *
control_need_peer(struct control_req *r)
{
	const struct agent_peer *p = agent_peer_by_name(r->a, r->args.peer_name);

	if (p)
		r->args.peer = p->id;
	else if (source_range_id(r->a, r->args.peer_name) != IPC_PEER_NONE)
		control_endf(r, CONTROL_DOWN,
		    "%s is a listenRange and has %zu peers now; name one of them: %s/ADDRESS (see: weft "
		    "peers)", r->args.peer_name, source_range_peers(r->a, r->args.peer_name),
		    r->args.peer_name);
	else
		control_endf(r, CONTROL_DOWN, "no peer \"%s\" is configured (see: weft peers)",
		    r->args.peer_name);
	return p;
}

void
control_end_lost(struct control_req *r)
{
	char why[IPC_TEXT_MAX];

	if (!view_bgpd_problem(r->a, why, sizeof(why)))
		snprintf(why, sizeof(why), "weft-bgpd ended while it was asked; try again");
	control_end(r, CONTROL_DOWN, why);
}

void
control_warn_lost(struct control_req *r)
{
	char why[IPC_TEXT_MAX];

	control_warn(r, "%s; shown is what the agent knows without it",
	    view_bgpd_problem(r->a, why, sizeof(why)) ? why : "weft-bgpd ended while it was asked");
}

/* ---- version --------------------------------------------------------------- */

static void
cmd_version(struct control_req *r)
{
	struct out *o = control_row(r);

	out_str(o, "version", PACKAGE_VERSION);
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

/* ---- the table ------------------------------------------------------------- */

static const struct control_cmd cmds[] = {
	{ "status", 0, 0, false, control_cmd_status },
	{ "peers", A(ARG_FAMILY), 0, false, control_cmd_peers },
	{ "peer", A(ARG_NAME), A(ARG_NAME), false, control_cmd_peer },
	{ "peer-command", A(ARG_NAME) | A(ARG_COMMAND) | A(ARG_REASON), A(ARG_NAME) | A(ARG_COMMAND),
	    true, control_cmd_peer_command },
	{ "routes", A(ARG_VIEW) | A(ARG_PREFIX) | A(ARG_PEER) | A(ARG_FAMILY), 0, false,
	    control_cmd_routes },
	{ "route", A(ARG_DESTINATION), A(ARG_DESTINATION), false, control_cmd_route },
	{ "fib", A(ARG_DIFF) | A(ARG_FAMILY), 0, false, control_cmd_fib },
	{ "nexthops", A(ARG_FAMILY), 0, false, control_cmd_nexthops },
	{ "pools", 0, 0, false, control_cmd_pools },
	{ "nat", 0, 0, false, control_cmd_nat },
	{ "kube", 0, 0, false, control_cmd_kube },
	{ "events", A(ARG_FOLLOW) | A(ARG_SINCE) | A(ARG_PEER), 0, false, control_cmd_events },
	{ "bmp", 0, 0, false, control_cmd_bmp },
	{ "bfd", 0, 0, false, control_cmd_bfd },
	{ "cni", 0, 0, false, control_cmd_cni },
	{ "nodes", 0, 0, false, control_cmd_nodes },
	{ "services", 0, 0, false, control_cmd_services },
	{ "mrt-rib", 0, 0, true, control_cmd_mrt_rib },
	{ "mrt-record", A(ARG_PEER), 0, true, control_cmd_mrt_record },
	{ "reload", 0, 0, true, control_cmd_reload },
	{ "prepare-restart", 0, 0, true, control_cmd_prepare_restart },
	{ "pre-stop", 0, 0, true, control_cmd_pre_stop },
	{ "flush", 0, 0, true, control_cmd_flush },
	{ "drain", A(ARG_PEER) | A(ARG_REASON) | A(ARG_WAIT) | A(ARG_SETTLE), 0, true,
	    control_cmd_drain },
	{ "undrain", A(ARG_PEER), 0, true, control_cmd_undrain },
	{ "version", 0, 0, false, cmd_version },
};

static const struct control_cmd *
cmd_find(const char *name)
{
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		if (strcmp(cmds[i].name, name) == 0)
			return &cmds[i];
	return NULL;
}

/* The command and its arguments out of the request; false with a text in err. */
static bool
request_parse(struct control_req *r, json_t *root, char *err, size_t cap)
{
	const char *name = json_string_value(json_object_get(root, "cmd")), *key;
	json_t *v;

	if (!name) {
		snprintf(err, cap, "want an object with \"cmd\"");
		return false;
	}
	json_object_foreach(root, key, v) {
		if (strcmp(key, "cmd") != 0 && strcmp(key, "args") != 0) {
			snprintf(err, cap, "unknown key \"%.40s\": want \"cmd\" and \"args\"", key);
			return false;
		}
	}
	r->cmd = cmd_find(name);
	if (!r->cmd) {
		snprintf(err, cap, "unknown command \"%.40s\"", name);
		return false;
	}
	return control_args_parse(r, json_object_get(root, "args"), err, cap);
}

bool
control_cmd_parse(struct control_req *r, const char *line, size_t len, char *err, size_t cap)
{
	json_error_t je;
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);
	bool ok = root != NULL;

	if (!ok)
		snprintf(err, cap, "not JSON: %s at column %d", je.text, je.column);
	else
		ok = request_parse(r, root, err, cap);
	json_decref(root);
	return ok;
}

bool
control_cmd_start(struct control_req *r, const char *line, size_t len, bool may_change, char *err,
    size_t cap, enum control_exit *ret_exit)
{
	bool ok = control_cmd_parse(r, line, len, err, cap);

	*ret_exit = CONTROL_USAGE;
	if (ok && r->cmd->changes && !may_change) {
		*ret_exit = CONTROL_DOWN;
		snprintf(err, cap, "%s is for root, the agent's own user and members of group %s",
		    r->cmd->name, CONTROL_ADMIN_GROUP);
		ok = false;
	}
	if (!ok)
		return false;
	if (r->cmd->changes)
		events_addf(r->a->events, IPC_LVL_NOTICE, "operator-command",
		    "command=%s uid=%u%s%s", r->cmd->name, (unsigned)r->uid,
		    r->args.peer_name[0] ? " name=" : "", r->args.peer_name);
	r->cmd->start(r);
	return true;
}

void
control_cmd_free(struct control_req *r)
{
	mem_free(r->st.seen);
	mem_free(r->st.service);
	mem_free(r->st.sessions);
	if (r->st.mrt)
		mrt_drop(r->a->mrts, r->st.mrt);
	r->st.mrt = 0;
	if (r->st.drain)
		drains_unwatch(r->st.drain);
	r->st.drain = NULL;
	if (r->st.have_doc)
		out_free(&r->st.doc);
}
