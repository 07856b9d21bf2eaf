/*
 * Import verdicts and export results, one row per rule.
 * RFC 1997, RFC 3765, RFC 4271 sections 5.1 and 9, RFC 4456, RFC 5065, RFC 7999,
 * RFC 8212, RFC 8326, RFC 9234.
 */
#include "bgpd/core/policy.h"

#include "bgpd/core/bgp.h"
#include "tests/unit/unit.h"

static struct attrs_pool *pool;

static void
setup(void)
{
	uint64_t key[2] = { 1, 2 };

	pool = attrs_pool_new(key);
}

static void
teardown(void)
{
	attrs_pool_free(pool);
}

#define V4(d) { .af = IP4, .b = { 192, 0, 2, (d) } }
static const struct ip_addr nh_plain = V4(9);
static const struct ipc_endpoints ep = { .local = V4(1), .self4 = V4(2),
	.self6 = { .af = IP6, .b = { 0x20, 1, [15] = 1 } } };

/* ---- import ---------------------------------------------------------------------- */

struct given {
	uint32_t path[4]; /* up to a 0 */
	uint32_t confed[2]; /* an AS_CONFED_SEQUENCE in front of it, likewise */
	uint32_t otc;
	uint32_t comm, cluster, originator, local_pref;
	bool med, ll;
	struct ip_addr nh;
};

static const struct attrs *
make(const struct given *g)
{
	uint8_t path[64], comm[4], cluster[4];
	struct wr wp = wr_init(path, sizeof(path)), wc = wr_init(comm, sizeof(comm)),
		  wl = wr_init(cluster, sizeof(cluster));
	struct attrs_build b = { .next_hop = g->nh.af ? g->nh : nh_plain };
	uint8_t n;

	for (n = 0; n < 2 && g->confed[n]; n++)
		;
	if (n > 0) {
		wr_u8(&wp, SEG_CONFED_SEQUENCE);
		wr_u8(&wp, n);
	}
	for (n = 0; n < 2 && g->confed[n]; n++)
		wr_u32(&wp, g->confed[n]);
	for (n = 0; n < 4 && g->path[n]; n++)
		;
	if (n > 0) {
		wr_u8(&wp, SEG_SEQUENCE);
		wr_u8(&wp, n);
	}
	for (n = 0; n < 4 && g->path[n]; n++)
		wr_u32(&wp, g->path[n]);
	wr_u32(&wc, g->comm);
	wr_u32(&wl, g->cluster);
	if (g->originator) {
		b.flags |= ATTRS_ORIGINATOR;
		b.originator_id = g->originator;
	}
	if (g->otc) {
		b.flags |= ATTRS_OTC;
		b.otc = g->otc;
	}
	if (g->local_pref) {
		b.flags |= ATTRS_LOCAL_PREF;
		b.local_pref = g->local_pref;
	}
	if (g->med) {
		b.flags |= ATTRS_MED;
		b.med = 5;
	}
	b.part[ATTRS_AS_PATH] = (struct attrs_view){ path, (uint16_t)wr_len(&wp) };
	b.part[ATTRS_COMMUNITIES] = (struct attrs_view){ comm, g->comm ? 4 : 0 };
	b.part[ATTRS_CLUSTER_LIST] = (struct attrs_view){ cluster, g->cluster ? 4 : 0 };
	return attrs_intern(pool, &b);
}

static const struct {
	const char *what;
	struct given a;
	bool ibgp;
	enum reject_reason want;
} imports[] = {
	{ "plain eBGP", { .path = { 65001, 7 } }, false, REJECT_NONE },
	{ "own AS last: 4271 s9.1.2", { .path = { 65001, 7, 65000 } }, false, REJECT_AS_LOOP },
	{ "own AS over iBGP", { .path = { 7, 65000 } }, true, REJECT_AS_LOOP },
	{ "the speaker's AS behind a local one", { .path = { 65001, 64999 } }, false, REJECT_AS_LOOP },
	{ "first AS not the peer's: 4271 s6.3", { .path = { 7, 65001 } }, false, REJECT_FIRST_AS },
	{ "empty AS_PATH from eBGP", { .path = { 0 } }, false, REJECT_FIRST_AS },
	{ "empty AS_PATH from iBGP", { .path = { 0 } }, true, REJECT_NONE },
	{ "own ORIGINATOR_ID: 4456 s8", { .originator = 0x01010101 }, true, REJECT_ORIGINATOR },
	{ "other ORIGINATOR_ID", { .originator = 0x01010102 }, true, REJECT_NONE },
	{ "own cluster: 4456 s8", { .cluster = 0x02020202 }, true, REJECT_CLUSTER },
	{ "other cluster", { .cluster = 0x01010101 }, true, REJECT_NONE },
	{ "own address as next hop: 4271 s5.1.3", { .path = { 65001 }, .nh = V4(1) }, false,
	    REJECT_OWN_NEXT_HOP },
	{ "self4 as next hop", { .path = { 65001 }, .nh = V4(2) }, false, REJECT_OWN_NEXT_HOP },
	{ "self6 as next hop", { .path = { 65001 }, .nh = { .af = IP6, .b = { 0x20, 1, [15] = 1 } } },
	    false, REJECT_OWN_NEXT_HOP },
};

START_TEST(import_by_attributes)
{
	struct import_policy ip = { .ebgp = !imports[_i].ibgp, .local_asn = 65000,
		.speaker_asn = 64999, .remote_asn = imports[_i].ibgp ? 65000 : 65001,
		.router_id = 0x01010101, .cluster_id = 0x02020202, .ep = &ep };
	const struct attrs *a = make(&imports[_i].a);

	ck_assert_msg(policy_import_attrs(&ip, a) == imports[_i].want, "%s: %s", imports[_i].what,
	    policy_reject_text(policy_import_attrs(&ip, a)));
	ip.ep = NULL;
	if (imports[_i].want == REJECT_OWN_NEXT_HOP)
		ck_assert_int_eq(policy_import_attrs(&ip, a), REJECT_NONE);
	attrs_unref(pool, a);
}
END_TEST

#define FROM_EBGP .ebgp = true, .local_asn = 65000, .speaker_asn = 65000, .remote_asn = 65001
#define IN_CONFED .confed = true, .confed_id = 64496, .local_asn = 65000, .speaker_asn = 65000

static const struct {
	const char *what;
	struct import_policy ip;
	struct given a;
	enum reject_reason want;
} import_options[] = {
	{ "allowAsIn 1: once", { FROM_EBGP, .allow_as_in = 1 }, { .path = { 65001, 65000 } },
	    REJECT_NONE },
	{ "allowAsIn 1: twice", { FROM_EBGP, .allow_as_in = 1 }, { .path = { 65001, 65000, 65000 } },
	    REJECT_AS_LOOP },
	{ "allowAsIn 2: twice", { FROM_EBGP, .allow_as_in = 2 }, { .path = { 65001, 65000, 65000 } },
	    REJECT_NONE },
	{ "route server: 7947 s2.2.2.1", { FROM_EBGP, .any_first_as = true }, { .path = { 7 } },
	    REJECT_NONE },
	{ "route server, but a loop", { FROM_EBGP, .any_first_as = true }, { .path = { 7, 65000 } },
	    REJECT_AS_LOOP },
	{ "local AS in front by ourselves",
	    { .ebgp = true, .local_asn = 64500, .speaker_asn = 65000, .remote_asn = 65001,
		.prepend = true },
	    { .path = { 64500, 65001 } }, REJECT_NONE },
	{ "local AS there twice",
	    { .ebgp = true, .local_asn = 64500, .speaker_asn = 65000, .remote_asn = 65001,
		.prepend = true },
	    { .path = { 64500, 65001, 64500 } }, REJECT_AS_LOOP },
	{ "local AS in front, first AS wrong",
	    { .ebgp = true, .local_asn = 64500, .speaker_asn = 65000, .remote_asn = 65001,
		.prepend = true },
	    { .path = { 64500, 7 } }, REJECT_FIRST_AS },
	/* RFC 9234 section 5, ingress */
	{ "OTC from a customer: 9234 s5", { FROM_EBGP, .role = IPC_ROLE_PROVIDER },
	    { .path = { 65001 }, .otc = 65001 }, REJECT_LEAK_UP },
	{ "OTC from an RS client: 9234 s5", { FROM_EBGP, .role = IPC_ROLE_RS },
	    { .path = { 65001 }, .otc = 7 }, REJECT_LEAK_UP },
	{ "no OTC from a customer", { FROM_EBGP, .role = IPC_ROLE_PROVIDER }, { .path = { 65001 } },
	    REJECT_NONE },
	{ "OTC of another AS from a peer: 9234 s5", { FROM_EBGP, .role = IPC_ROLE_PEER },
	    { .path = { 65001 }, .otc = 7 }, REJECT_LEAK_PEER },
	{ "OTC of the peer itself", { FROM_EBGP, .role = IPC_ROLE_PEER },
	    { .path = { 65001 }, .otc = 65001 }, REJECT_NONE },
	{ "OTC from a provider", { FROM_EBGP, .role = IPC_ROLE_CUSTOMER },
	    { .path = { 65001 }, .otc = 7 }, REJECT_NONE },
	{ "OTC from a route server", { FROM_EBGP, .role = IPC_ROLE_RS_CLIENT },
	    { .path = { 65001 }, .otc = 7 }, REJECT_NONE },
	{ "OTC without a role", { FROM_EBGP }, { .path = { 65001 }, .otc = 7 }, REJECT_NONE },
	/* RFC 7999 */
	{ "BLACKHOLE: 7999 s3.3", { FROM_EBGP }, { .path = { 65001 }, .comm = COMM_BLACKHOLE },
	    REJECT_BLACKHOLE },
	{ "BLACKHOLE opted in", { FROM_EBGP, .accept_blackhole = true },
	    { .path = { 65001 }, .comm = COMM_BLACKHOLE }, REJECT_NONE },
	{ "BLACKHOLE over iBGP", { .local_asn = 65000, .speaker_asn = 65000 },
	    { .comm = COMM_BLACKHOLE }, REJECT_NONE },
	/* RFC 5065 */
	{ "our member in a confederation segment: 5065 s4", { IN_CONFED, .ebgp = true },
	    { .confed = { 65002, 65000 } }, REJECT_AS_LOOP },
	{ "the confederation's number outside: 5065 s4", { IN_CONFED, .ebgp = true },
	    { .confed = { 65002 }, .path = { 7, 64496 } }, REJECT_AS_LOOP },
	{ "somebody else's 65000 outside", { IN_CONFED, .ebgp = true },
	    { .confed = { 65002 }, .path = { 7, 65000 } }, REJECT_NONE },
	{ "our member, allowed", { IN_CONFED, .ebgp = true, .allow_as_in = 1 },
	    { .confed = { 65002, 65000 } }, REJECT_NONE },
	{ "iBGP in a confederation", { IN_CONFED }, { .confed = { 65002 }, .path = { 7 } }, REJECT_NONE },
	{ "outside of the confederation: its number",
	    { .ebgp = true, .confed_id = 64496, .local_asn = 64496, .speaker_asn = 65000,
		.remote_asn = 7 },
	    { .path = { 7, 64496 } }, REJECT_AS_LOOP },
	{ "outside of the confederation: our member's",
	    { .ebgp = true, .confed_id = 64496, .local_asn = 64496, .speaker_asn = 65000,
		.remote_asn = 7 },
	    { .path = { 7, 65000 } }, REJECT_NONE },
};

START_TEST(import_by_options)
{
	const struct attrs *a = make(&import_options[_i].a);
	enum reject_reason is = policy_import_attrs(&import_options[_i].ip, a);

	ck_assert_msg(is == import_options[_i].want, "%s: %s", import_options[_i].what,
	    policy_reject_text(is));
	attrs_unref(pool, a);
}
END_TEST

/* RFC 9234 section 5, ingress rule 3. */
static const struct {
	const char *what;
	struct import_policy ip;
	uint32_t otc;
	const char *path;
	uint32_t want_otc;
} receives[] = {
	{ "from a provider", { FROM_EBGP, .role = IPC_ROLE_CUSTOMER }, 0, "65001", 65001 },
	{ "from a peer", { FROM_EBGP, .role = IPC_ROLE_PEER }, 0, "65001", 65001 },
	{ "from a route server", { FROM_EBGP, .role = IPC_ROLE_RS_CLIENT }, 0, "65001", 65001 },
	{ "from a customer", { FROM_EBGP, .role = IPC_ROLE_PROVIDER }, 0, "65001", 0 },
	{ "from an RS client", { FROM_EBGP, .role = IPC_ROLE_RS }, 0, "65001", 0 },
	{ "without a role", { FROM_EBGP }, 0, "65001", 0 },
	{ "what is there stays", { FROM_EBGP, .role = IPC_ROLE_CUSTOMER }, 7, "65001", 7 },
};

START_TEST(receive)
{
	const struct attrs *a = make(&(struct given){ .path = { 65001 }, .otc = receives[_i].otc });
	struct attrs_build b;
	const struct attrs *x;
	char buf[64];

	attrs_to_build(a, &b);
	policy_receive(&receives[_i].ip, &b);
	x = attrs_intern(pool, &b);
	ck_assert_str_eq(attrs_str_as_path(x, buf, sizeof(buf)), receives[_i].path);
	ck_assert_msg(attrs_rare(x).otc == receives[_i].want_otc, "%s: %u", receives[_i].what, attrs_rare(x).otc);
	ck_assert_int_eq(policy_import_attrs(&receives[_i].ip, x), REJECT_NONE);
	attrs_unref(pool, x);
	attrs_unref(pool, a);
}
END_TEST

START_TEST(blackhole_is_for_host_routes)
{
	static const struct ip_prefix host = { .af = IP4, .len = 32, .b = { 10, 1, 1, 1 } };
	static const struct ip_prefix net = { .af = IP4, .len = 31, .b = { 10, 1, 1, 0 } };
	const struct import_policy ip = { FROM_EBGP, .accept_blackhole = true, .import_all = true };
	const struct attrs *plain = make(&(struct given){ .path = { 65001 } });
	const struct attrs *hole =
	    make(&(struct given){ .path = { 65001 }, .comm = COMM_BLACKHOLE });

	ck_assert_int_eq(policy_import_prefix(&ip, hole, &host), REJECT_NONE);
	ck_assert_int_eq(policy_import_prefix(&ip, hole, &net), REJECT_BLACKHOLE_WIDE);
	ck_assert_int_eq(policy_import_prefix(&ip, plain, &net), REJECT_NONE);
	attrs_unref(pool, plain);
	attrs_unref(pool, hole);
}
END_TEST

START_TEST(import_by_prefix)
{
	static const struct ip_prefix ten = { .af = IP4, .len = 8, .b = { 10 } };
	static const struct ip_prefix in = { .af = IP4, .len = 24, .b = { 10, 1 } };
	static const struct ip_prefix wide = { .af = IP4, .len = 7, .b = { 10 } };
	static const struct ip_prefix v6 = { .af = IP6, .len = 16, .b = { 10 } };
	struct trie permit;
	struct trie_node node;
	struct import_policy ip = { .ebgp = true, .permit = &permit };
	const struct attrs *a = make(&(struct given){ .path = { 65001 } });

	trie_init(&permit);
	ck_assert_int_eq(policy_import_prefix(&ip, a, &in), REJECT_NO_PERMIT);
	trie_insert(&permit, &node, &ten);
	ck_assert_int_eq(policy_import_prefix(&ip, a, &in), REJECT_NONE);
	ck_assert_int_eq(policy_import_prefix(&ip, a, &ten), REJECT_NONE);
	ck_assert_int_eq(policy_import_prefix(&ip, a, &wide), REJECT_NOT_PERMITTED);
	ck_assert_int_eq(policy_import_prefix(&ip, a, &v6), REJECT_NOT_PERMITTED);
	ip.import_all = true;
	ck_assert_int_eq(policy_import_prefix(&ip, a, &wide), REJECT_NONE);
	ip = (struct import_policy){ .ebgp = false, .permit = &permit };
	ck_assert_int_eq(policy_import_prefix(&ip, a, &wide), REJECT_NONE);
	attrs_unref(pool, a);
}
END_TEST

START_TEST(effective_local_pref)
{
	const struct export_source from_e = { .ebgp = true }, from_i = { .ebgp = false };
	const struct export_source from_c = { .ebgp = true, .confed = true };
	const struct export_source ignores = { .ebgp = true, .ignore_gshut = true };
	const struct export_source drained = { .draining = true };
	const struct attrs *plain = make(&(struct given){ .path = { 1 } });
	const struct attrs *lp = make(&(struct given){ .path = { 1 }, .local_pref = 77 });
	const struct attrs *gshut =
	    make(&(struct given){ .path = { 1 }, .local_pref = 77, .comm = COMM_GRACEFUL_SHUTDOWN });

	ck_assert_uint_eq(policy_local_pref(&from_e, plain), 100);
	ck_assert_uint_eq(policy_local_pref(&from_i, plain), 100);
	ck_assert_uint_eq(policy_local_pref(&from_e, lp), 77); /* a filter's: 4271 s5.1.5 */
	ck_assert_uint_eq(policy_local_pref(&from_i, lp), 77);
	ck_assert_uint_eq(policy_local_pref(&from_e, gshut), 0); /* 8326 s4.2 */
	ck_assert_uint_eq(policy_local_pref(&from_i, gshut), 77);
	ck_assert_uint_eq(policy_local_pref(&ignores, gshut), 77); /* switched off */
	ck_assert_uint_eq(policy_local_pref(&from_c, lp), 77);	    /* 5065 s4 */
	ck_assert_uint_eq(policy_local_pref(&from_c, gshut), 77);
	ck_assert_uint_eq(policy_local_pref(&drained, lp), 0);
	attrs_unref(pool, plain);
	attrs_unref(pool, lp);
	attrs_unref(pool, gshut);
}
END_TEST

/* ---- export ------------------------------------------------------------------------- */

#define NOSELF_EBGP .af = IP4, .ebgp = true, .local_asn = 65000
#define NOSELF_IBGP .af = IP4, .all = true, .local_asn = 65000, .cluster_id = 0x02020202
#define EBGP	    NOSELF_EBGP, .self_octets = 4
#define IBGP	    NOSELF_IBGP, .self_octets = 4
#define MEMBER	    EBGP, .all = true, .confed = true
#define BORDER                                                                                     \
	.af = IP4, .ebgp = true, .self_octets = 4, .all = true, .drop_confed = true,               \
	.local_asn = 64496
#define NO(reason)  EXPORT_##reason, "", -1, -1, -1, false, ""
#define LOCAL	{ .local = true }
#define FROM_E	{ .ebgp = true, .router_id = 6 }
#define FROM_I	{ .router_id = 6 }
#define FROM_M	{ .ebgp = true, .confed = true, .router_id = 6 }
#define V6_NH	{ .af = IP6, .b = { 0x20, 1, 0xd, 0xb8, [15] = 9 } }
#define FROM_RC { .rr_client = true, .router_id = 6 }

static const struct {
	const char *what;
	struct export_policy ep;
	struct export_source src;
	struct given a;
	enum export_reason want;
	const char *path; /* "": empty */
	int med, lp, originator;
	bool self;
	const char *cluster;
} exports[] = {
	{ "own to eBGP", { EBGP }, LOCAL, { .med = true, .local_pref = 7 }, EXPORT_YES, "65000", 5,
	    -1, -1, true, "" },
	{ "own to iBGP", { IBGP }, LOCAL, { .local_pref = 7 }, EXPORT_YES, "", -1, 7, -1, true, "" },
	{ "own to iBGP, no LOCAL_PREF", { IBGP }, LOCAL, { .comm = 0 }, EXPORT_YES, "", -1, 100, -1, true, "" },
	{ "own, keep: still self", { EBGP, .next_hop_mode = IPC_NEXTHOP_KEEP }, LOCAL, { .comm = 0 },
	    EXPORT_YES, "65000", -1, -1, -1, true, "" },
	{ "eBGP to eBGP: 8212", { EBGP }, FROM_E, { .path = { 65001 } }, NO(NOT_OWN) },
	{ "eBGP to eBGP, all", { EBGP, .all = true, .transit = true }, FROM_E, { .path = { 65001 }, .med = true },
	    EXPORT_YES, "65000 65001", -1, -1, -1, true, "" },
	{ "eBGP to eBGP, all, no transit", { EBGP, .all = true }, FROM_E, { .path = { 65001 } },
	    NO(NO_TRANSIT) },
	{ "eBGP to eBGP, transit, own", { EBGP, .transit = true }, FROM_E, { .path = { 65001 } },
	    NO(NOT_OWN) },
	{ "eBGP to iBGP, own", { .af = IP4, .self_octets = 4 }, FROM_E, { .path = { 65001 } },
	    NO(NOT_OWN) },
	{ "iBGP to eBGP, all", { EBGP, .all = true }, FROM_I,
	    { .path = { 9 }, .local_pref = 7, .originator = 3, .cluster = 4 }, EXPORT_YES, "65000 9",
	    -1, -1, -1, true, "" },
	{ "eBGP to eBGP, next hop kept",
	    { EBGP, .all = true, .transit = true, .next_hop_mode = IPC_NEXTHOP_KEEP },
	    FROM_E, { .path = { 65001 } }, EXPORT_YES, "65000 65001", -1, -1, -1, false, "" },
	{ "eBGP to iBGP: MED stays, s5.1.4", { IBGP }, FROM_E, { .path = { 65001 }, .med = true },
	    EXPORT_YES, "65001", 5, 100, -1, false, "" },
	{ "eBGP on link to iBGP, auto: self", { IBGP }, { .ebgp = true, .onlink = true },
	    { .path = { 65001 } }, EXPORT_YES, "65001", -1, 100, -1, true, "" },
	{ "the same, keep", { IBGP, .next_hop_mode = IPC_NEXTHOP_KEEP },
	    { .ebgp = true, .onlink = true }, { .path = { 65001 } }, EXPORT_YES, "65001", -1, 100, -1,
	    false, "" },
	{ "eBGP to iBGP, self", { IBGP, .next_hop_mode = IPC_NEXTHOP_SELF }, FROM_E,
	    { .path = { 65001 } }, EXPORT_YES, "65001", -1, 100, -1, true, "" },
	{ "graceful shutdown to iBGP: 8326", { IBGP }, FROM_E,
	    { .path = { 65001 }, .comm = COMM_GRACEFUL_SHUTDOWN }, EXPORT_YES, "65001", -1, 0, -1,
	    false, "" },
	{ "drained, to iBGP: 8326 s4.2", { IBGP, .gshut = true }, LOCAL, { .local_pref = 7 },
	    EXPORT_YES, "", -1, 0, -1, true, "" },
	{ "drained, to another member", { MEMBER, .gshut = true }, LOCAL, { .local_pref = 7 },
	    EXPORT_YES, "(65000)", -1, 0, -1, true, "" },
	{ "drained, to eBGP", { EBGP, .gshut = true }, LOCAL, { .local_pref = 7 }, EXPORT_YES, "65000",
	    -1, -1, -1, true, "" },
	{ "of a peer that is drained, to iBGP: 8326 s4.2", { IBGP },
	    { .ebgp = true, .draining = true }, { .path = { 9 }, .local_pref = 7 }, EXPORT_YES, "9", -1,
	    0, -1, false, "" },
	{ "withdrawn", { IBGP, .silent = true }, LOCAL, { .local_pref = 7 }, NO(DRAINED) },
	{ "iBGP to iBGP: 4271 s9.2", { IBGP }, FROM_I, { .local_pref = 7 }, NO(IBGP_LEARNED) },
	{ "to a client: 4456 s6", { IBGP, .rr_client = true }, FROM_I, { .local_pref = 7 }, EXPORT_YES,
	    "", -1, 7, 6, false, "2.2.2.2" },
	{ "from a client: 4456 s6", { IBGP }, FROM_RC, { .local_pref = 7 }, EXPORT_YES, "", -1, 7, 6,
	    false, "2.2.2.2" },
	{ "reflected again: 4456 s8", { IBGP, .rr_client = true }, FROM_I,
	    { .local_pref = 7, .originator = 3, .cluster = 0x01010101 }, EXPORT_YES, "", -1, 7, 3,
	    false, "2.2.2.2 1.1.1.1" },
	{ "reflected never becomes self", { IBGP, .next_hop_mode = IPC_NEXTHOP_SELF }, FROM_RC,
	    { .local_pref = 7 }, EXPORT_YES, "", -1, 7, 6, false, "2.2.2.2" },
	{ "NO_ADVERTISE to eBGP: 1997", { EBGP }, LOCAL, { .comm = COMM_NO_ADVERTISE },
	    NO(NO_ADVERTISE) },
	{ "NO_ADVERTISE to iBGP: 1997", { IBGP }, LOCAL, { .comm = COMM_NO_ADVERTISE },
	    NO(NO_ADVERTISE) },
	{ "NO_EXPORT to eBGP: 1997", { EBGP }, LOCAL, { .comm = COMM_NO_EXPORT }, NO(NO_EXPORT) },
	{ "NO_EXPORT_SUBCONFED to eBGP: 1997", { EBGP }, LOCAL, { .comm = COMM_NO_EXPORT_SUBCONFED },
	    NO(NO_EXPORT_SUBCONFED) },
	{ "NO_EXPORT to iBGP", { IBGP }, LOCAL, { .comm = COMM_NO_EXPORT }, EXPORT_YES, "", -1, 100,
	    -1, true, "" },
	{ "NO_EXPORT_SUBCONFED to another member: 1997", { MEMBER }, LOCAL,
	    { .comm = COMM_NO_EXPORT_SUBCONFED }, NO(NO_EXPORT_SUBCONFED) },
	{ "NO_EXPORT_SUBCONFED to iBGP: 1997", { IBGP }, LOCAL, { .comm = COMM_NO_EXPORT_SUBCONFED },
	    EXPORT_YES, "", -1, 100, -1, true, "" },
	{ "NO_EXPORT to another member: 1997, 5065", { MEMBER }, LOCAL, { .comm = COMM_NO_EXPORT },
	    EXPORT_YES, "(65000)", -1, 100, -1, true, "" },
	{ "NO_PEER to a peer: 3765", { EBGP, .role = IPC_ROLE_PEER }, LOCAL, { .comm = COMM_NO_PEER },
	    NO(NO_PEER) },
	{ "NO_PEER to a provider: 3765", { EBGP, .role = IPC_ROLE_CUSTOMER }, LOCAL,
	    { .comm = COMM_NO_PEER }, EXPORT_YES, "65000", -1, -1, -1, true, "" },
	{ "NO_PEER without a role: 3765", { EBGP }, LOCAL, { .comm = COMM_NO_PEER }, EXPORT_YES,
	    "65000", -1, -1, -1, true, "" },
	{ "BLACKHOLE of others to eBGP: 7999 s3.2", { EBGP, .all = true }, FROM_I,
	    { .comm = COMM_BLACKHOLE }, NO(BLACKHOLE) },
	{ "own BLACKHOLE to eBGP: 7999", { EBGP }, LOCAL, { .comm = COMM_BLACKHOLE }, EXPORT_YES,
	    "65000", -1, -1, -1, true, "" },
	{ "client to client: 4456 s6", { IBGP, .rr_client = true }, FROM_RC, { .local_pref = 7 },
	    EXPORT_YES, "", -1, 7, 6, false, "2.2.2.2" },
	{ "client to client, switched off", { IBGP, .rr_client = true, .no_client_to_client = true },
	    FROM_RC, { .local_pref = 7 }, NO(CLIENT_TO_CLIENT) },
	{ "switched off, from a non-client: 4456 s6",
	    { IBGP, .rr_client = true, .no_client_to_client = true }, FROM_I, { .local_pref = 7 },
	    EXPORT_YES, "", -1, 7, 6, false, "2.2.2.2" },
	{ "reflected as it is: 4456 s10", { IBGP, .rr_client = true }, FROM_I,
	    { .path = { 9, 8 }, .local_pref = 7, .med = true }, EXPORT_YES, "9 8", 5, 7, 6, false,
	    "2.2.2.2" },
	/* RFC 5065 */
	{ "own to another member: 5065 s4", { MEMBER }, LOCAL, { .local_pref = 7, .med = true },
	    EXPORT_YES, "(65000)", 5, 7, -1, true, "" },
	{ "iBGP to another member: 5065 s4", { MEMBER }, FROM_I,
	    { .path = { 9 }, .local_pref = 7, .med = true, .originator = 3, .cluster = 4 },
	    EXPORT_YES, "(65000) 9", 5, 7, -1, false, "" },
	{ "member to member: joined, 5065 s4", { MEMBER }, FROM_M,
	    { .confed = { 65002 }, .path = { 9 }, .local_pref = 7 }, EXPORT_YES, "(65000 65002) 9",
	    -1, 7, -1, false, "" },
	{ "member to iBGP: as it is", { IBGP }, FROM_M,
	    { .confed = { 65002 }, .path = { 9 }, .local_pref = 7, .med = true }, EXPORT_YES,
	    "(65002) 9", 5, 7, -1, false, "" },
	{ "outside to member", { MEMBER }, FROM_E, { .path = { 65001 }, .med = true }, EXPORT_YES,
	    "(65000) 65001", 5, 100, -1, false, "" },
	{ "member to member, self", { MEMBER, .next_hop_mode = IPC_NEXTHOP_SELF }, FROM_M,
	    { .confed = { 65002 }, .path = { 9 }, .local_pref = 7 }, EXPORT_YES, "(65000 65002) 9",
	    -1, 7, -1, true, "" },
	{ "member to outside: stripped, 5065 s4", { BORDER }, FROM_M,
	    { .confed = { 65002, 65003 }, .path = { 9 }, .local_pref = 7, .med = true }, EXPORT_YES,
	    "64496 9", -1, -1, -1, true, "" },
	{ "of another member to outside: 5065 s4", { BORDER }, FROM_M, { .confed = { 65002 } },
	    EXPORT_YES, "64496", -1, -1, -1, true, "" },
	/* AS_PATH options */
	{ "localAS, noPrepend", { EBGP, .inner_asn = 64500 }, LOCAL, { .comm = 0 }, EXPORT_YES,
	    "65000 64500", -1, -1, -1, true, "" },
	{ "asOverride", { EBGP, .all = true, .as_override = true, .peer_asn = 65009 }, FROM_I,
	    { .path = { 65009, 7, 65009 } }, EXPORT_YES, "65000 65000 7 65000", -1, -1, -1, true,
	    "" },
	{ "removePrivate, then our number", { EBGP, .all = true, .private_as = IPC_PRIVATE_ALL },
	    FROM_I, { .path = { 64512, 7, 65534 } }, EXPORT_YES, "65000 7", -1, -1, -1, true, "" },
	/* RFC 9234 section 5, egress */
	{ "OTC to a provider: 9234 s5", { EBGP, .all = true, .role = IPC_ROLE_CUSTOMER }, FROM_I,
	    { .path = { 9 }, .otc = 9 }, NO(OTC) },
	{ "OTC to a peer: 9234 s5", { EBGP, .all = true, .role = IPC_ROLE_PEER }, FROM_I,
	    { .path = { 9 }, .otc = 9 }, NO(OTC) },
	{ "OTC to a route server: 9234 s5", { EBGP, .all = true, .role = IPC_ROLE_RS_CLIENT },
	    FROM_I, { .path = { 9 }, .otc = 9 }, NO(OTC) },
	{ "OTC to a customer: 9234 s5", { EBGP, .all = true, .role = IPC_ROLE_PROVIDER }, FROM_I,
	    { .path = { 9 }, .otc = 9 }, EXPORT_YES, "65000 9", -1, -1, -1, true, "" },
	{ "OTC without a role", { EBGP, .all = true }, FROM_I, { .path = { 9 }, .otc = 9 }, EXPORT_YES,
	    "65000 9", -1, -1, -1, true, "" },
	{ "no address for self", { NOSELF_EBGP }, LOCAL, { .comm = 0 }, NO(NO_SELF) },
	{ "no address, but none is needed", { NOSELF_IBGP }, FROM_E,
	    { .path = { 65001 } }, EXPORT_YES, "65001", -1, 100, -1, false, "" },
	{ "IPv6 next hop for IPv4, reflected to one that takes it: 8950 s4",
	    { IBGP, .rr_client = true, .ext_next_hop = true }, FROM_I, { .path = { 9 }, .nh = V6_NH },
	    EXPORT_YES, "9", -1, 100, 6, false, "2.2.2.2" },
	{ "the same to one that does not: 8950 s4", { IBGP, .rr_client = true }, FROM_I,
	    { .path = { 9 }, .nh = V6_NH }, NO(NEXT_HOP_FAMILY) },
	{ "IPv6 next hop for IPv4, keep, not taken",
	    { EBGP, .all = true, .transit = true, .next_hop_mode = IPC_NEXTHOP_KEEP }, FROM_E,
	    { .path = { 9 }, .nh = V6_NH }, NO(NEXT_HOP_FAMILY) },
	{ "IPv6 next hop for IPv4, keep, taken",
	    { EBGP, .all = true, .transit = true, .ext_next_hop = true,
		.next_hop_mode = IPC_NEXTHOP_KEEP },
	    FROM_E, { .path = { 9 }, .nh = V6_NH }, EXPORT_YES, "65000 9", -1, -1, -1, false, "" },
	{ "IPv6 next hop for IPv4 to eBGP: self", { EBGP, .all = true, .transit = true }, FROM_E,
	    { .path = { 9 }, .nh = V6_NH }, EXPORT_YES, "65000 9", -1, -1, -1, true, "" },
	{ "link-local next hop is never passed on",
	    { .af = IP6, .all = true, .self_octets = 16, .next_hop_mode = IPC_NEXTHOP_KEEP }, FROM_E,
	    { .path = { 65001 }, .nh = { .af = IP6, .b = { 0xfe, 0x80, [15] = 1 } } }, EXPORT_YES,
	    "65001", -1, 100, -1, true, "" },
};

START_TEST(export_rules)
{
	const struct attrs *a = make(&exports[_i].a), *x;
	char buf[128];

	ck_assert_msg(policy_exportable(&exports[_i].ep, &exports[_i].src, a) == exports[_i].want,
	    "%s: %s", exports[_i].what,
	    policy_export_text(policy_exportable(&exports[_i].ep, &exports[_i].src, a)));
	if (exports[_i].want == EXPORT_YES) {
		x = policy_export(pool, &exports[_i].ep, &exports[_i].src, a);
		ck_assert_str_eq(attrs_str_as_path(x, buf, sizeof(buf)), exports[_i].path);
		ck_assert_str_eq(attrs_str_cluster_list(x, buf, sizeof(buf)), exports[_i].cluster);
		ck_assert_int_eq(x->flags & ATTRS_MED ? (int)x->med : -1, exports[_i].med);
		ck_assert_int_eq(x->flags & ATTRS_LOCAL_PREF ? (int)x->local_pref : -1,
		    exports[_i].lp);
		ck_assert_int_eq(x->flags & ATTRS_ORIGINATOR ? (int)x->originator_id : -1,
		    exports[_i].originator);
		ck_assert_msg((x->nh_af == 0) == exports[_i].self, "%s: self", exports[_i].what);
		ck_assert(policy_next_hop_self(&exports[_i].ep, &exports[_i].src, a) ==
		    exports[_i].self);
		attrs_unref(pool, x);
	}
	attrs_unref(pool, a);
}
END_TEST

/* A path of n numbers survives being rewritten and prepended, however long it is. */
START_TEST(export_long_paths)
{
	static const unsigned lengths[] = { 1, 116, 117, 118, 119, 120, 121, 122, 255, 2000, 16000 };
	const struct export_policy to = { EBGP, .all = true, .as_override = true, .peer_asn = 7,
		.inner_asn = 64500 };
	const struct export_source from_i = { .router_id = 6 };
	static uint8_t path[65536];
	struct wr w = wr_init(path, sizeof(path));
	struct attrs_build b = { .next_hop = nh_plain };
	const struct attrs *a, *x;
	unsigned i;

	for (i = 0; i < lengths[_i]; i++) {
		if (i % 255 == 0) {
			wr_u8(&w, SEG_SEQUENCE);
			wr_u8(&w, (uint8_t)(lengths[_i] - i < 255 ? lengths[_i] - i : 255));
		}
		wr_u32(&w, 7);
	}
	b.part[ATTRS_AS_PATH] = (struct attrs_view){ path, (uint16_t)wr_len(&w) };
	a = attrs_intern(pool, &b);
	x = policy_export(pool, &to, &from_i, a);
	ck_assert_ptr_nonnull(x);
	ck_assert_uint_eq(x->as_path_hops, lengths[_i] + 2);
	ck_assert_uint_eq(x->first_asn, 65000);
	ck_assert_uint_eq(x->origin_asn, 65000);
	attrs_unref(pool, x);
	attrs_unref(pool, a);
}
END_TEST

/* GRACEFUL_SHUTDOWN is there once, after what was there already, also in a full set. */
START_TEST(export_is_marked)
{
	static const unsigned n[] = { 0, 1, 126, 127, 128, 16382, 16383 };
	const struct export_policy to = { EBGP, .all = true, .gshut = true };
	const struct export_source local = { .local = true };
	struct attrs_build b = { .next_hop = nh_plain };
	static uint8_t comm[65536];
	struct wr w = wr_init(comm, sizeof(comm));
	const struct attrs *a, *x, *again;
	struct attrs_view v;
	unsigned i;

	for (i = 0; i < n[_i]; i++)
		wr_u32(&w, 65000u << 16 | i);
	b.part[ATTRS_COMMUNITIES] = (struct attrs_view){ comm, (uint16_t)wr_len(&w) };
	a = attrs_intern(pool, &b);
	x = policy_export(pool, &to, &local, a);
	if (n[_i] == 16383) { /* no octet is left for it: RFC 4271 section 4.3 */
		ck_assert_ptr_null(x);
		attrs_unref(pool, a);
		return;
	}
	v = attrs_part(x, ATTRS_COMMUNITIES);
	ck_assert_uint_eq(v.octets, n[_i] * 4 + 4);
	ck_assert_int_eq(memcmp(v.p, comm, n[_i] * 4), 0);
	ck_assert(attrs_has_community(x, COMM_GRACEFUL_SHUTDOWN));
	again = policy_export(pool, &to, &local, x);
	ck_assert_uint_eq(attrs_part(again, ATTRS_COMMUNITIES).octets, v.octets);
	attrs_unref(pool, again);
	attrs_unref(pool, x);
	attrs_unref(pool, a);
}
END_TEST

/* Egress rule 1 of RFC 9234 section 5: who is told Only to Customer, and of whom. */
static const struct {
	uint8_t role;
	uint32_t otc, want;
} otc_exports[] = {
	{ IPC_ROLE_NONE, 0, 0 },
	{ IPC_ROLE_PROVIDER, 0, 65000 },
	{ IPC_ROLE_PROVIDER, 9, 9 },
	{ IPC_ROLE_PEER, 0, 65000 },
	{ IPC_ROLE_RS, 0, 65000 },
	{ IPC_ROLE_RS, 9, 9 },
	{ IPC_ROLE_CUSTOMER, 0, 0 },
	{ IPC_ROLE_RS_CLIENT, 0, 0 },
	{ IPC_ROLE_NONE, 9, 9 },
};

START_TEST(export_otc)
{
	const struct export_policy to = { EBGP, .all = true, .role = otc_exports[_i].role };
	const struct export_source local = { .local = true }, from_i = { .router_id = 6 };
	const struct attrs *a = make(&(struct given){ .otc = otc_exports[_i].otc }), *x;

	x = policy_export(pool, &to, &from_i, a);
	ck_assert_uint_eq(attrs_rare(x).otc, otc_exports[_i].want);
	ck_assert((x->flags & ATTRS_OTC) == (attrs_rare(x).otc ? ATTRS_OTC : 0));
	attrs_unref(pool, x);
	if (!otc_exports[_i].otc) { /* own routes, too */
		x = policy_export(pool, &to, &local, a);
		ck_assert_uint_eq(attrs_rare(x).otc, otc_exports[_i].want);
		attrs_unref(pool, x);
	}
	attrs_unref(pool, a);
}
END_TEST

/* RFC 4271 section 6.3: from anybody, whatever is permitted. */
START_TEST(prefixes_that_are_no_routes)
{
	static const struct {
		const char *prefix;
		enum reject_reason want;
	} rows[] = { { "224.0.0.0/4", REJECT_NOT_UNICAST }, { "239.1.2.3/32", REJECT_NOT_UNICAST },
		{ "224.0.0.0/3", REJECT_NOT_UNICAST }, { "ff00::/8", REJECT_NOT_UNICAST },
		{ "ff02::1/128", REJECT_NOT_UNICAST }, { "fe80::/10", REJECT_NOT_UNICAST },
		{ "fe80::1/128", REJECT_NOT_UNICAST }, { "223.255.255.0/24", REJECT_NONE },
		{ "240.0.0.0/4", REJECT_NONE }, { "169.254.0.0/16", REJECT_NONE },
		{ "0.0.0.0/0", REJECT_NONE }, { "::/0", REJECT_NONE }, { "fc00::/6", REJECT_NONE },
		{ "fec0::/10", REJECT_NONE } };
	struct import_policy ip = { .ebgp = _i & 1, .import_all = true };
	struct attrs_build b = { 0 };
	const struct attrs *a = attrs_intern(pool, &b);

	for (int i = 0; i < NROWS(rows); i++) {
		struct ip_prefix p = px(rows[i].prefix);

		ck_assert_msg(policy_import_prefix(&ip, a, &p) == rows[i].want, "%s", rows[i].prefix);
	}
	attrs_unref(pool, a);
}
END_TEST

START_TEST(every_reason_has_words)
{
	int i, k;

	for (i = 1; i < REJECT_NREASONS; i++)
		for (k = 0; k < i; k++)
			ck_assert_str_ne(policy_reject_text(i), policy_reject_text(k));
	for (i = 1; i < EXPORT_NREASONS; i++)
		for (k = 0; k < i; k++)
			ck_assert_str_ne(policy_export_text(i), policy_export_text(k));
	ck_assert_str_eq(policy_reject_text(REJECT_NO_PERMIT),
	    "no policy: kernel.permit names no prefix (RFC 8212)");
	ck_assert_str_eq(policy_reject_text(REJECT_NREASONS), "unknown");
	ck_assert_str_eq(policy_export_text(EXPORT_NREASONS), "unknown");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy");
	TCase *t = unit_case(s, "policy");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, import_by_attributes, 0, NROWS(imports));
	tcase_add_loop_test(t, import_by_options, 0, NROWS(import_options));
	tcase_add_loop_test(t, receive, 0, NROWS(receives));
	tcase_add_test(t, blackhole_is_for_host_routes);
	tcase_add_test(t, import_by_prefix);
	tcase_add_test(t, effective_local_pref);
	tcase_add_loop_test(t, export_rules, 0, NROWS(exports));
	tcase_add_loop_test(t, export_long_paths, 0, 11);
	tcase_add_loop_test(t, export_is_marked, 0, 7);
	tcase_add_loop_test(t, export_otc, 0, NROWS(otc_exports));
	tcase_add_loop_test(t, prefixes_that_are_no_routes, 0, 2);
	tcase_add_test(t, every_reason_has_words);
	return unit_run(s);
}
