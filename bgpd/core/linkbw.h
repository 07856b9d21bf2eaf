/*
 * The Link Bandwidth extended community (RFC 10005) and what multipath makes of it: next
 * hops share the traffic as their paths' bandwidths are to each other.
 */
#ifndef BGPD_CORE_LINKBW_H
#define BGPD_CORE_LINKBW_H

#include <stdint.h>

#include "bgpd/core/attrs.h"

/*
 * Octets per second, or 0: none, or none that counts (negative, infinite, not a number). Of
 * several the lowest, transitive or not; one of 0 makes it 0.
 */
float linkbw_of(const struct attrs *a);

/*
 * Weights from 1 to 255 for n bandwidths, all above 0: the smallest numbers that come within
 * one per cent, or else 255 for the greatest and the others in proportion.
 */
void linkbw_weights(const float *bw, uint16_t n, uint8_t *ret);

#endif
