/*
 * Users and groups; see userdb.h.  passwd(5), group(5): name:password:number:...
 */
#include "lib/userdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A field that is a number and nothing else. */
static bool
number_in(const char *field, uint32_t *ret)
{
	unsigned long v;
	char *end;

	if (!field || *field < '0' || *field > '9')
		return false;
	v = strtoul(field, &end, 10);
	*ret = (uint32_t)v;
	return *end == '\0' && v < UINT32_MAX;
}

/* line is taken apart. */
static bool
entry_matches(char *line, const char *name, uint32_t number, uint32_t *ret_number, uint32_t *ret_group)
{
	char *field[4];
	uint32_t first, second = 0;

	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < 4; i++)
		field[i] = strsep(&line, ":");
	if (!number_in(field[2], &first) || (ret_group && !number_in(field[3], &second)) ||
	    (name ? strcmp(field[0], name) != 0 : first != number))
		return false;
	*ret_number = first;
	if (ret_group)
		*ret_group = second;
	return true;
}

bool
userdb_find(const char *path, const char *name, uint32_t number, uint32_t *ret_number,
    uint32_t *ret_group)
{
	FILE *f = fopen(path, "re");
	bool found = false;
	char *line = NULL;
	size_t cap = 0;

	while (f && !found && getline(&line, &cap, f) >= 0)
		found = entry_matches(line, name, number, ret_number, ret_group);
	free(line);
	if (f)
		fclose(f);
	return found;
}
