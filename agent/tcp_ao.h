/*
 * TCP-AO (RFC 5925) keys on sockets, on kernels that have it: Linux 6.7 with
 * CONFIG_TCP_AO.  What the kernel's header says about it is written down here,
 * because the headers that we build with are older.
 */
#ifndef AGENT_TCP_AO_H
#define AGENT_TCP_AO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/tcp.h"
#include "lib/ip.h"

/* What setsockopt(TCP_AO_ADD_KEY) takes: include/uapi/linux/tcp.h since Linux 6.7. */
struct tcp_ao_kernel_add {
	struct sockaddr_storage addr; /* of the peer */
	char alg_name[64];
	int32_t ifindex;
	uint32_t set_current : 1, set_rnext : 1, reserved : 30;
	uint16_t reserved2;
	uint8_t prefix; /* length, of addr */
	uint8_t sndid, rcvid;
	uint8_t maclen; /* 0: the usual 96 bits */
	uint8_t keyflags;
	uint8_t keylen;
	uint8_t key[TCP_KEY_MAX];
} __attribute__((aligned(8)));

/* What setsockopt(TCP_AO_DEL_KEY) takes. */
struct tcp_ao_kernel_del {
	struct sockaddr_storage addr;
	int32_t ifindex;
	uint32_t set_current : 1, set_rnext : 1, del_async : 1, reserved : 29;
	uint16_t reserved2;
	uint8_t prefix;
	uint8_t sndid, rcvid;
	uint8_t current_key, rnext;
	uint8_t keyflags;
} __attribute__((aligned(8)));

/* Does this kernel have it?  Asked once for the life of the process. */
bool tcp_ao_supported(void);

/* The message for a key; current: the one to send with and to ask for (not on a listener). */
void tcp_ao_fill(struct tcp_ao_kernel_add *ret, const struct ip_prefix *peer,
    const struct tcp_ao_key *k, bool current);

/* Give a socket a peer's keys, the first one current unless it listens: 0 or -errno. */
int tcp_ao_set(int fd, const struct ip_prefix *peer, const struct tcp_ao_key *k, uint8_t n,
    bool listens);

/* Take them away again; what is not there does no harm. */
void tcp_ao_unset(int fd, const struct ip_prefix *peer, const struct tcp_ao_key *k, uint8_t n);

#endif
