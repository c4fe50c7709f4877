/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "commons.h"
#include "dispatch.h"

/* Unread bytes at which a client is read no further and sent no more events. */
#define CROWDED (1u << 20)

static char newline[] = "\n"; /* not const, since uv_buf_t isn't; never written to */

/* A line on its way out. */
struct writing {
    uv_write_t write;
    struct session *session;
    char *text;
};

static size_t unread(const struct session *session)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&session->pipe);
}

bool session_is_crowded(const struct session *session)
{
    size_t limit = session->control->limits.output;

    return unread(session) >= (limit < CROWDED ? limit : CROWDED);
}

/* -- out -- */

static void on_written(uv_write_t *write, int status)
{
    struct writing *w = (struct writing *)write;
    struct session *session = w->session;

    free(w->text);
    free(w);
    if (status < 0)
        session_close(session, NULL);
    else
        session_go_on(session);
}

void session_send(struct session *session, char *text)
{
    struct writing *w = text && !session->closing ? calloc(1, sizeof(*w)) : NULL;
    size_t len = text ? strlen(text) : 0;
    uv_buf_t bytes[2];

    /* One line more than the limit is let through, however long: a client that reads
     * gets any answer. */
    if (!w || unread(session) > session->control->limits.output || len > INT_MAX) {
        free(w);
        free(text);
        session_close(session, NULL);
        return;
    }
    w->session = session;
    w->text = text;
    bytes[0] = uv_buf_init(text, (unsigned)len);
    bytes[1] = uv_buf_init(newline, 1);
    if (uv_write(&w->write, (uv_stream_t *)&session->pipe, bytes, 2, on_written) != 0) {
        free(text);
        free(w);
        session_close(session, NULL);
    }
}

static void send_batch(struct session *session, struct batch *batch)
{
    bool failed;
    char *text = batch_text(batch, &failed);

    if (text || failed)
        session_send(session, text);
    batch_free(batch);
}

void session_forget(struct session *session, struct request *request)
{
    TAILQ_REMOVE(&session->requests, request, link);
    session->pending--;
    request->session = NULL;
}

static void deliver_answer(struct request *request)
{
    struct session *session = request->session;
    char *text = request->answer.text;

    if (!session)
        return;
    session_forget(session, request);
    if (request->batch) {
        if (!request->silent)
            batch_add(request->batch, text);
        if (batch_less(request->batch))
            send_batch(session, request->batch);
    } else if (!request->silent) {
        request->answer.text = NULL;
        session_send(session, text);
    }
    session_go_on(session);
}

void session_deliver(struct control *control, struct letter *letter)
{
    struct request *request = letter->request;

    if (letter->last) {
        deliver_answer(request);
        control->requests--;
        request_free(request);
        return;
    }
    if (request->session && !session_is_crowded(request->session)) {
        session_send(request->session, letter->text);
        letter->text = NULL;
    }
    if (letter->counted) {
        atomic_fetch_sub_explicit(&request->waiting, 1, memory_order_relaxed);
        if (letter->text)
            atomic_fetch_add_explicit(&request->missed, 1, memory_order_relaxed);
    }
    free(letter->text);
    free(letter);
}

/* -- in -- */

static bool may_take(const struct session *session)
{
    const struct control *control = session->control;

    return !session->closing && !control->closing &&
           session->pending < control->limits.pending && !session_is_crowded(session);
}

static void too_long(struct session *session)
{
    char text[128];

    snprintf(text, sizeof(text),
             "a line may have at most %zu bytes: the session ends here",
             session->control->limits.line);
    session->ended = true;
    lines_finish(&session->in);
    dispatch_refuse(session, RPC_INVALID_REQUEST, text);
}

/* Take the lines that are there.  True if there is no other and none can come. */
static bool take_lines(struct session *session)
{
    char *line;
    size_t len;
    int got = 1;

    while (may_take(session) && (got = lines_next(&session->in, &line, &len)) == 1)
        dispatch_line(session, line, len);
    if (session->closing || got == 1)
        return false;
    if (got < 0) {
        too_long(session);
    } else if (session->ended && lines_left(&session->in) > 0) {
        lines_finish(&session->in);
        dispatch_refuse(session, RPC_INVALID_REQUEST,
                        "the last line was not ended by a newline, and was not done");
    }
    return session->ended;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct session *session = handle->data;
    size_t room = 0;
    char *bytes = lines_room(&session->in, &room);

    *buf = uv_buf_init(bytes, (unsigned)room);
}

/* At its end: is it only that it sends no more, or has it closed the socket? */
static bool has_closed(const struct session *session)
{
    struct pollfd look = {.fd = -1};

    return uv_fileno((const uv_handle_t *)&session->pipe, &look.fd) == 0 &&
           poll(&look, 1, 0) == 1 && look.revents & POLLHUP;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct session *session = stream->data;

    if (got == UV_EOF) {
        session->ended = true;
        session->gone = has_closed(session);
    } else if (got < 0) {
        session_close(session, NULL);
    } else {
        lines_filled(&session->in, (size_t)got);
    }
    if (got != 0)
        session_go_on(session);
}

static void set_reading(struct session *session, bool on)
{
    uv_stream_t *stream = (uv_stream_t *)&session->pipe;

    if (session->closing || session->reading == on)
        return;
    session->reading = on;
    if (!on)
        uv_read_stop(stream);
    else if (uv_read_start(stream, on_room, on_read) != 0)
        session_close(session, NULL);
}

void session_go_on(struct session *session)
{
    bool over;

    if (session->closing)
        return;
    over = take_lines(session);
    set_reading(session, !session->ended && may_take(session));
    if (stream_pump(session))
        outbox_wake(session->control->outbox);
    if (over && !session->closing &&
        (session->gone || (session->pending == 0 && unread(session) == 0)))
        session_close(session, NULL);
}

/* -- beginning and end -- */

static void on_closed(uv_handle_t *handle)
{
    struct session *session = handle->data;
    struct control *control = session->control;

    lines_finish(&session->in);
    stream_stop(&session->stream);
    control_take_back(control, session);
    control_let_go(control);
}

void session_begin(struct session *session, struct control *control)
{
    uv_os_fd_t descriptor;

    session->control = control;
    session->in.limit = control->limits.line;
    TAILQ_INIT(&session->requests);
    uv_pipe_init(control->async.loop, &session->pipe, 0);
    session->pipe.data = session;
    TAILQ_INSERT_TAIL(&control->sessions, session, link);
    control->count++;
    control->handles++;
    if (uv_accept((uv_stream_t *)&control->listener, (uv_stream_t *)&session->pipe) !=
        0)
        session_close(session, NULL);
    else if (uv_fileno((uv_handle_t *)&session->pipe, &descriptor) == 0)
        commons_own(descriptor);
}

static void say_at_once(struct session *session, char *text)
{
    uv_buf_t bytes[2] = {uv_buf_init(text, (unsigned)strlen(text)),
                         uv_buf_init(newline, 1)};

    if (unread(session) == 0)
        uv_try_write((uv_stream_t *)&session->pipe, bytes, 2);
}

/* Its descriptor is nobody's from now on: libuv closes it by a system call. */
static void disown(const struct session *session)
{
    uv_os_fd_t descriptor;

    if (uv_fileno((const uv_handle_t *)&session->pipe, &descriptor) == 0)
        commons_disown(descriptor);
}

void session_close(struct session *session, char *text)
{
    struct request *request;

    if (text && !session->closing)
        say_at_once(session, text);
    free(text);
    if (session->closing)
        return;
    session->closing = true;
    TAILQ_REMOVE(&session->control->sessions, session, link);
    session->control->count--;
    while ((request = TAILQ_FIRST(&session->requests))) {
        if (request->batch && batch_less(request->batch))
            batch_free(request->batch);
        request->batch = NULL;
        session_forget(session, request);
        if (request->gone)
            request->gone(request->gone_context);
    }
    disown(session);
    uv_close((uv_handle_t *)&session->pipe, on_closed);
}
