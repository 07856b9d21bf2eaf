/*
 * Members of a JSON value by path, for what comes from the API server: nothing is trusted to be
 * there, nor to be of any type. A path is names and indices: "spec.podCIDRs[0]"; a name that
 * contains dots stands in brackets and quotes: "metadata.annotations['weft.dev/as-number']".
 */
#ifndef AGENT_KUBE_JGET_H
#define AGENT_KUBE_JGET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value there, borrowed; NULL: there is none. */
const json_t *jget(const json_t *j, const char *path);

/* The string there, borrowed; NULL: none, or something else. */
const char *jget_str(const json_t *j, const char *path);

/* The number there; dflt: none, something else, or not inside min to max. */
int64_t jget_int(const json_t *j, const char *path, int64_t min, int64_t max, int64_t dflt);

/* The truth value there; dflt: none, or something else. */
bool jget_bool(const json_t *j, const char *path, bool dflt);

/* Elements of the array, or members of the object there; 0: none, or something else. */
size_t jget_len(const json_t *j, const char *path);

#endif
