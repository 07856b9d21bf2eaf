/*
 * TCP-AO keys on sockets.  See tcp_ao.h.
 *
 * A kernel without TCP-AO answers ENOPROTOOPT to every option of it; one that
 * has it answers ENOENT to TCP_AO_INFO of a socket without keys.  A listener
 * has no current key: connections take the first of the peer's that matches.
 */
#include "agent/tcp_ao.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "agent/tcp_sock.h"

#define OPT_AO_ADD_KEY 38
#define OPT_AO_DEL_KEY 39
#define OPT_AO_INFO    40

_Static_assert(sizeof(struct tcp_ao_kernel_add) == 288, "as the kernel has it");
_Static_assert(sizeof(struct tcp_ao_kernel_del) == 144, "as the kernel has it");

/* By enum conf_ao_algorithm: the kernel's names. RFC 5926 section 3.2. */
static const char *const algorithms[] = { "hmac(sha1)", "cmac(aes128)" };

bool
tcp_ao_supported(void)
{
	static int known = -1; /* the kernel does not change under a process */
	uint8_t info[256];
	socklen_t len = sizeof info;
	int fd;

	if (known >= 0)
		return known > 0;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false; /* no verdict: ask again next time */
	memset(info, 0, sizeof info);
	known = getsockopt(fd, IPPROTO_TCP, OPT_AO_INFO, info, &len) == 0 || errno != ENOPROTOOPT;
	close(fd);
	return known > 0;
}

void
tcp_ao_fill(struct tcp_ao_kernel_add *ret, const struct ip_prefix *peer,
    const struct tcp_ao_key *k, bool current)
{
	struct ip_addr addr = ip_addr_from_bytes(peer->af, peer->b);

	memset(ret, 0, sizeof *ret);
	tcp_sockaddr(&addr, 0, &ret->addr);
	memcpy(ret->alg_name, algorithms[k->algorithm], strlen(algorithms[k->algorithm]));
	ret->set_current = ret->set_rnext = current;
	ret->prefix = peer->len;
	ret->sndid = k->send_id;
	ret->rcvid = k->recv_id;
	ret->keylen = k->key_len;
	memcpy(ret->key, k->key, k->key_len);
}

int
tcp_ao_set(int fd, const struct ip_prefix *peer, const struct tcp_ao_key *k, uint8_t n, bool listens)
{
	struct tcp_ao_kernel_add add;
	int r = 0;

	for (uint8_t i = 0; i < n && r == 0; i++) {
		tcp_ao_fill(&add, peer, &k[i], i == 0 && !listens);
		if (setsockopt(fd, IPPROTO_TCP, OPT_AO_ADD_KEY, &add, sizeof add) < 0)
			r = -errno;
	}
	explicit_bzero(&add, sizeof add);
	return r;
}

void
tcp_ao_unset(int fd, const struct ip_prefix *peer, const struct tcp_ao_key *k, uint8_t n)
{
	struct ip_addr addr = ip_addr_from_bytes(peer->af, peer->b);

	for (uint8_t i = 0; i < n; i++) {
		struct tcp_ao_kernel_del del;

		memset(&del, 0, sizeof del);
		tcp_sockaddr(&addr, 0, &del.addr);
		del.prefix = peer->len;
		del.sndid = k[i].send_id;
		del.rcvid = k[i].recv_id;
		(void)setsockopt(fd, IPPROTO_TCP, OPT_AO_DEL_KEY, &del, sizeof del);
	}
}
