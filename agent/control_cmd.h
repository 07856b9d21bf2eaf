/*
 * What the commands of the control socket share.
 *
 *	control_cmd.c	 the commands, and their table
 *	control_args.c	 the arguments, each with its parser
 */
#ifndef AGENT_CONTROL_CMD_H
#define AGENT_CONTROL_CMD_H

#include "agent/control_req.h"

struct json_t;

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

#endif
