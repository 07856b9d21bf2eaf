/*
 * Communities as text: RFC 1997 (AA:NN), large (RFC 8092, AA:NN:MM), well-known names.
 */
#ifndef LIB_CONF_COMMUNITY_H
#define LIB_CONF_COMMUNITY_H

#include <stdbool.h>

#include "lib/conf.h"

/* AA:NN, AA:NN:MM or a well-known name; false for anything else. */
bool conf_community_parse(const char *text, struct conf_community_value *ret);

/* The value that a name of `communities`, or one of the above, stands for; false: none. */
bool conf_community_find(const struct conf *c, const char *text, struct conf_community_value *ret);

/*
 * An extended one (RFC 4360): rt:AA:NN or so:AA:NN (route target or origin; AA a 2-octet
 * AS, a 4-octet one or an IPv4 address), or 0x and 16 digits; false for anything else.
 */
bool conf_community_parse_ext(const char *text, struct conf_community_value *ret);

/* As AA:NN or AA:NN:MM, well-known ones by name; owned by the caller. */
char *conf_community_text(const struct conf_community_value *v);

/* The well-known name nearest to text, or NULL. */
const char *conf_community_near(const char *text);

/* Total order: standard ones first, then by value. */
int conf_community_cmp(const struct conf_community_value *a, const struct conf_community_value *b);

#endif
