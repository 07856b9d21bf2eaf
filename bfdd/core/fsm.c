/*
 * The state machine of a session as a table [own state][received state].
 *
 * RFC 5880 sections 6.2 and 6.8.6. A session in AdminDown hears nothing; expiry of the
 * Detection Time and administration change the state elsewhere (session.c). On the way
 * through Init the diagnostic stays, so that the peer still sees why the session failed.
 */
#include "bfdd/core/fsm.h"

struct rule {
	bool moves;
	enum bfd_state next;
	bool sets_diag;
	enum bfd_diag diag;
};

#define TO_INIT                                                                                    \
	{                                                                                          \
		true, BFD_INIT, false, BFD_DIAG_NONE                                               \
	}
#define TO_UP                                                                                      \
	{                                                                                          \
		true, BFD_UP, true, BFD_DIAG_NONE                                                  \
	}
#define TO_DOWN                                                                                    \
	{                                                                                          \
		true, BFD_DOWN, true, BFD_DIAG_NEIGHBOR_DOWN                                       \
	}

static const struct rule rules[BFD_NSTATES][BFD_NSTATES] = {
	[BFD_DOWN][BFD_DOWN] = TO_INIT,
	[BFD_DOWN][BFD_INIT] = TO_UP,
	[BFD_INIT][BFD_ADMIN_DOWN] = TO_DOWN,
	[BFD_INIT][BFD_INIT] = TO_UP,
	[BFD_INIT][BFD_UP] = TO_UP,
	[BFD_UP][BFD_ADMIN_DOWN] = TO_DOWN,
	[BFD_UP][BFD_DOWN] = TO_DOWN,
};

bool
bfd_fsm_step(
    enum bfd_state state, enum bfd_state received, enum bfd_state *ret_next, enum bfd_diag *diag)
{
	const struct rule *r = &rules[state][received];

	if (!r->moves)
		return false;
	*ret_next = r->next;
	if (r->sets_diag)
		*diag = r->diag;
	return true;
}
