/*
 * The network that the container runtime is to make pods with: a CNI configuration list.
 *
 * Pods get an address of each of the node's ranges (host-local), an interface of their own (ptp, or
 * a port of a bridge) and a default route through the node; nothing is translated.  CNI specification,
 * "Network Configuration Lists".  Pure: from settings to text.
 */
#ifndef AGENT_CORE_CNILIST_H
#define AGENT_CORE_CNILIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"

#define CNILIST_NETWORK "weft" /* the network's name */

struct cnilist {
	const char *version;  /* of the specification: "1.0.0" */
	const char *bridge;   /* its name; NULL: ptp */
	uint32_t mtu;	      /* 0: the plugin's choice */
	bool portmap, bandwidth;
	const char *data_dir; /* where host-local notes which addresses are taken */
	const struct ip_prefix *cidr;
	size_t ncidrs; /* at least one */
};

/* JSON with its newline, the same for the same settings; owned by the caller (mem_free()). */
char *cnilist_text(const struct cnilist *l);

/* Does a container runtime that finds both of these files take `name` rather than `ours`?  Only files
 * ending in .conf, .conflist or .json count, the first by name. */
bool cnilist_is_before(const char *name, const char *ours);

#endif
