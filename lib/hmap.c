/*
 * Chained hash map and SipHash. See hmap.h.
 */
#include "lib/hmap.h"

#include <endian.h>
#include <string.h>

#include "lib/mem.h"

#define HMAP_MIN 16 /* buckets of the smallest map with entries */

static inline uint64_t
rotl(uint64_t v, unsigned k)
{
	return v << k | v >> (64 - k);
}

/* Always inlined: four words in registers are the whole state, and every prefix comes by here. */
static inline __attribute__((always_inline)) void
sip_round(uint64_t *v0, uint64_t *v1, uint64_t *v2, uint64_t *v3)
{
	*v0 += *v1;
	*v2 += *v3;
	*v1 = rotl(*v1, 13) ^ *v0;
	*v3 = rotl(*v3, 16) ^ *v2;
	*v0 = rotl(*v0, 32);
	*v2 += *v1;
	*v0 += *v3;
	*v1 = rotl(*v1, 17) ^ *v2;
	*v3 = rotl(*v3, 21) ^ *v0;
	*v2 = rotl(*v2, 32);
}

/* Up to seven octets, the first one lowest: in pieces of fixed size, which are plain loads. */
static inline uint64_t
tail_octets(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	uint32_t four;
	uint16_t two;

	if (n & 4) {
		memcpy(&four, p, 4);
		v = le32toh(four);
		p += 4;
	}
	if (n & 2) {
		memcpy(&two, p, 2);
		v |= (uint64_t)le16toh(two) << 8 * (n & 4);
		p += 2;
	}
	if (n & 1)
		v |= (uint64_t)*p << 8 * (n & 6);
	return v;
}

static inline __attribute__((always_inline)) uint64_t
siphash(const uint64_t key[2], const void *data, size_t len, unsigned c, unsigned d)
{
	const uint8_t *p = data, *end = p + (len & ~(size_t)7);
	uint64_t v0 = key[0] ^ 0x736f6d6570736575u, v1 = key[1] ^ 0x646f72616e646f6du;
	uint64_t v2 = key[0] ^ 0x6c7967656e657261u, v3 = key[1] ^ 0x7465646279746573u, m;

	for (; p < end; p += 8) {
		memcpy(&m, p, 8);
		m = le64toh(m);
		v3 ^= m;
		for (unsigned i = 0; i < c; i++)
			sip_round(&v0, &v1, &v2, &v3);
		v0 ^= m;
	}
	m = tail_octets(p, len & 7) | (uint64_t)(len & 0xff) << 56;
	v3 ^= m;
	for (unsigned i = 0; i < c; i++)
		sip_round(&v0, &v1, &v2, &v3);
	v0 ^= m;
	v2 ^= 0xff;
	for (unsigned i = 0; i < d; i++)
		sip_round(&v0, &v1, &v2, &v3);
	return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t
siphash13(const uint64_t key[2], const void *data, size_t len)
{
	return siphash(key, data, len, 1, 3);
}

uint64_t
siphash24(const uint64_t key[2], const void *data, size_t len)
{
	return siphash(key, data, len, 2, 4);
}

void
hmap_init(struct hmap *h, const uint64_t key[2])
{
	*h = (struct hmap){ .key = { key[0], key[1] } };
}

void
hmap_free(struct hmap *h)
{
	mem_free(h->bucket);
	h->bucket = NULL;
	h->mask = h->n = 0;
}

uint64_t
hmap_hash(const struct hmap *h, const void *data, size_t len)
{
	return siphash13(h->key, data, len);
}

/* Move every entry into a fresh array of that many buckets. */
static void
resize(struct hmap *h, size_t buckets)
{
	struct hmap old = *h;
	struct hmap_node *n, *next, **b;

	h->bucket = mem_zalloc_array(buckets, sizeof(*h->bucket));
	h->mask = buckets - 1;
	for (size_t i = 0; old.bucket && i <= old.mask; i++)
		for (n = old.bucket[i]; n; n = next) {
			next = n->next;
			b = &h->bucket[n->hash & h->mask];
			n->next = *b;
			*b = n;
		}
	mem_free(old.bucket);
}

void
hmap_insert(struct hmap *h, struct hmap_node *n, uint64_t hash)
{
	struct hmap_node **b;

	if (!h->bucket)
		resize(h, HMAP_MIN);
	else if (h->n > h->mask)
		resize(h, 2 * (h->mask + 1));
	else if (h->mask + 1 > HMAP_MIN && h->n < h->mask / 8)
		resize(h, (h->mask + 1) / 4 > HMAP_MIN ? (h->mask + 1) / 4 : HMAP_MIN);
	n->hash = hash;
	b = &h->bucket[hash & h->mask];
	n->next = *b;
	*b = n;
	h->n++;
}

void
hmap_remove(struct hmap *h, struct hmap_node *n)
{
	struct hmap_node **at = &h->bucket[n->hash & h->mask];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	h->n--;
}

/* The first node from n on with that hash. */
static struct hmap_node *
with_hash(struct hmap_node *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct hmap_node *
hmap_first_with(const struct hmap *h, uint64_t hash)
{
	return h->bucket ? with_hash(h->bucket[hash & h->mask], hash) : NULL;
}

struct hmap_node *
hmap_next_with(const struct hmap_node *n)
{
	return with_hash(n->next, n->hash);
}

/* The first node of bucket i or of a later one. */
static struct hmap_node *
from_bucket(const struct hmap *h, size_t i)
{
	for (; h->bucket && i <= h->mask; i++)
		if (h->bucket[i])
			return h->bucket[i];
	return NULL;
}

struct hmap_node *
hmap_first(const struct hmap *h)
{
	return from_bucket(h, 0);
}

struct hmap_node *
hmap_next(const struct hmap *h, const struct hmap_node *n)
{
	return n->next ? n->next : from_bucket(h, (n->hash & h->mask) + 1);
}
