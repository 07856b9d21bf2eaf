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

struct bitq {
	uint64_t *word;
	uint32_t nwords;
	uint32_t count; /* numbers in the queue */
	uint32_t pos;	/* the next number looked at */
	uint32_t laps;	/* how often pos came back to 0 */
};

/* All zeros is an empty queue. Gives the memory back; empty afterwards. */
void bitq_free(struct bitq *q);

/* Put n in; false when it was in already. */
bool bitq_add(struct bitq *q, uint32_t n);

/* Take n out; false when it was not in. */
bool bitq_del(struct bitq *q, uint32_t n);

static inline bool
bitq_has(const struct bitq *q, uint32_t n)
{
	return n / 64 < q->nwords && (q->word[n / 64] >> n % 64 & 1);
}

/* The next number, taken out; false when the queue is empty. */
bool bitq_pop(struct bitq *q, uint32_t *ret);

/* The next number, left in; false when the queue is empty. */
bool bitq_peek(struct bitq *q, uint32_t *ret);

#define BITQ_SPREAD_MIN 4096u

/*
 * The same in another order while many are in the queue, BITQ_SPREAD_MIN or more: a lap
 * takes eight numbers in a row of every 64, and none waits longer than eight laps. For who
 * puts them into a tree that should grow everywhere at once.
 */
bool bitq_peek_spread(struct bitq *q, uint32_t *ret);

#endif
