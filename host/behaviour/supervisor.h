/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor - starts children in order, starts them again when they end, stops them in
 * reverse order.  OTP: supervisor; Elixir: DynamicSupervisor.
 *
 * It is a process like others; while an upgrade has it at rest, who owns it may read and
 * change its children.
 *
 *   supervisor   the process: starts, hears of exits, restarts, gives up
 *   children     its list of them, by id and by pid
 *   starting     one of them, or all
 *   ending       one of them, or all
 *   intensity    how many restarts there were lately
 *   requests     what others ask of it: the other side of abi/moult/supervisor.h
 */
#ifndef MOULT_SUPERVISOR_INTERNAL_H
#define MOULT_SUPERVISOR_INTERNAL_H

#include "children.h"
#include "intensity.h"
#include "server.h"

/* What is started: all that is borrowed lives as long as the supervisor. */
struct supervisor_spec {
    struct branch branch;
    const struct code *code; /* of the child that it is; NULL: the application's top */
    const char *id;          /* copied; NULL: "supervisor" */
    const char *name;        /* to register, or NULL */
    const char *app;
    struct group *group;
};

struct supervisor {
    struct branch branch; /* of the version that it runs */
    const struct code *code;
    struct children children;
    struct intensity intensity;
    const char *app;
    struct envelope *busy;   /* the answer being written, or NULL: it may be killed */
    struct moult_out joined; /* args of a child being started, as above */
    uint64_t started;        /* children without an id of their own, to number them */
    char id[];
};

extern const struct process_class supervisor_class;

/*
 * Start a supervisor as a child of `parent`, linked, and wait until its children have
 * started.  0 and `*pid`; or a negative errno and why in `parent->answer`: then whatever
 * had started has ended.  By `parent`, inside a callback.
 */
int supervisor_start(struct process *parent, const struct supervisor_spec *spec,
                     moult_pid *pid);

static inline struct supervisor *supervisor_of(const struct process *p)
{
    return p->class == &supervisor_class ? p->data : NULL;
}

/* As text: "one_for_one" and so on. */
const char *supervisor_strategy_text(int32_t strategy);

/*
 * Start anew the children that children_pause() has ended; one that does not start is tried
 * again as one that fell.  By its process, inside a callback.
 */
void supervisor_unpause(struct process *p, struct supervisor *s);

/* A message that has a supervisor do that, made before it is needed; NULL: no memory. */
struct envelope *supervisor_unpausing(void);

/*
 * Add the children of `codes` (borrowed for the call) and start them, all or none; or
 * end those that run them and forget them; or what else a request says.  0, or a negative errno and words.  Not on a
 * worker, nor while the supervisor is held.
 */
int supervisor_ask(moult_pid supervisor, enum system_request what,
                   const struct code *const *codes, size_t count, char *text,
                   size_t size);

/*
 * End the children that run and are of `codes`, but for those with args of their own, and
 * start them anew; one that does not start is tried again as after a crash.  By its
 * process.
 */
void supervisor_renew(struct process *p, struct supervisor *s,
                      const struct code *const *codes, size_t count);

/*
 * It supervises another version now, of `branch` and `code`: its children run, and will
 * be started from, the code of the same id in it, in that order.  By who owns it, at
 * rest.  Uses are counted.  Cannot fail.
 */
void supervisor_became(struct supervisor *s, const struct branch *branch,
                       const struct code *code);

/*
 * Children of it run, and will be started from, what `to` gives for their code; NULL: that
 * is as it was.  As above.
 */
void supervisor_place(struct supervisor *s,
                      const struct code *(*to)(const struct child *c, void *context),
                      void *context);

#endif
