/*
 * Option rows under `kubernetes`: the cluster this node is in.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, kube.member)

static const struct opt rows[] = {
	{
	    .path = "kubernetes",
	    .type = OPT_MAP,
	    .brief = "the Kubernetes cluster that this node is in",
	},
	{
	    .path = "kubernetes.enabled",
	    AT(enabled),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("auto", "true", "false"),
	    .dflt = "auto",
	    .effect = OPT_LIVE,
	    .brief = "watch the API server",
	    .doc = "`auto` does so in a pod that has a service account, and where `kubeconfig` is "
		   "written. An API server that cannot be reached changes nothing: what is known "
		   "of the cluster stays in force.",
	},
	{
	    .path = "kubernetes.kubeconfig",
	    AT(kubeconfig),
	    .type = OPT_FILE,
	    .max = 255,
	    .effect = OPT_LIVE,
	    .brief = "file that names the API server and our credentials",
	    .doc = "As kubectl's: its current context counts; a token, a token file or a client "
		   "certificate. Without it the service account of the pod counts. A relative "
		   "path starts at the configuration's directory. The file, and those that it "
		   "names, lie below that directory, /etc/weft or one that weftd was started "
		   "with (--secret-dir). They are read again when they change.",
	},
	{
	    .path = "kubernetes.server",
	    AT(server),
	    .type = OPT_NAME,
	    .max = 255,
	    .effect = OPT_LIVE,
	    .brief = "where the API server is: https://HOST:PORT",
	    .doc = "In place of what the kubeconfig or the environment of the pod says: for a "
		   "node whose way to the service address of the API server is made by weft "
		   "itself. Its certificate must be for HOST.",
	},
	{
	    .path = "kubernetes.namespace",
	    AT(namespace),
	    .type = OPT_NAME,
	    .max = 63,
	    .effect = OPT_LIVE,
	    .brief = "namespace of what is weft's own",
	    .doc = "Where Secrets with passwords are looked up and where the Lease is. The "
		   "default is the namespace of the service account, or of the kubeconfig's "
		   "context, or kube-system.",
	},
};

const struct opt_section conf_opts_kube = OPT_SECTION(rows);
