/*
 * Conflicts with other programs and settings; see conflict.h.
 *
 * checks[] has a row for each kind that follows from facts: a function that says
 * whether it is there and writes the words. The other two follow from what others do
 * to our routes, and are over when that has not happened for a while.
 */
#include "agent/core/conflict.h"

#include <stdio.h>
#include <string.h>

#define OCCASION_US 50000	 /* removals of several routes within that are one occasion */
#define FORGET_US   600000000	 /* ten minutes after the last one it is over */
#define PID_MOST    4194304	 /* the largest process id there can be */
#define SAY_FIRST   3		 /* occasions before the first event */

void
conflict_init(struct conflict *c)
{
	memset(c, 0, sizeof(*c));
}

/* ---- causes -------------------------------------------------------------- */

/* Programs that are known for it, by the name that the kernel gives (15 octets at most). */
static const struct {
	const char *name, *cause, *fix;
} known[] = {
	{ "systemd-network", "systemd-networkd with ManageForeignRoutes",
	    "set ManageForeignRoutes=no in /etc/systemd/networkd.conf.d/weft.conf, section "
	    "[Network], then: systemctl restart systemd-networkd" },
	{ "NetworkManager", "NetworkManager, for an interface that it manages",
	    "nmcli device set INTERFACE managed no" },
	{ "weft-agent", "a second weft", "stop one of them: systemctl stop weftd" },
	{ "ip", "a script or a person with the ip command", "look for it: weft events" },
	{ "zebra", "FRR's zebra", "give kernel.protocol another number than FRR's" },
	{ "bird", "BIRD, perhaps of a network plugin", "give it another table than kernel.table" },
	{ "dhclient", "a DHCP client", "let it leave routes of others alone" },
	{ "dhcpcd", "a DHCP client", "let it leave routes of others alone" },
};

static int
known_find(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return (int)i;
	return -1;
}

/*
 * Who it probably is. A port that is no process id may be any program's further socket; of
 * those that go on running, and do such things, some are known.
 */
static int
suspect(const struct conflict *c, uint32_t by, const char *name)
{
	if (name[0] || (by != 0 && by <= PID_MOST))
		return known_find(name);
	if (c->networkd_foreign)
		return known_find("systemd-network");
	return c->network_manager ? known_find("NetworkManager") : -1;
}

const char *
conflict_cause(const struct conflict *c, uint32_t by, const char *name)
{
	int i = suspect(c, by, name);

	return i < 0 ? "" : known[i].cause;
}

/* ---- items --------------------------------------------------------------- */

static void
item_on(struct conflict *c, struct mono_us now, enum conflict_kind k)
{
	struct conflict_item *i = &c->item[k];

	if (i->on)
		return;
	i->on = true;
	i->said = false;
	i->since = now;
	c->over[k] = false;
}

static void
item_off(struct conflict *c, enum conflict_kind k)
{
	struct conflict_item *i = &c->item[k];

	if (!i->on)
		return;
	c->over[k] = i->said;
	*i = (struct conflict_item){ 0 };
}

/* ---- removals ------------------------------------------------------------ */

static struct conflict_blame *
blame_get(struct conflict *c, struct mono_us now, uint32_t by, const char *name)
{
	struct conflict_blame *old = &c->blame[0];

	for (int i = 0; i < CONFLICT_BLAMES; i++) {
		struct conflict_blame *b = &c->blame[i];

		if (b->used && strcmp(b->name, name) == 0 && (name[0] || b->by == by))
			return b;
		if (!b->used || mono_before(b->last, old->last))
			old = b;
	}
	*old = (struct conflict_blame){ .used = true, .first = now, .say_at = SAY_FIRST };
	snprintf(old->name, sizeof(old->name), "%s", name);
	return old;
}

/* The program as words; a port of which nothing is known may be any program's. */
static const char *
who_text(const char *name, uint32_t by, char *buf, size_t cap)
{
	if (name[0])
		snprintf(buf, cap, "%s (pid %u)", name, by);
	else if (by == 0 || by > PID_MOST)
		snprintf(buf, cap, "an unknown program");
	else
		snprintf(buf, cap, "a program that has ended (pid %u)", by);
	return buf;
}

static void
removed_words(struct conflict *c, const struct conflict_blame *b)
{
	struct conflict_item *i = &c->item[CONFLICT_REMOVED];
	int likely = suspect(c, b->by, b->name);
	uint64_t s = mono_diff_us(b->last, b->first) / 1000000 + 1;
	char who[64];

	snprintf(i->text, sizeof(i->text),
	    "%s removed or changed routes of ours %u times in %llu s (%llu route%s)%s%s",
	    who_text(b->name, b->by, who, sizeof(who)), b->occasions, (unsigned long long)s,
	    (unsigned long long)b->routes, b->routes == 1 ? "" : "s", likely >= 0 ? "; likely: " : "",
	    likely >= 0 ? known[likely].cause : "");
	snprintf(i->fix, sizeof(i->fix), "%s", likely >= 0 ? known[likely].fix : "");
	i->count = b->occasions;
}

void
conflict_removed(struct conflict *c, struct mono_us now, uint32_t by, const char *name,
    uint32_t times)
{
	struct conflict_blame *b = blame_get(c, now, by, name);
	bool again = times > b->times || mono_diff_us(now, b->last) >= OCCASION_US;

	b->by = by;
	b->routes++;
	b->last = now;
	b->times = times;
	if (!again)
		return;
	b->occasions++;
	if (b->occasions < SAY_FIRST)
		return;
	item_on(c, now, CONFLICT_REMOVED);
	removed_words(c, b);
	if (b->occasions >= b->say_at) {
		c->item[CONFLICT_REMOVED].said = false;
		b->say_at = b->occasions * 2;
	}
}

static void
blames_forget(struct conflict *c, struct mono_us now)
{
	bool any = false;

	for (int i = 0; i < CONFLICT_BLAMES; i++) {
		struct conflict_blame *b = &c->blame[i];

		if (b->used && mono_diff_us(now, b->last) > FORGET_US)
			*b = (struct conflict_blame){ 0 };
		any |= b->used && b->occasions >= SAY_FIRST;
	}
	if (!any)
		item_off(c, CONFLICT_REMOVED);
}

void
conflict_second(struct conflict *c, struct mono_us now, uint32_t by, const char *name,
    const struct ip_prefix *p)
{
	struct conflict_item *i = &c->item[CONFLICT_SECOND];
	char who[64], prefix[IP_PREFIX_STRLEN];

	item_on(c, now, CONFLICT_SECOND);
	c->second_at = now;
	i->count++;
	snprintf(i->text, sizeof(i->text),
	    "%s makes routes with our protocol number in our table (%u so far, the last one is %s); "
	    "a second weft?",
	    who_text(name, by, who, sizeof(who)), i->count, ip_prefix_str(p, prefix));
	snprintf(i->fix, sizeof(i->fix),
	    "stop it, or give one of them another kernel.protocol or kernel.table");
}

/* ---- checks -------------------------------------------------------------- */

static bool
check_networkd(const struct conflict_facts *f, struct conflict_item *i)
{
	snprintf(i->text, sizeof(i->text),
	    "systemd-networkd is running with ManageForeignRoutes=yes: it removes our routes when it "
	    "starts or configures a link anew");
	snprintf(i->fix, sizeof(i->fix), "%s", known[0].fix);
	return f->networkd && f->networkd_foreign;
}

static bool
check_better(const struct conflict_facts *f, struct conflict_item *i)
{
	char p[IP_PREFIX_STRLEN];

	ip_prefix_str(&f->better, p);
	i->count = f->nbetter;
	snprintf(i->text, sizeof(i->text),
	    "%u installed route%s not used: somebody's route for the same prefix wins, as for %s "
	    "(metric %u, protocol %u; ours: metric %u)",
	    f->nbetter, f->nbetter == 1 ? " is" : "s are", p, f->better_metric, f->better_protocol,
	    f->our_metric);
	snprintf(i->fix, sizeof(i->fix), "ip route del %s metric %u proto %u", p, f->better_metric,
	    f->better_protocol);
	return f->nbetter > 0;
}

static bool
check_forward4(const struct conflict_facts *f, struct conflict_item *i)
{
	snprintf(i->text, sizeof(i->text), "net.ipv4.ip_forward is 0: this node forwards no IPv4 "
	    "between pods and the network");
	snprintf(i->fix, sizeof(i->fix), "sysctl -w net.ipv4.ip_forward=1");
	return f->forward[0] == 0 && f->carries[0];
}

/* An interface that takes router advertisements, and would not any more when forwarding is on. */
static bool
wants_accept_ra(const struct conflict_iface *i)
{
	return i->uplink && i->accept_ra == 1;
}

static bool
check_forward6(const struct conflict_facts *f, struct conflict_item *i)
{
	const char *ra = "";

	for (size_t k = 0; k < f->n; k++)
		if (wants_accept_ra(&f->iface[k]))
			ra = f->iface[k].name;
	snprintf(i->text, sizeof(i->text), "net.ipv6.conf.all.forwarding is 0: this node forwards "
	    "no IPv6 between pods and the network");
	snprintf(i->fix, sizeof(i->fix), "sysctl -w %s%s%snet.ipv6.conf.all.forwarding=1",
	    ra[0] ? "net.ipv6.conf." : "", ra, ra[0] ? ".accept_ra=2 " : "");
	return f->forward[1] == 0 && f->carries[1];
}

static bool
strict(const struct conflict_facts *f, const struct conflict_iface *i)
{
	return i->uplink && i->rp_filter == 1 && f->uplinks > 1;
}

static bool
check_rp_filter(const struct conflict_facts *f, struct conflict_item *i)
{
	i->count = 0;
	for (size_t k = 0; k < f->n; k++) {
		if (!strict(f, &f->iface[k]) || i->count++ > 0)
			continue;
		snprintf(i->text, sizeof(i->text),
		    "rp_filter is strict on %s, one of %u uplinks: what comes back by another than it "
		    "left by is dropped",
		    f->iface[k].name, f->uplinks);
		snprintf(i->fix, sizeof(i->fix), "sysctl -w net.ipv4.conf.%s.rp_filter=2",
		    f->iface[k].name);
	}
	return i->count > 0;
}

/* The uplink with the smallest (or largest) MTU; NULL: there is none. */
static const struct conflict_iface *
uplink_by_mtu(const struct conflict_facts *f, bool largest)
{
	const struct conflict_iface *found = NULL;

	for (size_t k = 0; k < f->n; k++) {
		const struct conflict_iface *i = &f->iface[k];

		if (i->uplink && i->mtu > 0 &&
		    (!found || (largest ? i->mtu > found->mtu : i->mtu < found->mtu)))
			found = i;
	}
	return found;
}

static bool
check_mtu_pods(const struct conflict_facts *f, struct conflict_item *i)
{
	const struct conflict_iface *small = uplink_by_mtu(f, false);

	for (size_t k = 0; small && k < f->n; k++) {
		if (!f->iface[k].pods || f->iface[k].uplink || f->iface[k].mtu <= small->mtu)
			continue;
		snprintf(i->text, sizeof(i->text),
		    "pods on %s send packets of up to %u octets, but uplink %s takes %u",
		    f->iface[k].name, f->iface[k].mtu, small->name, small->mtu);
		snprintf(i->fix, sizeof(i->fix),
		    "ip link set %s mtu %u, or a smaller MTU in the pod network's configuration",
		    small->name, f->iface[k].mtu);
		return true;
	}
	return false;
}

static bool
check_mtu_legs(const struct conflict_facts *f, struct conflict_item *i)
{
	const struct conflict_iface *small = uplink_by_mtu(f, false);
	const struct conflict_iface *large = uplink_by_mtu(f, true);

	if (!small || !large || small->mtu == large->mtu || !(f->several[0] || f->several[1]))
		return false;
	snprintf(i->text, sizeof(i->text),
	    "routes by several next hops use %s with MTU %u and %s with MTU %u: flows get one or the "
	    "other", large->name, large->mtu, small->name, small->mtu);
	snprintf(i->fix, sizeof(i->fix), "ip link set %s mtu %u", small->name, large->mtu);
	return true;
}

static bool
check_nm(const struct conflict_facts *f, struct conflict_item *i)
{
	i->count = 0;
	for (size_t k = 0; k < f->n; k++) {
		if (!f->network_manager || !f->iface[k].nm || !f->iface[k].pods ||
		    f->iface[k].uplink || i->count++ > 0)
			continue;
		snprintf(i->text, sizeof(i->text), "NetworkManager manages %s, an interface of pods: "
		    "it may remove routes and addresses there", f->iface[k].name);
		snprintf(i->fix, sizeof(i->fix), "nmcli device set %s managed no",
		    f->iface[k].name);
	}
	return i->count > 0;
}

static bool
check_hash(const struct conflict_facts *f, int family, struct conflict_item *i)
{
	const char *name = family == 0 ? "net.ipv4.fib_multipath_hash_policy"
				       : "net.ipv6.fib_multipath_hash_policy";

	snprintf(i->text, sizeof(i->text), "%s is 0: everything between two addresses takes one of "
	    "several next hops; 1 spreads connections", name);
	snprintf(i->fix, sizeof(i->fix), "sysctl -w %s=1", name);
	return f->hash[family] == 0 && f->several[family];
}

static bool
check_hash4(const struct conflict_facts *f, struct conflict_item *i)
{
	return check_hash(f, 0, i);
}

static bool
check_hash6(const struct conflict_facts *f, struct conflict_item *i)
{
	return check_hash(f, 1, i);
}

static bool
check_ra(const struct conflict_facts *f, struct conflict_item *i)
{
	for (size_t k = 0; k < f->n; k++) {
		const struct conflict_iface *x = &f->iface[k];

		if (f->default6 || !wants_accept_ra(x) || x->forward6 != 1 || !x->global6)
			continue;
		snprintf(i->text, sizeof(i->text),
		    "%s forwards, so with accept_ra=1 router advertisements are ignored there, and "
		    "there is no IPv6 default route", x->name);
		snprintf(i->fix, sizeof(i->fix), "sysctl -w net.ipv6.conf.%s.accept_ra=2", x->name);
		return true;
	}
	return false;
}

static const struct {
	const char *name;
	bool (*check)(const struct conflict_facts *f, struct conflict_item *i);
	bool hint;
} checks[CONFLICT_N] = {
	[CONFLICT_REMOVED] = { "removed", NULL, false },
	[CONFLICT_NETWORKD] = { "networkd", check_networkd, false },
	[CONFLICT_SECOND] = { "second-writer", NULL, false },
	[CONFLICT_BETTER] = { "better-route", check_better, false },
	[CONFLICT_FORWARD4] = { "ip-forward", check_forward4, false },
	[CONFLICT_FORWARD6] = { "ip6-forwarding", check_forward6, false },
	[CONFLICT_RP_FILTER] = { "rp-filter", check_rp_filter, false },
	[CONFLICT_MTU_PODS] = { "mtu-pods", check_mtu_pods, false },
	[CONFLICT_MTU_LEGS] = { "mtu-legs", check_mtu_legs, false },
	[CONFLICT_NM] = { "network-manager", check_nm, false },
	[CONFLICT_HASH4] = { "multipath-hash", check_hash4, true },
	[CONFLICT_HASH6] = { "multipath-hash6", check_hash6, true },
	[CONFLICT_RA] = { "accept-ra", check_ra, true },
};

const char *
conflict_name(enum conflict_kind k)
{
	return checks[k].name;
}

bool
conflict_is_hint(enum conflict_kind k)
{
	return checks[k].hint;
}

void
conflict_look(struct conflict *c, struct mono_us now, const struct conflict_facts *f)
{
	c->networkd_foreign = f->networkd && f->networkd_foreign;
	c->network_manager = f->network_manager;
	blames_forget(c, now);
	if (c->item[CONFLICT_SECOND].on && mono_diff_us(now, c->second_at) > FORGET_US)
		item_off(c, CONFLICT_SECOND);
	for (int k = 0; k < CONFLICT_N; k++) {
		struct conflict_item words = { 0 };

		if (!checks[k].check)
			continue;
		if (!checks[k].check(f, &words)) {
			item_off(c, (enum conflict_kind)k);
			continue;
		}
		item_on(c, now, (enum conflict_kind)k);
		memcpy(c->item[k].text, words.text, sizeof(words.text));
		memcpy(c->item[k].fix, words.fix, sizeof(words.fix));
		c->item[k].count = words.count;
	}
}

/* ---- events -------------------------------------------------------------- */

static void
event_of(struct ipc_event *e, const char *name, enum ipc_level level, int k, const char *why)
{
	memset(e, 0, sizeof(*e));
	e->level = (uint8_t)level;
	snprintf(e->name, sizeof(e->name), "%s", name);
	if (why[0])
		snprintf(e->text, sizeof(e->text), "kind=%s why=\"%.220s\"", checks[k].name, why);
	else
		snprintf(e->text, sizeof(e->text), "kind=%s", checks[k].name);
}

bool
conflict_next_event(struct conflict *c, struct ipc_event *ret)
{
	for (int k = 0; k < CONFLICT_N; k++) {
		struct conflict_item *i = &c->item[k];

		if (i->on && !i->said) {
			i->said = true;
			event_of(ret, "conflict", checks[k].hint ? IPC_LVL_NOTICE : IPC_LVL_WARN, k,
			    i->text);
			return true;
		}
		if (c->over[k]) {
			c->over[k] = false;
			event_of(ret, "conflict-over", IPC_LVL_NOTICE, k, "");
			return true;
		}
	}
	return false;
}

/* ---- settings ------------------------------------------------------------ */

static bool
is_so(const struct conflict_facts *f, enum conflict_kind k)
{
	struct conflict_item words = { 0 };

	return checks[k].check(f, &words);
}

/* That of interface i: the first or the second. */
static bool
iface_sysctl(const struct conflict_facts *f, const struct conflict_iface *i, bool second,
    struct conflict_sysctl *ret)
{
	if (!second && wants_accept_ra(i) && (is_so(f, CONFLICT_FORWARD6) || is_so(f, CONFLICT_RA))) {
		*ret = (struct conflict_sysctl){ .was = i->accept_ra, .want = 2 };
		snprintf(ret->name, sizeof(ret->name), "net/ipv6/conf/%s/accept_ra", i->name);
		return true;
	}
	if (second && strict(f, i)) {
		*ret = (struct conflict_sysctl){ .was = i->rp_filter, .want = 2 };
		snprintf(ret->name, sizeof(ret->name), "net/ipv4/conf/%s/rp_filter", i->name);
		return true;
	}
	return false;
}

bool
conflict_next_sysctl(const struct conflict_facts *f, size_t *pos, struct conflict_sysctl *ret)
{
	static const struct {
		enum conflict_kind kind;
		const char *name;
	} plain[] = {
		{ CONFLICT_FORWARD4, "net/ipv4/ip_forward" },
		{ CONFLICT_FORWARD6, "net/ipv6/conf/all/forwarding" },
		{ CONFLICT_HASH4, "net/ipv4/fib_multipath_hash_policy" },
		{ CONFLICT_HASH6, "net/ipv6/fib_multipath_hash_policy" },
	};
	const size_t nplain = sizeof(plain) / sizeof(plain[0]);

	while (*pos < 2 * f->n) {
		size_t k = (*pos)++;

		if (iface_sysctl(f, &f->iface[k / 2], k & 1, ret))
			return true;
	}
	while (*pos < 2 * f->n + nplain) {
		size_t k = (*pos)++ - 2 * f->n;

		if (!is_so(f, plain[k].kind))
			continue;
		*ret = (struct conflict_sysctl){ .was = 0, .want = 1 };
		snprintf(ret->name, sizeof(ret->name), "%s", plain[k].name);
		return true;
	}
	return false;
}
