/*
 * Authentication of BFD packets: RFC 5880 sections 4.3, 4.4, 6.7.3 and 6.7.4.
 */
#ifndef BFDD_CORE_AUTH_H
#define BFDD_CORE_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bfdd/core/bfd.h"
#include "bfdd/core/pkt.h"
#include "lib/wire.h"

/* The sequence number of the last packet from the peer. */
struct bfd_auth_rx {
	uint32_t seq;
	bool known;
};

/* Is the key usable for this type? Length within what the section has room for. */
bool bfd_auth_is_valid(const struct bfd_auth *a);

/* Does each packet need a sequence number of its own? */
bool bfd_auth_is_meticulous(enum bfd_auth_type type);

/* Octets of the authentication section; 0 for BFD_AUTH_NONE. */
uint8_t bfd_auth_octets(enum bfd_auth_type type);

/*
 * May this packet, p decoded from buf, be taken by a session that uses a? On BFD_RX_OK
 * *rx holds its sequence number; otherwise nothing changed.
 */
enum bfd_rx bfd_auth_check(const struct bfd_auth *a, const struct bfd_ops *ops,
    const struct bfd_pkt *p, const void *buf, struct bfd_auth_rx *rx);

/* Append the section to the packet in w, which holds its mandatory section and nothing else. */
void bfd_auth_append(
    const struct bfd_auth *a, const struct bfd_ops *ops, uint32_t seq, struct wr *w);

#endif
