/*
 * Adj-RIB-Out words in pages.  See outtable.h.
 */
#include "bgpd/core/outtable.h"

#include <string.h>

#include "lib/mem.h"

static void
grow(struct out_table *t, uint32_t npages)
{
	uint32_t want = t->npages + t->npages / 4 + 1;

	if (want < npages)
		want = npages;
	t->page = mem_realloc_array(t->page, want, sizeof(*t->page));
	memset(t->page + t->npages, 0, (want - t->npages) * sizeof(*t->page));
	t->npages = want;
}

void
outtable_set(struct out_table *t, uint32_t id, uint64_t word)
{
	uint32_t at = id >> OUT_PAGE_BITS;
	uint64_t *slot;

	if (at >= t->npages) {
		if (word == 0)
			return;
		grow(t, at + 1);
	}
	if (!t->page[at])
		t->page[at] = mem_zalloc_array(OUT_PAGE, sizeof(uint64_t));
	slot = &t->page[at][id & (OUT_PAGE - 1)];
	*slot = word;
}

void
outtable_clear_page(struct out_table *t, struct attrs_pool *pool, uint32_t page)
{
	uint32_t k;

	if (!t->page[page])
		return;
	for (k = 0; k < OUT_PAGE; k++) {
		uint64_t word = t->page[page][k];

		if (word == 0)
			continue;
		attrs_unref(pool, outword_attrs(word));
	}
	mem_free(t->page[page]);
	t->page[page] = NULL;
}

void
outtable_free(struct out_table *t, struct attrs_pool *pool)
{
	uint32_t page;

	for (page = 0; page < t->npages; page++)
		outtable_clear_page(t, pool, page);
	mem_free(t->page);
	*t = (struct out_table){ 0 };
}
