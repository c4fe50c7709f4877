/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telling - the host's own events of telemetry about servers and their supervisors.
 *
 * Each is for who owns the process.
 */
#ifndef MOULT_TELLING_H
#define MOULT_TELLING_H

#include "supervisor.h"
#include "telemetry.h"

/* `p`, a server, has started; it ends, and had started.  If telemetry_is_on(). */
void telling_start(struct process *p);
void telling_end(struct process *p);

/* `p`, a supervisor, has started `c` again.  If telemetry_is_on(). */
void telling_restart(struct process *p, const struct supervisor *s,
                     const struct child *c);

#endif
