/*
 * weftd, the launcher: what its parts know of each other.
 *
 *   main.c      options, users, capabilities, the order of things
 *   rundir.c    the run directory: lock, pid files, the empty root
 *   serve.c     what the agent may ask for
 *   cni.c       the file for container runtimes
 *   bfd.c       the descriptors that bfdd is given
 *   supervise.c children: start, watch, restart, stop
 *   notify.c    the service manager
 *
 * Root, with a bounded set of capabilities; parses its command line and
 * fixed-size requests (lib/launchmsg.h), nothing else.
 */
#ifndef LAUNCH_WEFTD_H
#define LAUNCH_WEFTD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/ipcmsg.h"
#include "lib/launchmsg.h"
#include "lib/mono.h"

#define LAUNCH_SECRET_DIRS_MAX 16

struct launch_user {
	uid_t uid;
	gid_t gid;
};

struct launch_opts {
	const char *config;
	bool observe; /* for the agent */
	const char *config_dir; /* where relative secrets lie */
	const char *run_dir;
	const char *libexec; /* where the children's executables are */
	int libexec_fd;	     /* the same, opened */
	const char *secret_dir[LAUNCH_SECRET_DIRS_MAX]; /* absolute */
	size_t nsecret_dirs;
	struct launch_user user[LAUNCH_NCHILDREN];
	const char *cni_dir;
	unsigned stop_timeout_s;
	unsigned child_timeout_s; /* a child that is silent for so long is killed; 0: never */
};

struct rundir {
	int fd;			      /* the directory, locked while weftd lives */
	int root_fd;		      /* the empty root of bgpd and bfdd */
	int pid_fd[LAUNCH_NCHILDREN]; /* pid files of the children */
};

/*
 * Make and lock the run directory, write weftd.pid, and give the directory to
 * the agent.  False: the reason is on stderr.
 */
bool rundir_open(struct rundir *rd, const char *path, const struct launch_user *agent);
/* Write a child's pid into its file. */
void rundir_write_pid(const struct rundir *rd, enum launch_child which, pid_t pid);
/* Remove the pid files and let go of the lock. */
void rundir_close(struct rundir *rd);

/*
 * Answer one request of the agent: opens what req asks for.  Returns a
 * descriptor (the caller's, close-on-exec), or -errno with the reason in
 * ret_why.
 */
int serve_open(const struct launch_opts *o, const struct launch_msg *req,
    char ret_why[LAUNCH_TEXT_MAX]);

/* The same for LAUNCH_CNI_...; the descriptor is a file, or the directory. */
int cni_serve(const struct launch_opts *o, const struct launch_msg *req,
    char ret_why[LAUNCH_TEXT_MAX]);

/*
 * Memory and sockets for bfdd, close-on-exec; -1 in fds for a family that the
 * node does not have.  0, or -errno with the reason in ret_why and nothing open.
 */
int bfd_open(int fds[LAUNCH_BFD_NFDS], char ret_why[LAUNCH_TEXT_MAX]);
/* Other memory in place of what bfdd has written; where there is none, it stays. */
void bfd_forget(int fds[LAUNCH_BFD_NFDS]);

/* Tell $NOTIFY_SOCKET (sd_notify(3)); nothing when it is not set. */
void notify_init(void);
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How often WATCHDOG=1 is due, in microseconds; 0: never. */
uint64_t notify_watchdog_us(void);

/* Start the children and serve until the ordered end. Returns the exit status. */
int supervise(const struct launch_opts *o, struct rundir *rd);

#endif
