/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor - starts children in order, starts them again when they end, stops them in
 * reverse order.  OTP: supervisor, one_for_one.
 *
 * It is a process like others; while an upgrade has it at rest, who owns it may read and
 * change its children.
 */
#ifndef MOULT_SUPERVISOR_H
#define MOULT_SUPERVISOR_H

#include "server.h"

#define SUPERVISOR_SHUTDOWN_MS 5000u /* of a child that says 0; as OTP */

enum child_state { CHILD_STOPPED, CHILD_RUNNING, CHILD_RESTARTING };

/* A server of it, in the order of their start. */
struct child {
    struct child *next, *previous;
    const struct code *code;
    moult_pid pid;     /* nobody unless CHILD_RUNNING */
    uint32_t restarts; /* so far */
    uint8_t state;     /* enum child_state */
    char id[];
};

/* What is started: all that is borrowed lives as long as the supervisor. */
struct supervisor_spec {
    const struct code *const *codes; /* copied */
    size_t count;
    uint32_t intensity, period_s; /* 0: OTP's 1 in 5 seconds */
    const char *app;
    struct group *group;
};

struct supervisor {
    struct supervisor_spec spec;
    struct child *first, *last;
    uint32_t count;
    struct map by_pid;      /* pid -> struct child */
    uint64_t *restart_s;    /* when the last restarts were; a ring of `restart_room` */
    uint32_t restart_room;  /* the intensity that it was made for */
    uint32_t restart_count; /* in the ring, ever */
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

/*
 * Add the children of `codes` (borrowed for the call) and start them, all or none; or
 * end those that run them and forget them.  0, or a negative errno and words.  Not on a
 * worker, nor while the supervisor is held.
 */
int supervisor_ask(moult_pid supervisor, enum system_request what,
                   const struct code *const *codes, size_t count, char *text,
                   size_t size);

/*
 * It supervises another version now: its children run, and will be started from, the
 * code of the same id in `codes` (copied), in that order.  By who owns it, at rest.  0
 * or -ENOMEM: then nothing has changed.
 */
int supervisor_prepare(struct supervisor *s, const struct supervisor_spec *spec,
                       const struct code ***copied);
void supervisor_became(struct supervisor *s, const struct supervisor_spec *spec,
                       const struct code **copied);

/*
 * Ask `child` to end and wait until it has, `shutdown_ms` at most, then kill it.  By
 * `p`, its parent, inside a callback; a class that keeps its own links.
 */
void supervisor_end(struct process *p, moult_pid child, uint32_t shutdown_ms);

#endif
