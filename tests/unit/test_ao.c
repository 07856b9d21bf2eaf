/*
 * TCP-AO (RFC 5925): what is asked of a kernel that has it, and what one
 * without it answers.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <unistd.h>

#include "agent/tcp_ao.h"
#include "tests/unit/unit.h"

static const struct tcp_ao_key keys[] = {
	{ .send_id = 1, .recv_id = 2, .algorithm = 0, .key_len = 3, .key = "abc" },
	{ .send_id = 255, .recv_id = 0, .algorithm = 1, .key_len = TCP_KEY_MAX },
};

/* include/uapi/linux/tcp.h of Linux 6.7 */
START_TEST(layout)
{
	ck_assert_uint_eq(offsetof(struct tcp_ao_kernel_add, alg_name), 128);
	ck_assert_uint_eq(offsetof(struct tcp_ao_kernel_add, ifindex), 192);
	ck_assert_uint_eq(offsetof(struct tcp_ao_kernel_add, reserved2), 200);
	ck_assert_uint_eq(offsetof(struct tcp_ao_kernel_add, prefix), 202);
	ck_assert_uint_eq(offsetof(struct tcp_ao_kernel_add, keylen), 207);
	ck_assert_uint_eq(offsetof(struct tcp_ao_kernel_add, key), 208);
	ck_assert_uint_eq(offsetof(struct tcp_ao_kernel_del, prefix), 138);
	ck_assert_uint_eq(offsetof(struct tcp_ao_kernel_del, keyflags), 143);
}
END_TEST

START_TEST(message)
{
	struct ip_prefix net = px("10.1.0.0/16"), host6 = px("fd00::1/128");
	struct tcp_ao_kernel_add m;
	const struct sockaddr_in *s4 = (const void *)&m.addr;
	const struct sockaddr_in6 *s6 = (const void *)&m.addr;

	tcp_ao_fill(&m, &net, &keys[0], true);
	ck_assert_uint_eq(s4->sin_family, AF_INET);
	ck_assert_uint_eq(ntohl(s4->sin_addr.s_addr), 0x0a010000);
	ck_assert_uint_eq(m.prefix, 16);
	ck_assert_str_eq(m.alg_name, "hmac(sha1)");
	ck_assert(m.set_current && m.set_rnext);
	ck_assert_uint_eq(m.sndid, 1);
	ck_assert_uint_eq(m.rcvid, 2);
	ck_assert_uint_eq(m.keylen, 3);
	ck_assert_mem_eq(m.key, "abc", 4);
	tcp_ao_fill(&m, &host6, &keys[1], false);
	ck_assert_uint_eq(s6->sin6_family, AF_INET6);
	ck_assert_mem_eq(&s6->sin6_addr, host6.b, 16);
	ck_assert_uint_eq(m.prefix, 128);
	ck_assert_str_eq(m.alg_name, "cmac(aes128)");
	ck_assert(!m.set_current && !m.set_rnext && !m.reserved && !m.reserved2 && !m.ifindex);
	ck_assert_uint_eq(m.keylen, TCP_KEY_MAX);
}
END_TEST

/* The probe and the option itself agree, whatever kernel this is. */
START_TEST(kernel)
{
	struct ip_prefix peer = px("10.0.0.2/32");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	ck_assert_int_ge(fd, 0);
	r = tcp_ao_set(fd, &peer, keys, 2, false);
	if (tcp_ao_supported())
		ck_assert_int_eq(r, 0);
	else
		ck_assert_int_eq(r, -ENOPROTOOPT);
	tcp_ao_unset(fd, &peer, keys, 2);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ao");
	TCase *t = unit_case(s, "keys");

	tcase_add_test(t, layout);
	tcase_add_test(t, message);
	tcase_add_test(t, kernel);
	return unit_run(s);
}
