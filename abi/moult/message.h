/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - how servers talk.
 *
 * A message is written into a draft and then sent, which takes it:
 *
 *     moult_out *m = moult_draft(ctx);
 *
 *     moult_put_map(m, 1);
 *     moult_put_int_at(m, "add", 5);
 *     error = moult_call(ctx, moult_whereis("counter"), m, 0, &reply);
 *
 * Messages from one sender to one receiver arrive in the order they were sent.
 */
#ifndef MOULT_MESSAGE_H
#define MOULT_MESSAGE_H

#include "cbor.h"

MOULT_BEGIN

#define MOULT_CALL_TIMEOUT_MS 5000u /* of a call that is given 0; as in OTP */
#define MOULT_NOW             (UINT64_MAX - 1) /* a time that is over at once, where it is named */

/* A timer; never used again.  0 is none. */
typedef uint64_t moult_timer;

/* This server.  OTP: self().  [server] */
MOULT_EXPORT moult_pid moult_self(moult_ctx *ctx);

/* The process registered as `name` (borrowed), or nobody.  OTP: whereis/1.  [any] */
MOULT_EXPORT moult_pid moult_whereis(const char *name);

/*
 * An empty message, lent until it is sent or the callback returns.  Never NULL: without
 * memory it is one that fails with -ENOMEM when it is sent.  [server]
 */
MOULT_EXPORT moult_out *moult_draft(moult_ctx *ctx);

/* The same outside any server, from a thread of the plugin's own; to be sent.  [any] */
MOULT_EXPORT moult_out *moult_draft_outside(void);

/*
 * Send `request` (taken) and wait for the reply, which is lent in `*reply` until this
 * server's next call or the end of the callback.  `timeout_ms` 0 is 5000; other servers
 * run meanwhile.  A reply that comes too late is dropped, never delivered.  OTP:
 * gen_server:call/3, but failures are returned:
 *
 *   0           `*reply` holds the reply
 *   -ETIMEDOUT  no reply in time; the request may still be served
 *   -ESRCH      no such process
 *   -EOWNERDEAD it ended before it replied; moult_call_reason() says why
 *   -EDEADLK    a server may not call itself
 *   -EAGAIN     its mailbox is full
 *   -ENOMEM     no memory for the message
 *   others      the error that moult_refuse() gave; moult_call_text() has its text
 *
 * [server]
 */
MOULT_EXPORT int moult_call(moult_ctx *ctx, moult_pid to, moult_out *request,
                            uint64_t timeout_ms, moult_in *reply);

/* -- calls that are not waited for; OTP: gen_server:send_request/2 and its kin -- */

/*
 * Send `request` (taken) as moult_call() does, and go on.  What comes of it is received by
 * one of the two below, or comes to handle_info in its turn, for moult_match_response().  0
 * and `*ref`; or an error of moult_call(): then nothing will come.  [server]
 */
MOULT_EXPORT int moult_send_request(moult_ctx *ctx, moult_pid to, moult_out *request,
                                    uint64_t *ref);

/*
 * Wait for what comes of `ref`, as moult_call() does; MOULT_NOW only looks.  After
 * -ETIMEDOUT it never comes.
 * -ENOENT: it has come, or was given up.  [server]
 */
MOULT_EXPORT int moult_receive_response(moult_ctx *ctx, uint64_t ref,
                                        uint64_t timeout_ms, moult_in *reply);

/* The same, but after -ETIMEDOUT it may still come.  [server] */
MOULT_EXPORT int moult_wait_response(moult_ctx *ctx, uint64_t ref, uint64_t timeout_ms,
                                     moult_in *reply);

/* What came of a call, as handle_info is told of it. */
typedef struct {
    uint64_t ref;
    int32_t error;    /* 0, or as of moult_call() */
    int32_t reason;   /* of -EOWNERDEAD: why it ended */
    moult_in reply;   /* lent as long as the message */
    const char *text; /* of an error, `text_len` bytes; lent as the reply */
    size_t text_len;
} moult_response;

/*
 * True, and `*response`, if `message` is what came of a call: {"response": ref, "error",
 * "reason", "text", "reply"}.  OTP: gen_server:check_response/2.  [pure]
 */
MOULT_EXPORT bool moult_match_response(const moult_in *message,
                                       moult_response *response);

typedef struct {
    moult_pid to;
    uint64_t ref;
    int32_t error;  /* 0, or as of moult_call() */
    moult_in reply; /* if it is 0; lent until the callback is over */
} moult_answer;

/*
 * Call the `count` processes that `answers` name, all with `request` (taken), at the same
 * time, and wait for the last of them, but not longer than `timeout_ms`; 0 is 5000.  How
 * many replied.  OTP: gen_server:multi_call/4.  [server]
 */
MOULT_EXPORT int moult_multi_call(moult_ctx *ctx, moult_answer *answers, size_t count,
                                  moult_out *request, uint64_t timeout_ms);

/* What the last call of this server failed with, in words; lent until the next. [server] */
MOULT_EXPORT const char *moult_call_text(moult_ctx *ctx);

/* Why the process ended that the last call failed on with -EOWNERDEAD.  [server] */
MOULT_EXPORT int32_t moult_call_reason(moult_ctx *ctx);

/*
 * Send `message` (taken) to handle_cast and go on.  0, -ESRCH, -EAGAIN (mailbox full) or
 * -ENOMEM: it is dropped, and nothing else happens.  `ctx` is NULL outside any server.
 * OTP: gen_server:cast/2, which never tells.  [any]
 */
MOULT_EXPORT int moult_cast(moult_ctx *ctx, moult_pid to, moult_out *message);

/* The same to handle_info.  OTP: erlang:send/2.  [any] */
MOULT_EXPORT int moult_send(moult_ctx *ctx, moult_pid to, moult_out *message);

/*
 * Answer `from` with `answer` (taken), later than its handle_call or from elsewhere.  0;
 * -ESRCH (the caller is gone).  Second replies and late ones vanish.  OTP:
 * gen_server:reply/2.  [any]
 */
MOULT_EXPORT int moult_reply_to(moult_ctx *ctx, const moult_from *from,
                                moult_out *answer);

/* Answer `from` with an error, and `why` (borrowed) in words.  [any] */
MOULT_EXPORT int moult_refuse_to(moult_ctx *ctx, const moult_from *from, int error,
                                 const char *why);

/*
 * Send `message` (taken) to `to`'s handle_info in `delay_ms`, not earlier.  Its timer, or
 * 0 (no memory, or a million others: nothing will come).  It ends with this server.  OTP:
 * erlang:send_after/3.  [server]
 */
MOULT_EXPORT moult_timer moult_send_after(moult_ctx *ctx, moult_pid to,
                                          uint64_t delay_ms, moult_out *message);

/*
 * Send copies of `message` (taken) to `to`'s handle_info each `every_ms`, at least 1, from
 * then on: until it is stopped or `to` or this server ends.  A full mailbox misses one.
 * Its timer, or 0 (no memory).  OTP: timer:send_interval/3.  [server]
 */
MOULT_EXPORT moult_timer moult_send_interval(moult_ctx *ctx, moult_pid to,
                                             uint64_t every_ms, moult_out *message);

/*
 * Milliseconds that are left until `timer`, one of this server's own, fires; -ENOENT: it
 * has fired or was stopped.  OTP: erlang:read_timer/1.  [server]
 */
MOULT_EXPORT int64_t moult_read_timer(moult_ctx *ctx, moult_timer timer);

/*
 * Stop `timer`, one of this server's own.  Milliseconds that were left, or -ENOENT: it
 * has fired, perhaps its message waits already, or was stopped.  OTP:
 * erlang:cancel_timer/1.  [server]
 */
MOULT_EXPORT int64_t moult_cancel_timer(moult_ctx *ctx, moult_timer timer);

MOULT_END

#endif
