/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_show - what people may see of a server: fields that are not secret, and what its
 * format_status makes of states and messages.  OTP: format_status.
 *
 * If that fails nothing is shown.  By the server's process, inside a turn.
 */
#ifndef MOULT_SERVER_SHOW_H
#define MOULT_SERVER_SHOW_H

#include <jansson.h>

#include "server.h"

/* Append its state to `out`, as one item.  0, or a negative errno and `why`. */
int server_show_state(struct process *p, moult_out *out, struct fault *why);

/* Append the content of `e`, as one item; of its class. */
void server_show_message(struct process *p, const struct envelope *e, bool in_callback,
                         moult_out *out);

/* The same as JSON for an event, given; of what is too long only how long it is. */
json_t *server_shown(struct process *p, const struct envelope *e, bool in_callback);

/* Event server.crash, unless it ends in good order: why, at which message, its state. */
void server_report(struct process *p, int32_t reason, const char *text);

#endif
