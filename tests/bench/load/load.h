/*
 * One run: the event loop, the clock, what is said to the runner.
 *
 * A scenario is a function that is written top to bottom: it makes sessions
 * (sess.h), sends octets made beforehand (stream.h), and waits with load_until()
 * for what the sessions' callbacks count. One thread does everything; a callback
 * never waits. The first load_fail() ends every wait, and the run fails.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"
#include "tests/bench/load/opts.h"

struct load;
struct sess;
struct path;

/* A descriptor in the loop; lives in its owner. */
struct watch {
	int fd;
	uint32_t events; /* EPOLL... registered; 0: not in the loop */
	void (*cb)(struct watch *w, uint32_t events);
	struct load *l;
};

struct load_counts {
	uint64_t updates;   /* UPDATE messages received */
	uint64_t prefixes;  /* prefixes announced in them */
	uint64_t withdrawn; /* and withdrawn */
	uint64_t octets;
	uint64_t others;  /* prefixes of other generators (--others=ok) */
	uint64_t checks;  /* attribute sets and prefixes compared */
	uint64_t refused; /* connections refused or given up before the session was up */
	uint64_t lost_early; /* sessions that were up and lost before all were up */
};

struct load {
	const struct opts *opt;
	int epfd;
	struct mono_us now; /* when the loop woke up last */
	struct mono_us end; /* the run is late then */
	struct sess *sess;  /* of nsess, sess_make() */
	unsigned nsess, nup;
	struct watch listener; /* fd -1: none */
	unsigned dialing;      /* sessions on their way up */
	unsigned next_dial;    /* who is asked first when another one may begin */
	unsigned dial_max;     /* --dialing, or 0 when only the daemon connects */
	bool dial_more;
	struct mono_us dial_at; /* not before */
	bool settled; /* all sessions have been up */
	struct mono_us first_at; /* when the first connection was there */
	struct mono_us scan_at;	 /* next look at the sessions' timers */
	struct load_counts count;
	uint8_t *in; /* LOAD_IN octets and one message: shared by all readers */
	bool failed;
	bool late; /* what the run has failed for is that it was not done in time */
	double late_s; /* for how long that was waited for */
	char why[256];
	char *result; /* text of the fields so far */
	size_t result_len;
	bool corrupt; /* one attribute octet is still to be corrupted (--expect-wrong) */
	/* Attribute set k of a sender when it is not path_make()'s own (stream.h). */
	void (*path)(struct path *p, const struct sess *s, uint32_t k);
	double cpu_at; /* seconds of processor when the work began: phase.c */
	void *own;     /* the scenario's */
};

#define LOAD_IN 262144

/* A scenario: its name on the command line, what it measures, and what runs it. */
struct scenario {
	const char *name;
	const char *what;
	void (*run)(struct load *l);
};

/* Make (end) a run. */
void load_init(struct load *l, const struct opts *o);
void load_fini(struct load *l);

/* Ask for events of a descriptor (0: no more of them); fails the run when the kernel refuses. */
void load_watch(struct load *l, struct watch *w, uint32_t events);

/* The run has failed; the first reason stays. */
void load_fail(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * The run has failed when --timeout is over: `what` has not come, for which it waits since
 * then. To be asked each time round of a wait.
 */
void load_late(struct load *l, struct mono_us since, const char *what);

/* Wait for events once, at most us microseconds (timers included), and serve them. */
void load_step(struct load *l, uint64_t us);

/*
 * Serve until done(l) is true (asked after each batch of events), or the run has
 * failed, or --timeout is over, which fails it: `what` is what did not come.
 * True when done.
 */
bool load_until(struct load *l, bool (*done)(struct load *l), const char *what);

/* Serve for that long; false when the run has failed. */
bool load_serve(struct load *l, uint64_t us);

/* Seconds from a to b. */
double load_seconds(struct mono_us a, struct mono_us b);

/* Seconds of processor that the generator has used. */
double load_cpu(void);

/* ---- what the runner reads ---- */

/* A line "EVENT name t=... TEXT", TEXT from fmt ("" for none); flushed. */
void load_event(struct load *l, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * "EVENT pause name=...": the runner looks at the daemon and then writes a line to
 * standard input, for which this waits; sessions are served meanwhile. Without
 * anybody at standard input (end of file) it goes on at once.
 */
void load_pause(struct load *l, const char *name);

/* Add a field to the result. */
void load_result_num(struct load *l, const char *key, double v);
void load_result_text(struct load *l, const char *key, const char *v);

/* "RESULT {json}" with the fields, the counts, ok and why. */
void load_result_print(struct load *l, const char *scenario);

#endif
