/*
 * Option rows under `cni`: how container runtimes make pods on this node.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, cni.member)

static const struct opt rows[] = {
	{
	    .path = "cni",
	    .type = OPT_MAP,
	    .brief = "the file by which container runtimes learn how to make pods",
	    .doc = "A CNI configuration list: `ptp` or `bridge`, `host-local` with the node's own pod "
		   "CIDRs, and `portmap`; nothing is translated. It is written when the node has its "
		   "routes (see `ops.ready.convergedTimeout`), so that no pod starts before; it is "
		   "written again when it is to say something else, and files of others are left "
		   "alone. `weft cni` shows it, and why it is not there yet.",
	},
	{
	    .path = "cni.enabled",
	    AT(enabled),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("auto", "true", "false"),
	    .dflt = "auto",
	    .effect = OPT_LIVE,
	    .brief = "write it",
	    .doc = "`auto`: on a Kubernetes node. The directory is not named here but on weftd's command "
		   "line (--cni-dir; /etc/cni/net.d), as it is weftd that writes there.",
	},
	{
	    .path = "cni.name",
	    AT(name),
	    .type = OPT_NAME,
	    .max = 64,
	    .dflt = "10-weft.conflist",
	    .effect = OPT_LIVE,
	    .brief = "name of the file",
	    .doc = "It ends in -weft.conflist. Container runtimes take the first file by name in that "
		   "directory: one of another product that sorts before it is an event and a warning. A "
		   "file under a former name is removed when this one is written.",
	},
	{
	    .path = "cni.cniVersion",
	    AT(version),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("0.3.1", "0.4.0", "1.0.0"),
	    .dflt = "1.0.0",
	    .effect = OPT_LIVE,
	    .brief = "version of the CNI specification",
	    .doc = "containerd from 1.6 and CRI-O from 1.24 on take 1.0.0; older ones, and a kubelet that "
		   "runs plugins itself (before 1.24), need 0.4.0 or 0.3.1. The content is the same.",
	},
	{
	    .path = "cni.plugin",
	    AT(plugin),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("ptp", "bridge"),
	    .dflt = "ptp",
	    .effect = OPT_LIVE,
	    .brief = "how a pod is connected to its node",
	    .doc = "`ptp`: by a pair of interfaces and a host route; `bridge`: by a port of a bridge, "
		   "whose address is the pods' router. A change counts for pods that start after it.",
	},
	{
	    .path = "cni.bridge",
	    AT(bridge),
	    .type = OPT_IFNAME,
	    .dflt = "cni0",
	    .effect = OPT_LIVE,
	    .brief = "name of the bridge, with `plugin: bridge`",
	},
	{
	    .path = "cni.mtu",
	    AT(mtu),
	    .type = OPT_UINT,
	    .min = 576,
	    .max = 65535,
	    .zero = "auto",
	    .effect = OPT_LIVE,
	    .brief = "MTU of the pods' interfaces",
	    .doc = "`auto`: the least MTU of the interfaces that the node's address is on and that "
		   "`uplinks` names. Nothing is added to packets, so nothing is taken off.",
	},
	{
	    .path = "cni.portmap",
	    AT(portmap),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_LIVE,
	    .brief = "serve hostPort, by the plugin `portmap`",
	},
	{
	    .path = "cni.bandwidth",
	    AT(bandwidth),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_LIVE,
	    .brief = "limit pods that ask for it, by the plugin `bandwidth`",
	    .doc = "Pods ask by the annotations kubernetes.io/ingress-bandwidth and egress-bandwidth.",
	},
	{
	    .path = "cni.dataDir",
	    AT(data_dir),
	    .type = OPT_FILE,
	    .max = 200,
	    .dflt = "/run/cni-ipam-state",
	    .effect = OPT_LIVE,
	    .brief = "where `host-local` notes which addresses are taken",
	    .doc = "A directory that a reboot empties, as it ends all pods.",
	},
	{
	    .path = "cni.removeOnDisable",
	    AT(remove),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_LIVE,
	    .brief = "with `enabled: false`: remove the file",
	    .doc = "Else it stays, and with it what starts pods. A stop of weftd never removes it.",
	},
};

const struct opt_section conf_opts_cni = OPT_SECTION(rows);
