/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code - one version of one server or supervisor, as the host uses it.
 *
 * Made when an image is loaded, from what the plugin says of itself; read only from then
 * on.  It lives as long as its image, and whoever runs it counts in `uses`.
 */
#ifndef MOULT_CODE_H
#define MOULT_CODE_H

#include <stdatomic.h>

#include "moult.h"

struct code;
struct fault;
struct image;

/* A function that handles telemetry. */
struct code_handler {
    const char *name;
    moult_telemetry_function *run; /* the plugin's */
};

/* All code of an image; what is below a supervisor comes behind it. */
struct code_table {
    const struct code *codes;
    size_t count;
    const struct code_handler *handlers;
    size_t handler_count;
};

/* What a supervisor does, and what it starts. */
struct branch {
    const struct code *const *codes; /* one a child, in the order of their start */
    size_t count;
    uint32_t intensity, period_s; /* as in moult_supervisor, as are the next */
    int32_t strategy, auto_shutdown;
    uint32_t max_children;
    const void *args; /* encoded; come before those of each child.  NULL: none */
    size_t args_len;
    const struct code_table *all; /* of its version; what a child can be started from */
};

struct code {
    moult_server server;         /* a copy; hooks that an older plugin lacks are NULL */
    const struct branch *branch; /* it is a supervisor, of these; NULL: a server */
    moult_statem statem; /* a copy, if `server.statem` is set; all zero: it is none */
    const moult_field *state_field; /* where a statem keeps its state's name */
    /* Of a manager: a code for each kind of handler, whose `server` has what carries it. */
    struct code *kinds;
    size_t kind_count;
    moult_handler handler;      /* a copy, if it is such a kind */
    const moult_schema *schema; /* or NULL: no state */
    uint64_t layout;            /* schema_layout(); equal ones hand the memory over */
    const char *app, *vsn;      /* lent by the image */
    /* Names it across versions: the child's id, behind those of the supervisors that it
     * is below: "pool/worker". */
    const char *id;
    const moult_child *child;
    const void *args; /* encoded; what init gets */
    size_t args_len;
    struct image *image;
    const struct code_table *all; /* of its version */
    const void *declared; /* the plugin's own moult_server or moult_supervisor */
    bool is_template;     /* started at run time only, as is what is below it */
    /* Processes that run it, of the image's count.  Release when one leaves, acquire when
     * the image is closed; relaxed when one comes, which already owns another use. */
    _Atomic uint32_t *uses;
};

/* Does it start its children at run time only? */
static inline bool branch_is_dynamic(const struct branch *branch)
{
    return branch->strategy >= MOULT_SIMPLE_ONE_FOR_ONE;
}

/* Told before each step that may crash or hang: which, and of which server. */
typedef void code_step(const char *doing, const char *server);

/*
 * Get and check the schema of `code`, whose `server` is set.  0; or a negative errno and
 * `why`.
 */
int code_describe(struct code *code, code_step *step, struct fault *why);

/* How many are started of `child`: its count as it is meant. */
uint32_t child_times(const moult_child *child);

/* The code named `id` in `all` (may be NULL), or NULL. */
const struct code *code_find(const struct code_table *all, const char *id);

/* The function for telemetry named `name` in `all` (may be NULL), or NULL. */
moult_telemetry_function *code_handler(const struct code_table *all, const char *name);

/* The code that the plugin declares as `declared`, or NULL. */
const struct code *code_declared(const struct code_table *all, const void *declared);

/* `by` more (or fewer) processes run `code`. */
static inline void code_use(const struct code *code, int by)
{
    if (by > 0 && code->uses)
        atomic_fetch_add_explicit(code->uses, (uint32_t)by, memory_order_relaxed);
    else if (code->uses)
        atomic_fetch_sub_explicit(code->uses, (uint32_t)-by, memory_order_release);
}

/* One process less runs `code`.  True if it was the last of that version. */
static inline bool code_leave(const struct code *code)
{
    return code->uses &&
           atomic_fetch_sub_explicit(code->uses, 1, memory_order_release) == 1;
}

#endif
