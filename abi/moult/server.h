/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server - a process with a state that answers requests.  OTP: gen_server.
 *
 * Callbacks left NULL do what OTP's defaults do: init starts with the initial values,
 * a call is refused, a cast or info is logged and dropped, terminate does nothing.
 */
#ifndef MOULT_SERVER_H
#define MOULT_SERVER_H

#include "message.h"
#include "state.h"

MOULT_BEGIN

/* -- what happens next: the return value of a callback -- */

typedef struct {
    int32_t verdict; /* MOULT_NEXT_*, made by the functions below */
    int32_t reason;  /* of a stop or a refusal */
    uint64_t timeout_ms;
} moult_next;

enum {
    MOULT_NEXT_NOREPLY,
    MOULT_NEXT_REPLY,
    MOULT_NEXT_REFUSE,
    MOULT_NEXT_STOP,
    MOULT_NEXT_STOP_REPLY,
    MOULT_NEXT_IGNORE,
    MOULT_NEXT_VERDICT = 0xff, /* mask of the above */
    MOULT_NEXT_TIMEOUT = 0x100,
    MOULT_NEXT_HIBERNATE = 0x200,
    MOULT_NEXT_CONTINUE = 0x400
};

/* Go on; nothing is sent.  From init: started.  OTP: {noreply, State}, {ok, State}. */
static inline moult_next moult_noreply(void)
{
    moult_next next = {MOULT_NEXT_NOREPLY, 0, 0};

    return next;
}

/* Go on; what was put in `reply` is sent.  OTP: {reply, Reply, State}. */
static inline moult_next moult_reply(void)
{
    moult_next next = {MOULT_NEXT_REPLY, 0, 0};

    return next;
}

/* End this server: MOULT_NORMAL, MOULT_SHUTDOWN or a negative errno. OTP: {stop, R, S}. */
static inline moult_next moult_stop(int32_t reason)
{
    moult_next next = {MOULT_NEXT_STOP, reason, 0};

    return next;
}

/* The same after sending `reply`.  OTP: {stop, Reason, Reply, State}. */
static inline moult_next moult_stop_reply(int32_t reason)
{
    moult_next next = {MOULT_NEXT_STOP_REPLY, reason, 0};

    return next;
}

/* From init only: end in good order, and tell the starter `ignore`.  OTP: ignore. */
static inline moult_next moult_ignore(void)
{
    moult_next next = {MOULT_NEXT_IGNORE, 0, 0};

    return next;
}

/*
 * Go on, after `next`, and be sent an info null if no message comes within `ms`.  OTP:
 * {noreply, State, Timeout}.
 */
static inline moult_next moult_with_timeout(moult_next next, uint64_t ms)
{
    next.verdict |= MOULT_NEXT_TIMEOUT;
    next.timeout_ms = ms;
    return next;
}

/* Go on, and give back what memory can be until a message comes.  OTP: hibernate. */
static inline moult_next moult_with_hibernate(moult_next next)
{
    next.verdict |= MOULT_NEXT_HIBERNATE;
    return next;
}

/*
 * Go on in handle_continue, before any message, with what was put in
 * moult_continuation().  OTP: {continue, Term}.
 */
static inline moult_next moult_with_continue(moult_next next)
{
    next.verdict |= MOULT_NEXT_CONTINUE;
    return next;
}

/* Where to write what handle_continue is to be given; lent for the callback.  [server] */
MOULT_EXPORT moult_out *moult_continuation(moult_ctx *ctx);

/*
 * Go on, and answer the caller with `error` (a negative errno) and a text that says
 * what would be right.  OTP: {reply, {error, Reason}, State}.  [server]
 */
MOULT_EXPORT moult_next moult_refuse(moult_ctx *ctx, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * What is at hand is nothing that this server knows: a call is refused with -ENOSYS,
 * anything else told in the event log, with its content, and dropped.  OTP: what a missing
 * handle_info does.  [server]
 */
MOULT_EXPORT moult_next moult_unhandled(moult_ctx *ctx);

/* End this server for `reason`, with a text for the log and for who asks.  [server] */
MOULT_EXPORT moult_next moult_stop_because(moult_ctx *ctx, int32_t reason,
                                           const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Whether this server is told to end before it ends: with true, its terminate is called
 * when its supervisor shuts it down or the host stops, and the exits of others become
 * messages (moult_match_exit()); at first it is not.  A kill can't be trapped.  OTP: process_flag(trap_exit, Flag).  [server]
 */
MOULT_EXPORT void moult_trap_exit(moult_ctx *ctx, bool on);

/* -- code change -- */

/* From where to where a state is being carried.  Lent for the call. */
typedef struct {
    uint32_t from, to;             /* formats, of states or messages; never equal */
    const char *from_vsn, *to_vsn; /* of the application */
    const moult_in *extra;         /* what the appup gave along, or NULL */
    char *why;                     /* put here, in words, why a state is refused */
    size_t why_size;               /* bytes that fit there */
} moult_change;

/* -- the behaviour -- */

typedef struct moult_statem moult_statem;
typedef struct moult_manager moult_manager;

typedef struct {
    uint32_t size;   /* sizeof(moult_server), as the plugin was built; only grows */
    uint32_t format; /* raise it when a field of the state changes its meaning */

    const moult_schema *(*state)(void); /* from MOULT_STATE; NULL: there is no state */

    /* `state` has its initial values; `args` come from the child spec.  [server] */
    moult_next (*init)(moult_ctx *ctx, void *state, moult_in *args);

    /*
     * Answer `request`, by filling `reply` and returning moult_reply(), or later with
     * a copy of `from`.  A request that was misread fails its caller, not the server.
     * [server]
     */
    moult_next (*handle_call)(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply);

    /* A message that nobody waits on.  [server] */
    moult_next (*handle_cast)(moult_ctx *ctx, void *state, moult_in *message);

    /*
     * A message from elsewhere: moult_send(), a timer, the end of another process; null
     * for a timeout.  [server]
     */
    moult_next (*handle_info)(moult_ctx *ctx, void *state, moult_in *message);

    /* What a callback left in moult_continuation().  [server] */
    moult_next (*handle_continue)(moult_ctx *ctx, void *state, moult_in *term);

    /*
     * Let go of what `state` holds; the host frees `state` itself.  Called when a
     * callback stops the server, and when others do if it traps exits.  [server]
     */
    void (*terminate)(moult_ctx *ctx, void *state, int32_t reason);

    /*
     * Carry a state between two formats: read the map `from`, write the map `to` whole.
     * The version with the higher format is called, upward and downward; equal formats
     * need no call.  A negative errno refuses, and the running version stays as it was.
     * OTP: code_change/3.  [pure]
     */
    int (*code_change)(const moult_change *change, moult_in *from, moult_out *to);

    /*
     * For what a schema can't describe: write all of `state` as one map, and read it
     * back into one that has its initial values, allocating with `ctx`.  Both or none.
     * 0 or a negative errno.  [pure]
     */
    int (*save)(const void *state, moult_out *out);
    int (*load)(moult_ctx *ctx, void *state, moult_in *in);

    /* It is in one of several states: see statem.h.  Then no handle_... is set. */
    const moult_statem *statem;

    /*
     * Write to `out` what people may see of `value` in logs, reports and `moult state`: of
     * the map of a state (MOULT_SHOW_STATE, without what its schema calls secret) or of a
     * message (MOULT_SHOW_MESSAGE).  A negative errno: nothing.  While it is set, what the
     * server sends is not shown at all.  OTP: format_status/1.  [pure]
     */
    int (*format_status)(int32_t what, moult_in *value, moult_out *out);

    /* It is a manager of handlers: see event.h.  Then but format_status nothing is set. */
    const moult_manager *manager;

    /* Raise it when what a call, a cast or an info says changes its meaning. */
    uint32_t message_format;

    /*
     * Carry a message between two formats of messages, as code_change does a state: read
     * the item `from`, write the item `to` whole.  `kind` is MOULT_GOT_CALL, MOULT_GOT_CAST
     * or MOULT_GOT_INFO.  It is called for each that waits for the server when the
     * application comes to rest for another version (in its mailbox, postponed, or of a
     * timer of its own), and so was written for the version that went.  What comes later is
     * read as it is; a reply is never changed.  A negative errno refuses, and the running
     * version stays, with its messages as they were.  [pure]
     */
    int (*message_change)(const moult_change *change, int32_t kind, moult_in *from,
                          moult_out *to);

    /*
     * The lowest format that code_change still knows, up or down; 0: it knows all.  What
     * is of a lower one comes here by way of a version between, if that is at hand.
     */
    uint32_t format_least;

    /* The same of message_change. */
    uint32_t message_format_least;
} moult_server;

enum { MOULT_SHOW_STATE, MOULT_SHOW_MESSAGE };

/* -- servers that no supervisor starts -- */

/* Zero is OTP's default. */
typedef struct {
    uint32_t size;       /* sizeof(moult_start_options); only grows */
    const char *name;    /* it is registered as that (copied); NULL: not at all */
    uint64_t timeout_ms; /* for its init, else it is killed; 0: as long as it takes */
} moult_start_options;

/*
 * Start a server and wait for its init, which gets `args` (taken; NULL: those that the plugin
 * lists it with).  It must be one that the caller's own plugin lists, as a child or in
 * `templates`: its limits are those there.  Nobody restarts it, nor tells it to end: it is
 * its own parent.  0 and `*pid` (may be NULL), nobody if init said ignore; -EINVAL (it lists
 * none such; options without a size; a name that can't be), -EEXIST (the name is taken), -ETIMEDOUT, -EOWNERDEAD (init failed:
 * moult_call_reason()), -ENOMEM, and to a plain process in old code -ESTALE;
 * moult_call_text() has words.  When it fails it has ended
 * and its name is free.  OTP: gen_server:start/4.  [server]
 */
MOULT_EXPORT int moult_server_start(moult_ctx *ctx, const moult_server *server,
                                    moult_out *args, const moult_start_options *options,
                                    moult_pid *pid);

/*
 * The same, linked, with the caller as its parent, whose end ends it.  If init fails the
 * caller is sent its exit, too.  OTP: gen_server:start_link/4.  [server]
 */
MOULT_EXPORT int moult_server_start_link(moult_ctx *ctx, const moult_server *server,
                                         moult_out *args,
                                         const moult_start_options *options,
                                         moult_pid *pid);

MOULT_END

#endif
