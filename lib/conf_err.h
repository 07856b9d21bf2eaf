/*
 * Collecting findings; how they look is in lib/conf.h.
 */
#ifndef LIB_CONF_ERR_H
#define LIB_CONF_ERR_H

#include "lib/conf.h"

/*
 * Add a finding; the strings are copied. The same finding at the same place (an
 * anchor that is used twice) is kept once. Beyond CONF_ERRS_MAX findings are only
 * counted; an error then takes the place of a warning.
 */
void conf_errs_add(struct conf_errs *errs, const struct conf_err *e);

/* The parts that findings are about; both are copied. */
void conf_errs_name_part(struct conf_errs *errs, const char *file, bool no_lines);

/* By part, line and column, the order in which people read a file. */
void conf_errs_sort(struct conf_errs *errs);

/*
 * A value as it is shown in "got ...": in double quotes, cut to about 60 octets at a
 * whole character, control characters escaped. Owned by the caller.
 */
char *conf_quote(const char *text, size_t len);

#endif
