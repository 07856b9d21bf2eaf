/*
 * The commands: what they are called, what they take, which request they make.
 */
#include "config.h"

#include "ctl/ctl.h"

#include <string.h>

#include "lib/ip.h"
#include "lib/mem.h"

/* ---- requests -------------------------------------------------------------------------- */

static json_t *
request(const char *cmd)
{
	return json_pack("{s:s, s:{}}", "cmd", cmd, "args");
}

static void
add_arg(json_t *req, const char *key, json_t *v)
{
	json_object_set_new(json_object_get(req, "args"), key, v);
}

/* Text that is not UTF-8 cannot be what the agent knows: it is asked for with '?' there. */
static void
add_text(json_t *req, const char *key, const char *value)
{
	char *clean;

	if (!value)
		return;
	clean = text_clean(mem_strdup(value));
	add_arg(req, key, json_string(clean));
	mem_free(clean);
}

static void
add_family(const struct ctl *c, json_t *req)
{
	if (c->af)
		add_text(req, "family", ip_af_str(c->af));
}

/* ---- looking ------------------------------------------------------------------------------ */

static int
run_status(struct ctl *c)
{
	return render(c, request("status"), &render_status);
}

static int
peer_change(struct ctl *c)
{
	static const char *const words[] = { "reset", "refresh", "down", "up" };
	static const char *const ways[] = { "in", "out" };
	json_t *req;
	int i = args_word(words, 4, c->arg[1]), way;
	const char *command;

	if (i < 0)
		return usage_error(c, "peer %s: want reset, refresh in, refresh out, down or up, "
		    "got \"%s\"", c->arg[0], c->arg[1]);
	command = words[i];
	if (i == 1) {
		way = c->nargs > 2 ? args_word(ways, 2, c->arg[2]) : -1;
		if (way < 0)
			return usage_error(c, "peer %s refresh: want in or out", c->arg[0]);
		command = way ? "refresh-out" : "refresh-in";
	} else if (c->nargs > 2) {
		return usage_error(c, "peer: unexpected argument \"%s\"", c->arg[2]);
	}
	req = request("peer-command");
	add_text(req, "name", c->arg[0]);
	add_text(req, "command", command);
	add_text(req, "reason", c->reason);
	return render(c, req, &render_change);
}

static int
run_peers(struct ctl *c)
{
	json_t *req;

	if (c->nargs > 1)
		return peer_change(c);
	if (c->reason)
		return usage_error(c, "--reason goes with reset, down and up");
	req = request(c->nargs ? "peer" : "peers");
	if (c->nargs)
		add_text(req, "name", c->arg[0]);
	else
		add_family(c, req);
	return render(c, req, c->nargs ? &render_peer : &render_peers);
}

static bool
is_destination(const char *s)
{
	struct ip_addr a;
	struct ip_prefix p;
	bool host_bits;

	return ip_addr_parse(s, &a) || ip_prefix_parse(s, &p, &host_bits);
}

static int
run_routes(struct ctl *c)
{
	json_t *req;

	if (c->nargs && !is_destination(c->arg[0]))
		return usage_error(c, "\"%s\" is neither a prefix nor an address", c->arg[0]);
	req = request("routes");
	if (c->nargs)
		add_text(req, "prefix", c->arg[0]);
	add_text(req, "view", c->view);
	add_text(req, "peer", c->peer);
	add_family(c, req);
	return render(c, req, &render_routes);
}

static int
run_route(struct ctl *c)
{
	json_t *req;

	if (!c->nargs || c->view || c->peer)
		return run_routes(c);
	if (!is_destination(c->arg[0]))
		return usage_error(c, "\"%s\" is neither a prefix nor an address", c->arg[0]);
	req = request("route");
	add_text(req, "destination", c->arg[0]);
	return render(c, req, &render_route);
}

static int
run_fib(struct ctl *c)
{
	json_t *req = request("fib");

	if (c->diff)
		add_arg(req, "diff", json_true());
	add_family(c, req);
	return render(c, req, &render_fib);
}

static int
run_nexthops(struct ctl *c)
{
	json_t *req = request("nexthops");

	add_family(c, req);
	return render(c, req, &render_nexthops);
}

static int
run_events(struct ctl *c)
{
	json_t *req = request("events");
	uint64_t since_s = c->lost_s;

	if (since_s || (c->since && args_duration(c->since, &since_s)))
		add_arg(req, "since_s", json_integer((json_int_t)since_s));
	add_text(req, "peer", c->peer);
	if (c->watch)
		add_arg(req, "follow", json_true());
	return render(c, req, c->watch ? &render_events_follow : &render_events);
}

static int
run_bmp(struct ctl *c)
{
	return render(c, request("bmp"), &render_bmp);
}

static int
run_nodes(struct ctl *c)
{
	return render(c, request("nodes"), &render_nodes);
}

static int
run_services(struct ctl *c)
{
	return render(c, request("services"), &render_services);
}

static int
run_kube(struct ctl *c)
{
	return render(c, request("kube"), &render_kube);
}

static int
run_bfd(struct ctl *c)
{
	return render(c, request("bfd"), &render_bfd);
}

static int
run_pools(struct ctl *c)
{
	return render(c, request("pools"), &render_pools);
}

static int
run_nat(struct ctl *c)
{
	return render(c, request("nat"), &render_nat);
}

static int
run_cni(struct ctl *c)
{
	return render(c, request("cni"), &render_cni);
}

static int
run_mrt(struct ctl *c)
{
	static const char *const words[] = { "rib", "record" };
	int what = args_word(words, 2, c->arg[0]);
	json_t *req;

	if (what < 0)
		return usage_error(c, "mrt: want rib or record, got \"%s\"", c->arg[0]);
	if (what == 0 && (c->peer || c->for_s))
		return usage_error(c, "mrt rib takes neither --peer nor --for");
	req = request(what == 0 ? "mrt-rib" : "mrt-record");
	add_text(req, "peer", c->peer);
	return mrt_run(c, req, c->arg[1], c->for_s);
}

/* ---- changing ------------------------------------------------------------------------------ */

static int
run_reload(struct ctl *c)
{
	return render(c, request("reload"), &render_reload);
}

static int
run_prepare_restart(struct ctl *c)
{
	return render(c, request("prepare-restart"), &render_prepare);
}

static int
run_pre_stop(struct ctl *c)
{
	return render(c, request("pre-stop"), &render_pre_stop);
}

static int
run_flush(struct ctl *c)
{
	return render(c, request("flush"), &render_flush);
}

static int
run_drain(struct ctl *c)
{
	json_t *req = request("drain");

	add_text(req, "peer", c->peer);
	add_text(req, "reason", c->reason);
	add_arg(req, "wait", json_boolean(!c->no_wait));
	if (c->has_settle)
		add_arg(req, "settle_ms", json_integer((json_int_t)c->settle_ms));
	return render(c, req, &render_drain);
}

static int
run_undrain(struct ctl *c)
{
	json_t *req = request("undrain");

	add_text(req, "peer", c->peer);
	return render(c, req, &render_drain);
}

/* ---- about the command itself ----------------------------------------------------------------- */

static bool
version_row(void *ctx, json_t *row, const char *raw, size_t len)
{
	char **version = ctx;

	mem_free(*version);
	*version = mem_strdup(js_str(row, "version"));
	return true;
}

static void
no_warning(void *ctx, const char *text)
{
}

static int
run_version(struct ctl *c)
{
	static const struct client_ops ops = { .row = version_row, .warning = no_warning };
	struct client_end e;
	char *agent = NULL;
	struct out o;

	client_ask(c, request("version"), true, &ops, &agent, &e);
	if (c->format == CTL_JSON) {
		out_init(&o, false);
		out_open(&o, NULL);
		out_open(&o, "version");
		out_str(&o, "weft", PACKAGE_VERSION);
		out_str(&o, "agent", agent);
		out_close(&o);
		out_close(&o);
		fprintf(c->out, "%s\n", out_text(&o));
		out_free(&o);
	} else {
		fprintf(c->out, "weft %s\n", PACKAGE_VERSION);
		if (agent)
			print_clean(c->out, "weft-agent %s at %s\n", agent, c->run_dir);
		else
			print_clean(c->out, "weft-agent: %s\n", e.error ? e.error : "no answer");
	}
	mem_free(agent);
	mem_free(e.error);
	return CTL_OK;
}

static int
run_help(struct ctl *c)
{
	for (size_t i = 0; c->nargs && i < ctl_ncommands; i++)
		if (strcmp(ctl_commands[i].name, c->arg[0]) == 0)
			c->cmd = &ctl_commands[i];
	if (c->nargs && strcmp(c->cmd->name, "help") == 0)
		return usage_error(c, "no command \"%s\" (see: weft --help)", c->arg[0]);
	if (!c->nargs)
		c->cmd = NULL;
	print_help(c, c->out);
	return CTL_OK;
}

/* ---- the table ------------------------------------------------------------------ */

#define LOOK (OPT_JSON | OPT_WATCH)

const struct ctl_command ctl_commands[] = {
	{ "status", "", "this node on one screen", 0, 0, LOOK, false, run_status },
	{ "peers", "[NAME]", "sessions with peers, and why one is down", 0, 1,
	    LOOK | OPT_FAMILY | OPT_REASON, false, run_peers },
	{ "peer", "NAME [reset | refresh in | refresh out | down | up] [--reason TEXT]",
	    "one peer in detail, or do something to it", 0, 3, LOOK | OPT_FAMILY | OPT_REASON, true,
	    run_peers },
	{ "routes",
	    "[PREFIX] [--received | --accepted | --best | --advertised | --rejected] [--peer NAME]",
	    "paths of all prefixes, or those inside one", 0, 1,
	    LOOK | OPT_FAMILY | OPT_VIEW | OPT_PEER, false, run_routes },
	{ "route", "PREFIX | ADDRESS", "everything about one destination", 0, 1,
	    LOOK | OPT_FAMILY | OPT_VIEW | OPT_PEER, true, run_route },
	{ "fib", "[--diff]", "routes in the kernel against those wanted", 0, 0,
	    LOOK | OPT_FAMILY | OPT_DIFF, false, run_fib },
	{ "nexthops", "", "BGP next hops and how they resolve", 0, 0, LOOK | OPT_FAMILY, false,
	    run_nexthops },
	{ "events", "[-w] [--since TIME] [--peer NAME]", "what happened", 0, 0,
	    LOOK | OPT_SINCE | OPT_PEER, false, run_events },
	{ "bfd", "", "BFD sessions, and why one is down", 0, 0, LOOK, false, run_bfd },
	{ "nodes", "", "nodes of the Kubernetes cluster, and the sessions with them", 0, 0, LOOK, false,
	    run_nodes },
	{ "services", "", "addresses of Kubernetes Services, and why each is announced or not", 0, 0,
	    LOOK, false, run_services },
	{ "bmp", "", "BMP collectors, and why one is not connected", 0, 0, LOOK, false, run_bmp },
	{ "pools", "", "addresses for load balancers, and who has none", 0, 0, LOOK, false, run_pools },
	{ "nat", "", "what natOutgoing translates", 0, 0, LOOK, false, run_nat },
	{ "cni", "", "the file by which container runtimes make pods", 0, 0, LOOK, false, run_cni },
	{ "kube", "", "the connection to the API server, and what is watched there", 0, 0, LOOK, false,
	    run_kube },
	{ "mrt", "rib FILE | record FILE [--peer NAME] [--for TIME]",
	    "all routes, or messages of sessions, as MRT into a file", 2, 2,
	    OPT_JSON | OPT_PEER | OPT_FOR, false, run_mrt },
	{ "check", "FILE...", "check configuration files and manifests; needs no agent", 1, 8, OPT_JSON, false,
	    cmd_check },
	{ "policy",
	    "test FILE --peer NAME | --filter NAME [--direction import | export] --route ROUTE",
	    "run a route through the filters of a file; needs no agent", 1, 2,
	    OPT_JSON | OPT_PEER | OPT_POLICY_TEST, true, cmd_policy },
	{ "convert", "calico | metallb | cilium FILE",
	    "another product's resources as a configuration; needs no agent", 2, 2, OPT_JSON, false,
	    cmd_convert },
	{ "reload", "", "load the configuration file again", 0, 0, OPT_JSON, false, run_reload },
	{ "prepare-restart", "", "let the next stop keep all routes", 0, 0, OPT_JSON, false,
	    run_prepare_restart },
	{ "pre-stop", "", "before a stop: prepare a restart, or drain a node that leaves", 0, 0, OPT_JSON,
	    true, run_pre_stop },
	{ "flush", "", "remove every route of weft from the kernel", 0, 0, OPT_JSON, true,
	    run_flush },
	{ "drain", "[--peer NAME] [--reason TEXT] [--settle TIME] [--wait | --no-wait]",
	    "take the node, or one peer, out of service without loss", 0, 0,
	    OPT_JSON | OPT_PEER | OPT_REASON | OPT_DRAIN, true, run_drain },
	{ "undrain", "[--peer NAME]", "put it into service again", 0, 0, OPT_JSON | OPT_PEER, true,
	    run_undrain },
	{ "version", "", "versions of this command and of the agent", 0, 0, OPT_JSON, false,
	    run_version },
	{ "help", "[COMMAND]", "this text, or more on one command", 0, 1, 0, false, run_help },
};
const size_t ctl_ncommands = sizeof(ctl_commands) / sizeof(ctl_commands[0]);

void
print_help(struct ctl *c, FILE *f)
{
	if (c->cmd) {
		fprintf(f, "usage: weft %s%s%s\n%s\n", c->cmd->name, *c->cmd->args ? " " : "",
		    c->cmd->args, c->cmd->help);
		return;
	}
	fputs("usage: weft [OPTION...] COMMAND [ARGUMENT...]\n\n", f);
	for (size_t i = 0; i < ctl_ncommands; i++)
		fprintf(f, "  %-16s %s\n", ctl_commands[i].name, ctl_commands[i].help);
	fputs("\n"
	      "  -o table|wide|json   how to print; json is the stable form\n"
	      "  -w, --watch          again and again; --interval SECONDS\n"
	      "  -4, -6               one address family only\n"
	      "  --no-headers         tables without heads and summary\n"
	      "  --run-dir DIR        which agent: the run directory of its weftd\n"
	      "                       (default " CTL_RUN_DIR " or $WEFT_RUN_DIR)\n"
	      "  -h, --help           also after a command\n"
	      "  -V, --version\n"
	      "\n"
	      "Commands may be shortened. Exit status: 0 healthy or done, 1 something is down,\n"
	      "2 wrong usage or configuration, 3 agent not reachable. See weft(8).\n",
	    f);
}

int
ctl_main(struct ctl *c, int argc, char **argv, const char *env_run_dir)
{
	enum ctl_exit rc;

	c->run_dir = env_run_dir && *env_run_dir ? env_run_dir : CTL_RUN_DIR;
	c->interval_s = 1;
	rc = args_parse(c, argc, argv);
	if (rc != CTL_OK)
		return rc;
	if (c->help) {
		print_help(c, c->out);
		return CTL_OK;
	}
	if (c->version)
		return run_version(c);
	if (c->watch)
		return c->cmd->run == run_events ? follow(c, run_events) : watch(c, c->cmd->run);
	return c->cmd->run(c);
}
