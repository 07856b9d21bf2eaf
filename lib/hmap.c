/*
 * Chained hash map and SipHash. See hmap.h.
 */
#include "lib/hmap.h"

#include <endian.h>
#include <string.h>

#include "lib/mem.h"

#define HMAP_MIN 16 /* buckets of the smallest map with entries */

static uint64_t
rotl(uint64_t v, unsigned k)
{
	return v << k | v >> (64 - k);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

/* Up to eight octets, the first one lowest. */
static inline uint64_t
little_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	if (n > 0)
		memcpy(&v, p, n);
	return le64toh(v);
}

static inline uint64_t
siphash(const uint64_t key[2], const void *data, size_t len, unsigned c, unsigned d)
{
	const uint8_t *p = data;
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u };
	size_t left = len;
	uint64_t m;

	for (;;) {
		m = left >= 8 ? little_endian(p, 8) :
				little_endian(p, left) | (uint64_t)(len & 0xff) << 56;
		v[3] ^= m;
		for (unsigned i = 0; i < c; i++)
			sip_round(v);
		v[0] ^= m;
		if (left < 8)
			break;
		p += 8;
		left -= 8;
	}
	v[2] ^= 0xff;
	for (unsigned i = 0; i < d; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
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
