/*
 * weft-bgpd with a fault: an UPDATE with the community 65432:54321 kills it.
 *
 * Linked from bgpd's own objects with the decoder wrapped (ld --wrap), so that
 * the program that is delivered has no such switch in it.
 */
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/update.h"

void __real_update_decode(const struct update_ctx *ctx, const uint8_t *body, size_t octets,
    struct update *ret);
void __wrap_update_decode(const struct update_ctx *ctx, const uint8_t *body, size_t octets,
    struct update *ret);

static const uint8_t marker[] = { 0xff, 0x98, 0xd4, 0x31 };

void
__wrap_update_decode(const struct update_ctx *ctx, const uint8_t *body, size_t octets,
    struct update *ret)
{
	if (memmem(body, octets, marker, sizeof(marker)))
		abort();
	__real_update_decode(ctx, body, octets, ret);
}
