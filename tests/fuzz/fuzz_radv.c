/*
 * Neighbour discovery: the first octets say where packets come from and how much time passes,
 * the rest are packets, each behind its length.  Whatever comes, a link has at most one
 * neighbour, that is link-local, and the next deadline is never in the past for long.
 */
#include "bgpd/core/radv.h"
#include "lib/wire.h"
#include "tests/fuzz/fuzz.h"

/* Every other packet is from the same router. */
static void
one_packet(struct radv *r, struct mono_us *now, struct rd *in)
{
	struct radv_packet p = { .from = { .af = IP6, .b = { 0xfe, 0x80 } } };
	uint8_t how = rd_u8(in), from = rd_u8(in), len = rd_u8(in);
	struct radv_link *l = NULL;
	enum radv_news news;

	if (how & 1)
		p.from.b[0] = 0x20;
	p.from.b[15] = from;
	p.ifindex = how & 2 ? 8 : 7;
	p.hop_limit = how & 4 ? 64 : RADV_HOP_LIMIT;
	*now = mono_add_us(*now, (how >> 3) * UINT64_C(1100000));
	p.octets = len < rd_left(in) ? len : rd_left(in);
	p.p = rd_take(in, p.octets);
	news = radv_input(r, *now, &p, &l);
	HOLD(news == RADV_NOTHING || l);
	HOLD(news != RADV_FOUND || (p.hop_limit == RADV_HOP_LIMIT && p.ifindex == 7));
	if (l && l->neighbour.af)
		HOLD(ip_addr_is_link_local(&l->neighbour) && l->neighbour.ifindex == 7);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct mono_us now = { 1000000000 };
	struct rd r = rd_init(in, len);
	enum radv_type type;
	struct radv radv;
	struct rng rng;
	uint32_t ifindex;

	rng_seed(&rng, len);
	radv_init(&radv, &rng);
	radv_add(&radv, now, 7);
	while (rd_left(&r) > 0) {
		unsigned sent = 0;

		one_packet(&radv, &now, &r);
		while (radv_expire(&radv, now))
			HOLD(++sent < 2);
		while (radv_next(&radv, now, &ifindex, &type))
			HOLD(++sent < 4);
		HOLD(mono_before(now, radv_deadline(&radv)));
	}
	radv_free(&radv);
	return 0;
}
