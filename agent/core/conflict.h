/*
 * What of the node works against our routes: programs that remove them, settings
 * under which they do not carry what they should.  Pure: facts and removals go in,
 * warnings, events and settings to change come out.
 *
 * Each kind of conflict is there or not, with a text, what to do about it, and since
 * when.  It is told once as an event when it begins and once when it is over, and
 * removals again at each doubling of their number.
 */
#ifndef AGENT_CORE_CONFLICT_H
#define AGENT_CORE_CONFLICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/ipcmsg.h"
#include "lib/mono.h"

enum conflict_kind {
	CONFLICT_REMOVED,    /* somebody removes or changes our routes */
	CONFLICT_NETWORKD,   /* systemd-networkd runs and would */
	CONFLICT_SECOND,     /* somebody else writes routes with our protocol number */
	CONFLICT_BETTER,     /* somebody's route has the same prefix and a better metric */
	CONFLICT_FORWARD4,   /* forwarding is off */
	CONFLICT_FORWARD6,
	CONFLICT_RP_FILTER,  /* strict, and replies may come in elsewhere */
	CONFLICT_MTU_PODS,   /* pods may send more than the uplinks carry */
	CONFLICT_MTU_LEGS,   /* legs of one route carry different sizes */
	CONFLICT_NM,	     /* NetworkManager manages interfaces of pods */
	CONFLICT_HASH4,	     /* a hint: one flow of two addresses, one leg */
	CONFLICT_HASH6,
	CONFLICT_RA,	     /* router advertisements are ignored, no default route */
	CONFLICT_N
};

/* An interface that our next hops or our pods are on. */
struct conflict_iface {
	char name[16];
	uint32_t ifindex, mtu;
	bool uplink, pods;
	bool global6;  /* has a global IPv6 address */
	int rp_filter; /* effective; -1: not known, as for the others */
	int accept_ra, forward6;
	bool nm;       /* NetworkManager manages it */
};

#define CONFLICT_IFACES_MAX 64

/* How things are now. fib_conflicts() fills what the kernel has told; the shell the rest. */
struct conflict_facts {
	/* From the routing state */
	bool carries[2];      /* own pod CIDRs or learned routes, IPv4 and IPv6 */
	bool several[2];      /* some route of that family has several legs */
	unsigned uplinks;     /* interfaces that next hops are on */
	bool default6;	      /* there is an IPv6 default route */
	uint32_t nbetter;     /* installed, but not used */
	struct ip_prefix better;
	uint32_t better_metric, our_metric;
	uint8_t better_protocol;
	/* From /proc and /etc */
	int forward[2], hash[2];
	bool networkd;	      /* runs */
	bool networkd_foreign; /* ManageForeignRoutes is on, or not said: it is on by default */
	bool network_manager; /* runs */
	size_t n;
	struct conflict_iface iface[CONFLICT_IFACES_MAX];
};

struct conflict_item {
	bool on, said;
	struct mono_us since;
	uint32_t count;
	char text[IPC_TEXT_MAX];
	char fix[IPC_TEXT_MAX];
};

/* Who removes routes, counted for a while. */
struct conflict_blame {
	bool used;
	char name[16];
	uint32_t by;
	uint32_t occasions, say_at; /* say_at: at so many occasions there is an event */
	uint32_t times;		    /* that it happened to one route */
	uint64_t routes;
	struct mono_us first, last;
};
#define CONFLICT_BLAMES 4

struct conflict {
	struct conflict_item item[CONFLICT_N];
	struct conflict_blame blame[CONFLICT_BLAMES];
	struct mono_us second_at;
	bool networkd_foreign, network_manager; /* as last known: the likely cause */
	bool over[CONFLICT_N]; /* to be said */
};

/* Nothing known: c is zeroed memory. */
void conflict_init(struct conflict *c);

/*
 * Somebody removed or changed a route of ours.  by: a netlink port, mostly a process id,
 * or 0 when it is not known; name: its name (at most 15 octets), "" when it is not known;
 * times: how often in a row that has happened to that route.
 */
void conflict_removed(struct conflict *c, struct mono_us now, uint32_t by, const char *name,
    uint32_t times);
/* Somebody made a route with our protocol number, in our table. */
void conflict_second(struct conflict *c, struct mono_us now, uint32_t by, const char *name,
    const struct ip_prefix *p);
/* How things are: conflicts begin and end. */
void conflict_look(struct conflict *c, struct mono_us now, const struct conflict_facts *f);

/* The likely cause of removals by that program, in a few words; "" when nothing is likely. */
const char *conflict_cause(const struct conflict *c, uint32_t by, const char *name);

/* The next event to tell; false: none. */
bool conflict_next_event(struct conflict *c, struct ipc_event *ret);
/* "removed", "networkd", ... */
const char *conflict_name(enum conflict_kind k);
/* One that is no more than advice. */
bool conflict_is_hint(enum conflict_kind k);

/* A setting under /proc/sys that would end a conflict. */
struct conflict_sysctl {
	char name[64]; /* "net/ipv4/ip_forward" */
	int was, want;
};
/*
 * The settings that these facts call for, in the order to change them in; *pos starts at 0.
 * False: no more.
 */
bool conflict_next_sysctl(const struct conflict_facts *f, size_t *pos,
    struct conflict_sysctl *ret);

#endif
