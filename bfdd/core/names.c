/*
 * Names: those of RFC 5880 section 4.1 where it has them.
 */
#include "bfdd/core/bfd.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const states[] = { "AdminDown", "Down", "Init", "Up" };

static const char *const diags[] = {
	"No Diagnostic",
	"Control Detection Time Expired",
	"Echo Function Failed",
	"Neighbor Signaled Session Down",
	"Forwarding Plane Reset",
	"Path Down",
	"Concatenated Path Down",
	"Administratively Down",
	"Reverse Concatenated Path Down",
};

static const char *const auths[] = {
	[BFD_AUTH_NONE] = "none",
	[BFD_AUTH_MD5] = "keyed MD5",
	[BFD_AUTH_METICULOUS_MD5] = "meticulous keyed MD5",
	[BFD_AUTH_SHA1] = "keyed SHA1",
	[BFD_AUTH_METICULOUS_SHA1] = "meticulous keyed SHA1",
};

static const struct {
	const char *name, *text;
} verdicts[BFD_RX_N] = {
	[BFD_RX_OK] = { "ok", "accepted" },
	[BFD_RX_TTL] = { "ttl", "TTL is not 255" },
	[BFD_RX_SHORT] = { "short", "shorter than 24 octets" },
	[BFD_RX_VERSION] = { "version", "version is not 1" },
	[BFD_RX_LENGTH] = { "length", "length field too small" },
	[BFD_RX_OVERRUN] = { "overrun", "length field beyond the end" },
	[BFD_RX_MULTIPLIER] = { "multiplier", "detect multiplier 0" },
	[BFD_RX_MULTIPOINT] = { "multipoint", "multipoint bit set" },
	[BFD_RX_POLL_FINAL] = { "poll-and-final", "poll and final bits both set" },
	[BFD_RX_MY_DISCR] = { "my-discriminator", "sender's discriminator 0" },
	[BFD_RX_NO_DISCR] = { "unknown-discriminator", "discriminator of no session" },
	[BFD_RX_YOUR_DISCR] = { "no-discriminator", "discriminator 0 in state Init or Up" },
	[BFD_RX_NO_SESSION] = { "no-session", "no session with this address" },
	[BFD_RX_HOPS] = { "hops", "port of the other kind of session" },
	[BFD_RX_MIN_TTL] = { "minimum-ttl", "TTL below the minimum" },
	[BFD_RX_AUTH_UNWANTED] = { "auth-unwanted", "authenticated, but none is configured" },
	[BFD_RX_AUTH_MISSING] = { "auth-missing", "not authenticated" },
	[BFD_RX_AUTH_TYPE] = { "auth-type", "another authentication type" },
	[BFD_RX_AUTH_LENGTH] = { "auth-length", "wrong authentication length" },
	[BFD_RX_AUTH_KEY_ID] = { "auth-key-id", "unknown authentication key id" },
	[BFD_RX_AUTH_SEQUENCE] = { "auth-sequence", "sequence number outside of the window" },
	[BFD_RX_AUTH_DIGEST] = { "auth-digest", "authentication digest does not match" },
	[BFD_RX_ADMIN_DOWN] = { "admin-down", "session is administratively down" },
};

const char *
bfd_state_str(enum bfd_state state)
{
	return (unsigned)state < COUNT(states) ? states[state] : "unknown";
}

const char *
bfd_diag_str(uint8_t diag)
{
	return diag < COUNT(diags) ? diags[diag] : "Reserved";
}

const char *
bfd_auth_str(enum bfd_auth_type type)
{
	return (unsigned)type < COUNT(auths) && auths[type] ? auths[type] : "unknown";
}

const char *
bfd_rx_str(enum bfd_rx rx)
{
	return (unsigned)rx < BFD_RX_N ? verdicts[rx].text : "unknown";
}

const char *
bfd_rx_name(enum bfd_rx rx)
{
	return (unsigned)rx < BFD_RX_N ? verdicts[rx].name : "unknown";
}
