/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task - plain processes that owe their owner a result.  Elixir: Task.
 *
 *   task             starts and runs one
 *   task_await       waits for one, or has it end
 *   task_many        waits for many
 *   task_stream      runs one for each input
 *   task_supervisor  whose children they may be
 *
 * What a task comes to is a signal that is known by the owner's monitor: who takes that
 * back hears nothing of it any more.
 */
#ifndef MOULT_TASK_INTERNAL_H
#define MOULT_TASK_INTERNAL_H

#include "plain.h"

#define TASK_TIMEOUT_MS 5000u /* of what is given 0 */

/* As the ABI has it: 0 is the usual, and MOULT_NOW none. */
uint64_t task_timeout_ms(uint64_t given_ms);

/* Does `p` wait for `task`?  0 or -EPERM, with words. */
int task_check(struct process *p, const moult_task *task);

/*
 * `e` (taken) is what the task of `ref` and `pid` came to, a result or its end, as an
 * outcome, lent as long as `e`.  Nothing more is heard of it.
 */
moult_outcome task_outcome(struct process *p, const moult_task *task,
                           struct envelope *e);

/* Unlink it, and hear no more of it, also of what waits already. */
void task_forget(struct process *p, const moult_task *task);

/* Kill it, and wait until it is gone.  What it came to first, given; NULL: nothing. */
struct envelope *task_kill(struct process *p, const moult_task *task);

/*
 * Take what the first of `tasks` (by `ref`, ascending; at `*found`) came to.  As
 * receive().
 */
struct task_entry {
    uint64_t ref;
    size_t index;
    bool is_done;
};
int task_receive_any(struct process *p, struct task_entry *entries, size_t count,
                     uint64_t timeout_ms, struct task_entry **found,
                     struct envelope **e);

#endif
