/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charge - what a process is charged with besides its heap: the messages that wait for it.
 *
 * A process that has a limit ends when both together are beyond it; it finds out by
 * itself, and whoever sends what is too much only tells it so.
 */
#ifndef MOULT_CHARGE_H
#define MOULT_CHARGE_H

#include "process.h"

/* -- by who sends -- */

/* `to`, whose process is `p`, is sent something that there is no room for. */
void charge_refused(struct process *p, moult_pid to);

/*
 * Push `e` to `p`, which was found as `to`: a message that has memory of its own.  It ends
 * `p` if that is too much.  Returns as mailbox_push() does.
 */
int charge_push(struct process *p, moult_pid to, struct envelope *e, uint32_t room);

/* -- by the process itself -- */

/* `e` was taken out of the inbox. */
void charge_take_off(struct process *p, struct envelope *e);

/*
 * Charge `p`, if it can be limited, with what the message `e` has outside of it, until it
 * is taken off.  What that makes, or 0.  [any]
 */
uint64_t charge_put_on(struct process *p, struct envelope *e);

/* Does `p`, which has a limit, hold more than it may?  Then it ends. */
void charge_check(struct process *p);

/* A message was refused: who sent it knows; so shall who runs the host, once a second. */
void charge_tell_full(struct process *p);

#endif
