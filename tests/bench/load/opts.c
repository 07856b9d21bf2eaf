/*
 * The command line: --key=value or, for a switch, --key. A key is one row here.
 */
#include "tests/bench/load/opts.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum opt_type { OPT_FLAG, OPT_NUM, OPT_TEXT, OPT_ADDR };

struct opt_row {
	const char *name;
	enum opt_type type;
	size_t off;
	const char *value; /* the default; NULL for none */
	const char *help;
};

#define AT(field) offsetof(struct opts, field)

static const struct opt_row opt_rows[] = {
	{ "dut", OPT_ADDR, AT(dut), NULL, "address of the daemon under test (10.99.0.1, fd99::1)" },
	{ "first-peer", OPT_ADDR, AT(first_peer), NULL,
	    "address of the first peer (10.99.1.1, fd99::1:1)" },
	{ "first-id", OPT_ADDR, AT(first_id), NULL,
	    "BGP identifier of the first peer (its address, or 10.99. and its end)" },
	{ "cluster-id", OPT_ADDR, AT(cluster_id), "10.99.0.1", "the reflector's cluster id" },
	{ "peers", OPT_NUM, AT(peers), "0", "peers, 0: what the scenario says" },
	{ "dut-as", OPT_NUM, AT(dut_as), "65000", "AS of the daemon" },
	{ "peer-as", OPT_NUM, AT(peer_as), "65001", "AS of the first eBGP peer; others count up" },
	{ "same-as", OPT_FLAG, AT(same_as), NULL, "all eBGP peers are of one AS" },
	{ "ibgp", OPT_FLAG, AT(ibgp), NULL, "iBGP sessions" },
	{ "v6", OPT_FLAG, AT(v6), NULL, "IPv6 prefixes over IPv6 sessions" },
	{ "families", OPT_TEXT, AT(families), NULL, "families offered: 4, 6 or 46" },
	{ "prefixes", OPT_NUM, AT(prefixes), "0", "prefixes, 0: what the scenario says" },
	{ "each", OPT_NUM, AT(each), "4", "prefixes of each client of a reflector" },
	{ "per-set", OPT_NUM, AT(per_set), "8", "prefixes that share an attribute set" },
	{ "first-prefix", OPT_NUM, AT(first_prefix), "0",
	    "number of the first prefix, for several generators side by side" },
	{ "others", OPT_TEXT, AT(others), "fail", "prefixes of others than ours: fail or ok" },
	{ "prefix-len", OPT_NUM, AT(prefix_len), "0", "bits of a prefix: 24 (IPv4), 48 (IPv6)" },
	{ "hold", OPT_NUM, AT(hold_s), "90", "hold time offered, seconds" },
	{ "dut-netns", OPT_TEXT, AT(dut_netns), NULL, "network namespace of the daemon" },
	{ "dial", OPT_TEXT, AT(dial), "yes", "who connects: yes (we), no (the daemon), both" },
	{ "dialing", OPT_NUM, AT(dialing), "64", "sessions on their way up at a time" },
	{ "retry-ms", OPT_NUM, AT(retry_ms), "20", "pause before a refused connection is retried" },
	{ "port", OPT_NUM, AT(port), "179", "TCP port of the daemon" },
	{ "timeout", OPT_NUM, AT(timeout_s), "300", "seconds the run may take" },
	{ "seed", OPT_NUM, AT(seed), "1", "varies AS numbers and communities" },
	{ "seconds", OPT_NUM, AT(seconds), "0", "length of a phase that has no end of its own" },
	{ "rounds", OPT_NUM, AT(rounds), "0", "the same, in rounds" },
	{ "change", OPT_NUM, AT(change), "10000", "prefixes that change in a round" },
	{ "mrt", OPT_TEXT, AT(mrt), NULL, "MRT file with updates, as it is or of gzip" },
	{ "own", OPT_TEXT, AT(own), NULL, "prefix that the daemon announces itself" },
	{ "next-hop", OPT_TEXT, AT(next_hop), "any", "eBGP next hop: self, keep or any of both" },
	{ "own-back", OPT_TEXT, AT(own_back), "fail", "own routes sent back: fail or ok" },
	{ "ext-comm", OPT_TEXT, AT(ext_comm), "as-sent",
	    "extended communities of unknown types: as-sent or any" },
	{ "med", OPT_TEXT, AT(med), "as-sent", "MED of iBGP routes without one: as-sent or zero" },
	{ "expect-wrong", OPT_FLAG, AT(expect_wrong), NULL,
	    "corrupt one octet of what comes in: the run must fail" },
};

#define NROWS (sizeof(opt_rows) / sizeof(opt_rows[0]))

static bool
opt_set(struct opts *o, const struct opt_row *row, const char *value)
{
	void *field = (char *)o + row->off;
	char *end = NULL;
	unsigned long v;

	switch (row->type) {
	case OPT_FLAG:
		*(bool *)field = !value || strcmp(value, "no") != 0;
		return true;
	case OPT_TEXT:
		*(const char **)field = value;
		return value != NULL;
	case OPT_ADDR:
		return value && ip_addr_parse(value, field);
	case OPT_NUM:
		errno = 0;
		v = value ? strtoul(value, &end, 10) : 0;
		*(uint32_t *)field = (uint32_t)v;
		return value && *value && !*end && errno == 0 && v <= UINT32_MAX;
	}
	return false;
}

static bool
opt_one(struct opts *o, const char *arg)
{
	const char *eq = strchr(arg, '=');
	size_t n = eq ? (size_t)(eq - arg) : strlen(arg);

	for (size_t i = 0; i < NROWS && n > 2 && strncmp(arg, "--", 2) == 0; i++)
		if (strlen(opt_rows[i].name) == n - 2 && !strncmp(opt_rows[i].name, arg + 2, n - 2))
			return opt_set(o, &opt_rows[i], eq ? eq + 1 : NULL);
	return false;
}

/* Different for peers with different addresses. */
static struct ip_addr
first_id(const struct ip_addr *peer)
{
	if (peer->af == IP4)
		return *peer;
	return ip_addr_from_v4(10u << 24 | 99u << 16 | (uint32_t)peer->b[14] << 8 | peer->b[15]);
}

static void
opts_addresses(struct opts *o)
{
	if (o->dut.af == IP_NONE)
		ip_addr_parse(o->v6 ? "fd99::1" : "10.99.0.1", &o->dut);
	if (o->first_peer.af == IP_NONE)
		ip_addr_parse(o->v6 ? "fd99::1:1" : "10.99.1.1", &o->first_peer);
	if (o->first_id.af == IP_NONE)
		o->first_id = first_id(&o->first_peer);
	if (o->prefix_len == 0)
		o->prefix_len = o->v6 ? 48 : 24;
	if (o->per_set == 0)
		o->per_set = 1;
}

bool
opts_parse(struct opts *o, int argc, char **argv)
{
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < NROWS; i++)
		if (opt_rows[i].value)
			opt_set(o, &opt_rows[i], opt_rows[i].value);
	for (int i = 2; i < argc; i++)
		if (!opt_one(o, argv[i])) {
			fprintf(stderr, "weft-load: cannot take %s\n", argv[i]);
			return false;
		}
	opts_addresses(o);
	return true;
}

void
opts_help(FILE *f)
{
	for (size_t i = 0; i < NROWS; i++)
		fprintf(f, "  --%-14s %s%s%s%s\n", opt_rows[i].name, opt_rows[i].help,
		    opt_rows[i].value ? " (" : "", opt_rows[i].value ? opt_rows[i].value : "",
		    opt_rows[i].value ? ")" : "");
}
