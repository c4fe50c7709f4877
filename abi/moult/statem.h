/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statem - a server that is in one of several states, and does with an event what it does
 * in that state.  OTP: gen_statem.
 *
 * It is a server (server.h) with a `statem` in the place of handle_call, handle_cast,
 * handle_info and handle_continue; init, terminate, code_change, save and load are as
 * there.  Which state it is in is a field of its data, `state`, a text in place, so that
 * it is shown, saved and carried to another version with the rest:
 *
 *     struct door {
 *         char state[16];
 *         int64_t opened;
 *     };
 *     MOULT_STATE(door_data, struct door,
 *                 MOULT_FIELD(state, .initial_text = "locked"),
 *                 MOULT_FIELD(opened));
 *
 *     static const moult_statem door_states = {
 *         .size = sizeof(moult_statem),
 *         .states = (const moult_statem_state[]){{"locked", locked}, {"open", open}, {0}}};
 *
 *     static const moult_server door = {
 *         .size = sizeof(moult_server), .state = door_data, .statem = &door_states};
 *
 * An event is handled in this order, as OTP does it: the callback runs; the caller is
 * answered; if the state is another one, or is repeated, it is entered; if it is another
 * one, its state timeout is cancelled and what was postponed goes, the oldest first, to
 * the front of the queue; what was inserted goes in front of that; timeouts start.  The
 * queue is handled before any message that has not been received, then what timed out
 * after 0 ms.
 *
 * An upgrade is no change of state, not even if code_change names another one: nothing is
 * entered, postponed events and running timeouts stay.  So a version takes the events of
 * the one before it, and lists the states that servers may be in: else it is refused.
 *
 * What differs from OTP: a state is a text of less than MOULT_STATE_NAME_MAX bytes, also
 * for handle_event; data are changed in place, so that keep_state_and_data is keep_state;
 * moult_reply_to() answers at once; a call that is given no time has 5000 ms; there are no
 * times to be absolute, and no change_callback_module.  Past a mailbox's limit of postponed
 * events a further one is dropped, a call refused with -EAGAIN, and the log says so.
 */
#ifndef MOULT_STATEM_H
#define MOULT_STATEM_H

#include "server.h"

MOULT_BEGIN

#define MOULT_STATE_NAME_MAX \
    64u /* bytes of a state's or timeout's name, with its zero */

/* What an event is.  OTP: event_type(), and enter. */
enum {
    MOULT_EVENT_ENTER, /* the state was entered, if `state_enter` asks for it */
    MOULT_EVENT_CALL,
    MOULT_EVENT_CAST,
    MOULT_EVENT_INFO,
    MOULT_EVENT_INTERNAL, /* by moult_next_event() alone */
    MOULT_EVENT_TIMEOUT,
    MOULT_EVENT_STATE_TIMEOUT,
    MOULT_EVENT_GENERIC_TIMEOUT
};

/* One event.  Lent for the callback, with all that it points to. */
typedef struct {
    int32_t type;           /* MOULT_EVENT_CALL and so on */
    const char *state;      /* it is in; a callback changes it by what it returns */
    const char *old_state;  /* of an enter: it was in before; else NULL */
    const char *name;       /* of a generic timeout; else NULL */
    const moult_from *from; /* of a call, else NULL; copy it to reply later */
    moult_in *content;      /* null of an enter, or if there is none */
    moult_out *reply;       /* of a call: for moult_reply(); else NULL */
} moult_event;

/* What is done with an event.  `data` is what `.state` of the server describes. */
typedef moult_next moult_on_event(moult_ctx *ctx, void *data, const moult_event *event);

/* One state. */
typedef struct {
    const char *name;
    moult_on_event *handle; /* NULL: handle_event is called */
} moult_statem_state;

/* OTP: what callback_mode() returns, and the functions of the states. */
struct moult_statem {
    uint32_t size;        /* sizeof(moult_statem); only grows */
    uint32_t state_enter; /* 1: be called with MOULT_EVENT_ENTER.  OTP: state_enter */
    /*
     * All its states, ends with a NULL name.  OTP: state_functions.  NULL: any text is
     * one, and handle_event handles all.
     */
    const moult_statem_state *states;
    moult_on_event *handle_event; /* [server] */
};

/* -- what happens next: the return value of a callback -- */

enum {
    MOULT_NEXT_STATE = 0x1000,
    MOULT_NEXT_REPEAT = 0x2000,
    MOULT_NEXT_POSTPONE = 0x4000,
    MOULT_NEXT_STATEM = 0x7000 /* mask of the above */
};

/* Stay in the state.  OTP: keep_state.  moult_reply(), moult_refuse() do so too. */
static inline moult_next moult_keep_state(void)
{
    return moult_noreply();
}

/*
 * Go to `state` (copied), which may be the one it is in: then it stays.  From init: the
 * first state.  One that is not listed, or is too long, ends the server with -EINVAL.
 * OTP: {next_state, S, D}.  [server]
 */
MOULT_EXPORT moult_next moult_next_state(moult_ctx *ctx, const char *state);

/* Stay in the state, and enter it again; nothing is retried.  OTP: repeat_state. */
static inline moult_next moult_repeat_state(void)
{
    moult_next next = {MOULT_NEXT_REPEAT, 0, 0};

    return next;
}

/* The same as `next`, and what was put in the event's `reply` is sent.  OTP: {reply, F, R}. */
static inline moult_next moult_with_reply(moult_next next)
{
    next.verdict = (next.verdict & ~MOULT_NEXT_VERDICT) | MOULT_NEXT_REPLY;
    return next;
}

/*
 * The same as `next`, and the event comes again when the state has changed.  Not from
 * init, nor of an enter.  OTP: postpone.
 */
static inline moult_next moult_with_postpone(moult_next next)
{
    next.verdict |= MOULT_NEXT_POSTPONE;
    return next;
}

/* Stay in the state, and let the event come again in another.  OTP: postpone. */
static inline moult_next moult_postpone(void)
{
    return moult_with_postpone(moult_keep_state());
}

/*
 * moult_stop() ends it; moult_stop_reply() replies and then ends it, terminate last, as
 * OTP's stop_and_reply does.
 *
 * -- actions --
 *
 * What they say is done when the callback has returned, in the order they are called:
 * by init, for an event or an enter.  `content` (taken, may be NULL) is a draft.  0;
 * -ENOTSUP (this is no statem), -EINVAL, -ENOMEM or what writing `content` failed with:
 * that ends the server when the callback returns, so that nobody needs to look.
 */

/*
 * Insert an event in front of all that are queued, several in the order of the calls.
 * `type` is MOULT_EVENT_INTERNAL, _CAST, _INFO; or _CALL, with a `from` (copied, else
 * NULL) to reply to.  Not of an enter.  OTP: next_event.  [server]
 */
MOULT_EXPORT int moult_next_event(moult_ctx *ctx, int32_t type, const moult_from *from,
                                  moult_out *content);

/*
 * Be sent `content` in `ms` milliseconds (MOULT_INFINITY: not any more), in the place of
 * what was set before: if there is no event until then; if the state is still the same;
 * whatever happens, for each `name` (copied) one.  OTP: {timeout, T, C},
 * {state_timeout, T, C}, {{timeout, Name}, T, C}.  [server]
 */
MOULT_EXPORT int moult_event_timeout(moult_ctx *ctx, uint64_t ms, moult_out *content);
MOULT_EXPORT int moult_state_timeout(moult_ctx *ctx, uint64_t ms, moult_out *content);
MOULT_EXPORT int moult_generic_timeout(moult_ctx *ctx, const char *name, uint64_t ms,
                                       moult_out *content);

/*
 * Only change the content of a timeout that runs, which is a MOULT_EVENT_TIMEOUT,
 * _STATE_TIMEOUT or, with its `name`, _GENERIC_TIMEOUT; one that does not run comes at
 * once.  OTP: {Type, update, C}.  [server]
 */
MOULT_EXPORT int moult_update_timeout(moult_ctx *ctx, int32_t type, const char *name,
                                      moult_out *content);

MOULT_END

#endif
