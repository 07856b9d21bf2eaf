/*
 * Services and EndpointSlices as the API server tells them -> plain structs.
 *
 * No shape is trusted: what is missing or of another type is as if it were not there. Pure but for
 * jansson, so that a fuzzer can call it.
 */
#ifndef AGENT_KUBE_SVCPARSE_H
#define AGENT_KUBE_SVCPARSE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/core/services.h"
#include "lib/ipcmsg.h"

#define SVC_LABELS_MAX 128 /* of one Service; more are not looked at */
#define SVC_KEY_MAX    512 /* "namespace/name": names have at most 253 octets each */

struct svc_parsed {
	struct service service;
	struct label label[SVC_LABELS_MAX];
	struct service_addr addr[SERVICES_ADDRS_MAX];
};

/*
 * ret->service points into obj, key and *ret. class: a loadBalancerClass that is ours beside those
 * that begin with "weft.dev/", or NULL.
 */
void svc_parse(const char *key, const json_t *obj, const char *class, struct svc_parsed *ret);

/*
 * key: of the slice. node: this node's name; hostname: its label kubernetes.io/hostname, or NULL.
 * False: it belongs to no Service, or not to addresses. service: SVC_KEY_MAX octets.
 */
bool svc_parse_slice(const char *key, const json_t *obj, const char *node, const char *hostname,
    char *service, struct service_slice *ret);

struct conf;

/*
 * Add what the annotations say (NULL: none) to the attributes. False: one of them is wrong; it
 * counts for nothing, and the reason is in why (IPC_TEXT_MAX octets).
 */
bool svc_parse_notes(const struct conf *c, const char *communities, const char *local_pref,
    struct ipc_originate *o, char *why);

#endif
