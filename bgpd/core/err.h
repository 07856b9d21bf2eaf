/*
 * Verdicts: what a decoder found, as a value.
 *
 * A decoder never sends, logs or drops anything.  It fills a bgp_err, whose
 * action is RFC 7606's; session.c and peer.c alone act on it.  Several
 * findings in one message merge into the strongest.
 */
#ifndef BGPD_CORE_ERR_H
#define BGPD_CORE_ERR_H

#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/bgp.h"

/* Weakest first: the order RFC 7606 section 3 (h) ranks by. */
enum bgp_act { ACT_NONE, ACT_ATTR_DISCARD, ACT_WITHDRAW, ACT_AFI_DISABLE, ACT_RESET };

struct bgp_err {
	enum bgp_act act;
	uint8_t code, sub;   /* NOTIFICATION, RFC 4271 section 4.5; sent only for ACT_RESET */
	uint8_t attr;	     /* attribute type, 0: none */
	uint16_t off;	     /* octet of the message, header included, for the log */
	uint16_t data_octets;
	const uint8_t *data; /* for the NOTIFICATION: a view of the input, or static; may be NULL */
	const char *why;     /* static text, no full stop */
};

/*
 * Record a finding.  The strongest action wins; of equals the first is kept.
 * Nothing of e but its action is looked at before it is replaced.
 * RFC 7606 section 3 (h).
 */
void bgp_fail(struct bgp_err *e, enum bgp_act act, uint8_t code, uint8_t sub, uint8_t attr,
    size_t off, const char *why);

/* The same with octets for the NOTIFICATION's data field (borrowed). */
void bgp_fail_data(struct bgp_err *e, enum bgp_act act, uint8_t code, uint8_t sub, uint8_t attr,
    size_t off, const void *data, size_t data_octets, const char *why);

/* "none", "attribute-discard", "treat-as-withdraw", "afi-safi-disable", "session-reset". */
const char *bgp_act_name(enum bgp_act act);

/* The RFC's words for a code ("OPEN Message Error") and for a subcode ("Bad Peer AS").
 * Static; never NULL: "Unknown" for what no RFC names, "" for subcode 0. */
const char *bgp_code_name(uint8_t code);
const char *bgp_sub_name(uint8_t code, uint8_t sub);

/* Longest text of bgp_err_words() with its NUL. */
#define BGP_WORDS_MAX 256

/*
 * A NOTIFICATION as a sentence fragment, "OPEN Message Error, Bad Peer AS
 * (2/2)", into buf (BGP_WORDS_MAX octets), which is returned.
 */
char *bgp_err_words(uint8_t code, uint8_t sub, char *buf);

#endif
