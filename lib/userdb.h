/*
 * Users and groups out of /etc/passwd and /etc/group themselves: the name service would load
 * other people's libraries into a process, half a megabyte of them.
 */
#ifndef LIB_USERDB_H
#define LIB_USERDB_H

#include <stdbool.h>
#include <stdint.h>

#define USERDB_PASSWD "/etc/passwd"
#define USERDB_GROUP  "/etc/group"

/*
 * The entry of that name (NULL: the first one with that number) in a file like these; its number,
 * and into ret_group, which may be NULL, the number after it, which is a user's group.
 * False, and nothing written, when there is none; lines that are no entry are passed over.
 */
bool userdb_find(const char *path, const char *name, uint32_t number, uint32_t *ret_number,
    uint32_t *ret_group);

#endif
