/*
 * Link bandwidth; see linkbw.h.  Eight octets: type 0x40, or 0x00 where it may leave the AS;
 * subtype 0x04; an AS number, which means nothing to us; a single-precision IEEE 754 number.
 */
#include "bgpd/core/linkbw.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>

#include "lib/wire.h"

#define LB_TYPE_MASK 0xbf /* without "not transitive": RFC 4360 section 2 */
#define LB_SUBTYPE   0x04

float
linkbw_of(const struct attrs *a)
{
	struct attrs_view v = attrs_part(a, ATTRS_EXT);
	struct rd r = rd_init(v.p, v.octets);
	float least = 0, rate;
	bool any = false;

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), subtype = rd_u8(&r);
		uint32_t bits;

		rd_skip(&r, 2);
		bits = rd_u32(&r);
		if ((type & LB_TYPE_MASK) != 0 || subtype != LB_SUBTYPE)
			continue;
		memcpy(&rate, &bits, sizeof(rate));
		if (!(rate >= 0 && rate <= FLT_MAX))
			continue;
		least = any && least < rate ? least : rate;
		any = true;
	}
	return least;
}

/* Is every bandwidth, in steps of one, within one per cent of a whole number up to 255? */
static bool
fits(const float *bw, uint16_t n, float one)
{
	uint16_t k;

	for (k = 0; k < n && one > 0; k++) {
		float steps = bw[k] / one, whole, off;

		if (steps > 255)
			return false;
		whole = (float)(unsigned)(steps + 0.5f);
		off = steps > whole ? steps - whole : whole - steps;
		if (off > whole / 100)
			return false;
	}
	return one > 0;
}

void
linkbw_weights(const float *bw, uint16_t n, uint8_t *ret)
{
	float least = FLT_MAX, most = 0, one;
	unsigned parts = 1, w;
	uint16_t k;

	for (k = 0; k < n; k++) {
		least = bw[k] < least ? bw[k] : least;
		most = bw[k] > most ? bw[k] : most;
	}
	while (parts <= 16 && !fits(bw, n, least / (float)parts))
		parts++;
	one = parts <= 16 ? least / (float)parts : most / 255;
	for (k = 0; k < n; k++) {
		w = one > 0 ? (unsigned)(bw[k] / one + 0.5f) : 1;
		ret[k] = w < 1 ? 1 : w > 255 ? 255 : (uint8_t)w;
	}
}
