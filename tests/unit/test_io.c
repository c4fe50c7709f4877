/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "commons.h"
#include "harness.h"
#include "io.h"

#define PATIENCE_MS 20000
#define WAIT_MS     1000

/* -- a server that sends back what it reads -- */

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    int64_t fd = -1;
    int error;

    if (moult_match_int(request, "watch", &fd))
        error = moult_watch_fd(ctx, (int)fd, MOULT_READABLE);
    else if (moult_match_int(request, "watch for all", &fd))
        error = moult_watch_fd(ctx, (int)fd, MOULT_READABLE | MOULT_WRITABLE);
    else if (moult_match_int(request, "watch for nothing", &fd))
        error = moult_watch_fd(ctx, (int)fd, 0);
    else if (moult_match_int(request, "unwatch", &fd))
        error = moult_unwatch_fd(ctx, (int)fd);
    else if (moult_match_int(request, "own", &fd))
        error = moult_own_fd(ctx, (int)fd);
    else
        error = moult_match_int(request, "close", &fd) ? moult_close_fd(ctx, (int)fd)
                                                       : -EBADMSG;
    if (error)
        return moult_refuse(ctx, error, "refused");
    moult_put_int(reply, 0);
    return moult_with_hibernate(moult_reply()); /* which is no reason to forget any */
}

static _Atomic unsigned messages;
static _Atomic uint32_t events; /* of the last */

static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_ready ready;
    char bytes[64];
    ssize_t len;

    check(moult_match_ready(ctx, message, &ready));
    atomic_store(&events, ready.events);
    atomic_fetch_add(&messages, 1);
    len = read(ready.fd, bytes, sizeof(bytes));
    if (len > 0)
        check(write(ready.fd, bytes, (size_t)len) == len);
    return moult_noreply();
}

static moult_pid silent;

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_call(ctx, silent, moult_draft(ctx), WAIT_MS, NULL);
    return moult_noreply();
}

static const moult_server mirror = {.size = sizeof(moult_server),
                                    .handle_call = handle_call,
                                    .handle_cast = handle_cast,
                                    .handle_info = handle_info};

static int request(moult_pid pid, const char *what, int fd)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_map(&e->out, 1);
    moult_put_int_at(&e->out, what, fd);
    return ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0);
}

/* -- its other end -- */

struct pair {
    int ours, its;
};

/* To be closed at the end of the test, if nobody has. */
static int opened[1024];
static unsigned opened_count;

static struct pair pair(void)
{
    int ends[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    assert_true(opened_count + 2 <= sizeof(opened) / sizeof(*opened));
    opened[opened_count++] = ends[0];
    opened[opened_count++] = ends[1];
    return (struct pair){ends[0], ends[1]};
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Wait for what comes: `len` bytes, 0 at the end. */
static ssize_t hear(int fd, char *bytes, size_t len)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    return read(fd, bytes, len);
}

static void assert_echoes(int fd, const char *text)
{
    char bytes[64];

    say(fd, text);
    assert_int_equal(hear(fd, bytes, sizeof(bytes)), strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

static void assert_at_end(int fd)
{
    char byte;

    assert_int_equal(hear(fd, &byte, 1), 0);
}

/* -- watching -- */

static void a_server_is_told_once_each_time_it_asks(void **state)
{
    moult_pid pid = serve(&mirror);
    struct pair a = pair(), b = pair();

    for (int i = 0; i < 3; i++) {
        assert_int_equal(request(pid, "watch", a.its), 0);
        assert_echoes(a.ours, "hello");
    }
    assert_int_equal(atomic_load(&messages), 3);
    say(a.ours, "nobody asked");
    assert_int_equal(request(pid, "watch", b.its), 0);
    assert_echoes(b.ours, "b");
    assert_int_equal(atomic_load(&messages), 4);
    assert_int_equal(request(pid, "watch", a.its),
                     0); /* it has been ready all the time */
    assert_int_equal(hear(a.ours, (char[64]){0}, 64), 12);
}

static void what_it_is_ready_for_is_said(void **state)
{
    moult_pid pid = serve(&mirror);
    struct pair a = pair();

    say(a.ours, "x");
    assert_int_equal(request(pid, "watch", a.its), 0);
    hear(a.ours, (char[1]){0}, 1);
    assert_int_equal(atomic_load(&events), MOULT_READABLE);
    say(a.ours, "x");
    assert_int_equal(request(pid, "watch for all", a.its), 0);
    hear(a.ours, (char[1]){0}, 1);
    assert_int_equal(atomic_load(&events), MOULT_READABLE | MOULT_WRITABLE);
}

static void the_end_of_the_other_side_makes_it_readable(void **state)
{
    moult_pid pid = serve(&mirror);
    struct pair a = pair(), b = pair();

    close(a.ours);
    assert_int_equal(request(pid, "watch", a.its), 0);
    while (atomic_load(&messages) == 0) { /* each is a round trip of epoll's thread */
        assert_int_equal(request(pid, "watch", b.its), 0);
        assert_echoes(b.ours, "b");
    }
    assert_int_equal(request(pid, "close", a.its), 0);
}

static void what_is_not_watched_any_more_tells_nothing(void **state)
{
    moult_pid pid = serve(&mirror);
    struct pair a = pair(), b = pair();

    assert_int_equal(request(pid, "watch", a.its), 0);
    assert_int_equal(request(pid, "unwatch", a.its), 0);
    assert_int_equal(request(pid, "unwatch", a.its), -ENOENT);
    say(a.ours, "a");
    assert_int_equal(request(pid, "watch", b.its), 0);
    assert_echoes(b.ours, "b");
    assert_int_equal(atomic_load(&messages), 1);
}

/* What a message of `watch` says that `fd` is ready for. */
static uint32_t ready_for(struct process *p, int fd, uint32_t watch)
{
    moult_out *message = moult_draft(&p->ctx);
    moult_ready ready;
    moult_in in;

    moult_put_map(message, 3);
    moult_put_int_at(message, "ready", fd);
    moult_put_int_at(message, "events", MOULT_READABLE);
    moult_put_int_at(message, "watch", watch);
    in = out_read(message);
    check(moult_match_ready(&p->ctx, &in, &ready) && ready.fd == fd);
    return ready.events;
}

static void match_old(struct process *p, void *context)
{
    int fd = *(int *)context;
    uint32_t watch = 0;

    check(moult_watch_fd(&p->ctx, fd, MOULT_READABLE) == 0);
    while (!io_is_current(p, fd, watch))
        watch++;
    check(ready_for(p, fd, watch) == MOULT_READABLE);
    check(moult_watch_fd(&p->ctx, fd, MOULT_READABLE) == 0);
    check(ready_for(p, fd, watch) == 0);
    check(ready_for(p, fd, watch + 1) == MOULT_READABLE);
    check(moult_unwatch_fd(&p->ctx, fd) == 0);
    check(ready_for(p, fd, watch + 1) == 0);
}

static void a_message_of_an_earlier_watch_says_that_it_is_over(void **state)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    assert_int_equal(actor_do(actor(false), match_old, &fd), 0);
    close(fd);
}

static void match_others(struct process *p, void *context)
{
    moult_ready ready;
    moult_in in = moult_in_over("\x01", 1);

    check(!moult_match_ready(&p->ctx, &in, &ready));
    in = moult_in_over("\xa1\x65ready\x01", 8);
    check(!moult_match_ready(&p->ctx, &in, &ready));
    in = moult_in_over("\xa3\x65ready\x61x\x66"
                       "events\x01\x65watch\x01",
                       24);
    check(!moult_match_ready(&p->ctx, &in, &ready));
}

static void other_messages_are_not_taken_for_it(void **state)
{
    assert_int_equal(actor_do(actor(false), match_others, NULL), 0);
}

static void what_cannot_be_watched_is_refused(void **state)
{
    moult_pid pid = serve(&mirror);
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct pair a = pair();

    assert_int_equal(request(pid, "watch", -1), -EBADF);
    assert_int_equal(request(pid, "watch", 1 << 30), -EBADF);
    assert_int_equal(request(pid, "own", 987654), -EBADF);
    assert_int_equal(request(pid, "close", 987654), -ENOENT);
    assert_int_equal(request(pid, "close", a.its), -ENOENT); /* it is the test's */
    assert_int_equal(request(pid, "unwatch", 987654), -ENOENT);
    assert_int_equal(request(pid, "watch", file), -EPERM);
    assert_int_equal(request(pid, "watch for nothing", a.its), -EINVAL);
    assert_int_equal(request(pid, "watch", a.its), 0); /* it goes on */
    assert_echoes(a.ours, "x");
    close(file);
}

static void a_server_whose_mailbox_is_full_is_told(void **state)
{
    struct started s = serve_child(parent(), &mirror,
                                   (moult_child){.id = "mirror", .mailbox_limit = 1});
    moult_pid other = serve(&mirror);
    struct pair a = pair(), b = pair();

    silent = actor(false);
    assert_int_equal(request(s.pid, "watch", a.its), 0);
    assert_int_equal(request(other, "watch", b.its), 0);
    cast_int(s.pid, 1);
    workers_settle(); /* it waits for who is silent */
    assert_int_equal(cast_int(s.pid, 2), 0);
    assert_int_equal(cast_int(s.pid, 3), -EAGAIN);
    say(a.ours, "x");
    assert_echoes(b.ours, "x"); /* so the other one has been told, too */
    pass(WAIT_MS);
    pass(WAIT_MS);
    assert_int_equal(hear(a.ours, (char[1]){0}, 1), 1);
}

/* -- owning -- */

static void what_a_server_owns_is_closed_when_it_ends(void **state)
{
    moult_pid pid = serve(&mirror);
    struct pair owned = pair(), watched = pair(), lent = pair();

    assert_int_equal(request(pid, "own", owned.its), 0);
    assert_int_equal(request(pid, "own", watched.its), 0);
    assert_int_equal(request(pid, "watch", watched.its), 0);
    assert_int_equal(request(pid, "watch", lent.its), 0);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_at_end(owned.ours);
    assert_at_end(watched.ours);
    assert_gone(pid);
    assert_int_equal(fcntl(lent.its, F_GETFD), FD_CLOEXEC);
    pid = serve(&mirror); /* another may have it now */
    assert_int_equal(request(pid, "watch", lent.its), 0);
    assert_echoes(lent.ours, "x");
}

static void who_owned_or_watched_it_last_has_it(void **state)
{
    moult_pid first = serve(&mirror), second = serve(&mirror);
    struct pair a = pair();

    assert_int_equal(request(first, "own", a.its), 0);
    assert_int_equal(request(first, "watch", a.its), 0);
    assert_int_equal(request(second, "own", a.its), 0);
    say(a.ours, "x");
    assert_int_equal(request(first, "unwatch", a.its), -ENOENT);
    signal_exit(NULL, first, MOULT_KILL, NULL);
    assert_gone(first);
    assert_int_equal(atomic_load(&messages), 0);
    assert_int_equal(request(second, "watch", a.its), 0);
    assert_int_equal(hear(a.ours, (char[1]){0}, 1), 1);
    signal_exit(NULL, second, MOULT_KILL, NULL);
    assert_at_end(a.ours);
}

static void what_was_closed_is_nobodys(void **state)
{
    moult_pid first = serve(&mirror), second = serve(&mirror);
    struct pair a = pair(), b;

    assert_int_equal(request(first, "own", a.its), 0);
    assert_int_equal(request(first, "watch", a.its), 0);
    assert_int_equal(request(first, "close", a.its), 0);
    assert_at_end(a.ours);
    b = pair(); /* with the same number */
    assert_int_equal(b.ours, a.its);
    assert_int_equal(request(second, "own", b.ours), 0);
    signal_exit(NULL, first, MOULT_KILL, NULL);
    assert_gone(first);
    assert_int_equal(request(second, "watch", b.ours), 0);
    assert_echoes(b.its, "x");
}

/* By close(2) and dup2(2), which are the host's where it can guard them. */
static void what_is_closed_in_another_way_is_nobodys(void **state)
{
    moult_pid pid = serve(&mirror);
    struct pair a = pair(), b = pair(), other;

    if (!COMMONS_GUARDED)
        skip();
    assert_int_equal(request(pid, "own", a.its), 0);
    assert_int_equal(request(pid, "own", b.its), 0);
    close(a.its);
    other = pair(); /* with the same number */
    assert_int_equal(other.ours, a.its);
    assert_int_equal(dup2(other.its, b.its), b.its);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
    say(other.ours, "x"); /* and nobody has closed it */
    assert_int_equal(hear(b.its, (char[1]){0}, 1), 1);
}

/* -- on all cores -- */

struct talk {
    moult_pid pid;
    struct pair pair;
};

static void many_are_told_at_once(void **state)
{
    enum { TALKS = 50 };
    struct talk talks[TALKS];

    for (int i = 0; i < TALKS; i++)
        talks[i] = (struct talk){serve(&mirror), pair()};
    for (unsigned round = 0; round < many(50); round++) {
        for (int i = 0; i < TALKS; i++)
            assert_int_equal(request(talks[i].pid, "watch", talks[i].pair.its), 0);
        for (int i = 0; i < TALKS; i++)
            say(talks[i].pair.ours, "hello");
        for (int i = 0; i < TALKS; i++)
            assert_int_equal(hear(talks[i].pair.ours, (char[8]){0}, 8), 5);
    }
}

static void servers_may_end_while_they_are_told(void **state)
{
    for (unsigned round = 0; round < many(200); round++) {
        moult_pid pid = serve(&mirror);
        struct pair a = pair();

        assert_int_equal(request(pid, "own", a.its), 0);
        assert_int_equal(request(pid, "watch", a.its), 0);
        say(a.ours, "x");
        signal_exit(NULL, pid, MOULT_KILL, NULL);
        while (hear(a.ours, (char[1]){0}, 1) > 0)
            ;
        close(a.ours);
    }
}

static int start_one(void **state)
{
    atomic_store(&messages, 0);
    return one_worker(state);
}

static int start_two(void **state)
{
    atomic_store(&messages, 0);
    return two_workers(state);
}

static int end(void **state)
{
    int error = workers_end(state);

    while (opened_count > 0)
        close(opened[--opened_count]);
    return error;
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, start_one, end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, start_two, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_server_is_told_once_each_time_it_asks),
        ONE(what_it_is_ready_for_is_said),
        ONE(the_end_of_the_other_side_makes_it_readable),
        ONE(what_is_not_watched_any_more_tells_nothing),
        ONE(a_message_of_an_earlier_watch_says_that_it_is_over),
        ONE(other_messages_are_not_taken_for_it),
        ONE(what_cannot_be_watched_is_refused),
        ONE(a_server_whose_mailbox_is_full_is_told),
        ONE(what_a_server_owns_is_closed_when_it_ends),
        ONE(who_owned_or_watched_it_last_has_it),
        ONE(what_was_closed_is_nobodys),
        ONE(what_is_closed_in_another_way_is_nobodys),
        TWO(many_are_told_at_once),
        TWO(servers_may_end_while_they_are_told),
    };

    return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
