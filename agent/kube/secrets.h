/*
 * Passwords out of Secrets (password.secretKeyRef): each Secret that the configuration names is
 * watched by its name, in our namespace; no other one is asked for.
 *
 * What is read is wiped when it changes or is no longer named. That the API server is gone changes
 * nothing; a Secret or a key that is deleted stops who needs it, as a missing file does.
 *
 * Needs: list and watch of secrets with resourceNames, in our namespace (a Role).
 */
#ifndef AGENT_KUBE_SECRETS_H
#define AGENT_KUBE_SECRETS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/kube/kube.h"

extern const struct kube_part kube_secrets_part;

/*
 * The key of a Secret, at most SOURCE_SECRET_MAX octets without its line end. False with the reason
 * in ret_problem (IPC_TEXT_MAX octets); *ret_later: it is not known yet whether it is there. k may be
 * NULL.
 */
bool kube_secret(struct kube *k, const char *name, const char *key, uint8_t *ret, size_t *ret_len,
    char *ret_problem, bool *ret_later);

#endif
