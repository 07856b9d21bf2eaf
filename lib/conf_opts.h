/*
 * The sections of the option table, one per top-level key; for lib/conf_table.c
 * and the files that define them.
 */
#ifndef LIB_CONF_OPTS_H
#define LIB_CONF_OPTS_H

#include "lib/conf_table.h"

struct opt_section {
	const struct opt *row;
	size_t n;
};

#define OPT_SECTION(rows)                                                                          \
	{                                                                                          \
		(rows), sizeof(rows) / sizeof((rows)[0])                                           \
	}

extern const struct opt_section conf_opts_node, conf_opts_bgp, conf_opts_uplinks, conf_opts_peers,
    conf_opts_bfd, conf_opts_ao_keys,
    conf_opts_advertisements, conf_opts_communities, conf_opts_filters, conf_opts_kernel, conf_opts_bmp,
    conf_opts_cni, conf_opts_drain, conf_opts_nat, conf_opts_observe, conf_opts_pools, conf_opts_ops, conf_opts_kube;

#endif
