/*
 * The agent's questions: several at once, each with a credit window and a
 * cursor, so that a slow reader stalls its own question and nobody else's.
 *
 * Rows are made when the channel has room for them, a few for each question
 * in turn.
 */
#include "bgpd/bgpd.h"

#include "lib/mem.h"

#define QUERIES_MAX 64
#define TURN_ROWS   16	 /* of one question before the next one's turn */
#define SLICE_ROWS  64	 /* of all questions in one turn of the loop */
#define WALK_STEPS  2000 /* entries looked at for one row, in one slice */

struct query {
	struct list link;
	struct speaker_cursor cursor; /* cursor.q.credit: rows that may still be sent */
	struct ipc_msg *ahead;	      /* a row made without credit: the end needs none to be seen */
};

enum step { STEP_ROW, STEP_MORE, STEP_END };

static struct query *
query_find(struct bgpd *b, uint32_t id)
{
	struct list *n;

	LIST_FOREACH(n, &b->queries)
		if (container_of(n, struct query, link)->cursor.q.id == id)
			return container_of(n, struct query, link);
	return NULL;
}

static void
query_free(struct query *q)
{
	list_remove(&q->link);
	mem_free(q->ahead);
	mem_free(q);
}

static void
send_end(struct bgpd *b, uint32_t id, uint8_t status)
{
	b->out->type = IPC_QUERY_END;
	b->out->query_end = (struct ipc_query_end){ .id = id, .status = status };
	chan_send(b, IPC_CHAN_QUERIES, b->out);
}

static const char *
query_start(struct bgpd *b, const struct ipc_query *question)
{
	struct query *q;
	struct list *n;
	unsigned have = 0;

	LIST_FOREACH(n, &b->queries)
		have++;
	if (have >= QUERIES_MAX) {
		send_end(b, question->id, 1);
		return NULL;
	}
	if (query_find(b, question->id))
		return "a query whose id is in use";
	q = mem_zalloc(sizeof(*q));
	q->cursor.q = *question;
	list_init(&q->link);
	list_push_back(&b->queries, &q->link);
	return NULL;
}

const char *
query_take(struct bgpd *b, const struct ipc_msg *m)
{
	struct query *q;

	if (m->type == IPC_QUERY)
		return query_start(b, &m->query);
	q = query_find(b, m->query_credit.id);
	if (!q)
		return NULL; /* it has ended meanwhile */
	if (m->type == IPC_QUERY_CREDIT) {
		uint32_t have = q->cursor.q.credit;

		q->cursor.q.credit = have > UINT32_MAX - m->query_credit.credit
		    ? UINT32_MAX : have + m->query_credit.credit;
		return NULL;
	}
	send_end(b, q->cursor.q.id, 1);
	query_free(q);
	return NULL;
}

/* ---- rows ---------------------------------------------------------------------------- */

static enum step
next_peer(struct bgpd *b, struct query *q, struct mono_us now)
{
	b->out->type = IPC_ROW_PEER;
	if (!speaker_next_peer(b->sp, now, &q->cursor, &b->out->row_peer))
		return STEP_END;
	b->out->row_peer.query = q->cursor.q.id;
	return STEP_ROW;
}

static enum step
next_path(struct bgpd *b, struct query *q, struct mono_us now)
{
	bool more = false;

	b->out->type = IPC_ROW_PATH;
	if (!speaker_next_path(b->sp, now, &q->cursor, WALK_STEPS, &b->out->row_path, &more))
		return more ? STEP_MORE : STEP_END;
	b->out->row_path.query = q->cursor.q.id;
	return STEP_ROW;
}

static enum step
next_stats(struct bgpd *b, struct query *q, struct mono_us now)
{
	if (q->cursor.started)
		return STEP_END;
	q->cursor.started = true;
	b->out->type = IPC_ROW_STATS;
	speaker_stats(b->sp, now, &b->out->row_stats);
	b->out->row_stats.query = q->cursor.q.id;
	return STEP_ROW;
}

static enum step
next_bmp(struct bgpd *b, struct query *q, struct mono_us now)
{
	b->out->type = IPC_ROW_BMP;
	return speaker_next_bmp(b->sp, now, &q->cursor, &b->out->row_bmp) ? STEP_ROW : STEP_END;
}

static enum step
next_row(struct bgpd *b, struct query *q, struct mono_us now)
{
	if (q->cursor.q.kind == IPC_Q_PEERS)
		return next_peer(b, q, now);
	if (q->cursor.q.kind == IPC_Q_PATHS)
		return next_path(b, q, now);
	if (q->cursor.q.kind == IPC_Q_BMP)
		return next_bmp(b, q, now);
	return next_stats(b, q, now);
}

/* One row of it, or its end. True when it could go on at once; the end frees q. */
static bool
query_step(struct bgpd *b, struct query *q, struct mono_us now, int *rows)
{
	enum step step = STEP_ROW;

	if (q->ahead) {
		*b->out = *q->ahead;
		mem_free(q->ahead);
		q->ahead = NULL;
	} else {
		step = next_row(b, q, now);
	}
	switch (step) {
	case STEP_ROW:
		++*rows;
		if (q->cursor.q.credit == 0) {
			q->ahead = mem_dup(b->out, sizeof(*b->out));
			return false;
		}
		q->cursor.q.credit--;
		chan_send(b, IPC_CHAN_QUERIES, b->out);
		return true;
	case STEP_MORE:
		return true;
	case STEP_END:
		break;
	}
	send_end(b, q->cursor.q.id, 0);
	query_free(q);
	return false;
}

/* A few steps of one question; a walk that finds nothing takes one. */
static bool
query_turn(struct bgpd *b, struct query *q, struct mono_us now, int *rows)
{
	for (int i = 0; i < TURN_ROWS && *rows < SLICE_ROWS; i++) {
		int before = *rows;

		if (!chan_has_room(b, IPC_CHAN_QUERIES) || (q->ahead && q->cursor.q.credit == 0))
			return false;
		if (!query_step(b, q, now, rows))
			return false;
		if (*rows == before)
			break;
	}
	return true;
}

bool
query_pump(struct bgpd *b)
{
	struct mono_us now = clock_mono();
	struct list *n, *last = list_last(&b->queries);
	bool more = false;
	int rows = 0;

	/* One round: each question's turn, after which it stands last. */
	while (rows < SLICE_ROWS && !b->stop && (n = list_first(&b->queries)) != NULL) {
		struct query *q = container_of(n, struct query, link);
		bool was_last = n == last;

		list_remove(n);
		list_push_back(&b->queries, n);
		more |= query_turn(b, q, now, &rows);
		if (was_last)
			break;
	}
	return more;
}

void
query_free_all(struct bgpd *b)
{
	struct list *n;

	while ((n = list_first(&b->queries)) != NULL)
		query_free(container_of(n, struct query, link));
}
