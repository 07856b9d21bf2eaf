/*
 * Keeps other wefts off our routes; see claim.h.
 *
 * Owns the socket that stands for the claim.  Who connects to it only wants to
 * know whose it is, which the kernel tells; it is accepted and closed.
 */
#include "agent/claim.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/launcher.h"
#include "lib/logmain.h"
#include "lib/mem.h"

#define WAIT_S	 5
#define RETRY_MS 50

struct claim {
	struct agent *agent;
	int fd; /* -1: nothing is claimed */
	uint8_t protocol;
	struct event *ev;
};

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	/* cppcheck-suppress nullPointer ; accept(2): nothing is filled in then */
	int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (got >= 0)
		close(got);
}

static void
drop(struct claim *cl)
{
	if (cl->fd < 0)
		return;
	event_free(cl->ev);
	close(cl->fd);
	cl->fd = -1;
}

static void
hold(struct claim *cl, int fd, uint8_t protocol)
{
	drop(cl);
	cl->fd = fd;
	cl->protocol = protocol;
	cl->ev = event_new(cl->agent->base, fd, EV_READ | EV_PERSIST, on_readable, cl);
	event_add(cl->ev, NULL);
}

/* 0, or -EADDRINUSE; what else may go wrong is no reason not to start. */
static int
try(struct claim *cl, const struct conf *c, char *why)
{
	uint8_t protocol = (uint8_t)c->kernel.protocol;
	int fd;

	if (!c->kernel.install || c->observe || cl->agent->always_observe) {
		drop(cl);
		return 0;
	}
	if (cl->fd >= 0 && cl->protocol == protocol)
		return 0;
	fd = launcher_open_claim(cl->agent->launcher, protocol, why);
	if (fd == -EADDRINUSE || fd == -EAGAIN)
		return fd;
	if (fd >= 0)
		hold(cl, fd, protocol);
	else
		log_event(LOG_WARN, "claim-failed", "protocol=%u why=\"%s\"", protocol,
		    why[0] ? why : strerror(-fd));
	return 0;
}

static bool
refuse(char **errors, const char *why)
{
	mem_free(*errors);
	*errors = mem_printf("kernel.protocol: %s: stop it, or give each a number of its own\n", why);
	return false;
}

bool
claim_try(struct claim *cl, const struct conf *c, char **errors)
{
	char why[LAUNCH_TEXT_MAX];

	return try(cl, c, why) != -EADDRINUSE || refuse(errors, why);
}

bool
claim_wait(struct claim *cl, const struct conf *c, char **errors)
{
	struct mono_us end = mono_add_s(agent_now(), WAIT_S);
	char why[LAUNCH_TEXT_MAX];
	int rc;

	while ((rc = try(cl, c, why)) != 0 && mono_before(agent_now(), end))
		poll(NULL, 0, RETRY_MS);
	return rc != -EADDRINUSE || refuse(errors, why);
}

struct claim *
claim_new(struct agent *a)
{
	struct claim *cl = mem_zalloc(sizeof *cl);

	cl->agent = a;
	cl->fd = -1;
	return cl;
}

void
claim_free(struct claim *cl)
{
	if (!cl)
		return;
	drop(cl);
	mem_free(cl);
}
