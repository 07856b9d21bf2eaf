/*
 * The run directory.  It belongs to the agent, which makes its sockets there;
 * weftd has no CAP_DAC_OVERRIDE and so takes the directory back for the moment
 * in which it makes its own files, and keeps their descriptors.
 *
 * The lock is on the directory itself: it needs no file that somebody could
 * remove, and ends with the process whatever ends it.
 */
#include "launch/weftd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/logmain.h"

static const char *const pid_file[LAUNCH_NCHILDREN] = {
	[LAUNCH_CHILD_AGENT] = "weft-agent.pid",
	[LAUNCH_CHILD_BGPD] = "weft-bgpd.pid",
	[LAUNCH_CHILD_BFDD] = "weft-bfdd.pid",
};

static bool
rundir_fail(const char *path, const char *what)
{
	log_event(LOG_ERR, "run-dir-unusable", "path=%s why=\"%s: %s\"", path, what,
	    strerror(errno));
	return false;
}

static bool
rundir_refuse(const char *path, const char *why)
{
	log_event(LOG_ERR, "run-dir-unusable", "path=%s why=\"%s\"", path, why);
	return false;
}

/*
 * weftd gives the directory away, so a slip of the hand (/, /run, /tmp) must
 * not reach fchown().
 */
static bool
rundir_is_ours(int fd, const char *path, const struct launch_user *agent)
{
	struct stat st, up, root;

	if (fstat(fd, &st) != 0 || fstatat(fd, "..", &up, 0) != 0 || stat("/", &root) != 0)
		return rundir_fail(path, "stat");
	if (st.st_uid != 0 && st.st_uid != agent->uid)
		return rundir_refuse(path, "belongs to another user");
	if (st.st_mode & (S_IWGRP | S_IWOTH | S_ISVTX))
		return rundir_refuse(path, "is shared with others; give a directory of its own");
	if (up.st_ino == root.st_ino && up.st_dev == root.st_dev)
		return rundir_refuse(path, "lies directly below /; give a directory of its own");
	return true;
}

/* Write pid as text; the file keeps its place, so its reader never finds it missing. */
static void
pid_write(int fd, pid_t pid)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)pid);

	if (pwrite(fd, text, (size_t)n, 0) != n || ftruncate(fd, n) != 0)
		log_event(LOG_WARN, "pid-file-failed", "why=\"%s\"", strerror(errno));
}

static int
pid_open(int dir, const char *name)
{
	unlinkat(dir, name, 0);
	return openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
}

static bool
rundir_lock(int fd, const char *path)
{
	char pid[16] = "";
	int f;
	ssize_t n;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return rundir_fail(path, "lock");
	f = openat(fd, "weftd.pid", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	n = f >= 0 ? read(f, pid, sizeof(pid) - 1) : -1;
	if (n > 0)
		pid[n] = '\0';
	if (f >= 0)
		close(f);
	pid[strspn(pid, "0123456789")] = '\0';
	log_event(LOG_ERR, "already-running", "path=%s pid=%s why=\"another weftd uses it\"", path,
	    pid[0] ? pid : "unknown");
	return false;
}

bool
rundir_open(struct rundir *rd, const char *path, const struct launch_user *agent)
{
	int own;

	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return rundir_fail(path, "mkdir");
	rd->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rd->fd < 0)
		return rundir_fail(path, "open");
	if (!rundir_is_ours(rd->fd, path, agent) || !rundir_lock(rd->fd, path))
		return false;
	if (fchown(rd->fd, 0, 0) != 0 || fchmod(rd->fd, 0755) != 0)
		return rundir_fail(path, "chown");
	own = pid_open(rd->fd, "weftd.pid");
	for (int i = 0; i < LAUNCH_NCHILDREN && own >= 0; i++) {
		rd->pid_fd[i] = pid_open(rd->fd, pid_file[i]);
		if (rd->pid_fd[i] < 0)
			own = -1;
	}
	if (own < 0)
		return rundir_fail(path, "pid file");
	pid_write(own, getpid());
	close(own);
	if (unlinkat(rd->fd, "bgpd-root", AT_REMOVEDIR) != 0 && errno != ENOENT)
		return rundir_fail(path, "bgpd-root");
	if (mkdirat(rd->fd, "bgpd-root", 0555) != 0)
		return rundir_fail(path, "bgpd-root");
	rd->root_fd = openat(rd->fd, "bgpd-root", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (rd->root_fd < 0 || fchown(rd->fd, agent->uid, agent->gid) != 0)
		return rundir_fail(path, "chown");
	return true;
}

void
rundir_write_pid(const struct rundir *rd, enum launch_child which, pid_t pid)
{
	pid_write(rd->pid_fd[which], pid);
}

void
rundir_close(struct rundir *rd)
{
	if (fchown(rd->fd, 0, 0) == 0) {
		for (int i = 0; i < LAUNCH_NCHILDREN; i++)
			unlinkat(rd->fd, pid_file[i], 0);
		unlinkat(rd->fd, "weftd.pid", 0);
		unlinkat(rd->fd, "bgpd-root", AT_REMOVEDIR);
	}
	close(rd->fd);
}
