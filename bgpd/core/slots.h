/*
 * Numbered slots: elements of one size, found by a dense 32-bit id.
 *
 * Ids start at 1 (0 means "none"), are handed out in order and used again
 * after they were given back, so a walk by id from 1 to slots_end() meets
 * every element and may stop and go on at any time.  Memory grows page by
 * page: nothing is ever copied, and pointers stay good until the id is given
 * back.  Fresh elements are zeroed.
 */
#ifndef BGPD_CORE_SLOTS_H
#define BGPD_CORE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#define SLOTS_PAGE_BITS 9
#define SLOTS_PAGE	(1u << SLOTS_PAGE_BITS) /* elements per page */

struct slots {
	uint8_t **page;
	uint32_t npages;
	uint32_t end;	/* ids below it were handed out at some time */
	uint32_t live;	/* elements in use */
	uint32_t free;	/* first of the ids to be used again, 0: none */
	uint16_t octets; /* of an element */
	uint16_t link;	/* where in a free element the next free id stands */
};

/* An empty table of elements of so many octets; link: offset of a uint32_t in the element. */
void slots_init(struct slots *s, size_t octets, size_t link);

/* Give all memory back; the elements own nothing here. */
void slots_free(struct slots *s);

/* A zeroed element's id. */
uint32_t slots_take(struct slots *s);

/* id's element is not needed any more. It is zeroed but for its link. */
void slots_give(struct slots *s, uint32_t id);

/* The element of an id below s->end, where the compiler knows how many octets one has. */
static inline void *
slots_at_sized(const struct slots *s, uint32_t id, size_t octets)
{
	return s->page[id >> SLOTS_PAGE_BITS] + (size_t)(id & (SLOTS_PAGE - 1)) * octets;
}

/* The element of an id below s->end, not 0; one that was given back is zero but for its link. */
static inline void *
slots_at(const struct slots *s, uint32_t id)
{
	return slots_at_sized(s, id, s->octets);
}

/* One more than the highest id ever handed out. */
static inline uint32_t
slots_end(const struct slots *s)
{
	return s->end;
}

#endif
