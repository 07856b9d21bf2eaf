/*
 * Header, OPEN, NOTIFICATION, KEEPALIVE and ROUTE-REFRESH; see msg.h.
 *
 * msg_desc[] knows each type's name and length bounds.  OPENs are read with a
 * parameter table of one entry (capabilities); anything else is refused with
 * 2/4, as RFC 4271 section 6.2 wants.  Offsets in verdicts count from the
 * message's first octet.
 */
#include "bgpd/core/msg.h"

#include <string.h>

static const struct {
	const char *name;
	uint16_t min, max; /* octets of the whole message; max 0: the session's */
} msg_desc[BGP_NMSG] = {
	[BGP_OPEN] = { "OPEN", BGP_OPEN_MIN_OCTETS, BGP_MAX_OCTETS },
	[BGP_UPDATE] = { "UPDATE", BGP_UPDATE_MIN_OCTETS, 0 },
	[BGP_NOTIFICATION] = { "NOTIFICATION", BGP_NOTIFICATION_MIN_OCTETS, 0 },
	[BGP_KEEPALIVE] = { "KEEPALIVE", BGP_KEEPALIVE_OCTETS, BGP_KEEPALIVE_OCTETS },
	/* Its length is judged by msg_decode_refresh(): RFC 7313 section 5. */
	[BGP_ROUTE_REFRESH] = { "ROUTE-REFRESH", BGP_HEADER_OCTETS, 0 },
};

const char *
msg_type_name(uint8_t type)
{
	return type < BGP_NMSG && msg_desc[type].name ? msg_desc[type].name : "unknown";
}

/* ---- header -------------------------------------------------------------- */

#define LENGTH_OFF BGP_MARKER_OCTETS
#define TYPE_OFF   (BGP_MARKER_OCTETS + 2)

static enum msg_framing
frame_bad(struct bgp_err *e, uint8_t sub, size_t off, const uint8_t *data, size_t octets,
    const char *why)
{
	bgp_fail_data(e, ACT_RESET, ERR_HEADER, sub, 0, off, data, octets, why);
	return MSG_BAD;
}

static bool
marker_is_whole(struct rd r)
{
	static const uint64_t ones[2] = { UINT64_MAX, UINT64_MAX };
	const uint8_t *p = rd_view(&r, BGP_MARKER_OCTETS);

	return p && memcmp(p, ones, BGP_MARKER_OCTETS) == 0;
}

enum msg_framing
msg_frame(const uint8_t *in, size_t octets, uint16_t max, struct msg_header *ret,
    struct bgp_err *e)
{
	struct rd r = rd_init(in, octets);
	bool whole = marker_is_whole(r);
	uint16_t length;
	uint8_t type;

	if (whole)
		rd_skip(&r, BGP_MARKER_OCTETS);
	while (!whole && rd_left(&r) > 0 && rd_pos(&r) < BGP_MARKER_OCTETS)
		if (rd_u8(&r) != 0xff)
			return frame_bad(e, HDR_NOT_SYNCHRONIZED, rd_pos(&r) - 1, NULL, 0,
			    "the marker is not all ones");
	if (rd_left(&r) < 2)
		return MSG_PARTIAL;
	length = rd_u16(&r);
	if (length < BGP_HEADER_OCTETS || length > max)
		return frame_bad(e, HDR_BAD_LENGTH, LENGTH_OFF, in + LENGTH_OFF, 2,
		    "the message length is out of bounds");
	if (rd_left(&r) < 1)
		return MSG_PARTIAL;
	type = rd_u8(&r);
	if (type >= BGP_NMSG || !msg_desc[type].name)
		return frame_bad(e, HDR_BAD_TYPE, TYPE_OFF, in + TYPE_OFF, 1,
		    "the message type is unknown");
	if (length < msg_desc[type].min || (msg_desc[type].max && length > msg_desc[type].max))
		return frame_bad(e, HDR_BAD_LENGTH, LENGTH_OFF, in + LENGTH_OFF, 2,
		    "the message length does not fit its type");
	if (octets < length)
		return MSG_PARTIAL;
	*ret = (struct msg_header){ .type = type, .octets = length };
	return MSG_WHOLE;
}

size_t
msg_open(struct wr *w, uint8_t type)
{
	size_t mark = wr_len(w);
	uint8_t *marker = wr_take(w, BGP_MARKER_OCTETS);

	if (marker)
		memset(marker, 0xff, BGP_MARKER_OCTETS);
	wr_u16(w, 0);
	wr_u8(w, type);
	return mark;
}

void
msg_close(struct wr *w, size_t mark)
{
	size_t octets = wr_len(w) - mark;
	struct wr length;

	if (w->full)
		return;
	length = wr_init(w->base + mark + LENGTH_OFF, 2);
	wr_u16(&length, (uint16_t)octets);
}

/* ---- OPEN ---------------------------------------------------------------- */

static void
open_bad(struct bgp_err *e, uint8_t sub, const struct rd *r, size_t back, const char *why)
{
	size_t pos = rd_pos(r) - back;

	bgp_fail_data(e, ACT_RESET, ERR_OPEN, sub, 0, BGP_HEADER_OCTETS + pos, r->base + pos, back,
	    why);
}

/* Parameters with lengths of one or (RFC 9072) two octets. */
static void
params_decode(struct rd *r, bool extended, struct caps *ret, struct bgp_err *e)
{
	while (rd_left(r) > 0) {
		size_t off = BGP_HEADER_OCTETS + rd_pos(r);
		uint8_t type = rd_u8(r);
		size_t octets = extended ? rd_u16(r) : rd_u8(r);
		struct rd value = rd_sub(r, octets);

		if (r->bad)
			break;
		if (type != BGP_PARAM_CAPABILITIES) {
			bgp_fail(e, ACT_RESET, ERR_OPEN, OPEN_BAD_PARAMETER, 0, off,
			    "an optional parameter is unknown");
			return;
		}
		caps_decode(&value, ret, e);
	}
	if (!rd_done(r))
		open_bad(e, OPEN_UNSPECIFIC, r, 0, "the optional parameters do not add up");
}

/*
 * The optional parameters behind their length octet.  RFC 9072 section 2: a
 * non-zero length followed by type 255 means that a length of two octets and
 * parameters with lengths of two octets follow; the first length is void.
 */
static void
open_params(struct rd *r, struct caps *ret, struct bgp_err *e)
{
	uint8_t octets = rd_u8(r);
	struct rd peek = *r, params;
	bool extended = octets != 0 && rd_u8(&peek) == BGP_PARAM_EXTENDED;

	if (extended) {
		*r = peek;
		params = rd_sub(r, rd_u16(r));
	} else {
		params = rd_sub(r, octets);
	}
	if (!rd_done(r)) {
		open_bad(e, OPEN_UNSPECIFIC, r, 0,
		    "the length of the optional parameters does not fit the message");
		return;
	}
	params_decode(&params, extended, ret, e);
}

void
msg_decode_open(const uint8_t *body, size_t octets, struct msg_open *ret, struct bgp_err *e)
{
	static const uint8_t our_version[2] = { 0, BGP_VERSION };
	struct rd r = rd_init(body, octets);

	*ret = (struct msg_open){ .version = rd_u8(&r) };
	if (ret->version != BGP_VERSION) {
		bgp_fail_data(e, ACT_RESET, ERR_OPEN, OPEN_BAD_VERSION, 0, BGP_HEADER_OCTETS,
		    our_version, sizeof(our_version), "its version is not 4");
		return;
	}
	ret->asn = ret->asn2 = rd_u16(&r);
	if (ret->asn2 == 0) /* RFC 7607 section 2 */
		open_bad(e, OPEN_BAD_PEER_AS, &r, 2, "its AS number is 0");
	ret->hold_s = rd_u16(&r);
	if (ret->hold_s == 1 || ret->hold_s == 2)
		open_bad(e, OPEN_BAD_HOLD_TIME, &r, 2, "its hold time is under 3 s and not 0");
	ret->id = rd_u32(&r);
	if (ret->id == 0) /* RFC 6286 section 2.1 */
		open_bad(e, OPEN_BAD_ID, &r, 4, "its BGP identifier is 0");
	open_params(&r, &ret->caps, e);
	if (!ret->caps.as4)
		return;
	ret->asn = ret->caps.asn;
	if (ret->asn == 0)
		open_bad(e, OPEN_BAD_PEER_AS, &r, 0, "the AS number in its capability is 0");
}

#define PARAM_HEADER_OCTETS 2	/* type and length of a parameter */
#define PARAMS_PLAIN_MAX    255 /* of all of them, with lengths of one octet */

/* RFC 9072 section 2: the first length is 255 by convention, and lengths have two octets. */
static void
params_put_extended(struct wr *w, const uint8_t *caps, size_t octets)
{
	wr_u8(w, 255);
	wr_u8(w, BGP_PARAM_EXTENDED);
	wr_u16(w, (uint16_t)(octets + PARAM_HEADER_OCTETS + 1));
	wr_u8(w, BGP_PARAM_CAPABILITIES);
	wr_u16(w, (uint16_t)octets);
	wr_bytes(w, caps, octets);
}

void
msg_put_params(struct wr *w, const uint8_t *caps, size_t octets)
{
	if (octets == 0) {
		wr_u8(w, 0);
	} else if (octets + PARAM_HEADER_OCTETS > PARAMS_PLAIN_MAX) {
		params_put_extended(w, caps, octets);
	} else {
		wr_u8(w, (uint8_t)(octets + PARAM_HEADER_OCTETS));
		wr_u8(w, BGP_PARAM_CAPABILITIES);
		wr_u8(w, (uint8_t)octets);
		wr_bytes(w, caps, octets);
	}
}

void
msg_encode_open(struct wr *w, const struct msg_open *o, bool with_params)
{
	uint8_t buf[BGP_MAX_OCTETS];
	struct wr caps = wr_init(buf, sizeof(buf));
	size_t mark = msg_open(w, BGP_OPEN);

	wr_u8(w, BGP_VERSION);
	wr_u16(w, o->asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)o->asn);
	wr_u16(w, o->hold_s);
	wr_u32(w, o->id);
	if (with_params)
		caps_encode(&caps, &o->caps);
	msg_put_params(w, buf, wr_len(&caps));
	msg_close(w, mark);
}

/* ---- KEEPALIVE, ROUTE-REFRESH ---------------------------------------------- */

void
msg_encode_keepalive(struct wr *w)
{
	msg_close(w, msg_open(w, BGP_KEEPALIVE));
}

void
msg_decode_refresh(const uint8_t *msg, size_t octets, bool enhanced, struct msg_refresh *ret,
    struct bgp_err *e)
{
	struct rd r = rd_init(msg, octets);
	uint16_t afi;

	*ret = (struct msg_refresh){ 0 };
	if (octets != BGP_ROUTE_REFRESH_OCTETS) {
		if (enhanced) /* RFC 7313 section 5 */
			bgp_fail_data(e, ACT_RESET, ERR_ROUTE_REFRESH, REFRESH_BAD_LENGTH, 0,
			    LENGTH_OFF, msg, octets, "a ROUTE-REFRESH must have 23 octets");
		else
			frame_bad(e, HDR_BAD_LENGTH, LENGTH_OFF, msg + LENGTH_OFF, 2,
			    "a ROUTE-REFRESH must have 23 octets");
		return;
	}
	rd_skip(&r, BGP_HEADER_OCTETS);
	afi = rd_u16(&r);
	ret->subtype = rd_u8(&r);
	ret->af = afi_known(afi, rd_u8(&r));
	if (!enhanced) /* RFC 2918 section 3: reserved, to be ignored */
		ret->subtype = REFRESH_REQUEST;
}

void
msg_encode_refresh(struct wr *w, uint8_t af, uint8_t subtype)
{
	size_t mark = msg_open(w, BGP_ROUTE_REFRESH);

	wr_u16(w, af);
	wr_u8(w, subtype);
	wr_u8(w, BGP_SAFI_UNICAST);
	msg_close(w, mark);
}

/* ---- NOTIFICATION ---------------------------------------------------------- */

void
msg_decode_notification(const uint8_t *body, size_t octets, struct msg_notification *ret)
{
	struct rd r = rd_init(body, octets);

	*ret = (struct msg_notification){ 0 };
	ret->code = rd_u8(&r);
	ret->sub = rd_u8(&r);
	ret->data_octets = (uint16_t)rd_left(&r);
	ret->data = rd_view(&r, ret->data_octets);
}

void
msg_encode_notification(struct wr *w, const struct msg_notification *n)
{
	size_t mark = msg_open(w, BGP_NOTIFICATION), room, octets = n->data_octets;

	wr_u8(w, n->code);
	wr_u8(w, n->sub);
	room = wr_room(w);
	wr_bytes(w, n->data, octets < room ? octets : room);
	msg_close(w, mark);
}

/* Octets of the UTF-8 character at s (n octets left), 0 when it is none: RFC 3629 section 4. */
static size_t
utf8_octets(const uint8_t *s, size_t n)
{
	size_t want = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3
	    : s[0] < 0xf5					      ? 4
								      : 0;

	if (want == 0 || want > n)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return want;
}

uint16_t
msg_shutdown_data(const char *text, uint8_t *buf)
{
	size_t octets = text ? strlen(text) : 0;

	if (octets > 255) {
		octets = 255;
		while (octets > 0 && ((uint8_t)text[octets] & 0xc0) == 0x80)
			octets--;
	}
	if (octets == 0)
		return 0;
	buf[0] = (uint8_t)octets;
	memcpy(buf + 1, text, octets);
	return (uint16_t)(octets + 1);
}

void
msg_encode_shutdown(struct wr *w, uint8_t sub, const char *text)
{
	uint8_t data[SHUTDOWN_OCTETS];
	struct msg_notification n = { .code = ERR_CEASE, .sub = sub, .data = data,
		.data_octets = msg_shutdown_data(text, data) };

	msg_encode_notification(w, &n);
}

void
msg_encode_hard_reset(struct wr *w, const struct msg_notification *inner)
{
	uint8_t data[2 + SHUTDOWN_OCTETS];
	size_t octets = inner->data_octets < SHUTDOWN_OCTETS ? inner->data_octets : SHUTDOWN_OCTETS;
	struct msg_notification n = { .code = ERR_CEASE, .sub = CEASE_HARD_RESET, .data = data,
		.data_octets = (uint16_t)(2 + octets) };

	data[0] = inner->code;
	data[1] = inner->sub;
	if (octets > 0)
		memcpy(data + 2, inner->data, octets);
	msg_encode_notification(w, &n);
}

bool
msg_hard_reset(const struct msg_notification *n, struct msg_notification *ret_inner)
{
	if (n->code != ERR_CEASE || n->sub != CEASE_HARD_RESET)
		return false;
	msg_decode_notification(n->data, n->data_octets, ret_inner);
	return true;
}

/*
 * Characters that change how a terminal shows what follows: C0 and C1 controls
 * and DEL, line and paragraph separators, and what turns the direction of text.
 */
static bool
is_control(const uint8_t *s, size_t octets)
{
	if (octets == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (octets == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	if (octets != 3 || s[0] != 0xe2)
		return false;
	return (s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae))) ||
	    (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
}

char *
msg_shutdown_text(const struct msg_notification *n, char *buf, size_t cap)
{
	struct rd r = rd_init(n->data, n->data_octets), text;
	size_t len = 0;

	text = rd_sub(&r, rd_u8(&r));
	if (n->code == ERR_CEASE && (n->sub == CEASE_ADMIN_SHUTDOWN || n->sub == CEASE_ADMIN_RESET)) {
		while (rd_left(&text) > 0) {
			size_t octets = utf8_octets(text.p, rd_left(&text));
			bool fine = octets > 0 && !is_control(text.p, octets);

			if (len + (octets ? octets : 1) >= cap)
				break;
			if (!fine)
				buf[len++] = '?';
			else
				memcpy(buf + len, text.p, octets), len += octets;
			rd_skip(&text, octets ? octets : 1);
		}
	}
	buf[len] = '\0';
	return buf;
}
