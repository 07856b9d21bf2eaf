/*
 * Header, OPEN with capabilities, NOTIFICATION, ROUTE-REFRESH: octets, clause,
 * verdict.  RFC 4271 sections 4, 6.1 and 6.2, RFC 2918, RFC 4724 section 3,
 * RFC 5492, RFC 6286, RFC 6793, RFC 7607, RFC 9003, RFC 9072; names of RFC
 * 4271, 4486, 6608, 7313, 9687.
 */
#include "bgpd/core/msg.h"
#include "tests/unit/unit.h"

#define MARKER                                                                                     \
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  \
	    0xff

/* ---- framing: RFC 4271 section 6.1 -------------------------------------------------------- */

struct frame_case {
	const char *name;
	const uint8_t *in;
	size_t octets;
	enum msg_framing framing;
	uint8_t sub;
	uint16_t off, data_octets;
	uint8_t data; /* last octet of the data field */
};

static const struct frame_case frame_cases[] = {
	{ "nothing yet", HEX(0xff), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "keepalive", HEX(MARKER, 0, 19, 4), MSG_WHOLE, 0, 0, 0, 0 },
	{ "keepalive and more", HEX(MARKER, 0, 19, 4, 0xff), MSG_WHOLE, 0, 0, 0, 0 },
	{ "marker only", HEX(MARKER), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "half a length", HEX(MARKER, 0), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "no type yet", HEX(MARKER, 0, 19), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "body missing", HEX(MARKER, 0, 23, 2, 0, 0, 0), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "marker, first octet: s6.1", HEX(0), MSG_BAD, HDR_NOT_SYNCHRONIZED, 0, 0, 0 },
	{ "marker, last octet: s6.1",
	    HEX(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xfe),
	    MSG_BAD, HDR_NOT_SYNCHRONIZED, 15, 0, 0 },
	{ "length 18: s6.1", HEX(MARKER, 0, 18), MSG_BAD, HDR_BAD_LENGTH, 16, 2, 18 },
	{ "length 0: s6.1", HEX(MARKER, 0, 0, 4), MSG_BAD, HDR_BAD_LENGTH, 16, 2, 0 },
	{ "length 4097: s6.1", HEX(MARKER, 0x10, 1), MSG_BAD, HDR_BAD_LENGTH, 16, 2, 1 },
	{ "length 4096: fine", HEX(MARKER, 0x10, 0, 2), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "type 0: s6.1", HEX(MARKER, 0, 19, 0), MSG_BAD, HDR_BAD_TYPE, 18, 1, 0 },
	{ "type 6: s6.1", HEX(MARKER, 0, 19, 6), MSG_BAD, HDR_BAD_TYPE, 18, 1, 6 },
	{ "type 255: s6.1", HEX(MARKER, 0, 19, 255), MSG_BAD, HDR_BAD_TYPE, 18, 1, 255 },
	{ "open of 28: s6.1", HEX(MARKER, 0, 28, 1), MSG_BAD, HDR_BAD_LENGTH, 16, 2, 28 },
	{ "open of 29: fine", HEX(MARKER, 0, 29, 1), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "update of 22: s6.1", HEX(MARKER, 0, 22, 2), MSG_BAD, HDR_BAD_LENGTH, 16, 2, 22 },
	{ "update of 23: fine", HEX(MARKER, 0, 23, 2), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "notification of 20: s6.1", HEX(MARKER, 0, 20, 3), MSG_BAD, HDR_BAD_LENGTH, 16, 2, 20 },
	{ "notification of 21: fine", HEX(MARKER, 0, 21, 3), MSG_PARTIAL, 0, 0, 0, 0 },
	{ "keepalive of 20: s6.1", HEX(MARKER, 0, 20, 4), MSG_BAD, HDR_BAD_LENGTH, 16, 2, 20 },
	{ "refresh of 19: judged later (7313 s5)", HEX(MARKER, 0, 19, 5), MSG_WHOLE, 0, 0, 0, 0 },
};

START_TEST(framing)
{
	const struct frame_case *c = &frame_cases[_i];
	struct bgp_err e = { 0 };
	struct msg_header h = { 0 };

	ck_assert_msg(msg_frame(c->in, c->octets, BGP_MAX_OCTETS, &h, &e) == c->framing, "%s",
	    c->name);
	if (c->framing == MSG_WHOLE) {
		ck_assert_uint_eq(h.octets, 19);
		ck_assert_uint_eq(h.type, c->in[18]);
	}
	if (c->framing != MSG_BAD) {
		ck_assert_int_eq(e.act, ACT_NONE);
		return;
	}
	ck_assert_int_eq(e.act, ACT_RESET);
	ck_assert_msg(e.code == ERR_HEADER && e.sub == c->sub, "%s: %u/%u", c->name, e.code, e.sub);
	ck_assert_msg(e.off == c->off, "%s: octet %u", c->name, e.off);
	ck_assert_msg(e.data_octets == c->data_octets, "%s: %u", c->name, e.data_octets);
	if (e.data_octets)
		ck_assert_uint_eq(e.data[e.data_octets - 1], c->data);
}
END_TEST

/* ---- OPEN: RFC 4271 section 6.2 ---------------------------------------------------------------- */

#define HEAD	  4, 0xfd, 0xe9, 0, 90, 10, 0, 0, 1
#define CAP_AS4_1 65, 4, 0, 1, 0, 1 /* 65537 */

struct open_case {
	const char *name;
	const uint8_t *body;
	size_t octets;
	enum bgp_act act;
	uint8_t sub;
	uint16_t off, data_octets;
	uint32_t asn;
};

static const struct open_case open_cases[] = {
	{ "no parameters", HEX(HEAD, 0), ACT_NONE, 0, 0, 0, 65001 },
	{ "4-octet AS: 6793 s3", HEX(HEAD, 8, 2, 6, CAP_AS4_1), ACT_NONE, 0, 0, 0, 65537 },
	{ "AS_TRANS without the capability", HEX(4, 0x5b, 0xa0, 0, 90, 10, 0, 0, 1, 0), ACT_NONE, 0,
	    0, 0, 23456 },
	{ "version 3: s6.2", HEX(3, 0xfd, 0xe9, 0, 90, 10, 0, 0, 1, 0), ACT_RESET,
	    OPEN_BAD_VERSION, 19, 2, 0 },
	{ "version 5: s6.2", HEX(5, 0xfd, 0xe9, 0, 90, 10, 0, 0, 1, 0), ACT_RESET,
	    OPEN_BAD_VERSION, 19, 2, 0 },
	{ "version before all else", HEX(3, 0, 0, 0, 1, 0, 0, 0, 0, 9), ACT_RESET,
	    OPEN_BAD_VERSION, 19, 2, 0 },
	{ "AS 0: 7607 s2", HEX(4, 0, 0, 0, 90, 10, 0, 0, 1, 0), ACT_RESET, OPEN_BAD_PEER_AS, 20, 2,
	    0 },
	{ "AS 0 in the capability: 7607 s2", HEX(HEAD, 8, 2, 6, 65, 4, 0, 0, 0, 0), ACT_RESET,
	    OPEN_BAD_PEER_AS, 37, 0, 0 },
	{ "hold time 1: s6.2", HEX(4, 0xfd, 0xe9, 0, 1, 10, 0, 0, 1, 0), ACT_RESET,
	    OPEN_BAD_HOLD_TIME, 22, 2, 65001 },
	{ "hold time 2: s6.2", HEX(4, 0xfd, 0xe9, 0, 2, 10, 0, 0, 1, 0), ACT_RESET,
	    OPEN_BAD_HOLD_TIME, 22, 2, 65001 },
	{ "hold time 0: fine", HEX(4, 0xfd, 0xe9, 0, 0, 10, 0, 0, 1, 0), ACT_NONE, 0, 0, 0, 65001 },
	{ "hold time 3: fine", HEX(4, 0xfd, 0xe9, 0, 3, 10, 0, 0, 1, 0), ACT_NONE, 0, 0, 0, 65001 },
	{ "identifier 0: 6286 s2.1", HEX(4, 0xfd, 0xe9, 0, 90, 0, 0, 0, 0, 0), ACT_RESET,
	    OPEN_BAD_ID, 24, 4, 65001 },
	{ "identifier 0.0.0.1, no unicast address: 6286 s2.1",
	    HEX(4, 0xfd, 0xe9, 0, 90, 0, 0, 0, 1, 0), ACT_NONE, 0, 0, 0, 65001 },
	{ "identifier 224.0.0.1: 6286 s2.1", HEX(4, 0xfd, 0xe9, 0, 90, 224, 0, 0, 1, 0), ACT_NONE,
	    0, 0, 0, 65001 },

	{ "unknown parameter: s6.2", HEX(HEAD, 2, 9, 0), ACT_RESET, OPEN_BAD_PARAMETER, 29, 0,
	    65001 },
	{ "authentication parameter: s6.2", HEX(HEAD, 3, 1, 1, 0), ACT_RESET, OPEN_BAD_PARAMETER,
	    29, 0, 65001 },
	{ "parameters shorter than said", HEX(HEAD, 9, 2, 6, CAP_AS4_1), ACT_RESET,
	    OPEN_UNSPECIFIC, 29, 0, 65001 },
	{ "parameters longer than said", HEX(HEAD, 7, 2, 6, CAP_AS4_1), ACT_RESET,
	    OPEN_UNSPECIFIC, 36, 0, 65001 },
	{ "octets behind no parameters", HEX(HEAD, 0, 0), ACT_RESET, OPEN_UNSPECIFIC, 29, 0,
	    65001 },
	{ "a parameter overruns", HEX(HEAD, 8, 2, 7, CAP_AS4_1), ACT_RESET, OPEN_UNSPECIFIC, 31, 0,
	    65001 },
	{ "a parameter's header is cut off", HEX(HEAD, 1, 2), ACT_RESET, OPEN_UNSPECIFIC, 30, 0,
	    65001 },
	{ "a capability overruns: 5492 s4", HEX(HEAD, 8, 2, 6, 65, 5, 0, 1, 0, 1), ACT_RESET,
	    OPEN_UNSPECIFIC, 31, 0, 65001 },
	{ "a capability's header is cut off", HEX(HEAD, 3, 2, 1, 65), ACT_RESET, OPEN_UNSPECIFIC,
	    31, 0, 65001 },
	{ "capabilities, empty: fine", HEX(HEAD, 2, 2, 0), ACT_NONE, 0, 0, 0, 65001 },
	{ "unknown capability: ignored, 5492 s3", HEX(HEAD, 6, 2, 4, 200, 2, 1, 2), ACT_NONE, 0, 0,
	    0, 65001 },
	{ "multiprotocol of 3 octets", HEX(HEAD, 7, 2, 5, 1, 3, 0, 1, 0), ACT_RESET,
	    OPEN_UNSPECIFIC, 31, 0, 65001 },
	{ "multiprotocol of 5 octets", HEX(HEAD, 9, 2, 7, 1, 5, 0, 1, 0, 1, 0), ACT_RESET,
	    OPEN_UNSPECIFIC, 31, 0, 65001 },
	{ "4-octet AS of 2 octets", HEX(HEAD, 6, 2, 4, 65, 2, 0, 1), ACT_RESET, OPEN_UNSPECIFIC, 31,
	    0, 65001 },
	{ "route refresh of 1 octet: 2918 s2", HEX(HEAD, 5, 2, 3, 2, 1, 0), ACT_RESET,
	    OPEN_UNSPECIFIC, 31, 0, 65001 },
	{ "graceful restart of 1 octet: 4724 s3", HEX(HEAD, 5, 2, 3, 64, 1, 0), ACT_RESET,
	    OPEN_UNSPECIFIC, 31, 0, 65001 },
	{ "graceful restart of 5 octets: 4724 s3", HEX(HEAD, 9, 2, 7, 64, 5, 0, 0, 0, 1, 1),
	    ACT_RESET, OPEN_UNSPECIFIC, 31, 0, 65001 },
	{ "add-path of 3 octets: 7911 s4", HEX(HEAD, 7, 2, 5, 69, 3, 0, 1, 1), ACT_RESET,
	    OPEN_UNSPECIFIC, 31, 0, 65001 },
	{ "add-path of 5 octets: 7911 s4", HEX(HEAD, 9, 2, 7, 69, 5, 0, 1, 1, 1, 0), ACT_RESET,
	    OPEN_UNSPECIFIC, 31, 0, 65001 },
	{ "two parameters: 5492 s4", HEX(HEAD, 12, 2, 2, 2, 0, 2, 6, CAP_AS4_1), ACT_NONE, 0, 0, 0,
	    65537 },

	{ "extended: 9072 s2", HEX(HEAD, 255, 255, 0, 9, 2, 0, 6, CAP_AS4_1), ACT_NONE, 0, 0, 0,
	    65537 },
	{ "extended, first length is void: 9072 s2", HEX(HEAD, 1, 255, 0, 9, 2, 0, 6, CAP_AS4_1),
	    ACT_NONE, 0, 0, 0, 65537 },
	{ "extended, empty: 9072 s2", HEX(HEAD, 255, 255, 0, 0), ACT_NONE, 0, 0, 0, 65001 },
	{ "extended, too long: 9072 s2", HEX(HEAD, 255, 255, 0, 10, 2, 0, 6, CAP_AS4_1), ACT_RESET,
	    OPEN_UNSPECIFIC, 32, 0, 65001 },
	{ "extended, too short: 9072 s2", HEX(HEAD, 255, 255, 0, 8, 2, 0, 6, CAP_AS4_1), ACT_RESET,
	    OPEN_UNSPECIFIC, 40, 0, 65001 },
	{ "extended, length cut off: 9072 s2", HEX(HEAD, 255, 255, 0), ACT_RESET, OPEN_UNSPECIFIC,
	    30, 0, 65001 },
	{ "extended, unknown parameter", HEX(HEAD, 255, 255, 0, 4, 9, 0, 1, 0), ACT_RESET,
	    OPEN_BAD_PARAMETER, 32, 0, 65001 },
	{ "extended within extended: unknown", HEX(HEAD, 255, 255, 0, 4, 255, 0, 1, 0), ACT_RESET,
	    OPEN_BAD_PARAMETER, 32, 0, 65001 },
	{ "length 0 and type 255: octets behind", HEX(HEAD, 0, 255, 0, 0), ACT_RESET,
	    OPEN_UNSPECIFIC, 29, 0, 65001 },
};

START_TEST(open_verdicts)
{
	const struct open_case *c = &open_cases[_i];
	struct bgp_err e = { 0 };
	struct msg_open o;

	msg_decode_open(c->body, c->octets, &o, &e);
	ck_assert_msg(e.act == c->act, "%s: %s", c->name, e.why);
	ck_assert_msg(e.act == ACT_NONE || (e.code == ERR_OPEN && e.sub == c->sub), "%s: %u/%u",
	    c->name, e.code, e.sub);
	ck_assert_msg(e.off == c->off, "%s: octet %u", c->name, e.off);
	ck_assert_msg(e.data_octets == c->data_octets, "%s: data %u", c->name, e.data_octets);
	ck_assert_msg(o.asn == c->asn, "%s: AS %u", c->name, o.asn);
	if (c->sub == OPEN_BAD_VERSION) /* the version we speak: RFC 4271 section 6.2 */
		ck_assert(e.data[0] == 0 && e.data[1] == 4);
	else if (e.data_octets)
		ck_assert_ptr_eq(e.data, c->body + c->off - BGP_HEADER_OCTETS);
}
END_TEST

/* A family that we do not know says nothing about one that we do: RFC 4724 section 3. */
START_TEST(unknown_families_stay_out_of_graceful_restart)
{
	static const uint8_t body[] = { HEAD, 14, 2, 12, 64, 10, 0x00, 0x78, 0, 2, 1, 0x00, 0, 25, 65,
		0x80 };
	struct bgp_err e = { 0 };
	struct msg_open o;

	msg_decode_open(body, sizeof(body), &o, &e);
	ck_assert_msg(e.act == ACT_NONE, "%s octet %u", e.why, e.off);
	ck_assert_uint_eq(o.caps.gr.families, AF_BIT(IP6));
	ck_assert_uint_eq(o.caps.gr.forwarding, 0);
}
END_TEST

START_TEST(capabilities_are_read)
{
	static const uint8_t body[] = { HEAD, 58, 2, 56, 1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 9, 1, 1, 4, 0,
		25, 0, 65, 2, 0, 70, 0, 6, 0, 64, 6, 0x00, 0x05, 0, 1, 1, 0x80, 64, 14, 0xc1, 0x2c,
		0, 1, 1, 0x80, 0, 2, 1, 0, 0, 9, 9, 0x80, CAP_AS4_1, 69, 0 };
	struct bgp_err e = { 0 };
	struct msg_open o;

	msg_decode_open(body, sizeof(body), &o, &e);
	ck_assert_msg(e.act == ACT_NONE, "%s octet %u", e.why, e.off);
	ck_assert_uint_eq(o.hold_s, 90);
	ck_assert_uint_eq(o.id, 0x0a000001);
	ck_assert_uint_eq(o.asn2, 65001);
	ck_assert(o.caps.any && o.caps.mp && o.caps.refresh && o.caps.enhanced_refresh &&
	    o.caps.ext_msg && o.caps.as4);
	ck_assert_uint_eq(o.caps.families, 3);
	/* the last of two counts: RFC 4724 section 3 */
	ck_assert(o.caps.gr.present && o.caps.gr.restarting && o.caps.gr.notification);
	ck_assert_uint_eq(o.caps.gr.time_s, 300);
	ck_assert_uint_eq(o.caps.gr.families, 3);
	ck_assert_uint_eq(o.caps.gr.forwarding, AF_BIT(IP4));
	ck_assert_uint_eq(o.caps.codes[69 / 32], 1u << 5 | 1u << 6 | 1u << 0 | 1u << 1);
	ck_assert_uint_eq(o.caps.codes[0], 1u << 1 | 1u << 2 | 1u << 6);
}
END_TEST

/* Extended Next Hop Encoding: RFC 8950 section 4. */
static const struct {
	const char *name;
	const uint8_t *caps;
	size_t octets;
	bool want, bad;
} ext_next_hop_cases[] = {
	{ "IPv4 unicast", HEX(5, 6, 0, 1, 0, 1, 0, 2), true, false },
	{ "others first", HEX(5, 18, 0, 1, 0, 4, 0, 2, 0, 1, 0, 128, 0, 2, 0, 1, 0, 1, 0, 2), true,
	    false },
	{ "others alone", HEX(5, 12, 0, 1, 0, 4, 0, 2, 0, 1, 0, 128, 0, 2), false, false },
	{ "another next hop", HEX(5, 6, 0, 1, 0, 1, 0, 1), false, false },
	{ "SAFI with a high octet", HEX(5, 6, 0, 1, 1, 1, 0, 2), false, false },
	{ "empty", HEX(5, 0), false, false },
	{ "two capabilities", HEX(5, 6, 0, 1, 0, 4, 0, 2, 5, 6, 0, 1, 0, 1, 0, 2), true, false },
	{ "5 octets", HEX(5, 5, 0, 1, 0, 1, 0), false, true },
	{ "7 octets", HEX(5, 7, 0, 1, 0, 1, 0, 2, 0), false, true },
};

START_TEST(ext_next_hop_read)
{
	struct rd r = rd_init(ext_next_hop_cases[_i].caps, ext_next_hop_cases[_i].octets);
	struct bgp_err e = { 0 };
	struct caps c = { 0 };

	caps_decode(&r, &c, &e);
	ck_assert_msg((e.act == ACT_RESET) == ext_next_hop_cases[_i].bad, "%s",
	    ext_next_hop_cases[_i].name);
	if (!ext_next_hop_cases[_i].bad)
		ck_assert_msg(c.ext_next_hop == ext_next_hop_cases[_i].want, "%s",
		    ext_next_hop_cases[_i].name);
}
END_TEST

START_TEST(ext_next_hop_written)
{
	struct caps c = { .ext_next_hop = true };
	uint8_t buf[64];
	struct wr w = wr_init(buf, sizeof(buf));

	caps_encode(&w, &c);
	ck_assert_uint_eq(wr_len(&w), 8);
	ck_assert_mem_eq(buf, ((uint8_t[]){ 5, 6, 0, 1, 0, 1, 0, 2 }), 8);
}
END_TEST

/* ADD-PATH: RFC 7911 section 4. */
static const struct addpath_case {
	const char *name;
	const uint8_t *caps;
	size_t octets;
	uint8_t rx, tx;
} addpath_cases[] = {
	{ "receive IPv4: s4", HEX(69, 4, 0, 1, 1, 1), 1, 0 },
	{ "send IPv6: s4", HEX(69, 4, 0, 2, 1, 2), 0, 2 },
	{ "both, both: s4", HEX(69, 8, 0, 1, 1, 3, 0, 2, 1, 3), 3, 3 },
	{ "one way each: s4", HEX(69, 8, 0, 1, 1, 1, 0, 2, 1, 2), 1, 2 },
	{ "a family we do not speak: s4", HEX(69, 8, 0, 1, 2, 3, 0, 1, 1, 1), 1, 0 },
	{ "AFI of L2VPN: s4", HEX(69, 4, 0, 25, 70, 3), 0, 0 },
	{ "value 0: ignored, s4", HEX(69, 4, 0, 1, 1, 0), 0, 0 },
	{ "value 4: ignored, s4", HEX(69, 4, 0, 1, 1, 4), 0, 0 },
	{ "value 255: ignored, s4", HEX(69, 4, 0, 1, 1, 255), 0, 0 },
	{ "a bad value spoils the capability: s4", HEX(69, 8, 0, 1, 1, 3, 0, 2, 1, 7), 0, 0 },
	{ "in front, too: s4", HEX(69, 8, 0, 2, 1, 7, 0, 1, 1, 3), 0, 0 },
	{ "and for a family we do not speak: s4", HEX(69, 8, 0, 1, 1, 3, 0, 25, 70, 9), 0, 0 },
	{ "the last of two counts", HEX(69, 4, 0, 1, 1, 3, 69, 4, 0, 2, 1, 1), 2, 0 },
	{ "the last that is understood", HEX(69, 4, 0, 1, 1, 3, 69, 4, 0, 2, 1, 9), 1, 1 },
	{ "a family twice: both count", HEX(69, 8, 0, 1, 1, 1, 0, 1, 1, 2), 1, 1 },
};

START_TEST(addpath_is_read)
{
	const struct addpath_case *c = &addpath_cases[_i];
	struct rd r = rd_init(c->caps, c->octets);
	struct bgp_err e = { 0 };
	struct caps caps = { 0 };

	caps_decode(&r, &caps, &e);
	ck_assert_msg(e.act == ACT_NONE, "%s: %s", c->name, e.why);
	ck_assert_msg(caps.addpath_rx == c->rx && caps.addpath_tx == c->tx, "%s: %u %u", c->name,
	    caps.addpath_rx, caps.addpath_tx);
}
END_TEST

START_TEST(addpath_is_written)
{
	static const uint8_t want[] = { 69, 8, 0, 1, 1, 3, 0, 2, 1, 2 };
	struct caps c = { .addpath_rx = AF_BIT(IP4), .addpath_tx = 3 };
	uint8_t buf[64];
	struct wr w = wr_init(buf, sizeof(buf));

	caps_encode(&w, &c);
	ck_assert_uint_eq(wr_len(&w), sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
}
END_TEST

/* RFC 7911 section 5: who sends offers 2 or 3, who receives 1 or 3, per family. */
START_TEST(addpath_needs_both_sides)
{
	struct caps rx = { .addpath_rx = 3 }, tx = { .addpath_tx = 2 };

	ck_assert_uint_eq(caps_addpath(&tx, &rx), 2);
	ck_assert_uint_eq(caps_addpath(&rx, &tx), 0);
	ck_assert_uint_eq(caps_addpath(&rx, &rx), 0);
}
END_TEST

START_TEST(no_multiprotocol_means_ipv4)
{
	struct caps none = { 0 }, v6 = { .mp = true, .families = AF_BIT(IP6) };
	struct caps both = { .mp = true, .families = 3 }, other = { .mp = true };

	ck_assert_uint_eq(caps_common_families(&both, &none), AF_BIT(IP4)); /* RFC 4760 section 8 */
	ck_assert_uint_eq(caps_common_families(&none, &both), AF_BIT(IP4));
	ck_assert_uint_eq(caps_common_families(&v6, &none), 0);
	ck_assert_uint_eq(caps_common_families(&both, &v6), AF_BIT(IP6));
	ck_assert_uint_eq(caps_common_families(&both, &other), 0);
}
END_TEST

START_TEST(refresh_by_its_old_code)
{
	static const uint8_t body[] = { HEAD, 4, 2, 2, 128, 0 };
	struct bgp_err e = { 0 };
	struct msg_open o;

	msg_decode_open(body, sizeof(body), &o, &e);
	ck_assert(e.act == ACT_NONE && o.caps.refresh);
}
END_TEST

static const struct msg_open full_open = {
	.version = 4,
	.asn = 4200000001,
	.hold_s = 9,
	.id = 0x01020304,
	.caps = { .mp = true, .families = 3, .refresh = true, .as4 = true, .asn = 4200000001,
	    .gr = { .present = true, .restarting = true, .time_s = 120, .families = 3,
		.forwarding = AF_BIT(IP6) } },
};

START_TEST(open_octets)
{
	static const uint8_t want[] = { MARKER, 0, 63, 1, 4, 0x5b, 0xa0, 0, 9, 1, 2, 3, 4, 34, 2,
		32, 1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 2, 0, 64, 10, 0x80, 120, 0, 1, 1, 0, 0, 2,
		1, 0x80, 65, 4, 0xfa, 0x56, 0xea, 0x01 };
	uint8_t buf[256];
	struct wr w = wr_init(buf, sizeof(buf));
	struct bgp_err e = { 0 };
	struct msg_open o;

	msg_encode_open(&w, &full_open, true);
	ck_assert_uint_eq(wr_len(&w), sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
	msg_decode_open(buf + 19, wr_len(&w) - 19, &o, &e);
	ck_assert(e.act == ACT_NONE && o.asn == full_open.asn && o.asn2 == BGP_AS_TRANS);
	ck_assert_uint_eq(o.caps.gr.forwarding, AF_BIT(IP6));
}
END_TEST

/* Without parameters, for speakers that refuse them: RFC 5492 section 3. */
START_TEST(open_without_parameters)
{
	static const uint8_t want[] = { MARKER, 0, 29, 1, 4, 0x5b, 0xa0, 0, 9, 1, 2, 3, 4, 0 };
	uint8_t buf[256];
	struct wr w = wr_init(buf, sizeof(buf));

	msg_encode_open(&w, &full_open, false);
	ck_assert_uint_eq(wr_len(&w), sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
	w = wr_init(buf, 28);
	msg_encode_open(&w, &full_open, false);
	ck_assert(w.full);
}
END_TEST

/* 65535 fits into My Autonomous System, 65536 does not. */
START_TEST(as_trans_only_when_needed)
{
	struct msg_open o = { .asn = 65535, .id = 1 };
	uint8_t buf[64];
	struct wr w = wr_init(buf, sizeof(buf));

	msg_encode_open(&w, &o, true);
	ck_assert_uint_eq(buf[20] << 8 | buf[21], 65535);
	ck_assert_uint_eq(buf[28], 0); /* no capability, no parameter */
	o.asn = 65536;
	w = wr_init(buf, sizeof(buf));
	msg_encode_open(&w, &o, true);
	ck_assert_uint_eq(buf[20] << 8 | buf[21], BGP_AS_TRANS);
}
END_TEST

/* ---- ROUTE-REFRESH -------------------------------------------------------------------------------- */

struct refresh_case {
	const char *name;
	const uint8_t *msg;
	size_t octets;
	bool enhanced;
	enum bgp_act act;
	uint8_t code, sub, af, subtype;
};

static const struct refresh_case refresh_cases[] = {
	{ "IPv4", HEX(MARKER, 0, 23, 5, 0, 1, 0, 1), false, ACT_NONE, 0, 0, IP4, 0 },
	{ "IPv6", HEX(MARKER, 0, 23, 5, 0, 2, 0, 1), false, ACT_NONE, 0, 0, IP6, 0 },
	{ "multicast: not ours", HEX(MARKER, 0, 23, 5, 0, 1, 0, 2), false, ACT_NONE, 0, 0, 0, 0 },
	{ "reserved octet is ignored: 2918 s3", HEX(MARKER, 0, 23, 5, 0, 1, 2, 1), false, ACT_NONE,
	    0, 0, IP4, 0 },
	{ "subtype counts when enhanced: 7313 s3.2", HEX(MARKER, 0, 23, 5, 0, 1, 2, 1), true,
	    ACT_NONE, 0, 0, IP4, 2 },
	{ "22 octets", HEX(MARKER, 0, 22, 5, 0, 1, 0), false, ACT_RESET, ERR_HEADER,
	    HDR_BAD_LENGTH, 0, 0 },
	{ "24 octets", HEX(MARKER, 0, 24, 5, 0, 1, 0, 1, 0), false, ACT_RESET, ERR_HEADER,
	    HDR_BAD_LENGTH, 0, 0 },
	{ "24 octets, enhanced: 7313 s5", HEX(MARKER, 0, 24, 5, 0, 1, 0, 1, 0), true, ACT_RESET,
	    ERR_ROUTE_REFRESH, REFRESH_BAD_LENGTH, 0, 0 },
};

START_TEST(refresh)
{
	const struct refresh_case *c = &refresh_cases[_i];
	struct bgp_err e = { 0 };
	struct msg_refresh m;

	msg_decode_refresh(c->msg, c->octets, c->enhanced, &m, &e);
	ck_assert_msg(e.act == c->act && e.code == c->code && e.sub == c->sub, "%s", c->name);
	ck_assert_msg(m.af == c->af && m.subtype == c->subtype, "%s", c->name);
	if (c->code == ERR_HEADER) {
		ck_assert_uint_eq(e.off, 16);
		ck_assert_uint_eq(e.data_octets, 2);
		ck_assert_ptr_eq(e.data, c->msg + 16);
	} else if (e.act == ACT_RESET) { /* the whole message: RFC 7313 section 5 */
		ck_assert_ptr_eq(e.data, c->msg);
		ck_assert_uint_eq(e.data_octets, c->octets);
	}
}
END_TEST

START_TEST(refresh_octets)
{
	static const uint8_t want[] = { MARKER, 0, 23, 5, 0, 2, 1, 1 };
	uint8_t buf[32];
	struct wr w = wr_init(buf, sizeof(buf));

	msg_encode_refresh(&w, IP6, REFRESH_BORR);
	ck_assert_uint_eq(wr_len(&w), sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
}
END_TEST

START_TEST(keepalive_octets)
{
	static const uint8_t want[] = { MARKER, 0, 19, 4 };
	uint8_t buf[32];
	struct wr w = wr_init(buf, sizeof(buf));

	msg_encode_keepalive(&w);
	ck_assert_uint_eq(wr_len(&w), sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
}
END_TEST

/* ---- NOTIFICATION ------------------------------------------------------------------------------------- */

START_TEST(notification_octets)
{
	static const uint8_t want[] = { MARKER, 0, 23, 3, 2, 1, 0, 4 };
	struct msg_notification n = { .code = 2, .sub = 1, .data = (const uint8_t[]){ 0, 4 },
		.data_octets = 2 }, back;
	uint8_t buf[64];
	struct wr w = wr_init(buf, sizeof(buf));

	msg_encode_notification(&w, &n);
	ck_assert_uint_eq(wr_len(&w), sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
	msg_decode_notification(buf + 19, wr_len(&w) - 19, &back);
	ck_assert(back.code == 2 && back.sub == 1 && back.data_octets == 2 && back.data[1] == 4);
	w = wr_init(buf, 22); /* data is cut, the message stays whole */
	msg_encode_notification(&w, &n);
	ck_assert(!w.full);
	ck_assert_uint_eq(wr_len(&w), 22);
	ck_assert_uint_eq(buf[17], 22);
	msg_decode_notification(NULL, 0, &back);
	ck_assert(back.code == 0 && back.sub == 0 && back.data_octets == 0);
}
END_TEST

/* RFC 9072 section 2: the plain form as long as it fits. */
START_TEST(long_parameters)
{
	static uint8_t caps[2000], buf[4096];
	static const struct {
		size_t octets, overhead;
		uint8_t head[7];
	} cases[] = {
		{ 0, 1, { 0 } },
		{ 2, 3, { 4, 2, 2 } },
		{ 253, 3, { 255, 2, 253 } },
		{ 254, 7, { 255, 255, 1, 1, 2, 0, 254 } },
		{ 2000, 7, { 255, 255, 7, 211, 2, 7, 208 } },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wr w = wr_init(buf, sizeof(buf)), c = wr_init(caps, sizeof(caps));
		struct msg_open o;
		struct bgp_err e = { 0 };

		for (size_t left = cases[i].octets; left > 0; left -= left > 200 ? 200 : left) {
			uint8_t value = (uint8_t)((left > 200 ? 200 : left) - 2);

			wr_u8(&c, 200); /* a capability that nobody knows */
			wr_u8(&c, value);
			wr_take(&c, value);
		}
		ck_assert_uint_eq(wr_len(&c), cases[i].octets);
		wr_u8(&w, 4);
		wr_u16(&w, 65002);
		wr_u16(&w, 9);
		wr_u32(&w, 0x0a000002);
		msg_put_params(&w, caps, cases[i].octets);
		ck_assert_uint_eq(wr_len(&w), 9 + cases[i].overhead + cases[i].octets);
		ck_assert_mem_eq(buf + 9, cases[i].head, cases[i].overhead);
		msg_decode_open(buf, wr_len(&w), &o, &e);
		ck_assert_msg(e.act == ACT_NONE, "%s", e.why);
		ck_assert(o.caps.any == (cases[i].octets > 0));
	}
}
END_TEST

START_TEST(notification_is_no_longer_than_a_message)
{
	static uint8_t data[UINT16_MAX], buf[UINT16_MAX];
	struct msg_notification n = { .code = 3, .sub = 5, .data = data, .data_octets = UINT16_MAX };
	static const uint16_t max[] = { 4096, UINT16_MAX }; /* RFC 8654 section 5 */

	for (unsigned i = 0; i < 2; i++) {
		struct wr w = wr_init(buf, max[i]);

		msg_encode_notification(&w, &n);
		ck_assert(!w.full);
		ck_assert_uint_eq(wr_len(&w), max[i]);
		ck_assert_uint_eq(buf[16] << 8 | buf[17], max[i]);
	}
}
END_TEST

struct text_case {
	const char *name;
	uint8_t code, sub;
	const uint8_t *data;
	size_t octets;
	const char *text;
};

/* RFC 9003 section 2. */
static const struct text_case text_cases[] = {
	{ "plain", 6, 2, HEX(2, 'h', 'i'), "hi" },
	{ "reset", 6, 4, HEX(2, 'h', 'i'), "hi" },
	{ "another subcode", 6, 5, HEX(2, 'h', 'i'), "" },
	{ "another code", 3, 2, HEX(2, 'h', 'i'), "" },
	{ "empty", 6, 2, HEX(0), "" },
	{ "length too long", 6, 2, HEX(3, 'h', 'i'), "" },
	{ "octets behind it", 6, 2, HEX(1, 'h', 'i'), "h" },
	{ "control characters", 6, 2, HEX(3, 'a', 10, 0x7f), "a??" },
	{ "UTF-8", 6, 2, HEX(5, 0xc3, 0xa4, 0xe2, 0x82, 0xac), "\xc3\xa4\xe2\x82\xac" },
	{ "UTF-8, four octets", 6, 2, HEX(4, 0xf0, 0x9f, 0x90, 0xb1), "\xf0\x9f\x90\xb1" },
	{ "UTF-8, low second octet", 6, 2, HEX(2, 0xc3, 0x84), "\xc3\x84" },
	{ "C1 control", 6, 2, HEX(3, 0xc2, 0x85, 'a'), "?a" },
	{ "no C1 control", 6, 2, HEX(2, 0xc2, 0xa0), "\xc2\xa0" },
	{ "line separator", 6, 2, HEX(3, 0xe2, 0x80, 0xa8), "?" },
	{ "right-to-left override", 6, 2, HEX(3, 0xe2, 0x80, 0xae), "?" },
	{ "narrow space behind it", 6, 2, HEX(3, 0xe2, 0x80, 0xaf), "\xe2\x80\xaf" },
	{ "isolate", 6, 2, HEX(3, 0xe2, 0x81, 0xa6), "?" },
	{ "before the isolates", 6, 2, HEX(3, 0xe2, 0x81, 0xa5), "\xe2\x81\xa5" },
	{ "behind the isolates", 6, 2, HEX(3, 0xe2, 0x81, 0xaa), "\xe2\x81\xaa" },
	{ "cut off", 6, 2, HEX(1, 0xc3, 0xa4), "?" },
	{ "overlong", 6, 2, HEX(2, 0xc0, 0xaf), "??" },
	{ "overlong, three octets", 6, 2, HEX(3, 0xe0, 0x9f, 0x80), "???" },
	{ "overlong, four octets", 6, 2, HEX(4, 0xf0, 0x8f, 0x80, 0x80), "????" },
	{ "least of three octets", 6, 2, HEX(3, 0xe0, 0xa0, 0x80), "\xe0\xa0\x80" },
	{ "least of four octets", 6, 2, HEX(4, 0xf0, 0x90, 0x80, 0x80), "\xf0\x90\x80\x80" },
	{ "before the surrogates", 6, 2, HEX(3, 0xed, 0x9f, 0xbf), "\xed\x9f\xbf" },
	{ "U+10FFFF", 6, 2, HEX(4, 0xf4, 0x8f, 0xbf, 0xbf), "\xf4\x8f\xbf\xbf" },
	{ "surrogate", 6, 2, HEX(3, 0xed, 0xa0, 0x80), "???" },
	{ "beyond U+10FFFF", 6, 2, HEX(4, 0xf4, 0x90, 0x80, 0x80), "????" },
	{ "0xf5", 6, 2, HEX(4, 0xf5, 0x80, 0x80, 0x80), "????" },
	{ "lone continuation", 6, 2, HEX(2, 0x80, 'a'), "?a" },
	{ "bad continuation", 6, 2, HEX(3, 0xe2, 'a', 'b'), "?ab" },
	{ "longest text", 6, 2, HEX(5, 'a', 'b', 'c', 'd', 'e'), "abcde" },
};

START_TEST(shutdown_text)
{
	const struct text_case *c = &text_cases[_i];
	struct msg_notification n = { .code = c->code, .sub = c->sub, .data = c->data,
		.data_octets = (uint16_t)c->octets };
	char buf[64];

	ck_assert_msg(strcmp(msg_shutdown_text(&n, buf, sizeof(buf)), c->text) == 0, "%s: \"%s\"",
	    c->name, buf);
	n.data_octets = 0;
	n.data = NULL;
	ck_assert_str_eq(msg_shutdown_text(&n, buf, sizeof(buf)), "");
}
END_TEST

START_TEST(shutdown_text_fits_its_buffer)
{
	static const uint8_t data[] = { 5, 'a', 'b', 'c', 0xc3, 0xa4 };
	struct msg_notification n = { .code = 6, .sub = 2, .data = data, .data_octets = 6 };
	char buf[8];

	ck_assert_str_eq(msg_shutdown_text(&n, buf, 6), "abc\xc3\xa4");
	ck_assert_str_eq(msg_shutdown_text(&n, buf, 5), "abc");
	ck_assert_str_eq(msg_shutdown_text(&n, buf, 3), "ab");
	ck_assert_str_eq(msg_shutdown_text(&n, buf, 1), "");
}
END_TEST

/* Cut at a character's end: 254 octets and a euro sign are 257. */
START_TEST(shutdown_is_cut_at_a_character)
{
	char text[300], back[300];
	uint8_t buf[512];
	struct wr w = wr_init(buf, sizeof(buf));
	struct msg_notification n;

	memset(text, 'x', 254);
	strcpy(text + 254, "\xe2\x82\xac!");
	msg_encode_shutdown(&w, CEASE_ADMIN_SHUTDOWN, text);
	ck_assert_uint_eq(wr_len(&w), 21 + 1 + 254);
	ck_assert_uint_eq(buf[21], 254);
	msg_decode_notification(buf + 19, wr_len(&w) - 19, &n);
	ck_assert_uint_eq(strlen(msg_shutdown_text(&n, back, sizeof(back))), 254);
	memset(text, 'x', 299);
	text[299] = '\0';
	w = wr_init(buf, sizeof(buf));
	msg_encode_shutdown(&w, CEASE_ADMIN_RESET, text);
	ck_assert_uint_eq(buf[21], 255);
	ck_assert_uint_eq(wr_len(&w), 21 + 256);
	text[256] = '\0';
	w = wr_init(buf, sizeof(buf));
	msg_encode_shutdown(&w, CEASE_ADMIN_RESET, text);
	ck_assert_uint_eq(buf[21], 255);
	text[255] = '\0';
	w = wr_init(buf, sizeof(buf));
	msg_encode_shutdown(&w, CEASE_ADMIN_RESET, text);
	ck_assert_uint_eq(buf[21], 255);
	w = wr_init(buf, sizeof(buf));
	msg_encode_shutdown(&w, CEASE_ADMIN_RESET, NULL);
	ck_assert_uint_eq(wr_len(&w), 21);
	ck_assert(buf[19] == ERR_CEASE && buf[20] == CEASE_ADMIN_RESET);
	w = wr_init(buf, sizeof(buf));
	msg_encode_shutdown(&w, CEASE_ADMIN_SHUTDOWN, "");
	ck_assert_uint_eq(wr_len(&w), 21);
}
END_TEST

/* ---- names ------------------------------------------------------------------------------------------------ */

START_TEST(names)
{
	static const struct {
		uint8_t code, sub;
		const char *words;
	} rows[] = {
		{ 1, 2, "Message Header Error, Bad Message Length (1/2)" },
		{ 2, 2, "OPEN Message Error, Bad Peer AS (2/2)" },
		{ 2, 7, "OPEN Message Error, Unsupported Capability (2/7)" },
		{ 2, 11, "OPEN Message Error, Role Mismatch (2/11)" },
		{ 2, 12, "OPEN Message Error, Unknown (2/12)" },
		{ 3, 11, "UPDATE Message Error, Malformed AS_PATH (3/11)" },
		{ 4, 0, "Hold Timer Expired (4/0)" },
		{ 4, 1, "Hold Timer Expired, Unknown (4/1)" },
		{ 5, 3, "Finite State Machine Error, Receive Unexpected Message in Established State "
			"(5/3)" },
		{ 6, 7, "Cease, Connection Collision Resolution (6/7)" },
		{ 6, 10, "Cease, BFD Down (6/10)" },
		{ 6, 0, "Cease (6/0)" },
		{ 7, 1, "ROUTE-REFRESH Message Error, Invalid Message Length (7/1)" },
		{ 8, 0, "Send Hold Timer Expired (8/0)" },
		{ 9, 0, "Unknown (9/0)" },
		{ 0, 0, "Unknown (0/0)" },
		{ 255, 255, "Unknown, Unknown (255/255)" },
	};
	char buf[BGP_WORDS_MAX];

	for (int i = 0; i < NROWS(rows); i++)
		ck_assert_str_eq(bgp_err_words(rows[i].code, rows[i].sub, buf), rows[i].words);
	ck_assert_str_eq(msg_type_name(BGP_OPEN), "OPEN");
	ck_assert_str_eq(msg_type_name(BGP_ROUTE_REFRESH), "ROUTE-REFRESH");
	ck_assert_str_eq(msg_type_name(0), "unknown");
	ck_assert_str_eq(msg_type_name(6), "unknown");
	ck_assert_str_eq(cap_name(CAP_GR), "graceful-restart");
	ck_assert_str_eq(cap_name(3), "unknown");
	ck_assert_str_eq(bgp_act_name(ACT_NONE), "none");
	ck_assert_str_eq(bgp_act_name(ACT_ATTR_DISCARD), "attribute-discard");
	ck_assert_str_eq(bgp_act_name(ACT_WITHDRAW), "treat-as-withdraw");
	ck_assert_str_eq(bgp_act_name(ACT_AFI_DISABLE), "afi-safi-disable");
	ck_assert_str_eq(bgp_act_name(ACT_RESET), "session-reset");
}
END_TEST

/* The strongest finding is kept, of equals the first: RFC 7606 section 3 (h). */
START_TEST(findings_merge)
{
	struct bgp_err e = { 0 };

	bgp_fail(&e, ACT_ATTR_DISCARD, 3, 5, 6, 100000, "first");
	ck_assert_uint_eq(e.off, 65535);
	bgp_fail(&e, ACT_ATTR_DISCARD, 3, 4, 7, 30, "second");
	ck_assert_str_eq(e.why, "first");
	bgp_fail_data(&e, ACT_WITHDRAW, 3, 6, 1, 31, "xy", 100000, "third");
	ck_assert_str_eq(e.why, "third");
	ck_assert_uint_eq(e.data_octets, 65535);
	bgp_fail(&e, ACT_RESET, 3, 1, 0, 32, "fourth");
	ck_assert_ptr_null(e.data);
	bgp_fail(&e, ACT_NONE, 0, 0, 0, 0, "fifth");
	ck_assert_str_eq(e.why, "fourth");
	ck_assert(e.act == ACT_RESET && e.code == 3 && e.sub == 1 && e.attr == 0 && e.off == 32);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("msg");
	TCase *tc = unit_case(s, "msg");

	tcase_add_loop_test(tc, framing, 0, NROWS(frame_cases));
	tcase_add_loop_test(tc, open_verdicts, 0, NROWS(open_cases));
	tcase_add_test(tc, capabilities_are_read);
	tcase_add_test(tc, unknown_families_stay_out_of_graceful_restart);
	tcase_add_loop_test(tc, addpath_is_read, 0,
	    (int)(sizeof(addpath_cases) / sizeof(addpath_cases[0])));
	tcase_add_test(tc, addpath_is_written);
	tcase_add_test(tc, addpath_needs_both_sides);
	tcase_add_test(tc, no_multiprotocol_means_ipv4);
	tcase_add_test(tc, refresh_by_its_old_code);
	tcase_add_test(tc, open_octets);
	tcase_add_test(tc, open_without_parameters);
	tcase_add_test(tc, as_trans_only_when_needed);
	tcase_add_loop_test(tc, refresh, 0, NROWS(refresh_cases));
	tcase_add_test(tc, refresh_octets);
	tcase_add_test(tc, keepalive_octets);
	tcase_add_test(tc, notification_octets);
	tcase_add_test(tc, long_parameters);
	tcase_add_loop_test(tc, ext_next_hop_read, 0,
	    sizeof(ext_next_hop_cases) / sizeof(ext_next_hop_cases[0]));
	tcase_add_test(tc, ext_next_hop_written);
	tcase_add_test(tc, notification_is_no_longer_than_a_message);
	tcase_add_loop_test(tc, shutdown_text, 0, NROWS(text_cases));
	tcase_add_test(tc, shutdown_text_fits_its_buffer);
	tcase_add_test(tc, shutdown_is_cut_at_a_character);
	tcase_add_test(tc, names);
	tcase_add_test(tc, findings_merge);
	return unit_run(s);
}
