/*
 * Commands that show whom we speak with: peers, their BFD sessions, BMP collectors; and the status
 * of the whole, which counts peers.
 *
 * Rows of bgpd come first, and who had one is marked; then those that bgpd does not know, as the
 * agent knows them.
 */
#include "agent/control_cmd.h"

#include <string.h>

#include "agent/bfd.h"
#include "agent/bmp.h"
#include "agent/http.h"
#include "lib/mem.h"

static void
mark_seen(struct control_req *r, uint32_t id)
{
	size_t need = id / 8 + 1;

	if (need > (1u << 20)) /* no peer of ours */
		return;
	if (need > r->st.nseen) {
		r->st.seen = mem_realloc(r->st.seen, need);
		memset(r->st.seen + r->st.nseen, 0, need - r->st.nseen);
		r->st.nseen = need;
	}
	r->st.seen[id / 8] |= (uint8_t)(1u << (id % 8));
}

static bool
was_seen(const struct control_req *r, uint32_t id)
{
	return id / 8 < r->st.nseen && (r->st.seen[id / 8] & (1u << (id % 8)));
}

/* ---- peers ----------------------------------------------------------------- */

static void
peer_out(struct control_req *r, const struct agent_peer *p, const struct ipc_row_peer *row)
{
	struct out *o = control_row(r);

	view_peer(o, r->a, p, row, r->args.af);
	control_row_end(r);
	view_totals_add(&r->st.totals, p, row);
}

static void
peers_row(struct control_req *r, const struct ipc_msg *msg)
{
	const struct agent_peer *p;

	if (msg->type != IPC_ROW_PEER)
		return;
	p = agent_peer_by_id(r->a, msg->row_peer.id);
	if (!p) /* removed by a reload just now */
		return;
	mark_seen(r, p->id);
	peer_out(r, p, &msg->row_peer);
}

/* Those that bgpd does not know; st.rows counts through the agent's peers. */
static enum control_more
peers_rest(struct control_req *r)
{
	const struct agent_peer *p;

	for (; r->st.rows < r->a->npeers; r->st.rows++) {
		if (!control_has_room(r))
			return CONTROL_MORE;
		p = &r->a->peers[r->st.rows];
		if (!was_seen(r, p->id) && (!r->args.peer || r->args.peer == p->id))
			peer_out(r, p, NULL);
	}
	control_end(r, r->st.totals.down || !r->a->bgpd_child.running || r->a->bgpd_child.silent ?
	    CONTROL_DOWN : CONTROL_OK, NULL);
	return CONTROL_DONE;
}

static void
peers_end(struct control_req *r, uint8_t status, bool lost)
{
	if (lost)
		control_warn_lost(r);
	control_pull(r, peers_rest);
}

void
control_cmd_peers(struct control_req *r)
{
	struct ipc_query q = { .kind = IPC_Q_PEERS, .peer = r->args.peer };

	control_query(r, &q, peers_row, peers_end);
}

/* BFD's figures are new. */
static void
peer_bfd_answered(void *ctx, bool late)
{
	struct control_req *r = control_redeem(ctx);

	if (r)
		control_cmd_peers(r);
}

void
control_cmd_peer(struct control_req *r)
{
	const struct agent_peer *p = control_need_peer(r);
	struct bfd_view v;

	if (p && bfd_of_peer(r->a->bfd, p->id, &v))
		bfd_ask(r->a->bfd, peer_bfd_answered, control_ticket(r));
	else if (p)
		control_cmd_peers(r);
}

/* ---- status ---------------------------------------------------------------- */

static void
status_finish(struct control_req *r)
{
	struct out *o;

	for (size_t i = 0; i < r->a->npeers; i++)
		if (!was_seen(r, r->a->peers[i].id))
			view_totals_add(&r->st.totals, &r->a->peers[i], NULL);
	o = control_row(r);
	view_status(o, r->a, &r->st.totals, r->st.have_stats ? &r->st.stats : NULL,
	    http_problem(r->a->http));
	control_row_end(r);
	control_end(r, view_status_is_bad(r->a, &r->st.totals) ? CONTROL_DOWN : CONTROL_OK, NULL);
}

static void
status_peer_row(struct control_req *r, const struct ipc_msg *msg)
{
	const struct agent_peer *p;

	if (msg->type != IPC_ROW_PEER)
		return;
	p = agent_peer_by_id(r->a, msg->row_peer.id);
	if (!p)
		return;
	mark_seen(r, p->id);
	view_totals_add(&r->st.totals, p, &msg->row_peer);
}

static void
status_peers_end(struct control_req *r, uint8_t status, bool lost)
{
	status_finish(r);
}

static void
status_stats_row(struct control_req *r, const struct ipc_msg *msg)
{
	if (msg->type != IPC_ROW_STATS)
		return;
	r->st.stats = msg->row_stats;
	r->st.have_stats = true;
}

static void
status_stats_end(struct control_req *r, uint8_t status, bool lost)
{
	static const struct ipc_query q = { .kind = IPC_Q_PEERS };

	if (lost)
		status_finish(r);
	else
		control_query(r, &q, status_peer_row, status_peers_end);
}

void
control_cmd_status(struct control_req *r)
{
	static const struct ipc_query q = { .kind = IPC_Q_STATS };

	control_query(r, &q, status_stats_row, status_stats_end);
}

/* ---- BFD ------------------------------------------------------------------- */

/* st.rows counts those that are not up. */
static enum control_more
bfd_pull(struct control_req *r)
{
	struct bfd_view v;

	while (control_has_room(r)) {
		if (!bfd_next(r->a->bfd, &r->st.at, &v)) {
			control_end(r, r->st.rows ? CONTROL_DOWN : CONTROL_OK, NULL);
			return CONTROL_DONE;
		}
		view_bfd(control_row(r), r->a, &v);
		control_row_end(r);
		r->st.rows += !v.known || v.state->state != IPC_BFD_UP;
	}
	return CONTROL_MORE;
}

static void
bfd_answered(void *ctx, bool late)
{
	struct control_req *r = control_redeem(ctx);
	char why[IPC_TEXT_MAX];

	if (!r)
		return;
	if (bfd_problem(r->a->bfd, why, sizeof(why)))
		control_warn(r, "%s; shown is what was known last", why);
	else if (late)
		control_warn(r, "weft-bfdd did not answer in time; shown is what was known last");
	control_pull(r, bfd_pull);
}

void
control_cmd_bfd(struct control_req *r)
{
	bfd_ask(r->a->bfd, bfd_answered, control_ticket(r));
}

/* ---- monitoring feeds ------------------------------------------------------ */

static void
bmp_out(struct control_req *r, const struct conf_bmp *c, const struct ipc_row_bmp *row)
{
	view_bmp(control_row(r), r->a, c, row);
	control_row_end(r);
	r->st.rows += !row || row->state < IPC_BMP_DUMPING;
}

static void
bmp_row(struct control_req *r, const struct ipc_msg *msg)
{
	const struct conf_bmp *c;

	if (msg->type != IPC_ROW_BMP)
		return;
	c = bmp_by_id(r->a->bmp, msg->row_bmp.id);
	if (!c) /* removed by a reload just now */
		return;
	mark_seen(r, msg->row_bmp.id);
	bmp_out(r, c, &msg->row_bmp);
}

/* Those that bgpd does not know come last; st.rows counts those that are not connected. */
static void
bmp_end(struct control_req *r, uint8_t status, bool lost)
{
	const struct conf *c = r->a->conf;

	if (lost)
		control_warn_lost(r);
	for (size_t i = 0; c && i < c->bmp.n; i++)
		if (!was_seen(r, bmp_id(r->a->bmp, i)))
			bmp_out(r, &c->bmp.v[i], NULL);
	control_end(r, r->st.rows || lost ? CONTROL_DOWN : CONTROL_OK, NULL);
}

void
control_cmd_bmp(struct control_req *r)
{
	static const struct ipc_query q = { .kind = IPC_Q_BMP };

	control_query(r, &q, bmp_row, bmp_end);
}
