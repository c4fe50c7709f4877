/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor - what is started, in which order, and what happens when it ends.
 *
 * A plugin lists its children; a child is a server or a supervisor of its own, so that
 * the list is a tree.  What is listed starts with the application; the functions below
 * start, end and list children at run time.  Zero is OTP's default in every field.
 *
 *     static const moult_supervisor pool = {
 *         .size = sizeof(pool),
 *         .strategy = MOULT_SIMPLE_ONE_FOR_ONE,
 *         .children = (const moult_child[]){{.id = "job", .server = &job}, {.id = NULL}}};
 *     ...
 *     {.id = "pool", .supervisor = &pool, .name = "pool"}
 *     ...
 *     error = moult_start_child(ctx, moult_whereis("pool"), NULL, args, &pid);
 */
#ifndef MOULT_SUPERVISOR_H
#define MOULT_SUPERVISOR_H

#include "server.h"

MOULT_BEGIN

/* When an ended child is started again.  OTP: restart. */
enum {
    MOULT_PERMANENT = 0, /* always */
    MOULT_TRANSIENT = 1, /* unless it ended in good order */
    MOULT_TEMPORARY = 2  /* never; and it is forgotten */
};

/* Who else is ended and started again with it.  OTP: strategy. */
enum {
    MOULT_ONE_FOR_ONE = 0,  /* nobody */
    MOULT_ONE_FOR_ALL = 1,  /* all of its siblings */
    MOULT_REST_FOR_ONE = 2, /* those that were started after it */
    /*
     * Nobody; and all are of one kind, started at run time only: the one child listed is
     * what they are made from.  They have no ids, are ended all at once, and are
     * forgotten when they end for good.  OTP: simple_one_for_one.
     */
    MOULT_SIMPLE_ONE_FOR_ONE = 3,
    /*
     * The same with a spec for each, so that none is listed.  Elixir: DynamicSupervisor.
     */
    MOULT_DYNAMIC = 4
};

/* When a supervisor ends because a `significant` child did, and was not restarted. */
enum {
    MOULT_AUTO_SHUTDOWN_NEVER = 0,
    MOULT_ANY_SIGNIFICANT = 1, /* when one does */
    MOULT_ALL_SIGNIFICANT = 2  /* when the last of them does */
};

#define MOULT_BRUTAL_KILL       0xfffffffeu /* a shutdown_ms: kill at once */
#define MOULT_SHUTDOWN_INFINITY 0xffffffffu /* a shutdown_ms: wait for ever */
#define MOULT_NO_RESTARTS       0xffffffffu /* an intensity: the first is too many */
#define MOULT_ONE_PER_CORE      0xffffffffu /* a count: one for each worker thread */

typedef struct moult_supervisor moult_supervisor;

/* A child of a supervisor.  OTP: a child spec. */
typedef struct {
    const char *id;             /* unique among its siblings, and without '/' */
    const moult_server *server; /* what it runs; or `supervisor` below */
    const char *name;           /* it is registered as that; NULL: not at all */
    int32_t restart;            /* MOULT_PERMANENT and so on */
    uint32_t shutdown_ms; /* 0: OTP's, 5000, of supervisors infinity; or as above */
    const char *args;     /* init's `args`, as JSON; NULL: null */
    uint32_t count;       /* start so many, with ids and names id.0, id.1 ...; 0: one */
    uint32_t stack_size;  /* bytes a callback may use; 0: 256 KiB */
    const moult_supervisor *supervisor; /* it is one of its own; then no server */
    int32_t significant; /* 1: its end may end its supervisor, see auto_shutdown */
    /*
     * Not at once: the first restart waits for so long, each further one twice as long,
     * but no longer than `backoff_most_ms` (0: 60 times `backoff_ms`), always less up to a
     * half of it, at random.  One that has run for that longest time begins anew.  0: off,
     * as in OTP.
     */
    uint32_t backoff_ms, backoff_most_ms;
    uint32_t mailbox_limit; /* messages that may wait, others are refused; 0: 1000000 */
    /*
     * Bytes that it may hold by moult_alloc(), its state, drafts, timers, what it has in
     * registries and messages that wait; 0: any number.  What needs more ends it, with
     * reason -ENOMEM.  OTP: max_heap_size.
     */
    uint64_t max_heap;
    /*
     * For how long one callback may run, without the time that it waits in moult_call()
     * and its like.  A warning says where it is then; 0: 100.
     */
    uint32_t warn_callback_ms;
    /*
     * The same, until the server is ended for it, as soon as its own code runs; 0: it
     * never is, but in an upgrade, where code_change, save and load have 5000 then.
     */
    uint32_t max_callback_ms;
    /*
     * Of a server, machine or manager: nothing has come for so long, and it has no timeout
     * of its own: then it hibernates, as with moult_with_hibernate().  0: never.  OTP:
     * hibernate_after.
     */
    uint32_t hibernate_after_ms;
    /*
     * 1: an upgrade to this version from one with other args for it ends it and starts it
     * anew when all is done, without its state; but not one that was started at run time
     * with args of its own.  0: it goes on, and has the new ones from its next start on, as
     * in OTP.
     */
    int32_t renew;
} moult_child;

/* OTP: what a supervisor's init returns. */
struct moult_supervisor {
    uint32_t size;               /* sizeof(moult_supervisor); only grows */
    int32_t strategy;            /* MOULT_ONE_FOR_ONE and so on */
    const moult_child *children; /* in the order of their start; ends with a NULL id */
    uint32_t intensity;          /* restarts allowed within `period_s`; 0: OTP's 1 */
    uint32_t period_s;           /* seconds; 0: OTP's 5 */
    int32_t auto_shutdown;       /* MOULT_ANY_SIGNIFICANT and so on */
    uint32_t max_children;       /* MOULT_DYNAMIC's; 0: as many as there is room for */
    const char
        *args; /* MOULT_DYNAMIC: come before those of each child; JSON, or NULL */
};

/* Who started this server: its supervisor.  [server] */
MOULT_EXPORT moult_pid moult_parent(moult_ctx *ctx);

/*
 * The functions below ask the process `supervisor`, which does one thing after the other:
 * they wait as long as it takes.  An init that asks its own supervisor is told -EDEADLK;
 * a terminate that does waits for it until it is killed.  Besides their own errors they
 * return those of moult_call(), and moult_call_text() says what is wrong.
 *
 *   -EINVAL       a spec that can't be, or args that can't be joined
 *   -ENOENT       it has no such child
 *   -ENOTSUP      not with its strategy
 *   -EINPROGRESS  the child is being restarted
 *   -ECHILD       the child did not start; the text has its reason
 */

/*
 * Start a child as `spec` (copied) says, with `args` (taken) or, if they are NULL, the
 * spec's.  Its server or supervisor must be one that the caller's own plugin lists:
 * as a child, or in `templates`.  0 and `*pid` (may be NULL): nobody if init said ignore.
 * -EALREADY (it runs: `*pid` is it), -EEXIST (there is such a child that does not run),
 * -ENOSPC (max_children), -EXDEV (the supervisor is another application's).
 *
 * With MOULT_SIMPLE_ONE_FOR_ONE `spec` is NULL, and `args` are joined to those of the
 * child listed: behind them if both are arrays, over them if both are maps, alone if
 * there are none.  MOULT_DYNAMIC's own are joined in the same way.  OTP: start_child/2.
 * [server]
 */
MOULT_EXPORT int moult_start_child(moult_ctx *ctx, moult_pid supervisor,
                                   const moult_child *spec, moult_out *args,
                                   moult_pid *pid);

/*
 * End child `id` as its spec says; it is kept without a process, or, if it is temporary,
 * forgotten.  A restart that is due is called off.  0; -ENOTSUP (its children have no
 * ids).  OTP: terminate_child/2.  [server]
 */
MOULT_EXPORT int moult_terminate_child(moult_ctx *ctx, moult_pid supervisor,
                                       const char *id);

/*
 * The same for a child of MOULT_SIMPLE_ONE_FOR_ONE or MOULT_DYNAMIC, which is forgotten.
 * 0, for the former also if `child` has ended before.  [server]
 */
MOULT_EXPORT int moult_terminate_pid(moult_ctx *ctx, moult_pid supervisor,
                                     moult_pid child);

/*
 * Start child `id`, which has no process.  0 and `*pid` (may be NULL) as above; -EBUSY (it
 * runs).  If it fails nothing changes.  OTP: restart_child/2.  [server]
 */
MOULT_EXPORT int moult_restart_child(moult_ctx *ctx, moult_pid supervisor,
                                     const char *id, moult_pid *pid);

/* Forget child `id`, which has no process.  0; -EBUSY.  OTP: delete_child/2.  [server] */
MOULT_EXPORT int moult_delete_child(moult_ctx *ctx, moult_pid supervisor,
                                    const char *id);

/*
 * Its children, the newest first: `*list`, lent until the next call, is at an array of
 * maps of id (null if they have none), name, pid (null without a process), type, status
 * ("running", "restarting", "stopped"), restarts, vsn.  OTP: which_children/1.  [server]
 */
MOULT_EXPORT int moult_which_children(moult_ctx *ctx, moult_pid supervisor,
                                      moult_in *list);

/* One of them: `*child` is at its map.  OTP: which_child/2.  [server] */
MOULT_EXPORT int moult_which_child(moult_ctx *ctx, moult_pid supervisor, const char *id,
                                   moult_in *child);

typedef struct {
    uint32_t specs;       /* MOULT_SIMPLE_ONE_FOR_ONE: 1 */
    uint32_t active;      /* with a process */
    uint32_t supervisors; /* with a process or without, as are the next */
    uint32_t workers;
} moult_children_count;

/* How many it has, at once however many.  OTP: count_children/1.  [server] */
MOULT_EXPORT int moult_count_children(moult_ctx *ctx, moult_pid supervisor,
                                      moult_children_count *count);

/*
 * The spec of child `id` or, if it is NULL, of the one that is `pid`: `*spec`, lent until
 * the next call, is at a map with all keys: id, name, args, restart, shutdown_ms, type,
 * significant, modules (whose code it runs), backoff_ms, backoff_most_ms.  OTP:
 * get_childspec/2.  [server]
 */
MOULT_EXPORT int moult_get_childspec(moult_ctx *ctx, moult_pid supervisor,
                                     const char *id, moult_pid pid, moult_in *spec);

/*
 * Which of the many of its child spec's `count` this server is, from 0 on; 0 if it has
 * none.  [server]
 */
MOULT_EXPORT uint32_t moult_instance(moult_ctx *ctx);

/*
 * The one of the `count` (as in the child spec) registered as name.0, name.1 ... that
 * `key` is for, in constant time and without a lock; nobody while it is being restarted.
 * A key goes to `key` modulo `count`.  Elixir: PartitionSupervisor.  [any]
 */
MOULT_EXPORT moult_pid moult_partition(const char *name, uint32_t count, uint64_t key);

/* A key made of `len` bytes, the same for ever (FNV-1a of 64 bits).  [pure] */
MOULT_EXPORT uint64_t moult_key(const void *bytes, size_t len);

MOULT_END

#endif
