/*
 * Option rows under `bfdProfiles`: how fast a dead path is noticed.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf_bfd, member)

static const struct opt rows[] = {
	{
	    .path = "bfdProfiles",
	    .type = OPT_LIST,
	    .flags = OPT_F_NAMED,
	    .off = offsetof(struct conf, bfd),
	    .elem = sizeof(struct conf_bfd),
	    .max = 100,
	    .brief = "settings of BFD (RFC 5880), by name",
	    .doc =
		"Peers name them in `peers[].bfd` or `bgp.bfd`. BFD sends small packets to the peer "
		"all the time and notices within a fraction of a second when they no longer come: "
		"the peer's address goes out of every route at once and its session is closed. Both "
		"sides have to do it. `weft bfd` shows the sessions.",
	},
	{
	    .path = "bfdProfiles[].receiveInterval",
	    AT(rx_ms),
	    .type = OPT_INTERVAL,
	    .min = 10,
	    .max = 60000,
	    .dflt = "300",
	    .effect = OPT_LIVE,
	    .brief = "least interval in which packets of the peer are wanted",
	    .doc = "Milliseconds, or with a unit. The peer sends as often as its own setting and "
		   "this one allow.",
	},
	{
	    .path = "bfdProfiles[].transmitInterval",
	    AT(tx_ms),
	    .type = OPT_INTERVAL,
	    .min = 10,
	    .max = 60000,
	    .dflt = "300",
	    .effect = OPT_LIVE,
	    .brief = "interval in which packets are sent",
	    .doc = "Milliseconds, or with a unit; less often if the peer wants so. One packet a "
		   "second, no more, while the session is not up (RFC 5880 section 6.8.3).",
	},
	{
	    .path = "bfdProfiles[].detectMultiplier",
	    AT(multiplier),
	    .type = OPT_UINT,
	    .min = 2,
	    .max = 255,
	    .dflt = "3",
	    .effect = OPT_LIVE,
	    .brief = "packets in a row that may be missing before the path is dead",
	    .doc = "The peer counts our packets by it, and we count the peer's by its own.",
	},
	{
	    .path = "bfdProfiles[].minimumTtl",
	    AT(min_ttl),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 254,
	    .dflt = "254",
	    .effect = OPT_LIVE,
	    .brief = "multihop: least TTL of packets that are taken",
	    .doc = "Packets leave with TTL 255: 254 allows for one router between (RFC 5883 section "
		   "5). On a link 255 is demanded always.",
	},
	{
	    .path = "bfdProfiles[].passiveMode",
	    AT(passive),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_LIVE,
	    .brief = "send nothing before the peer does",
	},
	{
	    .path = "bfdProfiles[].authentication",
	    .type = OPT_MAP,
	    .brief = "authentication of packets (RFC 5880 section 6.7)",
	    .doc = "Type, key ID and password are the same on both sides. A missing or empty secret "
		   "keeps the BFD sessions of this profile away, with the reason.",
	},
	{
	    .path = "bfdProfiles[].authentication.type",
	    AT(auth),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("none", "keyed-md5", "meticulous-md5", "keyed-sha1", "meticulous-sha1"),
	    .dflt = "none",
	    .effect = OPT_LIVE,
	    .brief = "how packets are signed",
	    .doc = "The meticulous ones take no packet twice.",
	},
	{
	    .path = "bfdProfiles[].authentication.keyID",
	    AT(key_id),
	    .type = OPT_UINT,
	    .max = 255,
	    .dflt = "1",
	    .effect = OPT_LIVE,
	    .brief = "number of the key",
	},
	{
	    .path = "bfdProfiles[].authentication.password",
	    .type = OPT_MAP,
	    .brief = "the key",
	},
	{
	    .path = "bfdProfiles[].authentication.password.file",
	    AT(password_file),
	    .type = OPT_FILE,
	    .max = 4095,
	    .effect = OPT_LIVE,
	    .brief = "file that holds the password and nothing else",
	    .doc = "At most 20 octets for SHA1 and 16 for MD5, without the line end. As for "
		   "`peers[].password.file`.",
	},
	{
	    .path = "bfdProfiles[].authentication.password.env",
	    AT(password_env),
	    .type = OPT_ENVNAME,
	    .max = 255,
	    .effect = OPT_LIVE,
	    .brief = "environment variable of weftd with the password",
	},
	{
	    .path = "bfdProfiles[].authentication.password.secretKeyRef",
	    .type = OPT_MAP,
	    .brief = "key of a Secret of Kubernetes",
	    .doc = "As `peers[].password.secretKeyRef`.",
	},
	{
	    .path = "bfdProfiles[].authentication.password.secretKeyRef.name",
	    AT(password_secret),
	    .type = OPT_NAME,
	    .max = 253,
	    .effect = OPT_LIVE,
	    .brief = "name of the Secret, in the namespace of weft's own",
	},
	{
	    .path = "bfdProfiles[].authentication.password.secretKeyRef.key",
	    AT(password_key),
	    .type = OPT_NAME,
	    .max = 253,
	    .effect = OPT_LIVE,
	    .brief = "key in its data",
	},
};

const struct opt_section conf_opts_bfd = OPT_SECTION(rows);
