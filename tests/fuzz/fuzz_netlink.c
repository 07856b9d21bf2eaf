/*
 * Messages from the kernel, as weft-agent parses them. The input is everything behind
 * the length and the type, which the first octet chooses. What is accepted lies within
 * what its structure can say.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "agent/nlmsg.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

static const uint16_t types[] = { RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE,
	RTM_DELROUTE, RTM_NEWNEXTHOP, RTM_DELNEXTHOP, NLMSG_ERROR, NLMSG_DONE, RTM_NEWNEIGH };

#define NTYPES (sizeof(types) / sizeof(types[0]))

static void
check_leg(const struct kern_leg *leg)
{
	HOLD(leg->gw.af == 0 || leg->gw.af == IP4 || leg->gw.af == IP6);
}

static void
check_seen(const struct nl_seen *s)
{
	HOLD(s->what < KERN_NWHAT);
	switch (s->what) {
	case KERN_LINKS:
		HOLD(memchr(s->link.name, '\0', sizeof(s->link.name)));
		break;
	case KERN_ADDRS:
		HOLD(s->addr.addr.af == IP4 || s->addr.addr.af == IP6);
		HOLD(s->addr.plen <= ip_af_bits(s->addr.addr.af));
		break;
	case KERN_NEXTHOPS:
		HOLD(s->nexthop.ngroup <= IPC_MEMBERS_MAX);
		break;
	case KERN_ROUTES4:
	case KERN_ROUTES6:
		HOLD(s->route.prefix.af == (s->what == KERN_ROUTES4 ? IP4 : IP6));
		HOLD(s->route.prefix.len <= ip_af_bits(s->route.prefix.af));
		HOLD(s->route.nlegs <= IPC_MEMBERS_MAX);
		for (unsigned i = 0; i < s->route.nlegs; i++)
			check_leg(&s->route.leg[i]);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static struct nl_seen seen;
	struct nlmsghdr *h;
	char text[128];
	size_t body;
	int err;

	if (len == 0 || len > 8192)
		return 0;
	body = len - 1;
	h = mem_zalloc(NLMSG_HDRLEN + body);
	h->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + body);
	h->nlmsg_type = types[in[0] % NTYPES];
	h->nlmsg_flags = in[0] & 0x80 ? NLM_F_REPLACE : 0;
	memcpy(NLMSG_DATA(h), in + 1, body);
	if (nl_parse(h, &seen))
		check_seen(&seen);
	err = nl_parse_error(h, text, sizeof(text));
	HOLD(memchr(text, '\0', sizeof(text)) || err);
	mem_free(h);
	return 0;
}
