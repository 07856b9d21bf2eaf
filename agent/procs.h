/*
 * Other programs on this node: what /proc and their settings say of them.
 */
#ifndef AGENT_PROCS_H
#define AGENT_PROCS_H

#include <stdbool.h>
#include <stdint.h>

#define PROC_NAME_MAX 16 /* as the kernel has it, cut to 15 octets */

/* The name of that process now; false, and "", when there is none of that number. */
bool proc_name(uint32_t pid, char ret[PROC_NAME_MAX]);

struct procs {
	uint32_t networkd, network_manager; /* their process, 0: none */
	uint32_t newest, newest_before;	    /* number given out last at the last look, and at the one before */
};
/*
 * Look through those processes that are new since the last look but one (a new process has its
 * name a moment later), and whether those found are there still. All, which takes milliseconds
 * where there are many: the first time (p is all zero), when asked to, when one that was found has
 * ended, and when the numbers have started anew.
 */
void procs_look(struct procs *p, bool all);

/*
 * systemd-networkd may remove routes that it did not make (its default): the last
 * ManageForeignRoutes= of its settings below root ("" but for tests) is not "no".
 */
bool procs_networkd_foreign(const char *root);

#endif
