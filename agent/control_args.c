/*
 * The arguments of the commands: a table of them with their parsers. The row of a command says
 * which of them it takes.
 *
 * What is not in a table is an error that names it; so is what a parser does not want, with what
 * it does. Nothing here looks at the agent.
 */
#include "agent/control_cmd.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#define DRAIN_SETTLE_MAX_MS 600000 /* as drain.settle */

/* The index of s in names, or -1. */
static int
word_of(const char *const *names, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], s) == 0)
			return (int)i;
	return -1;
}

static bool
arg_family(struct control_args *to, const char *s)
{
	to->af = strcmp(s, "ipv4") == 0 ? IP4 : strcmp(s, "ipv6") == 0 ? IP6 : IP_NONE;
	return to->af != IP_NONE;
}

static bool
arg_copy(char *dst, size_t cap, const char *s)
{
	size_t n = strlen(s);

	if (!n || n >= cap)
		return false;
	memcpy(dst, s, n + 1);
	return true;
}

static bool
arg_peer(struct control_args *to, const char *s)
{
	return arg_copy(to->peer_name, sizeof(to->peer_name), s);
}

static bool
arg_reason(struct control_args *to, const char *s)
{
	return arg_copy(to->reason, sizeof(to->reason), s);
}

static const char *const peer_commands[] = {
	[IPC_CMD_RESET] = "reset",
	[IPC_CMD_DOWN] = "down",
	[IPC_CMD_UP] = "up",
	[IPC_CMD_REFRESH_IN] = "refresh-in",
	[IPC_CMD_REFRESH_OUT] = "refresh-out",
};

static bool
arg_command(struct control_args *to, const char *s)
{
	int i = word_of(peer_commands, sizeof(peer_commands) / sizeof(peer_commands[0]), s);

	to->command = (uint8_t)i;
	return i >= 0;
}

const char *
control_peer_command(uint8_t command)
{
	return peer_commands[command];
}

static bool
arg_view(struct control_args *to, const char *s)
{
	static const char *const names[] = {
		[IPC_VIEW_ALL] = "all",
		[IPC_VIEW_RECEIVED] = "received",
		[IPC_VIEW_ACCEPTED] = "accepted",
		[IPC_VIEW_BEST] = "best",
		[IPC_VIEW_ADVERTISED] = "advertised",
		[IPC_VIEW_REJECTED] = "rejected",
	};
	int i = word_of(names, sizeof(names) / sizeof(names[0]), s);

	to->view = (uint8_t)i;
	return i >= 0;
}

/* A prefix, host bits and all, or an address. */
static bool
arg_prefix(struct control_args *to, const char *s)
{
	struct ip_addr addr;
	bool host_bits;

	to->host = ip_addr_parse(s, &addr);
	if (to->host)
		to->prefix = ip_prefix_from_addr(&addr);
	else if (!ip_prefix_parse(s, &to->prefix, &host_bits))
		return false;
	ip_prefix_str(&to->prefix, to->destination);
	if (to->host)
		ip_addr_str(&addr, to->destination);
	return true;
}

static bool
arg_since(struct control_args *to, json_int_t v)
{
	to->since_s = (uint64_t)v;
	return v >= 0 && v <= UINT32_MAX;
}

static bool
arg_diff(struct control_args *to, bool v)
{
	to->diff = v;
	return true;
}

static bool
arg_follow(struct control_args *to, bool v)
{
	to->follow = v;
	return true;
}

static bool
arg_wait(struct control_args *to, bool v)
{
	to->wait = v;
	return true;
}

static bool
arg_settle(struct control_args *to, json_int_t v)
{
	to->settle_ms = (uint64_t)v;
	return v >= 0 && v <= DRAIN_SETTLE_MAX_MS;
}

/* One of the three parsers is there, and says which type of value is wanted. */
static const struct {
	const char *name, *want;
	bool (*text)(struct control_args *to, const char *s);
	bool (*number)(struct control_args *to, json_int_t v);
	bool (*flag)(struct control_args *to, bool v);
} arg_desc[NARGS] = {
	[ARG_FAMILY] = { "family", "\"ipv4\" or \"ipv6\"", .text = arg_family },
	[ARG_NAME] = { "name", "the name or address of a peer", .text = arg_peer },
	[ARG_COMMAND] = { "command", "reset, down, up, refresh-in or refresh-out",
	    .text = arg_command },
	[ARG_REASON] = { "reason", "a text of at most 255 octets", .text = arg_reason },
	[ARG_VIEW] = { "view", "all, received, accepted, best, advertised or rejected",
	    .text = arg_view },
	[ARG_PREFIX] = { "prefix", "a prefix or an address", .text = arg_prefix },
	[ARG_PEER] = { "peer", "the name or address of a peer", .text = arg_peer },
	[ARG_DESTINATION] = { "destination", "a prefix or an address", .text = arg_prefix },
	[ARG_DIFF] = { "diff", "true or false", .flag = arg_diff },
	[ARG_FOLLOW] = { "follow", "true or false", .flag = arg_follow },
	[ARG_SINCE] = { "since_s", "seconds", .number = arg_since },
	[ARG_WAIT] = { "wait", "true or false", .flag = arg_wait },
	[ARG_SETTLE] = { "settle_ms", "milliseconds, 0 to 600000", .number = arg_settle },
};

static bool
arg_take(struct control_args *to, enum control_arg i, const json_t *v)
{
	if (arg_desc[i].text)
		return json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v) &&
		    arg_desc[i].text(to, json_string_value(v));
	if (arg_desc[i].number)
		return json_is_integer(v) && arg_desc[i].number(to, json_integer_value(v));
	return json_is_boolean(v) && arg_desc[i].flag(to, json_boolean_value(v));
}

static enum control_arg
arg_find(const struct control_cmd *cmd, const char *key)
{
	enum control_arg i;

	for (i = 0; i < NARGS; i++)
		if ((cmd->takes & (1u << i)) && strcmp(arg_desc[i].name, key) == 0)
			break;
	return i;
}

bool
control_args_parse(struct control_req *r, json_t *args, char *err, size_t cap)
{
	enum control_arg i;
	const char *key;
	json_t *v;

	if (args && !json_is_object(args)) {
		snprintf(err, cap, "args: want an object");
		return false;
	}
	json_object_foreach(args, key, v) {
		i = arg_find(r->cmd, key);
		if (i == NARGS) {
			snprintf(err, cap, "%s takes no argument \"%.40s\"", r->cmd->name, key);
			return false;
		}
		if (!arg_take(&r->args, i, v)) {
			snprintf(err, cap, "%s: want %s", arg_desc[i].name, arg_desc[i].want);
			return false;
		}
		r->args.given |= 1u << i;
	}
	for (i = 0; i < NARGS; i++) {
		if (!(r->cmd->needs & (1u << i)) || (r->args.given & (1u << i)))
			continue;
		snprintf(err, cap, "%s needs an argument \"%s\": %s", r->cmd->name,
		    arg_desc[i].name, arg_desc[i].want);
		return false;
	}
	return true;
}
