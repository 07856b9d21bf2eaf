/*
 * The HTTP server on loopback, beyond what agent.h says of it.
 */
#ifndef AGENT_HTTP_H
#define AGENT_HTTP_H

#include "agent/agent.h"

/* Why there is no HTTP server although one is configured; "" when all is well or h is NULL. */
const char *http_problem(const struct http *h);

#endif
