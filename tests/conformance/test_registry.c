/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "json.h"
#include "name.h"
#include "registry_server.h"

#define FOUND_MAX 64u

/* -- a registry -- */

struct opening {
    const char *name;
    const char *args; /* JSON */
    struct started started;
};

static void start_registry(struct process *p, void *context)
{
    struct opening *o = context;
    json_t *json = json_loads(o->args ? o->args : "null", JSON_DECODE_ANY, NULL);
    moult_child child = {.id = "registry"};
    struct server_spec spec = {.code = code_of_child(&moult_registry, child),
                               .id = "registry",
                               .name = o->name};
    moult_out args;

    out_init(&args, NULL, 0);
    json_to_cbor(json, &args, NULL);
    spec.args = args.bytes;
    spec.args_len = args.len;
    o->started.error = server_start(p, &spec, &o->started.pid);
    if (o->started.error)
        snprintf(o->started.text, sizeof(o->started.text), "%s",
                 moult_call_text(&p->ctx));
    out_release(&args);
    json_decref(json);
}

static moult_pid open_as(const char *name, const char *args)
{
    struct opening o = {.name = name, .args = args};

    assert_int_equal(actor_do(starter(), start_registry, &o), 0);
    assert_int_equal(o.started.error, 0);
    return o.started.pid;
}

static moult_pid open_with(const char *args)
{
    return open_as("rooms", args);
}

/* -- what an actor does to it -- */

struct act {
    moult_pid registry;
    const char *key, *value; /* JSON; NULL: null */
    moult_pid owner;
    int error;
    moult_pid holder;
    unsigned count; /* of what was found */
    moult_pid pids[FOUND_MAX];
    char texts[FOUND_MAX][32]; /* as JSON */
};

static moult_in item(struct process *p, const char *text)
{
    json_t *json = json_loads(text ? text : "null", JSON_DECODE_ANY, NULL);
    moult_out *draft = moult_draft(&p->ctx);

    check(json);
    json_to_cbor(json, draft, NULL);
    json_decref(json);
    return moult_draft_in(draft);
}

static moult_in number_item(struct process *p, int64_t n)
{
    moult_out *draft = moult_draft(&p->ctx);

    moult_put_int(draft, n);
    return moult_draft_in(draft);
}

static void note_text(struct act *a, moult_in *in)
{
    json_t *json = json_from_cbor(in, NULL);
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);

    check(a->count < FOUND_MAX);
    snprintf(a->texts[a->count++], sizeof(a->texts[0]), "%s", text);
    free(text);
    json_decref(json);
}

/* Lists of [pid, value], or of values or keys alone. */
static void note_list(struct act *a, moult_in list, bool pairs)
{
    if (a->error)
        return;
    for (size_t left = moult_get_array(&list); left > 0; left--) {
        if (pairs) {
            check(moult_get_array(&list) == 2);
            a->pids[a->count] = moult_get_pid(&list);
        }
        note_text(a, &list);
    }
    check(!list.error && list.at == list.end);
}

static void do_register(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), value = item(p, a->value);

    a->error = moult_registry_register(&p->ctx, a->registry, &key, &value, &a->holder);
}

static void do_unregister(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), value = item(p, a->value);

    a->error = a->value
                   ? moult_registry_unregister_match(&p->ctx, a->registry, &key, &value)
                   : moult_registry_unregister(&p->ctx, a->registry, &key);
}

static void do_update(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), value = item(p, a->value);

    a->error = moult_registry_update_value(&p->ctx, a->registry, &key, &value);
}

static void do_lookup(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), found = {0};

    a->error = moult_registry_lookup(&p->ctx, a->registry, &key, &found);
    note_list(a, found, true);
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

static void do_meta(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), found = {0};

    a->error = moult_registry_meta(&p->ctx, a->registry, &key, &found);
    if (!a->error)
        note_text(a, &found);
}

static void do_put_meta(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), value = item(p, a->value);

    a->error = a->value ? moult_registry_put_meta(a->registry, &key, &value)
                        : moult_registry_delete_meta(a->registry, &key);
}

/* `who` does `what` under `key`, with `value`. */
static struct act act(moult_pid who, job *what, moult_pid registry, const char *key,
                      const char *value)
{
    struct act a = {.registry = registry, .key = key, .value = value, .owner = who};

    assert_int_equal(actor_do(who, what, &a), 0);
    return a;
}

static int enrol(moult_pid who, moult_pid registry, const char *key, const char *value)
{
    return act(who, do_register, registry, key, value).error;
}

static unsigned found(moult_pid registry, const char *key)
{
    struct act a = act(starter(), do_lookup, registry, key, NULL);

    assert_int_equal(a.error, 0);
    return a.count;
}

static void quit(struct process *p, void *context)
{
    process_exit(p, MOULT_NORMAL, NULL);
}

/* Returns when this thread is told: a call that waits fails. */
static void end_actor(moult_pid pid)
{
    int error;

    signal_exit(NULL, pid, MOULT_KILL, NULL);
    error = ask_word(pid, "are you there", NULL);
    assert_true(error == -EOWNERDEAD || error == -ESRCH);
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

static moult_next echo(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    moult_put_null(reply);
    return moult_reply();
}

static const moult_server echo_server = {.size = sizeof(moult_server),
                                         .handle_call = echo};

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

static moult_next register_or_stop(moult_ctx *ctx, void *state, const moult_from *from,
                                   moult_in *request, moult_out *reply)
{
    moult_in key = moult_text_key(ctx, "lobby");

    if (moult_match(request, "stop"))
        return moult_stop_because(ctx, -EIO, "as told");
    moult_put_int(
        reply, moult_registry_register(ctx, moult_whereis("rooms"), &key, NULL, NULL));
    return moult_reply();
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

#define ONE(f)  cmocka_unit_test_setup_teardown(f, one_worker, workers_end)
#define BOTH(f) ONE(f), cmocka_unit_test_setup_teardown(f, two_workers, workers_end)
#define ALL(f)  cmocka_unit_test_setup_teardown(f, two_workers, workers_end)

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
        ONE(a_name_via_a_registry_is_a_name),
        ONE(whoever_registers_the_text_has_the_name),
        ONE(a_name_via_a_registry_is_refused_with_the_reason),
        BOTH(a_child_that_ignores_gives_its_key_back),
        ONE(any_key_has_a_whereis),
        BOTH(the_end_of_a_process_takes_all_its_entries),
        BOTH(who_is_told_of_an_end_finds_no_entry),
        ONE(the_end_of_a_registry_ends_who_is_in_it),
        ONE(a_registry_that_starts_again_is_empty),
        ONE(who_hibernates_stays_registered_until_it_ends),
        ONE(entries_count_to_max_heap_until_they_are_gone),
        ONE(options_that_cannot_be_are_named),
        ONE(a_registry_with_bad_options_does_not_start),
        BOTH(a_process_with_100000_keys_gives_all_back),
        ONE(the_busiest_key_is_joined_and_left_at_once),
        ALL(of_many_at_once_one_gets_the_key),
        ALL(readers_see_whole_entries_while_others_write),
        ALL(a_registry_may_end_while_others_register),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
