/*
 * Properties of lib: containers against naive lists, and what is written is read back.
 */
#include <string.h>

#include "lib/heap.h"
#include "lib/hmap.h"
#include "lib/ip.h"
#include "lib/ipcmsg.h"
#include "lib/list.h"
#include "lib/mem.h"
#include "lib/trie.h"
#include "lib/wire.h"
#include "tests/prop/gen_ipcmsg.h"
#include "tests/prop/prop.h"

uint64_t prop_seed;

/* ---- trie ---- */

#define NROUTES 300

/* The naive set: node i is in when in[i]. */
struct naive {
	struct trie trie;
	struct trie_node node[NROUTES];
	struct ip_prefix prefix[NROUTES];
	bool in[NROUTES];
};

/* Few bits vary, so that prefixes contain each other often. */
static struct ip_prefix
close_prefix(struct rng *r)
{
	struct ip_addr a = { .af = (uint8_t)rng_range(r, IP4, IP6) };
	unsigned bits = ip_af_bits(a.af);

	a.b[0] = 10;
	a.b[1] = (uint8_t)(rng_u64(r) & 0xc0);
	a.b[ip_af_octets(a.af) - 1] = (uint8_t)(rng_u64(r) & 0x83);
	return ip_prefix_of(&a,
	    (uint8_t)(rng_chance(r, 50) ? rng_range(r, bits - 9, bits) : rng_below(r, bits + 1)));
}

/* Height of the subtree; the balance and the links on the way. */
static int
check_shape(const struct trie_node *n)
{
	int h[2];

	if (!n)
		return 0;
	for (int d = 0; d < 2; d++) {
		PROP(!n->kid[d] || n->kid[d]->up == n);
		h[d] = check_shape(n->kid[d]);
	}
	PROP(n->tilt == h[1] - h[0] && n->tilt >= -1 && n->tilt <= 1);
	return 1 + (h[0] > h[1] ? h[0] : h[1]);
}

/* The entry of the naive set that best fits: the longest of those that contain p. */
static const struct trie_node *
naive_covering(const struct naive *v, const struct ip_prefix *p)
{
	int best = -1;

	for (int i = 0; i < NROUTES; i++)
		if (v->in[i] && ip_prefix_contains(&v->prefix[i], p) &&
		    (best < 0 || v->prefix[i].len > v->prefix[best].len))
			best = i;
	return best < 0 ? NULL : &v->node[best];
}

/* The first entry after p in order, of those inside `below` (NULL: all). */
static const struct trie_node *
naive_after(const struct naive *v, const struct ip_prefix *p, const struct ip_prefix *below)
{
	int best = -1;

	for (int i = 0; i < NROUTES; i++)
		if (v->in[i] && ip_prefix_cmp(&v->prefix[i], p) > 0 &&
		    (!below || ip_prefix_contains(below, &v->prefix[i])) &&
		    (best < 0 || ip_prefix_cmp(&v->prefix[i], &v->prefix[best]) < 0))
			best = i;
	return best < 0 ? NULL : &v->node[best];
}

static const struct trie_node *
naive_find(const struct naive *v, const struct ip_prefix *p)
{
	for (int i = 0; i < NROUTES; i++)
		if (v->in[i] && ip_prefix_eq(&v->prefix[i], p))
			return &v->node[i];
	return NULL;
}

static void
check_answers(const struct naive *v, const struct ip_prefix *p)
{
	const struct ip_addr a = ip_prefix_addr(p);
	const struct ip_prefix host = ip_prefix_from_addr(&a);
	const struct trie_node *n, *found = naive_find(v, p);
	struct ip_prefix shorter;

	PROP(trie_find(&v->trie, p) == found);
	PROP(trie_covering(&v->trie, p) == naive_covering(v, p));
	PROP(trie_lpm(&v->trie, &a) == naive_covering(v, &host));
	PROP(trie_after(&v->trie, p) == naive_after(v, p, NULL));
	n = found ? found : naive_after(v, p, p);
	PROP(trie_first_below(&v->trie, p) == n);
	if (n)
		PROP(trie_next_below(n, p) == naive_after(v, &n->prefix, p));
	if (!found || p->len == 0)
		return;
	shorter = ip_prefix_of(&a, (uint8_t)(p->len - 1));
	PROP(trie_lpm_next_shorter(&v->trie, found) == naive_covering(v, &shorter));
}

static void
trie_is_the_naive_set(struct rng *r)
{
	struct naive *v = mem_zalloc(sizeof(*v));
	const struct trie_node *have;
	struct ip_prefix p;
	size_t n = 0;

	for (int step = 0; step < 1500; step++) {
		size_t i = rng_below(r, NROUTES);

		if (v->in[i]) {
			trie_remove(&v->trie, &v->node[i]);
			v->in[i] = false;
			n--;
		} else {
			p = close_prefix(r);
			have = naive_find(v, &p);
			PROP(trie_insert(&v->trie, &v->node[i], &p) == have);
			v->in[i] = !have;
			v->prefix[i] = p;
			n += !have;
		}
		PROP(v->trie.n == n);
		if (step % 50 == 0)
			check_shape(v->trie.root);
		p = close_prefix(r);
		check_answers(v, &p);
		check_answers(v, &v->prefix[i]);
	}
	mem_free(v);
}

/* ---- hash map ---- */

struct thing {
	struct hmap_node node;
	unsigned key;
	bool in;
};

static struct thing *
map_find(const struct hmap *h, unsigned key)
{
	struct hmap_node *n = hmap_first_with(h, hmap_hash(h, &key, sizeof(key)));

	for (; n; n = hmap_next_with(n))
		if (container_of(n, struct thing, node)->key == key)
			return container_of(n, struct thing, node);
	return NULL;
}

static void
map_is_the_naive_set(struct rng *r)
{
	static struct thing t[400];
	const uint64_t key[2] = { rng_u64(r), rng_u64(r) };
	struct hmap_node *n;
	struct hmap h;
	size_t in = 0, seen = 0;

	hmap_init(&h, key);
	memset(t, 0, sizeof(t));
	for (int step = 0; step < 4000; step++) {
		/* phases of growing and of shrinking */
		unsigned i = (unsigned)rng_below(r, 400);

		if (t[i].in && rng_chance(r, step / 1000 % 2 ? 90 : 20)) {
			hmap_remove(&h, &t[i].node);
			t[i].in = false;
			in--;
		} else if (!t[i].in) {
			t[i].key = i;
			hmap_insert(&h, &t[i].node, hmap_hash(&h, &i, sizeof(i)));
			t[i].in = true;
			in++;
		}
		PROP(h.n == in);
		i = (unsigned)rng_below(r, 400);
		PROP(map_find(&h, i) == (t[i].in ? &t[i] : NULL));
	}
	HMAP_FOREACH(n, &h) {
		PROP(container_of(n, struct thing, node)->in);
		seen++;
	}
	PROP(seen == in);
	hmap_free(&h);
}

/* ---- heap ---- */

static void
heap_gives_the_earliest(struct rng *r)
{
	static struct heap_node node[100];
	struct heap h = { 0 };
	struct mono_us least;

	memset(node, 0, sizeof(node));
	for (int step = 0; step < 2000; step++) {
		struct heap_node *n = &node[rng_below(r, 100)];

		if (rng_chance(r, 40))
			heap_remove(&h, n);
		else
			heap_set(&h, n, (struct mono_us){ rng_below(r, 1000) });
		least = MONO_NEVER;
		for (unsigned i = 0; i < 100; i++)
			if (heap_is_queued(&node[i]))
				least = mono_min(least, node[i].when);
		PROP(heap_deadline(&h).us == least.us);
	}
	heap_free(&h);
}

/* ---- what is written is read back ---- */

/* One value of any width: written when w is given, else read from rd and compared. */
static void
one_value(struct rng *r, struct wr *w, struct rd *rd)
{
	unsigned kind = (unsigned)rng_below(r, 5);
	uint64_t v = rng_u64(r);
	uint8_t octets[8];

	memcpy(octets, &v, sizeof(octets));
	if (kind == 0 && w)
		wr_u8(w, (uint8_t)v);
	else if (kind == 0)
		PROP(rd_u8(rd) == (uint8_t)v);
	else if (kind == 1 && w)
		wr_u16(w, (uint16_t)v);
	else if (kind == 1)
		PROP(rd_u16(rd) == (uint16_t)v);
	else if (kind == 2 && w)
		wr_u32(w, (uint32_t)v);
	else if (kind == 2)
		PROP(rd_u32(rd) == (uint32_t)v);
	else if (kind == 3 && w)
		wr_u64(w, v);
	else if (kind == 3)
		PROP(rd_u64(rd) == v);
	else if (w)
		wr_bytes(w, octets, 1 + v % 8);
	else
		PROP(memcmp(rd_view(rd, 1 + v % 8), octets, 1 + v % 8) == 0);
}

static void
written_is_read(struct rng *r)
{
	unsigned n = (unsigned)rng_range(r, 0, 20);
	struct rng same = *r;
	struct rd rd, inner;
	uint8_t buf[256];
	struct wr w = wr_init(buf, sizeof(buf));
	size_t mark = wr_open16(&w);

	for (unsigned i = 0; i < n; i++)
		one_value(r, &w, NULL);
	wr_close16(&w, mark);
	PROP(!w.full);
	rd = rd_init(buf, wr_len(&w));
	inner = rd_sub(&rd, rd_u16(&rd));
	PROP(rd_done(&rd));
	for (unsigned i = 0; i < n; i++)
		one_value(&same, NULL, &inner);
	PROP(rd_done(&inner));
}

static void
printed_is_parsed(struct rng *r)
{
	struct gen g = { .size = GEN_RANDOM, .rng = *r };
	struct ip_addr a = gen_addr(&g, false), a2;
	struct ip_prefix p = gen_prefix(&g), p2;
	char text[IP_ADDR_STRLEN];
	bool host_bits;

	if (a.af == IP4)
		a.ifindex = 0; /* IPv4 text has no scope */
	if (rng_chance(r, 50)) /* runs of zeros, so that "::" gets its turn */
		memset(a.b + rng_below(r, 8), 0, rng_below(r, 9));
	PROP(ip_addr_parse(ip_addr_str(&a, text), &a2));
	PROP(ip_addr_eq(&a, &a2));
	PROP(ip_prefix_parse(ip_prefix_str(&p, text), &p2, &host_bits));
	PROP(!host_bits && ip_prefix_eq(&p, &p2));
}

static void
encoded_is_decoded(struct rng *r)
{
	static uint8_t first[IPC_MAX_OCTETS], second[IPC_MAX_OCTETS];
	static struct ipc_msg in, out;
	struct gen g = { .size = GEN_RANDOM, .rng = *r };
	const struct ipc_desc *d;
	size_t n;

	for (int type = 1; type < IPC_NTYPES; type++) {
		d = &ipc_desc[type];
		gen_ipcmsg(&g, (enum ipc_type)type, &in);
		n = ipcmsg_encode(&in, first, sizeof(first));
		PROP(n >= d->min && n <= d->max);
		memset(&out, 0xa5, sizeof(out));
		PROP(ipcmsg_decode(d->sender, d->chan, first, n, &out) == NULL);
		PROP(ipcmsg_encode(&out, second, sizeof(second)) == n);
		PROP(memcmp(first, second, n) == 0);
	}
}

/* A field that the codec forgot would come back as zero: the longest message has none that are. */
static void
nothing_is_lost(struct rng *r)
{
	static uint8_t buf[IPC_MAX_OCTETS];
	static struct ipc_msg in, out;
	struct gen g = { .size = GEN_LONGEST, .rng = *r };
	size_t n;

	for (int type = 1; type < IPC_NTYPES; type++) {
		gen_ipcmsg(&g, (enum ipc_type)type, &in);
		n = ipcmsg_encode(&in, buf, sizeof(buf));
		memset(&out, 0, sizeof(out));
		PROP(ipcmsg_decode(ipc_desc[type].sender, ipc_desc[type].chan, buf, n, &out) == NULL);
		PROP(memcmp(&in, &out, sizeof(in)) == 0);
	}
}

int
main(void)
{
	prop_run("trie_is_the_naive_set", 6, trie_is_the_naive_set);
	prop_run("map_is_the_naive_set", 20, map_is_the_naive_set);
	prop_run("heap_gives_the_earliest", 10, heap_gives_the_earliest);
	prop_run("written_is_read", 2000, written_is_read);
	prop_run("printed_is_parsed", 5000, printed_is_parsed);
	prop_run("encoded_is_decoded", 20, encoded_is_decoded);
	prop_run("nothing_is_lost", 1, nothing_is_lost);
	return 0;
}
