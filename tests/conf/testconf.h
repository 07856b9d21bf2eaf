/*
 * What the tests of the configuration share: a fixed environment, files, and the
 * checks that hold for every configuration that loads.
 */
#ifndef TESTS_CONF_TESTCONF_H
#define TESTS_CONF_TESTCONF_H

#include "lib/conf.h"

/* Host name host1; NODE_NAME is node-a, NODE_IP 10.0.0.5, everything else unset. */
extern const struct conf_env testconf_env;

/* A whole file, NUL-terminated, owned by the caller; ends the program when it cannot be read. */
char *testconf_read(const char *path, size_t *ret_len);

/*
 * What holds for every loaded configuration: its dump loads without findings but the
 * known warnings, to the same dump, and conf_diff() finds no difference. Returns
 * NULL, or what is wrong, owned by the caller.
 */
char *testconf_round_trip(const struct conf *c);

#endif
