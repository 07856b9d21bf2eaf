/*
 * Filters of a configuration beyond the option table: their checks (conf_check.h), what
 * the checks resolve, and their rules as messages for bgpd.
 */
#ifndef LIB_CONF_FILTER_H
#define LIB_CONF_FILTER_H

#include "lib/conf.h"
#include "lib/ipcmsg.h"

/* Give back what the checks resolved (communities); the rest is the option table's. */
void conf_filters_clear(struct conf_filters *fs);

/* Is the list for export?  Its family: IP4, IP6, or IP_NONE for both. */
bool conf_filter_list_is_export(enum conf_filter_list list);
uint8_t conf_filter_list_af(enum conf_filter_list list);

/* Rule i (from 0) of a list as the message that gives it to bgpd; id: the filter's. */
void conf_filter_message(const struct conf *c, const struct conf_filter *f,
    enum conf_filter_list list, size_t i, uint32_t id, struct ipc_conf_filter *ret);

/* The id that messages name a filter by: its place in the configuration, from 1. */
uint32_t conf_filter_id(const struct conf *c, const char *name);

#endif
