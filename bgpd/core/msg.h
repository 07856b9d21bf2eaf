/*
 * Messages other than UPDATE: header, OPEN, NOTIFICATION, KEEPALIVE,
 * ROUTE-REFRESH, in and out.
 *
 * Decoders say what they found as a bgp_err and do nothing about it.
 * RFC 4271 sections 4 and 6, RFC 2918, RFC 5492, RFC 9003, RFC 9072.
 */
#ifndef BGPD_CORE_MSG_H
#define BGPD_CORE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/cap.h"
#include "bgpd/core/err.h"
#include "lib/wire.h"

enum msg_framing { MSG_WHOLE, MSG_PARTIAL, MSG_BAD };

struct msg_header {
	uint8_t type;	 /* enum bgp_msg_type */
	uint16_t octets; /* of the whole message, 19 to max */
};

/*
 * Look at the start of a stream.  MSG_WHOLE: a message of ret->octets is
 * there.  MSG_PARTIAL: no fault yet, more octets are needed.  MSG_BAD: e says
 * why (1/1, 1/2 with the length, 1/3 with the type), as soon as the octets
 * that show it are there.  RFC 4271 section 6.1.
 */
enum msg_framing msg_frame(const uint8_t *in, size_t octets, uint16_t max, struct msg_header *ret,
    struct bgp_err *e);

struct msg_open {
	uint8_t version;
	uint32_t asn;	  /* from the 4-octet AS capability, else from the header */
	uint16_t asn2;	  /* header field My Autonomous System */
	uint16_t hold_s;
	uint32_t id;	  /* BGP Identifier, host order */
	struct caps caps;
};

/*
 * Decode an OPEN's body: syntax and values that need nobody's configuration
 * (version 2/1 with the version we speak, hold time 2/6, identifier 0 2/3, AS 0
 * 2/2 (RFC 7607), optional parameters 2/4, 2/0).
 */
void msg_decode_open(const uint8_t *body, size_t octets, struct msg_open *ret, struct bgp_err *e);

/*
 * Append an OPEN.  o->asn2 is derived from o->asn (AS_TRANS when it does not
 * fit).  with_params false: no optional parameters at all, for speakers that
 * refuse them (RFC 5492 section 3).
 */
void msg_encode_open(struct wr *w, const struct msg_open *o, bool with_params);

/*
 * Append an OPEN's optional parameters with their length: one that holds these
 * capabilities (encoded; none: no parameter).  Past 255 octets in RFC 9072's
 * form, which only speakers that know it can read.
 */
void msg_put_params(struct wr *w, const uint8_t *caps, size_t octets);

/* Append a KEEPALIVE (RFC 4271 section 4.4); w turns full when there is no room. */
void msg_encode_keepalive(struct wr *w);

struct msg_notification {
	uint8_t code, sub;
	const uint8_t *data; /* borrowed */
	uint16_t data_octets;
};

/* Never fails: a body without code and subcode reads as 0/0 (nothing may be answered to it). */
void msg_decode_notification(const uint8_t *body, size_t octets, struct msg_notification *ret);

/* data is cut to what the writer holds, which is no more than the peer takes in one message. */
void msg_encode_notification(struct wr *w, const struct msg_notification *n);

/*
 * Append a Cease with a shutdown communication: text is UTF-8, cut at a
 * character's end to 255 octets; NULL or "": none.  RFC 9003 section 2.
 */
void msg_encode_shutdown(struct wr *w, uint8_t sub, const char *text);

/* The data field alone, into buf (SHUTDOWN_OCTETS); returns its octets. */
#define SHUTDOWN_OCTETS 256
uint16_t msg_shutdown_data(const char *text, uint8_t *buf);

/* Append a Hard Reset that holds what is sent to speakers without it: RFC 8538 section 3.1. */
void msg_encode_hard_reset(struct wr *w, const struct msg_notification *inner);

/* Is it a Hard Reset?  *ret_inner then: what is inside, borrowing n's data; 0/0: nothing. */
bool msg_hard_reset(const struct msg_notification *n, struct msg_notification *ret_inner);

/*
 * A NOTIFICATION's shutdown communication as text for a log: control
 * characters, those that turn the direction of text, and invalid UTF-8 become
 * '?'.  "" when there is none.  buf is
 * returned.  RFC 9003 section 2.
 */
char *msg_shutdown_text(const struct msg_notification *n, char *buf, size_t cap);

struct msg_refresh {
	uint8_t af;	 /* enum ip_af; 0: a family that we do not speak */
	uint8_t subtype; /* enum bgp_refresh_subtype; others are ignored (RFC 7313 section 5) */
};
/* e: ACT_RESET 7/1 with the message for a wrong length when enhanced refresh is in use, else 1/2. */
void msg_decode_refresh(const uint8_t *msg, size_t octets, bool enhanced, struct msg_refresh *ret,
    struct bgp_err *e);
void msg_encode_refresh(struct wr *w, uint8_t af, uint8_t subtype);

/* "OPEN", "UPDATE", ...; "unknown". */
const char *msg_type_name(uint8_t type);

/* Header: marker, a length to be closed with msg_close(), type. Returns the mark. */
size_t msg_open(struct wr *w, uint8_t type);
void msg_close(struct wr *w, size_t mark);

#endif
