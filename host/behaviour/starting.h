/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starting - how a supervisor starts its children.  By its process, inside a callback.
 */
#ifndef MOULT_STARTING_H
#define MOULT_STARTING_H

#include "supervisor.h"

/*
 * Start `c`, which has no process.  0; or a negative errno, the reason in `p->answer`, and
 * `c` is as it was.  If its init says ignore it is kept without a process.
 */
int child_start(struct process *p, struct supervisor *s, struct child *c);

/*
 * Start all from `c` on that don't run; a temporary one that ignores is forgotten.  0; or
 * the error of `*failed`, which did not start: those before it run.
 */
int children_start(struct process *p, struct supervisor *s, struct child *c,
                   struct child **failed);

/* What to say of a child that did not start: of `c`, by what is in `p->answer`. */
void start_error_text(struct process *p, const struct child *c, char *text,
                      size_t size);

/*
 * Write into `out` the args `a` and then `b`, encoded: two arrays as one, two maps as one
 * where `b` has the last word, one of them if the other is null.  0; -EINVAL: they are
 * of two kinds; -ENOMEM.  [pure]
 */
int args_join(moult_in a, moult_in b, moult_out *out);

#endif
