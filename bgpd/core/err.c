/*
 * Verdicts: merging findings, and the words for error codes and subcodes.
 *
 * The names are the IANA registry's ("BGP Error (Notification) Codes" and the
 * subcode registries below it); each table names its RFC.
 */
#include "bgpd/core/err.h"

#include <stdio.h>

void
bgp_fail_data(struct bgp_err *e, enum bgp_act act, uint8_t code, uint8_t sub, uint8_t attr,
    size_t off, const void *data, size_t data_octets, const char *why)
{
	if (act <= e->act)
		return;
	e->act = act;
	e->code = code;
	e->sub = sub;
	e->attr = attr;
	e->off = off > UINT16_MAX ? UINT16_MAX : (uint16_t)off;
	e->data = data;
	e->data_octets = data_octets > UINT16_MAX ? UINT16_MAX : (uint16_t)data_octets;
	e->why = why;
}

void
bgp_fail(struct bgp_err *e, enum bgp_act act, uint8_t code, uint8_t sub, uint8_t attr,
    size_t off, const char *why)
{
	bgp_fail_data(e, act, code, sub, attr, off, NULL, 0, why);
}

const char *
bgp_act_name(enum bgp_act act)
{
	switch (act) {
	case ACT_NONE:
		return "none";
	case ACT_ATTR_DISCARD:
		return "attribute-discard";
	case ACT_WITHDRAW:
		return "treat-as-withdraw";
	case ACT_AFI_DISABLE:
		return "afi-safi-disable";
	case ACT_RESET:
		return "session-reset";
	}
	return "unknown";
}

#define SUBS_MAX 12

static const struct {
	const char *name;
	const char *sub[SUBS_MAX]; /* by subcode; [0] is never named */
} code_names[] = {
	[ERR_HEADER] = { "Message Header Error", /* RFC 4271 section 4.5 */
	    { [HDR_NOT_SYNCHRONIZED] = "Connection Not Synchronized",
		[HDR_BAD_LENGTH] = "Bad Message Length",
		[HDR_BAD_TYPE] = "Bad Message Type" } },
	[ERR_OPEN] = { "OPEN Message Error", /* RFC 4271, RFC 5492, RFC 9234 */
	    { [OPEN_BAD_VERSION] = "Unsupported Version Number",
		[OPEN_BAD_PEER_AS] = "Bad Peer AS",
		[OPEN_BAD_ID] = "Bad BGP Identifier",
		[OPEN_BAD_PARAMETER] = "Unsupported Optional Parameter",
		[5] = "Authentication Failure", /* deprecated */
		[OPEN_BAD_HOLD_TIME] = "Unacceptable Hold Time",
		[OPEN_BAD_CAPABILITY] = "Unsupported Capability",
		[OPEN_ROLE_MISMATCH] = "Role Mismatch" } },
	[ERR_UPDATE] = { "UPDATE Message Error", /* RFC 4271 */
	    { [UPD_ATTR_LIST] = "Malformed Attribute List",
		[UPD_UNKNOWN_WELL_KNOWN] = "Unrecognized Well-known Attribute",
		[UPD_MISSING_WELL_KNOWN] = "Missing Well-known Attribute",
		[UPD_ATTR_FLAGS] = "Attribute Flags Error",
		[UPD_ATTR_LENGTH] = "Attribute Length Error",
		[UPD_ORIGIN] = "Invalid ORIGIN Attribute",
		[7] = "AS Routing Loop", /* deprecated */
		[UPD_NEXT_HOP] = "Invalid NEXT_HOP Attribute",
		[UPD_OPTIONAL] = "Optional Attribute Error",
		[UPD_NETWORK] = "Invalid Network Field",
		[UPD_AS_PATH] = "Malformed AS_PATH" } },
	[ERR_HOLD_TIMER] = { "Hold Timer Expired", { NULL } },
	[ERR_FSM] = { "Finite State Machine Error", /* RFC 6608 */
	    { [FSM_UNEXPECTED_OPENSENT] = "Receive Unexpected Message in OpenSent State",
		[FSM_UNEXPECTED_OPENCONFIRM] = "Receive Unexpected Message in OpenConfirm State",
		[FSM_UNEXPECTED_ESTABLISHED] =
		    "Receive Unexpected Message in Established State" } },
	[ERR_CEASE] = { "Cease", /* RFC 4486, RFC 8538, RFC 9384 */
	    { [CEASE_MAX_PREFIXES] = "Maximum Number of Prefixes Reached",
		[CEASE_ADMIN_SHUTDOWN] = "Administrative Shutdown",
		[CEASE_DECONFIGURED] = "Peer De-configured",
		[CEASE_ADMIN_RESET] = "Administrative Reset",
		[CEASE_REJECTED] = "Connection Rejected",
		[CEASE_OTHER_CHANGE] = "Other Configuration Change",
		[CEASE_COLLISION] = "Connection Collision Resolution",
		[CEASE_RESOURCES] = "Out of Resources",
		[CEASE_HARD_RESET] = "Hard Reset",
		[CEASE_BFD_DOWN] = "BFD Down" } },
	[ERR_ROUTE_REFRESH] = { "ROUTE-REFRESH Message Error", /* RFC 7313 */
	    { [REFRESH_BAD_LENGTH] = "Invalid Message Length" } },
	[ERR_SEND_HOLD_TIMER] = { "Send Hold Timer Expired", { NULL } }, /* RFC 9687 */
};

#define NCODES (sizeof(code_names) / sizeof(code_names[0]))

const char *
bgp_code_name(uint8_t code)
{
	return code < NCODES && code_names[code].name ? code_names[code].name : "Unknown";
}

const char *
bgp_sub_name(uint8_t code, uint8_t sub)
{
	if (sub == 0)
		return "";
	if (code >= NCODES || sub >= SUBS_MAX || !code_names[code].sub[sub])
		return "Unknown";
	return code_names[code].sub[sub];
}

char *
bgp_err_words(uint8_t code, uint8_t sub, char *buf)
{
	if (sub == 0)
		snprintf(buf, BGP_WORDS_MAX, "%s (%u/0)", bgp_code_name(code), code);
	else
		snprintf(buf, BGP_WORDS_MAX, "%s, %s (%u/%u)", bgp_code_name(code),
		    bgp_sub_name(code, sub), code, sub);
	return buf;
}
