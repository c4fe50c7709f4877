/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - what a client asked for, and how a method answers it.
 *
 * A method is run on the loop and must not block: it answers at once, or hands the
 * request to another thread that does.  Each request is answered once, by
 * request_reply(), request_refuse() or request_fault(), which take it; until then it
 * stays valid, also when the client goes away or the control socket is closed, and its
 * answer is then dropped.
 */
#ifndef MOULT_REQUEST_H
#define MOULT_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "rpc.h"

struct request;

/* One method.  A table of them ends with a NULL name. */
struct method {
    const char *name; /* "events.recent"; documented in protocol.c */

    /* Do it.  `request` is taken, `context` is what control_open() was given. */
    void (*run)(struct request *request, void *context);
};

/*
 * What was given along, lent until the request is answered and not to be changed; NULL
 * if nothing was.  [any]
 */
json_t *request_params(const struct request *request);

/*
 * It is done.  `result` is taken; NULL means that it could not be made for want of
 * memory, and is answered so.  What JSON null is meant to be is json_null().  [any]
 */
void request_reply(struct request *request, json_t *result);

/*
 * It is refused with a code of rpc.h, and a message in words.  `data` is an object,
 * taken, or NULL; `code` and `reason` are added to it where they are missing.  [any]
 */
void request_refuse(struct request *request, int code, const char *message,
                    json_t *data);

/* It is refused for the reason in `why`; the code follows from its error.  [any] */
void request_fault(struct request *request, const struct fault *why);

/*
 * The `data` object of request_fault() without sending it, given; NULL without memory.
 */
json_t *request_fault_data(const struct fault *why);

/*
 * Tell the client how far it is: a notification `progress` with `members` (an object,
 * taken) and the request's id.  Dropped if the client is slow or did not give an id.
 * [any]
 */
void request_progress(struct request *request, json_t *members);

/*
 * Send the client a notification `method` with `params` (taken).  False: nobody is there
 * to be told.  It is lost if the client does not keep up, and added to what is next told
 * as `*missed`, so far; that is then given.  One thread at a time.
 */
bool request_notify(struct request *request, const char *method, json_t *params,
                    uint64_t *missed);

/*
 * `gone` is to be called, on the loop, if the client goes before it is answered; at most
 * once.  By the method itself, before it hands the request on.
 */
void request_on_gone(struct request *request, void (*gone)(uint64_t context),
                     uint64_t context);

#endif
