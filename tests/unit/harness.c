/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "group.h"
#include "io.h"
#include "manager.h"
#include "reader.h"
#include "sanitize.h"
#include "send_timer.h"
#include "statem.h"

static struct group own_group;
static moult_pid starter_pid;
static char text_of_last[512];

struct kept_code {
    struct kept_code *next;
    struct code code;
    moult_child child;
};
static struct kept_code *codes;

/* -- actors -- */

struct actor {
    struct seen seen;
};

enum { ACTOR_JOB = 1000, ACTOR_SEEN };

static void note(struct actor *a, const struct envelope *e)
{
    moult_in in = out_read(&e->out);
    int64_t number = moult_get_int(&in);

    if (!in.error) {
        a->seen.disorder += number != a->seen.last + 1;
        a->seen.last = number;
    }
    a->seen.casts += e->kind == ENVELOPE_CAST;
    a->seen.infos += e->kind == ENVELOPE_INFO;
    a->seen.exits += e->kind == ENVELOPE_EXIT;
    a->seen.downs += e->kind == ENVELOPE_DOWN;
    a->seen.replies += e->kind == ENVELOPE_REPLY;
    a->seen.from = e->from;
    a->seen.ref = e->ref;
    if (e->kind != ENVELOPE_EXIT && e->kind != ENVELOPE_DOWN)
        return;
    a->seen.reason = e->code;
    snprintf(a->seen.text, sizeof(a->seen.text), "%s", signal_text(e));
}

static void answer(struct process *p, moult_pid to, uint64_t ref)
{
    struct envelope *reply = envelope_create(ENVELOPE_REPLY);

    moult_put_null(&reply->out);
    reply->ref = ref;
    process_send(p, to, reply);
}

static void work(struct process *p, struct envelope *e)
{
    moult_in in = out_read(&e->out);
    job *run = (job *)(uintptr_t)moult_get_uint(&in);

    run(p, (void *)(uintptr_t)moult_get_uint(&in));
    if (e->kind != ENVELOPE_SYSTEM)
        return;
    answer(p, e->from, e->ref);
    e->kind = ENVELOPE_CAST;
}

static void tell_seen(struct process *p, struct envelope *e, const struct actor *a)
{
    moult_in in = out_read(&e->out);

    *(struct seen *)(uintptr_t)moult_get_uint(&in) = a->seen;
    answer(p, e->from, e->ref);
    e->kind = ENVELOPE_CAST;
}

static void actor_handle(struct process *p, struct envelope *e)
{
    struct actor *a = p->data;

    p->current = e;
    if (e->flags & ENVELOPE_TIMED)
        send_timer_received(p, e->ref);
    if (e->code == ACTOR_JOB &&
        (e->kind == ENVELOPE_SYSTEM || e->kind == ENVELOPE_CAST))
        work(p, e);
    else if (e->code == ACTOR_SEEN && e->kind == ENVELOPE_SYSTEM)
        tell_seen(p, e, a);
    else
        note(a, e);
    if (p->flags & PROCESS_EXITING)
        return;
    envelope_destroy(p->current);
    p->current = NULL;
    drafts_drop(p);
}

static void actor_ended(struct process *p)
{
    free(p->data);
}

static const struct process_class actor_class = {"actor", actor_handle, actor_ended,
                                                 false};
/* Whose children's exits come although it has no links; as a supervisor's. */
static const struct process_class parent_class = {"parent", actor_handle, actor_ended,
                                                  true};

static moult_pid spawn(const struct process_class *class, struct group *group,
                       bool traps)
{
    struct process_options options = {.class = class,
                                      .group = group ? group : &own_group};
    struct process *p = process_create(&options);
    moult_pid pid;

    assert_non_null(p);
    p->data = calloc(1, sizeof(struct actor));
    if (traps)
        p->flags |= PROCESS_TRAPS;
    pid = process_pid(p);
    process_launch(p, NULL);
    return pid;
}

moult_pid actor_in(struct group *group, bool traps)
{
    return spawn(&actor_class, group, traps);
}

moult_pid actor(bool traps)
{
    return actor_in(NULL, traps);
}

moult_pid parent(void)
{
    return spawn(&parent_class, NULL, true);
}

static struct envelope *job_envelope(enum envelope_kind kind, job *run, void *context)
{
    struct envelope *e = envelope_create(kind);

    e->code = ACTOR_JOB;
    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)context);
    return e;
}

int actor_do(moult_pid pid, job *run, void *context)
{
    return ask_and_wait(pid, job_envelope(ENVELOPE_SYSTEM, run, context),
                        MOULT_INFINITY, NULL, text_of_last, sizeof(text_of_last));
}

void actor_post(moult_pid pid, job *run, void *context)
{
    process_send(NULL, pid, job_envelope(ENVELOPE_CAST, run, context));
}

void actor_again(struct process *p, job *run, void *context)
{
    struct envelope *e = job_envelope(ENVELOPE_CAST, run, context);

    e->from = process_pid(p);
    process_send(p, process_pid(p), e);
}

struct seen actor_seen(moult_pid pid)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    struct seen seen = {0};

    e->code = ACTOR_SEEN;
    moult_put_uint(&e->out, (uintptr_t)&seen);
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    return seen;
}

bool alive(moult_pid pid)
{
    struct process *p = process_find(pid);

    return p && mailbox_state(atomic_load(&p->inbox)) != MAILBOX_CLOSED;
}

void assert_gone(moult_pid pid)
{
    workers_settle();
    assert_false(alive(pid));
}

/* -- servers -- */

struct code *code_of(const moult_server *callbacks, const char *id)
{
    return code_of_child(callbacks, (moult_child){.id = id});
}

struct code *code_of_child(const moult_server *callbacks, moult_child child)
{
    struct kept_code *k = calloc(1, sizeof(*k));

    k->child = child;
    k->child.server = callbacks;
    k->code.server = *callbacks;
    k->code.schema = callbacks->state ? callbacks->state() : NULL;
    k->code.app = "test";
    k->code.vsn = "1";
    k->code.id = child.id;
    k->code.child = &k->child;
    k->code.args = "\xf6";
    k->code.args_len = 1;
    assert_int_equal(statem_take(&k->code, NULL), 0);
    assert_int_equal(manager_take(&k->code, NULL, NULL), 0);
    k->next = codes;
    codes = k;
    return &k->code;
}

struct order {
    const struct server_spec *spec;
    struct started started;
};

static void start_server(struct process *p, void *context)
{
    struct order *order = context;
    struct started *s = &order->started;

    s->error = server_start(p, order->spec, &s->pid);
    if (!s->error)
        return;
    s->reason = moult_call_reason(&p->ctx);
    strncpy(s->text, moult_call_text(&p->ctx), sizeof(s->text) - 1);
}

struct started serve_child(moult_pid parent, const moult_server *callbacks,
                           moult_child child)
{
    struct server_spec spec = {.code = code_of_child(callbacks, child),
                               .id = child.id,
                               .name = child.name,
                               .args = "\xf6",
                               .args_len = 1};
    struct order order = {.spec = &spec};

    assert_int_equal(actor_do(parent, start_server, &order), 0);
    return order.started;
}

struct started serve_given(const moult_server *callbacks, const char *id,
                           const char *args)
{
    struct server_spec spec = {.code = code_of(callbacks, id),
                               .id = id,
                               .args = args,
                               .args_len = strlen(args)};
    struct order order = {.spec = &spec};

    assert_int_equal(actor_do(starter_pid, start_server, &order), 0);
    return order.started;
}

struct started serve_by(moult_pid parent, const moult_server *callbacks,
                        const char *name)
{
    return serve_child(parent, callbacks,
                       (moult_child){.id = name ? name : "server", .name = name});
}

struct started serve_as(const moult_server *callbacks, const char *name)
{
    return serve_by(starter_pid, callbacks, name);
}

moult_pid serve(const moult_server *callbacks)
{
    struct started s = serve_as(callbacks, NULL);

    assert_int_equal(s.error, 0);
    assert_true(s.pid.bits);
    return s.pid;
}

moult_pid starter(void)
{
    return starter_pid;
}

/* -- asking -- */

struct envelope *words(const char *word)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_text(&e->out, word);
    return e;
}

struct envelope *words_int(const char *word, int64_t number)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_array(&e->out, 2);
    moult_put_text(&e->out, word);
    moult_put_int(&e->out, number);
    return e;
}

static int ask_with(moult_pid pid, struct envelope *e, int64_t *reply)
{
    struct moult_out out;
    moult_in in;
    int error;

    out_init(&out, NULL, 0);
    text_of_last[0] = 0;
    error =
        ask_and_wait(pid, e, MOULT_INFINITY, &out, text_of_last, sizeof(text_of_last));
    in = out_read(&out);
    if (!error && reply)
        *reply = moult_get_int(&in);
    out_release(&out);
    return error;
}

int ask_word(moult_pid pid, const char *word, int64_t *reply)
{
    return ask_with(pid, words(word), reply);
}

int ask_int(moult_pid pid, const char *word, int64_t number, int64_t *reply)
{
    return ask_with(pid, words_int(word, number), reply);
}

const char *asked_text(void)
{
    return text_of_last;
}

int cast_int(moult_pid pid, int64_t number)
{
    moult_out *m = moult_draft_outside();

    moult_put_int(m, number);
    return moult_cast(NULL, pid, m);
}

int cast_word(moult_pid pid, const char *word)
{
    moult_out *m = moult_draft_outside();

    moult_put_text(m, word);
    return moult_cast(NULL, pid, m);
}

int info_word(moult_pid pid, const char *word)
{
    moult_out *m = moult_draft_outside();

    moult_put_text(m, word);
    return moult_send(NULL, pid, m);
}

unsigned events_named(const char *name, uint64_t from)
{
    uint64_t missed = 0;
    unsigned count = 0;
    json_t *event;

    while ((event = event_read(&from, &missed))) {
        count += strcmp(json_string_value(json_object_get(event, "event")), name) == 0;
        json_decref(event);
    }
    assert_int_equal(missed, 0);
    return count;
}

/* -- beginning and end -- */

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
    abort();
}

void harness_start(unsigned workers, bool is_virtual)
{
    clock_set_virtual(is_virtual);
    assert_int_equal(readers_start(), 0);
    io_start();
    ask_start();
    group_init(&own_group, "test");
    assert_int_equal(workers_start(workers), 0);
    starter_pid = parent();
}

void harness_stop(void)
{
    io_stop();
    workers_stop();
    readers_stop();
    group_finish(&own_group);
    while (codes) {
        struct kept_code *next = codes->next;

        manager_forget(&codes->code);
        free(codes);
        codes = next;
    }
}

int one_worker(void **state)
{
    const char *more = getenv("MOULT_TEST_WORKERS");

    harness_start(more ? (unsigned)atoi(more) : 1, true);
    return 0;
}

int two_workers(void **state)
{
    harness_start(2, false);
    return 0;
}

int workers_end(void **state)
{
    harness_stop();
    assert_int_equal(process_count(), 0);
    return 0;
}

void pass(uint64_t ms)
{
    workers_settle();
    clock_advance(ms * 1000000u);
    workers_wake();
    workers_settle();
}

unsigned many(unsigned plain)
{
    return SANITIZED_THREADS ? plain / 5 : plain;
}
