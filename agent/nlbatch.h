/*
 * Batches of requests: many messages in one sendmsg(), the ACK asked for on the last
 * only, a verdict for each by its sequence number.
 */
#ifndef AGENT_NLBATCH_H
#define AGENT_NLBATCH_H

#include "agent/core/fib.h"
#include "agent/nlsock.h"

struct nlbatch;

#define NLBATCH_OPS 256

/* Opens the socket; recv (NLSOCK_DATAGRAM octets, aligned to 8) is borrowed scratch. NULL: errno. */
struct nlbatch *nlbatch_new(uint8_t *recv);
void nlbatch_free(struct nlbatch *b);
/* The port that the kernel knows our requests by. */
uint32_t nlbatch_port(const struct nlbatch *b);

/* Add op; false: the batch is full (send it and add again). An op that cannot be built fails at once. */
bool nlbatch_add(struct nlbatch *b, const struct fib_kop *op);
size_t nlbatch_count(const struct nlbatch *b);

/*
 * Send what is there, read the kernel's answers, which are complete when the call
 * to send returns, and hand each to fib_result() with the time of now(). Returns the
 * number of errors among them. *ret_lost: answers were lost (no memory): what became of
 * those operations is unknown, they fail with EAGAIN.
 */
size_t nlbatch_send(struct nlbatch *b, struct fib *f, struct mono_us (*now)(void), bool *ret_lost);

#endif
