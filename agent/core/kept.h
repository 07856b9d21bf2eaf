/*
 * What is known of a cluster, as octets for a file: Nodes, objects, announced addresses of Services.
 *
 * A file is of one version and one key (who was asked, and for whom), ends in a sum over all of it,
 * and is taken as a whole or not at all. Pure: whoever calls has the file.
 *
 *	"weftkept", version (2 octets), key (8), as of (8: seconds since 1970),
 *	records: type (1), length (4), that many octets; then the sum (8)
 *
 * Numbers are in network order. Texts end in NUL, which their length (2 or 4 octets) counts.
 */
#ifndef AGENT_CORE_KEPT_H
#define AGENT_CORE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/core/cluster.h"
#include "lib/ip.h"

#define KEPT_VERSION  1
#define KEPT_LIST_MAX 64 /* communities of an announcement, and peers that it is for */

/* An object that is in force: enum conf_part_kind, any number for the reader, and what agent/composition.h has of it. */
struct kept_object {
	uint8_t kind;
	const char *element, *age, *text;
};

/* An announced address of Services. */
struct kept_service {
	struct ip_prefix prefix;
	bool aggregate, has_local_pref, has_med;
	uint32_t local_pref, med;
	uint16_t ncomm, nlarge, nonly;
	uint32_t comm[KEPT_LIST_MAX], large[KEPT_LIST_MAX][3];
	const char *only[KEPT_LIST_MAX]; /* names of peers */
};

/* ---- writing --------------------------------------------------------------- */

struct kept_writer {
	/* Takes the next octets; the caller's to remember whether that failed. */
	void (*put)(void *ctx, const void *octets, size_t n);
	void *ctx;
	/* inside */
	uint64_t sum;
	uint8_t *buf; /* the record that is being made */
	size_t cap;
};

/* Everything in between goes to w->put, a record at a time; kept_end() also frees what w has. */
void kept_begin(struct kept_writer *w, uint64_t key, int64_t as_of);
void kept_put_node(struct kept_writer *w, const struct cluster_node *n);
void kept_put_object(struct kept_writer *w, const struct kept_object *o);
void kept_put_service(struct kept_writer *w, const struct kept_service *s);
void kept_end(struct kept_writer *w);

/* ---- reading --------------------------------------------------------------- */

enum kept_verdict {
	KEPT_GOOD,
	KEPT_BROKEN,  /* cut, changed, or none of ours */
	KEPT_VERSION_OTHER,
	KEPT_FOREIGN, /* of another cluster or node */
};

/* What is told is valid during the call only. Any may be NULL. */
struct kept_ops {
	void (*node)(void *ctx, const struct cluster_node *n);
	void (*object)(void *ctx, const struct kept_object *o);
	void (*service)(void *ctx, const struct kept_service *s);
};

/* Looks at all of it before it tells of anything; *ret_as_of is set for KEPT_GOOD. */
enum kept_verdict kept_read(const void *octets, size_t len, uint64_t key, const struct kept_ops *ops,
    void *ctx, int64_t *ret_as_of);
/* In words. */
const char *kept_verdict_text(enum kept_verdict v);

/* FNV-1a over n octets, going on from sum (KEPT_SUM at first): for the key, too. */
#define KEPT_SUM UINT64_C(0xcbf29ce484222325)
uint64_t kept_sum(uint64_t sum, const void *octets, size_t n);

#endif
