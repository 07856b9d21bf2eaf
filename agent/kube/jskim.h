/*
 * Members that nobody wants, taken out of a JSON text before it is parsed.
 *
 * A Node has about 4 KB, of which a few hundred octets matter here, and every node's comes again
 * each 10 s: parsing is most of what a large cluster costs a node, and this is a tenth of it.
 */
#ifndef AGENT_KUBE_JSKIM_H
#define AGENT_KUBE_JSKIM_H

#include <stddef.h>

#define JSKIM_DEPTH_MAX 32 /* of objects; what is deeper stays as it is */

/*
 * Takes the members out in place; returns the octets that are left. skip: "PARENT.NAME" each, NULL
 * at the end: the member NAME of an object that is the member PARENT, or an element of it. Names are
 * compared as they stand, without looking at escapes. Pure. A text that is
 * no JSON comes out as some other text; nothing is read or written beyond it.
 */
size_t jskim(char *text, size_t len, const char *const *skip);

#endif
