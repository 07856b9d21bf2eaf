/*
 * The control socket, beyond what agent.h says of it.
 */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "agent/agent.h"

#define CONTROL_SOCKET	     "control.sock"
#define CONTROL_CLIENTS_MAX  64
#define CONTROL_REQUEST_MAX  65536 /* octets of one request line */
#define CONTROL_ANSWER_S     3	   /* until a row of bgpd is there that it may send */
#define CONTROL_IDLE_S	     30	   /* a connection without a whole request */
#define CONTROL_STALLED_S    900   /* a reader that takes nothing */
#define CONTROL_GROUP	     "weft"	  /* may look */
#define CONTROL_ADMIN_GROUP  "weft-admin" /* may change */

/* Who is at the other end, as the kernel says (SO_PEERCRED, SO_PEERGROUPS). */
struct control_cred {
	uid_t uid;
	gid_t gid;
	gid_t groups[256];
	size_t ngroups;
};

/*
 * May they use commands that change something: root, the socket's owner, members of
 * the admin group (admin NULL: there is no such group)?
 */
bool control_may_change(const struct control_cred *cred, uid_t owner, const gid_t *admin);


#endif
