/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - one client: its lines in, its requests, its lines out.
 *
 * Private to host/control.  All of it is touched on the loop only, save what struct
 * request says.  A session reads no further while it has too many requests unanswered
 * or its client too much unread; so it bounds itself, and each turn of the loop.
 */
#ifndef MOULT_SESSION_H
#define MOULT_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "control.h"
#include "endpoint.h"
#include "lines.h"
#include "outbox.h"
#include "stream.h"

struct batch;

TAILQ_HEAD(session_list, session);
TAILQ_HEAD(request_list, request);

struct control {
    uid_t owner; /* who may come in, beside root */
    const struct method *methods;
    void *context;
    void (*on_events)(void *context);
    struct control_limits limits;
    uv_async_t async;
    uv_pipe_t listener;
    struct endpoint endpoint;
    struct outbox *outbox;
    struct session_list sessions; /* the one idle longest first */
    size_t count;                 /* of sessions */
    size_t requests;              /* unanswered, of all */
    size_t handles;               /* not closed yet; freed without any */
    uint64_t events_seen;
    struct session *spare; /* to hang up on a client that there is no memory for */
    bool stalled;          /* one waits until the spare is there again */
    bool closing;
};

struct session {
    TAILQ_ENTRY(session) link;
    struct control *control;
    uv_pipe_t pipe;
    struct lines in;
    struct stream stream; /* of events */
    struct request_list requests;
    size_t pending; /* requests in the list */
    bool reading;
    bool ended;   /* nothing more comes from the client */
    bool gone;    /* nor does it read any more */
    bool closing; /* and not in control's list any more */
};

struct request {
    TAILQ_ENTRY(request) link;      /* loop only */
    struct session *session;        /* loop only; NULL once the client has gone */
    struct batch *batch;            /* loop only; NULL if it came alone */
    struct outbox *outbox;          /* held */
    json_t *call;                   /* all of it; NULL if it could not be read */
    json_t *id;                     /* in `call`; NULL if there is none */
    bool silent;                    /* a notification: the answer is not sent */
    void (*gone)(uint64_t context); /* loop only; or NULL */
    uint64_t gone_context;
    /* Notifications on their way to the loop, and those that it could not send.  Relaxed:
     * the outbox orders all else. */
    _Atomic uint32_t waiting;
    _Atomic uint64_t missed;
    struct letter answer;
};

/* A client has come: accept it on `session` (zeroed, taken) and serve it. */
void session_begin(struct session *session, struct control *control);

/* Say `text`, a line without newline, taken; NULL ends the session. */
void session_send(struct session *session, char *text);

/* Bring a letter (taken) to the client it is for. */
void session_deliver(struct control *control, struct letter *letter);

/* `request` is not the session's any more. */
void session_forget(struct session *session, struct request *request);

/* Go on with whatever can be done now. */
void session_go_on(struct session *session);

/* Whether so much is unread that it should be given no more than it must. */
bool session_is_crowded(const struct session *session);

/* Say `text` if that can be done at once (taken, NULL is fine), and hang up. */
void session_close(struct session *session, char *text);

/* `session` has closed, and is given back. */
void control_take_back(struct control *control, struct session *session);

/* A handle of control's has closed.  */
void control_let_go(struct control *control);

/* Free an answered request, or one whose answer nobody waits for.  [any] */
void request_free(struct request *request);

#endif
