/*
 * A `struct agent` without bgpd and without a kernel, for tests of what people see:
 * control socket, views, metrics, the command itself.
 *
 * It answers agent_query() from tables, through the event loop and within the
 * credit it was given, and keeps count of what was asked; the fib's views come from
 * tables, too.  Time stands still at FAKE_NOW_S.
 */
#ifndef TESTS_FAKE_AGENT_H
#define TESTS_FAKE_AGENT_H

#include "agent/agent.h"
#include "agent/cni.h"
#include "agent/routed.h"

#define FAKE_NOW_S 1000000

struct fake {
	struct agent a; /* first */

	struct ipc_row_peer *peer;
	size_t npeers;
	struct ipc_row_path *path;
	size_t npaths;
	struct ipc_row_path *adv; /* Adj-RIB-Out */
	size_t nadv;
	struct ipc_row_stats stats;
	struct ipc_row_bmp *bmp;
	size_t nbmp;
	struct bfd_view *bfd;
	size_t nbfd;
	bool no_bfdd; /* nobody is there to ask for them */

	int kube; /* 0: no cluster, 1: connected, 2: lost */
	int nat; /* enum nat_state, OFF, INSTALLED or FOREIGN */

	struct services *services; /* NULL: none are followed */
	const char *services_problem;

	bool lost;   /* queries end at once: no bgpd */
	bool silent; /* queries never end */
	bool quarantined; /* the first peer's problem ends by a command */
	bool hold_flush; /* agent_flush() is done only with fake_flushed() */
	void (*flush_done)(void *ctx, uint64_t removed);
	void *flush_ctx;
	uint32_t repeat; /* hand out the first path so many times instead of the table */

	/* readiness for pods */
	struct converge converge;
	struct cni_view cni;
	const char *leaving; /* why; NULL: it is not */

	/* what was asked */
	uint32_t queries, cancels, rows_out, credit_left;
	struct ipc_peer_cmd last_cmd;
	unsigned reloads, prepares, flushes;

	/* mrt_start() was called: what with; fake_mrt_done() ends it. */
	int mrt_fd; /* -1: no job */
	enum ipc_mrt_kind mrt_kind;
	uint32_t mrt_peer;
	void (*mrt_done)(void *ctx, const struct ipc_mrt_done *done);
	void *mrt_ctx;
	unsigned mrt_stops, mrt_drops;
};

/* A node with three peers, routes of both families and something wrong in most ways. */
struct fake *fake_new(void);
/* Sessions of BFD: one up, one that failed, one that has not begun. */
void fake_add_bfd(struct fake *f);
/* The same with another configuration and nothing else: no peers, no routes. */
struct fake *fake_new_empty(const char *yaml);
void fake_free(struct fake *f);

void fake_flushed(struct fake *f);

/* bgpd says that the job is over. */
void fake_mrt_done(struct fake *f, const struct ipc_mrt_done *done);

/* Turn the loop until *done, at most for that long; false: the deadline came first. */
bool fake_run(struct fake *f, const bool *done, unsigned ms);

/* Serve the control socket of the working directory until killed. */
void fake_serve(struct fake *f) __attribute__((noreturn));

#endif
