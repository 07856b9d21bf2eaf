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
	bool networkd, network_manager; /* running */
};
/* Look through all processes: some milliseconds where there are many. */
struct procs procs_look(void);

/*
 * systemd-networkd may remove routes that it did not make (its default): the last
 * ManageForeignRoutes= of its settings below root ("" but for tests) is not "no".
 */
bool procs_networkd_foreign(const char *root);

#endif
