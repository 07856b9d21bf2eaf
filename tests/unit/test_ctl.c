/*
 * weft, the command, against the fake agent: what it prints, word for word
 * (tests/golden/ctl/), how the command line is understood, and its exit status.
 *
 * The agent runs in a child and serves a control socket in a directory of its own.
 * With WEFT_UPDATE_GOLDEN set the golden files are written instead of compared;
 * `test_ctl --serve DIR` serves the fake agent to try the command by hand.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/control.h"
#include "ctl/ctl.h"
#include "lib/mem.h"
#include "tests/unit/fake_agent.h"

static char dir[] = "/tmp/weft-ctl-XXXXXX";
static pid_t servers[8];
static size_t nservers;

/* ---- the server --------------------------------------------------------------------- */

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* In the child: a control socket in dir/name for that fake. */
static void
serve(const char *at, struct fake *f)
{
	if (mkdir(at, 0700) < 0 && errno != EEXIST)
		abort();
	if (chdir(at) < 0)
		abort();
	fake_serve(f);
}

/* Start one, and wait until it listens. */
static void
start(const char *name, struct fake *f)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	char at[64], sock[96];
	pid_t pid;

	snprintf(at, sizeof(at), "%s/%s", dir, name);
	snprintf(sock, sizeof(sock), "%s/%s", at, CONTROL_SOCKET);
	pid = fork();
	if (pid == 0)
		serve(at, f);
	servers[nservers++] = pid;
	for (int i = 0; i < 5000 && access(sock, F_OK) < 0; i++)
		nanosleep(&ms, NULL);
	fake_free(f);
}

/* ---- calling the command -------------------------------------------------------------- */

struct result {
	int status;
	char *out; /* what went to stdout, then what went to stderr */
};

/* "peers -o json" in the run directory of that server, on a terminal so many columns wide. */
static struct result
call(const char *server, const char *line, unsigned columns)
{
	struct ctl c = { .columns = columns, .lines = columns ? 40 : 0 };
	char words[512], at[64], *argv[24] = { (char *)"weft" }, *save = NULL, *err = NULL, *out = NULL;
	size_t out_len, err_len;
	int argc = 1;
	struct result r;

	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	snprintf(at, sizeof(at), "%s/%s", dir, server);
	c.out = open_memstream(&out, &out_len);
	c.err = open_memstream(&err, &err_len);
	r.status = ctl_main(&c, argc, argv, at);
	fclose(c.out);
	fclose(c.err);
	r.out = mem_printf("%s%s", out, err);
	free(out);
	free(err);
	return r;
}

static char *
slurp(const char *name)
{
	FILE *f = fopen(name, "r");
	char *text = mem_zalloc(1 << 18);

	if (f) {
		text[fread(text, 1, (1 << 18) - 1, f)] = '\0';
		fclose(f);
	}
	return text;
}

/* Replace every `was`, which is another one each time, by `is`, which is not longer. */
static void
neutral(char *text, const char *was, const char *is)
{
	size_t n = strlen(was), k = strlen(is);

	for (char *p = text; (p = strstr(p, was)); p += k) {
		memcpy(p, is, k);
		memmove(p + k, p + n, strlen(p + n) + 1);
	}
}

static const struct {
	const char *file, *server, *line;
	unsigned columns;
	int status;
} goldens[] = {
	{ "status.txt", "node", "status", 0, 1 },
	{ "status_80.txt", "node", "status", 80, 1 },
	{ "status.json", "node", "status -o json", 0, 1 },
	{ "status_empty.txt", "empty", "status", 0, 0 },
	{ "status_lost.txt", "lost", "status", 0, 1 },
	{ "peers.txt", "node", "peers", 0, 1 },
	{ "peers_4.txt", "node", "peers -4", 0, 1 },
	{ "peers_80.txt", "node", "peers", 80, 1 },
	{ "peers_140.txt", "node", "peers", 140, 1 },
	{ "peers_100.txt", "node", "peers", 100, 1 },
	{ "peers_wide.txt", "node", "peers -o wide", 0, 1 },
	{ "peers_plain.txt", "node", "peers --no-headers", 0, 1 },
	{ "peers.json", "node", "peers -o json", 0, 1 },
	{ "peers_empty.txt", "empty", "peers", 0, 0 },
	{ "peers_empty.json", "empty", "peers -o json", 0, 0 },
	{ "peers_rejected.txt", "rejecting", "peers", 0, 1 },
	{ "peers_lost.txt", "lost", "peers", 0, 1 },
	{ "peers_lost.json", "lost", "peers -o json", 0, 1 },
	{ "peer_up.txt", "node", "peer tor1", 0, 0 },
	{ "peer_address.txt", "node", "peer 10.0.1.12", 0, 0 },
	{ "peer_down.txt", "node", "peer node-c", 80, 1 },
	{ "peer_problem.txt", "node", "peer node-d", 0, 1 },
	{ "peer_none.txt", "node", "peer nobody", 0, 1 },
	{ "peer_none.json", "node", "peer nobody -o json", 0, 1 },
	{ "peer.json", "node", "peer tor1 -o json", 0, 0 },
	{ "routes.txt", "node", "routes", 0, 0 },
	{ "routes_80.txt", "node", "routes", 80, 0 },
	{ "routes_wide.txt", "node", "routes -o wide", 0, 0 },
	{ "routes.json", "node", "routes -o json", 0, 0 },
	{ "routes_best6.txt", "node", "routes --best -6", 0, 0 },
	{ "routes_rejected.txt", "node", "routes --rejected", 0, 0 },
	{ "routes_inside.txt", "node", "routes 10.244.0.0/20 --received", 0, 0 },
	{ "routes_peer.txt", "node", "routes --peer tor1 --accepted", 0, 0 },
	{ "routes_advertised.txt", "node", "routes --advertised", 0, 0 },
	{ "routes_none.txt", "node", "routes 192.168.0.0/16 --best", 0, 0 },
	{ "routes_lost.txt", "lost", "routes", 0, 1 },
	{ "routes_lost.json", "lost", "routes -o json", 0, 1 },
	{ "route.txt", "node", "route 10.244.3.7", 0, 0 },
	{ "route_80.txt", "node", "route 10.244.3.0/24", 80, 0 },
	{ "route.json", "node", "route 10.244.3.0/24 -o json", 0, 0 },
	{ "route_own.txt", "node", "route 10.244.1.0/24", 0, 0 },
	{ "route_refused.txt", "node", "route 0.0.0.0/0", 0, 0 },
	{ "route_unresolved.txt", "node", "route 10.244.77.1", 0, 0 },
	{ "route_rejected.txt", "node", "route 192.0.2.0/25", 0, 0 },
	{ "route_service.txt", "node", "route 192.0.2.11", 0, 0 },
	{ "route_none.txt", "empty", "route 10.99.0.1", 0, 1 },
	{ "fib.txt", "node", "fib", 0, 0 },
	{ "fib_80.txt", "node", "fib", 80, 0 },
	{ "fib_wide.txt", "node", "fib -o wide", 0, 0 },
	{ "fib_diff.txt", "node", "fib --diff", 0, 1 },
	{ "fib.json", "node", "fib -o json", 0, 0 },
	{ "fib_empty.txt", "empty", "fib", 0, 0 },
	{ "fib_diff_empty.txt", "empty", "fib --diff", 0, 0 },
	{ "nexthops.txt", "node", "nexthops", 0, 0 },
	{ "nexthops.json", "node", "nexthops -o json", 0, 0 },
	{ "nexthops_empty.txt", "empty", "nexthops", 0, 0 },
	{ "pools.txt", "node", "pools", 0, 0 },
	{ "pools_80.txt", "node", "pools", 80, 0 },
	{ "pools.json", "node", "pools -o json", 0, 0 },
	{ "pools_empty.txt", "empty", "pools", 0, 0 },
	{ "nat.txt", "node", "nat", 0, 0 },
	{ "nat_wide.txt", "node", "nat -o wide", 0, 0 },
	{ "nat.json", "node", "nat -o json", 0, 0 },
	{ "nat_off.txt", "empty", "nat", 0, 0 },
	{ "nat_foreign.txt", "bfd", "nat", 0, 1 },
	{ "kube.txt", "node", "kube", 0, 1 },
	{ "kube_80.txt", "node", "kube", 80, 1 },
	{ "kube_wide.txt", "node", "kube -o wide", 0, 1 },
	{ "kube.json", "node", "kube -o json", 0, 1 },
	{ "kube_lost.txt", "bfd", "kube", 0, 1 },
	{ "kube_off.txt", "empty", "kube", 0, 0 },
	{ "bfd.txt", "bfd", "bfd", 0, 1 },
	{ "bfd_80.txt", "bfd", "bfd", 80, 1 },
	{ "bfd_wide.txt", "bfd", "bfd -o wide", 0, 1 },
	{ "bfd.json", "bfd", "bfd -o json", 0, 1 },
	{ "bfd_empty.txt", "empty", "bfd", 0, 0 },
	{ "services.txt", "node", "services", 0, 0 },
	{ "services_80.txt", "node", "services", 80, 0 },
	{ "services_wide.txt", "node", "services -o wide", 0, 0 },
	{ "services.json", "node", "services -o json", 0, 0 },
	{ "services_problem.txt", "bfd", "services", 0, 1 },
	{ "services_empty.txt", "empty", "services", 0, 0 },
	{ "peers_bfd.txt", "bfd", "peers", 0, 1 },
	{ "peer_bfd.txt", "bfd", "peer tor1", 0, 0 },
	{ "peer_bfd_down.txt", "bfd", "peer node-b", 0, 0 },
	{ "bmp.txt", "node", "bmp", 0, 1 },
	{ "bmp_80.txt", "node", "bmp", 80, 1 },
	{ "bmp_wide.txt", "node", "bmp -o wide", 0, 1 },
	{ "bmp.json", "node", "bmp -o json", 0, 1 },
	{ "bmp_lost.txt", "lost", "bmp", 0, 1 },
	{ "bmp_empty.txt", "empty", "bmp", 0, 0 },
	{ "cni.txt", "node", "cni", 0, 0 },
	{ "cni.json", "node", "cni -o json", 0, 0 },
	{ "cni_waiting.txt", "bfd", "cni", 0, 1 },
	{ "cni_off.txt", "empty", "cni", 0, 0 },
	{ "events.txt", "node", "events", 0, 0 },
	{ "events.json", "node", "events -o json", 0, 0 },
	{ "events_since.txt", "node", "events --since 14m20s", 0, 2 },
	{ "events_last.txt", "node", "events --since 15m --peer node-b", 0, 0 },
	{ "events_80.txt", "node", "events", 80, 0 },
	{ "events_100.txt", "node", "events", 100, 0 },
	{ "events_empty.txt", "empty", "events", 0, 0 },
	{ "unreachable.txt", "nowhere", "peers", 0, 3 },
	{ "unreachable.json", "nowhere", "peers -o json", 0, 3 },
	{ "version.txt", "node", "version", 0, 0 },
	{ "help.txt", "node", "--help", 0, 0 },
	{ "help_routes.txt", "node", "help routes", 0, 0 },
};

START_TEST(prints_golden)
{
	const char *src = getenv("srcdir");
	struct result r = call(goldens[_i].server, goldens[_i].line, goldens[_i].columns);
	char name[256], *want;

	snprintf(name, sizeof(name), "%s/tests/golden/ctl/%s", src ? src : ".", goldens[_i].file);
	neutral(r.out, dir, "/run");
	neutral(r.out, "weft " PACKAGE_VERSION, "weft V");
	neutral(r.out, "weft-agent " PACKAGE_VERSION, "weft-agent V");
	neutral(r.out, "\"version\":\"" PACKAGE_VERSION, "\"version\":\"V");
	if (getenv("WEFT_UPDATE_GOLDEN")) {
		write_file(name, r.out);
	} else {
		want = slurp(name);
		ck_assert_msg(strcmp(r.out, want) == 0, "weft %s: %s: got\n%s\nwanted\n%s",
		    goldens[_i].line, goldens[_i].file, r.out, want);
		mem_free(want);
	}
	ck_assert_msg(r.status == goldens[_i].status, "weft %s: exit %d, wanted %d: %s",
	    goldens[_i].line, r.status, goldens[_i].status, r.out);
	for (const char *p = r.out; *p; p++)
		ck_assert_msg((unsigned char)*p >= ' ' || *p == '\n', "%s: control character %d",
		    goldens[_i].line, *p);
	mem_free(r.out);
}
END_TEST

/* A document of -o json is one JSON value. */
START_TEST(json_is_json)
{
	size_t n = strlen(goldens[_i].file);
	struct result r;
	json_t *doc;

	if (strcmp(goldens[_i].file + n - 5, ".json") != 0)
		return;
	r = call(goldens[_i].server, goldens[_i].line, 0);
	doc = json_loads(r.out, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json_is_object(doc), "%s: %s", goldens[_i].line, r.out);
	json_decref(doc);
	mem_free(r.out);
}
END_TEST

/* ---- the command line -------------------------------------------------------------------- */

static const struct {
	const char *line;
	int status;
	const char *says; /* a part of what it prints */
} lines[] = {
	/* abbreviations and the words of others */
	{ "st", 1, "sessions" },
	{ "stat", 1, "sessions" },
	{ "pee", 1, "5 peers: 2 established, 2 down, 1 disabled" },
	{ "show peers", 1, "5 peers" },
	{ "sh bgp summary", 1, "5 peers" },
	{ "show bgp sum", 1, "5 peers" },
	{ "show protocols", 1, "5 peers" },
	{ "show ip bgp summary", 1, "5 peers" },
	{ "neighbor", 1, "5 peers" },
	{ "show neighbor tor1", 0, "tor1 (10.0.0.1), AS 65000" },
	{ "show protocols all node-b", 0, "node-b (10.0.1.12)" },
	{ "show route for 10.244.3.7", 0, "the longest match for 10.244.3.7" },
	{ "show ip bgp", 0, "paths to" },
	{ "rou", 0, "paths to" },
	{ "route", 0, "paths to" },
	{ "nex", 0, "next hops" },
	{ "-w --help", 0, "usage: weft" },
	{ "peers --help", 0, "usage: weft peers" },
	{ "--version", 0, "weft " },
	{ "ver -o j", 0, "{\"version\":{\"weft\"" },
	{ "-o=json peers", 2, "got \"=json\"" },
	{ "--output=json nexthops", 0, "{\"nexthops\":[" },
	{ "-4ojson nexthops", 0, "{\"nexthops\":[" },
	{ "-6 nexthops", 0, "no next hops" },
	{ "routes -4 -6", 0, "fd00:10:244:3::/64" },
	{ "routes 10.244.3.7", 0, "3 paths to 1 prefix" },
	{ "events --since 1d --peer tor1", 0, "no such events" },
	/* changing */
	{ "peer tor1 reset", 0, "tor1: reset requested" },
	{ "peer tor1 ref in", 0, "refresh-in requested" },
	{ "peer tor1 refresh out", 0, "refresh-out requested" },
	{ "peer tor1 down --reason maintenance", 0, "down requested" },
	{ "peer node-d up", 1, "password file /etc/weft/md5" },
	{ "peer nobody up", 1, "no peer \"nobody\" is configured" },
	{ "prepare-restart", 0, "within 60s keeps all routes" },
	{ "flush", 0, "412 routes removed" },
	/* wrong usage */
	{ "", 2, "usage: weft" },
	{ "p", 2, "short for several: peers, pools, prepare-restart" },
	{ "pre-stop", 0, "the next stop within 60 s keeps all routes" },
	{ "flush-all", 2, "unknown command" },
	{ "peerz", 2, "did you mean \"peer" },
	{ "statsu", 2, "did you mean \"status\"" },
	{ "dra", 2, "did you mean \"drain\"?" },
	{ "xyzzyxyzzy", 2, "unknown command \"xyzzyxyzzy\"" },
	{ "peers --wide", 2, "unknown option --wide" },
	{ "peers --no-header", 1, "tor1" },
	{ "peers --verison", 2, "did you mean --version" },
	{ "peers -x", 2, "unknown option -x" },
	{ "peers --diff", 2, "peers takes no option --diff" },
	{ "peers -o yaml", 2, "want table, wide or json, got \"yaml\"" },
	{ "peers -o", 2, "needs a value: table, wide or json" },
	{ "peers --no-headers=1", 2, "takes no value" },
	{ "routes 10.0.0.0/33", 2, "neither a prefix nor an address" },
	{ "routes --best --received", 2, "one view only" },
	{ "routes --peer nobody", 1, "no peer \"nobody\"" },
	{ "route foo", 2, "neither a prefix nor an address" },
	{ "peer tor1 explode", 2, "want reset, refresh in" },
	{ "peer tor1 refresh", 2, "want in or out" },
	{ "peer tor1 refresh sideways", 2, "want in or out" },
	{ "peer tor1 reset now", 2, "unexpected argument \"now\"" },
	{ "peers --reason x", 2, "--reason goes with" },
	{ "check", 2, "check needs an argument" },
	{ "check a b c d e f g h i", 2, "unexpected argument \"i\"" },
	{ "status now", 2, "unexpected argument" },
	{ "events --since soon", 2, "want a time such as" },
	{ "-w --interval 0 peers", 2, "want 1s to 1h" },
	{ "bogus -o json", 2, "{\"error\":\"unknown command" },
	{ "check /nonexistent/weft.yaml", 2, "No such file or directory" },
};

START_TEST(understands)
{
	struct result r = call("node", lines[_i].line, 0);

	ck_assert_msg(r.status == lines[_i].status, "weft %s: exit %d, wanted %d: %s",
	    lines[_i].line, r.status, lines[_i].status, r.out);
	ck_assert_msg(strstr(r.out, lines[_i].says) != NULL, "weft %s: \"%s\" is not in: %s",
	    lines[_i].line, lines[_i].says, r.out);
	mem_free(r.out);
}
END_TEST

/* The first reload of the fake is good, the second bad: exit 2 and the finding. */
START_TEST(reload_tells)
{
	struct result r = call("node", "reload", 0);

	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "1 peer changed, 2 unchanged"));
	ck_assert_ptr_nonnull(strstr(r.out, "warning: weft.yaml:2:1"));
	mem_free(r.out);
	r = call("node", "reload", 0);
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.out, "weft.yaml:3:16: peers[0].timers.hold"));
	mem_free(r.out);
}
END_TEST

/* A route through tests/conf/policy_test.yaml; commas stand for blanks. */
static const struct {
	const char *args;
	int status;
	const char *says[4];
} policies[] = {
	{ "--peer tor1 --route 10.1.0.0/16,as-path,65000,65002,next-hop,10.0.0.1,communities,pods,med,5",
	    0, { "filter from-fabric, importV4 rule 1: does not hold: cidr\n",
	    "  filter from-fabric, rule 1: changed, goes on\n      local pref   none -> 120\n",
	    "AS path      65000 65002 -> 65000 65000 65002\naccepted\n", "  MED          5\n" } },
	{ "--filter from-fabric --route 10.1.0.0/16,as-path,{65099,1}", 1,
	    { "from an eBGP peer, imported by filter from-fabric\n", "rule 2: rejected\nrejected\n",
	    "AS path      {65099 1}" } },
	{ "--filter from-fabric --route 10.1.0.0/16", 0, { "undecided: no rule decides" } },
	{ "--peer tor1 --route 10.1.0.0/16", 1,
	    { "rejected: no rule decides: import: permitted: outside kernel.permit" } },
	{ "--peer tor1 --route 10.244.1.0/24", 0, { "accepted: no rule decides: import: permitted\n" } },
	{ "--peer rr1 --route 10.1.0.0/16", 0, { "from an iBGP peer", "import: all\n" } },
	{ "--peer tor1 --direction export --route 10.244.1.0/24", 0,
	    { "from this node, exported", "next hop     none -> self\n", "accepted\n" } },
	{ "--peer tor1 --direction export --route 10.1.0.0/16,from,peer", 1,
	    { "rule 2: accepted\nrejected: not announced: eBGP peers get" } },
	{ "--peer rr1 --direction export --route 10.1.0.0/16,from,peer:tor1", 0,
	    { "from an eBGP peer tor1, exported by the filters of rr1\n" } },
	{ "--peer bare --route 0.0.0.0/0", 1, { "the filters of bare: no rules\nrejected: no rule" } },
	{ "--peer tor1 --direction export -o json --route 10.244.1.0/24", 0,
	    { "\"failed_condition\": null", "\"attribute\": \"communities\"", "\"after\": \"64512:100\"",
	    "\"verdict\": \"accepted\"" } },
	{ "--peer tor1 --route fd00::/8,origin,egp,weight,3,local-pref,7,type,PodCIDR,communities,rt:1:2,1:2:3",
	    1, { "origin       egp\n", "  weight       3\n", "large        1:2:3", "extended     rt:1:2" } },
	{ "--peer tor1 --route 10.1.0.0/16,frm,peer", 2, { "did you mean from?" } },
	{ "--peer tor1 --route 10.1.0.0", 2, { "want a prefix first" } },
	{ "--peer tor1 --route 10.1.0.0/16,med,x", 2, { "med: want a number from 0 to 4294967295" } },
	{ "--peer tor1 --route 10.1.0.0/16,med", 2, { "med: want a number, got 0 words" } },
	{ "--peer tor1 --route 10.1.0.0/16,as-path,1,x", 2, { "as-path: want AS numbers" } },
	{ "--peer tor1 --route 10.1.0.0/16,as-path,{1", 2, { "as-path: a set has no end" } },
	{ "--peer tor1 --route 10.1.0.0/16,as-path,{1,{2}}", 2, { "as-path: want AS numbers" } },
	{ "--peer tor1 --route 10.1.0.0/16,communities,pod", 2, { "\"pod\" is no community" } },
	{ "--peer tor1 --route 10.1.0.0/16,next-hop,x", 2, { "next-hop: want an address" } },
	{ "--peer tor1 --route 10.1.0.0/16,from,loca", 2, { "did you mean local?" } },
	{ "--peer tor1 --route 10.1.0.0/16,from,peer:x", 2, { "no peer has the name \"x\"" } },
	{ "--peer tor1 --route 10.1.0.0/16,origin,ebgp", 2, { "origin: unknown word \"ebgp\"" } },
	{ "--peer tor9 --route 10.1.0.0/16", 2, { "no peer has the name \"tor9\"" } },
	{ "--filter x --route 10.1.0.0/16", 2, { "no filter has the name \"x\"" } },
	{ "--filter x --peer y --route 10.1.0.0/16", 2, { "usage: weft policy test FILE" } },
	{ "--peer tor1", 2, { "usage: weft policy test FILE" } },
	{ "--peer tor1 --direction out --route 10.1.0.0/16", 2, { "want import or export, got \"out\"" } },
};

START_TEST(policy_test)
{
	const char *src = getenv("srcdir");
	char line[512];
	struct result r;

	snprintf(line, sizeof(line), "policy test %s/tests/conf/policy_test.yaml %s", src ? src : ".",
	    policies[_i].args);
	r = call("node", line, 0);
	ck_assert_msg(r.status == policies[_i].status, "weft %s: exit %d: %s", line, r.status, r.out);
	for (unsigned k = 0; k < 4 && policies[_i].says[k]; k++)
		ck_assert_msg(strstr(r.out, policies[_i].says[k]) != NULL,
		    "weft %s: \"%s\" is not in: %s", line, policies[_i].says[k], r.out);
	mem_free(r.out);
}
END_TEST

/* A bad file is shown as `weft check` shows it. */
START_TEST(policy_of_a_bad_file)
{
	char name[96], line[160];
	struct result r;

	snprintf(name, sizeof(name), "%s/badpolicy.yaml", dir);
	write_file(name, "bgp: {asNumber: 64512}\nfilters: {x: {import: [{}]}}\n");
	snprintf(line, sizeof(line), "policy test %s --filter x --route 10.0.0.0/8", name);
	r = call("node", line, 0);
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.out, "filters.x.import[0].action: the rule does nothing"));
	mem_free(r.out);
	r = call("node", "policy tst x", 0);
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.out, "did you mean test?"));
	mem_free(r.out);
	r = call("node", "policy test /nonexistent --filter x --route 10.0.0.0/8", 0);
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.out, "No such file"));
	mem_free(r.out);
}
END_TEST

START_TEST(check_shows_the_place)
{
	char name[96], line[160];
	struct result r;

	snprintf(name, sizeof(name), "%s/bad.yaml", dir);
	write_file(name, "bgp:\n  asNumber: 64512\n  timers: {hold: 2s}\npears: []\n");
	snprintf(line, sizeof(line), "check %s", name);
	r = call("node", line, 0);
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.out, "bad.yaml:3:18: bgp.timers.hold: "));
	ck_assert_ptr_nonnull(strstr(r.out, "     3 |   timers: {hold: 2s}\n"
					    "       |                  ^\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "did you mean peers?"));
	ck_assert_ptr_null(strchr(r.out, '\033'));
	mem_free(r.out);
	r = call("node", line, 100);
	ck_assert_ptr_nonnull(strstr(r.out, "\033[31m^\033[0m"));
	mem_free(r.out);
	write_file(name, "bgp: {asNumber: 64512}\nkernel: {permit: [10.0.0.0/8]}\n");
	r = call("node", line, 0);
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "bad.yaml: good: 0 peers"));
	mem_free(r.out);
}
END_TEST

static const struct {
	uint64_t s;
	const char *text;
} uptimes[] = { { 0, "00:00:00" }, { 59, "00:00:59" }, { 849, "00:14:09" }, { 86399, "23:59:59" },
	{ 86400, "1d00h" }, { 183659, "2d03h" }, { 86400ull * 400, "400d00h" } };

START_TEST(uptime_forms)
{
	char buf[UPTIME_STRLEN];

	ck_assert_str_eq(text_uptime(uptimes[_i].s, buf), uptimes[_i].text);
}
END_TEST

START_TEST(text_is_cleaned)
{
	char s[] = "a\033[31m\x07 \xc2\x9b b\xff\xc3\xa4\n";

	ck_assert_str_eq(text_clean(s), "a?[31m? ?? b?\xc3\xa4?");
}
END_TEST

/* Two pictures of -w on a terminal: drawn over each other, cut to its size. */
START_TEST(watch_draws)
{
	struct ctl c = { .columns = 60, .lines = 8 };
	char *argv[] = { (char *)"weft", (char *)"-w", (char *)"peers" }, at[64], *out = NULL;
	size_t len;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		snprintf(at, sizeof(at), "%s/node", dir);
		c.out = c.err = open_memstream(&out, &len);
		alarm(0);
		if (fork() == 0) {
			struct timespec half = { .tv_nsec = 500000000 };

			nanosleep(&half, NULL);
			kill(getppid(), SIGINT);
			_exit(0);
		}
		status = ctl_main(&c, 3, argv, at);
		fflush(c.out);
		/* 7 lines and the rest cut; no line longer than 60; the screen never cleared twice */
		_exit(status == 1 && strstr(out, "weft peers, every 1s") && strstr(out, "\033[K\n") &&
		    strstr(out, "...\033[J") && !strstr(strstr(out, "\033[2J") + 1, "\033[2J") ?
		    0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *
ctl_suite(void)
{
	Suite *s = suite_create("ctl");
	TCase *t = tcase_create("goldens");

	tcase_add_loop_test(t, prints_golden, 0, sizeof(goldens) / sizeof(goldens[0]));
	tcase_add_loop_test(t, json_is_json, 0, sizeof(goldens) / sizeof(goldens[0]));
	suite_add_tcase(s, t);
	t = tcase_create("command line");
	tcase_add_loop_test(t, understands, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(t, reload_tells);
	tcase_add_loop_test(t, policy_test, 0, (int)(sizeof(policies) / sizeof(policies[0])));
	tcase_add_test(t, policy_of_a_bad_file);
	tcase_add_test(t, check_shows_the_place);
	tcase_add_loop_test(t, uptime_forms, 0, sizeof(uptimes) / sizeof(uptimes[0]));
	tcase_add_test(t, text_is_cleaned);
	tcase_add_test(t, watch_draws);
	suite_add_tcase(s, t);
	return s;
}

static void
cleanup(void)
{
	char *cmd = mem_printf("rm -rf %s", dir);

	for (size_t i = 0; i < nservers; i++) {
		kill(servers[i], SIGKILL);
		waitpid(servers[i], NULL, 0);
	}
	(void)!system(cmd);
	mem_free(cmd);
}

int
main(int argc, char **argv)
{
	struct fake *f;
	SRunner *sr;
	int failed;

	setenv("TZ", "UTC", 1);
	if (argc == 3 && strcmp(argv[1], "--serve") == 0)
		serve(argv[2], fake_new());
	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	start("node", fake_new());
	start("empty", fake_new_empty("node: {name: node-x}\nbgp: {asNumber: 1}\n"
				      "kernel: {install: false}\n"));
	f = fake_new();
	f->lost = true;
	f->a.bgpd_child.running = false;
	f->a.bgpd_child.restarts = 3;
	start("lost", f);
	f = fake_new();
	fake_add_bfd(f);
	f->services_problem = "endpointslices: 10.0.0.1:6443 does not answer";
	start("bfd", f);
	f = fake_new();
	for (size_t i = 0; i < 2; i++) {
		f->peer[0].fam[i].rejected = f->peer[0].fam[i].received;
		f->peer[0].fam[i].accepted = 0;
	}
	f->peer[0].fam[0].received = 100000; /* maxPrefixes.limit by default */
	start("rejecting", f);
	sr = srunner_create(ctl_suite());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	cleanup();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
