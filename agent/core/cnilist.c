/*
 * See cnilist.h.
 */
#include "agent/core/cnilist.h"

#include <string.h>

#include "lib/out.h"

static bool
has_family(const struct cnilist *l, uint8_t af)
{
	for (size_t i = 0; i < l->ncidrs; i++)
		if (l->cidr[i].af == af)
			return true;
	return false;
}

/* Of each set a pod gets one address: the ranges of one family stand in for each other. */
static void
put_ranges(struct out *o, const struct cnilist *l)
{
	char buf[IP_PREFIX_STRLEN];

	out_open_array(o, "ranges");
	for (uint8_t af = IP4; af <= IP6; af++) {
		if (!has_family(l, af))
			continue;
		out_open_array(o, NULL);
		for (size_t i = 0; i < l->ncidrs; i++) {
			if (l->cidr[i].af != af)
				continue;
			out_open(o, NULL);
			out_str(o, "subnet", ip_prefix_str(&l->cidr[i], buf));
			out_close(o);
		}
		out_close(o);
	}
	out_close(o);
}

static void
put_routes(struct out *o, const struct cnilist *l)
{
	out_open_array(o, "routes");
	for (uint8_t af = IP4; af <= IP6; af++) {
		if (!has_family(l, af))
			continue;
		out_open(o, NULL);
		out_str(o, "dst", af == IP4 ? "0.0.0.0/0" : "::/0");
		out_close(o);
	}
	out_close(o);
}

static void
put_interface(struct out *o, const struct cnilist *l)
{
	out_open(o, NULL);
	out_str(o, "type", l->bridge ? "bridge" : "ptp");
	if (l->bridge) {
		out_str(o, "bridge", l->bridge);
		out_bool(o, "isGateway", true);
		out_bool(o, "hairpinMode", true); /* a pod may reach itself by its service */
	}
	if (l->mtu > 0)
		out_u64(o, "mtu", l->mtu);
	out_bool(o, "ipMasq", false);
	out_open(o, "ipam");
	out_str(o, "type", "host-local");
	out_str(o, "dataDir", l->data_dir);
	put_ranges(o, l);
	put_routes(o, l);
	out_close(o);
	out_close(o);
}

/* A plugin that does something only when the runtime has a use for it. */
static void
put_capable(struct out *o, const char *type, const char *capability)
{
	out_open(o, NULL);
	out_str(o, "type", type);
	out_open(o, "capabilities");
	out_bool(o, capability, true);
	out_close(o);
	out_close(o);
}

char *
cnilist_text(const struct cnilist *l)
{
	struct out o;
	char *text;

	out_init(&o, true);
	out_open(&o, NULL);
	out_str(&o, "cniVersion", l->version);
	out_str(&o, "name", CNILIST_NETWORK);
	out_open_array(&o, "plugins");
	put_interface(&o, l);
	if (l->portmap)
		put_capable(&o, "portmap", "portMappings");
	if (l->bandwidth)
		put_capable(&o, "bandwidth", "bandwidth");
	out_close(&o);
	out_close(&o);
	out_lit(&o, "\n");
	text = out_take(&o, NULL);
	out_free(&o);
	return text;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

bool
cnilist_is_before(const char *name, const char *ours)
{
	return (ends_with(name, ".conf") || ends_with(name, ".conflist") || ends_with(name, ".json")) &&
	       strcmp(name, ours) < 0;
}
