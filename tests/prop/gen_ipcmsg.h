/*
 * Valid IPC messages for tests: the shortest, the longest, or a random one of a type.
 */
#ifndef TESTS_PROP_GEN_IPCMSG_H
#define TESTS_PROP_GEN_IPCMSG_H

#include "lib/ipcmsg.h"
#include "lib/rng.h"

enum gen_size { GEN_SHORTEST, GEN_LONGEST, GEN_RANDOM };

struct gen {
	enum gen_size size;
	struct rng rng;
};

/* Fill *ret with a message of that type; every field is within its range. */
void gen_ipcmsg(struct gen *g, enum ipc_type type, struct ipc_msg *ret);

/* A random address (any family, or one of both) and a random masked prefix of a family. */
struct ip_addr gen_addr(struct gen *g, bool may_be_none);
struct ip_prefix gen_prefix(struct gen *g);

#endif
