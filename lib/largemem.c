/*
 * Large pages for a large heap.  See largemem.h.
 *
 * The heap grows ahead of what is used, so that the kernel knows of the wish before
 * it has given small pages.
 */
#include "lib/largemem.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE_OCTETS (32 << 20)
#define AHEAD_OCTETS (8 << 20)

void
largemem_init(struct largemem *h)
{
	h->start = h->end = sbrk(0);
	h->large = false;
}

static char *
page_up(char *p)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	return p + (-(uintptr_t)p & (page - 1));
}

void
largemem_watch(struct largemem *h)
{
	char *end = sbrk(0), *from = h->end;

	if (end == h->end)
		return;
	h->end = end;
	if (!h->large && end - h->start < LARGE_OCTETS)
		return;
	if (!h->large) {
#ifdef M_TOP_PAD
		mallopt(M_TOP_PAD, AHEAD_OCTETS);
#endif
		h->large = true;
		from = h->start;
	}
	from = page_up(from);
	if (end > from) /* it is a wish: where it is not granted, nothing is lost */
		madvise(from, (size_t)(end - from), MADV_HUGEPAGE);
}
