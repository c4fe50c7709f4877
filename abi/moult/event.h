/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event - a manager, and the handlers that are told of what it is notified of.  OTP:
 * gen_event.
 *
 * A manager is a server (server.h) with a `manager` in the place of a state and callbacks:
 * that lists the kinds of handlers there may be in it.  Handlers come and go while it runs.
 *
 *     static const moult_handler log_handler = {
 *         .size = sizeof(moult_handler), .name = "log", .state = log_state,
 *         .handle_event = log_event};
 *
 *     static const moult_manager alarms = {
 *         .size = sizeof(moult_manager),
 *         .handlers = (const moult_handler *const[]){&log_handler, NULL}};
 *
 *     static const moult_server alarm_manager = {
 *         .size = sizeof(moult_server), .manager = &alarms};
 *     ...
 *     moult_add_handler(ctx, manager, "log", NULL);
 *     moult_notify(ctx, manager, event);
 *
 * All run in the manager's process, the newest first, so that a slow one delays the rest.
 * A handler is named as its kind, "log", or, if there are several of one kind, "log/" and
 * anything.  To who calls from outside, a cast to the manager notifies its handlers, and a
 * call is of one of them: {"log": request}.
 *
 * One that fails is removed and told of (event `handler.failed`); the manager and the
 * others go on.  That is one that returns moult_stop_because(), or what it may not return;
 * whose callback a fault, an assert or its like ends, if that is contained; or that takes
 * longer than the manager's max_callback_ms.  What it had from moult_alloc() is freed then.
 * The manager itself ends if what fails can't be contained, if it needs more memory than
 * its max_heap, or if it is killed; its supervisor starts it, with the handlers that are
 * there `at_start`.
 *
 * An upgrade takes each handler to the new version of its kind, by pointer, schema or
 * code_change as a server; if one of them can't be, all stays as it was.  A version without
 * the kind of a handler that is there is refused.
 *
 * What differs from OTP: a manager knows its kinds; state is changed in place; a request is
 * answered before handle_call returns; a callback can't swap its own handler.
 */
#ifndef MOULT_EVENT_ABI_H
#define MOULT_EVENT_ABI_H

#include "server.h"

MOULT_BEGIN

/* Why a handler is to let go of what it has.  OTP: the first argument of terminate. */
enum {
    MOULT_REMOVED_SELF,    /* a callback returned moult_remove_handler() */
    MOULT_REMOVED_DELETE,  /* moult_delete_handler(); `args` are its */
    MOULT_REMOVED_SWAP,    /* another takes its place; `args` are for it */
    MOULT_REMOVED_OWNER,   /* who added it has ended, for `reason`.  OTP: {stop, R} */
    MOULT_REMOVED_MANAGER, /* the manager ends, for `reason`.  OTP: stop */
    MOULT_REMOVED_FAILURE  /* it has failed, with `reason`.  OTP: {error, E} */
};

/* Lent for the callback. */
typedef struct {
    int32_t how;    /* MOULT_REMOVED_* */
    int32_t reason; /* MOULT_NORMAL and so on, or a negative errno */
    moult_in *args; /* null unless somebody gave some */
} moult_removal;

/*
 * A kind of handler.  OTP: a module with the gen_event behaviour.  Callbacks return
 * moult_noreply() to go on; moult_remove_handler(); or moult_stop_because(), which is to
 * fail.  Those that are NULL do nothing, and a call is refused.
 */
typedef struct {
    uint32_t size;    /* sizeof(moult_handler), as the plugin was built; only grows */
    uint32_t format;  /* as a server's */
    const char *name; /* of the kind; unique in its manager, and without '/' */
    /* 1: one is there from the start of the manager, given what its child spec has. */
    int32_t at_start;
    const moult_schema *(*state)(void); /* from MOULT_STATE; NULL: there is no state */

    /*
     * `state` has its initial values; `swapped`, else NULL, is at what terminate of the
     * one in whose place it is put gave: null if that was not there.  moult_refuse() fails
     * who adds it.  [server]
     */
    moult_next (*init)(moult_ctx *ctx, void *state, moult_in *args, moult_in *swapped);

    /* What the manager was notified of.  [server] */
    moult_next (*handle_event)(moult_ctx *ctx, void *state, moult_in *event);

    /*
     * Answer `request`, by filling `reply` and returning moult_reply() or
     * moult_remove_handler_reply(); or moult_refuse().  [server]
     */
    moult_next (*handle_call)(moult_ctx *ctx, void *state, moult_in *request,
                              moult_out *reply);

    /* A message that came in another way, as of a server.  [server] */
    moult_next (*handle_info)(moult_ctx *ctx, void *state, moult_in *message);

    /*
     * Let go of what `state` holds; the host frees `state` and its memory.  `result`, null
     * if nothing is put there, is for who deletes it or takes its place.  Not called after
     * a fault in one of its callbacks.  [server]
     */
    void (*terminate)(moult_ctx *ctx, void *state, const moult_removal *why,
                      moult_out *result);

    int (*code_change)(const moult_change *change, moult_in *from, moult_out *to);
    int (*save)(const void *state, moult_out *out); /* these as a server's.  [pure] */
    int (*load)(moult_ctx *ctx, void *state, moult_in *in);
} moult_handler;

struct moult_manager {
    uint32_t size;                        /* sizeof(moult_manager); only grows */
    const moult_handler *const *handlers; /* the kinds there may be; ends with NULL */
};

/* The handler goes, the rest stay.  OTP: remove_handler. */
static inline moult_next moult_remove_handler(void)
{
    return moult_stop(MOULT_NORMAL);
}

/* The same of a call, after sending `reply`.  OTP: {remove_handler, Reply}. */
static inline moult_next moult_remove_handler_reply(void)
{
    return moult_stop_reply(MOULT_NORMAL);
}

/* -- events -- */

/*
 * Tell all handlers of `event` (taken), and go on: as moult_cast(), with its errors.  OTP:
 * notify/2.  [any]
 */
static inline int moult_notify(moult_ctx *ctx, moult_pid manager, moult_out *event)
{
    return moult_cast(ctx, manager, event);
}

/*
 * The functions below wait for the manager, as long as it takes where no time is given.
 * They return the errors of moult_call() and their own, and moult_call_text() says what is
 * wrong; -EDEADLK to a handler that asks its own manager.
 */

/* The same, and return when all have handled it.  OTP: sync_notify/2.  [server] */
MOULT_EXPORT int moult_sync_notify(moult_ctx *ctx, moult_pid manager, moult_out *event);

/*
 * Have `handler` answer `request` (taken): as moult_call().  -ENOENT (there is none),
 * -EFAULT (it failed over it).  OTP: call/4.  [server]
 */
MOULT_EXPORT int moult_call_handler(moult_ctx *ctx, moult_pid manager,
                                    const char *handler, moult_out *request,
                                    uint64_t timeout_ms, moult_in *reply);

/* -- handlers -- */

/*
 * Add `handler`, with `args` (taken; NULL: null) for its init.  0; -ENOENT (the manager
 * has no such kind), -EINVAL (no name of 1 to 255 bytes), -ENOSPC (65,535 are there), or
 * what its init was refused with.  OTP: add_handler/3.  [server]
 */
MOULT_EXPORT int moult_add_handler(moult_ctx *ctx, moult_pid manager,
                                   const char *handler, moult_out *args);

/*
 * The same, and tie it to this server, which is linked to the manager: if it ends, the
 * handler is removed; if the handler is removed otherwise, a message says so
 * (moult_match_handler_gone()).  OTP: add_sup_handler/3.  [server]
 */
MOULT_EXPORT int moult_add_sup_handler(moult_ctx *ctx, moult_pid manager,
                                       const char *handler, moult_out *args);

/*
 * Remove `handler`; `args` (taken; NULL: null) are for its terminate, and `*result` (may
 * be NULL; lent until the next call) is at what that gave.  0; -ENOENT; -EFAULT (its
 * terminate failed: it is gone).  OTP: delete_handler/3.  [server]
 */
MOULT_EXPORT int moult_delete_handler(moult_ctx *ctx, moult_pid manager,
                                      const char *handler, moult_out *args,
                                      moult_in *result);

/* One handler for another; args are taken, and may be NULL. */
typedef struct {
    const char *from, *to;
    moult_out *from_args; /* of the terminate of `from` */
    moult_out *to_args;   /* of the init of `to` */
} moult_swap;

/*
 * Put a handler in the place of another, whose terminate's result its init gets; it is
 * added also if `from` is not there.  If its init fails both are gone.  It is tied to whom
 * `from` was tied to; or, with the second, to this server.  0, or as moult_add_handler().
 * OTP: swap_handler/3, swap_sup_handler/3.  [server]
 */
MOULT_EXPORT int moult_swap_handler(moult_ctx *ctx, moult_pid manager,
                                    const moult_swap *swap);
MOULT_EXPORT int moult_swap_sup_handler(moult_ctx *ctx, moult_pid manager,
                                        const moult_swap *swap);

/*
 * The names of its handlers, the newest first: `*list`, lent until the next call, is at an
 * array of texts.  OTP: which_handlers/1.  [server]
 */
MOULT_EXPORT int moult_which_handlers(moult_ctx *ctx, moult_pid manager,
                                      moult_in *list);

/* A handler that was tied to this server is gone; texts are lent as long as the message. */
typedef struct {
    moult_pid manager;
    const char *handler; /* `handler_len` bytes */
    size_t handler_len;
    const char *swapped; /* what took its place, `swapped_len` bytes; "": nothing did */
    size_t swapped_len;
    int32_t
        reason; /* MOULT_NORMAL: removed; MOULT_SHUTDOWN: so is the manager; or why */
    const char *text; /* it failed, in words, `text_len` bytes */
    size_t text_len;
} moult_handler_gone;

/*
 * True, and `*gone`, if `message` is the map {"handler_gone": name, "manager", "reason",
 * "swapped", "text"}.  OTP: {gen_event_EXIT, Handler, Reason}.  [pure]
 */
MOULT_EXPORT bool moult_match_handler_gone(const moult_in *message,
                                           moult_handler_gone *gone);

MOULT_END

#endif
