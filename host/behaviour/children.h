/* SPDX-License-Identifier: Apache-2.0 */
/*
 * children - a supervisor's list of its children, in the order of their start.
 *
 * One is found by its pid or its id in constant time; the index by id is made when it is
 * first asked for.  Nothing here starts or ends a process.
 */
#ifndef MOULT_CHILDREN_H
#define MOULT_CHILDREN_H

#include "child_set.h"
#include "code.h"
#include "name.h"

#define CHILD_SHUTDOWN_MS 5000u /* of a server whose spec says 0; as OTP */

enum child_state { CHILD_STOPPED, CHILD_RUNNING, CHILD_RESTARTING };

/* What a start at run time said of a child; owned by it. */
struct given {
    moult_child spec; /* if `has_spec`; its texts are owned, its server is not set */
    void *args;       /* encoded; NULL: the code's */
    size_t args_len;
    bool has_spec;
};

/* Instead of a number among those of its spec. */
#define CHILD_ALONE    UINT32_MAX       /* the spec is of this one */
#define CHILD_NAMELESS (UINT32_MAX - 1) /* it has no id: its supervisor is dynamic */

struct child {
    struct child *next, *previous;
    const struct code *code;
    struct given *given; /* or NULL: all is as its code says */
    moult_pid pid; /* key in the index by pid while running or restarting; then stale */
    uint32_t number;    /* among those of its spec, or one of the above */
    uint32_t restarts;  /* so far */
    uint32_t started_s; /* when it was last started, if its spec has a back-off */
    uint8_t state;      /* enum child_state */
    uint8_t tries;      /* restarts in a row, for the back-off */
    bool killed;        /* it did not end in time */
    bool is_new : 1;    /* an upgrade that is not done yet has added it */
    bool is_paused : 1; /* one has stopped it, and starts it anew */
};

_Static_assert(sizeof(struct child) <= 56, "what malloc has room for in 64 bytes");

/* All zero is none. */
struct children {
    struct child *first, *last;
    uint32_t count, running, restarting, supervisors, significant;
    bool is_indexed; /* by id */
    struct child_set by_pid, by_id;
};

#define CHILD_ID (NAME_MAX_LEN + 1u) /* bytes that hold any id and its zero */

/* The spec that it is started and ended by, and what init gets. */
static inline const moult_child *child_spec(const struct child *c)
{
    return c->given && c->given->has_spec ? &c->given->spec : c->code->child;
}

static inline bool child_is_supervisor(const struct child *c)
{
    return c->code->branch != NULL;
}

/* When it has been told to end, how long it has for it: MOULT_INFINITY is for ever. */
uint64_t child_shutdown_ms(const struct child *c);

static inline bool child_has_id(const struct child *c)
{
    return c->number != CHILD_NAMELESS;
}

/* What it is called: unique among its siblings, or "".  Written to `id`, or its spec's. */
const char *child_id(const struct child *c, char id[CHILD_ID]);

/* What people are told that it is: the same, or what its code is called. */
const char *child_title(const struct child *c, char id[CHILD_ID]);

/* What it is registered as: "" if it is not. */
void child_name(const struct child *c, char name[NAME_MAX_LEN + 1]);

/*
 * A child of `code` at the end of the list, with that number, or CHILD_ALONE and so on, and
 * `given` (taken, also on failure; may be NULL).  NULL: no memory.
 */
struct child *children_add(struct children *all, const struct code *code,
                           uint32_t number, struct given *given);

/* All that `codes` describe, each `count` times; 0 or -ENOMEM: then perhaps some. */
int children_add_all(struct children *all, const struct code *const *codes,
                     size_t count);

/* Those that `code` describes and that are not there; as above. */
int children_add_missing(struct children *all, const struct code *code);

/* Is it none of those that its spec has, in the version that runs? */
bool child_is_beyond(const struct child *c);

/* Forget `c`, which has no process any more. */
void children_remove(struct children *all, struct child *c);

/* Put it at the end, with all that it is. */
void children_move_to_end(struct children *all, struct child *c);

/* Its state is another; a `pid` makes it known by that.  0; -ENOMEM: it is stopped. */
int children_set(struct children *all, struct child *c, enum child_state state,
                 moult_pid pid);

/* The one that runs as `pid`, or did and is being restarted; or NULL. */
struct child *children_by_pid(const struct children *all, moult_pid pid);

/* The one called `id`, or NULL.  -ENOMEM counts as NULL. */
struct child *children_by_id(struct children *all, const char *id);

/* Forget all. */
void children_finish(struct children *all);

void given_destroy(struct given *given);

#endif
