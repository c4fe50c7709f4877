/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_fixture - a registry, and actors that register.
 */
#ifndef MOULT_REGISTRY_FIXTURE_H
#define MOULT_REGISTRY_FIXTURE_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "json.h"
#include "name.h"
#include "registry_server.h"

#define FOUND_MAX 64u

struct opening {
    const char *name;
    const char *args; /* JSON */
    struct started started;
};

static inline void start_registry(struct process *p, void *context)
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

static inline moult_pid open_as(const char *name, const char *args)
{
    struct opening o = {.name = name, .args = args};

    assert_int_equal(actor_do(starter(), start_registry, &o), 0);
    assert_int_equal(o.started.error, 0);
    return o.started.pid;
}

static inline moult_pid open_with(const char *args)
{
    return open_as("rooms", args);
}

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

static inline moult_in item(struct process *p, const char *text)
{
    json_t *json = json_loads(text ? text : "null", JSON_DECODE_ANY, NULL);
    moult_out *draft = moult_draft(&p->ctx);

    check(json);
    json_to_cbor(json, draft, NULL);
    json_decref(json);
    return moult_draft_in(draft);
}

static inline moult_in number_item(struct process *p, int64_t n)
{
    moult_out *draft = moult_draft(&p->ctx);

    moult_put_int(draft, n);
    return moult_draft_in(draft);
}

static inline void note_text(struct act *a, moult_in *in)
{
    json_t *json = json_from_cbor(in, NULL);
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);

    check(a->count < FOUND_MAX);
    snprintf(a->texts[a->count++], sizeof(a->texts[0]), "%s", text);
    free(text);
    json_decref(json);
}

/* Lists of [pid, value], or of values or keys alone. */
static inline void note_list(struct act *a, moult_in list, bool pairs)
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

static inline void do_register(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), value = item(p, a->value);

    a->error = moult_registry_register(&p->ctx, a->registry, &key, &value, &a->holder);
}

static inline void do_unregister(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), value = item(p, a->value);

    a->error = a->value
                   ? moult_registry_unregister_match(&p->ctx, a->registry, &key, &value)
                   : moult_registry_unregister(&p->ctx, a->registry, &key);
}

static inline void do_lookup(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), found = {0};

    a->error = moult_registry_lookup(&p->ctx, a->registry, &key, &found);
    note_list(a, found, true);
}

static inline void do_meta(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), found = {0};

    a->error = moult_registry_meta(&p->ctx, a->registry, &key, &found);
    if (!a->error)
        note_text(a, &found);
}

static inline void do_put_meta(struct process *p, void *context)
{
    struct act *a = context;
    moult_in key = item(p, a->key), value = item(p, a->value);

    a->error = a->value ? moult_registry_put_meta(a->registry, &key, &value)
                        : moult_registry_delete_meta(a->registry, &key);
}

/* `who` does `what` under `key`, with `value`. */
static inline struct act act(moult_pid who, job *what, moult_pid registry,
                             const char *key, const char *value)
{
    struct act a = {.registry = registry, .key = key, .value = value, .owner = who};

    assert_int_equal(actor_do(who, what, &a), 0);
    return a;
}

static inline int enrol(moult_pid who, moult_pid registry, const char *key,
                        const char *value)
{
    return act(who, do_register, registry, key, value).error;
}

static inline unsigned found(moult_pid registry, const char *key)
{
    struct act a = act(starter(), do_lookup, registry, key, NULL);

    assert_int_equal(a.error, 0);
    return a.count;
}

/* Returns when this thread is told: a call that waits fails. */
static inline void end_actor(moult_pid pid)
{
    int error;

    signal_exit(NULL, pid, MOULT_KILL, NULL);
    error = ask_word(pid, "are you there", NULL);
    assert_true(error == -EOWNERDEAD || error == -ESRCH);
}

static inline moult_next echo(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_put_null(reply);
    return moult_reply();
}

static const moult_server echo_server = {.size = sizeof(moult_server),
                                         .handle_call = echo};

static inline moult_next register_or_stop(moult_ctx *ctx, void *state,
                                          const moult_from *from, moult_in *request,
                                          moult_out *reply)
{
    moult_in key = moult_text_key(ctx, "lobby");

    if (moult_match(request, "stop"))
        return moult_stop_because(ctx, -EIO, "as told");
    moult_put_int(
        reply, moult_registry_register(ctx, moult_whereis("rooms"), &key, NULL, NULL));
    return moult_reply();
}

#define ONE(f)  cmocka_unit_test_setup_teardown(f, one_worker, workers_end)
#define BOTH(f) ONE(f), cmocka_unit_test_setup_teardown(f, two_workers, workers_end)

#endif
