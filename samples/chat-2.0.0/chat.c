/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat 2.0.0 - rooms over TCP: `nc localhost 7070`, or its env's port:
 * `moult run --env chat.port=8080`.
 *
 *     /name anna      be called so
 *     /join lobby     enter one more room, and speak there from now on
 *     /leave          leave it, and speak in the one before
 *     /who            is there?
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
#define ROOMS_MAX 4u
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
    char rooms[ROOMS_MAX][WORD_SIZE]; /* it speaks in the first; "": in none */
    uint8_t line[LINE_SIZE];
    uint32_t line_len; /* of what has come of a line */
    uint8_t unsent[8 * LINE_SIZE];
    uint32_t unsent_len;
};

MOULT_STATE(client_state, struct client, MOULT_FIELD(fd, .initial = -1),
            MOULT_FIELD(name, .initial_text = "guest"), MOULT_ARRAY_FIELD(rooms),
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
    moult_in room = moult_text_key(ctx, c->rooms[0]);
    char line[2 * LINE_SIZE];
    int len = snprintf(line, sizeof(line), "[%s] %s%s%s\n", c->rooms[0], c->name,
                       between, text);
    struct news news = {line, (size_t)len};

    if (c->rooms[0][0])
        moult_registry_dispatch(ctx, moult_whereis(ROOMS), &room, publish, &news);
}

/* Where `room` stands among those it is in, or ROOMS_MAX. */
static unsigned place_of(const struct client *c, const char *room)
{
    unsigned i = 0;

    while (i < ROOMS_MAX && strcmp(c->rooms[i], room) != 0)
        i++;
    return i;
}

/* Leave the room at `place`; those behind it move up. */
static void leave(moult_ctx *ctx, struct client *c, unsigned place)
{
    moult_in key = moult_text_key(ctx, c->rooms[place]);

    moult_registry_unregister(ctx, moult_whereis(ROOMS), &key);
    memmove(c->rooms[place], c->rooms[place + 1],
            (ROOMS_MAX - 1 - place) * sizeof(c->rooms[0]));
    memset(c->rooms[ROOMS_MAX - 1], 0, sizeof(c->rooms[0]));
}

/* Be in `room`, and speak there. */
static void enter(moult_ctx *ctx, struct client *c, const char *room)
{
    moult_in key = moult_text_key(ctx, room), name = moult_text_key(ctx, c->name);

    if (moult_registry_register(ctx, moult_whereis(ROOMS), &key, &name, NULL) < 0) {
        tell_text(c, "* there is no room\n");
        return;
    }
    memmove(c->rooms[1], c->rooms[0], (ROOMS_MAX - 1) * sizeof(c->rooms[0]));
    snprintf(c->rooms[0], sizeof(c->rooms[0]), "%s", room);
}

/* Who is in the room that it speaks in: the values that they are registered with. */
static void tell_who(moult_ctx *ctx, struct client *c)
{
    moult_in room = moult_text_key(ctx, c->rooms[0]), found;
    size_t count = 0;

    if (moult_registry_lookup(ctx, moult_whereis(ROOMS), &room, &found) == 0)
        count = moult_get_array(&found);
    tell_text(c, "* here:");
    while (count-- > 0) {
        const char *name;
        size_t len;

        moult_get_array(&found);
        moult_get_pid(&found);
        name = moult_get_text(&found, &len);
        tell_text(c, " ");
        tell(c, name, len);
    }
    tell_text(c, "\n");
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

/* The rooms know it by its name: it enters them all again, and the first one last. */
static void take_name(moult_ctx *ctx, struct client *c, const char *name)
{
    char rooms[ROOMS_MAX][WORD_SIZE];

    memcpy(rooms, c->rooms, sizeof(rooms));
    while (c->rooms[0][0])
        leave(ctx, c, 0);
    snprintf(c->name, sizeof(c->name), "%.*s", (int)sizeof(c->name) - 1, name);
    for (unsigned i = ROOMS_MAX; i-- > 0;)
        if (rooms[i][0])
            enter(ctx, c, rooms[i]);
}

static void join(moult_ctx *ctx, struct client *c, const char *room)
{
    unsigned place = place_of(c, room);

    if (place < ROOMS_MAX) {
        leave(ctx, c, place);
        enter(ctx, c, room); /* to speak there */
        return;
    }
    if (c->rooms[ROOMS_MAX - 1][0]) {
        tell_text(c, "* /leave a room first\n");
        return;
    }
    enter(ctx, c, room);
    say(ctx, c, " has joined ", c->rooms[0]);
}

static void part(moult_ctx *ctx, struct client *c)
{
    if (!c->rooms[0][0])
        return;
    say(ctx, c, " has left ", c->rooms[0]);
    leave(ctx, c, 0);
}

static void take_line(moult_ctx *ctx, struct client *c, const char *line)
{
    if (strncmp(line, "/name ", 6) == 0 && is_word(line + 6))
        take_name(ctx, c, line + 6);
    else if (strncmp(line, "/join ", 6) == 0 && is_word(line + 6))
        join(ctx, c, line + 6);
    else if (strcmp(line, "/leave") == 0)
        part(ctx, c);
    else if (strcmp(line, "/who") == 0)
        tell_who(ctx, c);
    else if (line[0] == '/')
        tell_text(c, "* /name WORD, /join WORD, /leave, /who\n");
    else if (!c->rooms[0][0])
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
    tell_text(c, "* welcome: /name WORD, /join WORD, /leave, /who\n");
    return go_on(ctx, c);
}

static moult_next read_more(moult_ctx *ctx, struct client *c)
{
    ssize_t len = recv(c->fd, c->line + c->line_len, LINE_SIZE - c->line_len, 0);

    if (len == 0 || (len < 0 && !is_passing(failure()))) {
        while (c->rooms[0][0])
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

/* The rooms of a client: of format 0 one, "" if it is in none; of format 1 several. */
static void change_room(const moult_change *change, moult_in *from, moult_out *to)
{
    const char *room;
    size_t len;

    if (change->to == 1) {
        room = moult_get_text(from, &len);
        moult_put_text(to, "rooms");
        moult_put_array(to, ROOMS_MAX);
        moult_put_text_len(to, room, len);
        for (unsigned i = 1; i < ROOMS_MAX; i++)
            moult_put_text(to, "");
    } else {
        size_t count = moult_get_array(from);

        moult_put_text(to, "room");
        room = moult_get_text(from, &len);
        moult_put_text_len(to, room, len);
        while (count-- > 1)
            moult_skip(from);
    }
}

/* All but the rooms stays.  What 1.0.0 is registered for besides it leaves by itself. */
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    size_t count = moult_get_map(from);

    moult_put_map(to, count);
    while (count-- > 0) {
        size_t len;
        const void *item;

        if (moult_match(from, change->to == 1 ? "room" : "rooms")) {
            change_room(change, from, to);
            continue;
        }
        for (int i = 0; i < 2; i++) {
            item = moult_get_item(from, &len);
            moult_put_item(to, item, len);
        }
    }
    return 0;
}

static const moult_server client = {.size = sizeof(moult_server),
                                    .format = 1,
                                    .state = client_state,
                                    .init = client_init,
                                    .handle_info = client_info,
                                    .code_change = code_change};

/* -- who lets them in -- */

struct listener {
    int32_t fd;
    uint16_t port;
    uint64_t let_in;
};

MOULT_STATE(listener_state, struct listener, MOULT_FIELD(fd, .initial = -1),
            MOULT_FIELD(port), MOULT_FIELD(let_in));

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
        l->let_in += !error;
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

    if (moult_match(request, "port"))
        moult_put_int(reply, l->port);
    else if (moult_match(request, "let in"))
        moult_put_uint(reply, l->let_in);
    else
        return moult_refuse(ctx, -EINVAL, "chat takes \"port\" and \"let in\"");
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
