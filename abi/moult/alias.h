/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias - an address of a process that it can give up: what is sent there later vanishes.
 *
 * So one may ask somebody for an answer, and stop to wait for it, without ever being sent
 * one that comes too late.  (moult_call() and moult_send_request() do so by themselves.)
 *
 *     moult_alias here;
 *
 *     error = moult_alias_create(ctx, MOULT_ALIAS_REPLY, &here);
 *     ...
 *     moult_put_alias(question, here);
 *
 * An alias is a plain value, and outlives an upgrade.  OTP: alias/1, unalias/1, the option
 * `alias` of monitor/3.
 */
#ifndef MOULT_ALIAS_H
#define MOULT_ALIAS_H

#include "message.h"

MOULT_BEGIN

typedef struct {
    moult_pid pid; /* whose it is */
    uint64_t ref;  /* never used again; that of the monitor, if it is one's */
} moult_alias;

/* When it is given up, besides by moult_unalias(); may be joined by '|'. */
enum {
    MOULT_ALIAS_REPLY = 1,    /* with the first that comes by it; so is its monitor */
    MOULT_ALIAS_DEMONITOR = 2 /* with its monitor: when that tells, or is taken back */
};

/*
 * Have an alias of this server.  `flags` is 0 or MOULT_ALIAS_REPLY.  0 and `*alias`;
 * -EINVAL, -ENOMEM, -ENOSPC (it has 1,000,000).  OTP: alias/1.  [server]
 */
MOULT_EXPORT int moult_alias_create(moult_ctx *ctx, int32_t flags, moult_alias *alias);

/*
 * Monitor `to`, as moult_monitor(), and have an alias of this server besides: the two are
 * told apart by nothing, `alias->ref` is the monitor's.  0 and `*alias`; errors of both.
 * OTP: monitor/3.  [server]
 */
MOULT_EXPORT int moult_monitor_alias(moult_ctx *ctx, moult_pid to, int32_t flags,
                                     moult_alias *alias);

/*
 * Give it up: nothing comes by it any more but what waits already.  A monitor stays.
 * False: it is none, or none of this server's, any more.  OTP: unalias/1.  [server]
 */
MOULT_EXPORT bool moult_unalias(moult_ctx *ctx, moult_alias alias);

/*
 * Send `message` (taken) to the handle_info of who has `alias`.  0, also if it was given up;
 * -ESRCH (its process has ended), -EAGAIN (its mailbox is full), -ENOMEM.  `ctx` is NULL
 * outside any server.  OTP: erlang:send/2 to a reference.  [any]
 */
MOULT_EXPORT int moult_send_alias(moult_ctx *ctx, moult_alias alias,
                                  moult_out *message);

/*
 * Who is answered by `alias`: what moult_reply_to() and moult_refuse_to() send there comes
 * to handle_info, for moult_match_response(), with `alias.ref`.  OTP: {Pid, [alias |
 * Ref]}.  [pure]
 */
static inline moult_from moult_alias_from(moult_alias alias)
{
    moult_from from = {alias.pid, {0}, alias.ref};

    return from;
}

/* Append `alias`, and read one: an array of its pid and ref.  [pure] */
static inline void moult_put_alias(moult_out *out, moult_alias alias)
{
    moult_put_array(out, 2);
    moult_put_pid(out, alias.pid);
    moult_put_uint(out, alias.ref);
}

static inline moult_alias moult_get_alias(moult_in *in)
{
    moult_alias alias = {{0}, 0};

    if (moult_get_array(in) != 2)
        return alias;
    alias.pid = moult_get_pid(in);
    alias.ref = moult_get_uint(in);
    return alias;
}

MOULT_END

#endif
