/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hive - a server, the queen, that spawns plain processes, bees, which do as they are told.
 *
 *     queen   "vsn", "count"        are answered at once
 *             "spawn"               a bee, registered as that
 *             {"ask": message}      calls the bee with that, and answers what it does
 *             "work"                has tasks and processes do something, and answers 12
 *     bee     "vsn"                 is answered at once
 *             "count"               asks the drone for it
 *             "gate"                waits at the gate, then as "count"
 *             "start"               starts a server, registered as comb, and answers 0
 *             casts "end", "fault", "spin", "settle": it becomes a server, with 40
 *
 * With EXTRA the states have a field more, and there is a nurse, whose init spawns a stray.
 */
#include <moult.h>

struct hive {
    int64_t count;
#ifdef EXTRA
    int64_t extra;
#endif
};

#ifdef EXTRA
MOULT_STATE(hive_state, struct hive, MOULT_FIELD(count, .initial = 7),
            MOULT_FIELD(extra, .initial = 9));
#else
MOULT_STATE(hive_state, struct hive, MOULT_FIELD(count, .initial = 7));
#endif

static int64_t ask_drone(moult_ctx *ctx)
{
    moult_out *m = moult_draft(ctx);
    moult_in reply;

    moult_put_text(m, "count");
    if (moult_call(ctx, moult_whereis("drone"), m, MOULT_INFINITY, &reply) < 0)
        return -1;
    return moult_get_int(&reply);
}

static void wait_at_gate(moult_ctx *ctx)
{
    moult_out *m = moult_draft(ctx);
    moult_in reply;

    moult_put_map(m, 1);
    moult_put_text_at(m, "wait", "a bee");
    moult_call(ctx, moult_whereis("gate"), m, MOULT_INFINITY, &reply);
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply);

static const moult_server hive = {
    .size = sizeof(moult_server), .state = hive_state, .handle_call = handle_call};

static int start_comb(moult_ctx *ctx)
{
    bool is_first = moult_pid_is_none(moult_whereis("comb"));
    moult_start_options options = {.size = sizeof(options),
                                   .name = is_first ? "comb" : NULL};

    return moult_server_start(ctx, &hive, NULL, &options, NULL);
}

static void answer(moult_ctx *ctx, moult_message *m)
{
    moult_from from = m->from;
    moult_out *out;

    if (moult_match(&m->in, "vsn")) {
        out = moult_draft(ctx);
        moult_put_text(out, moult_plugin.vsn);
    } else if (moult_match(&m->in, "start")) {
        int error = start_comb(ctx);

        out = moult_draft(ctx);
        moult_put_int(out, error);
    } else {
        int64_t count;

        if (moult_match(&m->in, "gate"))
            wait_at_gate(ctx);
        count = ask_drone(ctx);
        out = moult_draft(ctx);
        moult_put_int(out, count);
    }
    moult_reply_to(ctx, &from, out);
}

static int32_t settle(moult_ctx *ctx)
{
    moult_out *state = moult_draft(ctx);

    moult_put_map(state, 1);
    moult_put_int_at(state, "count", 40);
    return moult_enter_loop(ctx, &hive, state);
}

static int32_t bee(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    moult_register(ctx, "bee");
    while (moult_receive(ctx, NULL, NULL, MOULT_INFINITY, &m) == 0) {
        if (m.kind == MOULT_GOT_CALL)
            answer(ctx, &m);
        else if (moult_match(&m.in, "settle"))
            return settle(ctx);
        else if (moult_match(&m.in, "fault"))
            *(volatile int *)NULL = 1; /* NOLINT: the sin */
        else if (moult_match(&m.in, "spin"))
            while (m.kind >= 0)
                __asm__ volatile("" : "+r"(m.kind));
        else
            return MOULT_NORMAL;
    }
    return MOULT_NORMAL;
}

/* -- work -- */

#define TASKS 3

static int32_t twice(moult_ctx *ctx, moult_in *args, moult_out *result)
{
    moult_put_int(result, 2 * moult_get_int(args));
    return MOULT_NORMAL;
}

static moult_out *number(moult_ctx *ctx, int64_t n)
{
    moult_out *m = moult_draft(ctx);

    moult_put_int(m, n);
    return m;
}

/* 2 + 4 + 6, by tasks of which the last has a supervisor. */
static int add_up(moult_ctx *ctx, int64_t *sum)
{
    moult_pid by[TASKS] = {{0}, {0}, moult_whereis("tasks")};
    moult_outcome outcomes[TASKS];
    moult_task tasks[TASKS];
    int error = 0;

    for (int i = 0; i < TASKS && !error; i++)
        error =
            moult_task_async_nolink(ctx, by[i], twice, number(ctx, i + 1), &tasks[i]);
    if (!error)
        error = moult_task_await_many(ctx, tasks, TASKS, 0, outcomes);
    for (int i = 0; i < TASKS && !error; i++)
        *sum += moult_get_int(&outcomes[i].result);
    return error;
}

static int32_t nothing(moult_ctx *ctx, moult_in *args)
{
    return moult_dict_put(ctx, "what", number(ctx, 1));
}

static bool is_end(const moult_message *m, void *context)
{
    return m->kind == MOULT_GOT_DOWN && m->ref == *(const uint64_t *)context;
}

static int wait_for_another(moult_ctx *ctx)
{
    moult_spawned other;
    moult_message m;
    int error = moult_spawn_monitor(ctx, nothing, NULL, &other);

    if (!error)
        error = moult_receive(ctx, is_end, &other.ref, 5000, &m);
    return error ? error : m.ended.reason;
}

static int remember(moult_ctx *ctx)
{
    moult_timer timer =
        moult_send_interval(ctx, moult_self(ctx), 100000, number(ctx, 1));
    moult_in info;
    int error = moult_dict_put(ctx, "why", number(ctx, 1));

    moult_dict_erase(ctx, "why");
    if (!timer || moult_cancel_timer(ctx, timer) < 0)
        return -ENOMEM;
    return error ? error : moult_process_info(ctx, moult_whereis("drone"), 0, &info);
}

static moult_next work(moult_ctx *ctx, moult_out *reply)
{
    int64_t sum = 0;
    int error = add_up(ctx, &sum);

    if (!error)
        error = wait_for_another(ctx);
    if (!error)
        error = remember(ctx);
    if (error)
        return moult_refuse(ctx, error < 0 ? error : -EIO, "it was too much");
    moult_put_int(reply, sum);
    return moult_with_hibernate(moult_reply());
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_spawn_options options = {
        .size = sizeof(options), .label = "bee", .max_callback_ms = 200};
    const struct hive *own = state;
    moult_spawned spawned;
    moult_in what;

    if (moult_match(request, "work"))
        return work(ctx, reply);
    if (moult_match(request, "vsn")) {
        moult_put_text(reply, moult_plugin.vsn);
    } else if (moult_match(request, "spawn")) {
        moult_put_int(reply, moult_spawn_opt(ctx, bee, NULL, &options, &spawned));
    } else if (moult_match_map(request, "ask", &what)) {
        moult_out *m = moult_draft(ctx);
        size_t len;
        const void *item = moult_get_item(&what, &len);

        moult_put_item(m, item, len);
        if (moult_call(ctx, moult_whereis("bee"), m, MOULT_INFINITY, &what) < 0)
            return moult_refuse(ctx, -EIO, "%s", moult_call_text(ctx));
        moult_put_int(reply, moult_get_int(&what));
    } else {
        moult_put_int(reply, own->count);
    }
    return moult_reply();
}

#ifdef EXTRA
static int32_t stray(moult_ctx *ctx, moult_in *args)
{
    return moult_sleep(ctx, MOULT_INFINITY);
}

static moult_next nurse_init(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_spawned spawned;

    moult_spawn(ctx, stray, NULL, &spawned);
    return moult_noreply();
}

static const moult_server nurse = {.size = sizeof(moult_server), .init = nurse_init};
#endif

static const moult_child children[] = {
    {.id = "queen", .server = &hive, .name = "queen"},
    {.id = "drone", .server = &hive, .name = "drone"},
    {.id = "tasks", .server = &moult_task_supervisor, .name = "tasks"},
#ifdef EXTRA
    {.id = "nurse", .server = &nurse},
#endif
    {.id = NULL}};

MOULT_PLUGIN(.description = "spawns", .children = children);
