/*
 * One request on the control socket: what control.c (connections, flow control)
 * and the commands (control_cmd.h) know of each other.
 *
 * A command answers with rows, by hand or pulled, and one end:
 *	control_row() ... control_row_end(), control_warn(), control_end()
 * Three ways to produce rows, none of which fills a slow reader's buffer:
 *	at once, for a few rows;
 *	control_pull(): fn is called whenever there is room, a slice of work at a time;
 *	control_query(): bgpd is asked with credit, and given more when there is room.
 */
#ifndef AGENT_CONTROL_REQ_H
#define AGENT_CONTROL_REQ_H

#include "agent/agent.h"
#include "agent/views.h"
#include "lib/out.h"

struct control_client;
struct drains_watch;
struct control_cmd;

/* Exit status of the answer: weft(8), EXIT STATUS. */
enum control_exit { CONTROL_OK = 0, CONTROL_DOWN = 1, CONTROL_USAGE = 2, CONTROL_UNREACHABLE = 3 };

/* Arguments; which of them a command takes is in its table row. */
struct control_args {
	uint32_t given; /* 1 << enum control_arg */
	uint8_t af;	/* 0: both */
	uint8_t view;	/* enum ipc_view */
	uint8_t command; /* enum ipc_peer_cmd_kind */
	bool diff, follow, wait;
	bool host; /* destination is an address */
	uint64_t since_s;
	uint64_t settle_ms;
	struct ip_prefix prefix;
	uint32_t peer; /* id; IPC_PEER_NONE: all */
	char peer_name[IPC_NAME_MAX];
	char reason[IPC_TEXT_MAX];
	char destination[IP_PREFIX_STRLEN];
};

/* What the commands remember between calls; one struct, as few of them overlap. */
struct control_state {
	struct view_totals totals;
	struct ipc_row_stats stats;
	bool have_stats;
	uint8_t *seen; /* bitmap of peer ids that had a row */
	size_t nseen;  /* octets */
	uint64_t seq;  /* events: the last one shown */
	struct fib_cursor fib;
	struct ip_prefix prefix; /* route: the one found */
	bool have_prefix;
	struct ip_addr nh; /* nexthops: the last one shown */
	bool have_nh;
	uint32_t rows;
	bool truncated; /* route: there were more */
	size_t at; /* bfd: the session that comes next */
	char *service; /* services, nodes: key of the last one shown */
	struct view_session *sessions; /* nodes: as bgpd says */
	size_t nsessions;
	struct out doc; /* route: the row under construction */
	bool have_doc;
	uint32_t mrt;	/* mrt: the job under way, 0: none */
	struct drains_watch *drain; /* drain: NULL: not waiting */
	struct ip_addr nhs[64]; /* route: next hops of its paths */
	size_t nnhs;
};

struct control_req {
	struct agent *a;
	struct control_client *client;
	const struct control_cmd *cmd;
	struct control_args args;
	struct control_state st;
	/* The client sends nothing more but wants the answer; NULL: leave it alone. */
	void (*on_eof)(struct control_req *r);
	uid_t uid;
};

/* ---- for the commands (control.c) ---------------------------------------- */

/* Open a row; its members are written to the writer returned, then control_row_end(). */
struct out *control_row(struct control_req *r);
void control_row_end(struct control_req *r);

/* A row that is JSON text already. */
void control_row_raw(struct control_req *r, const char *json);

/* A line of warning among the rows. */
void control_warn(struct control_req *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The end of the answer; r is gone afterwards. error NULL: none. */
void control_end(struct control_req *r, enum control_exit status, const char *error);
void control_endf(struct control_req *r, enum control_exit status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

enum control_more {
	CONTROL_DONE, /* it ended the answer */
	CONTROL_MORE, /* call again as soon as there is room */
	CONTROL_WAIT, /* nothing now: call again after an event */
};
/* fn writes rows while control_has_room(), a few milliseconds' worth at most. */
void control_pull(struct control_req *r, enum control_more (*fn)(struct control_req *r));
bool control_has_room(const struct control_req *r);

/* row is called for each row, then end once, unless the client leaves before. */
void control_query(struct control_req *r, const struct ipc_query *q,
    void (*row)(struct control_req *r, const struct ipc_msg *msg),
    void (*end)(struct control_req *r, uint8_t status, bool lost));

/*
 * A ticket for a callback of agent.h that cannot be cancelled: control_redeem() gives the
 * request back, or NULL when its client has left; the ticket is gone afterwards.
 */
struct control_ticket;
struct control_ticket *control_ticket(struct control_req *r);
struct control_req *control_redeem(struct control_ticket *t);

/*
 * Ask the client for a descriptor: it sends one octet with it (SCM_RIGHTS) after the row that
 * this writes. got is called with the descriptor, which is the receiver's, or -1.
 */
void control_take_fd(struct control_req *r, void (*got)(struct control_req *r, int fd));

/* ---- for control.c (control_cmd.c) ---------------------------------------- */

/*
 * Parse one line: r->cmd and r->args. False: an error text is in err (cap octets).
 */
bool control_cmd_parse(struct control_req *r, const char *line, size_t len, char *err, size_t cap);

/*
 * Parse one line and start the command.  False: an error text is in err (cap octets),
 * *ret_exit says which kind; the answer has not been begun.
 */
bool control_cmd_start(struct control_req *r, const char *line, size_t len, bool may_change,
    char *err, size_t cap, enum control_exit *ret_exit);

/* Free what the command holds. */
void control_cmd_free(struct control_req *r);

#endif
