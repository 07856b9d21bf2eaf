/*
 * Runs wire vectors.
 *
 *	vectors                     over the core, each in a speaker of its own
 *	vectors --socket LANES      over TCP against the weft at 10.9.0.1, LANES at once
 *	        --confed yes        the one there is in a confederation
 *	vectors --page FILE         FILE (doc/standards.md) with the coverage list written anew
 *	vectors ... --only ID       these alone (may be a part of the name)
 *
 * Vectors are tests/vectors/?*.vec below $srcdir, in the order of their names.
 * The last line counts; exit status 1 when one failed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "tests/vectors/vec.h"

#define WHY_MAX 1024

static struct vec_set set;
static const char *only;
static bool confed;

static bool
is_wanted(const struct vec *v, bool socket)
{
	if (socket && vec_is_confed(vec_kind_of(v->peer)) != confed)
		return false;
	if (socket && v->only && strcmp(v->only, "core") == 0)
		return false;
	return !only || strstr(v->id, only);
}

static void
say_failed(const struct vec *v, const char *why)
{
	printf("FAIL %s (RFC %u section %s): %s\n", v->id, v->rfc, v->section, why);
}

/* ---- over the core ---------------------------------------------------------------------- */

static bool
run_in_core(const struct vec *v)
{
	char why[WHY_MAX];
	struct vec_observer *o;
	struct vec_world w;
	bool ok = false;

	vec_core_open(&w, 0, vec_is_confed(vec_kind_of(v->peer)));
	o = vec_observer_up(&w, &set, why);
	if (o) {
		ok = vec_run(&w, o, &set, v, why);
		vec_observer_free(o);
	}
	vec_core_close(&w);
	if (!ok)
		say_failed(v, why);
	return ok;
}

static void
run_core(unsigned *ret_run, unsigned *ret_failed)
{
	for (size_t i = 0; i < set.n; i++) {
		if (!is_wanted(&set.v[i], false))
			continue;
		*ret_run += 1;
		*ret_failed += !run_in_core(&set.v[i]);
	}
}

/* ---- over sockets -------------------------------------------------------------------------- */

/* One lane's share: every lanes-th vector. The exit status is no count: those go through fd. */
static void
run_lane(unsigned lane, unsigned lanes, int fd)
{
	unsigned count[2] = { 0, 0 };
	char why[WHY_MAX];
	struct vec_world w;
	struct vec_observer *o;
	size_t k = 0;

	vec_tcp_open(&w, lane);
	o = vec_observer_up(&w, &set, why);
	for (size_t i = 0; i < set.n; i++) {
		if (!is_wanted(&set.v[i], true) || k++ % lanes != lane)
			continue;
		count[0]++;
		if (o && vec_run(&w, o, &set, &set.v[i], why))
			continue;
		count[1]++;
		say_failed(&set.v[i], why);
	}
	if (o)
		vec_observer_free(o);
	vec_tcp_close(&w);
	fflush(stdout);
	if (write(fd, count, sizeof(count)) != sizeof(count))
		_exit(1);
	_exit(0);
}

static void
run_sockets(unsigned lanes, unsigned *ret_run, unsigned *ret_failed)
{
	unsigned count[2];
	int fd[2], status;

	if (pipe(fd) != 0)
		exit(1);
	fflush(stdout);
	for (unsigned i = 0; i < lanes; i++)
		if (fork() == 0)
			run_lane(i, lanes, fd[1]);
	close(fd[1]);
	while (read(fd[0], count, sizeof(count)) == sizeof(count)) {
		*ret_run += count[0];
		*ret_failed += count[1];
	}
	while (wait(&status) > 0)
		*ret_failed += status != 0;
	close(fd[0]);
}

/* ---- the list ------------------------------------------------------------------------------- */

static int
by_clause(const void *x, const void *y)
{
	const struct vec *a = x, *b = y;

	if (a->rfc != b->rfc)
		return a->rfc < b->rfc ? -1 : 1;
	if (strverscmp(a->section, b->section))
		return strverscmp(a->section, b->section);
	return strcmp(a->id, b->id);
}

#define BEGIN "<!-- BEGIN vectors -->\n"
#define END   "<!-- END vectors -->\n"

/* One row for each clause, with the names of its vectors. */
static void
print_table(void)
{
	const struct vec *last = NULL;

	qsort(set.v, set.n, sizeof(set.v[0]), by_clause);
	printf("| clause | vectors |\n|---|---|");
	for (size_t i = 0; i < set.n; i++) {
		const struct vec *v = &set.v[i];

		if (last && last->rfc == v->rfc && strcmp(last->section, v->section) == 0)
			printf(", %s", v->id);
		else
			printf("%s%u %s | %s", last ? " |\n| " : "\n| ", v->rfc, v->section, v->id);
		last = v;
	}
	printf(" |\n\n%zu vectors.\n", set.n);
}

/* The page, with the table between its marks written anew. */
static int
print_page(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[32768];
	bool within = false, found = false;

	if (!f) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		within &= strcmp(line, END) != 0;
		if (!within)
			fputs(line, stdout);
		if (strcmp(line, BEGIN) != 0)
			continue;
		within = found = true;
		print_table();
	}
	fclose(f);
	return !found || within;
}

int
main(int argc, char **argv)
{
	unsigned run = 0, failed = 0, lanes = 0;
	const char *page = NULL;
	int status;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--page") == 0)
			page = argv[i + 1];
		else if (strcmp(argv[i], "--socket") == 0)
			lanes = (unsigned)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--confed") == 0)
			confed = true;
		else if (strcmp(argv[i], "--only") == 0)
			only = argv[i + 1];
	}
	if (!vec_load_all(&set))
		return 1;
	if (page) {
		status = print_page(page);
		vec_set_free(&set);
		return status;
	}
	if (lanes)
		run_sockets(lanes, &run, &failed);
	else
		run_core(&run, &failed);
	printf("Checks: %u, Failures: %u, Errors: 0\n", run, failed);
	vec_set_free(&set);
	return failed || run == 0;
}
