/*
 * Custom resources as configuration: BGPConfiguration, BGPFilter, BGPPeer, BGPAdvertisement of
 * weft.dev/v1alpha1.
 *
 * Their specs are parts of the configuration (agent/composition.h); a change of one makes a new
 * configuration of all. What came of an object is written into its status, and an Event tells of a
 * bad one. A cluster without their definitions has none; nothing is said of that.
 *
 * Needs: get, list, watch of the four kinds; patch of their status.
 */
#ifndef AGENT_KUBE_CONFIG_H
#define AGENT_KUBE_CONFIG_H

#include "agent/kube/kube.h"
#include "lib/conf_parts.h"

extern const struct kube_part kube_config_part;

/* Are the objects not known yet, and worth waiting for? part: of that row, NULL: no. */
bool kube_config_is_awaited(const void *part);

/*
 * Until the API server tells of the objects of that kind, this is one of them (its spec, as it was
 * good in a former life). kube_config_go_on() then makes the configuration: nobody waits any more.
 */
void kube_config_remember(
    void *part, enum conf_part_kind kind, const char *element, const char *age, const char *text);
void kube_config_go_on(void *part);

/* Are all objects known, so that the configuration is whole? part: of that row, NULL: it is. */
bool kube_config_is_loaded(const void *part);

#endif
