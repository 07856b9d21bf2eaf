/*
 * Intrusive doubly linked list, and container_of().
 *
 * The head and the members are all `struct list`, linked in a ring. A member that
 * was initialised or removed points at itself, so list_remove() on it does nothing.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* The struct of that type whose member ptr points at; the compiler checks ptr's type. */
#define container_of(ptr, type, member)                                                            \
	((type *)(void *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

/* An empty head, or a member that is in no list. */
static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Is this (initialised) member in a list? */
static inline bool
list_is_linked(const struct list *n)
{
	return n->next != n;
}

/* Link n, which must be in no list, right after pos. */
static inline void
list_insert_after(struct list *pos, struct list *n)
{
	n->prev = pos;
	n->next = pos->next;
	pos->next->prev = n;
	pos->next = n;
}

static inline void
list_push_front(struct list *head, struct list *n)
{
	list_insert_after(head, n);
}

static inline void
list_push_back(struct list *head, struct list *n)
{
	list_insert_after(head->prev, n);
}

/* Unlink n; nothing when it is in no list. */
static inline void
list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* The first (last) member, or NULL. */
static inline struct list *
list_first(const struct list *head)
{
	return head->next == head ? NULL : head->next;
}

static inline struct list *
list_last(const struct list *head)
{
	return head->prev == head ? NULL : head->prev;
}

/* The member after n, or NULL. */
static inline struct list *
list_next(const struct list *head, const struct list *n)
{
	return n->next == head ? NULL : n->next;
}

/* Unlink and return the first member, or NULL. */
static inline struct list *
list_pop_front(struct list *head)
{
	struct list *n = list_first(head);

	if (n)
		list_remove(n);
	return n;
}

/* Every member; the current one must stay linked. */
#define LIST_FOREACH(n, head) for ((n) = (head)->next; (n) != (head); (n) = (n)->next)

/* The same, where the current member may be removed and freed. */
#define LIST_FOREACH_SAFE(n, tmp, head)                                                            \
	for ((n) = (head)->next, (tmp) = (n)->next; (n) != (head); (n) = (tmp), (tmp) = (n)->next)

#endif
