/* SPDX-License-Identifier: Apache-2.0 */
/* The sample chat, by real sockets that stay connected while it changes its version. */
#include "test.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_fixture.h"

#define LINES     3000  /* that are said during changes */
#define FLOOD     15000 /* more than the kernel keeps for who has little room */
#define TENTH     "0123456789012345678901234567890123456789"
#define LONG_LINE TENTH TENTH TENTH TENTH TENTH TENTH TENTH TENTH TENTH TENTH

/* -- who chats -- */

struct person {
    int fd;
    char buffer[4096]; /* what has come and was not heard yet */
    size_t len;
};

/* With `room` bytes for what it has not read; 0: as many as usual. */
static struct person come_in(struct host *h, int room)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)host_call_int(h, "chat", "\"port\"")),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct person p = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    if (room)
        setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    assert_int_equal(connect(p.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return p;
}

static void type(struct person *p, const char *text)
{
    assert_int_equal(send(p->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* More has come, or (false) the end. */
static bool wait_for_more(struct person *p)
{
    struct pollfd wait = {.fd = p->fd, .events = POLLIN};
    ssize_t len;

    assert_true(p->len < sizeof(p->buffer) - 1);
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    len = recv(p->fd, p->buffer + p->len, sizeof(p->buffer) - 1 - p->len, 0);
    p->len += len > 0 ? (size_t)len : 0;
    return len > 0;
}

/* The next line, lent until the next one; NULL: it was hung up on. */
static const char *hear(struct person *p)
{
    static char line[4096];
    char *end;
    size_t len;

    while (!(end = memchr(p->buffer, '\n', p->len)))
        if (!wait_for_more(p))
            return NULL;
    len = (size_t)(end - p->buffer);
    memcpy(line, p->buffer, len);
    line[len] = 0;
    p->len -= len + 1;
    memmove(p->buffer, end + 1, p->len);
    return line;
}

static void hears(struct person *p, const char *expected)
{
    const char *line = hear(p);

    assert_non_null(line);
    assert_string_equal(line, expected);
}

static struct person come_with(struct host *h, const char *name, int room)
{
    struct person p = come_in(h, room);
    char line[64];

    assert_has(hear(&p), "* welcome");
    snprintf(line, sizeof(line), "/name %s\n/join lobby\n", name);
    type(&p, line);
    assert_has(hear(&p), " has joined lobby");
    return p;
}

static struct person come_as(struct host *h, const char *name)
{
    return come_with(h, name, 0);
}

/* -- the host -- */

static void start(struct host *h)
{
    static const char *const variables[] = {"MOULT_CHAT_PORT=0", NULL};
    static const char *const options[] = {"--on-drop", "stage", NULL};

    drop("samples/chat-1.0.0");
    host_start_with(h, variables, options);
}

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

/* -- tests -- */

static void what_is_said_is_heard_by_all_in_the_room(void **state)
{
    struct host *h = *state;
    struct person anna, bert, carl;

    start(h);
    anna = come_as(h, "anna");
    bert = come_as(h, "bert");
    hears(&anna, "bert has joined lobby");
    carl = come_in(h, 0);
    assert_has(hear(&carl), "* welcome");
    type(&carl, "hello?\n/join too long a name for a room\n/join cellar\n");
    hears(&carl, "* you are in no room: /join WORD");
    hears(&carl, "* /name WORD, /join WORD, /leave");
    hears(&carl, "guest has joined cellar");
    type(&bert, "hello\r\n");
    hears(&anna, "bert: hello");
    hears(&bert, "bert: hello");
    type(&carl, "echo\n");
    hears(&carl, "guest: echo"); /* and no more */
    type(&bert, "/join cellar\n");
    hears(&anna, "bert has left lobby");
    hears(&carl, "bert has joined cellar");
    close(carl.fd);
    hears(&bert, "bert has left lobby");
    hears(&bert, "bert has joined cellar");
    hears(&bert, "guest has left cellar");
    close(anna.fd);
    close(bert.fd);
    host_stop(h);
}

static void connections_and_half_lines_outlive_every_change(void **state)
{
    struct host *h = *state;
    struct person anna, bert;
    json_t *report;

    start(h);
    anna = come_as(h, "anna");
    bert = come_as(h, "bert");
    hears(&anna, "bert has joined lobby");
    stage(h, "integration/chat-1.0.1", "1.0.1");
    stage(h, "samples/chat-2.0.0", "2.0.0");
    type(&anna, "it is o");
    report = host_change(h, "upgrade", "chat@1.0.1");
    assert_int_equal(int_at(report, "moved.pointer"), 4);
    type(&anna, "ne\nit is tw");
    hears(&bert, "anna: it is one");
    report = host_change(h, "upgrade", "chat@2.0.0");
    assert_int_equal(int_at(report, "moved.code_change"), 2);
    type(&anna, "o\n");
    hears(&bert, "[lobby] anna: it is two");
    hears(&anna, "anna: it is one");
    hears(&anna, "[lobby] anna: it is two");
    type(&anna, "/who\n/join cellar\n");
    hears(&anna, "* here: anna bert");
    hears(&anna, "[cellar] anna has joined cellar");
    type(&bert, "still there?\n");
    hears(&anna, "[lobby] bert: still there?");
    hears(&bert, "[lobby] bert: still there?");
    type(&anna, "it is thr");
    host_change(h, "downgrade", "chat@1.0.0");
    type(&anna, "ee\n/leave\n");
    hears(&anna, "anna: it is three");
    hears(&anna, "anna has left cellar");
    assert_int_equal(int_at(json_array_get(host_ask(h, "registry", NULL), 0), "count"),
                     1);
    type(&bert, "gone\n");
    hears(&bert, "bert: gone");
    close(anna.fd);
    close(bert.fd);
    host_stop(h);
}

static void *talk_on(void *context)
{
    const struct person *p = context;
    char line[32];

    for (int i = 0; i < LINES; i++) {
        int len = snprintf(line, sizeof(line), "line %d\n", i);

        if (send(p->fd, line, (size_t)len, MSG_NOSIGNAL) != len)
            return NULL;
    }
    return context;
}

struct hearing {
    struct person *person;
    unsigned heard; /* in order, and each once */
};

static void *listen_on(void *context)
{
    struct hearing *hearing = context;
    char buffer[8192];
    size_t len = 0;
    ssize_t more = 0;

    while (hearing->heard < LINES && more >= 0) {
        char *end, words[32];

        len += (size_t)more;
        buffer[len] = 0;
        while ((end = strchr(buffer, '\n'))) {
            *end = 0;
            snprintf(words, sizeof(words), "anna: line %u", hearing->heard);
            if (strstr(buffer, words))
                hearing->heard++;
            len -= (size_t)(end + 1 - buffer);
            memmove(buffer, end + 1, len + 1);
        }
        if (hearing->heard < LINES)
            more = recv(hearing->person->fd, buffer + len, sizeof(buffer) - 1 - len, 0);
        if (more == 0)
            break;
    }
    return NULL;
}

static void no_line_is_lost_while_versions_change(void **state)
{
    struct host *h = *state;
    struct person anna, bert;
    struct hearing hearing = {.person = &bert}, own = {.person = &anna};
    pthread_t talker, listener, herself;
    void *said;

    start(h);
    stage(h, "samples/chat-2.0.0", "2.0.0");
    anna = come_as(h, "anna");
    bert = come_as(h, "bert");
    hears(&anna, "bert has joined lobby");
    pthread_create(&listener, NULL, listen_on, &hearing);
    pthread_create(&herself, NULL, listen_on, &own);
    pthread_create(&talker, NULL, talk_on, &anna);
    for (int i = 0; i < 3; i++) {
        host_change(h, "upgrade", "chat@2.0.0");
        host_change(h, "downgrade", "chat@1.0.0");
    }
    pthread_join(talker, &said);
    assert_non_null(said);
    pthread_join(listener, NULL);
    pthread_join(herself, NULL);
    assert_int_equal(hearing.heard, LINES);
    assert_int_equal(own.heard, LINES);
    close(anna.fd);
    close(bert.fd);
    host_stop(h);
}

static void who_comes_during_a_change_is_let_in(void **state)
{
    struct host *h = *state;
    struct person people[8];

    start(h);
    stage(h, "samples/chat-2.0.0", "2.0.0");
    for (int i = 0; i < 8; i++) {
        people[i] = come_in(h, 0);
        host_change(h, i % 2 ? "downgrade" : "upgrade",
                    i % 2 ? "chat@1.0.0" : "chat@2.0.0");
    }
    for (int i = 0; i < 8; i++)
        assert_has(hear(&people[i]), "* welcome");
    for (int i = 0; i < 8; i++)
        close(people[i].fd);
    host_stop(h);
}

static void who_leaves_leaves_nothing_open(void **state)
{
    struct host *h = *state;
    struct person anna;
    unsigned open;

    start(h);
    anna = come_as(h, "anna");
    open = host_descriptors(h);
    for (int i = 0; i < 20; i++) {
        struct person bert = come_as(h, "bert");

        hears(&anna, "bert has joined lobby");
        close(bert.fd);
        hears(&anna, "bert has left lobby");
    }
    assert_in_range(host_descriptors(h), open,
                    open + 1); /* the last may be on its way */
    close(anna.fd);
    host_stop(h);
}

static void who_does_not_read_misses_lines_and_holds_nobody_up(void **state)
{
    struct host *h = *state;
    struct person anna, bert;
    unsigned heard = 0;
    const char *line;

    start(h);
    bert = come_with(h, "bert", 4096); /* who goes to sleep */
    anna = come_as(h, "anna");
    for (int i = 0; i < FLOOD; i++) {
        type(&anna, LONG_LINE "\n");
        hears(&anna, "anna: " LONG_LINE);
    }
    hears(&bert, "anna has joined lobby");
    while ((line = hear(&bert)) && strcmp(line, "anna: " LONG_LINE) == 0) {
        type(&anna, "end\n"); /* there is room for one when all was heard */
        heard++;
    }
    assert_string_equal(line, "anna: end");
    assert_in_range(heard, 1, FLOOD - 1);
    close(anna.fd);
    close(bert.fd);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(what_is_said_is_heard_by_all_in_the_room),
        HOST_TEST(connections_and_half_lines_outlive_every_change),
        HOST_TEST(no_line_is_lost_while_versions_change),
        HOST_TEST(who_comes_during_a_change_is_let_in),
        HOST_TEST(who_leaves_leaves_nothing_open),
        HOST_TEST(who_does_not_read_misses_lines_and_holds_nobody_up),
    };

    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
