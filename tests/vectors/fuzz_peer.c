/*
 * A peer that sends what no RFC ever thought of, to a running weft.
 *
 *	fuzz_peer --seconds N --seed S [--lanes L]
 *	fuzz_peer --seed S --case LANE.K        that case alone
 *
 * Every case takes the octets of some vector from its OPEN on, changes them, and
 * sends them in pieces. Then weft must close the connection in time, take a clean
 * session from the same address, tell the observer of its route, and the observer's
 * session must be the one it was. A case depends on seed, lane and number alone.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/rng.h"
#include "tests/vectors/vec.h"

#define STREAM_MAX 65536
#define HEADER	   19
#define CLOSE_US   8000000
#define WHY_MAX	   1024

static struct vec_set set;
static const struct vec *clean[VEC_NKINDS]; /* a vector with a good route, for each kind */

struct stream {
	uint8_t b[STREAM_MAX];
	size_t n;
};

/* ---- mutations of octets ------------------------------------------------------------- */

/* Replace the k octets at `at` by n octets. */
static void
replace(struct stream *s, size_t at, size_t k, const uint8_t *with, size_t n)
{
	if (s->n - k + n > STREAM_MAX)
		return;
	memmove(s->b + at + n, s->b + at + k, s->n - at - k);
	if (n > 0)
		memcpy(s->b + at, with, n);
	s->n = s->n - k + n;
}

static void
change_octet(struct rng *r, struct stream *s, size_t lo, size_t hi)
{
	static const uint8_t telling[] = { 0, 1, 2, 4, 5, 0x10, 0x1f, 0x20, 0x21, 0x40, 0x7f, 0x80, 0x81,
		0xc0, 0xff };
	size_t at = rng_range(r, lo, hi - 1);

	if (rng_chance(r, 40))
		s->b[at] ^= (uint8_t)(1u << rng_below(r, 8));
	else if (rng_chance(r, 50))
		s->b[at] = telling[rng_below(r, sizeof(telling))];
	else
		s->b[at] = (uint8_t)(s->b[at] + rng_range(r, 0, 2) - 1);
}

/* One mutation of the octets lo to hi; hi moves when the stream grows or shrinks there. */
static void
mutate(struct rng *r, struct stream *s, size_t lo, size_t *hi)
{
	static uint8_t piece[STREAM_MAX];
	size_t was = s->n, at = rng_range(r, lo, *hi), k = rng_below(r, *hi - at + 1), n = 0;

	if (*hi > lo && rng_chance(r, 60)) {
		change_octet(r, s, lo, *hi);
		return;
	}
	k = k > 64 ? 64 : k;
	switch (rng_below(r, 4)) {
	case 0: /* take out */
		break;
	case 1: /* twice */
		n = 2 * k;
		memcpy(piece, s->b + at, k);
		memcpy(piece + k, s->b + at, k);
		break;
	case 2: /* noise between */
		k = 0;
		n = rng_range(r, 1, 40);
		rng_fill(r, piece, (unsigned)n);
		break;
	default: /* octets from elsewhere */
		n = rng_below(r, s->n < 80 ? s->n + 1 : 80);
		memcpy(piece, s->b + rng_below(r, s->n - n + 1), n);
	}
	replace(s, at, k, piece, n);
	*hi = *hi + s->n - was;
}

/* ---- messages within the stream ---------------------------------------------------------- */

static size_t
get16(const uint8_t *b)
{
	return (size_t)(b[0] << 8 | b[1]);
}

static void
put16(uint8_t *b, size_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

/* The message at `at`, 0 octets when there is none. */
static size_t
message_at(const struct stream *s, size_t at)
{
	size_t n;

	if (s->n - at < HEADER)
		return 0;
	n = get16(s->b + at + 16);
	return n < HEADER || n > s->n - at ? 0 : n;
}

/* One of the messages: where it begins. */
static size_t
pick_message(struct rng *r, const struct stream *s)
{
	size_t at = 0, found = 0, n;
	unsigned count = 0;

	while ((n = message_at(s, at)) > 0) {
		if (rng_below(r, ++count) == 0)
			found = at;
		at += n;
	}
	return found;
}

/* Change within the attributes and say how long they are then: the errors lie deeper. */
static bool
mutate_attrs(struct rng *r, struct stream *s, size_t at, size_t n)
{
	size_t gone, lo, hi;

	if (s->b[at + 18] != 2 || n < HEADER + 4)
		return false;
	gone = get16(s->b + at + HEADER);
	lo = at + HEADER + 2 + gone + 2;
	if (lo > at + n)
		return false;
	hi = lo + get16(s->b + lo - 2);
	if (hi > at + n)
		return false;
	mutate(r, s, lo, &hi);
	put16(s->b + lo - 2, hi - lo);
	return true;
}

/* Change one message; mostly its header still says how long it is. */
static void
mutate_message(struct rng *r, struct stream *s)
{
	size_t at = pick_message(r, s), n = message_at(s, at), was = s->n, hi = at + n;

	if (n == 0 || rng_chance(r, 10)) {
		hi = s->n;
		mutate(r, s, 0, &hi);
		return;
	}
	if (!rng_chance(r, 60) || !mutate_attrs(r, s, at, n)) {
		hi = at + n;
		mutate(r, s, at + (rng_chance(r, 95) ? HEADER : 0), &hi);
	}
	if (rng_chance(r, 90) && n + s->n - was <= UINT16_MAX)
		put16(s->b + at + 16, n + s->n - was);
}

/* ---- a case ------------------------------------------------------------------------------------ */

/* weft is not in a confederation here. */
static const struct vec *
pick_vector(struct rng *r)
{
	const struct vec *v;

	do
		v = &set.v[rng_below(r, set.n)];
	while (vec_is_confed(vec_kind_of(v->peer)));
	return v;
}

/* Some vector's octets, more often than not with another's behind, and changed. */
static enum vec_kind
make_stream(struct rng *r, unsigned lane, struct stream *s)
{
	const struct vec *v = pick_vector(r), *also = pick_vector(r);
	static uint8_t unused[STREAM_MAX];
	struct wr w = wr_init(s->b, STREAM_MAX / 4), nowhere = wr_init(unused, sizeof(unused));
	struct wr rest;
	bool fuzz_open = rng_chance(r, 30);
	size_t open_octets, hi;

	vec_script(&set, v, lane, &w, &nowhere);
	open_octets = wr_len(&w);
	rest = wr_init(s->b + open_octets, STREAM_MAX / 4);
	vec_script(&set, v, lane, &nowhere, &rest);
	if (rng_chance(r, 60))
		vec_script(&set, also, lane, &nowhere, &rest);
	s->n = open_octets + wr_len(&rest);
	if (fuzz_open) {
		hi = open_octets;
		for (uint64_t n = rng_range(r, 1, 4); n > 0 && hi > HEADER; n--)
			mutate(r, s, rng_chance(r, 95) ? HEADER : 0, &hi);
		if (rng_chance(r, 85) && hi > HEADER)
			put16(s->b + 16, hi);
	}
	for (uint64_t n = fuzz_open ? rng_below(r, 2) : rng_range(r, 1, 6); n > 0 && s->n > 0; n--)
		mutate_message(r, s);
	return vec_kind_of(v->peer);
}

static void
send_in_pieces(struct vec_world *w, struct rng *r, struct vec_conn *c, const struct stream *s)
{
	size_t at = 0;

	while (at < s->n && !c->closed) {
		size_t n = rng_chance(r, 80) ? s->n - at : rng_range(r, 1, s->n - at);

		w->send(w, c, s->b + at, n);
		at += n;
	}
}

static bool
attack(struct vec_world *w, struct rng *r, struct stream *s, enum vec_kind *ret_kind, char *why)
{
	struct vec_conn *c;
	uint64_t end;
	bool ok;

	*ret_kind = make_stream(r, w->lane, s);
	c = w->dial(w, *ret_kind);
	if (!c) {
		snprintf(why, WHY_MAX, "weft does not take the connection");
		return false;
	}
	send_in_pieces(w, r, c, s);
	if (rng_chance(r, 90))
		w->finish(w, c);
	else
		c->closed = true; /* go without waiting: a reset, when something came meanwhile */
	for (end = w->now_us(w) + CLOSE_US; !c->closed && w->now_us(w) < end;)
		w->pump(w);
	ok = c->closed;
	if (!ok)
		snprintf(why, WHY_MAX, "weft does not close the connection");
	w->hang_up(w, c);
	return ok;
}

static void
report(const struct stream *s, uint64_t seed, unsigned lane, unsigned long k, const char *why)
{
	printf("FAIL seed %llu case %u.%lu: %s\n", (unsigned long long)seed, lane, k, why);
	for (size_t i = 0; i < s->n && i < 4096; i++)
		printf("%02x%s", s->b[i], i % 32 == 31 ? "\n" : "");
	printf("\n");
	fflush(stdout);
}

static bool
run_case(struct vec_world *w, struct vec_observer *o, uint64_t seed, unsigned long k)
{
	static struct stream s;
	char why[WHY_MAX] = "";
	enum vec_kind kind;
	struct rng r;
	bool ok;

	rng_seed(&r, seed ^ ((uint64_t)w->lane << 56) ^ (k * 0x9e3779b97f4a7c15u));
	ok = attack(w, &r, &s, &kind, why) && vec_run_as(w, o, &set, clean[kind], kind, why);
	if (ok && !vec_observer_is_up(o)) {
		snprintf(why, sizeof(why), "the observer's session ended");
		ok = false;
	}
	if (!ok)
		report(&s, seed, w->lane, k, why);
	return ok;
}

struct options {
	unsigned seconds, lanes, lane;
	uint64_t seed;
	unsigned long only; /* this case, when one_case */
	bool one_case;
};

/* Cases of one lane until the time is over; the number of cases, 0 when one failed. */
static unsigned long
run_lane(const struct options *opt, unsigned lane)
{
	struct vec_observer *o;
	struct vec_world w;
	char why[WHY_MAX];
	unsigned long k = opt->one_case ? opt->only : 1;
	uint64_t end;
	bool ok = true;

	vec_tcp_open(&w, lane);
	end = w.now_us(&w) + (uint64_t)opt->seconds * 1000000;
	o = vec_observer_up(&w, &set, why);
	if (!o) {
		printf("FAIL %s\n", why);
		return 0;
	}
	do
		ok = run_case(&w, o, opt->seed, k++);
	while (ok && !opt->one_case && w.now_us(&w) < end);
	vec_observer_free(o);
	vec_tcp_close(&w);
	return ok ? k - 1 : 0;
}

static int
run_lanes(const struct options *opt)
{
	unsigned long n, cases = 0;
	int fd[2], status, failed = 0;

	if (pipe(fd) != 0)
		return 1;
	fflush(stdout);
	for (unsigned i = 0; i < opt->lanes; i++)
		if (fork() == 0) {
			n = run_lane(opt, i);
			fflush(stdout);
			_exit(n == 0 || write(fd[1], &n, sizeof(n)) != sizeof(n) ? 1 : 0);
		}
	close(fd[1]);
	while (read(fd[0], &n, sizeof(n)) == sizeof(n))
		cases += n;
	while (wait(&status) > 0)
		failed += status != 0;
	printf("%lu cases, seed %llu, %d of %u lanes failed\n", cases, (unsigned long long)opt->seed,
	    failed, opt->lanes);
	return failed > 0;
}

static struct options
parse(int argc, char **argv)
{
	struct options o = { .seconds = 20, .lanes = 4, .seed = 1 };

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--seconds") == 0)
			o.seconds = (unsigned)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--lanes") == 0)
			o.lanes = (unsigned)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			o.seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--case") == 0)
			o.one_case = sscanf(argv[i + 1], "%u.%lu", &o.lane, &o.only) == 2;
	}
	return o;
}

static void
choose_clean(void)
{
	for (size_t i = 0; i < set.n; i++)
		if (strcmp(set.v[i].id, "update-usual") == 0)
			for (unsigned k = 0; k < VEC_NKINDS; k++)
				clean[k] = &set.v[i];
	for (size_t i = 0; i < set.n; i++) {
		if (strcmp(set.v[i].id, "originator-added") == 0)
			clean[VEC_IBGP] = &set.v[i];
		if (strcmp(set.v[i].id, "role-told-strict") == 0)
			clean[VEC_STRICT] = &set.v[i];
	}
}

int
main(int argc, char **argv)
{
	struct options opt = parse(argc, argv);
	int status;

	if (!vec_load_all(&set))
		return 1;
	choose_clean();
	status = opt.one_case ? run_lane(&opt, opt.lane) == 0 : run_lanes(&opt);
	vec_set_free(&set);
	return status;
}
