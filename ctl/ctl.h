/*
 * weft, the command: what its parts know of each other.
 *
 *	main.c	    the process: terminal, environment
 *	args.c	    words and options -> command, abbreviations, "did you mean"
 *	cmds.c	    the table of commands, requests, help
 *	client.c    the control socket
 *	render.c    one answer -> JSON document, or rows for a table
 *	show_*.c    tables and screens out of the JSON rows
 *	check.c	    `weft check FILE`, without an agent
 *	convert*.c  `weft convert`: others' resources to a configuration; yamltree.c prints it
 *	mrt.c	    `weft mrt`: dumps and recordings into a file
 *	watch.c	    -w
 *	text.c	    times, numbers, and octets that must not reach a terminal
 *
 * Everything shown comes out of the agent's JSON (weft(8), CONTROL PROTOCOL); a
 * table knows nothing that -o json does not print.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "lib/out.h"

#define CTL_RUN_DIR "/run/weft"

/* Exit status: weft(8), EXIT STATUS. */
enum ctl_exit { CTL_OK = 0, CTL_DOWN = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3 };

enum ctl_format { CTL_TABLE, CTL_WIDE, CTL_JSON };

struct ctl_command;

/* One call of the command. */
struct ctl {
	FILE *out, *err;
	unsigned columns, lines; /* of the terminal that out is; 0: it is none */
	bool err_tty;

	/* options */
	const char *run_dir;
	enum ctl_format format;
	bool watch, no_headers, help, version;
	unsigned interval_s;
	uint8_t af; /* enum ip_af; 0: both */
	const char *peer, *reason, *since, *view; /* NULL: not given */
	const char *filter, *direction, *route;	  /* likewise */
	uint64_t for_s; /* 0: not given */
	uint64_t settle_ms;
	bool diff, has_settle, no_wait;

	bool lost;		    /* the agent was there and went away */
	unsigned lost_s;	    /* how long ago; 0: it never did */

	/* command and its arguments */
	const struct ctl_command *cmd;
	const char *arg[8];
	size_t nargs;
};

/* The whole command; returns its exit status. env_run_dir: $WEFT_RUN_DIR or NULL. */
int ctl_main(struct ctl *c, int argc, char **argv, const char *env_run_dir);

/* ---- args.c, cmds.c -------------------------------------------------------- */

/* Options that only some commands take, as a set. */
enum ctl_opt {
	OPT_PEER = 1 << 0,
	OPT_REASON = 1 << 1,
	OPT_SINCE = 1 << 2,
	OPT_VIEW = 1 << 3,
	OPT_DIFF = 1 << 4,
	OPT_FAMILY = 1 << 5,
	OPT_WATCH = 1 << 6,
	OPT_JSON = 1 << 7,
	OPT_POLICY_TEST = 1 << 8, /* --filter, --direction, --route */
	OPT_FOR = 1 << 9,
	OPT_DRAIN = 1 << 10, /* --settle, --wait, --no-wait */
};

struct ctl_command {
	const char *name, *args, *help;
	size_t min_args, max_args;
	unsigned opts; /* enum ctl_opt */
	bool exact;    /* never by abbreviation */
	int (*run)(struct ctl *c);
};

extern const struct ctl_command ctl_commands[];
extern const size_t ctl_ncommands;

/* Parse into c. CTL_OK, or CTL_USAGE with a message on c->err. */
enum ctl_exit args_parse(struct ctl *c, int argc, char **argv);

/* The index of the one word that s abbreviates or is; -1: none, -2: several. */
int args_word(const char *const *words, size_t n, const char *s);

/* The word of words nearest to s, or NULL when none is near. */
const char *args_nearest(const char *const *words, size_t n, const char *s);

/* "30s", "10m", "2h", "1d" or seconds; false: something else. */
bool args_duration(const char *s, uint64_t *ret_s);

/* Print "weft: " and the text to c->err; returns CTL_USAGE. */
enum ctl_exit usage_error(struct ctl *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Help on c->cmd, or on everything when that is NULL. */
void print_help(struct ctl *c, FILE *f);

/* ---- client.c --------------------------------------------------------------- */

struct client_ops {
	/* A row; raw (len octets) is its JSON text. False: stop asking. */
	bool (*row)(void *ctx, json_t *row, const char *raw, size_t len);
	void (*warning)(void *ctx, const char *text);
};

/* The end of an answer. */
struct client_end {
	enum ctl_exit exit;
	char *error; /* owned by the caller; NULL: none */
};

/*
 * Ask the agent and hand over its answer.  request is consumed.  Not reachable: exit is
 * CTL_UNREACHABLE and the error says what to check; c->lost tells
 * an agent that was lost amid its answer.  parse: rows are parsed, else NULL.
 */
void client_ask(struct ctl *c, json_t *request, bool parse, const struct client_ops *ops,
    void *ctx, struct client_end *ret);

/* What a command does that gives the agent a descriptor and works while its answer comes. */
struct client_pass {
	/* The agent waits for a descriptor: the one to give, which is closed then; -1: give up. */
	int (*ready)(void *ctx);
	/* A descriptor to be read meanwhile; -1: none (any more). */
	int (*fd)(void *ctx);
	/* Called when it is readable, and every look_ms. False: that is enough, tell the agent. */
	bool (*step)(void *ctx, bool readable);
	void *ctx;
	int look_ms;
};
/* client_ask() for them; rows are parsed. */
void client_ask_passing(struct ctl *c, json_t *request, const struct client_pass *pass,
    const struct client_ops *ops, void *ctx, struct client_end *ret);

/* Does the agent take a connection? */
bool client_reaches(const struct ctl *c);

/* ---- render.c ----------------------------------------------------------------- */

/* How a command's rows become text. */
struct render {
	const char *key; /* of the JSON document */
	bool list;	 /* it holds an array */
	bool lines;	 /* JSON: one row on a line, no document (events -w) */
	void *(*begin)(struct ctl *c);
	void (*row)(void *ctx, json_t *row);
	/* All rows are there; free ctx. */
	void (*end)(void *ctx, const struct client_end *e);
};

/* Ask and show; returns the exit status. request is consumed. */
int render(struct ctl *c, json_t *request, const struct render *r);

/* {"error":...,"exit":N} or "weft: error", as the format wants; returns the status. */
int render_error(struct ctl *c, enum ctl_exit status, const char *error);

/* Members of a row: "" , 0, false, NULL when absent or null. */
const char *js_str(const json_t *row, const char *key);
uint64_t js_u64(const json_t *row, const char *key);
bool js_bool(const json_t *row, const char *key);
bool js_has(const json_t *row, const char *key); /* there, and not null */
const json_t *js_obj(const json_t *row, const char *key);
/* The texts of an array with sep between them, in buf. */
const char *js_list(const json_t *row, const char *key, const char *sep, char *buf, size_t cap);

/* Print a table and free it. */
void print_table(struct ctl *c, struct table *t, bool heads);

/* The same at the end of an answer; without rows, and if nothing went wrong, `none` in its place. */
void end_table(struct ctl *c, struct table *t, bool rows, const struct client_end *e, const char *none);

/* Is out a terminal too narrow for full tables? */
bool is_narrow(const struct ctl *c);

/* ---- show_*.c -------------------------------------------------------------------- */

extern const struct render render_status;
extern const struct render render_peers;
extern const struct render render_peer;
extern const struct render render_routes;
extern const struct render render_route;
extern const struct render render_fib;
extern const struct render render_nexthops;
extern const struct render render_bmp, render_cni, render_pre_stop;
extern const struct render render_kube;
extern const struct render render_bfd;
extern const struct render render_nat;
extern const struct render render_pools;
extern const struct render render_services, render_nodes;
extern const struct render render_events;
extern const struct render render_events_follow;
extern const struct render render_change, render_reload, render_prepare, render_flush;
extern const struct render render_drain;

/* Microseconds of a member as milliseconds, "50ms"; "-" for null. */
const char *text_ms(const json_t *row, const char *key, char *buf, size_t cap);

/* Flags of a path, "*>" (wide: three, "*>e"), and AS_PATH with the origin's letter, in buf. */
const char *path_flags(const json_t *row, bool wide, char buf[4]);
const char *path_as(const json_t *row, char *buf, size_t cap);
/* How long a stale path, or a family's, stays: "stale, 89s left", "stale, 23:47:27 of 24h left". */
#define STALE_STRLEN 80
const char *stale_words(const json_t *row, char *buf, size_t cap);
/* What became of it, in words: "installed", "refused: ...". */
const char *path_fate(const json_t *row, char *buf, size_t cap);

/* ---- mrt.c -------------------------------------------------------------------------- */

/* Have records written into the file ("-": standard output), for_s seconds long (0: no limit). */
int mrt_run(struct ctl *c, json_t *request, const char *file, uint64_t for_s);

/* ---- check.c, watch.c -------------------------------------------------------------- */

/* `weft check FILE`; returns the exit status. */
int cmd_check(struct ctl *c);

/* The configuration in a file; NULL after its findings, or why it cannot be read, were printed. */
struct conf *check_load(struct ctl *c, const char *name);

/* All of a file, NUL-terminated, the caller's to mem_free(); "-" is standard input. NULL with errno. */
char *ctl_read_file(const char *name, size_t *ret_len);

/* ---- convert.c --------------------------------------------------------------- */

/* `weft convert PRODUCT FILE`; its exit status. */
int cmd_convert(struct ctl *c);

/* ---- policy.c ---------------------------------------------------------------- */

/* `weft policy test`; its exit status. */
int cmd_policy(struct ctl *c);
/* Run c's command again and again; returns its last status. */
int watch(struct ctl *c, int (*run)(struct ctl *c));
/* Run c's command, which ends with the agent, again whenever there is an agent again. */
int follow(struct ctl *c, int (*run)(struct ctl *c));

/* ---- text.c ------------------------------------------------------------------------ */

#define UPTIME_STRLEN 24

/* HH:MM:SS below a day, then 2d03h. */
const char *text_uptime(uint64_t s, char buf[UPTIME_STRLEN]);
/* The same of a member that may be null: "-". */
const char *js_uptime(const json_t *row, const char *key, char buf[UPTIME_STRLEN]);

/* The ending of a word of which there are n: "" or "s". */
const char *text_s(uint64_t n);

/* Print s with control characters and broken UTF-8 as "?". */
void put_clean(FILE *f, const char *s);
/* The same in place, newlines too. */
char *text_clean(char *s);

/* printf whose result is cleaned but for its newlines: for everything with texts of others. */
void print_clean(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Print text wrapped at width columns (0: never) after a head of `indent` columns that
 * stands there already; further lines are indented by as much.
 */
void put_wrapped(FILE *f, const char *text, unsigned indent, unsigned width);

#endif
