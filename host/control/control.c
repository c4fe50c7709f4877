/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event.h"
#include "loop_memory.h"
#include "session.h"

#define LINE_LIMIT     (16u << 20)
#define OUTPUT_LIMIT   (16u << 20)
#define SESSIONS_LIMIT 1024u
#define PENDING_LIMIT  1024u
#define REQUESTS_LIMIT 65536u
#define BACKLOG        128 /* clients that wait to be accepted */

static void destroy(struct control *control)
{
    if (control->outbox)
        outbox_release(control->outbox);
    free(control->spare);
    free(control);
}

void control_let_go(struct control *control)
{
    if (--control->handles == 0)
        destroy(control);
}

static void on_handle_closed(uv_handle_t *handle)
{
    control_let_go(handle->data);
}

/* -- who may come in -- */

static bool is_allowed(struct session *session, char *who, size_t size)
{
    uid_t owner = session->control->owner;
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t len = sizeof(peer);
    int fd;

    if (uv_fileno((uv_handle_t *)&session->pipe, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        snprintf(who, size, "the system does not say who you are");
        return false;
    }
    snprintf(who, size, "user %u may not drive the host of user %u", (unsigned)peer.uid,
             (unsigned)owner);
    return peer.uid == owner || peer.uid == 0;
}

/* See loop_memory.h. */
static bool is_watchable(const struct session *session)
{
    int fd;

    return uv_fileno((const uv_handle_t *)&session->pipe, &fd) == 0 &&
           fd < LOOP_MEMORY_DESCRIPTORS;
}

static char *turned_away(int code, const char *reason)
{
    json_t *data = json_pack("{s:s, s:s}", "code", rpc_word(code), "reason", reason);
    char *text = rpc_error(NULL, code, reason, data);

    json_decref(data);
    return text;
}

/* The client idle longest makes room for `newcomer`, if one has nothing going on. */
static bool make_room(struct control *control, struct session *newcomer)
{
    struct session *s;

    if (control->count <= control->limits.sessions)
        return true;
    TAILQ_FOREACH(s, &control->sessions, link)
    {
        if (s == newcomer || s->pending > 0 || s->stream.state != STREAM_OFF)
            continue;
        session_close(s,
                      turned_away(RPC_BUSY, "closed to make room: there are too many "
                                            "clients, and this one was idle longest"));
        return true;
    }
    return false;
}

static void accept_one(struct control *control)
{
    struct session *session = calloc(1, sizeof(*session));
    bool is_spare = !session;
    char who[96];

    if (is_spare) {
        session = control->spare;
        control->spare = NULL;
    }
    control->stalled = !session;
    if (!session)
        return;
    session_begin(session, control);
    if (session->closing)
        return;
    if (is_spare)
        session_close(session, turned_away(RPC_INTERNAL, "the host has no memory"));
    else if (!is_watchable(session))
        session_close(session, turned_away(RPC_BUSY, "the host has too many files open "
                                                     "to take another client"));
    else if (!is_allowed(session, who, sizeof(who)))
        session_close(session, turned_away(RPC_REFUSED, who));
    else if (!make_room(control, session))
        session_close(session, turned_away(RPC_BUSY, "there are too many clients, and "
                                                     "each has something going on"));
    else
        session_go_on(session);
}

void control_take_back(struct control *control, struct session *session)
{
    if (control->spare || control->closing) {
        free(session);
        return;
    }
    *session = (struct session){0};
    control->spare = session;
    if (control->stalled)
        accept_one(control);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        accept_one(listener->data);
}

/* -- what other threads have -- */

static void deliver_all(struct control *control)
{
    struct letter *letter = outbox_take(control->outbox), *next;

    for (; letter; letter = next) {
        next = letter->next;
        session_deliver(control, letter);
    }
}

static void pump_all(struct control *control)
{
    struct session *s, *next;

    for (s = TAILQ_FIRST(&control->sessions); s; s = next) {
        next = TAILQ_NEXT(s, link);
        if (s->stream.state == STREAM_ASKED)
            s->stream.state = STREAM_ON;
        if (s->stream.state == STREAM_ON)
            session_go_on(s);
    }
}

static void on_woken(uv_async_t *async)
{
    struct control *control = async->data;
    uint64_t events = event_next();

    if (control->closing)
        return;
    deliver_all(control);
    pump_all(control);
    if (control->on_events && events != control->events_seen)
        control->on_events(control->context);
    control->events_seen = events;
}

static void on_event(void *context)
{
    outbox_wake(context);
}

/* -- beginning and end -- */

/* libuv writes with write(), and a client that has gone must not end the host. */
static void ignore_broken_pipes(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static size_t or_default(size_t given, size_t standard)
{
    return given ? given : standard;
}

static struct control *create(const struct control_options *options)
{
    struct control *control = calloc(1, sizeof(*control));

    if (!control)
        return NULL;
    control->owner = geteuid();
    control->methods = options->methods;
    control->context = options->context;
    control->on_events = options->on_events;
    control->limits = (struct control_limits){
        .line = or_default(options->limits.line, LINE_LIMIT),
        .output = or_default(options->limits.output, OUTPUT_LIMIT),
        .sessions = or_default(options->limits.sessions, SESSIONS_LIMIT),
        .pending = or_default(options->limits.pending, PENDING_LIMIT),
        .requests = or_default(options->limits.requests, REQUESTS_LIMIT),
    };
    TAILQ_INIT(&control->sessions);
    control->async.data = control;
    control->listener.data = control;
    control->outbox = outbox_create(&control->async);
    control->spare = calloc(1, sizeof(*control->spare));
    if (control->outbox && control->spare)
        return control;
    destroy(control);
    return NULL;
}

static int listen_at(uv_loop_t *loop, struct control *control, struct fault *why)
{
    int fd = control->endpoint.socket, error;

    uv_pipe_init(loop, &control->listener, 0);
    control->handles++;
    error = uv_pipe_open(&control->listener, control->endpoint.socket);
    if (!error)
        control->endpoint.socket = -1; /* the listener's now */
    if (!error && listen(fd, BACKLOG) < 0)
        error = -errno;
    if (error)
        fault(why, error, "unable to listen at '%s': %s", control->endpoint.path,
              uv_strerror(error));
    return error;
}

int control_serve(struct control *control, struct fault *why)
{
    int error = uv_listen((uv_stream_t *)&control->listener, BACKLOG, on_connection);

    if (error)
        fault(why, error, "unable to serve '%s': %s", control->endpoint.path,
              uv_strerror(error));
    return error;
}

static int start(uv_loop_t *loop, struct control *control, const char *path,
                 struct fault *why)
{
    int error = endpoint_open(path, &control->endpoint, why);

    if (error)
        return error;
    error = uv_async_init(loop, &control->async, on_woken);
    if (!error)
        return 0;
    endpoint_close(&control->endpoint);
    return fault(why, error, "unable to serve '%s': %s", path, uv_strerror(error));
}

int control_open(uv_loop_t *loop, const struct control_options *options,
                 struct control **out, struct fault *why)
{
    struct control *control = create(options);
    int error;

    if (!control)
        return fault(why, -ENOMEM, "no memory for the control socket");
    error = start(loop, control, options->path, why);
    if (error) {
        destroy(control);
        return error;
    }
    control->handles = 1;
    error = listen_at(loop, control, why);
    if (error) {
        control_close(control);
        return error;
    }
    ignore_broken_pipes();
    control->events_seen = event_next();
    event_set_hook(on_event, control->outbox);
    *out = control;
    return 0;
}

static void close_outbox(struct control *control)
{
    struct letter *letter, *next;

    outbox_close(control->outbox);
    for (letter = outbox_take(control->outbox); letter; letter = next) {
        next = letter->next;
        session_deliver(control, letter);
    }
}

void control_close(struct control *control)
{
    struct session *session;

    if (!control || control->closing)
        return;
    control->closing = true;
    event_set_hook(NULL, NULL);
    close_outbox(control);
    endpoint_close(&control->endpoint);
    uv_close((uv_handle_t *)&control->listener, on_handle_closed);
    /* Last, so that who waits for the end of its session finds nobody there after it. */
    while ((session = TAILQ_FIRST(&control->sessions)))
        session_close(session, NULL);
    uv_close((uv_handle_t *)&control->async, on_handle_closed);
}
