/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server - processes that run a plugin's callbacks.  OTP: gen_server.
 *
 * A server is its code and its state; both are swapped by an upgrade while the process
 * rests.  All here but server_start is for who owns the process.
 */
#ifndef MOULT_SERVER_INTERNAL_H
#define MOULT_SERVER_INTERNAL_H

#include "code.h"
#include "fault.h"
#include "process.h"
#include "sys.h"

enum server_flag {
    SERVER_STARTED = 1,   /* init has returned well, so terminate is called */
    SERVER_IDLE_HELD = 2, /* `idle` is how long, from when it is resumed */
    SERVER_RAN = 4        /* it had started, however it ends */
};

struct statem;

struct server {
    const struct code *code;
    void *state; /* in the process's heap; NULL if the code has none */
    union {
        uint64_t idle;          /* the timer of moult_with_timeout, or 0 */
        struct statem *machine; /* what a statem has besides, in its place */
    };
    uint8_t flags; /* enum server_flag */
    char id[];     /* its own, "worker.7" */
};

/* What a statem has besides; NULL: it is none. */
static inline struct statem *server_machine(const struct server *s)
{
    return s->code->server.statem ? s->machine : NULL;
}

/* Does moult_with_timeout wait for it?  A statem has its own ways. */
static inline bool server_idles(const struct server *s)
{
    return !s->code->server.statem && s->idle;
}

extern const struct process_class server_class, statem_class, manager_class;

/* What servers and supervisors answer to calls of ENVELOPE_SYSTEM, by `code`. */
enum system_request {
    /* {vsn, format, state}; given true, state as people may see it; given a number, also
     * messages: so many at most of those that wait, see mail_copy() */
    SYSTEM_STATE = 1,
    SYSTEM_STATUS,    /* a map; OTP: sys:get_status/1 */
    SYSTEM_REPLACE,   /* given a state's map: null; OTP: sys:replace_state/2 */
    SYSTEM_TERMINATE, /* given a reason: it ends; OTP: sys:terminate/2 */
    SYSTEM_CHILDREN,  /* of a supervisor: given how many at most, {count, children} */
    SYSTEM_ADD,       /* children to a supervisor, and start them; see supervisor.h */
    SYSTEM_REMOVE,    /* end them, and forget them */
    SYSTEM_TAKE_BACK, /* the same of those that were added, whatever is given */
    SYSTEM_PAUSE,     /* end them, and keep them for */
    SYSTEM_UNPAUSE,   /* start anew those that were ended so, whatever is given */
    SYSTEM_RENEW,     /* end those that run, and start them anew */
    SYSTEM_START_APPLICATION,
    SYSTEM_STOP_APPLICATION,
    SYSTEM_CONFIG_CHANGE,
    SYSTEM_APPLY,
    SYSTEM_ENSURE_STARTED,
    SYSTEM_START_CHILD = SYS_WORK, /* this and the next: see supervisor_requests.h */
    SYSTEM_TERMINATE_CHILD,
    SYSTEM_RESTART_CHILD,
    SYSTEM_DELETE_CHILD,
    SYSTEM_WHICH_CHILDREN,
    SYSTEM_COUNT_CHILDREN,
    SYSTEM_CHILD_SPEC,
    SYSTEM_NOTIFY, /* this and the next: see manager.h */
    SYSTEM_ADD_HANDLER,
    SYSTEM_DELETE_HANDLER,
    SYSTEM_SWAP_HANDLER,
    SYSTEM_WHICH_HANDLERS
};

#define SERVER_FROZEN_MS 1u /* between two looks whether an upgrade's pause is over */

/* What to start.  All is borrowed until the server runs. */
struct server_spec {
    const struct code *code;
    const char *id;   /* copied */
    const char *name; /* to register, or NULL */
    const void *args; /* encoded; what init gets */
    size_t args_len;
    struct group *group; /* that it is a member of; NULL: its parent's */
    uint64_t timeout_ms; /* for its init, else it is killed; 0: as long as it takes */
    bool is_alone;       /* its parent is itself, and nobody is linked to it */
};

/*
 * Start a server as a child of `parent`, linked, and wait for its init.  0 and `*pid`
 * (nobody if init said ignore); or a negative errno, and why in `parent->answer`: the
 * reason as its code, and words.  By `parent`, inside a callback.
 */
int server_start(struct process *parent, const struct server_spec *spec,
                 moult_pid *pid);

static inline struct server *server_of(const struct process *p)
{
    return p->class == &server_class || p->class == &statem_class ||
                   p->class == &manager_class
               ? p->data
               : NULL;
}

/*
 * Write the state of `s` as one map, by its schema or its save hook.  0, or a negative
 * errno and `why` names the field.  [pure]
 */
int server_save(const struct server *s, moult_out *out, struct fault *why);

/* The same for people: fields that are secret are not told. */
int server_save_shown(const struct server *s, moult_out *out, struct fault *why);

/*
 * Make a state of `code` in `ctx` from the map at `in` (NULL: the initial values), by
 * schema or load hook.  `writer` is the schema that the map was written by, or NULL.  0 and `*state`; or a negative errno, `why`, and what was
 * allocated is still `ctx`'s.  [pure]
 */
int state_load(struct moult_ctx *ctx, const struct code *code,
               const moult_schema *writer, moult_in *in, void **state,
               struct fault *why);

/*
 * From now on `p`, which rests, runs `code` on `state`.  If `ctx` is given, its memory
 * takes the place of the process's, whose old memory is given in it; else the memory
 * stays.  Uses are the caller's to count (code_use).  Cannot fail.
 */
void server_swap(struct process *p, const struct code *code, void *state,
                 struct moult_ctx *ctx);

#endif
