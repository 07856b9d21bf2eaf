/*
 * A queue of small numbers as a bitmap.  See bitq.h.
 */
#include "bgpd/core/bitq.h"

#include <string.h>

#include "lib/mem.h"

#define ROUND 8 /* laps in which each number has its turn */

void
bitq_free(struct bitq *q)
{
	mem_free(q->word);
	*q = (struct bitq){ 0 };
}

void
bitq_grow(struct bitq *q, uint32_t n)
{
	uint32_t words = q->nwords ? q->nwords : 4;

	while (words <= n / 64)
		words += words / 2;
	q->word = mem_realloc_array(q->word, words, sizeof(*q->word));
	memset(q->word + q->nwords, 0, (words - q->nwords) * sizeof(*q->word));
	q->nwords = words;
}

/* The numbers of a word that this lap takes, far from those of the last lap. */
static uint64_t
lap_mask(enum bitq_order order, uint32_t laps)
{
	static const uint8_t turn[ROUND] = { 0, 4, 2, 6, 1, 5, 3, 7 };
	unsigned int k = turn[laps % ROUND];

	switch (order) {
	case BITQ_RISING:
		break;
	case BITQ_ROWS:
		return UINT64_C(0xff) << 8 * k;
	case BITQ_SINGLE:
		return UINT64_C(0x0101010101010101) << k;
	}
	return UINT64_MAX;
}

static inline bool
peek(struct bitq *q, enum bitq_order order, uint32_t *ret)
{
	uint64_t w;

	if (q->count == 0)
		return false;
	for (;;) {
		if (q->pos / 64 >= q->nwords) {
			q->pos = 0;
			q->laps++;
		}
		w = q->word[q->pos / 64] & lap_mask(order, q->laps);
		w >>= q->pos % 64;
		if (w) {
			q->pos += (uint32_t)__builtin_ctzll(w);
			*ret = q->pos;
			return true;
		}
		q->pos = (q->pos / 64 + 1) * 64;
	}
}

bool
bitq_peek(struct bitq *q, uint32_t *ret)
{
	return peek(q, BITQ_RISING, ret);
}

bool
bitq_peek_spread(struct bitq *q, enum bitq_order order, uint32_t *ret)
{
	bool many = q->count >= BITQ_SPREAD_MIN && q->count >= q->nwords;

	if (!many)
		q->order = BITQ_RISING;
	else if (q->laps % ROUND == 0 || q->order == BITQ_RISING)
		q->order = order;
	return peek(q, q->order, ret);
}
