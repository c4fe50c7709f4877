/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "endpoint.h"
#include "lines.h"
#include "rpc.h"

#define CONNECT_SECONDS 5

struct client {
    int fd;
    json_int_t last_id;
    struct lines in;
    client_notice *notice;
    void *context;
};

/* A signal is taken in ppoll() only, so none can slip in before it. */
static volatile sig_atomic_t interrupted;
static sigset_t while_waiting;
static bool catching;

static void on_interrupt(int number)
{
    interrupted = 1;
}

void client_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigset_t only;

    sigemptyset(&only);
    sigaddset(&only, SIGINT);
    sigprocmask(SIG_BLOCK, &only, &while_waiting);
    sigdelset(&while_waiting, SIGINT);
    sigaction(SIGINT, &action, NULL);
    interrupted = 0;
    catching = true;
}

/* -- beginning and end -- */

static int unable_to_connect(const char *path, int error, struct fault *why)
{
    if (error == ENOENT || error == ECONNREFUSED)
        return fault(why, -error,
                     "no host listens at '%s': start one with 'moult run', or name its "
                     "socket with --socket or MOULT_SOCKET",
                     path);
    if (error == EACCES)
        return fault(why, -EACCES,
                     "you may not drive the host at '%s': only its owner and root may",
                     path);
    if (error == EAGAIN)
        return fault(why, -ETIMEDOUT,
                     "the host at '%s' does not take connections: it is stuck, or too "
                     "many wait for it",
                     path);
    return fault(why, -error, "unable to connect to '%s': %s", path, strerror(error));
}

static int connect_to(const char *path, int *out, struct fault *why)
{
    const struct timeval patience = {.tv_sec = CONNECT_SECONDS};
    struct sockaddr_un address;
    int fd, error = endpoint_address(path, &address, why);

    if (error)
        return error;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return unable_to_connect(path, errno, why);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        error = unable_to_connect(path, errno, why);
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

int client_open(const char *path, struct client **out, struct fault *why)
{
    int fd = -1, error = connect_to(path, &fd, why);
    struct client *client;

    if (error)
        return error;
    client = calloc(1, sizeof(*client));
    if (!client) {
        close(fd);
        return fault(why, -ENOMEM, "no memory for a client");
    }
    client->fd = fd;
    client->in.limit = INT_MAX;
    *out = client;
    return 0;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    close(client->fd);
    lines_finish(&client->in);
    free(client);
}

void client_on_notice(struct client *client, client_notice *notice, void *context)
{
    client->notice = notice;
    client->context = context;
}

/* -- bytes -- */

static int wait_for(struct client *client, short what, struct fault *why)
{
    struct pollfd ready = {.fd = client->fd, .events = what};

    while (!interrupted) {
        if (ppoll(&ready, 1, NULL, catching ? &while_waiting : NULL) >= 0)
            return 0;
        if (errno != EINTR)
            return fault(why, -errno, "unable to wait for the host: %s",
                         strerror(errno));
    }
    return fault(why, -EINTR, "interrupted");
}

static int hung_up(struct fault *why)
{
    return fault(why, -EPIPE, "the host hung up before it answered");
}

/* -EPIPE is no fault yet: what the host said before it hung up tells more. */
static int send_all(struct client *client, const char *text, size_t len,
                    struct fault *why)
{
    int error = 0;

    while (len > 0 && !error) {
        ssize_t sent = send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent >= 0) {
            text += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN) {
            error = wait_for(client, POLLOUT, why);
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return -EPIPE;
        } else if (errno != EINTR) {
            error =
                fault(why, -errno, "unable to send to the host: %s", strerror(errno));
        }
    }
    return error;
}

static int receive_some(struct client *client, struct fault *why)
{
    size_t room = 0;
    char *to = lines_room(&client->in, &room);
    ssize_t got;
    int error;

    if (!to)
        return fault(why, -ENOMEM, "no memory for what the host answers");
    error = wait_for(client, POLLIN, why);
    if (error)
        return error;
    got = recv(client->fd, to, room, MSG_DONTWAIT);
    if (got > 0)
        lines_filled(&client->in, (size_t)got);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return 0;
    return -EPIPE;
}

/* -- messages -- */

/* The next message, given.  -EPIPE, without a fault, at the end. */
static int receive(struct client *client, json_t **out, struct fault *why)
{
    char *line, *text = NULL;
    size_t len;
    int got, error;

    while ((got = lines_next(&client->in, &line, &len)) == 0) {
        error = receive_some(client, why);
        if (error)
            return error;
    }
    if (got < 0)
        return fault(why, got, "the host answered with more than fits in memory");
    *out = rpc_parse(line, len, &text);
    free(text);
    if (json_is_object(*out))
        return 0;
    json_decref(*out);
    return fault(why, -EBADMSG, "what listens there does not answer as a host does");
}

static bool take_notice(struct client *client, const json_t *message)
{
    const char *method = json_string_value(json_object_get(message, "method"));

    if (method && client->notice)
        client->notice(client->context, method, json_object_get(message, "params"));
    return method != NULL;
}

/*
 * The answer to `id`.  One without an id is about the session as a whole: it was too
 * long, or not let in.
 */
static bool is_answer(const json_t *message, json_int_t id)
{
    const json_t *got = json_object_get(message, "id");

    return json_integer_value(got) == id || json_is_null(got);
}

static int await(struct client *client, json_int_t id, struct answer *out,
                 struct fault *why)
{
    json_t *message = NULL;
    int error;

    for (;;) {
        error = receive(client, &message, why);
        if (error)
            return error == -EPIPE ? hung_up(why) : error;
        if (!take_notice(client, message) && is_answer(message, id)) {
            out->error = json_incref(json_object_get(message, "error"));
            out->result =
                out->error ? NULL : json_incref(json_object_get(message, "result"));
            json_decref(message);
            return 0;
        }
        json_decref(message);
    }
}

static char *request_line(struct client *client, const char *method, json_t *params)
{
    json_t *id = json_integer(++client->last_id);
    char *text = id ? rpc_call(id, method, params) : NULL;

    json_decref(id);
    return text;
}

int client_ask(struct client *client, const char *method, json_t *params,
               struct answer *out, struct fault *why)
{
    char *text = request_line(client, method, params);
    size_t len = text ? strlen(text) : 0;
    int error;

    *out = (struct answer){0};
    json_decref(params);
    if (!text)
        return fault(why, -ENOMEM, "no memory for the request");
    text[len] = '\n'; /* in place of its zero */
    error = send_all(client, text, len + 1, why);
    free(text);
    if (error && error != -EPIPE)
        return error;
    error = await(client, client->last_id, out, why);
    if (!error && !out->result && !out->error)
        error = fault(why, -EBADMSG, "the host's answer has neither result nor error");
    return error;
}

int client_listen(struct client *client, struct fault *why)
{
    json_t *message = NULL;
    int error;

    while (!(error = receive(client, &message, why))) {
        take_notice(client, message);
        json_decref(message);
    }
    return error == -EPIPE ? 0 : error;
}

void answer_finish(struct answer *answer)
{
    json_decref(answer->result);
    json_decref(answer->error);
    *answer = (struct answer){0};
}
