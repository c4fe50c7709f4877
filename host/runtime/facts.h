/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts - what a report of a failure says of the process itself.  OTP: the crash report of
 * proc_lib.
 *
 * Of what it was sent and keeps, which may be secret, only how much that is.
 */
#ifndef MOULT_FACTS_H
#define MOULT_FACTS_H

#include "members.h"
#include "process.h"

/*
 * Add to the members `m` what is known of `p`: pid, name, parent, last
 * (the kind of message that it handles), client (who calls it), trap_exit, mailbox, memory,
 * reductions, links, monitors; each only where there is any.  By `p`.
 */
void facts_add(struct members *m, struct process *p);

#endif
