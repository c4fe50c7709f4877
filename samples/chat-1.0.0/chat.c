/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat 1.0.0 - rooms over TCP: `nc localhost 7070`, or its env's port:
 * `moult run --env chat.port=8080`.
 *
 *     /name anna      be called so
 *     /join lobby     enter a room, and leave the one before
 *     /leave          leave it
 *     anything else   is said to all who are there
 *
 * A connection is a server, which owns its descriptor; a room is a key of a registry, and
 * who is in it is registered there, with its name.  So another version finds connections
 * and rooms as they were, and carries over no more than a name and half a line.
 */
/* NOLINTNEXTLINE(*-reserved-identifier,*-identifier-naming): glibc's name */
#define _GNU_SOURCE /* accept4 */
#include <moult.h>

#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOMS     "chat.rooms"
#define CLIENTS   "chat.clients"
#define WORD_SIZE 24u
#define LINE_SIZE 512u
#define RETRY_MS  100u /* when there is no descriptor for who wants to come in */

/*
 * errno belongs to the thread, and a callback that sends or asks others may go on on
 * another: so it is read by a function that stands alone, as soon as a call has failed.
 */
static __attribute__((noinline)) int failure(void)
{
    return -errno;
}

static bool is_passing(int error)
{
    return error == -EAGAIN || error == -EINTR || error == -ECONNABORTED;
}

/* -- a connection -- */

struct client {
    int32_t fd;
    char name[WORD_SIZE];
    char room[WORD_SIZE]; /* that it speaks in; "": none */
    uint8_t line[LINE_SIZE];
    uint32_t line_len; /* of what has come of a line */
    uint8_t unsent[8 * LINE_SIZE];
    uint32_t unsent_len;
};

MOULT_STATE(client_state, struct client, MOULT_FIELD(fd, .initial = -1),
            MOULT_FIELD(name, .initial_text = "guest"), MOULT_FIELD(room),
            MOULT_FIELD(line), MOULT_FIELD(line_len), MOULT_FIELD(unsent),
            MOULT_FIELD(unsent_len));

/* Send what can be sent now.  0 or a negative errno. */
static int flush(struct client *c)
{
    ssize_t sent = send(c->fd, c->unsent, c->unsent_len, MSG_NOSIGNAL);
    int error = sent < 0 ? failure() : 0;

    if (error)
        return is_passing(error) ? 0 : error;
    c->unsent_len -= (uint32_t)sent;
    memmove(c->unsent, c->unsent + sent, c->unsent_len);
    return 0;
}

/* Keep `line` for its socket; who reads too slowly misses it. */
static void tell(struct client *c, const void *line, size_t len)
{
    if (len > sizeof(c->unsent) - c->unsent_len)
        return;
    memcpy(c->unsent + c->unsent_len, line, len);
    c->unsent_len += (uint32_t)len;
}

static void tell_text(struct client *c, const char *line)
{
    tell(c, line, strlen(line));
}

/* -- rooms -- */

struct news {
    const char *line;
    size_t len;
};

static void publish(moult_ctx *ctx, const moult_registry_entry *entries, size_t count,
                    void *context)
{
    const struct news *news = context;

    for (size_t i = 0; i < count; i++) {
        moult_out *message = moult_draft(ctx);

        moult_put_map(message, 1);
        moult_put_text(message, "line");
        moult_put_bytes(message, news->line, news->len);
        moult_send(ctx, entries[i].pid, message);
    }
}

/* To all in its room: who it is, what is between, and the text. */
static void say(moult_ctx *ctx, const struct client *c, const char *between,
                const char *text)
{
    moult_in room = moult_text_key(ctx, c->room);
    char line[2 * LINE_SIZE];
    int len = snprintf(line, sizeof(line), "%s%s%s\n", c->name, between, text);
    struct news news = {line, (size_t)len};

    if (c->room[0])
        moult_registry_dispatch(ctx, moult_whereis(ROOMS), &room, publish, &news);
}

/* Leave every room: a newer version may have been in more than one. */
static void leave(moult_ctx *ctx, struct client *c)
{
    moult_pid rooms = moult_whereis(ROOMS);
    moult_in keys;
    size_t count = 0;

    if (moult_registry_keys(ctx, rooms, moult_self(ctx), &keys) == 0)
        count = moult_get_array(&keys);
    while (count-- > 0) {
        moult_in key = keys;

        moult_skip(&keys);
        moult_registry_unregister(ctx, rooms, &key);
    }
    c->room[0] = 0;
}

static void enter(moult_ctx *ctx, struct client *c, const char *room)
{
    moult_in key = moult_text_key(ctx, room), name = moult_text_key(ctx, c->name);

    leave(ctx, c);
    if (moult_registry_register(ctx, moult_whereis(ROOMS), &key, &name, NULL) == 0)
        snprintf(c->room, sizeof(c->room), "%s", room);
    else
        tell_text(c, "* there is no room\n");
}

/* -- what is typed -- */

/* Letters, digits and hyphens, not too many. */
static bool is_word(const char *text)
{
    size_t len = 0;

    while (isalnum((unsigned char)text[len]) || text[len] == '-')
        len++;
    return len > 0 && len < WORD_SIZE && !text[len];
}

static void take_name(moult_ctx *ctx, struct client *c, const char *name)
{
    char room[WORD_SIZE];

    memcpy(room, c->room, sizeof(room));
    snprintf(c->name, sizeof(c->name), "%.*s", (int)sizeof(c->name) - 1, name);
    if (room[0])
        enter(ctx, c, room); /* under its new name */
}

static void join(moult_ctx *ctx, struct client *c, const char *room)
{
    say(ctx, c, " has left ", c->room);
    enter(ctx, c, room);
    say(ctx, c, " has joined ", c->room);
}

static void part(moult_ctx *ctx, struct client *c)
{
    say(ctx, c, " has left ", c->room);
    leave(ctx, c);
}

static void take_line(moult_ctx *ctx, struct client *c, const char *line)
{
    if (strncmp(line, "/name ", 6) == 0 && is_word(line + 6))
        take_name(ctx, c, line + 6);
    else if (strncmp(line, "/join ", 6) == 0 && is_word(line + 6))
        join(ctx, c, line + 6);
    else if (strcmp(line, "/leave") == 0)
        part(ctx, c);
    else if (line[0] == '/')
        tell_text(c, "* /name WORD, /join WORD, /leave\n");
    else if (!c->room[0])
        tell_text(c, "* you are in no room: /join WORD\n");
    else
        say(ctx, c, ": ", line);
}

/* All whole lines; a long one without an end is one, too. */
static void take_lines(moult_ctx *ctx, struct client *c)
{
    const uint8_t *end;

    while ((end = memchr(c->line, '\n', c->line_len)) || c->line_len == LINE_SIZE) {
        uint32_t len = end ? (uint32_t)(end - c->line) : c->line_len,
                 taken = len + (end != NULL);
        char line[LINE_SIZE + 1];

        memcpy(line, c->line, len);
        line[len - (len > 0 && line[len - 1] == '\r')] = 0;
        c->line_len -= taken;
        memmove(c->line, c->line + taken, c->line_len);
        take_line(ctx, c, line);
    }
}

/* -- the server of a connection -- */

/* Send, and be told when there is more to read, or room for what is left. */
static moult_next go_on(moult_ctx *ctx, struct client *c)
{
    uint32_t events = MOULT_READABLE;
    int error = c->unsent_len ? flush(c) : 0;

    if (c->unsent_len)
        events |= MOULT_WRITABLE;
    if (!error)
        error = moult_watch_fd(ctx, c->fd, events);
    return error ? moult_stop(MOULT_NORMAL) : moult_noreply();
}

static moult_next client_init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct client *c = state;
    int fd = (int)moult_int_at(args, "fd"), error = moult_own_fd(ctx, fd);

    if (error)
        return moult_stop(error);
    c->fd = fd;
    tell_text(c, "* welcome: /name WORD, /join WORD, /leave\n");
    return go_on(ctx, c);
}

static moult_next read_more(moult_ctx *ctx, struct client *c)
{
    ssize_t len = recv(c->fd, c->line + c->line_len, LINE_SIZE - c->line_len, 0);

    if (len == 0 || (len < 0 && !is_passing(failure()))) {
        part(ctx, c);
        return moult_stop(MOULT_NORMAL);
    }
    c->line_len += len > 0 ? (uint32_t)len : 0;
    take_lines(ctx, c);
    return go_on(ctx, c);
}

static moult_next client_info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct client *c = state;
    moult_ready ready;
    moult_in line;

    if (moult_match_ready(ctx, message, &ready))
        return ready.events & MOULT_READABLE ? read_more(ctx, c) : go_on(ctx, c);
    if (moult_match_map(message, "line", &line)) {
        size_t len;
        const void *bytes = moult_get_bytes(&line, &len);

        tell(c, bytes, len);
        return go_on(ctx, c);
    }
    return moult_unhandled(ctx);
}

static const moult_server client = {.size = sizeof(moult_server),
                                    .state = client_state,
                                    .init = client_init,
                                    .handle_info = client_info};

/* -- who lets them in -- */

struct listener {
    int32_t fd;
    uint16_t port;
};

MOULT_STATE(listener_state, struct listener, MOULT_FIELD(fd, .initial = -1),
            MOULT_FIELD(port));

/* Listen at `port` of this machine alone, 0: at any.  A negative errno, or `l` is set. */
static int listen_at(struct listener *l, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int on = 1;

    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(l->fd, (struct sockaddr *)&at, len) < 0 || listen(l->fd, 128) < 0 ||
        getsockname(l->fd, (struct sockaddr *)&at, &len) < 0)
        return failure();
    l->port = ntohs(at.sin_port);
    return 0;
}

static moult_next listener_init(moult_ctx *ctx, void *state, moult_in *args)
{
    uint16_t port = (uint16_t)moult_env_int(ctx, "port", 0);
    struct listener *l = state;
    int error = listen_at(l, port), owned = l->fd < 0 ? 0 : moult_own_fd(ctx, l->fd);

    if (!error)
        error = owned ? owned : moult_watch_fd(ctx, l->fd, MOULT_READABLE);
    if (error)
        return moult_stop_because(ctx, error, "unable to listen at port %u: %s", port,
                                  moult_strerror(error));
    return moult_noreply();
}

/* Until it has a server of its own, the connection is the listener's. */
static void let_in(moult_ctx *ctx, int fd)
{
    moult_out *args = moult_draft(ctx);

    moult_put_map(args, 1);
    moult_put_int_at(args, "fd", fd);
    if (moult_own_fd(ctx, fd) < 0)
        close(fd);
    else if (moult_start_child(ctx, moult_whereis(CLIENTS), NULL, args, NULL) < 0)
        moult_close_fd(ctx, fd);
}

static moult_next let_all_in(moult_ctx *ctx, struct listener *l)
{
    int fd, error = 0;

    while (!error) {
        fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        error = fd < 0 ? failure() : 0;
        if (!error)
            let_in(ctx, fd);
    }
    if (!is_passing(error)) { /* no descriptor, no memory: perhaps there is soon */
        moult_out *again = moult_draft(ctx);

        moult_put_text(again, "again");
        if (moult_send_after(ctx, moult_self(ctx), RETRY_MS, again))
            return moult_noreply();
    }
    error = moult_watch_fd(ctx, l->fd, MOULT_READABLE);
    return error ? moult_stop(error) : moult_noreply();
}

static moult_next listener_info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_ready ready;

    if (moult_match(message, "again") || moult_match_ready(ctx, message, &ready))
        return let_all_in(ctx, state);
    return moult_unhandled(ctx);
}

static moult_next listener_call(moult_ctx *ctx, void *state, const moult_from *from,
                                moult_in *request, moult_out *reply)
{
    const struct listener *l = state;

    if (!moult_match(request, "port"))
        return moult_refuse(ctx, -EINVAL, "chat takes \"port\"");
    moult_put_int(reply, l->port);
    return moult_reply();
}

static const moult_server listener = {.size = sizeof(moult_server),
                                      .state = listener_state,
                                      .init = listener_init,
                                      .handle_call = listener_call,
                                      .handle_info = listener_info};

/* -- all of it -- */

static const moult_child each[] = {
    {.id = "client", .server = &client, .restart = MOULT_TEMPORARY}, {.id = NULL}};

static const moult_supervisor clients = {.size = sizeof(moult_supervisor),
                                         .strategy = MOULT_SIMPLE_ONE_FOR_ONE,
                                         .children = each};

static const moult_child children[] = {
    {.id = "rooms",
     .server = &moult_registry,
     .name = ROOMS,
     .args = "{\"keys\": \"duplicate\"}"},
    {.id = "clients", .supervisor = &clients, .name = CLIENTS},
    {.id = "listener", .server = &listener, .name = "chat"},
    {.id = NULL}};

static const moult_env env[] = {
    {.key = "port", .type = MOULT_ENV_INT, .value = "7070", .least = 0, .most = 65535},
    {.key = NULL}};

MOULT_PLUGIN(.description = "rooms over TCP", .strategy = MOULT_REST_FOR_ONE,
             .children = children, .env = env);
