/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn - plain processes: a function that runs beside all others, and receives by itself.
 *
 *     static int32_t echo(moult_ctx *ctx, moult_in *args)
 *     {
 *         moult_message m;
 *
 *         while (moult_receive(ctx, NULL, NULL, 60000, &m) == 0)
 *             if (m.kind == MOULT_GOT_CALL)
 *                 ...
 *         return MOULT_NORMAL;
 *     }
 *     ...
 *     error = moult_spawn(ctx, echo, NULL, &pid);
 *
 * Most of what one wants is a server, whose state outlives its code.  A plain process is
 * for what runs once or waits in the middle of something: its state is its stack, which
 * nothing can carry to other code.  So an upgrade leaves it alone: it goes on in the
 * version that it was spawned by, also what it calls or spawns from there, and that
 * version stays loaded until it has ended; `moult releases` names it.  One that is to end
 * then is linked to a server that ends it.  OTP: a process that stays inside old code.
 *
 * It is part of its application and ends with it at the latest.  While it waits it costs
 * its stack (256 KiB of addresses, of which it pays for what it has touched) and no
 * thread; while it runs it is a callback like any other: a fault ends it alone, and
 * `max_callback_ms` is counted between one wait and the next.
 *
 * Where other chapters say [server], a plain process may call it with the `ctx` that it
 * was given; what is lent "for the callback" is so until its function returns.
 */
#ifndef MOULT_SPAWN_H
#define MOULT_SPAWN_H

#include "message.h"
#include "process.h"
#include "server.h"

MOULT_BEGIN

/* -- spawning -- */

/*
 * What a plain process runs.  `args` is what it was spawned with, lent until it returns:
 * why it ends, MOULT_NORMAL or another reason.  OTP: a function's body.
 */
typedef int32_t moult_function(moult_ctx *ctx, moult_in *args);

enum { MOULT_LINKED = 1, MOULT_MONITORED = 2 }; /* to who spawns it; by who does */

/* All may be left zero but `size`. */
typedef struct {
    uint32_t size;     /* sizeof(moult_spawn_options); only grows */
    int32_t flags;     /* MOULT_LINKED, MOULT_MONITORED */
    const char *label; /* for people, copied; NULL: "process" */
    uint64_t max_heap; /* these four as in moult_child */
    uint32_t mailbox_limit;
    uint32_t warn_callback_ms, max_callback_ms;
} moult_spawn_options;

typedef struct {
    moult_pid pid;
    uint64_t ref; /* of the monitor; 0 without one */
} moult_spawned;

/*
 * Have a new process run `run`, which is of the caller's own plugin, with `args` (taken;
 * NULL: null).  `options` may be NULL.  0 and `*spawned`; -ENOMEM (also if the host has its
 * max_processes), -ENOSPC (links or monitors), -EINVAL (no function; options without their
 * size, with other flags or a label that is not UTF-8).  OTP: spawn_opt/4.  [server]
 */
MOULT_EXPORT int moult_spawn_opt(moult_ctx *ctx, moult_function *run, moult_out *args,
                                 const moult_spawn_options *options,
                                 moult_spawned *spawned);

static inline int moult_spawn_as(moult_ctx *ctx, const char *label, int32_t flags,
                                 moult_function *run, moult_out *args,
                                 moult_spawned *spawned)
{
    moult_spawn_options options = {sizeof(options), flags, label, 0, 0, 0, 0};

    return moult_spawn_opt(ctx, run, args, &options, spawned);
}

/*
 * The same, labelled with the name of the function, and `*spawned` is its pid alone.  OTP:
 * spawn/1, spawn_link/1.  [server]
 */
/* NOLINTBEGIN(readability-identifier-naming): they read as the functions that they call */
#define moult_spawn(ctx, run, args, spawned) \
    moult_spawn_as(ctx, #run, 0, run, args, spawned)
#define moult_spawn_link(ctx, run, args, spawned) \
    moult_spawn_as(ctx, #run, MOULT_LINKED, run, args, spawned)
/* `spawned->ref` is the monitor's.  OTP: spawn_monitor/1. */
#define moult_spawn_monitor(ctx, run, args, spawned) \
    moult_spawn_as(ctx, #run, MOULT_MONITORED, run, args, spawned)
/* NOLINTEND(readability-identifier-naming) */

/*
 * `reason`, for a function to return, with a text for the log and for who asks.  OTP:
 * exit/1.  [server]
 */
MOULT_EXPORT int32_t moult_fail(moult_ctx *ctx, int32_t reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * To return with: this process gives back its stack and all memory that it can, and when a
 * message is there it runs `run` with `args` (taken; NULL: null), as if newly spawned.
 * Servers return moult_with_hibernate().  OTP: hibernate/3.  [server]
 */
MOULT_EXPORT int32_t moult_hibernate(moult_ctx *ctx, moult_function *run,
                                     moult_out *args);

/*
 * To return with: this process goes on as a server, one that its plugin lists as a child or
 * in `templates`, with the limits there, and neither a statem nor a manager.  Its init is not
 * called; its state is the map `state` (taken; NULL: its initial values), read as an upgrade
 * reads it.  It keeps its pid, name, links, monitors and what waits; who spawned it is its
 * parent.  From now on an upgrade moves it as it moves others; during one's pause it waits,
 * and in a version that runs no more it ends with -ESTALE.  -EINVAL, -ENOTSUP, and what is
 * wrong with the state, are why it ends.  OTP: gen_server:enter_loop/3.  [server]
 */
MOULT_EXPORT int32_t moult_enter_loop(moult_ctx *ctx, const moult_server *server,
                                      moult_out *state);

/* -- receiving -- */

/* What a message is. */
enum {
    MOULT_GOT_INFO,  /* moult_send(), a timer */
    MOULT_GOT_CAST,  /* moult_cast() */
    MOULT_GOT_CALL,  /* moult_call(): answer `from`, now or later */
    MOULT_GOT_DOWN,  /* a monitored process ended: `ended` */
    MOULT_GOT_EXIT,  /* a linked one did, or asks to end; exits are trapped: `ended` */
    MOULT_GOT_RESULT /* of the task `ref`, see task.h */
};

typedef struct {
    int32_t kind;     /* MOULT_GOT_INFO and so on */
    moult_pid sender; /* nobody if it came from outside */
    moult_from from;  /* whom to answer */
    uint64_t ref;     /* of a monitor or a task */
    moult_in in;      /* what was sent; null for DOWN and EXIT */
    moult_ended ended;
} moult_message;

/*
 * Is this a message to receive now?  It may read, and call nothing that waits, sends or
 * receives.
 */
typedef bool moult_filter(const moult_message *message, void *context);

/*
 * Take the oldest message that `filter` (NULL: any) wants out of the mailbox, and wait for
 * one up to `timeout_ms`: 0 only looks, MOULT_INFINITY waits for ever.  What it does not
 * want stays, in order.  0 and `*message`, lent until the next moult_receive(); -ETIMEDOUT;
 * -ENOMEM (no stack to wait with).
 *
 * A server may, inside of a callback, to wait for one message before all others; its own
 * timeout, its supervisor's exit and what only the host asks are not received.  As long as
 * it waits there it holds up an upgrade.  OTP: receive ... after.  [server]
 */
MOULT_EXPORT int moult_receive(moult_ctx *ctx, moult_filter *filter, void *context,
                               uint64_t timeout_ms, moult_message *message);

/*
 * Wait for `ms`; messages queue.  With 0 others that can run do so first.  0 or -ENOMEM.
 * OTP: timer:sleep/1, erlang:yield/0.  [server]
 */
MOULT_EXPORT int moult_sleep(moult_ctx *ctx, uint64_t ms);

MOULT_END

#endif
