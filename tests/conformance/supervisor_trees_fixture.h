/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor_trees_fixture - a plugin with supervisors, and who asks them.
 */
#ifndef MOULT_SUPERVISOR_TREES_FIXTURE_H
#define MOULT_SUPERVISOR_TREES_FIXTURE_H

#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "descriptor.h"
#include "group.h"
#include "harness.h"
#include "supervisor.h"

/*
 * Children whose names begin with their letter.  The trace has "+a" when init of `a` runs
 * and "-a" when it is terminated.
 */
static char trace[512];
static int refusals[128];     /* so many of the next starts of a letter fail */
static bool ignores[128];     /* its init says ignore */
static bool hangs[128];       /* its terminate never ends */
static bool unlinks[128];     /* it unties itself from its supervisor */
static char said[128];        /* what init last got, as text */
static moult_pid said_parent; /* moult_parent() of who was started last */
static int said_error;        /* of an init that asks its own supervisor */

/* Those that end all at once may do so on several workers. */
static inline void mark(char sign, const char *id)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    size_t len;

    pthread_mutex_lock(&lock);
    len = strlen(trace);
    snprintf(trace + len, sizeof(trace) - len, "%c%s", sign, id);
    pthread_mutex_unlock(&lock);
}

static inline void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

static inline const char *own_id(moult_ctx *ctx)
{
    const char *label = process_label(process_of(ctx)), *slash = strrchr(label, '/');

    return slash ? slash + 1 : label;
}

static inline void note_args(moult_in *args)
{
    size_t count = 1;

    said[0] = 0;
    if (moult_peek(args) == MOULT_ARRAY)
        count = moult_get_array(args);
    while (count-- && moult_peek(args) == MOULT_TEXT) {
        size_t len, used = strlen(said);
        const char *text = moult_get_text(args, &len);

        snprintf(said + used, sizeof(said) - used, "%.*s", (int)len, text);
    }
}

static inline moult_next part_init(moult_ctx *ctx, void *state, moult_in *args)
{
    const char *id = own_id(ctx);
    int letter = id[0] & 127;

    note_args(args);
    said_parent = moult_parent(ctx);
    mark('+', id);
    moult_trap_exit(ctx, true);
    if (unlinks[letter])
        signal_unlink(process_of(ctx), moult_parent(ctx));
    if (letter == 'q')
        said_error = moult_terminate_child(ctx, moult_parent(ctx), "q");
    if (refusals[letter] && refusals[letter]--)
        return moult_stop_because(ctx, -EIO, "not now");
    return ignores[letter] ? moult_ignore() : moult_noreply();
}

static inline moult_next part_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop((int32_t)moult_get_int(message));
}

static inline void part_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    struct await a = {0};

    mark('-', own_id(ctx));
    if (hangs[own_id(ctx)[0] & 127])
        process_await(process_of(ctx), &a, MOULT_INFINITY);
}

static const moult_server part = {.size = sizeof(moult_server),
                                  .init = part_init,
                                  .handle_cast = part_cast,
                                  .terminate = part_terminate};

/* One that asks for the tests, as a server of the application. */
typedef void errand(moult_ctx *ctx, void *context);

static inline moult_next asker_call(moult_ctx *ctx, void *state, const moult_from *from,
                                    moult_in *request, moult_out *reply)
{
    errand *run = (errand *)(uintptr_t)moult_get_uint(request);

    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

static const moult_server asker_server = {.size = sizeof(moult_server),
                                          .handle_call = asker_call};

static struct moult_plugin plugin;
static struct descriptor descriptor;
static struct group group;
static moult_pid top, asker;
#define LIST(...)         \
    (const moult_child[]) \
    {                     \
        __VA_ARGS__,      \
        {                 \
            .id = NULL    \
        }                 \
    }
#define PART(...)                          \
    {                                      \
        .server = &part, .id = __VA_ARGS__ \
    }
#define SUPERVISOR(...)                               \
    {                                                 \
        .size = sizeof(moult_supervisor), __VA_ARGS__ \
    }

static const moult_child asker_child[] = {
    {.id = "asker", .server = &asker_server}, PART("any"), {.id = NULL}};

static inline int begin(void **state)
{
    trace[0] = 0;
    memset(refusals, 0, sizeof(refusals));
    memset(ignores, 0, sizeof(ignores));
    memset(hangs, 0, sizeof(hangs));
    memset(unlinks, 0, sizeof(unlinks));
    plugin = (struct moult_plugin){.magic = MOULT_MAGIC,
                                   .size = sizeof(plugin),
                                   .abi_major = MOULT_ABI_MAJOR,
                                   .abi_minor = MOULT_ABI_MINOR,
                                   .child_size = sizeof(moult_child),
                                   .field_size = sizeof(moult_field),
                                   .name = "app",
                                   .vsn = "1",
                                   .intensity = 100,
                                   .period_s = 1,
                                   .templates = asker_child};
    group_init(&group, "app");
    return one_worker(state);
}

static inline int end_all(void **state)
{
    workers_end(state);
    assert_int_equal(group.count, 0);
    group_finish(&group);
    descriptor_release(&descriptor);
    return 0;
}

struct order {
    struct supervisor_spec spec;
    struct server_spec asker;
    struct started started;
};

static inline void start_it(struct process *p, void *context)
{
    struct order *o = context;

    o->started.error = supervisor_start(p, &o->spec, &o->started.pid);
    snprintf(o->started.text, sizeof(o->started.text), "%s", moult_call_text(&p->ctx));
}

static inline void start_asker(struct process *p, void *context)
{
    struct order *o = context;

    assert_int_equal(server_start(p, &o->asker, &asker), 0);
}

static inline struct started start(void)
{
    struct order o = {.spec = {.app = "app", .group = &group}};
    struct fault why = {0};
    const struct code *code;

    if (descriptor_take(&plugin, NULL, &descriptor, &why) < 0)
        fail_msg("%s", why.text);
    o.spec.branch = descriptor.branches[0];
    code = code_find(descriptor.all, "asker");
    o.asker = (struct server_spec){code, "asker", NULL, code->args, code->args_len};
    assert_int_equal(actor_do(starter(), start_asker, &o), 0);
    assert_int_equal(actor_do(starter(), start_it, &o), 0);
    workers_settle();
    top = o.started.pid;
    return o.started;
}

static inline void start_well(const moult_child *children, int32_t strategy)
{
    plugin.children = children;
    plugin.strategy = strategy;
    assert_int_equal(start().error, 0);
}

static inline void shut_down(struct process *p, void *context)
{
    signal_exit(p, top, MOULT_SHUTDOWN, NULL);
}

static inline void end(void)
{
    assert_int_equal(actor_do(starter(), shut_down, NULL), 0);
    workers_settle();
}

struct question {
    moult_pid supervisor;
    const moult_child *spec;
    const char *id, *args; /* args: one text, in an array */
    int error;
    moult_pid pid;
    moult_children_count count;
    char text[256];
};

static struct question answer;

static inline int asked(errand *run, struct question q)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    answer = q;
    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)&answer);
    assert_int_equal(ask_and_wait(asker, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    workers_settle();
    return answer.error;
}

static inline void keep_text(moult_ctx *ctx, struct question *q)
{
    snprintf(q->text, sizeof(q->text), "%s", moult_call_text(ctx));
}

static inline void do_start(moult_ctx *ctx, void *context)
{
    struct question *q = context;
    moult_out *args = q->args ? moult_draft(ctx) : NULL;

    if (args) {
        moult_put_array(args, 1);
        moult_put_text(args, q->args);
    }
    q->error = moult_start_child(ctx, q->supervisor, q->spec, args, &q->pid);
    keep_text(ctx, q);
}

static inline void do_terminate(moult_ctx *ctx, void *context)
{
    struct question *q = context;

    q->error = q->id ? moult_terminate_child(ctx, q->supervisor, q->id)
                     : moult_terminate_pid(ctx, q->supervisor, q->pid);
    keep_text(ctx, q);
}

static inline void do_restart(moult_ctx *ctx, void *context)
{
    struct question *q = context;

    q->error = moult_restart_child(ctx, q->supervisor, q->id, &q->pid);
    keep_text(ctx, q);
}

static inline void do_count(moult_ctx *ctx, void *context)
{
    struct question *q = context;

    q->error = moult_count_children(ctx, q->supervisor, &q->count);
}

/* Lists as "b:running a:stopped"; and the pid of the last. */
static inline void do_which(moult_ctx *ctx, void *context)
{
    struct question *q = context;
    moult_in list, value;

    q->error = moult_which_children(ctx, q->supervisor, &list);
    for (size_t n = moult_get_array(&list); n > 0; n--, moult_skip(&list)) {
        size_t used = strlen(q->text), len = 0, status_len;
        const char *id = "-", *status;

        if (moult_find(&list, "id", &value) && moult_peek(&value) == MOULT_TEXT)
            id = moult_get_text(&value, &len);
        moult_find(&list, "status", &value);
        status = moult_get_text(&value, &status_len);
        snprintf(q->text + used, sizeof(q->text) - used, "%s%.*s:%.*s", used ? " " : "",
                 len ? (int)len : 1, id, (int)status_len, status);
        moult_find(&list, "pid", &value);
        q->pid =
            moult_peek(&value) == MOULT_NULL ? (moult_pid){0} : moult_get_pid(&value);
    }
}

static inline int start_child(moult_pid supervisor, const moult_child *spec,
                              const char *args)
{
    return asked(do_start, (struct question){
                               .supervisor = supervisor, .spec = spec, .args = args});
}

static inline int terminate(moult_pid supervisor, const char *id)
{
    return asked(do_terminate, (struct question){.supervisor = supervisor, .id = id});
}

static inline int restart_child(moult_pid supervisor, const char *id)
{
    return asked(do_restart, (struct question){.supervisor = supervisor, .id = id});
}

static inline void assert_children(moult_pid supervisor, const char *expected)
{
    assert_int_equal(asked(do_which, (struct question){.supervisor = supervisor}), 0);
    assert_string_equal(answer.text, expected);
}

static inline void assert_counts(moult_pid supervisor, uint32_t specs, uint32_t active,
                                 uint32_t supervisors, uint32_t workers)
{
    moult_children_count *c = &answer.count;

    assert_int_equal(asked(do_count, (struct question){.supervisor = supervisor}), 0);
    assert_int_equal(c->specs, specs);
    assert_int_equal(c->active, active);
    assert_int_equal(c->supervisors, supervisors);
    assert_int_equal(c->workers, workers);
}

/* Have the server called `name` end for `reason`. */
static inline void crash(const char *name, int32_t reason)
{
    assert_int_equal(cast_int(moult_whereis(name), reason), 0);
    workers_settle();
}

#define NAMED(id) PART(id, .name = (id))

static const moult_supervisor pool =
    SUPERVISOR(.children = LIST(NAMED("x"), NAMED("y")), .intensity = 1,
               .period_s = 10);

#define SIGNIFICANT(id, type) \
    PART(id, .name = (id), .restart = (type), .significant = 1)

static const moult_supervisor ending =
    SUPERVISOR(.auto_shutdown = MOULT_ANY_SIGNIFICANT,
               .children = LIST(SIGNIFICANT("s", MOULT_TEMPORARY)));

static const moult_supervisor simple =
    SUPERVISOR(.strategy = MOULT_SIMPLE_ONE_FOR_ONE, .intensity = 100,
               .children = LIST(PART("w", .args = "[\"from \"]", .shutdown_ms = 100,
                                     .restart = MOULT_TRANSIENT)));

static const moult_supervisor dynamic =
    SUPERVISOR(.strategy = MOULT_DYNAMIC, .max_children = 3, .args = "[\"of \"]",
               .intensity = 100);

static const moult_server quiet = {.size = sizeof(moult_server),
                                   .handle_cast = part_cast};

static const moult_supervisor crowd =
    SUPERVISOR(.strategy = MOULT_SIMPLE_ONE_FOR_ONE, .intensity = 10000,
               .children = LIST({.id = "q", .server = &quiet}));

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end_all)

#endif
