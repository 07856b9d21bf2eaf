/*
 * A seccomp filter out of a list of system calls: what seccomp(2) is given, as values, so that
 * a test can play every call through it.
 *
 * Written here instead of taken from libseccomp, which brings the tables of all architectures
 * into a process that needs fifty comparisons for its own.
 */
#ifndef LIB_SYSFILTER_H
#define LIB_SYSFILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define SYSFILTER_MAX 192 /* instructions */
#define SYSFILTER_CALLS_MAX 128

/* The actions are those of linux/seccomp.h. */
struct sysfilter {
	const int *call; /* numbers of the build's architecture */
	size_t n;
	uint32_t listed; /* action for these, */
	uint32_t other;	 /* and for all others */
	/* Two calls whose third argument, a protection, must not have PROT_EXEC to be listed; 0: none. */
	int no_exec[2];
};

/*
 * The program; returns its length, or 0 when there are too many calls. A call of another
 * architecture's (also of x32) kills the process: its numbers mean something else.
 */
size_t sysfilter_build(const struct sysfilter *f, struct sock_filter ret[SYSFILTER_MAX]);

/* Enter it for good: 0 or -errno. Needs no_new_privs. */
int sysfilter_enter(const struct sysfilter *f);

#endif
