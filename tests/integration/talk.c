/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "talk.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct talk *talk_open(const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct talk *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    assert_true(strlen(socket_path) < sizeof(address.sun_path));
    strcpy(address.sun_path, socket_path);
    t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    t->heard = json_array();
    t->lent = json_array();
    if (connect(t->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail_msg("nobody listens at %s", socket_path);
    return t;
}

void talk_close(struct talk *t)
{
    if (!t)
        return;
    close(t->fd);
    json_decref(t->heard);
    json_decref(t->lent);
    free(t->in);
    free(t);
}

void talk_send(struct talk *t, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        struct pollfd ready = {.fd = t->fd, .events = POLLOUT};
        ssize_t sent;

        if (poll(&ready, 1, PATIENCE_MS) != 1)
            fail_msg("the host does not read");
        sent = send(t->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) /* hung up on: what it said before that is what counts */
            return;
        at += sent;
        len -= (size_t)sent;
    }
}

void talk_say(struct talk *t, const char *text)
{
    talk_send(t, text, strlen(text));
}

static json_t *lend(struct talk *t, json_t *value)
{
    json_array_append_new(t->lent, value);
    return value;
}

/* -- lines -- */

static json_t *take_line(struct talk *t)
{
    char *newline = t->len ? memchr(t->in, '\n', t->len) : NULL;
    json_error_t error;
    json_t *value;
    size_t len;

    if (!newline)
        return NULL;
    len = (size_t)(newline - t->in);
    value = json_loadb(t->in, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!value)
        fail_msg("no JSON: %.*s", (int)len, t->in);
    t->len -= len + 1;
    memmove(t->in, newline + 1, t->len);
    return value;
}

/* Receive some; false if the host hung up or, when not waiting, has nothing to say. */
static bool receive(struct talk *t, int wait_ms)
{
    struct pollfd ready = {.fd = t->fd, .events = POLLIN};
    ssize_t got;
    int n = poll(&ready, 1, wait_ms);

    if (n == 0 && wait_ms)
        fail_msg("the host said nothing for %d ms", wait_ms);
    if (n <= 0)
        return false;
    if (t->capacity - t->len < 65536) {
        t->capacity = t->capacity * 2 + 65536;
        t->in = realloc(t->in, t->capacity);
        assert_non_null(t->in);
    }
    got = recv(t->fd, t->in + t->len, t->capacity - t->len, 0);
    t->len += got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* The next line off the socket, new; NULL at its end or, if not waiting, for now. */
static json_t *next_line(struct talk *t, int wait_ms)
{
    json_t *line;

    while (!(line = take_line(t)))
        if (!receive(t, wait_ms))
            return NULL;
    return line;
}

json_t *talk_hear(struct talk *t)
{
    json_t *line = json_array_get(t->heard, 0);

    if (line) {
        json_incref(line);
        json_array_remove(t->heard, 0);
    } else {
        line = next_line(t, PATIENCE_MS);
    }
    return line ? lend(t, line) : NULL;
}

/* -- requests -- */

json_int_t talk_ask(struct talk *t, const char *method, json_t *params)
{
    json_int_t id = ++t->last_id;
    json_t *request = json_pack("{s:s, s:I, s:s, s:o*}", "jsonrpc", "2.0", "id", id,
                                "method", method, "params", params);
    char *text = json_dumps(request, JSON_COMPACT);

    assert_non_null(text);
    talk_say(t, text);
    talk_say(t, "\n");
    free(text);
    json_decref(request);
    return id;
}

typedef bool is_wanted(const json_t *line, const void *what);

static bool is_answer(const json_t *line, const void *what)
{
    const json_t *id = json_object_get(line, "id");

    return json_is_integer(id) && json_integer_value(id) == *(const json_int_t *)what;
}

static bool is_notice(const json_t *line, const void *what)
{
    const char *method = json_string_value(json_object_get(line, "method"));

    return method && strcmp(method, what) == 0;
}

/* The first line that is wanted, of those heard; NULL if there is none yet. */
static json_t *take_heard(struct talk *t, is_wanted *wanted, const void *what)
{
    json_t *line;
    size_t i;

    json_array_foreach(t->heard, i, line)
    {
        if (!wanted(line, what))
            continue;
        json_incref(line);
        json_array_remove(t->heard, i);
        return lend(t, line);
    }
    return NULL;
}

static json_t *wait_for(struct talk *t, is_wanted *wanted, const void *what)
{
    json_t *line = take_heard(t, wanted, what);

    while (!line) {
        line = next_line(t, PATIENCE_MS);
        if (!line)
            fail_msg("the host hung up");
        if (wanted(line, what))
            return lend(t, line);
        json_array_append_new(t->heard, line);
        line = NULL;
    }
    return line;
}

json_t *talk_answer(struct talk *t, json_int_t id)
{
    return wait_for(t, is_answer, &id);
}

json_t *talk_notice(struct talk *t, const char *method)
{
    return json_object_get(wait_for(t, is_notice, method), "params");
}

bool talk_has_answer(struct talk *t, json_int_t id)
{
    json_t *line;
    size_t i;

    while ((line = next_line(t, 0)))
        json_array_append_new(t->heard, line);
    json_array_foreach(t->heard, i, line) if (is_answer(line, &id)) return true;
    return false;
}

/* The member `key` of the answer, which has to be there. */
static json_t *part(struct talk *t, const char *method, json_t *params, const char *key)
{
    json_t *answer = talk_answer(t, talk_ask(t, method, params));
    json_t *value = json_object_get(answer, key);

    if (!value) {
        char *text = json_dumps(answer, JSON_INDENT(1));

        print_message("%s was answered by %s\n", method, text);
        free(text);
        fail_msg("%s has no %s", method, key);
    }
    return value;
}

json_t *talk_result(struct talk *t, const char *method, json_t *params)
{
    return part(t, method, params, "result");
}

json_t *talk_error(struct talk *t, const char *method, json_t *params)
{
    return part(t, method, params, "error");
}

json_t *talk_message(const char *name, const char *message)
{
    json_t *value = json_loads(message, JSON_DECODE_ANY, NULL);

    assert_non_null(value);
    return json_pack("{s:s, s:o}", "name", name, "message", value);
}
