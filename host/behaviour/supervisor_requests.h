/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor_requests - what others ask a supervisor: control, upgrades, plugins.
 *
 *   SYSTEM_...        content                      reply
 *   ----------------  ---------------------------  ----------------------------------
 *   CHILDREN          how many at most             {count, strategy, children}
 *   ADD, REMOVE       see supervisor_ask()         null
 *   START_CHILD       [spec, args], null if none   [error, pid]
 *   TERMINATE_CHILD   id or pid                    null
 *   RESTART_CHILD     id                           [0, pid]
 *   DELETE_CHILD      id                           null
 *   WHICH_CHILDREN    null, or an id               [child, ...], or child
 *   COUNT_CHILDREN                                 [specs, active, supervisors, workers]
 *   CHILD_SPEC        id or pid                    spec
 *
 * A pid is null where there is no process.  No pointer but ADD's and REMOVE's crosses, so
 * that an upgrade may come between the request and its being served.
 */
#ifndef MOULT_SUPERVISOR_REQUESTS_H
#define MOULT_SUPERVISOR_REQUESTS_H

#include "supervisor.h"

/* Do what `p->current` asks, and answer it.  By the supervisor's process. */
void supervisor_answer(struct process *p, struct supervisor *s);

#endif
