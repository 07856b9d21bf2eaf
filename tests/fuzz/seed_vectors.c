/*
 * Writes seeds of fuzz_speaker: the octets of every nth wire vector. Run by hand when
 * there are many new ones: tests/fuzz/seed_vectors $srcdir/tests/fuzz/corpus/speaker N
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/vectors/vec.h"

static void
write_seed(const struct vec_set *set, const struct vec *v, const char *dir)
{
	static uint8_t open[4096], rest[65536];
	struct wr a = wr_init(open, sizeof(open)), b = wr_init(rest, sizeof(rest));
	char *path = mem_printf("%s/%s", dir, v->id);
	uint8_t kind = (uint8_t)(vec_kind_of(v->peer) - VEC_EBGP);
	FILE *f;

	/* Long ones make a fuzzer slow and say no more. */
	if (vec_script(set, v, 0, &a, &b) && wr_len(&a) + wr_len(&b) < 1500) {
		f = fopen(path, "wb");
		if (!f || fwrite(&kind, 1, 1, f) != 1 || fwrite(open, 1, wr_len(&a), f) != wr_len(&a) ||
		    fwrite(rest, 1, wr_len(&b), f) != wr_len(&b) || fclose(f) != 0) {
			perror(path);
			exit(EXIT_FAILURE);
		}
	}
	mem_free(path);
}

int
main(int argc, char **argv)
{
	struct vec_set set = { .n = 0 };
	size_t step = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (step == 0 || !vec_load_all(&set)) {
		fprintf(stderr, "usage: %s DIRECTORY N\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < set.n; i += step)
		write_seed(&set, &set.v[i], argv[1]);
	vec_set_free(&set);
	return EXIT_SUCCESS;
}
