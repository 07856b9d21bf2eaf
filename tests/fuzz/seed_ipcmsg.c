/*
 * Writes the seed corpus of fuzz_ipcmsg into a directory: the shortest message of
 * every type, and a random one where that is not large. Run by hand when a message
 * changes: tests/fuzz/seed_ipcmsg $srcdir/tests/fuzz/corpus/ipcmsg
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/ipcmsg.h"
#include "lib/mem.h"
#include "tests/prop/gen_ipcmsg.h"

#define LARGE 2000 /* octets */

static void
write_seed(const char *dir, struct gen *g, enum ipc_type type, const char *size)
{
	static uint8_t buf[1 + IPC_MAX_OCTETS];
	static struct ipc_msg msg;
	const struct ipc_desc *d = &ipc_desc[type];
	char *path = mem_printf("%s/%s-%s", dir, d->name, size);
	size_t n;
	FILE *f;

	gen_ipcmsg(g, type, &msg);
	buf[0] = (uint8_t)(d->chan << 1 | (d->sender == IPC_BGPD) | (d->sender == IPC_BFDD) << 7);
	n = ipcmsg_encode(&msg, buf + 1, sizeof(buf) - 1);
	if (n > 0 && n < LARGE) {
		f = fopen(path, "wb");
		if (!f || fwrite(buf, 1, n + 1, f) != n + 1 || fclose(f) != 0) {
			perror(path);
			exit(EXIT_FAILURE);
		}
	}
	mem_free(path);
}

int
main(int argc, char **argv)
{
	struct gen g = { .size = GEN_SHORTEST };

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return EXIT_FAILURE;
	}
	rng_seed(&g.rng, 1);
	for (int type = 1; type < IPC_NTYPES; type++) {
		g.size = GEN_SHORTEST;
		write_seed(argv[1], &g, (enum ipc_type)type, "short");
		g.size = GEN_RANDOM;
		write_seed(argv[1], &g, (enum ipc_type)type, "random");
	}
	return EXIT_SUCCESS;
}
