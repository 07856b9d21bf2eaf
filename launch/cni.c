/*
 * The file by which container runtimes learn how to make pods: written by the agent, in a
 * directory that only root may write to.
 *
 * What stands in such a file decides what runs as root, so the agent is given as little as
 * possible: one directory, set on weftd's command line, and names ending in "-weft.conflist" in it.
 * A new file grows under a name that no runtime reads, and is renamed when it is whole.
 */
#include "launch/weftd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX	 "-weft.conflist"
#define NEW_NAME ".weft.new"
#define NAME_MAX_OCTETS 64

/* "10-weft.conflist" and the like: nothing that leads elsewhere, nor to a file of others. */
static bool
name_is_ours(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name), end = sizeof(SUFFIX) - 1;

	return n > end && n <= NAME_MAX_OCTETS && name[0] != '.' && strspn(name, plain) == n &&
	    strcmp(name + n - end, SUFFIX) == 0;
}

static int
fail(int dir, char *why, const char *what)
{
	int err = errno;

	if (dir >= 0)
		close(dir);
	snprintf(why, LAUNCH_TEXT_MAX, "%.80s: %s", what, strerror(err));
	return -err;
}

/* The file as it is, to be compared; only a regular one. */
static int
open_old(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

/* What a former attempt has left goes. */
static int
open_new(int dir)
{
	if (unlinkat(dir, NEW_NAME, 0) != 0 && errno != ENOENT)
		return -1;
	return openat(dir, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
}

/* In place, and so on the disk that a power cut does not leave half of it. */
static int
put_in_place(int dir, const char *name)
{
	int fd = openat(dir, NEW_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = -1;

	if (fd >= 0)
		r = fsync(fd) != 0 ? -1 : renameat(dir, NEW_NAME, dir, name);
	if (fd >= 0)
		close(fd);
	return r == 0 ? fsync(dir) : r;
}

int
cni_serve(const struct launch_opts *o, const struct launch_msg *req, char ret_why[LAUNCH_TEXT_MAX])
{
	int dir, fd = -1;

	errno = EINVAL;
	if (req->type != LAUNCH_CNI_LIST && !name_is_ours(req->path))
		return fail(-1, ret_why, "a name that does not end in " SUFFIX);
	dir = open(o->cni_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail(-1, ret_why, o->cni_dir);
	if (req->type == LAUNCH_CNI_LIST ||
	    (req->type == LAUNCH_CNI_RENAME && put_in_place(dir, req->path) == 0) ||
	    (req->type == LAUNCH_CNI_REMOVE && unlinkat(dir, req->path, 0) == 0))
		return dir;
	if (req->type == LAUNCH_CNI_READ)
		fd = open_old(dir, req->path);
	else if (req->type == LAUNCH_CNI_NEW)
		fd = open_new(dir);
	if (fd < 0)
		return fail(dir, ret_why, o->cni_dir);
	close(dir);
	return fd;
}
