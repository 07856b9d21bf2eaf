/*
 * Adj-RIB-Out of an update group: one word of 8 octets per destination.
 *
 * A word holds the address of the source's attributes (a reference) in its
 * low 48 bits and the vis (outlog.h) in the upper 16; 0: nothing is announced.
 * User space addresses have at most 47 bits on every machine we run on.
 */
#ifndef BGPD_CORE_OUTTABLE_H
#define BGPD_CORE_OUTTABLE_H

#include <stdint.h>

#include "bgpd/core/attrs.h"

#define OUT_PAGE_BITS 9
#define OUT_PAGE      (1u << OUT_PAGE_BITS) /* words per page */

struct out_table {
	uint64_t **page; /* NULL: a page of zeros */
	uint32_t npages;
};

static inline uint64_t
outword(const struct attrs *attrs, uint16_t vis)
{
	return attrs ? (uint64_t)vis << 48 | (uint64_t)(uintptr_t)attrs : 0;
}

static inline const struct attrs *
outword_attrs(uint64_t word)
{
	return (const struct attrs *)(uintptr_t)(word & 0xffffffffffffu);
}

static inline uint16_t
outword_vis(uint64_t word)
{
	return (uint16_t)(word >> 48);
}

static inline uint64_t
outtable_get(const struct out_table *t, uint32_t id)
{
	const uint64_t *page;

	if (id >> OUT_PAGE_BITS >= t->npages)
		return 0;
	page = t->page[id >> OUT_PAGE_BITS];
	return page ? page[id & (OUT_PAGE - 1)] : 0;
}

/* One more than the highest id that may have a word. */
static inline uint32_t
outtable_end(const struct out_table *t)
{
	return t->npages << OUT_PAGE_BITS;
}

/* Set a word; references are the caller's business. */
void outtable_set(struct out_table *t, uint32_t id, uint64_t word);

/* Drop one page's words with their references, and the page. */
void outtable_clear_page(struct out_table *t, struct attrs_pool *pool, uint32_t page);

/* Drop everything. */
void outtable_free(struct out_table *t, struct attrs_pool *pool);

#endif
