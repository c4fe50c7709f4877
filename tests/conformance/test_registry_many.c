/* SPDX-License-Identifier: Apache-2.0 */
/* Many keys, many processes, and what they cost. */
#include "registry_fixture.h"

/* -- what an actor does to it -- */

static void quit(struct process *p, void *context)
{
    process_exit(p, MOULT_NORMAL, NULL);
}

/* -- hibernating -- */

static moult_next sleep_on(moult_ctx *ctx, void *state, const moult_from *from,
                           moult_in *request, moult_out *reply)
{
    return moult_with_hibernate(register_or_stop(ctx, state, from, request, reply));
}

static const moult_server sleeper = {.size = sizeof(moult_server),
                                     .handle_call = sleep_on};

static void who_hibernates_stays_registered_until_it_ends(void **state)
{
    moult_pid rooms = open_with(NULL), pid = serve(&sleeper);

    assert_int_equal(ask_word(pid, "register", NULL), 0);
    workers_settle();
    assert_true(moult_pid_equal(moult_whereis("via:rooms:lobby"), pid));
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
    assert_int_equal(moult_registry_count(rooms), 0);
}

/* -- memory -- */

#define HEAP 100000u

/* Each in turn under the numbers from 24 to 255, which are two bytes. */
static int register_numbers(moult_ctx *ctx, unsigned count, bool comes)
{
    static const uint8_t text[403] = {0x59, 400 / 256, 400 % 256}; /* 400 bytes */
    moult_in value = moult_in_over(text, sizeof(text));
    int error = 0;

    for (unsigned i = 0; i < count && !error; i++) {
        uint8_t bytes[2] = {0x18, (uint8_t)(24 + i)};
        moult_in key = moult_in_over(bytes, 2);
        moult_pid rooms = moult_whereis("rooms");

        error = comes ? moult_registry_register(ctx, rooms, &key, &value, NULL)
                      : moult_registry_unregister(ctx, rooms, &key);
    }
    return error;
}

static moult_next hoard(moult_ctx *ctx, void *state, const moult_from *from,
                        moult_in *request, moult_out *reply)
{
    bool too_many = moult_match(request, "too many");
    int error = 0;

    if (too_many)
        error = register_numbers(ctx, 232, true);
    for (int i = 0; i < 20 && !too_many; i++) {
        check(register_numbers(ctx, 100, true) == 0);
        check(register_numbers(ctx, 100, false) == 0);
    }
    if (error)
        return moult_refuse(ctx, error, "refused");
    moult_put_int(reply, 1);
    return moult_reply();
}

static const moult_server hoarder = {.size = sizeof(moult_server),
                                     .handle_call = hoard};

static void entries_count_to_max_heap_until_they_are_gone(void **state)
{
    moult_pid rooms = open_with("{\"keys\": \"duplicate\"}");
    struct started s = serve_child(parent(), &hoarder,
                                   (moult_child){.id = "hoarder", .max_heap = HEAP});

    assert_int_equal(ask_word(s.pid, "come and go", NULL), 0);
    assert_int_equal(ask_word(s.pid, "too many", NULL), -ENOMEM);
    assert_gone(s.pid);
    assert_int_equal(moult_registry_count(rooms), 0);
}

/* -- many -- */

struct crowd {
    moult_pid registry;
    int64_t count;
};

static moult_in number(struct process *p, moult_out *draft, int64_t n)
{
    out_reset(draft);
    moult_put_int(draft, n);
    return moult_draft_in(draft);
}

static void enrol_many(struct process *p, void *context)
{
    const struct crowd *c = context;
    moult_out *draft = moult_draft(&p->ctx);

    for (int64_t i = 0; i < c->count; i++) {
        moult_in key = number(p, draft, i);

        check(moult_registry_register(&p->ctx, c->registry, &key, &key, NULL) == 0);
    }
    for (int64_t i = 0; i < c->count; i++) {
        moult_in key = number(p, draft, i);

        check(moult_pid_equal(moult_whereis_via(c->registry, &key), process_pid(p)));
    }
}

static void a_process_with_100000_keys_gives_all_back(void **state)
{
    struct crowd c = {open_with("{\"partitions\": 2}"), 100000};
    moult_pid a = actor(false), b = actor(false);

    assert_int_equal(actor_do(a, enrol_many, &c), 0);
    assert_int_equal(moult_registry_count(c.registry), c.count);
    end_actor(a);
    assert_int_equal(moult_registry_count(c.registry), 0);
    assert_int_equal(actor_do(b, enrol_many, &c), 0); /* all are free again */
}

static void leave_news(struct process *p, void *context)
{
    const struct crowd *c = context;
    moult_in key = moult_text_key(&p->ctx, "news");

    check(moult_registry_unregister(&p->ctx, c->registry, &key) == 0);
}

static void join_news(struct process *p, void *context)
{
    const struct crowd *c = context;
    moult_in key = moult_text_key(&p->ctx, "news");

    check(moult_registry_register(&p->ctx, c->registry, &key, NULL, NULL) == 0);
}

/* Were leaving a walk over the members, this would be 4 x 10^8 steps. */
static void the_busiest_key_is_joined_and_left_at_once(void **state)
{
    struct crowd c = {open_with("{\"keys\": \"duplicate\"}"), many(20000)};
    moult_pid *pids = calloc((size_t)c.count, sizeof(*pids));

    for (int64_t i = 0; i < c.count; i++) {
        pids[i] = actor(false);
        actor_post(pids[i], join_news, &c);
    }
    workers_settle();
    assert_int_equal(moult_registry_count(c.registry), c.count);
    for (int64_t i = c.count - 1; i >= 0; i--)
        actor_post(pids[i], i % 2 ? leave_news : quit, &c);
    workers_settle();
    assert_int_equal(moult_registry_count(c.registry), 0);
    free(pids);
}

/* -- on all cores -- */

struct race {
    moult_pid registry;
    _Atomic unsigned winners, losers;
};

static void run_for_it(struct process *p, void *context)
{
    struct race *r = context;
    moult_in key = moult_text_key(&p->ctx, "prize");
    moult_pid holder;
    int error = moult_registry_register(&p->ctx, r->registry, &key, NULL, &holder);

    check(error == 0 || (error == -EEXIST && holder.bits));
    atomic_fetch_add(error ? &r->losers : &r->winners, 1);
}

static void of_many_at_once_one_gets_the_key(void **state)
{
    enum { RUNNERS = 20 };
    moult_pid rooms = open_with(NULL), runners[RUNNERS];

    for (unsigned n = 0; n < many(100); n++) {
        struct race r = {.registry = rooms};

        for (int i = 0; i < RUNNERS; i++) {
            runners[i] = actor(false);
            actor_post(runners[i], run_for_it, &r);
        }
        for (int i = 0; i < RUNNERS; i++)
            actor_seen(runners[i]); /* it has run */
        assert_int_equal(r.winners, 1);
        assert_int_equal(r.losers, RUNNERS - 1);
        for (int i = 0; i < RUNNERS; i++)
            end_actor(runners[i]);
    }
}

/* Comes and goes under one key with a value that says who it is. */
static void churn(struct process *p, void *context)
{
    const struct crowd *c = context;

    for (int64_t i = 0; i < c->count; i++) {
        moult_out *draft = moult_draft(&p->ctx);
        moult_in key = moult_text_key(&p->ctx, "news"), value;

        moult_put_pid(draft, process_pid(p));
        value = moult_draft_in(draft);
        check(moult_registry_register(&p->ctx, c->registry, &key, &value, NULL) == 0);
        check(moult_registry_unregister(&p->ctx, c->registry, &key) == 0);
        draft_drop(p, draft);
    }
}

static void look_at_it(struct process *p, void *context)
{
    const struct crowd *c = context;

    for (int64_t i = 0; i < c->count; i++) {
        moult_in key = moult_text_key(&p->ctx, "news"), list;

        check(moult_registry_lookup(&p->ctx, c->registry, &key, &list) == 0);
        for (size_t left = moult_get_array(&list); left > 0; left--) {
            moult_pid pid;

            check(moult_get_array(&list) == 2);
            pid = moult_get_pid(&list);
            check(moult_pid_equal(pid, moult_get_pid(&list)));
        }
        check(!list.error);
        drafts_drop(p);
    }
}

static void readers_see_whole_entries_while_others_write(void **state)
{
    struct crowd c = {open_with("{\"keys\": \"duplicate\", \"partitions\": 2}"),
                      many(5000)};
    moult_pid writers[4];

    for (unsigned i = 0; i < 4; i++) {
        writers[i] = actor(false);
        actor_post(writers[i], churn, &c);
    }
    assert_int_equal(actor_do(actor(false), look_at_it, &c), 0);
    for (unsigned i = 0; i < 4; i++)
        actor_seen(writers[i]);
    assert_int_equal(moult_registry_count(c.registry), 0);
}

static void enrol_once(struct process *p, void *context)
{
    const struct crowd *c = context;
    moult_out *draft = moult_draft(&p->ctx);
    moult_in key;

    moult_put_pid(draft, process_pid(p));
    key = moult_draft_in(draft);
    moult_registry_register(&p->ctx, c->registry, &key, NULL, NULL); /* or it ended */
}

static void a_registry_may_end_while_others_register(void **state)
{
    for (unsigned n = 0; n < many(50); n++) {
        struct crowd c = {open_with("{\"partitions\": 2}"), 0};
        moult_pid pids[20];

        for (unsigned i = 0; i < 20; i++) {
            pids[i] = actor(i % 2);
            actor_post(pids[i], enrol_once, &c);
            if (i == 10)
                signal_exit(NULL, c.registry, MOULT_KILL, NULL);
        }
        end_actor(c.registry);
        for (unsigned i = 1; i < 20; i += 2)
            actor_seen(pids[i]);
    }
}

#define ALL(f) cmocka_unit_test_setup_teardown(f, two_workers, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(who_hibernates_stays_registered_until_it_ends),
        ONE(entries_count_to_max_heap_until_they_are_gone),
        BOTH(a_process_with_100000_keys_gives_all_back),
        ONE(the_busiest_key_is_joined_and_left_at_once),
        ALL(of_many_at_once_one_gets_the_key),
        ALL(readers_see_whole_entries_while_others_write),
        ALL(a_registry_may_end_while_others_register),
    };

    return cmocka_run_group_tests_name("registry_many", tests, NULL, NULL);
}
