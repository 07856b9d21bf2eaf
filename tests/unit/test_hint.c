/*
 * What the node's side tells about a session that does not come up: the link,
 * the address, and the kernel's counters of dropped segments.
 */
#include <stdio.h>
#include <unistd.h>

#include "agent/tcp_hint.h"
#include "tests/unit/unit.h"

#define START 5000000

/* The node: eth0 works, eth1 has lost its carrier, eth2 is down. */
static struct fib *
node(void)
{
	static const struct kern_link links[] = {
		{ .ifindex = 2, .name = "eth0", .up = true, .carrier = true },
		{ .ifindex = 3, .name = "eth1", .up = true },
		{ .ifindex = 4, .name = "eth2" },
	};
	static const char *const addrs[] = { "10.0.0.1", "10.0.1.1", "10.0.2.1" };
	struct fib *f = fib_new((struct mono_us){ 1 }, 1, NULL);

	for (size_t i = 0; i < 3; i++) {
		struct kern_addr a = { .ifindex = links[i].ifindex, .plen = 24 };

		ck_assert(ip_addr_parse(addrs[i], &a.addr));
		fib_see_link(f, (struct mono_us){ 1 }, &links[i], false);
		fib_see_addr(f, (struct mono_us){ 1 }, &a, false);
	}
	return f;
}

/* A file like /proc/net/netstat with one of the counters at 1; NULL: none of them. */
static void
counters(const char *path, const char *risen)
{
	static const char *const names[] = { "TCPMD5NotFound", "TCPMD5Unexpected", "TCPMD5Failure",
		"TCPMinTTLDrop" };
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs("TcpExt: SyncookiesSent", f);
	for (size_t i = 0; i < 4; i++)
		fprintf(f, " %s", names[i]);
	fputs(" Last\nTcpExt: 77", f);
	for (size_t i = 0; i < 4; i++)
		fprintf(f, " %d", 10 + (risen && strcmp(names[i], risen) == 0));
	fputs(" 3\nIpExt: InNoRoutes\nIpExt: 5\n", f);
	fclose(f);
}

static const struct hint_case {
	const char *peer, *risen;
	enum ipc_fsm_state state;
	bool key, ttl; /* ttl: ttlSecurity; without both we send TTL 1 when one_hop */
	const char *want; /* NULL: no hint */
	bool one_hop, was_up;
} cases[] = {
	{ "10.0.0.2", NULL, IPC_CONNECT, false, false, NULL, false, false },
	{ "10.0.0.1", NULL, IPC_CONNECT, false, false, "10.0.0.1 is this node's own address", false, false },
	{ "10.0.1.2", NULL, IPC_CONNECT, false, false, "interface eth1 has no carrier", false, false },
	{ "10.0.2.2", NULL, IPC_IDLE, false, false, "interface eth2 is down", false, false },
	{ "10.7.7.7", NULL, IPC_CONNECT, false, false, NULL, false, false },
	{ "10.0.0.2", NULL, IPC_CONNECT, true, false, "an MD5 password is set: another one", false, false },
	{ "10.0.0.2", "TCPMD5Failure", IPC_CONNECT, true, false, "ours and the peer's may differ", false, false },
	{ "10.0.0.2", "TCPMD5NotFound", IPC_ACTIVE, true, false, "the peer may have no password", false, false },
	{ "10.0.0.2", "TCPMD5Unexpected", IPC_CONNECT, false, false, "we have none for it", false, false },
	{ "10.0.0.2", "TCPMinTTLDrop", IPC_OPENSENT, false, true, "the peer has to send 255", false, false },
	{ "10.0.0.2", NULL, IPC_CONNECT, false, false, "a peer with TTL security drops", true, false },
	{ "10.0.0.2", NULL, IPC_ACTIVE, false, false, NULL, true, false },
	{ "10.7.7.7", NULL, IPC_ACTIVE, false, false, "ebgpMultihop lets us reach it", true, false },
	{ "10.7.7.7", NULL, IPC_IDLE, false, false, "it is on no link", true, false },
	{ "10.0.0.2", NULL, IPC_OPENCONFIRM, false, false, "ttlSecurity here would send 255", true, false },
	{ "10.0.0.2", "TCPMinTTLDrop", IPC_OPENCONFIRM, false, true, "the peer has to send 255", false, false },
	/* One that has been up did not find our TTL too low. */
	{ "10.0.0.2", NULL, IPC_CONNECT, false, false, NULL, true, true },
	{ "10.0.1.2", NULL, IPC_CONNECT, false, false, "interface eth1 has no carrier", true, true },
	{ "10.0.0.2", NULL, IPC_OPENSENT, false, false, NULL, true, true },
	/* Counters that do not fit this peer, or are no news. */
	{ "10.0.0.2", "TCPMD5Unexpected", IPC_IDLE, false, false, NULL, false, false },
	{ "10.0.0.2", "TCPMD5Failure", IPC_CONNECT, false, false, NULL, false, false },
	{ "10.0.0.2", "TCPMinTTLDrop", IPC_CONNECT, false, false, NULL, false, false },
};

START_TEST(words)
{
	const struct hint_case *c = &cases[_i];
	struct tcp_peer p = { .key_len = c->key, .min_ttl = c->ttl ? 255 : 0,
		.ttl = c->ttl ? 255 : c->one_hop };
	struct mono_us now = { START };
	char path[] = "/tmp/weft-hint.XXXXXX", buf[256];
	struct tcp_drops d = { 0 };
	struct fib *f = node();
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert(ip_addr_parse(c->peer, &p.addr));
	counters(path, NULL);
	tcp_drops_read(&d, now, path);
	counters(path, c->risen);
	now = mono_add_s(now, 2);
	tcp_drops_read(&d, now, path);
	unlink(path);
	tcp_hint_words(&p, c->state, c->was_up, f, &d, now, buf, sizeof buf);
	if (c->want)
		ck_assert_msg(strstr(buf, c->want), "want \"%s\" in \"%s\"", c->want, buf);
	else
		ck_assert_str_eq(buf, "");
	/* An hour later the counters' rise is no reason any more. */
	tcp_hint_words(&p, IPC_ACTIVE, c->was_up, f, &d, mono_add_s(now, 3600), buf, sizeof buf);
	if (c->risen)
		ck_assert_str_eq(buf, "");
	fib_free(f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hint");
	TCase *tc = unit_case(s, "hint");

	tcase_add_loop_test(tc, words, 0, NROWS(cases));
	return unit_run(s);
}
