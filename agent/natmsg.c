/*
 * Messages to nf_tables; see natmsg.h.
 *
 * Everything is in network order but lengths and types of attributes. What nft(8) shows of the
 * table beside what the kernel knows (the comment, the sets' octet order) is in USERDATA.
 */
#include "agent/natmsg.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/hmap.h"
#include "lib/mem.h"

#define CHAIN		"out"
#define COMMENT		"made by weft-agent (natOutgoing)"
#define PRIORITY_SRCNAT 100
#define ELEMENTS	512 /* of one message: an attribute has 64 KiB at most */
#define TYPE_IPV4	7   /* of sets, as nft(8) numbers them */
#define TYPE_IPV6	8
#define UDATA_COMMENT	0 /* of tables and rules */
#define UDATA_BYTEORDER 0 /* of sets */
#define BYTEORDER_BIG	2

static const char *const set_names[NAT_NSETS][2] = {
	[NAT_PODS] = { "pods4", "pods6" },
	[NAT_INSIDE] = { "inside4", "inside6" },
};

/* ---- octets -------------------------------------------------------------------- */

static void *
add_room(struct natmsg *m, size_t n)
{
	void *at;

	n = NLMSG_ALIGN(n);
	if (m->len + n > m->cap) {
		m->cap = (m->len + n) * 2;
		m->buf = mem_realloc(m->buf, m->cap);
	}
	at = m->buf + m->len;
	memset(at, 0, n);
	m->len += n;
	return at;
}

static void
put(struct natmsg *m, uint16_t type, const void *data, size_t n)
{
	struct nlattr *a = add_room(m, NLA_HDRLEN + n);

	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + n);
	memcpy(a + 1, data, n);
}

static void
put_str(struct natmsg *m, uint16_t type, const char *s)
{
	put(m, type, s, strlen(s) + 1);
}

static void
put_u32(struct natmsg *m, uint16_t type, uint32_t v)
{
	v = htonl(v);
	put(m, type, &v, sizeof v);
}

/* What nft(8) shows as a comment: type, length, text with its NUL. */
static void
put_comment(struct natmsg *m, uint16_t type, const char *text)
{
	uint8_t udata[64] = { UDATA_COMMENT, (uint8_t)(strlen(text) + 1) };

	assert(strlen(text) + 3 <= sizeof udata);
	memcpy(udata + 2, text, udata[1]);
	put(m, type, udata, 2u + udata[1]);
}

static size_t
nest(struct natmsg *m, uint16_t type)
{
	size_t at = m->len;

	put(m, type | NLA_F_NESTED, "", 0);
	return at;
}

static void
nest_end(struct natmsg *m, size_t at)
{
	assert(m->len - at <= UINT16_MAX);
	((struct nlattr *)(void *)(m->buf + at))->nla_len = (uint16_t)(m->len - at);
}

static void
begin(struct natmsg *m, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *h;
	struct nfgenmsg *g;

	m->last = m->len;
	h = add_room(m, NLMSG_HDRLEN);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = m->seq++;
	g = add_room(m, sizeof *g);
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
}

/* A message about our table; its first attribute is the table's name in all of them. */
static void
begin_nft(struct natmsg *m, int type, uint16_t flags)
{
	begin(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
	put_str(m, NFTA_TABLE_NAME, NAT_TABLE);
}

static void
end(struct natmsg *m)
{
	((struct nlmsghdr *)(void *)(m->buf + m->last))->nlmsg_len = (uint32_t)(m->len - m->last);
}

static void
batch_begin(struct natmsg *m)
{
	begin(m, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end(m);
}

/* The last message of the transaction is the one whose ACK says that all of it was taken. */
static void
batch_end(struct natmsg *m)
{
	((struct nlmsghdr *)(void *)(m->buf + m->last))->nlmsg_flags |= NLM_F_ACK;
	begin(m, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end(m);
}

void
natmsg_free(struct natmsg *m)
{
	mem_free(m->buf);
	memset(m, 0, sizeof *m);
}

void
natmsg_reset(struct natmsg *m)
{
	m->len = m->last = 0;
}

/* ---- sets ------------------------------------------------------------------------ */

static void
put_set(struct natmsg *m, enum nat_set set, unsigned f)
{
	static const uint8_t udata[] = { UDATA_BYTEORDER, 4, BYTEORDER_BIG, 0, 0, 0 };

	begin_nft(m, NFT_MSG_NEWSET, NLM_F_CREATE);
	put_str(m, NFTA_SET_NAME, set_names[set][f]);
	put_u32(m, NFTA_SET_FLAGS, NFT_SET_INTERVAL);
	put_u32(m, NFTA_SET_KEY_TYPE, f ? TYPE_IPV6 : TYPE_IPV4);
	put_u32(m, NFTA_SET_KEY_LEN, f ? 16 : 4);
	put_u32(m, NFTA_SET_ID, (uint32_t)set * 2 + f + 1);
	put(m, NFTA_SET_USERDATA, udata, sizeof udata);
	end(m);
}

static void
put_element(struct natmsg *m, const struct ip_addr *a, uint32_t flags)
{
	size_t elem = nest(m, NFTA_LIST_ELEM), key;

	if (flags)
		put_u32(m, NFTA_SET_ELEM_FLAGS, flags);
	key = nest(m, NFTA_SET_ELEM_KEY);
	put(m, NFTA_DATA_VALUE, a->b, ip_af_octets(a->af));
	nest_end(m, key);
	nest_end(m, elem);
}

/* Where the range ends is where "not in the set" begins; the family's last address has no such. */
static void
put_range(struct natmsg *m, const struct nat_range *r)
{
	struct ip_addr after;

	put_element(m, &r->first, 0);
	if (nat_addr_next(&r->last, &after))
		put_element(m, &after, NFT_SET_ELEM_INTERVAL_END);
}

static void
put_elements(struct natmsg *m, const struct nat_sets *s, enum nat_set set, unsigned f)
{
	const struct nat_range *v = s->v[set][f];
	struct ip_addr zero = { .af = (uint8_t)(f + 1) };

	for (size_t i = 0, n = s->n[set][f], list; i < n;) {
		begin_nft(m, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
		put_str(m, NFTA_SET_ELEM_LIST_SET, set_names[set][f]);
		put_u32(m, NFTA_SET_ELEM_LIST_SET_ID, (uint32_t)set * 2 + f + 1);
		list = nest(m, NFTA_SET_ELEM_LIST_ELEMENTS);
		if (i == 0 && ip_addr_cmp(&v[0].first, &zero) != 0)
			put_element(m, &zero, NFT_SET_ELEM_INTERVAL_END);
		for (size_t k = 0; k < ELEMENTS && i < n; k++, i++)
			put_range(m, &v[i]);
		nest_end(m, list);
		end(m);
	}
}

/* ---- the rules --------------------------------------------------------------------- */

struct expr {
	size_t elem, data;
};

static struct expr
expr(struct natmsg *m, const char *name)
{
	struct expr e;

	e.elem = nest(m, NFTA_LIST_ELEM);
	put_str(m, NFTA_EXPR_NAME, name);
	e.data = nest(m, NFTA_EXPR_DATA);
	return e;
}

static void
expr_end(struct natmsg *m, struct expr e)
{
	nest_end(m, e.data);
	nest_end(m, e.elem);
}

static void
put_family(struct natmsg *m, uint8_t nfproto)
{
	struct expr e = expr(m, "meta");
	size_t data;

	put_u32(m, NFTA_META_KEY, NFT_META_NFPROTO);
	put_u32(m, NFTA_META_DREG, NFT_REG_1);
	expr_end(m, e);
	e = expr(m, "cmp");
	put_u32(m, NFTA_CMP_SREG, NFT_REG_1);
	put_u32(m, NFTA_CMP_OP, NFT_CMP_EQ);
	data = nest(m, NFTA_CMP_DATA);
	put(m, NFTA_DATA_VALUE, &nfproto, 1);
	nest_end(m, data);
	expr_end(m, e);
}

/* The address at that offset of the network header is in the set, or (invert) is not. */
static void
put_lookup(struct natmsg *m, enum nat_set set, unsigned f, uint32_t offset, bool invert)
{
	struct expr e = expr(m, "payload");

	put_u32(m, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_u32(m, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	put_u32(m, NFTA_PAYLOAD_OFFSET, offset);
	put_u32(m, NFTA_PAYLOAD_LEN, f ? 16 : 4);
	expr_end(m, e);
	e = expr(m, "lookup");
	put_u32(m, NFTA_LOOKUP_SREG, NFT_REG_1);
	put_str(m, NFTA_LOOKUP_SET, set_names[set][f]);
	put_u32(m, NFTA_LOOKUP_SET_ID, (uint32_t)set * 2 + f + 1);
	if (invert)
		put_u32(m, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	expr_end(m, e);
}

static void
put_rule(struct natmsg *m, unsigned f)
{
	static const uint8_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	static const uint32_t source[] = { 12, 8 }, destination[] = { 16, 24 };
	static const char *const comment[] = { "ipv4", "ipv6" };
	struct expr masq;
	size_t list;

	begin_nft(m, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	put_str(m, NFTA_RULE_CHAIN, CHAIN);
	put_comment(m, NFTA_RULE_USERDATA, comment[f]);
	list = nest(m, NFTA_RULE_EXPRESSIONS);
	put_family(m, families[f]);
	put_lookup(m, NAT_PODS, f, source[f], false);
	put_lookup(m, NAT_INSIDE, f, destination[f], true);
	expr_end(m, expr(m, "counter"));
	masq = expr(m, "masq");
	put_u32(m, NFTA_MASQ_FLAGS, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
	expr_end(m, masq);
	nest_end(m, list);
	end(m);
}

static void
put_chain(struct natmsg *m)
{
	size_t hook;

	begin_nft(m, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	put_str(m, NFTA_CHAIN_NAME, CHAIN);
	put_str(m, NFTA_CHAIN_TYPE, "nat");
	put_u32(m, NFTA_CHAIN_POLICY, NF_ACCEPT);
	hook = nest(m, NFTA_CHAIN_HOOK);
	put_u32(m, NFTA_HOOK_HOOKNUM, NF_INET_POST_ROUTING);
	put_u32(m, NFTA_HOOK_PRIORITY, PRIORITY_SRCNAT);
	nest_end(m, hook);
	end(m);
}

/* ---- transactions ------------------------------------------------------------------- */

static void
put_table(struct natmsg *m)
{
	begin_nft(m, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	put_u32(m, NFTA_TABLE_FLAGS, 0);
	put_comment(m, NFTA_TABLE_USERDATA, COMMENT);
	end(m);
}

static void
put_removal(struct natmsg *m)
{
	begin_nft(m, NFT_MSG_DELTABLE, 0);
	end(m);
}

void
natmsg_replace(struct natmsg *m, const struct nat_sets *s)
{
	batch_begin(m);
	put_table(m); /* so that there is one to be removed */
	put_removal(m);
	put_table(m);
	for (int set = 0; set < NAT_NSETS; set++)
		for (unsigned f = 0; f < 2; f++) {
			put_set(m, (enum nat_set)set, f);
			put_elements(m, s, (enum nat_set)set, f);
		}
	put_chain(m);
	put_rule(m, 0);
	put_rule(m, 1);
	batch_end(m);
}

void
natmsg_refill(struct natmsg *m, const struct nat_sets *s)
{
	batch_begin(m);
	for (int set = 0; set < NAT_NSETS; set++)
		for (unsigned f = 0; f < 2; f++) {
			begin_nft(m, NFT_MSG_DELSETELEM, 0); /* all of them */
			put_str(m, NFTA_SET_ELEM_LIST_SET, set_names[set][f]);
			end(m);
			put_elements(m, s, (enum nat_set)set, f);
		}
	batch_end(m);
}

void
natmsg_remove(struct natmsg *m)
{
	batch_begin(m);
	put_removal(m);
	batch_end(m);
}

/* ---- looking -------------------------------------------------------------------------- */

void
natmsg_look(struct natmsg *m, enum nat_look look, unsigned which)
{
	static const struct {
		int type;
		uint16_t flags, name;
	} ask[] = {
		[NAT_LOOK_GEN] = { NFT_MSG_GETGEN, 0, 0 },
		[NAT_LOOK_TABLE] = { NFT_MSG_GETTABLE, 0, 0 },
		[NAT_LOOK_CHAIN] = { NFT_MSG_GETCHAIN, 0, NFTA_CHAIN_NAME },
		[NAT_LOOK_RULES] = { NFT_MSG_GETRULE, NLM_F_DUMP, NFTA_RULE_CHAIN },
		[NAT_LOOK_SET] = { NFT_MSG_GETSET, 0, NFTA_SET_NAME },
		[NAT_LOOK_ELEMENTS] = { NFT_MSG_GETSETELEM, NLM_F_DUMP, NFTA_SET_ELEM_LIST_SET },
	};
	const char *name = look < NAT_LOOK_SET ? CHAIN : set_names[which / 2][which % 2];

	if (look == NAT_LOOK_GEN)
		begin(m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0, AF_UNSPEC, 0);
	else
		begin_nft(m, ask[look].type, ask[look].flags);
	if (ask[look].name)
		put_str(m, ask[look].name, name);
	end(m);
}

/* Attributes by type, from a message or out of a nest; those of 32 and beyond are left out. */
#define ATTRS 32
struct attrs {
	const struct nlattr *v[ATTRS];
};

static size_t
attr_len(const struct nlattr *a)
{
	return a->nla_len - (size_t)NLA_HDRLEN;
}

/* The attribute at *p, which moves behind it; NULL: none that is whole. */
static const struct nlattr *
attr_next(const uint8_t **p, const uint8_t *last)
{
	const struct nlattr *a = (const void *)*p;
	size_t left = (size_t)(last - *p), whole;

	if (left < sizeof *a || a->nla_len < sizeof *a || a->nla_len > left)
		return NULL;
	whole = (a->nla_len + NLA_ALIGNTO - 1u) & ~(NLA_ALIGNTO - 1u);
	*p += whole < left ? whole : left;
	return a;
}

static struct attrs
attrs_of(const void *data, size_t len)
{
	const uint8_t *p = data, *last = p + len;
	const struct nlattr *a;
	struct attrs ret = { { NULL } };

	while ((a = attr_next(&p, last)))
		if ((a->nla_type & NLA_TYPE_MASK) < ATTRS)
			ret.v[a->nla_type & NLA_TYPE_MASK] = a;
	return ret;
}

static struct attrs
attrs_in(const struct nlattr *a)
{
	return a ? attrs_of(a + 1, attr_len(a)) : (struct attrs){ { NULL } };
}

static uint64_t
be_number(const struct nlattr *a, size_t octets)
{
	const uint8_t *b = (const uint8_t *)(a + 1);
	uint64_t v = 0;

	for (size_t i = 0; a && attr_len(a) == octets && i < octets; i++)
		v = v << 8 | b[i];
	return v;
}

static bool
attr_is(const struct nlattr *a, const void *data, size_t len)
{
	return a && attr_len(a) >= len && memcmp(a + 1, data, len) == 0;
}

/* The counter among the rule's expressions. */
static void
read_counter(const struct nlattr *list, struct nat_seen *ret)
{
	const uint8_t *p = (const uint8_t *)(list + 1), *last = p + attr_len(list);
	const struct nlattr *a;

	while ((a = attr_next(&p, last))) {
		struct attrs e = attrs_in(a), data = attrs_in(e.v[NFTA_EXPR_DATA]);

		if (!attr_is(e.v[NFTA_EXPR_NAME], "counter", sizeof "counter"))
			continue;
		if (data.v[NFTA_COUNTER_PACKETS])
			ret->flows = be_number(data.v[NFTA_COUNTER_PACKETS], 8);
		if (data.v[NFTA_COUNTER_BYTES])
			ret->octets = be_number(data.v[NFTA_COUNTER_BYTES], 8);
	}
}

static bool
comment_is(const struct nlattr *a, const char *text)
{
	size_t n = strlen(text) + 1;

	return a && attr_len(a) == 2 + n && memcmp((const uint8_t *)(a + 1) + 2, text, n) == 0;
}

static void
read_rule(const struct attrs *a, const uint64_t key[2], struct nat_seen *ret)
{
	const struct nlattr *u = a->v[NFTA_RULE_USERDATA], *h = a->v[NFTA_RULE_HANDLE];

	if (comment_is(u, "ipv4"))
		ret->af = IP4;
	else if (comment_is(u, "ipv6"))
		ret->af = IP6;
	if (h) /* a rule that is changed has another number */
		ret->sum = siphash13(key, h, h->nla_len);
	if (a->v[NFTA_RULE_EXPRESSIONS])
		read_counter(a->v[NFTA_RULE_EXPRESSIONS], ret);
}

bool
natmsg_parse(const struct nlmsghdr *h, const uint64_t key[2], struct nat_seen *ret)
{
	const size_t head = NLMSG_ALIGN(NLMSG_HDRLEN) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
	const uint8_t *body = (const uint8_t *)h + head;
	struct attrs a;

	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || h->nlmsg_len < head)
		return false;
	a = attrs_of(body, h->nlmsg_len - head);
	memset(ret, 0, sizeof *ret);
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		ret->gen = a.v[NFTA_GEN_ID] ? (uint32_t)be_number(a.v[NFTA_GEN_ID], 4) : 0;
		return true;
	case NFT_MSG_NEWRULE:
		read_rule(&a, key, ret);
		return true;
	case NFT_MSG_NEWTABLE:
		ret->ours = comment_is(a.v[NFTA_TABLE_USERDATA], COMMENT);
		break;
	default:
		break;
	}
	ret->sum = siphash13(key, body, h->nlmsg_len - head);
	return true;
}
