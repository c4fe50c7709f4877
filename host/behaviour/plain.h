/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain - processes that run one function of a plugin, from its beginning to its end.
 *
 * Its state is its stack: an upgrade does not ask it to rest, and the code that it runs
 * is counted as used until it has ended.
 */
#ifndef MOULT_PLAIN_H
#define MOULT_PLAIN_H

#include "code.h"
#include "process.h"

struct plain;

/* Call `s->run` as what it is; the reason to end for.  By `p`, inside its callback. */
typedef int32_t plain_call(struct process *p, struct plain *s, moult_in *args);

struct plain {
    const struct code *code; /* whose function it is */
    plain_call *call;
    void (*run)(void);         /* the plugin's */
    struct envelope *args;     /* lent to it; NULL: it was not run yet */
    struct envelope *again;    /* what it is run again with, if it hibernates */
    const struct code *server; /* what it is to be, with the state `again`; or NULL */
    struct server *becomes;    /* being made for that */
    struct envelope *said;     /* why it fails, in words */
    struct envelope *result;   /* being written by a task */
    /* A task's: whom it tells its result, as what, and whom it is a child of. */
    moult_pid owner, supervisor;
    uint64_t ref;
    bool is_linked; /* to its owner, once its supervisor has it */
    char label[];
};

extern const struct process_class plain_class, task_class;

static inline struct plain *plain_of(const struct process *p)
{
    return p->class == &plain_class || p->class == &task_class ? p->data : NULL;
}

struct plain_spec {
    const struct process_class *class;
    plain_call *call;
    void (*run)(void);
    const moult_spawn_options *options;
    struct envelope *args; /* taken, also on failure */
};

/*
 * A process of `by`'s application that is tied to `by` as the options say, not launched.
 * NULL: -ENOMEM, or `by` runs no plugin's code.  Fill in what is a task's.
 */
struct process *plain_create(struct process *by, const struct plain_spec *spec,
                             moult_spawned *spawned);

/* `args` (taken; NULL: null), a draft of `by`, as an envelope, given.  0 or its error. */
int plain_args(struct process *by, moult_out *args, struct envelope **e);

/* Throw away what plain_create() made: nobody hears of it. */
void plain_discard(struct process *by, struct process *p, uint64_t ref);

/*
 * Have `told` (NULL: nobody) called when the last process that ran a version's code has
 * ended, and was one of these; on a worker, and it must not wait.  [any]
 */
void plains_tell_unused(void (*told)(void));

/* Kill those of `group` that run code of `image`, which is not to run after all.  [any] */
void plains_kill(struct group *group, const struct image *image);

/*
 * Be the server that `s->server` says, with the state that `s->again` has; or end.  `s` is
 * gone then.  By `p`, between two messages.
 */
void plain_become_server(struct process *p, struct plain *s);

/* Free `s` and what it has, and leave its code. */
void plain_destroy(struct plain *s);

/* The code whose callbacks or function `p` runs; NULL: no plugin's. */
const struct code *plain_code(const struct process *p);

#endif
