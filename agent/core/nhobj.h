/*
 * Nexthop objects of ours in the kernel: one for each leg (gateway and interface),
 * and one group for each set that needs it.
 *
 * A group's number stays while its members change: thousands of routes follow with
 * one message.  Legs are shared.  Objects are counted by the interned contents that
 * name them (hops.h), by groups (legs) and by sets; an object that nobody counts is
 * removed.  Numbers come from a range of their own, and a number that somebody else
 * uses is passed over: the first message is create-exclusive.
 *
 * Objects found at start are taken over when their content fits, and removed when
 * the owner of this table says that nobody will ask for them any more.
 *
 * The kernel drops objects on carrier loss, and members out of groups, without a
 * word: nhobj_link_down() does the same here.
 */
#ifndef AGENT_CORE_NHOBJ_H
#define AGENT_CORE_NHOBJ_H

#include "agent/core/fib.h"
#include "lib/heap.h"
#include "lib/hmap.h"
#include "lib/list.h"

#define NHOBJ_FIRST 0x57460000u
#define NHOBJ_COUNT 0x00080000u

struct nhobj_member {
	uint32_t id;
	uint8_t weight;
};

struct nhobj {
	struct hmap_node by_id, by_leg;
	struct list link;	/* in one of the queues, or nowhere */
	struct heap_node retry; /* after a failure; queued by the owner of the table */
	uint32_t id;
	uint32_t users; /* sets and groups that want it: while there are any, it is set */
	uint32_t refs;	/* contents that name it: while there are any, it is not deleted */
	bool group, placeholder; /* placeholder: named by a route, never seen */
	bool known;   /* the kernel has it; a group: with members `have` */
	bool differs; /* known, with another content */
	bool busy;    /* an operation is without an answer */
	bool redo;    /* changed meanwhile */
	bool cut;     /* being deleted, which takes it out of groups */
	bool seen, lost, owned; /* owned: a set of bgpd's present life changes its members */
	uint8_t tries;
	uint16_t nwant, nhave;
	struct kern_leg leg;
	struct nhobj_member *want, *have; /* group */
};

struct nhobj_table {
	struct hmap by_id, by_leg;
	struct list urgent; /* groups that lead where nothing goes any more: set before all others */
	struct list legs, groups, doomed; /* to be set; nobody's: to be deleted */
	size_t n, nfree;		  /* nfree: groups that nobody owns */
	uint32_t next;
	uint8_t protocol;
	bool incomplete; /* a group once lacked a leg: legs that appear look for such */
	bool keep; /* before the first complete state: leave unused objects alone */
	bool (*foreign)(void *ctx, uint32_t id); /* that number is somebody else's */
	void *ctx;
};

/*
 * No objects. key seeds the hashes, protocol is nhm_protocol of ours, foreign() is asked
 * before a number is used.
 */
void nhobj_init(struct nhobj_table *t, const uint64_t key[2], uint8_t protocol,
    bool (*foreign)(void *ctx, uint32_t id), void *ctx);
/* Frees the table; the kernel keeps its objects. */
void nhobj_fini(struct nhobj_table *t);

/* The number of the object for that leg, with the caller as one user more. 0: no number is left. */
uint32_t nhobj_leg(struct nhobj_table *t, const struct kern_leg *leg);
/* A group with these legs, the caller its user and owner: one without owner that fits, or a new one. */
uint32_t nhobj_group(struct nhobj_table *t, const struct kern_leg *leg, uint16_t n);
/* Other legs, at least one, for an owned group. */
void nhobj_group_set(struct nhobj_table *t, uint32_t id, const struct kern_leg *leg, uint16_t n);
/* Its owner is of a past life: whoever wants the same legs may take it over. */
void nhobj_disown(struct nhobj_table *t, uint32_t id);
/* The caller uses it no longer. */
void nhobj_unuse(struct nhobj_table *t, uint32_t id);
/* A content names it, or no longer. */
void nhobj_ref(struct nhobj_table *t, uint32_t id);
void nhobj_unref(struct nhobj_table *t, uint32_t id);
struct nhobj *nhobj_find(const struct nhobj_table *t, uint32_t id);

/* No longer keep what nobody uses. */
void nhobj_release(struct nhobj_table *t);

/*
 * The next operation: first legs that groups need to lose and groups that need to lose or change
 * members, for traffic is being lost, then legs, then groups, then, only with `deletes`, removals.
 * The object is busy until nhobj_result().
 */
bool nhobj_next_op(struct nhobj_table *t, bool deletes, struct fib_kop *ret);
bool nhobj_pending(const struct nhobj_table *t);

enum nhobj_outcome {
	NHOBJ_OK,
	NHOBJ_RECOVERED, /* it is there after failures: routes that waited for it may go on */
	NHOBJ_RETRY,	/* see retry_us: call nhobj_again() then */
	NHOBJ_GONE,	/* it was deleted, and is freed */
};
/* The kernel's answer to the operation on id. */
enum nhobj_outcome nhobj_result(struct nhobj_table *t, uint32_t id, enum fib_op_kind kind, int err,
    uint64_t *ret_retry_us);
void nhobj_again(struct nhobj_table *t, struct nhobj *o);

/*
 * Ours, as seen in a dump or by notification. True: an object in use was lost or
 * changed by somebody, and will be set again; those lost are marked so, and the
 * routes that used them are gone, too.
 */
bool nhobj_see(struct nhobj_table *t, const struct kern_nexthop *n, bool gone);
void nhobj_dump_begin(struct nhobj_table *t);
/* Marks what was not seen as lost. Returns how many. */
size_t nhobj_dump_end(struct nhobj_table *t);
/* The kernel flushed that link's objects. Marks them and emptied groups as lost; returns how many. */
size_t nhobj_link_down(struct nhobj_table *t, uint32_t ifindex);
/* After the losses were handled. */
void nhobj_clear_lost(struct nhobj_table *t);
/* Everything of ours there is goes; nothing is wanted any more. */
void nhobj_flush(struct nhobj_table *t);

#endif
