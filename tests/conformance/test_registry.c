/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"

/* -- what an actor does to it -- */

static void do_update(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), value = item(p, a->value);

    a->error = moult_registry_update_value(&p->ctx, a->registry, &key, &value);
}

static bool is_above(moult_pid pid, moult_in value, void *context)
{
    return moult_get_int(&value) > *(const int64_t *)context;
}

static void do_match(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), found = {0};
    int64_t least = 10;

    a->error =
        moult_registry_match(&p->ctx, a->registry, &key, is_above, &least, &found);
    note_list(a, found, true);
}

static void do_keys(struct process *p, void *context)
{
    struct act *a = context;
    moult_in found = {0};

    a->error = moult_registry_keys(&p->ctx, a->registry, a->owner, &found);
    note_list(a, found, false);
}

static void do_values(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), found = {0};

    a->error = moult_registry_values(&p->ctx, a->registry, &key, a->owner, &found);
    note_list(a, found, false);
}

/* -- keys -- */

static void a_unique_key_has_one_process(void **state)
{
    moult_pid rooms = open_with(NULL), a = actor(false), b = actor(false);
    struct act again;

    assert_int_equal(enrol(a, rooms, "\"lobby\"", "1"), 0);
    again = act(b, do_register, rooms, "\"lobby\"", "2");
    assert_int_equal(again.error, -EEXIST);
    assert_true(moult_pid_equal(again.holder, a));
    again = act(a, do_register, rooms, "\"lobby\"", "3");
    assert_int_equal(again.error, -EEXIST);
    assert_true(moult_pid_equal(again.holder, a));
    again = act(b, do_lookup, rooms, "\"lobby\"", NULL);
    assert_int_equal(again.count, 1);
    assert_true(moult_pid_equal(again.pids[0], a));
    assert_string_equal(again.texts[0], "1");
}

static void a_duplicate_key_has_many_in_the_order_they_came(void **state)
{
    moult_pid rooms = open_with("{\"keys\": \"duplicate\"}"), a = actor(false),
              b = actor(false);
    struct act all;

    assert_int_equal(enrol(a, rooms, "\"lobby\"", "1"), 0);
    assert_int_equal(enrol(b, rooms, "\"lobby\"", "2"), 0);
    assert_int_equal(enrol(a, rooms, "\"lobby\"", "3"), 0); /* as often as it likes */
    all = act(b, do_lookup, rooms, "\"lobby\"", NULL);
    assert_int_equal(all.count, 3);
    assert_string_equal(all.texts[0], "1");
    assert_string_equal(all.texts[1], "2");
    assert_string_equal(all.texts[2], "3");
    assert_true(moult_pid_equal(all.pids[0], a));
    assert_true(moult_pid_equal(all.pids[1], b));
    assert_true(moult_pid_equal(all.pids[2], a));
}

static void keys_are_told_apart_by_their_bytes(void **state)
{
    static const char *const keys[] = {"1",     "1.0",       "\"1\"", "null",
                                       "[1,2]", "{\"a\":1}", "[2,1]", "true"};
    const unsigned count = sizeof(keys) / sizeof(*keys);
    moult_pid rooms = open_with("{\"partitions\": 3}"), a = actor(false);

    for (unsigned i = 0; i < count; i++)
        assert_int_equal(enrol(a, rooms, keys[i], keys[i]), 0);
    assert_int_equal(moult_registry_count(rooms), count);
    for (unsigned i = 0; i < count; i++) {
        struct act one = act(a, do_lookup, rooms, keys[i], NULL);

        assert_int_equal(one.count, 1);
        assert_string_equal(one.texts[0], keys[i]);
    }
}

static void a_key_that_nobody_has_is_an_empty_list(void **state)
{
    assert_int_equal(found(open_with(NULL), "\"lobby\""), 0);
}

static void what_is_no_registry_is_said(void **state)
{
    moult_pid a = actor(false);

    assert_int_equal(enrol(a, a, "1", NULL), -ESRCH);
    assert_int_equal(act(a, do_unregister, a, "1", NULL).error, -ESRCH);
    assert_int_equal(act(a, do_lookup, a, "1", NULL).error, -ESRCH);
    assert_int_equal(act(a, do_keys, a, "1", NULL).error, -ESRCH);
    assert_int_equal(act(a, do_update, a, "1", "1").error, -ESRCH);
    assert_int_equal(act(a, do_meta, a, "1", NULL).error, -ESRCH);
    assert_int_equal(act(a, do_put_meta, a, "1", "1").error, -ESRCH);
    assert_int_equal(moult_registry_count(a), 0);
}

static void misread(struct process *p, void *context)
{
    struct act *a = context;
    moult_in none = moult_in_over("", 0), key = item(p, "1"), list;

    check(moult_registry_register(&p->ctx, a->registry, &none, &key, NULL) == -EBADMSG);
    check(moult_registry_register(&p->ctx, a->registry, &key, &none, NULL) == -EBADMSG);
    check(moult_registry_register(&p->ctx, a->registry, NULL, NULL, NULL) == -EBADMSG);
    check(moult_registry_lookup(&p->ctx, a->registry, &none, &list) == -EBADMSG);
    check(moult_registry_register(&p->ctx, a->registry, &key, NULL, NULL) == 0);
}

static void a_cursor_without_an_item_is_no_key_and_no_value(void **state)
{
    moult_pid rooms = open_with(NULL), a = actor(false);

    act(a, misread, rooms, NULL, NULL);
    assert_int_equal(moult_registry_count(rooms), 1);
}

/* -- unregistering -- */

static void unregister_takes_all_of_its_own_under_the_key(void **state)
{
    moult_pid rooms = open_with("{\"keys\": \"duplicate\", \"partitions\": 2}"),
              a = actor(false), b = actor(false);

    enrol(a, rooms, "1", "1");
    enrol(a, rooms, "1", "2");
    enrol(a, rooms, "2", "3");
    enrol(b, rooms, "1", "4");
    assert_int_equal(act(a, do_unregister, rooms, "1", NULL).error, 0);
    assert_int_equal(found(rooms, "1"), 1);
    assert_int_equal(found(rooms, "2"), 1);
    assert_int_equal(act(a, do_unregister, rooms, "1", NULL).error, 0); /* none left */
    assert_int_equal(act(a, do_unregister, rooms, "2", NULL).error, 0);
    assert_int_equal(moult_registry_count(rooms), 1);
    assert_int_equal(enrol(a, rooms, "1", "5"), 0);
    assert_int_equal(found(rooms, "1"), 2);
}

static void unregister_leaves_others_registered(void **state)
{
    moult_pid rooms = open_with(NULL), a = actor(false), b = actor(false);

    enrol(a, rooms, "1", NULL);
    assert_int_equal(act(b, do_unregister, rooms, "1", NULL).error, 0);
    assert_int_equal(found(rooms, "1"), 1);
}

static void unregister_match_takes_what_has_the_value(void **state)
{
    moult_pid rooms = open_with("{\"keys\": \"duplicate\"}"), a = actor(false);
    struct act left;

    enrol(a, rooms, "1", "\"x\"");
    enrol(a, rooms, "1", "\"y\"");
    enrol(a, rooms, "1", "\"x\"");
    assert_int_equal(act(a, do_unregister, rooms, "1", "\"x\"").error, 0);
    left = act(a, do_lookup, rooms, "1", NULL);
    assert_int_equal(left.count, 1);
    assert_string_equal(left.texts[0], "\"y\"");
}

/* -- values -- */

static void match_finds_those_that_fit(void **state)
{
    moult_pid rooms = open_with("{\"keys\": \"duplicate\"}"), a = actor(false);
    struct act fits;

    enrol(a, rooms, "1", "5");
    enrol(a, rooms, "1", "50");
    enrol(a, rooms, "1", "7");
    enrol(a, rooms, "1", "11");
    enrol(a, rooms, "2", "99");
    fits = act(a, do_match, rooms, "1", NULL);
    assert_int_equal(fits.count, 2);
    assert_string_equal(fits.texts[0], "50");
    assert_string_equal(fits.texts[1], "11");
}

static void keys_and_values_are_those_of_one_process(void **state)
{
    moult_pid rooms = open_with("{\"keys\": \"duplicate\", \"partitions\": 4,"
                                " \"partition_by\": \"key\"}"),
              a = actor(false), b = actor(false);
    struct act of_a = {.registry = rooms, .key = "1", .owner = a};

    enrol(a, rooms, "1", "10");
    enrol(b, rooms, "1", "20");
    enrol(a, rooms, "1", "30");
    enrol(a, rooms, "\"z\"", "40");
    assert_int_equal(actor_do(b, do_values, &of_a), 0); /* asked by another */
    assert_int_equal(of_a.count, 2);
    assert_string_equal(of_a.texts[0], "10");
    assert_string_equal(of_a.texts[1], "30");
    assert_int_equal(act(a, do_keys, rooms, NULL, NULL).count, 3);
    assert_int_equal(act(b, do_keys, rooms, NULL, NULL).count, 1);
    assert_int_equal(act(starter(), do_keys, rooms, NULL, NULL).count, 0);
}

static void update_value_is_for_its_own_unique_key(void **state)
{
    moult_pid rooms = open_with(NULL), a = actor(false), b = actor(false);
    moult_pid topics = open_as("topics", "{\"keys\": \"duplicate\"}");

    enrol(a, rooms, "1", "10");
    enrol(a, topics, "1", "10");
    assert_int_equal(act(a, do_update, rooms, "1", "[1,2,3]").error, 0);
    assert_string_equal(act(b, do_lookup, rooms, "1", NULL).texts[0], "[1,2,3]");
    assert_string_equal(act(a, do_values, rooms, "1", NULL).texts[0], "[1,2,3]");
    assert_int_equal(act(b, do_update, rooms, "1", "11").error, -ENOENT);
    assert_int_equal(act(a, do_update, rooms, "2", "11").error, -ENOENT);
    assert_int_equal(act(a, do_update, topics, "1", "11").error, -ENOTSUP);
    assert_int_equal(moult_registry_count(rooms), 1);
}

static void do_fill_meta(struct process *p, void *context)
{
    struct act *a = context;

    do {
        moult_in key = number_item(p, a->count);

        a->error = moult_registry_put_meta(a->registry, &key, &key);
        a->count += !a->error;
    } while (!a->error);
}

static void metadata_has_1024_keys_at_most(void **state)
{
    moult_pid rooms = open_with(NULL), a = actor(false);
    struct act filled = act(a, do_fill_meta, rooms, NULL, NULL);

    assert_int_equal(filled.error, -ENOSPC);
    assert_int_equal(filled.count, 1024);
    assert_int_equal(act(a, do_put_meta, rooms, "5", "6").error, 0); /* it is there */
    act(a, do_put_meta, rooms, "5", NULL);
    assert_int_equal(act(a, do_put_meta, rooms, "\"one more\"", "6").error, 0);
    assert_int_equal(act(a, do_put_meta, rooms, "5", "6").error, -ENOSPC);
}

static void metadata_is_the_registrys_and_not_an_entry(void **state)
{
    moult_pid rooms = open_with(NULL), a = actor(false), b = actor(false);

    assert_int_equal(act(a, do_meta, rooms, "\"limit\"", NULL).error, -ENOENT);
    assert_int_equal(act(a, do_put_meta, rooms, "\"limit\"", "5").error, 0);
    assert_int_equal(act(b, do_put_meta, rooms, "\"limit\"", "6").error, 0);
    end_actor(b); /* it does not go with who put it */
    assert_string_equal(act(a, do_meta, rooms, "\"limit\"", NULL).texts[0], "6");
    assert_int_equal(found(rooms, "\"limit\""), 0);
    assert_int_equal(moult_registry_count(rooms), 0);
    assert_int_equal(act(a, do_put_meta, rooms, "\"limit\"", NULL).error, 0);
    assert_int_equal(act(a, do_meta, rooms, "\"limit\"", NULL).error, -ENOENT);
    assert_int_equal(act(a, do_put_meta, rooms, "\"limit\"", NULL).error, 0);
}

/* -- dispatch -- */

struct dispatched {
    moult_pid registry, server;
    unsigned times, entries;
    int64_t sum;
    int error;
};

static void on_dispatch(moult_ctx *ctx, const moult_registry_entry *entries,
                        size_t count, void *context)
{
    struct dispatched *d = context;

    check(count > 0);
    d->times++;
    for (size_t i = 0; i < count; i++) {
        moult_in value = entries[i].value;

        d->entries++;
        d->sum += moult_get_int(&value);
        moult_send(ctx, entries[i].pid, moult_draft(ctx));
    }
    if (d->server.bits) /* it may wait */
        check(moult_call(ctx, d->server, moult_draft(ctx), 0, NULL) == 0);
}

static void do_dispatch(struct process *p, void *context)
{
    struct dispatched *d = context;
    moult_in key = moult_text_key(&p->ctx, "news");

    d->error = moult_registry_dispatch(&p->ctx, d->registry, &key, on_dispatch, d);
}

static struct dispatched dispatch(moult_pid who, moult_pid registry, moult_pid server)
{
    struct dispatched d = {.registry = registry, .server = server};

    assert_int_equal(actor_do(who, do_dispatch, &d), 0);
    assert_int_equal(d.error, 0);
    return d;
}

static void dispatch_publishes_to_all_under_a_key(void **state)
{
    moult_pid topics = open_with("{\"keys\": \"duplicate\"}"), a = actor(false),
              b = actor(false), other = actor(false);
    struct dispatched d;

    enrol(a, topics, "\"news\"", "1");
    enrol(b, topics, "\"news\"", "2");
    enrol(other, topics, "\"weather\"", "4");
    d = dispatch(actor(false), topics, (moult_pid){0});
    assert_int_equal(d.times, 1);
    assert_int_equal(d.entries, 2);
    assert_int_equal(d.sum, 3);
    assert_int_equal(actor_seen(a).infos, 1);
    assert_int_equal(actor_seen(b).infos, 1);
    assert_int_equal(actor_seen(other).infos, 0);
}

static void dispatch_runs_in_the_caller_which_may_wait(void **state)
{
    moult_pid topics = open_with("{\"keys\": \"duplicate\", \"partitions\": 5}"),
              a = actor(false);

    enrol(a, topics, "\"news\"", "1");
    assert_int_equal(dispatch(a, topics, serve(&echo_server)).times, 1);
}

static void dispatch_to_nobody_calls_nothing(void **state)
{
    moult_pid topics = open_with("{\"keys\": \"duplicate\", \"partitions\": 5}");

    assert_int_equal(dispatch(actor(false), topics, (moult_pid){0}).times, 0);
}

static void dispatch_is_once_for_each_partition_that_has_some(void **state)
{
    moult_pid topics = open_with("{\"keys\": \"duplicate\", \"partitions\": 2}");
    moult_pid by_key = open_as("by_key", "{\"keys\": \"duplicate\", \"partitions\": 2,"
                                         " \"partition_by\": \"key\"}");
    struct dispatched d;

    for (unsigned i = 0; i < 40; i++) { /* in one of two alone by a chance of 2^-39 */
        moult_pid a = actor(false);

        enrol(a, topics, "\"news\"", "1");
        enrol(a, by_key, "\"news\"", "1");
    }
    d = dispatch(actor(false), topics, (moult_pid){0});
    assert_int_equal(d.times, 2);
    assert_int_equal(d.entries, 40);
    d = dispatch(actor(false), by_key, (moult_pid){0});
    assert_int_equal(d.times, 1);
    assert_int_equal(d.entries, 40);
    assert_int_equal(found(topics, "\"news\""), 40);
}

/* -- listeners -- */

static struct {
    unsigned registers, unregisters;
    moult_pid pid;
    int64_t value;
    char registry[32], key[32];
} heard;

static void copy_text(moult_in *map, const char *key, char to[32])
{
    moult_in in;
    const char *text;
    size_t len;

    check(moult_find(map, key, &in));
    text = moult_get_text(&in, &len);
    snprintf(to, 32, "%.*s", (int)len, text);
}

static moult_next listen(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_in what, in;

    if (moult_match_map(message, "register", &what)) {
        heard.registers++;
        heard.value = moult_int_at(&what, "value");
    } else {
        check(moult_match_map(message, "unregister", &what));
        check(!moult_find(&what, "value", &in));
        heard.unregisters++;
    }
    check(moult_find(&what, "pid", &in));
    heard.pid = moult_get_pid(&in);
    copy_text(&what, "registry", heard.registry);
    copy_text(&what, "key", heard.key);
    return moult_noreply();
}

static void listeners_hear_of_registering_and_not_of_ends(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server),
                                        .handle_info = listen};
    moult_pid rooms = open_with("{\"listeners\": [\"nobody\", \"ear\"]}"),
              a = actor(false);

    memset(&heard, 0, sizeof(heard));
    assert_int_equal(serve_as(&server, "ear").error, 0);
    enrol(a, rooms, "\"lobby\"", "7");
    workers_settle();
    assert_int_equal(heard.registers, 1);
    assert_int_equal(heard.value, 7);
    assert_string_equal(heard.registry, "rooms");
    assert_string_equal(heard.key, "lobby");
    assert_true(moult_pid_equal(heard.pid, a));
    act(a, do_unregister, rooms, "\"lobby\"", NULL);
    act(a, do_unregister, rooms, "\"lobby\"", NULL); /* nothing to tell */
    workers_settle();
    assert_int_equal(heard.unregisters, 1);
    enrol(a, rooms, "\"lobby\"", "8");
    end_actor(a);
    workers_settle();
    assert_int_equal(heard.registers, 2);
    assert_int_equal(heard.unregisters, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_unique_key_has_one_process),
        ONE(a_duplicate_key_has_many_in_the_order_they_came),
        ONE(keys_are_told_apart_by_their_bytes),
        ONE(a_key_that_nobody_has_is_an_empty_list),
        ONE(what_is_no_registry_is_said),
        ONE(a_cursor_without_an_item_is_no_key_and_no_value),
        ONE(unregister_takes_all_of_its_own_under_the_key),
        ONE(unregister_leaves_others_registered),
        ONE(unregister_match_takes_what_has_the_value),
        ONE(match_finds_those_that_fit),
        ONE(keys_and_values_are_those_of_one_process),
        ONE(update_value_is_for_its_own_unique_key),
        ONE(metadata_is_the_registrys_and_not_an_entry),
        ONE(metadata_has_1024_keys_at_most),
        ONE(dispatch_publishes_to_all_under_a_key),
        BOTH(dispatch_runs_in_the_caller_which_may_wait),
        ONE(dispatch_to_nobody_calls_nothing),
        BOTH(dispatch_is_once_for_each_partition_that_has_some),
        ONE(listeners_hear_of_registering_and_not_of_ends),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
