/*
 * The state machine of a session: RFC 5880 sections 6.2 and 6.8.6.
 */
#ifndef BFDD_CORE_FSM_H
#define BFDD_CORE_FSM_H

#include <stdbool.h>

#include "bfdd/core/bfd.h"

/*
 * What a session in `state` becomes when the peer says it is in `received`. False: it
 * stays as it is. *diag is set where the RFC says so, and for Up to "No Diagnostic".
 */
bool bfd_fsm_step(
    enum bfd_state state, enum bfd_state received, enum bfd_state *ret_next, enum bfd_diag *diag);

#endif
