/*
 * MRT jobs.  See mrt.h.
 *
 * Only a pipe is passed on: writing to a file could keep bgpd waiting for a
 * disk, and a file's size limit would be bgpd's.  Who wants a file reads the
 * pipe and writes it.
 */
#include "agent/mrt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/bgpd.h"
#include "lib/list.h"
#include "lib/mem.h"

struct job {
	struct list link;
	uint32_t id;
	mrt_done_fn *done;
	void *ctx;
};

struct mrts {
	struct agent *a;
	uint32_t last_id;
	struct list jobs;
};

static struct job *
job_find(struct mrts *m, uint32_t id)
{
	struct list *n;

	LIST_FOREACH(n, &m->jobs)
		if (container_of(n, struct job, link)->id == id)
			return container_of(n, struct job, link);
	return NULL;
}

static void
job_free(struct job *j)
{
	list_remove(&j->link);
	mem_free(j);
}

/* Can it be written to, and is it a pipe? */
static bool
is_pipe(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && flags >= 0 &&
	    (flags & O_ACCMODE) == O_WRONLY;
}

uint32_t
mrt_start(struct mrts *m, enum ipc_mrt_kind kind, uint32_t peer, int fd, mrt_done_fn *done,
    void *ctx, const char **ret_why)
{
	struct ipc_msg msg = { .type = IPC_MRT_START };
	struct job *j;

	*ret_why = !is_pipe(fd) ? "the descriptor is not the writing end of a pipe"
	    : !bgpd_attached(m->a->bgpd) ? "weft-bgpd is not running"
					 : NULL;
	if (*ret_why) {
		close(fd);
		return 0;
	}
	if (++m->last_id == 0)
		m->last_id = 1;
	j = mem_zalloc(sizeof(*j));
	j->id = m->last_id;
	j->done = done;
	j->ctx = ctx;
	list_init(&j->link);
	list_push_back(&m->jobs, &j->link);
	msg.mrt_start =
	    (struct ipc_mrt_start){ .id = j->id, .kind = (uint8_t)kind, .peer = peer };
	bgpd_send(m->a->bgpd, &msg, fd);
	return j->id;
}

void
mrt_stop(struct mrts *m, uint32_t id)
{
	struct ipc_msg msg = { .type = IPC_MRT_STOP };

	if (!job_find(m, id))
		return;
	msg.mrt_stop.id = id;
	bgpd_send(m->a->bgpd, &msg, -1);
}

void
mrt_drop(struct mrts *m, uint32_t id)
{
	struct job *j = job_find(m, id);

	if (!j)
		return;
	mrt_stop(m, id);
	job_free(j);
}

void
mrt_done(struct mrts *m, const struct ipc_mrt_done *done)
{
	struct job *j = job_find(m, done->id);
	mrt_done_fn *fn;
	void *ctx;

	if (!j)
		return;
	fn = j->done;
	ctx = j->ctx;
	job_free(j);
	fn(ctx, done);
}

void
mrt_lost(struct mrts *m)
{
	while (!list_is_empty(&m->jobs)) {
		struct ipc_mrt_done gone = {
			.id = container_of(list_first(&m->jobs), struct job, link)->id,
			.why = "weft-bgpd has ended",
		};

		mrt_done(m, &gone);
	}
}

struct mrts *
mrts_new(struct agent *a)
{
	struct mrts *m = mem_zalloc(sizeof(*m));

	m->a = a;
	list_init(&m->jobs);
	return m;
}

void
mrts_free(struct mrts *m)
{
	if (!m)
		return;
	while (!list_is_empty(&m->jobs))
		job_free(container_of(list_first(&m->jobs), struct job, link));
	mem_free(m);
}
