/*
 * ROUTE-REFRESH and NOTIFICATION. The first octet chooses: bit 0 which of them, bit 1
 * whether enhanced refresh was agreed. What is read of either is within its bounds, a
 * refusal has code and data from the input, and a shutdown communication becomes text
 * that a terminal and a UTF-8 reader may have.
 */
#include <string.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/msg.h"
#include "tests/fuzz/fuzz.h"

static void
check_refresh(const uint8_t *in, size_t len, bool enhanced)
{
	struct bgp_err e = { 0 };
	struct msg_refresh m;

	if (len < BGP_HEADER_OCTETS)
		return; /* the framing keeps these away */
	msg_decode_refresh(in, len, enhanced, &m, &e);
	HOLD(m.af == 0 || m.af == IP4 || m.af == IP6);
	HOLD(enhanced || m.subtype == REFRESH_REQUEST);
	HOLD((e.act == ACT_RESET) == (e.why != NULL));
	if (e.act == ACT_RESET)
		HOLD(e.data >= in && e.data + e.data_octets <= in + len);
}

/* No control in it, every character whole. */
static bool
is_plain_utf8(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;

	while (*p) {
		unsigned n = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;

		if (*p < 0x20 || *p == 0x7f || (*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
			return false;
		if (p[0] == 0xc2 && p[1] < 0xa0)
			return false;
		for (p++; n > 0; n--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static void
check_notification(const uint8_t *in, size_t len)
{
	struct msg_notification n, again;
	char text[300], words[BGP_WORDS_MAX];
	static uint8_t out[BGP_MAX_OCTETS];
	struct wr w = wr_init(out, sizeof(out));

	msg_decode_notification(in, len, &n);
	HOLD(n.data_octets == 0 || (n.data >= in && n.data + n.data_octets <= in + len));
	HOLD(is_plain_utf8(msg_shutdown_text(&n, text, sizeof(text))));
	HOLD(strlen(bgp_err_words(n.code, n.sub, words)) < sizeof(words));
	msg_encode_notification(&w, &n);
	HOLD(!w.full);
	msg_decode_notification(out + BGP_HEADER_OCTETS, wr_len(&w) - BGP_HEADER_OCTETS, &again);
	HOLD(again.code == n.code && again.sub == n.sub && again.data_octets <= n.data_octets);
	HOLD(again.data_octets == 0 || memcmp(again.data, n.data, again.data_octets) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	if (len == 0 || len > BGP_MAX_EXT_OCTETS)
		return 0;
	if (in[0] & 1)
		check_refresh(in + 1, len - 1, in[0] & 2);
	else
		check_notification(in + 1, len - 1);
	return 0;
}
