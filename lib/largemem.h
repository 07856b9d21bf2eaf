/*
 * A large heap in large pages.
 *
 * A table of a million routes is looked into all over the place, and with pages of
 * 4 KiB most of these looks miss the processor's table of pages, too.  Where the
 * kernel gives large ones to those who ask (transparent_hugepage: madvise), a heap
 * that has grown large asks.  A small one never does: one large page would be more
 * than all of it.
 */
#ifndef LIB_LARGEMEM_H
#define LIB_LARGEMEM_H

#include <stdbool.h>

struct largemem {
	char *start, *end; /* of malloc's heap, as seen last */
	bool large;
};

/* To be called before much was allocated. */
void largemem_init(struct largemem *h);

/* Has it grown?  No system call but when it has.  For every turn of a loop. */
void largemem_watch(struct largemem *h);

#endif
