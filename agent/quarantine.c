/*
 * Peers whose messages crash bgpd; see quarantine.h.
 *
 * Owns the mapping of the page, the list, and the timer that lets a peer come
 * again.  The page's writer has died of what it read: everything in it is
 * copied once and then only compared and counted.
 */
#include "agent/quarantine.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/core/poison.h"
#include "agent/source.h"
#include "lib/crashpage.h"
#include "lib/hmap.h"
#include "lib/mem.h"

#define HEADER_OCTETS 19 /* RFC 4271 section 4.1: marker (16), length (2), type (1) */

struct quarantine {
	struct agent *agent;
	struct crash_page *page; /* NULL: none */
	struct poison poison;
	struct event *timer;
};

/* What was being handled. */
struct victim {
	uint32_t peer; /* IPC_PEER_NONE: nothing */
	uint32_t octets;
	uint8_t type;
	uint64_t hash; /* the same on every node, so that reports can be compared */
};

static struct victim
page_read(const struct crash_page *c)
{
	static const uint64_t key[2];
	uint8_t msg[sizeof(c->msg)];
	struct victim v = { .peer = c->peer, .octets = c->octets };

	memcpy(msg, c->msg, sizeof(msg));
	v.type = v.octets >= HEADER_OCTETS ? msg[HEADER_OCTETS - 1] : 0;
	v.hash = siphash13(key, msg, v.octets < sizeof(msg) ? v.octets : sizeof(msg));
	return v;
}

/* Signals of a process that went wrong by itself. */
static bool
is_fault(int status)
{
	static const int fault[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };

	for (size_t i = 0; WIFSIGNALED(status) && i < sizeof(fault) / sizeof(fault[0]); i++)
		if (WTERMSIG(status) == fault[i])
			return true;
	return false;
}

static const char *
type_name(uint8_t type)
{
	static const char *const name[] = { "message", "OPEN", "UPDATE", "NOTIFICATION", "KEEPALIVE",
		"ROUTE-REFRESH" };

	return type < sizeof(name) / sizeof(name[0]) ? name[type] : name[0];
}

static void
timer_arm(struct quarantine *q)
{
	struct mono_us next = poison_deadline(&q->poison);
	uint64_t us = mono_diff_us(next, agent_now());
	struct timeval tv = { .tv_sec = (time_t)(us / 1000000), .tv_usec = us % 1000000 };

	if (mono_is_never(next))
		event_del(q->timer);
	else
		event_add(q->timer, &tv);
}

static void
lifted(struct quarantine *q, const struct ip_addr *addr, const char *why)
{
	char text[IP_ADDR_STRLEN];

	events_addf(q->agent->events, IPC_LVL_NOTICE, "quarantine-over", "address=%s why=\"%s\"",
	    ip_addr_str(addr, text), why);
	timer_arm(q);
	source_resolve(q->agent);
	agent_kick(q->agent);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct quarantine *q = arg;
	struct ip_addr addr;

	while (poison_expire(&q->poison, agent_now(), &addr))
		lifted(q, &addr, "its time is over");
	timer_arm(q);
}

/* Who else sent the very same message. */
static void
tell_same(struct quarantine *q, const struct agent_peer *p, const struct ip_addr *same, uint64_t hash)
{
	char text[IP_ADDR_STRLEN];

	if (same->af != 0)
		events_addf(q->agent->events, IPC_LVL_ERR, "poison-message",
		    "peer=%s message=%016llx why=\"the same message from %s has crashed weft-bgpd, "
		    "too: it is the route's fault rather than the peer's\"", p->conf->name,
		    (unsigned long long)hash, ip_addr_str(same, text));
}

static void
crashed(struct quarantine *q, const struct agent_peer *p, const struct victim *v)
{
	struct ip_addr same, addr = p->addr;
	enum poison_verdict verdict = poison_crash(&q->poison, agent_now(), &addr, v->hash, &same);

	events_addf(q->agent->events, IPC_LVL_ERR, "crashed-by-message",
	    "peer=%s message=%016llx octets=%u type=%s", p->conf->name,
	    (unsigned long long)v->hash, v->octets, type_name(v->type));
	tell_same(q, p, &same, v->hash);
	if (verdict != POISON_QUARANTINED)
		return;
	events_addf(q->agent->events, IPC_LVL_ERR, "peer-quarantined",
	    "peer=%s for-s=%d why=\"its messages crashed weft-bgpd twice within %d minutes\"",
	    p->conf->name, POISON_HOLD_S, POISON_WINDOW_S / 60);
	timer_arm(q);
	source_resolve(q->agent);
}

void
quarantine_bgpd_ended(struct quarantine *q, int status, bool hung)
{
	const struct agent_peer *p;
	struct victim v;

	if (!q || !q->page)
		return;
	v = page_read(q->page);
	p = hung || is_fault(status) ? agent_peer_by_id(q->agent, v.peer) : NULL;
	crash_page_leave(q->page); /* the next one has not been greeted yet: it is in no message */
	if (p)
		crashed(q, p, &v);
}

uint32_t
quarantine_bgpd_turns(const struct quarantine *q)
{
	return q && q->page ? q->page->turns : 0;
}

const char *
quarantine_why(const struct quarantine *q, const struct ip_addr *addr, char *buf, size_t cap)
{
	const struct poison_peer *r = q ? poison_find(&q->poison, agent_now(), addr) : NULL;

	if (!r)
		return NULL;
	snprintf(buf, cap, "quarantined: its messages crashed weft-bgpd twice within %d minutes "
	    "(the last one is %016llx); \"up\" lets it come again, else after %d minutes",
	    POISON_WINDOW_S / 60, (unsigned long long)r->hash, POISON_HOLD_S / 60);
	return buf;
}

bool
quarantine_lift(struct quarantine *q, const struct ip_addr *addr)
{
	const struct ip_addr copy = *addr; /* lifted() rebuilds the peers */

	if (!q || !poison_lift(&q->poison, agent_now(), &copy))
		return false;
	lifted(q, &copy, "an operator's word");
	return true;
}

static struct crash_page *
page_map(int fd)
{
	struct stat st;
	void *p = MAP_FAILED;

	if (fd < 0 || fstat(fd, &st) != 0)
		return NULL;
	if (S_ISREG(st.st_mode) && st.st_size == sizeof(struct crash_page))
		p = mmap(NULL, sizeof(struct crash_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

struct quarantine *
quarantine_new(struct agent *a, int fd)
{
	struct quarantine *q = mem_zalloc(sizeof *q);

	q->agent = a;
	q->page = page_map(fd);
	crash_page_leave(q->page); /* of what died before this agent nothing more is said */
	q->timer = event_new(a->base, -1, 0, on_timer, q);
	return q;
}

void
quarantine_free(struct quarantine *q)
{
	if (!q)
		return;
	if (q->page)
		munmap(q->page, sizeof *q->page);
	event_free(q->timer);
	mem_free(q);
}
