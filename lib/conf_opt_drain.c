/*
 * Option rows under `drain`: taking the node, or a peer, out of service.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, member)

static const struct opt rows[] = {
	{
	    .path = "drain",
	    .type = OPT_MAP,
	    .brief = "taking the node or a peer out of service without losing packets",
	    .doc = "`weft drain` takes these steps, and so does a stop of weftd (onSIGTERM): "
		   "everything is announced again with GRACEFUL_SHUTDOWN (RFC 8326), and with "
		   "LOCAL_PREF 0 to peers inside; traffic is given time to move; everything is "
		   "withdrawn; sessions are closed with the reason (RFC 9003).",
	},
	{
	    .path = "drain.gshut",
	    AT(drain.gshut),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_LIVE,
	    .brief = "begin with GRACEFUL_SHUTDOWN",
	    .doc = "Without it everything is withdrawn at once, and the time for traffic to move comes "
		   "after that, before sessions are closed: for peers that do not know the community.",
	},
	{
	    .path = "drain.settle",
	    AT(drain.settle_ms),
	    .type = OPT_DURATION,
	    .min = 0,
	    .max = 600 * 1000,
	    .scale = 1,
	    .dflt = "10s",
	    .effect = OPT_LIVE,
	    .brief = "time for traffic to move",
	    .doc = "It is always taken in full, as nothing proves that traffic has moved: the kernel "
		   "counts no packets per route, and what a peer announces does not tell which "
		   "paths it uses. Only where no established peer is told of any prefix there is "
		   "nothing to wait for. At a stop of weftd it is 20s at most. 0s takes neither this "
		   "time nor GRACEFUL_SHUTDOWN, which would be in vain.",
	},
	{
	    .path = "drain.onSIGTERM",
	    AT(drain.on_sigterm),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("drain", "gracefulRestart", "stop"),
	    .dflt = "drain",
	    .effect = OPT_LIVE,
	    .brief = "what a stop of weftd does that was not prepared as a restart",
	    .doc = "`drain`: the steps above; a second SIGTERM ends the waiting. `stop`: withdraw and "
		   "close without time for traffic to move. `gracefulRestart`: as after `weft "
		   "prepare-restart`, so peers keep sending here, until their restart time is over if "
		   "weftd does not come back.",
	},
	{
	    .path = "drain.onTaints",
	    AT(drain.on_taints),
	    .type = OPT_NAME,
	    .flags = OPT_F_MANY,
	    .max = 253,
	    .dflt = "weft.dev/drain node.kubernetes.io/out-of-service",
	    .effect = OPT_LIVE,
	    .brief = "taints of the Kubernetes Node that drain it",
	    .doc = "By their keys. The drain begins when the Node gets one of them, when it is deleted, or "
		   "when its kubelet says that it shuts down, and ends when that is over; one that an "
		   "operator began goes on. A drain withdraws the pods' routes, too: taints of an "
		   "autoscaler (`ToBeDeletedByClusterAutoscaler`, `karpenter.sh/disrupted`), which come "
		   "while pods still run, belong here only where pods are reached by services alone.",
	},
	{
	    .path = "drain.onCordon",
	    AT(drain.on_cordon),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_LIVE,
	    .brief = "a cordon of the Kubernetes Node drains it, too",
	    .doc = "A cordoned node's pods go on running, and lose their routes by the drain.",
	},
};

const struct opt_section conf_opts_drain = OPT_SECTION(rows);
