/*
 * A queue of small numbers, each in it at most once: one bit per number.
 *
 * Numbers come out in rising order, round and round, from where the last one
 * was taken, so none waits longer than one lap.  For a million destinations
 * this is 125 kB and never allocates while work piles up.
 */
#ifndef BGPD_CORE_BITQ_H
#define BGPD_CORE_BITQ_H

#include <stdbool.h>
#include <stdint.h>

enum bitq_order {
	BITQ_RISING,
	BITQ_ROWS,   /* eight in a row of every 64 */
	BITQ_SINGLE, /* every eighth */
};

struct bitq {
	uint64_t *word;
	uint32_t nwords;
	uint32_t count; /* numbers in the queue */
	uint32_t pos;	/* the next number looked at */
	uint32_t laps;	/* how often pos came back to 0 */
	enum bitq_order order; /* of bitq_peek_spread(), for eight laps */
};

/* All zeros is an empty queue. Gives the memory back; empty afterwards. */
void bitq_free(struct bitq *q);

/* Room for the number n, which is not in, and for all below it. */
void bitq_grow(struct bitq *q, uint32_t n);

/* Put n in; false when it was in already. */
static inline bool
bitq_add(struct bitq *q, uint32_t n)
{
	uint64_t bit = (uint64_t)1 << n % 64;

	if (n / 64 >= q->nwords)
		bitq_grow(q, n);
	if (q->word[n / 64] & bit)
		return false;
	q->word[n / 64] |= bit;
	q->count++;
	return true;
}

static inline bool
bitq_has(const struct bitq *q, uint32_t n)
{
	return n / 64 < q->nwords && (q->word[n / 64] >> n % 64 & 1);
}

/* Take n out; false when it was not in. */
static inline bool
bitq_del(struct bitq *q, uint32_t n)
{
	if (!bitq_has(q, n))
		return false;
	q->word[n / 64] &= ~((uint64_t)1 << n % 64);
	q->count--;
	return true;
}

/* The next number, left in; false when the queue is empty. */
bool bitq_peek(struct bitq *q, uint32_t *ret);

/* The next number, taken out; false when the queue is empty. */
static inline bool
bitq_pop(struct bitq *q, uint32_t *ret)
{
	uint32_t at = q->pos;
	uint64_t w = at / 64 < q->nwords ? q->word[at / 64] >> at % 64 : 0;

	if (w) /* most often there is one in the word where the last one was */
		*ret = at + (uint32_t)__builtin_ctzll(w);
	else if (!bitq_peek(q, ret))
		return false;
	q->word[*ret / 64] &= ~((uint64_t)1 << *ret % 64);
	q->count--;
	q->pos = *ret + 1;
	return true;
}

#define BITQ_SPREAD_MIN 4096u

/*
 * bitq_peek() in that order while many are in the queue, BITQ_SPREAD_MIN or more: a lap takes
 * an eighth of the numbers, and an order is kept for eight laps, however often another is
 * asked for, so none of many waits longer than sixteen. For who puts them into a tree that
 * should grow everywhere at once.
 */
bool bitq_peek_spread(struct bitq *q, enum bitq_order order, uint32_t *ret);

#endif
