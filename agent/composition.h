/*
 * The texts that the configuration is made of: the file, and the objects of a cluster.
 *
 * They are kept with what was good last (lib/conf_parts.h), so that a new one with a mistake, or one
 * that would break others, changes nothing. Who reads them puts them in; composition_load() makes a
 * configuration of all of them, as often as it is wanted.
 */
#ifndef AGENT_COMPOSITION_H
#define AGENT_COMPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf_parts.h"

struct composition;

/* Nothing in it. */
struct composition *composition_new(void);
/* NULL is fine. */
void composition_free(struct composition *c);

/* The file's text; name is for messages. Both are copied. */
void composition_set_file(struct composition *c, const char *name, const char *text, size_t len);

/* Is that its text already? */
bool composition_is_file(const struct composition *c, const char *text, size_t len);

/*
 * An object's spec as JSON or YAML; of two that contradict each other the one with the lower age
 * counts, which is a text that sorts (creationTimestamp). All are copied. False: it is so already.
 */
bool composition_set(struct composition *c, enum conf_part_kind kind, const char *element,
    const char *age, const char *text);
/* It was deleted; false: there was none. */
bool composition_remove(struct composition *c, enum conf_part_kind kind, const char *element);

/* Objects of that kind that keep() does not know were deleted while nobody looked; true: any. */
bool composition_sweep(struct composition *c, enum conf_part_kind kind,
    bool (*keep)(void *ctx, const char *element), void *ctx);

/*
 * The configuration, the caller's, or NULL when there is none: then what was good before is not
 * touched. *ret_errors and *ret_warnings: lines of text, the caller's to mem_free(), "" for none.
 */
struct conf *composition_load(struct composition *c, const struct conf_env *env, char **ret_errors,
    char **ret_warnings);

/*
 * When that gives none as long as nothing says bgp.asNumber, one that can wait for objects which do:
 * with the number of a private AS, and with its peers administratively down. The caller's, or NULL.
 */
struct conf *composition_load_waiting(struct composition *c, const struct conf_env *env);

/* What came of the last load. */
struct composition_result {
	enum conf_verdict verdict;
	const char *why; /* lines of text, "" for none; borrowed until the next load */
};
/* Of an object, or (kind CONF_PART_FILE, element NULL) of the file; false: there is none. */
bool composition_result(const struct composition *c, enum conf_part_kind kind, const char *element,
    struct composition_result *ret);

/* The next object that is not in force as it is written, *pos from 0: its name (BGPPeer/tor1),
 * borrowed, and the result; NULL: no more. c may be NULL. */
const char *composition_next_refused(
    const struct composition *c, size_t *pos, struct composition_result *ret);

/* An object as it is in force: what was good last, not what is written now. Borrowed until the next change. */
struct composition_good {
	enum conf_part_kind kind;
	const char *element, *age, *text;
};
/* The next one, *pos from 0; false: no more. */
bool composition_next_good(const struct composition *c, size_t *pos, struct composition_good *ret);

/* Does what was loaded last wait for objects? c may be NULL. */
bool composition_waits(const struct composition *c);

#endif
