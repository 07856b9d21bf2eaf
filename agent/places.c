/*
 * Places of our routes, over restarts; see places.h.
 *
 * The file has a line "protocol table metric" for each place, the one in force
 * first.  It lives as long as the run directory, that is until the node starts
 * anew, as do the routes.  One that cannot be read or written costs what it is
 * for, and nothing else.
 */
#include "agent/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/logmain.h"
#include "lib/mem.h"

#define NAME	   "places"
#define PLACES_MAX 3 /* more than the fib takes besides the one in force */

struct places {
	struct agent *agent;
	struct fib_place v[PLACES_MAX]; /* [0]: in force */
	unsigned n;			/* 0: nothing has been told yet */
};

static bool
place_eq(const struct fib_place *a, const struct fib_place *b)
{
	return a->protocol == b->protocol && a->table == b->table && a->metric == b->metric;
}

static void
add(struct places *p, const struct fib_place *what)
{
	for (unsigned i = 0; i < p->n; i++)
		if (place_eq(&p->v[i], what))
			return;
	if (p->n < PLACES_MAX)
		p->v[p->n++] = *what;
}

static void
load(struct places *p)
{
	FILE *f = fopen(NAME, "re");
	unsigned protocol, table, metric;
	char line[64];

	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "%u %u %u", &protocol, &table, &metric) != 3 || protocol > UINT8_MAX)
			break;
		add(p, &(struct fib_place){ (uint8_t)protocol, table, metric });
	}
	if (f)
		fclose(f);
}

/* Whole or not at all: the new one takes the old one's name. */
static void
save(const struct places *p)
{
	FILE *f = fopen(NAME ".new", "we");
	bool ok = f != NULL;

	for (unsigned i = 0; ok && i < p->n; i++)
		ok = fprintf(f, "%u %u %u\n", p->v[i].protocol, p->v[i].table, p->v[i].metric) > 0;
	if (f)
		ok = fclose(f) == 0 && ok;
	if (!ok || rename(NAME ".new", NAME) != 0)
		log_event(LOG_WARN, "places-not-kept", "path=%s why=\"%s\"", NAME, strerror(errno));
}

void
places_use(struct places *p, const struct fib_place *now)
{
	struct places old = *p;

	if (p->n > 0 && place_eq(&p->v[0], now))
		return;
	p->n = 0;
	add(p, now);
	for (unsigned i = 0; i < old.n; i++)
		add(p, &old.v[i]);
	if (old.n == 0)
		load(p);
	for (unsigned i = 1; old.n == 0 && i < p->n; i++)
		fib_former_place(p->agent->fib, &p->v[i]);
	save(p);
}

void
places_tidy(struct places *p)
{
	struct fib_stats st;

	if (p->n < 2)
		return;
	fib_stats(p->agent->fib, &st);
	if (st.stale || !st.synced)
		return;
	p->n = 1;
	save(p);
}

struct places *
places_new(struct agent *a)
{
	struct places *p = mem_zalloc(sizeof *p);

	p->agent = a;
	return p;
}

void
places_free(struct places *p)
{
	mem_free(p);
}
