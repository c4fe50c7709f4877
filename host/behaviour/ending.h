/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending - how a parent ends its children: asked first, killed when their time is over.
 *
 * Each is gone before this returns, whatever it does: also one that has unlinked itself.
 * By the parent, inside a callback; a class that keeps its own links.
 */
#ifndef MOULT_ENDING_H
#define MOULT_ENDING_H

#include "supervisor.h"

/*
 * Ask `child` to end and wait until it has, `shutdown_ms` at most (MOULT_INFINITY: as long
 * as it takes), then kill it.  The reason it ended for.
 */
int32_t end_process(struct process *p, moult_pid child, uint64_t shutdown_ms);

/* End `c` as its spec says, or call off its restart; it is kept, without a process. */
void child_end(struct process *p, struct supervisor *s, struct child *c);

/* End all, in reverse, each down before the next; dynamic ones all at once. */
void children_end(struct process *p, struct supervisor *s);

/*
 * End those from `c` on (NULL: all), in reverse.  Temporary ones are forgotten, but not
 * `c` itself.
 */
void children_end_from(struct process *p, struct supervisor *s, struct child *c);

/* End and forget those that an upgrade has just added. */
void children_end_new(struct process *p, struct supervisor *s);

/* End those that run `codes`, for supervisor_unpause(). */
void children_pause(struct process *p, struct supervisor *s,
                    const struct code *const *codes, size_t count);

/* End and forget those that run `codes`, and those beyond their spec's count. */
void children_end_of(struct process *p, struct supervisor *s,
                     const struct code *const *codes, size_t count);

#endif
