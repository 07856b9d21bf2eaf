/*
 * What the commands of the control socket share: agent/control_*.c only.
 *
 *	control_cmd.c	 the table of commands, what several of them need
 *	control_args.c	 the table of arguments
 *	control_peer.c	 whom we speak with
 *	control_route.c	 where packets go
 *	control_kube.c	 what the cluster has to do with it
 *	control_record.c what happens
 *	control_change.c commands that change something
 *
 * A new command is a function in one of them, a line below and a row of control_cmd.c; a new
 * argument a member of struct control_args, a line below, a parser and a row of control_args.c.
 */
#ifndef AGENT_CONTROL_CMD_H
#define AGENT_CONTROL_CMD_H

#include "agent/control_req.h"

struct json_t;
struct kube_services;

/* Entries looked at in one turn of control_pull(). */
#define CONTROL_SLICE_ROWS 512

enum control_arg {
	ARG_FAMILY,
	ARG_NAME,
	ARG_COMMAND,
	ARG_REASON,
	ARG_VIEW,
	ARG_PREFIX,
	ARG_PEER,
	ARG_DESTINATION,
	ARG_DIFF,
	ARG_FOLLOW,
	ARG_SINCE,
	ARG_WAIT,
	ARG_SETTLE,
	NARGS
};

/* A row of the table of commands; takes and needs are sets: 1 << enum control_arg. */
struct control_cmd {
	const char *name;
	uint32_t takes, needs;
	bool changes; /* needs a right */
	void (*start)(struct control_req *r);
};

/* args (NULL: none) by r->cmd into r->args; false with a text in err (cap octets). */
bool control_args_parse(struct control_req *r, struct json_t *args, char *err, size_t cap);

/* Has the request that argument? */
static inline bool
control_given(const struct control_req *r, enum control_arg arg)
{
	return r->args.given & (1u << arg);
}

/* An enum ipc_peer_cmd_kind as it is written in requests. */
const char *control_peer_command(uint8_t command);

/* ---- what several commands need (control_cmd.c, control_kube.c) ------------ */

/* Find the peer that args name; without one the answer has been ended. */
const struct agent_peer *control_need_peer(struct control_req *r);

/* bgpd is not there: end the answer with that, or warn that it is made without bgpd. */
void control_end_lost(struct control_req *r);
void control_warn_lost(struct control_req *r);

/* Services of the cluster; NULL: none is followed. */
struct kube_services *control_services_part(const struct control_req *r);

/* ---- the commands, as the table has them: they begin the answer ------------ */

/* control_peer.c */
void control_cmd_status(struct control_req *r);	  /* how are we, and what is wrong */
void control_cmd_peers(struct control_req *r);	  /* a row for each peer */
void control_cmd_peer(struct control_req *r);	  /* one peer, with new figures of BFD */
void control_cmd_bfd(struct control_req *r);	  /* a row for each BFD session */
void control_cmd_bmp(struct control_req *r);	  /* a row for each BMP collector */

/* control_route.c */
void control_cmd_routes(struct control_req *r);	  /* paths that bgpd has */
void control_cmd_route(struct control_req *r);	  /* all about one destination */
void control_cmd_fib(struct control_req *r);	  /* our routes in the kernel, wanted and there */
void control_cmd_nexthops(struct control_req *r); /* next hops, and how they resolve */
void control_cmd_nat(struct control_req *r);	  /* the table of natOutgoing, by family */

/* control_kube.c */
void control_cmd_kube(struct control_req *r);	  /* how we stand with the API server */
void control_cmd_nodes(struct control_req *r);	  /* a row for each node of the cluster */
void control_cmd_services(struct control_req *r); /* a row for each Service */
void control_cmd_pools(struct control_req *r);	  /* pools; Services without an address */
void control_cmd_cni(struct control_req *r);	  /* the file for container runtimes */

/* control_record.c */
void control_cmd_events(struct control_req *r);	    /* events, and those to come if wanted */
void control_cmd_mrt_rib(struct control_req *r);    /* the table to the client's descriptor */
void control_cmd_mrt_record(struct control_req *r); /* messages to it, until the client has enough */

/* control_change.c */
void control_cmd_peer_command(struct control_req *r);	 /* reset, down, up, refresh */
void control_cmd_reload(struct control_req *r);		 /* read the configuration again */
void control_cmd_prepare_restart(struct control_req *r); /* the next stop keeps all routes */
void control_cmd_flush(struct control_req *r);		 /* take our routes out of the kernel */
void control_cmd_drain(struct control_req *r);		 /* the node or a peer, and its steps */
void control_cmd_undrain(struct control_req *r);	 /* the reverse */
void control_cmd_pre_stop(struct control_req *r);	 /* before a pod's end: keep routes or drain */

#endif
