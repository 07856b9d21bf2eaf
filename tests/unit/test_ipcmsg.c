/*
 * The message table and its codecs: bounds, senders, channels, malformed octets.
 * Random messages are in prop/prop_lib.c.
 */
#include "lib/ipcmsg.h"

#include "lib/wire.h"
#include "tests/prop/gen_ipcmsg.h"
#include "tests/unit/unit.h"

static uint8_t buf[IPC_MAX_OCTETS + 1];
static struct ipc_msg in, out;

START_TEST(table_is_whole)
{
	const struct ipc_desc *d = &ipc_desc[_i];

	ck_assert_ptr_nonnull(d->name);
	ck_assert_uint_ge(d->min, 2);
	ck_assert_uint_le(d->min, d->max);
	ck_assert_uint_le(d->max, IPC_MAX_OCTETS);
	ck_assert_int_le((int)d->chan, IPC_CHAN_BFD);
	ck_assert_int_eq(d->both, _i == IPC_HELLO);
	ck_assert_int_eq(d->fd,
	    _i == IPC_CONN_DONE || _i == IPC_BMP_DONE || _i == IPC_MRT_START || _i == IPC_CONN_IN ||
		_i == IPC_CONN_LENT || _i == IPC_RA_SOCKET);
	for (int i = 1; i < _i; i++)
		ck_assert_str_ne(d->name, ipc_desc[i].name);
}
END_TEST

/* The table's bounds are exactly what the shortest and the longest message take. */
START_TEST(bounds_are_exact)
{
	struct gen g = { .size = GEN_SHORTEST };
	size_t n;

	rng_seed(&g.rng, 1);
	gen_ipcmsg(&g, (enum ipc_type)_i, &in);
	n = ipcmsg_encode(&in, buf, sizeof(buf));
	ck_assert_uint_eq(n, ipc_desc[_i].min);
	g.size = GEN_LONGEST;
	gen_ipcmsg(&g, (enum ipc_type)_i, &in);
	n = ipcmsg_encode(&in, buf, sizeof(buf));
	ck_assert_uint_eq(n, ipc_desc[_i].max);
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, n - 1), 0); /* one octet too little room */
}
END_TEST

START_TEST(sender_channel_and_length)
{
	const struct ipc_desc *d = &ipc_desc[_i];
	enum ipc_side other = d->sender == IPC_AGENT ? IPC_BGPD : IPC_AGENT;
	struct gen g = { .size = GEN_RANDOM };
	size_t n;

	rng_seed(&g.rng, 2);
	gen_ipcmsg(&g, (enum ipc_type)_i, &in);
	n = ipcmsg_encode(&in, buf, sizeof(buf));
	ck_assert_ptr_null(ipcmsg_decode(d->sender, d->chan, buf, n, &out));
	ck_assert_int_eq((int)out.type, _i);
	ck_assert_int_eq(ipcmsg_decode(other, d->chan, buf, n, &out) == NULL, d->both);
	for (int c = 0; c <= IPC_CHAN_BFD; c++)
		ck_assert_int_eq(
		    ipcmsg_decode(d->sender, (enum ipc_chan)c, buf, n, &out) == NULL,
		    c == (int)d->chan);
	for (size_t cut = 0; cut < n; cut += cut < 64 ? 1 : 61)
		ck_assert_ptr_nonnull(ipcmsg_decode(d->sender, d->chan, buf, cut, &out));
	ck_assert_ptr_nonnull(ipcmsg_decode(d->sender, d->chan, buf, n + 1, &out));
}
END_TEST

START_TEST(unknown_types)
{
	static const uint16_t types[] = { 0, IPC_NTYPES, 0xffff };
	struct wr w;

	for (int i = 0; i < NROWS(types); i++)
		for (int c = 0; c <= IPC_CHAN_BFD; c++) {
			w = wr_init(buf, 100);
			wr_u16(&w, types[i]);
			ck_assert_ptr_nonnull(
			    ipcmsg_decode(IPC_AGENT, (enum ipc_chan)c, buf, 100, &out));
		}
	in.type = (enum ipc_type)0;
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	in.type = IPC_NTYPES;
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
}
END_TEST

/* Well framed, wrong inside. Each row is a type, what follows it, and a word of the complaint. */
static const struct {
	const char *what;
	enum ipc_type type;
	const uint8_t *octets;
	size_t len;
	const char *why;
} bad_rows[] = {
	{ "text longer than the message", IPC_SHUTDOWN, HEX(1, 0, 5, 'a'), "inside a field" },
	{ "NUL inside a text", IPC_SHUTDOWN, HEX(1, 0, 2, 'a', 0), "NUL" },
	{ "octets after the text", IPC_SHUTDOWN, HEX(1, 0, 1, 'a', 'b'), "left over" },
	{ "unknown mode", IPC_SHUTDOWN, HEX(2, 0, 0), "enumeration" },
	{ "flag of 2", IPC_NH_WATCH, HEX(1, 0, 0, 0, 0, 10, 0, 0, 1, 2), "flag" },
	{ "next hop of no family", IPC_NH_WATCH, HEX(0, 0, 0, 0, 0, 1, 0, 0, 0, 0), "without address" },
	{ "address of family 3", IPC_NH_WATCH, HEX(3, 0, 0, 0, 0, 10, 0, 0, 1, 1), "enumeration" },
	{ "prefix of 33 bits", IPC_ORIGINATE_DEL, HEX(1, 33, 10, 0, 0, 0, 0), "prefix length" },
	{ "prefix with host bits", IPC_ORIGINATE_DEL, HEX(1, 8, 10), NULL },
	{ "prefix with host bits", IPC_ORIGINATE_DEL, HEX(1, 7, 11), "bits beyond" },
	{ "prefix without family", IPC_ORIGINATE_DEL, HEX(0, 0), "without a family" },
	{ "prefix of 1 bit without family", IPC_ORIGINATE_DEL, HEX(0, 1, 0x80), "prefix length" },
	{ "route of set 0", IPC_ROUTE, HEX(0, 0, 0, 0, 0, 0), "id is 0" },
	{ "1025 prefixes", IPC_ROUTE, HEX(0, 0, 0, 1, 4, 1), "number of elements" },
	{ "65535 prefixes, none there", IPC_ROUTE, HEX(0, 0, 0, 1, 255, 255), "number of" },
	{ "two prefixes, one there", IPC_ROUTE, HEX(0, 0, 0, 1, 0, 2, 1, 0), "inside a field" },
	{ "one prefix, two there", IPC_ROUTE, HEX(0, 0, 0, 1, 0, 1, 1, 0, 2, 0), "left over" },
	{ "set without members", IPC_NHSET,
	    HEX(0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	    "number of" },
	{ "member of weight 0", IPC_NHSET,
	    HEX(0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 10, 0, 0, 1, 0), "weight" },
};

START_TEST(malformed)
{
	const struct ipc_desc *d = &ipc_desc[bad_rows[_i].type];
	struct wr w = wr_init(buf, sizeof(buf));
	const char *why;

	wr_u16(&w, (uint16_t)bad_rows[_i].type);
	wr_bytes(&w, bad_rows[_i].octets, bad_rows[_i].len);
	why = ipcmsg_decode(d->sender, d->chan, buf, wr_len(&w), &out);
	if (!bad_rows[_i].why) {
		ck_assert_ptr_null(why);
		return;
	}
	ck_assert_msg(why != NULL, "%s", bad_rows[_i].what);
	ck_assert_msg(strstr(why, bad_rows[_i].why) != NULL, "%s: %s", bad_rows[_i].what, why);
}
END_TEST

/* Settings that no speaker may be given. */
START_TEST(settings_out_of_range)
{
	struct gen g = { .size = GEN_SHORTEST };
	struct ipc_msg good;

	gen_ipcmsg(&g, IPC_CONF_SPEAKER, &good);
	ck_assert_uint_gt(ipcmsg_encode(&good, buf, sizeof(buf)), 0);
	in = good;
	in.conf_speaker.router_id = 0; /* RFC 6286 section 2.1 */
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	in = good;
	in.conf_speaker.asn = 0; /* RFC 7607 section 2 */
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	in = good;
	in.conf_speaker.multipath = 65;
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	in = good;
	in.conf_speaker.gr_restart_time_s = 4096; /* RFC 4724 section 3: 12 bits */
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	gen_ipcmsg(&g, IPC_CONF_PEER, &good);
	in = good;
	in.conf_peer.hold_s = 2; /* RFC 4271 section 4.2 */
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	in.conf_peer.hold_s = 0;
	ck_assert_uint_gt(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	memset(in.conf_peer.name, 'x', sizeof(in.conf_peer.name)); /* no NUL */
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
}
END_TEST

/* What bfdd would refuse is not sent. */
START_TEST(bfd_sessions_out_of_range)
{
	struct gen g = { .size = GEN_SHORTEST };

	gen_ipcmsg(&g, IPC_BFD_SESSION, &in);
	ck_assert_uint_gt(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	in.bfd_session.detect_mult = 0;
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	gen_ipcmsg(&g, IPC_BFD_SESSION, &in);
	in.bfd_session.remote.af = IP_NONE;
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	gen_ipcmsg(&g, IPC_BFD_SESSION, &in);
	in.bfd_session.rx_us = 0;
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
	gen_ipcmsg(&g, IPC_BFD_SESSION, &in);
	in.bfd_session.key_len = IPC_BFD_KEY_MAX + 1;
	ck_assert_uint_eq(ipcmsg_encode(&in, buf, sizeof(buf)), 0);
}
END_TEST

START_TEST(names)
{
	for (int i = 0; i <= IPC_ESTABLISHED; i++)
		ck_assert_str_ne(ipc_fsm_state_name((enum ipc_fsm_state)i), "unknown");
	ck_assert_str_eq(ipc_fsm_state_name(IPC_OPENCONFIRM), "OpenConfirm");
	ck_assert_str_eq(ipc_fsm_state_name((enum ipc_fsm_state)6), "unknown");
	for (int i = 0; i <= IPC_V_HELD; i++)
		ck_assert_str_ne(ipc_verdict_name((enum ipc_verdict_state)i), "unknown");
	ck_assert_str_eq(ipc_verdict_name((enum ipc_verdict_state)99), "unknown");
	for (int i = 0; i < IPC_NREFUSALS; i++)
		ck_assert_str_ne(ipc_refusal_text((enum ipc_refusal)i), "unknown");
	ck_assert_str_eq(ipc_refusal_text(IPC_NREFUSALS), "unknown");
	for (int i = 0; i <= IPC_BFD_UP; i++)
		ck_assert_str_ne(ipc_bfd_state_name((enum ipc_bfd_state)i), "unknown");
	ck_assert_str_eq(ipc_bfd_state_name((enum ipc_bfd_state)4), "unknown");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipcmsg");
	TCase *tc = unit_case(s, "ipcmsg");

	tcase_add_loop_test(tc, table_is_whole, 1, IPC_NTYPES);
	tcase_add_loop_test(tc, bounds_are_exact, 1, IPC_NTYPES);
	tcase_add_loop_test(tc, sender_channel_and_length, 1, IPC_NTYPES);
	tcase_add_test(tc, unknown_types);
	tcase_add_loop_test(tc, malformed, 0, NROWS(bad_rows));
	tcase_add_test(tc, settings_out_of_range);
	tcase_add_test(tc, bfd_sessions_out_of_range);
	tcase_add_test(tc, names);
	return unit_run(s);
}
