/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - the other end of the control socket.
 *
 * Blocking, and one request at a time.  Not for sharing between threads.
 */
#ifndef MOULT_CLIENT_H
#define MOULT_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "fault.h"

struct client;

/* Called for each notification that comes meanwhile.  All is borrowed. */
typedef void client_notice(void *context, const char *method, const json_t *params);

/* What came of a request; one of them is given, the other NULL. */
struct answer {
    json_t *result;
    json_t *error; /* an object with code, message and data */
};

/*
 * Connect to the host at `path`.  0 and `*out` given, or with `why` -ENOENT or
 * -ECONNREFUSED (no host listens there), -EACCES, -ETIMEDOUT (it does not take the
 * connection), -ENOMEM or another error of the system.
 */
int client_open(const char *path, struct client **out, struct fault *why);

void client_close(struct client *client);

/* Whom to tell of notifications; at first nobody. */
void client_on_notice(struct client *client, client_notice *notice, void *context);

/*
 * Ask for `method` with `params` (taken; NULL is none) and wait for the answer.  0, or
 * with `why` -EPIPE (the host hung up), -EINTR (see client_catch_interrupt()), -EBADMSG
 * (what answers is no moult) or -ENOMEM.
 */
int client_ask(struct client *client, const char *method, json_t *params,
               struct answer *out, struct fault *why);

/* Wait for notifications until the host hangs up (0); errors as of client_ask(). */
int client_listen(struct client *client, struct fault *why);

/* From now on SIGINT ends a wait with -EINTR instead of ending the process. */
void client_catch_interrupt(void);

void answer_finish(struct answer *answer);

#endif
