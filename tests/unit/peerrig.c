/*
 * One peer and its sessions; see peerrig.h.
 */
#include "tests/unit/peerrig.h"

#include <check.h>
#include <errno.h>

struct rig r;
struct msg_open theirs;

const uint8_t eor[4];
const uint8_t v4_refresh[] = { 0, 1, 0, 1 };

void
setup(void)
{
	rig_init(&r, 1);
	theirs = rig_their_open();
}

void
teardown(void)
{
	rig_free(&r);
}

struct session *
in(void)
{
	return &r.p->s[SESSION_IN];
}

struct session *
out(void)
{
	return &r.p->s[SESSION_OUT];
}

uint64_t
left_us(const struct session *s, enum session_timer t)
{
	ck_assert(!mono_is_never(s->deadline[t]));
	return mono_diff_us(s->deadline[t], r.now);
}

bool
runs(const struct session *s, enum session_timer t)
{
	return !mono_is_never(s->deadline[t]);
}

void
discard(conn_id c)
{
	uint8_t buf[8192];

	rig_output(&r, c, buf, sizeof(buf));
}

const char *
out_types(conn_id c)
{
	static char types[512];
	uint8_t buf[8192];
	size_t len = rig_output(&r, c, buf, sizeof(buf)), off = 0, n = 0;

	while (off < len) {
		ck_assert_uint_lt(n, sizeof(types) - 1);
		types[n++] = (char)('0' + buf[off + 18]);
		off += (size_t)(buf[off + 16] << 8 | buf[off + 17]);
	}
	ck_assert_uint_eq(off, len);
	types[n] = '\0';
	return types;
}

void
up(conn_id c)
{
	ck_assert_uint_ne(c, 0);
	rig_send_open(&r, c, &theirs);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	discard(c);
	r.ntodo = 0;
}

conn_id
up_with_n_bit(void)
{
	conn_id c;

	r.gr = theirs.caps.gr = (struct cap_gr){ .present = true, .notification = true,
		.time_s = 120, .families = 3 };
	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	return c;
}

conn_id
conn_in(enum fsm_state state)
{
	struct msg_open o = rig_their_open();
	conn_id c = rig_accept(&r);

	ck_assert_uint_ne(c, 0);
	if (state >= FSM_OPENCONFIRM)
		rig_send_open(&r, c, &o);
	if (state == FSM_ESTABLISHED)
		rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), state);
	out_types(c);
	r.ntodo = 0;
	return c;
}

void
fail_connect(int err, const char *said)
{
	struct todo t;

	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	peer_conn_failed(r.p, r.now, t.token, err, said);
}

void
end_session(conn_id c, enum ending how)
{
	struct ipc_conf_peer conf = r.pconf;

	switch (how) {
	case END_FIN:
		peer_conn_closed(&r.env, r.now, c, 0);
		break;
	case END_RST:
		peer_conn_closed(&r.env, r.now, c, ECONNRESET);
		break;
	case END_NOTIFICATION:
		rig_send_notification(&r, c, ERR_CEASE, CEASE_ADMIN_RESET, NULL, 0);
		break;
	case END_HOLD:
		rig_pass_us(&r, 9 * S);
		break;
	case END_HEADER:
		rig_input(&r, c, (const uint8_t *)"x", 1);
		break;
	case END_ADMIN_RESET:
		peer_admin_reset(r.p, r.now, "");
		break;
	case END_OURS:
		peer_end(r.p, r.now, ERR_CEASE, CEASE_MAX_PREFIXES, NULL, 0, "too many", 0);
		break;
	case END_RECONFIGURED:
		conf.hold_s = 30;
		ck_assert(peer_configure(r.p, r.now, &conf));
		break;
	case NENDINGS:
		break;
	}
}

void
expect_notification(conn_id c, uint8_t code, uint8_t sub, const uint8_t *data, size_t octets)
{
	uint8_t got[256];
	struct msg_notification n = rig_notification(&r, c, got);

	ck_assert_msg(n.code == code && n.sub == sub, "%u/%u, not %u/%u", n.code, n.sub, code, sub);
	ck_assert_uint_eq(n.data_octets, octets);
	if (octets)
		ck_assert_mem_eq(got, data, octets);
}

void
expect_closed(conn_id c)
{
	struct todo t;

	ck_assert(rig_take(&r, TODO_CLOSE, &t));
	ck_assert_uint_eq(t.conn, c);
	ck_assert_uint_eq(t.peer, 7);
	ck_assert(!in()->conn);
	ck_assert_int_lt(in()->state, FSM_OPENSENT);
}

struct ipc_row_peer
row(void)
{
	struct ipc_row_peer ret = { 0 };

	peer_fill_row(r.p, r.now, &ret);
	return ret;
}

size_t
message(uint8_t *buf, uint8_t type, const void *body, size_t octets)
{
	struct wr w = wr_init(buf, BGP_MAX_EXT_OCTETS);
	size_t mark = msg_open(&w, type);

	wr_bytes(&w, body, octets);
	msg_close(&w, mark);
	ck_assert(!w.full);
	return wr_len(&w);
}

void
send_message(conn_id c, uint8_t type, const void *body, size_t octets)
{
	static uint8_t buf[BGP_MAX_EXT_OCTETS];
	size_t n = message(buf, type, body, octets);

	ck_assert_uint_eq(rig_input(&r, c, buf, n), n);
}
