/*
 * The BFD Control packet: RFC 5880 section 4.1.
 */
#ifndef BFDD_CORE_PKT_H
#define BFDD_CORE_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bfdd/core/bfd.h"
#include "lib/wire.h"

#define BFD_VERSION 1

struct bfd_pkt {
	uint8_t version, diag, state;
	bool poll, final, independent, has_auth, demand, multipoint; /* P F C A D M */
	uint8_t mult, length;
	uint32_t my_discr, your_discr;
	uint32_t tx_us, rx_us, echo_us; /* Desired Min TX, Required Min RX, Required Min Echo RX */
	struct rd auth; /* what follows the mandatory section, as far as Length says; borrowed */
};

/*
 * Read the packet in len octets at buf, which ret->auth borrows. BFD_RX_OK, or the first
 * rule of RFC 5880 section 6.8.6 that it breaks before a session is looked for; *ret holds
 * what could be read in any case.
 */
enum bfd_rx bfd_pkt_decode(const void *buf, size_t len, struct bfd_pkt *ret);

/* Write the mandatory section; version and the M bit are written as they are. */
void bfd_pkt_encode(const struct bfd_pkt *p, struct wr *w);

#endif
