/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reqids - several calls that are not waited for one by one, each with a label.
 *
 * Who asks many and takes what comes first keeps the requests in a collection:
 *
 *     moult_reqids all = moult_reqids_new(ctx);
 *
 *     for (i = 0; i < count; i++)
 *         moult_reqids_send(ctx, all, shards[i], question(ctx), i);
 *     while (moult_reqids_receive(ctx, all, 1000, &response, &label) == 0)
 *         ...
 *     moult_reqids_delete(ctx, all);
 *
 * It is this server's own, stays through an upgrade, and ends with the server.  OTP:
 * gen_server:request_id_collection().
 */
#ifndef MOULT_REQIDS_H
#define MOULT_REQIDS_H

#include "message.h"

MOULT_BEGIN

/* Names a collection; it may be kept in a state.  0 is none. */
typedef uint64_t moult_reqids;

/* One request in it. */
typedef struct {
    uint64_t ref;   /* of moult_send_request() */
    uint64_t label; /* whatever the server knows it by */
} moult_reqid;

/* An empty one; 0: no memory, or this server has 1000.  OTP: reqids_new/0.  [server] */
MOULT_EXPORT moult_reqids moult_reqids_new(moult_ctx *ctx);

/* Forget it; what comes of its requests comes all the same.  [server] */
MOULT_EXPORT void moult_reqids_delete(moult_ctx *ctx, moult_reqids all);

/*
 * Put the request `ref` into it.  0; -ENOENT (no such collection, or nothing is to come of
 * `ref`), -EEXIST (it is there), -ENOSPC (it has 1,000,000), -ENOMEM.  OTP: reqids_add/3.
 * [server]
 */
MOULT_EXPORT int moult_reqids_add(moult_ctx *ctx, moult_reqids all, uint64_t ref,
                                  uint64_t label);

/*
 * Send `request` (taken) as moult_send_request() does, and put it into `all`.  0; -ENOENT
 * (no such collection), or an error of moult_send_request(): then it is not there.  OTP:
 * send_request/4.  [server]
 */
MOULT_EXPORT int moult_reqids_send(moult_ctx *ctx, moult_reqids all, moult_pid to,
                                   moult_out *request, uint64_t label);

/* How many are in it.  OTP: reqids_size/1.  [server] */
MOULT_EXPORT size_t moult_reqids_size(moult_ctx *ctx, moult_reqids all);

/*
 * Write those in it to `list`, in no order, but `room` at most; how many there are.  OTP:
 * reqids_to_list/1.  [server]
 */
MOULT_EXPORT size_t moult_reqids_to_list(moult_ctx *ctx, moult_reqids all,
                                         moult_reqid *list, size_t room);

/*
 * Wait up to `timeout_ms` (0: 5000; MOULT_NOW: only look) for what comes of any of its
 * requests, and take that out of it.  0, `*response`, lent until this server's next call or
 * the end of the callback, and `*label` (may be NULL); -ENOENT: nothing is to come of any;
 * -ETIMEDOUT: all are given up, and it is empty; -ENOMEM.  A failure of the call itself is
 * `response->error`.  OTP: receive_response/3.  [server]
 */
MOULT_EXPORT int moult_reqids_receive(moult_ctx *ctx, moult_reqids all,
                                      uint64_t timeout_ms, moult_response *response,
                                      uint64_t *label);

/* The same, but after -ETIMEDOUT they may still come.  OTP: wait_response/3.  [server] */
MOULT_EXPORT int moult_reqids_wait(moult_ctx *ctx, moult_reqids all,
                                   uint64_t timeout_ms, moult_response *response,
                                   uint64_t *label);

/*
 * True, `*response` and `*label` (may be NULL), if `message`, which handle_info was given,
 * is what came of one of its requests; it is taken out.  OTP: check_response/3.  [server]
 */
MOULT_EXPORT bool moult_reqids_check(moult_ctx *ctx, moult_reqids all,
                                     const moult_in *message, moult_response *response,
                                     uint64_t *label);

MOULT_END

#endif
