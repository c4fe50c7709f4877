/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn_fixture - plain processes, and a server that does errands for tests about them.
 */
#ifndef MOULT_SPAWN_FIXTURE_H
#define MOULT_SPAWN_FIXTURE_H

#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

typedef void errand(moult_ctx *ctx, void *context);

static inline moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    errand *run;

    if (moult_match(request, "hibernate")) {
        moult_put_null(reply);
        return moult_with_hibernate(moult_reply());
    }
    run = (errand *)(uintptr_t)moult_get_uint(request);
    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

/* What the server was told, besides. */
static struct {
    unsigned downs, infos;
    moult_ended last;
    char text[64];
    int64_t numbers[8]; /* of infos, in order */
} told;

static inline moult_next info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_ended e;

    if (moult_match_down(message, &e)) {
        told.downs++;
        told.last = e;
        snprintf(told.text, sizeof(told.text), "%.*s", (int)e.text_len, e.text);
    } else if (moult_peek(message) == MOULT_INT && told.infos < 8) {
        told.numbers[told.infos++] = moult_get_int(message);
    }
    return moult_noreply();
}

static const moult_server errands = {
    .size = sizeof(moult_server), .handle_call = call, .handle_info = info};

static moult_pid it;
static moult_spawned made;

/* What plain processes did. */
static struct {
    int64_t numbers[16];
    unsigned count;
    int error;
    int32_t kinds[8];
    moult_ended ended;
    char text[64];
} seen;

static inline int begin(void **state)
{
    one_worker(state);
    memset(&told, 0, sizeof(told));
    memset(&seen, 0, sizeof(seen));
    made = (moult_spawned){0};
    it = serve(&errands);
    return 0;
}

static inline void order(moult_pid pid, errand *run, void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)context);
    ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0);
}

/* Have `pid` run it, inside a callback. */
static inline void run_in(moult_pid pid, errand *run, void *context)
{
    order(pid, run, context);
    workers_settle();
}

struct spawning {
    moult_function *run;
    int32_t flags;
    int64_t number;
    uint64_t max_heap;
};

static inline void spawn_it(moult_ctx *ctx, void *context)
{
    const struct spawning *s = context;
    moult_spawn_options options = {.size = sizeof(options),
                                   .flags = s->flags,
                                   .label = "it",
                                   .max_heap = s->max_heap};
    moult_out *args = moult_draft(ctx);

    moult_put_int(args, s->number);
    check(moult_spawn_opt(ctx, s->run, args, &options, &made) == 0);
}

static inline moult_pid spawn_with(struct spawning s)
{
    run_in(it, spawn_it, &s);
    return made.pid;
}

static inline moult_pid spawn(moult_function *run)
{
    return spawn_with((struct spawning){.run = run});
}

static inline int info_int(moult_pid pid, int64_t number)
{
    moult_out *out = moult_draft_outside();

    moult_put_int(out, number);
    return moult_send(NULL, pid, out);
}

static inline int32_t note_args(moult_ctx *ctx, moult_in *args)
{
    seen.numbers[seen.count++] = moult_get_int(args);
    return MOULT_NORMAL;
}

static inline int32_t receive_all(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    while ((seen.error = moult_receive(ctx, NULL, NULL, 1000, &m)) == 0) {
        seen.kinds[seen.count & 7] = m.kind;
        if (m.kind == MOULT_GOT_EXIT || m.kind == MOULT_GOT_DOWN) {
            seen.ended = m.ended;
            snprintf(seen.text, sizeof(seen.text), "%s", m.ended.text);
        }
        seen.numbers[seen.count++ & 15] =
            moult_peek(&m.in) == MOULT_INT ? moult_get_int(&m.in) : -1;
    }
    return MOULT_NORMAL;
}

static inline void exit_of(moult_ctx *ctx, void *context)
{
    check(moult_exit(ctx, made.pid, *(int32_t *)context) == 0);
}

static unsigned infos_before_down;

static inline bool is_down(const moult_message *m, void *context)
{
    if (m->kind == MOULT_GOT_INFO)
        infos_before_down++;
    return m->kind == MOULT_GOT_DOWN;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

#endif
