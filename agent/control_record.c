/*
 * Commands that show what happens: events, those in the table and those to come, and MRT dumps and
 * recordings, which go to a descriptor of the client's.
 */
#include "agent/control_cmd.h"

#include <stdio.h>
#include <string.h>

#include "agent/events.h"
#include "agent/mrt.h"

#define FOLLOW_TAIL 10 /* events shown before following */

/* ---- events ---------------------------------------------------------------- */

static bool
event_wanted(const struct control_req *r, const struct event_row *row)
{
	uint64_t since_us = r->args.since_s * 1000000;

	if (r->args.peer_name[0] && strcmp(row->peer_name, r->args.peer_name) != 0)
		return false;
	return !control_given(r, ARG_SINCE) || mono_diff_us(agent_now(), row->at) <= since_us;
}

static enum control_more
events_pull(struct control_req *r)
{
	struct event_row row;

	for (unsigned i = 0; i < CONTROL_SLICE_ROWS && control_has_room(r); i++) {
		if (!events_next(r->a->events, r->st.seq, &row)) {
			if (r->args.follow)
				return CONTROL_WAIT;
			control_end(r, CONTROL_OK, NULL);
			return CONTROL_DONE;
		}
		if (r->st.seq && row.seq > r->st.seq + 1)
			control_warn(r, "%llu events were lost: this reader is too slow",
			    (unsigned long long)(row.seq - r->st.seq - 1));
		r->st.seq = row.seq;
		if (!event_wanted(r, &row))
			continue;
		view_event(control_row(r), &row);
		control_row_end(r);
	}
	return CONTROL_MORE;
}

void
control_cmd_events(struct control_req *r)
{
	const struct agent_peer *p = agent_peer_by_name(r->a, r->args.peer_name);
	uint64_t last = events_last(r->a->events);

	/* The table may know peers that the configuration no longer has. */
	if (p && p->conf)
		snprintf(r->args.peer_name, sizeof(r->args.peer_name), "%s", p->conf->name);
	if (r->args.follow && !control_given(r, ARG_SINCE) && last > FOLLOW_TAIL)
		r->st.seq = last - FOLLOW_TAIL;
	control_pull(r, events_pull);
}

/* ---- MRT ------------------------------------------------------------------- */

static void
mrt_finished(void *ctx, const struct ipc_mrt_done *done)
{
	struct control_req *r = ctx;
	struct out *o = control_row(r);

	r->st.mrt = 0;
	out_u64(o, "records", done->records);
	out_u64(o, "octets", done->octets);
	out_u64(o, "lost", done->lost);
	control_row_end(r);
	if (done->why[0])
		control_end(r, CONTROL_DOWN, done->why);
	else if (done->err)
		control_endf(r, CONTROL_DOWN, "the records could not be passed on: %s",
		    strerror(done->err));
	else
		control_end(r, CONTROL_OK, NULL);
}

static void
mrt_begin(struct control_req *r, int fd, enum ipc_mrt_kind kind)
{
	const char *why;

	if (fd < 0) {
		control_end(r, CONTROL_USAGE, "want a descriptor with that octet");
		return;
	}
	r->st.mrt = mrt_start(r->a->mrts, kind, r->args.peer, fd, mrt_finished, r, &why);
	if (!r->st.mrt)
		control_end(r, CONTROL_DOWN, why);
}

static void
mrt_rib(struct control_req *r, int fd)
{
	mrt_begin(r, fd, IPC_MRT_RIB);
}

static void
mrt_record(struct control_req *r, int fd)
{
	mrt_begin(r, fd, IPC_MRT_RECORD);
}

static void
mrt_eof(struct control_req *r)
{
	mrt_stop(r->a->mrts, r->st.mrt);
}

void
control_cmd_mrt_rib(struct control_req *r)
{
	r->on_eof = mrt_eof;
	control_take_fd(r, mrt_rib);
}

void
control_cmd_mrt_record(struct control_req *r)
{
	if (control_given(r, ARG_PEER) && !control_need_peer(r))
		return;
	r->on_eof = mrt_eof;
	control_take_fd(r, mrt_record);
}
