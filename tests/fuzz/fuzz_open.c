/*
 * An OPEN's body: what is accepted keeps its meaning when we write it again;
 * what is refused has a code, and its data lie within the input.
 */
#include "bgpd/core/bgp.h"
#include "bgpd/core/msg.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t our_version[2] = { 0, BGP_VERSION };

static void
check_verdict(const struct bgp_err *e, const uint8_t *in, size_t len)
{
	HOLD((e->act == ACT_NONE) == (e->why == NULL));
	if (e->act == ACT_NONE)
		return;
	HOLD(e->act == ACT_RESET && e->code == ERR_OPEN);
	HOLD(e->off <= len + BGP_HEADER_OCTETS);
	if (e->sub == OPEN_BAD_VERSION)
		HOLD(e->data_octets == 2 && e->data[1] == our_version[1]);
	else if (e->data_octets)
		HOLD(e->data >= in && e->data + e->data_octets <= in + len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct bgp_err e = { 0 }, e2 = { 0 };
	struct msg_open o, back;
	uint8_t buf[512];
	struct wr w = wr_init(buf, sizeof(buf));

	if (len < BGP_OPEN_MIN_OCTETS - BGP_HEADER_OCTETS)
		return 0; /* the header's check keeps these away */
	msg_decode_open(in, len, &o, &e);
	check_verdict(&e, in, len);
	if (e.act != ACT_NONE)
		return 0;
	HOLD(o.asn != 0 && o.id != 0 && o.hold_s != 1 && o.hold_s != 2);
	HOLD(!(o.caps.gr.forwarding & ~o.caps.gr.families));
	msg_encode_open(&w, &o, true);
	HOLD(!w.full);
	msg_decode_open(buf + BGP_HEADER_OCTETS, wr_len(&w) - BGP_HEADER_OCTETS, &back, &e2);
	HOLD(e2.act == ACT_NONE);
	HOLD(back.hold_s == o.hold_s && back.id == o.id);
	HOLD(back.asn == o.asn || (!o.caps.as4 && o.asn > UINT16_MAX));
	HOLD(back.caps.families == o.caps.families && back.caps.refresh == o.caps.refresh);
	HOLD(back.caps.gr.present == o.caps.gr.present && back.caps.gr.time_s == o.caps.gr.time_s);
	HOLD(back.caps.gr.families == o.caps.gr.families &&
	    back.caps.gr.forwarding == o.caps.gr.forwarding);
	return 0;
}
