/*
 * Prefixes on the wire: RFC 4271 section 4.3 (<length, prefix>), RFC 4760
 * section 5, RFC 7911 section 3 (path id in front).
 */
#include "bgpd/core/nlri.h"

#include "bgpd/core/bgp.h"

const struct afi_desc afi_desc[AF_COUNT] = {
	{ IP4, BGP_SAFI_UNICAST, 32, "ipv4-unicast" },
	{ IP6, BGP_SAFI_UNICAST, 128, "ipv6-unicast" },
};

uint8_t
afi_known(uint16_t afi, uint8_t safi)
{
	for (unsigned i = 0; i < AF_COUNT; i++)
		if (afi_desc[i].af == afi && afi_desc[i].safi == safi)
			return afi_desc[i].af;
	return 0;
}

bool
nlri_next(struct rd *r, uint8_t af, bool addpath, struct nlri *ret, struct bgp_err *e)
{
	struct nlri n = { .prefix = { .af = af } };
	size_t off = BGP_HEADER_OCTETS + rd_pos(r);

	if (rd_left(r) == 0)
		return false;
	if (addpath)
		n.path_id = rd_u32(r);
	n.prefix.len = rd_u8(r);
	if (n.prefix.len > ip_af_bits(af) ||
	    !rd_copy(r, n.prefix.b, ip_prefix_octets(n.prefix.len))) {
		bgp_fail(e, ACT_RESET, ERR_UPDATE, UPD_NETWORK, 0, off,
		    n.prefix.len > ip_af_bits(af) ? "prefix length over the family's bits"
						  : "prefix runs over the end of its field");
		return false;
	}
	ip_prefix_mask(&n.prefix); /* bits past the length are noise on the wire */
	*ret = n;
	return true;
}

uint32_t
nlri_check(struct rd r, uint8_t af, bool addpath, struct bgp_err *e)
{
	struct nlri n;
	uint32_t count = 0;

	while (nlri_next(&r, af, addpath, &n, e))
		count++;
	return count;
}

void
nlri_put(struct wr *w, bool addpath, const struct nlri *n)
{
	if (addpath)
		wr_u32(w, n->path_id);
	wr_u8(w, n->prefix.len);
	wr_bytes(w, n->prefix.b, ip_prefix_octets(n->prefix.len));
}

size_t
nlri_octets(bool addpath, const struct nlri *n)
{
	return (addpath ? 4u : 0u) + 1u + ip_prefix_octets(n->prefix.len);
}
