/*
 * Numbered slots in pages.  See slots.h.
 */
#include "bgpd/core/slots.h"

#include <string.h>

#include "lib/mem.h"

void
slots_init(struct slots *s, size_t octets, size_t link)
{
	*s = (struct slots){ .end = 1, .octets = (uint16_t)octets, .link = (uint16_t)link };
}

void
slots_free(struct slots *s)
{
	uint32_t i;

	for (i = 0; i < s->npages; i++)
		mem_free(s->page[i]);
	mem_free(s->page);
	s->page = NULL;
	s->npages = 0;
	s->end = 1;
	s->live = s->free = 0;
}

static uint32_t *
link_of(const struct slots *s, uint32_t id)
{
	return (uint32_t *)(void *)((uint8_t *)slots_at(s, id) + s->link);
}

uint32_t
slots_take(struct slots *s)
{
	uint32_t id = s->free;

	s->live++;
	if (id) {
		s->free = *link_of(s, id);
		*link_of(s, id) = 0;
		return id;
	}
	id = s->end++;
	if (id >> SLOTS_PAGE_BITS >= s->npages) {
		s->page = mem_realloc_array(s->page, s->npages + 1, sizeof(*s->page));
		s->page[s->npages++] = mem_zalloc_array(SLOTS_PAGE, s->octets);
	}
	return id;
}

void
slots_give(struct slots *s, uint32_t id)
{
	memset(slots_at(s, id), 0, s->octets);
	*link_of(s, id) = s->free;
	s->free = id;
	s->live--;
}
