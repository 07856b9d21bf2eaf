/*
 * A peer's octets from its first one on, given to a whole peer with two
 * possible framings: all at once, and in the pieces that the input itself
 * says.  Both end in the same state, with the same output.
 *
 * The first octet brings the session up to a state (bits 0-1) and chooses the
 * piece (bits 2-7, octets).
 */
#include <string.h>

#include "bgpd/core/peer.h"
#include "tests/fuzz/fuzz.h"

struct world {
	struct peer_env env;
	struct heap timers;
	struct rng rng;
	struct ipc_conf_speaker conf;
	struct peer *p;
	conn_id conn;
	bool closed;
	uint8_t out[8192];
	size_t octets;
	unsigned updates, ups, downs;
};

static void
op_up(struct peer *p, struct mono_us now)
{
	struct world *w = p->env->ctx;

	w->ups++;
}

static void
op_down(struct peer *p, struct mono_us now, enum peer_down how, const char *why)
{
	struct world *w = p->env->ctx;

	HOLD(why && *why);
	w->downs++;
}

static void
op_update(struct peer *p, struct mono_us now, const struct update *u)
{
	struct world *w = p->env->ctx;

	HOLD(u->err.act != ACT_RESET);
	w->updates++;
}

static void
op_refresh(struct peer *p, struct mono_us now, uint8_t af, uint8_t subtype)
{
	HOLD(af == IP4 || af == IP6);
}

static size_t
op_fill(struct peer *p, struct mono_us now, uint8_t *buf, size_t cap, size_t want)
{
	return 0;
}

static bool
op_wants_fill(const struct peer *p)
{
	return false;
}

static void
op_todo(struct peer *p, const struct todo *t)
{
	struct world *w = p->env->ctx;

	if (t->kind == TODO_CLOSE || t->kind == TODO_ABORT)
		w->closed = true;
}

static void op_event(struct peer *p, enum log_level level, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void
op_event(struct peer *p, enum log_level level, const char *name, const char *fmt, ...)
{
}

static void
op_gr_caps(const struct peer *p, struct cap_gr *ret)
{
	*ret = (struct cap_gr){ .present = true, .time_s = 120, .families = 3 };
}

static const struct peer_ops ops = {
	.up = op_up,
	.down = op_down,
	.update = op_update,
	.refresh = op_refresh,
	.fill = op_fill,
	.wants_fill = op_wants_fill,
	.todo = op_todo,
	.event = op_event,
	.gr_caps = op_gr_caps,
};

static const struct mono_us now = { 1000000 };

static void
take(struct world *w)
{
	w->octets += peer_conn_output(&w->env, now, w->conn, w->out + w->octets,
	    sizeof(w->out) - w->octets, sizeof(w->out));
	HOLD(w->octets < sizeof(w->out));
}

static void
world_init(struct world *w, unsigned state)
{
	struct ipc_conf_peer conf = { .id = 1, .addr = { .af = IP4, .b = { 10, 0, 0, 2 } },
		.asn_mode = IPC_ASN_EXTERNAL, .passive = true, .enabled = true, .gr_enabled = true,
		.families = 3, .hold_s = 9 };
	struct msg_open o = { .asn = 65002, .hold_s = 9, .id = 2,
		.caps = { .mp = true, .families = 3, .refresh = true, .as4 = true, .asn = 65002 } };
	struct ipc_endpoints ep = { .local = { .af = IP4, .b = { 10, 0, 0, 1 } } };
	uint8_t buf[256];
	struct wr wr = wr_init(buf, sizeof(buf));
	const char *why;

	memset(w, 0, sizeof(*w));
	w->env = (struct peer_env){ .ops = &ops, .ctx = w, .conf = &w->conf, .timers = &w->timers,
		.rng = &w->rng };
	w->conf = (struct ipc_conf_speaker){ .asn = 65001, .router_id = 1 };
	rng_seed(&w->rng, 1);
	peer_env_init(&w->env, 1);
	w->p = peer_new(&w->env, now, &conf, 0);
	peer_start(w->p, now);
	w->conn = peer_conn_accepted(w->p, now, &ep, &why);
	HOLD(w->conn != 0);
	if (state > 0)
		msg_encode_open(&wr, &o, true);
	if (state > 1)
		msg_encode_keepalive(&wr);
	HOLD(peer_conn_input(&w->env, now, w->conn, buf, wr_len(&wr)) == wr_len(&wr));
	take(w);
}

static void
world_free(struct world *w)
{
	peer_free(w->p);
	peer_env_free(&w->env);
	HOLD(w->timers.n == 0);
	heap_free(&w->timers);
}

/* As a shell does: keep what was not consumed, add `piece` octets, offer it again. */
static void
feed(struct world *w, const uint8_t *in, size_t len, size_t piece)
{
	size_t from = 0, to = 0;

	while (!w->closed) {
		size_t used = peer_conn_input(&w->env, now, w->conn, in + from, to - from);

		HOLD(used <= to - from);
		from += used;
		take(w);
		if (used > 0)
			continue;
		if (to == len)
			break;
		to = len - to < piece ? len : to + piece;
	}
	take(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static struct world a, b;
	unsigned state;
	size_t piece;

	if (len == 0 || len > 20000)
		return 0;
	state = in[0] & 3;
	piece = (in[0] >> 2) + 1u;
	world_init(&a, state);
	world_init(&b, state);
	feed(&a, in + 1, len - 1, len);
	feed(&b, in + 1, len - 1, piece);
	HOLD(a.closed == b.closed);
	HOLD(peer_state(a.p) == peer_state(b.p));
	HOLD(a.updates == b.updates && a.ups == b.ups && a.downs == b.downs);
	HOLD(a.octets == b.octets && memcmp(a.out, b.out, a.octets) == 0);
	HOLD(memcmp(a.p->msgs_in, b.p->msgs_in, sizeof(a.p->msgs_in)) == 0);
	world_free(&a);
	world_free(&b);
	return 0;
}
