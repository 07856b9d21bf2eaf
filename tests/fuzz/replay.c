/*
 * main() of the fuzz harnesses when they are not linked with libFuzzer: runs
 * LLVMFuzzerTestOneInput() over every file of the corpus, and over mutations of
 * each that a seeded generator makes, so that make check does a little fuzzing
 * everywhere and always the same.
 *
 * usage: fuzz_NAME [FILE|DIRECTORY]...   default: $srcdir/tests/fuzz/corpus/NAME
 * FUZZ_MUTATIONS=N per file (default 1000), FUZZ_SEED=N (default 1). When a run
 * aborts, the input is written to ./fuzz_NAME.crash.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#define INPUT_MAX 65536

static char crash_file[256];
static const uint8_t *now_in;
static size_t now_len;
static unsigned long runs;

/* Keep the input that killed us; only calls that are safe in a handler. */
static void
on_abort(int sig)
{
	int fd = open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && write(fd, now_in, now_len) >= 0)
		close(fd);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* One run on a copy of exactly that size, so that a sanitizer sees every octet too far. */
static void
run(const uint8_t *in, size_t len)
{
	uint8_t *copy = mem_dup(in, len);

	now_in = copy;
	now_len = len;
	LLVMFuzzerTestOneInput(copy, len);
	mem_free(copy);
	runs++;
}

/* Change a few octets, cut, repeat or insert. buf has room for INPUT_MAX. */
static size_t
mutate(struct rng *r, uint8_t *buf, size_t len)
{
	static const uint8_t telling[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
	size_t at;

	for (uint64_t n = rng_range(r, 1, 4); n > 0; n--) {
		at = len > 0 ? rng_below(r, len) : 0;
		if (len > 0 && rng_chance(r, 70)) {
			buf[at] = rng_chance(r, 50) ? telling[rng_below(r, sizeof(telling))] :
						      (uint8_t)rng_u64(r);
		} else if (len > 0 && rng_chance(r, 50)) {
			memmove(buf + at, buf + at + 1, len - at - 1);
			len--;
		} else if (len < INPUT_MAX) {
			memmove(buf + at + 1, buf + at, len - at);
			buf[at] = (uint8_t)rng_u64(r);
			len++;
		}
		if (rng_chance(r, 10))
			len = at;
	}
	return len;
}

static unsigned long
setting(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 10) : otherwise;
}

static void
run_file(const char *path)
{
	static uint8_t whole[INPUT_MAX], changed[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	struct rng r;
	size_t len;

	if (!f) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	len = fread(whole, 1, sizeof(whole), f);
	fclose(f);
	run(whole, len);
	rng_seed(&r, setting("FUZZ_SEED", 1));
	for (unsigned long i = setting("FUZZ_MUTATIONS", 1000); i > 0; i--) {
		memcpy(changed, whole, len);
		run(changed, mutate(&r, changed, len));
	}
}

static void
run_path(const char *path)
{
	struct dirent **names;
	struct stat st;
	char *sub;
	int n;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			sub = mem_printf("%s/%s", path, names[i]->d_name);
			run_file(sub);
			mem_free(sub);
		}
		free(names[i]);
	}
	free(names);
}

int
main(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/'), *srcdir = getenv("srcdir");
	char *corpus;

	base = base ? base + 1 : argv[0];
	snprintf(crash_file, sizeof(crash_file), "%s.crash", base);
	signal(SIGABRT, on_abort);
	signal(SIGSEGV, on_abort);
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	if (argc == 1) {
		corpus = mem_printf("%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
		    strncmp(base, "fuzz_", 5) == 0 ? base + 5 : base);
		run_path(corpus);
		mem_free(corpus);
	}
	printf("%s: %lu runs\n", base, runs);
	return runs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
