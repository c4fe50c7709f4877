/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control - the control socket: who may drive the host, and what they may ask.
 *
 * JSON-RPC 2.0 over a Unix stream socket, one object or batch a line, as protocol.c
 * tells clients.  Runs on the loop it is given; methods come in a table, so it knows
 * nothing of what they do.  No client can hold up another, whatever it sends or leaves
 * out.
 */
#ifndef MOULT_CONTROL_H
#define MOULT_CONTROL_H

#include <stddef.h>
#include <uv.h>

#include "fault.h"
#include "request.h"

struct control;

/* Zero is the default. */
struct control_limits {
    size_t line;     /* bytes of a line; 16 MiB */
    size_t output;   /* bytes a client may leave unread before it is closed; 16 MiB */
    size_t sessions; /* clients at once; 1024.  The one idle longest makes room. */
    size_t pending;  /* unanswered requests of a client, which then waits; 1024 */
    size_t requests; /* unanswered ones of all clients; others are refused; 65536 */
};

struct control_options {
    const char *path;             /* of the socket */
    const struct method *methods; /* lent until closed; beside those of builtin.h */
    void *context;                /* for the methods and on_events */
    struct control_limits limits;

    /* Called on the loop soon after events were emitted, to log them; may be NULL. */
    void (*on_events)(void *context);
};

/*
 * Listen; who connects waits until control_serve().  Takes the event hook of event.h, and
 * sees to it that SIGPIPE is ignored.  0 or what endpoint_open() gives, -ENOMEM, -EMFILE; on error nothing is left but closing
 * handles in the loop.  [loop thread]
 */
int control_open(uv_loop_t *loop, const struct control_options *options,
                 struct control **out, struct fault *why);

/* Answer who connects.  0, or a negative errno and `why`.  [loop thread] */
int control_serve(struct control *control, struct fault *why);

/*
 * Send what was answered, hang up on everyone and remove the socket file.  Freed once
 * the loop has closed its handles: run it until it has none.  NULL is fine.  [loop
 * thread]
 */
void control_close(struct control *control);

#endif
