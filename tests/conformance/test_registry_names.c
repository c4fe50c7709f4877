/* SPDX-License-Identifier: Apache-2.0 */
/* Names via a registry, the ends of who is in it, and its options. */
#include "registry_fixture.h"

/* -- names -- */

static void a_name_via_a_registry_is_a_name(void **state)
{
    moult_pid rooms = open_with(NULL);
    struct started s = serve_as(&echo_server, "via:rooms:lobby:2");

    assert_int_equal(s.error, 0);
    assert_true(moult_pid_equal(moult_whereis("via:rooms:lobby:2"), s.pid));
    assert_int_equal(found(rooms, "\"lobby:2\""), 1);
    assert_int_equal(moult_whereis("via:rooms:lobby").bits, 0);
    assert_int_equal(moult_whereis("lobby:2").bits, 0);
    signal_exit(NULL, s.pid, MOULT_KILL, NULL);
    assert_gone(s.pid);
    assert_int_equal(moult_whereis("via:rooms:lobby:2").bits, 0);
}

static void whoever_registers_the_text_has_the_name(void **state)
{
    moult_pid rooms = open_with(NULL), a = actor(false);

    enrol(a, rooms, "\"lobby\"", "1");
    enrol(a, rooms, "5", "1");
    assert_true(moult_pid_equal(moult_whereis("via:rooms:lobby"), a));
    assert_int_equal(moult_whereis("via:rooms:5").bits, 0);
}

static void a_name_via_a_registry_is_refused_with_the_reason(void **state)
{
    struct started s;
    char expected[128], pid[PID_TEXT];

    open_with("{\"keys\": \"duplicate\"}");
    open_as("seats", NULL);
    s = serve_as(&echo_server, "via:nowhere:lobby");
    assert_int_equal(s.error, -ESRCH);
    assert_string_equal(
        s.text, "the name 'via:nowhere:lobby' is of a registry that is not there");
    s = serve_as(&echo_server, "via:rooms:lobby");
    assert_int_equal(s.error, -ENOTSUP);
    assert_string_equal(
        s.text,
        "the name 'via:rooms:lobby' is of a registry whose keys are not unique");
    assert_int_equal(serve_as(&echo_server, "via:seats:").error, -EINVAL);
    assert_int_equal(serve_as(&echo_server, "via:seats").error, -EINVAL);
    s = serve_as(&echo_server, "via:seats:1");
    snprintf(expected, sizeof(expected), "the name 'via:seats:1' is taken by %s",
             pid_print(s.pid, pid));
    s = serve_as(&echo_server, "via:seats:1");
    assert_int_equal(s.error, -EEXIST);
    assert_string_equal(s.text, expected);
}

static moult_next ignore(moult_ctx *ctx, void *state, moult_in *args)
{
    return moult_ignore();
}

static void a_child_that_ignores_gives_its_key_back(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server), .init = ignore};
    moult_pid rooms = open_with(NULL);
    struct started s = serve_as(&server, "via:rooms:lobby");

    assert_int_equal(s.error, 0);
    assert_int_equal(s.pid.bits, 0);
    assert_int_equal(found(rooms, "\"lobby\""), 0);
}

struct whereis {
    moult_pid registry, pid;
    int64_t key;
};

static void do_whereis(struct process *p, void *context)
{
    struct whereis *w = context;
    moult_in key = number_item(p, w->key);

    w->pid = moult_whereis_via(w->registry, &key);
}

static void any_key_has_a_whereis(void **state)
{
    moult_pid rooms = open_with("{\"partitions\": 7}"), a = actor(false);
    moult_pid topics = open_as("topics", "{\"keys\": \"duplicate\"}");
    struct whereis w = {.registry = rooms, .key = 5};

    enrol(a, rooms, "5", NULL);
    enrol(a, topics, "5", NULL);
    actor_do(a, do_whereis, &w);
    assert_true(moult_pid_equal(w.pid, a));
    w.key = 6;
    actor_do(a, do_whereis, &w);
    assert_int_equal(w.pid.bits, 0);
    w = (struct whereis){.registry = topics, .key = 5}; /* which of them? */
    actor_do(a, do_whereis, &w);
    assert_int_equal(w.pid.bits, 0);
}

/* -- ends -- */

static void the_end_of_a_process_takes_all_its_entries(void **state)
{
    moult_pid rooms = open_with("{\"partitions\": 4}"), a = actor(false),
              b = actor(false);
    moult_pid topics =
        open_as("topics", "{\"keys\": \"duplicate\", \"partitions\": 4}");

    enrol(a, rooms, "1", NULL);
    enrol(a, rooms, "2", NULL);
    enrol(a, topics, "1", NULL);
    enrol(a, topics, "1", NULL);
    enrol(b, topics, "1", NULL);
    end_actor(a);
    assert_int_equal(moult_registry_count(rooms), 0);
    assert_int_equal(moult_registry_count(topics), 1);
    assert_int_equal(enrol(b, rooms, "1", NULL), 0);
}

static const moult_server lodger = {.size = sizeof(moult_server),
                                    .handle_call = register_or_stop};

/* Call a server until it ends, and look: the name must be free, every time. */
static void outlive(struct process *p, void *context)
{
    moult_pid *pid = context;
    moult_out *request = moult_draft(&p->ctx);
    moult_in reply, key;

    moult_put_text(request, "register");
    check(moult_call(&p->ctx, *pid, request, 0, &reply) == 0);
    check(moult_get_int(&reply) == 0);
    check(moult_pid_equal(moult_whereis("via:rooms:lobby"), *pid));
    request = moult_draft(&p->ctx);
    moult_put_text(request, "stop");
    check(moult_call(&p->ctx, *pid, request, 0, NULL) == -EOWNERDEAD);
    check(moult_whereis("via:rooms:lobby").bits == 0);
    key = moult_text_key(&p->ctx, "lobby");
    check(moult_registry_register(&p->ctx, moult_whereis("rooms"), &key, NULL, NULL) ==
          0);
    check(moult_registry_unregister(&p->ctx, moult_whereis("rooms"), &key) == 0);
}

static void who_is_told_of_an_end_finds_no_entry(void **state)
{
    moult_pid witness = actor(false);

    open_with(NULL);
    for (unsigned i = 0; i < many(500); i++) {
        moult_pid pid = serve(&lodger);

        assert_int_equal(actor_do(witness, outlive, &pid), 0);
    }
}

static void the_end_of_a_registry_ends_who_is_in_it(void **state)
{
    moult_pid rooms = open_with("{\"partitions\": 2}"), in = actor(false),
              out = actor(false), traps = actor(true), left = actor(false);
    struct seen seen;

    enrol(in, rooms, "1", NULL);
    enrol(traps, rooms, "2", NULL);
    enrol(left, rooms, "3", NULL);
    act(left, do_unregister, rooms, "3", NULL);
    signal_exit(NULL, rooms, MOULT_KILL, NULL);
    assert_gone(rooms);
    assert_false(alive(in));
    assert_true(alive(out) && alive(left) && alive(traps));
    seen = actor_seen(traps);
    assert_int_equal(seen.exits, 1);
    assert_int_equal(seen.reason, MOULT_KILLED);
    assert_true(moult_pid_equal(seen.from, rooms));
}

static void a_registry_that_starts_again_is_empty(void **state)
{
    moult_pid rooms = open_with(NULL), a = actor(true), again;

    enrol(a, rooms, "1", NULL);
    act(a, do_put_meta, rooms, "1", "1");
    signal_exit(NULL, rooms, MOULT_KILL, NULL);
    assert_gone(rooms);
    assert_int_equal(act(a, do_lookup, rooms, "1", NULL).error, -ESRCH);
    again = open_with(NULL);
    assert_int_equal(moult_registry_count(again), 0);
    assert_int_equal(act(a, do_meta, again, "1", NULL).error, -ENOENT);
    assert_int_equal(enrol(a, again, "1", NULL), 0);
    end_actor(a);
    assert_int_equal(moult_registry_count(again), 0);
}

/* -- options -- */

static void assert_refused(const char *args, const char *text)
{
    json_t *json = json_loads(args, JSON_DECODE_ANY, NULL);
    struct registry_spec spec;
    struct fault why = {0};
    moult_out out;

    out_init(&out, NULL, 0);
    json_to_cbor(json, &out, NULL);
    assert_int_equal(registry_options(out_read(&out), &spec, &why), -EINVAL);
    assert_string_equal(why.text, text);
    out_release(&out);
    json_decref(json);
}

static void options_that_cannot_be_are_named(void **state)
{
    assert_refused("5", "a registry's args are a map of options");
    assert_refused("{\"key\": \"unique\"}",
                   "'key' is no option of a registry, which are keys, partitions, "
                   "partition_by and listeners");
    assert_refused("{\"keys\": \"many\"}",
                   "a registry's keys are \"unique\" or \"duplicate\"");
    assert_refused("{\"partitions\": 0}",
                   "a registry's partitions are an integer from 1 to 1024");
    assert_refused("{\"partitions\": 1025}",
                   "a registry's partitions are an integer from 1 to 1024");
    assert_refused("{\"keys\": \"duplicate\", \"partition_by\": 1}",
                   "a registry's partition_by is \"pid\" or \"key\"");
    assert_refused("{\"partition_by\": \"key\"}",
                   "a registry's partition_by is for duplicate keys: unique ones are "
                   "always by key");
    assert_refused("{\"listeners\": \"ear\"}",
                   "a registry's listeners are an array of names");
    assert_refused("{\"listeners\": [\"ear\", \"\"]}",
                   "listener 1 of a registry is no name of 1 to 255 bytes");
}

static void a_registry_with_bad_options_does_not_start(void **state)
{
    struct opening o = {.name = "rooms", .args = "{\"keys\": \"some\"}"};

    assert_int_equal(actor_do(starter(), start_registry, &o), 0);
    assert_int_equal(o.started.error, -EOWNERDEAD);
    assert_string_equal(o.started.text,
                        "a registry's keys are \"unique\" or \"duplicate\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_name_via_a_registry_is_a_name),
        ONE(whoever_registers_the_text_has_the_name),
        ONE(a_name_via_a_registry_is_refused_with_the_reason),
        BOTH(a_child_that_ignores_gives_its_key_back),
        ONE(any_key_has_a_whereis),
        BOTH(the_end_of_a_process_takes_all_its_entries),
        BOTH(who_is_told_of_an_end_finds_no_entry),
        ONE(the_end_of_a_registry_ends_who_is_in_it),
        ONE(a_registry_that_starts_again_is_empty),
        ONE(options_that_cannot_be_are_named),
        ONE(a_registry_with_bad_options_does_not_start),
    };

    return cmocka_run_group_tests_name("registry_names", tests, NULL, NULL);
}
