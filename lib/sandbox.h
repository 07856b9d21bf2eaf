/*
 * The sandbox of a process that reads what strangers send: own user, no
 * capability, an empty root, landlock where the kernel has it, and a seccomp
 * allow-list.  What it works with afterwards are descriptors it was given.
 */
#ifndef LIB_SANDBOX_H
#define LIB_SANDBOX_H

#include <sys/types.h>

#include "lib/sysfilter.h"

/*
 * Enter it, for good; the working directory becomes the root and must be an
 * empty directory.  Needs CAP_SYS_CHROOT, CAP_SETUID and CAP_SETGID.
 * 0, or -errno with the failed step (static text) in *ret_step: the process
 * must then end, for it may be half inside.
 *
 * Builds with sanitizers or coverage (WEFT_SANITIZED) refuse only new sockets,
 * exec and ptrace: their runtimes open files and map executable memory.
 */
int sandbox_enter(uid_t uid, gid_t gid, const char **ret_step);

/* The system calls that are left in it, for those who test it. */
extern const struct sysfilter sandbox_filter;

#endif
