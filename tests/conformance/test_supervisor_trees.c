/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervisors as plugins describe and ask them: strategies, trees, children at run time.
 * test_supervisor.c has the rules of one supervisor with its listed children.
 */
#include "test.h"

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

static void mark(char sign, const char *id)
{
    size_t len = strlen(trace);

    snprintf(trace + len, sizeof(trace) - len, "%c%s", sign, id);
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

static const char *own_id(moult_ctx *ctx)
{
    const char *label = process_label(process_of(ctx)), *slash = strrchr(label, '/');

    return slash ? slash + 1 : label;
}

static void note_args(moult_in *args)
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

static moult_next part_init(moult_ctx *ctx, void *state, moult_in *args)
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

static moult_next part_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop((int32_t)moult_get_int(message));
}

static void part_terminate(moult_ctx *ctx, void *state, int32_t reason)
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

static moult_next asker_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    errand *run = (errand *)(uintptr_t)moult_get_uint(request);

    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

static const moult_server asker_server = {.size = sizeof(moult_server),
                                          .handle_call = asker_call};
static const moult_server unlisted = {.size = sizeof(moult_server)};

/* -- a plugin, and its tree -- */

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

static int begin(void **state)
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

static int end_all(void **state)
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

static void start_it(struct process *p, void *context)
{
    struct order *o = context;

    o->started.error = supervisor_start(p, &o->spec, &o->started.pid);
    snprintf(o->started.text, sizeof(o->started.text), "%s", moult_call_text(&p->ctx));
}

static void start_asker(struct process *p, void *context)
{
    struct order *o = context;

    assert_int_equal(server_start(p, &o->asker, &asker), 0);
}

static struct started start(void)
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

static void start_well(const moult_child *children, int32_t strategy)
{
    plugin.children = children;
    plugin.strategy = strategy;
    assert_int_equal(start().error, 0);
}

static void shut_down(struct process *p, void *context)
{
    signal_exit(p, top, MOULT_SHUTDOWN, NULL);
}

static void end(void)
{
    assert_int_equal(actor_do(starter(), shut_down, NULL), 0);
    workers_settle();
}

/* -- asking -- */

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

static int asked(errand *run, struct question q)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    answer = q;
    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)&answer);
    assert_int_equal(ask_and_wait(asker, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    workers_settle();
    return answer.error;
}

static void keep_text(moult_ctx *ctx, struct question *q)
{
    snprintf(q->text, sizeof(q->text), "%s", moult_call_text(ctx));
}

static void do_start(moult_ctx *ctx, void *context)
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

static void do_terminate(moult_ctx *ctx, void *context)
{
    struct question *q = context;

    q->error = q->id ? moult_terminate_child(ctx, q->supervisor, q->id)
                     : moult_terminate_pid(ctx, q->supervisor, q->pid);
    keep_text(ctx, q);
}

static void do_restart(moult_ctx *ctx, void *context)
{
    struct question *q = context;

    q->error = moult_restart_child(ctx, q->supervisor, q->id, &q->pid);
    keep_text(ctx, q);
}

static void do_delete(moult_ctx *ctx, void *context)
{
    struct question *q = context;

    q->error = moult_delete_child(ctx, q->supervisor, q->id);
    keep_text(ctx, q);
}

static void do_count(moult_ctx *ctx, void *context)
{
    struct question *q = context;

    q->error = moult_count_children(ctx, q->supervisor, &q->count);
}

/* Lists as "b:running a:stopped"; and the pid of the last. */
static void do_which(moult_ctx *ctx, void *context)
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

static int start_child(moult_pid supervisor, const moult_child *spec, const char *args)
{
    return asked(do_start, (struct question){
                               .supervisor = supervisor, .spec = spec, .args = args});
}

static int terminate(moult_pid supervisor, const char *id)
{
    return asked(do_terminate, (struct question){.supervisor = supervisor, .id = id});
}

static int terminate_pid(moult_pid supervisor, moult_pid pid)
{
    return asked(do_terminate, (struct question){.supervisor = supervisor, .pid = pid});
}

static int restart_child(moult_pid supervisor, const char *id)
{
    return asked(do_restart, (struct question){.supervisor = supervisor, .id = id});
}

static int delete_child(moult_pid supervisor, const char *id)
{
    return asked(do_delete, (struct question){.supervisor = supervisor, .id = id});
}

static void assert_children(moult_pid supervisor, const char *expected)
{
    assert_int_equal(asked(do_which, (struct question){.supervisor = supervisor}), 0);
    assert_string_equal(answer.text, expected);
}

static void assert_counts(moult_pid supervisor, uint32_t specs, uint32_t active,
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
static void crash(const char *name, int32_t reason)
{
    assert_int_equal(cast_int(moult_whereis(name), reason), 0);
    workers_settle();
}

#define NAMED(id) PART(id, .name = (id))

/* -- strategies -- */

static void one_for_all_ends_the_others_in_reverse_and_starts_all(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_ONE_FOR_ALL);
    assert_trace("+a+b+c");
    crash("b", -EIO);
    assert_trace("-b-c-a+a+b+c");
    end();
    assert_trace("-c-b-a");
}

static void rest_for_one_does_so_with_those_after_it(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c"), NAMED("d")),
               MOULT_REST_FOR_ONE);
    assert_trace("+a+b+c+d");
    crash("b", -EIO);
    assert_trace("-b-d-c+b+c+d");
    crash("d", -EIO);
    assert_trace("-d+d");
    end();
    assert_trace("-d-c-b-a");
}

static void crash_beside_a_temporary_one(int32_t strategy)
{
    start_well(LIST(NAMED("a"), NAMED("b"), PART("c", .restart = MOULT_TEMPORARY)),
               strategy);
    crash("a", -EIO);
    assert_trace("+a+b+c-a-c-b+a+b");
    assert_children(top, "b:running a:running");
    end();
}

static void a_temporary_sibling_is_not_started_again(void **state)
{
    crash_beside_a_temporary_one(MOULT_ONE_FOR_ALL);
}

static void nor_is_one_that_came_after(void **state)
{
    crash_beside_a_temporary_one(MOULT_REST_FOR_ONE);
}

static void a_temporary_child_does_not_take_its_siblings_along(void **state)
{
    start_well(LIST(NAMED("a"), PART("b", .name = "b", .restart = MOULT_TEMPORARY)),
               MOULT_ONE_FOR_ALL);
    crash("b", -EIO);
    assert_trace("+a+b-b");
    assert_children(top, "a:running");
    end();
}

static void a_group_restart_starts_those_that_did_not_run(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b")), MOULT_ONE_FOR_ALL);
    assert_int_equal(terminate(top, "b"), 0);
    assert_children(top, "b:stopped a:running");
    crash("a", -EIO);
    assert_children(top, "b:running a:running");
    end();
}

static void a_group_restart_counts_once(void **state)
{
    plugin.intensity = 2;
    plugin.period_s = 10;
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_ONE_FOR_ALL);
    crash("a", -EIO);
    crash("b", -EIO);
    assert_true(alive(top));
    crash("c", -EIO);
    assert_false(alive(top));
}

static void no_restarts_means_none(void **state)
{
    plugin.intensity = MOULT_NO_RESTARTS;
    start_well(LIST(NAMED("a"), NAMED("b")), MOULT_ONE_FOR_ONE);
    crash("b", -EIO);
    assert_trace("+a+b-b-a");
    assert_false(alive(top));
}

static void when_another_fails_to_start_again_all_is_tried_again(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_ONE_FOR_ALL);
    trace[0] = 0;
    refusals['b'] = 1;
    crash("a", -EIO);
    assert_trace("-a-c-b+a+b-a+a+b+c");
    end();
}

static void rest_for_one_is_tried_again_from_who_failed(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_REST_FOR_ONE);
    trace[0] = 0;
    refusals['b'] = 2;
    crash("a", -EIO);
    assert_trace("-a-c-b+a+b+b+b+c");
    assert_children(top, "c:running b:running a:running");
    end();
}

/* -- trees -- */

static const moult_supervisor pool =
    SUPERVISOR(.children = LIST(NAMED("x"), NAMED("y")), .intensity = 1,
               .period_s = 10);

static const moult_child *tree(void)
{
    static const moult_child list[] = {
        NAMED("a"),
        {.id = "pool", .supervisor = &pool, .name = "pool"},
        NAMED("b"),
        {.id = NULL}};

    return list;
}

static void a_tree_starts_in_order_and_ends_in_reverse(void **state)
{
    start_well(tree(), MOULT_ONE_FOR_ONE);
    assert_trace("+a+x+y+b");
    assert_counts(top, 3, 3, 1, 2);
    assert_children(top, "b:running pool:running a:running");
    assert_children(moult_whereis("pool"), "y:running x:running");
    end();
    assert_trace("-b-y-x-a");
    assert_int_equal(group.count, 0);
}

static void who_gives_up_below_is_started_again_above(void **state)
{
    moult_pid before;

    start_well(tree(), MOULT_ONE_FOR_ONE);
    trace[0] = 0;
    before = moult_whereis("pool");
    crash("x", -EIO);
    assert_trace("-x+x");
    assert_true(moult_pid_equal(before, moult_whereis("pool")));
    crash("y", -EIO);
    assert_trace("-y-x+x+y");
    assert_false(moult_pid_equal(before, moult_whereis("pool")));
    end();
}

static void a_killed_supervisor_takes_its_tree_along_and_comes_back(void **state)
{
    start_well(tree(), MOULT_ONE_FOR_ONE);
    trace[0] = 0;
    signal_exit(NULL, moult_whereis("pool"), MOULT_KILL, NULL);
    workers_settle();
    assert_children(top, "b:running pool:running a:running");
    assert_children(moult_whereis("pool"), "y:running x:running");
    end();
}

static void a_failed_start_below_is_told_from_above(void **state)
{
    refusals['y'] = 1;
    plugin.children = tree();
    assert_string_equal(start().text,
                        "child 'pool' failed to start: child 'y' failed to "
                        "start: not now");
    assert_trace("+a+x+y-x-a");
}

static void children_know_their_parent_and_have_a_path(void **state)
{
    const struct code *x;

    start_well(tree(), MOULT_ONE_FOR_ONE);
    x = code_find(descriptor.all, "pool/x");
    assert_non_null(x);
    assert_string_equal(process_label(process_find(moult_whereis("x"))), "pool/x");
    assert_true(moult_pid_equal(said_parent, top));
    assert_int_equal(restart_child(moult_whereis("pool"), "x"), -EBUSY);
    end();
}

/* -- significant children -- */

#define SIGNIFICANT(id, type) \
    PART(id, .name = (id), .restart = (type), .significant = 1)

static void any_significant_ends_the_supervisor_in_good_order(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(NAMED("a"), SIGNIFICANT("s", MOULT_TRANSIENT), NAMED("b")), 0);
    crash("s", MOULT_NORMAL);
    assert_trace("+a+s+b-s-b-a");
    assert_false(alive(top));
    assert_int_equal(actor_seen(starter()).reason, MOULT_SHUTDOWN);
}

static void all_significant_waits_for_the_last(void **state)
{
    plugin.auto_shutdown = MOULT_ALL_SIGNIFICANT;
    start_well(LIST(NAMED("a"), SIGNIFICANT("s", MOULT_TRANSIENT),
                    SIGNIFICANT("z", MOULT_TEMPORARY)),
               0);
    crash("s", MOULT_SHUTDOWN);
    assert_true(alive(top));
    crash("z", -EIO);
    assert_trace("+a+s+z-s-z-a");
    assert_false(alive(top));
}

static void one_that_is_started_again_ends_nobody(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(SIGNIFICANT("s", MOULT_TRANSIENT)), 0);
    crash("s", -EIO);
    assert_true(alive(top));
    end();
}

static void to_terminate_a_significant_child_ends_nobody(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(SIGNIFICANT("s", MOULT_TRANSIENT), NAMED("a")), 0);
    assert_int_equal(terminate(top, "s"), 0);
    assert_true(alive(top));
    end();
}

static void a_significant_sibling_of_a_restart_ends_nobody(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(NAMED("a"), SIGNIFICANT("s", MOULT_TEMPORARY)), MOULT_ONE_FOR_ALL);
    crash("a", -EIO);
    assert_true(alive(top));
    assert_children(top, "a:running");
    end();
}

static const moult_supervisor ending =
    SUPERVISOR(.auto_shutdown = MOULT_ANY_SIGNIFICANT,
               .children = LIST(SIGNIFICANT("s", MOULT_TEMPORARY)));

static void it_escalates_only_if_it_is_significant_itself(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(NAMED("a"), {.id = "in",
                                 .supervisor = &ending,
                                 .restart = MOULT_TRANSIENT,
                                 .significant = 1}),
               0);
    crash("s", MOULT_NORMAL);
    assert_false(alive(top));
}

static void else_it_does_not_escalate(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(NAMED("a"),
                    {.id = "in", .supervisor = &ending, .restart = MOULT_TRANSIENT}),
               0);
    crash("s", MOULT_NORMAL);
    assert_true(alive(top));
    assert_children(top, "in:stopped a:running");
    end();
}

/* -- children at run time -- */

static void children_are_started_ended_and_deleted_by_id(void **state)
{
    const moult_child b = NAMED("b");

    start_well(LIST(NAMED("a")), 0);
    assert_int_equal(start_child(top, &b, "hello"), 0);
    assert_true(moult_pid_equal(answer.pid, moult_whereis("b")));
    assert_string_equal(said, "hello");
    assert_children(top, "b:running a:running");
    assert_int_equal(delete_child(top, "b"), -EBUSY);
    assert_int_equal(restart_child(top, "b"), -EBUSY);
    assert_int_equal(terminate(top, "b"), 0);
    assert_int_equal(terminate(top, "b"), 0);
    assert_children(top, "b:stopped a:running");
    said[0] = 0;
    assert_int_equal(restart_child(top, "b"), 0);
    assert_string_equal(said, "hello");
    assert_true(moult_pid_equal(answer.pid, moult_whereis("b")));
    assert_int_equal(terminate(top, "b"), 0);
    assert_int_equal(delete_child(top, "b"), 0);
    assert_children(top, "a:running");
    end();
}

static void an_id_that_is_there_is_not_started_twice(void **state)
{
    const moult_child a = NAMED("a");

    start_well(LIST(NAMED("a")), 0);
    assert_int_equal(start_child(top, &a, NULL), -EALREADY);
    assert_true(moult_pid_equal(answer.pid, moult_whereis("a")));
    assert_int_equal(terminate(top, "a"), 0);
    assert_int_equal(start_child(top, &a, NULL), -EEXIST);
    end();
}

static void unknown_ids_are_not_found(void **state)
{
    start_well(LIST(NAMED("a")), 0);
    assert_int_equal(terminate(top, "z"), -ENOENT);
    assert_string_equal(answer.text, "'supervisor' has no child 'z'");
    assert_int_equal(restart_child(top, "z"), -ENOENT);
    assert_int_equal(delete_child(top, "z"), -ENOENT);
    assert_int_equal(terminate_pid(top, moult_whereis("a")), -ENOTSUP);
    end();
}

static void a_start_that_fails_leaves_no_spec(void **state)
{
    const moult_child b = NAMED("b");

    start_well(LIST(NAMED("a")), 0);
    refusals['b'] = 1;
    assert_int_equal(start_child(top, &b, NULL), -ECHILD);
    assert_string_equal(answer.text, "child 'b' failed to start: not now");
    assert_children(top, "a:running");
    assert_int_equal(terminate(top, "a"), 0);
    refusals['a'] = 1;
    assert_int_equal(restart_child(top, "a"), -ECHILD);
    assert_children(top, "a:stopped");
    end();
}

static void one_that_ignores_is_kept_unless_it_is_temporary(void **state)
{
    const moult_child b = NAMED("b"), c = PART("c", .restart = MOULT_TEMPORARY);

    start_well(LIST(NAMED("a")), 0);
    ignores['b'] = ignores['c'] = true;
    assert_int_equal(start_child(top, &b, NULL), 0);
    assert_true(moult_pid_is_none(answer.pid));
    assert_int_equal(start_child(top, &c, NULL), 0);
    assert_children(top, "b:stopped a:running");
    end();
}

static void a_terminated_temporary_child_is_forgotten(void **state)
{
    start_well(LIST(NAMED("a"), PART("t", .restart = MOULT_TEMPORARY)), 0);
    assert_int_equal(terminate(top, "t"), 0);
    assert_children(top, "a:running");
    end();
}

static void specs_that_cannot_be_are_named(void **state)
{
    static const moult_supervisor below_it = {.size = sizeof(below_it)};
    static const struct {
        moult_child spec;
        const char *wrong;
    } cases[] = {
        {{.id = "", .server = &part}, "child '': its id"},
        {{.id = "b/c", .server = &part}, "child 'b/c': its id"},
        {{.id = "\xff", .server = &part}, "its id is not UTF-8 text"},
        {{.id = "b", .server = &part, .name = ""}, "child 'b': its name"},
        {{.id = "b", .server = &part, .name = "via:r"}, "its name is not whole"},
        {{.id = "b", .server = &part, .supervisor = &below_it}, "and not both"},
        {{.id = "b", .server = &part, .restart = -1}, "child 'b': its restart"},
        {{.id = "b", .server = &part, .significant = 2}, "neither 0 nor 1"},
        {{.id = "b", .server = &part, .backoff_ms = 9, .backoff_most_ms = 5},
         "its backoff_ms is more"},
        {{.id = "b", .supervisor = &below_it, .args = "1"}, "takes no args"},
        {{.id = "b"}, "child 'b': it needs a server or a supervisor"},
        {{.id = "b", .server = &part, .restart = 9}, "child 'b': its restart"},
        {{.id = "b", .server = &part, .significant = 1}, "significant and permanent"},
        {{.id = "b", .server = &part, .restart = 2, .significant = 1},
         "has no auto_shutdown"},
        {{.id = "b", .server = &part, .count = 3}, "it has a count"},
        {{.id = "b", .server = &part, .args = "{"}, "not JSON"},
        {{.id = "b", .server = &unlisted}, "does not list what it runs"},
    };

    start_well(LIST(NAMED("a")), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(start_child(top, &cases[i].spec, NULL), -EINVAL);
        assert_non_null(strstr(answer.text, cases[i].wrong));
    }
    assert_int_equal(start_child(top, NULL, NULL), -ENOTSUP);
    assert_children(top, "a:running");
    end();
}

static void a_restarting_child_is_neither_restarted_nor_deleted(void **state)
{
    start_well(LIST(PART("a", .name = "a", .backoff_ms = 1000)), 0);
    crash("a", -EIO);
    assert_children(top, "a:restarting");
    assert_counts(top, 1, 0, 0, 1);
    assert_int_equal(restart_child(top, "a"), -EINPROGRESS);
    assert_int_equal(delete_child(top, "a"), -EINPROGRESS);
    assert_int_equal(terminate(top, "a"), 0);
    assert_children(top, "a:stopped");
    pass(5000);
    assert_children(top, "a:stopped");
    end();
}

static void do_spec(moult_ctx *ctx, void *context)
{
    struct question *q = context;
    moult_in spec, value;

    q->error = moult_get_childspec(ctx, q->supervisor, q->id, q->pid, &spec);
    if (q->error)
        return;
    q->count.specs = (uint32_t)moult_int_at(&spec, "shutdown_ms");
    q->count.active = (uint32_t)moult_int_at(&spec, "restart");
    check(moult_find(&spec, "type", &value) && moult_match(&value, "worker"));
    check(moult_find(&spec, "modules", &value) && moult_match(&value, "a"));
    check(moult_find(&spec, "significant", &value) && !moult_get_bool(&value));
    check(moult_find(&spec, "args", &value) && moult_peek(&value) == MOULT_NULL);
}

static void a_childspec_has_all_its_keys(void **state)
{
    start_well(LIST(PART("a", .name = "a", .restart = MOULT_TRANSIENT)), 0);
    assert_int_equal(asked(do_spec, (struct question){.supervisor = top, .id = "a"}),
                     0);
    assert_int_equal(answer.count.specs, 5000);
    assert_int_equal(answer.count.active, MOULT_TRANSIENT);
    assert_int_equal(
        asked(do_spec, (struct question){.supervisor = top, .pid = moult_whereis("a")}),
        0);
    assert_int_equal(asked(do_spec, (struct question){.supervisor = top, .id = "b"}),
                     -ENOENT);
    end();
}

static void an_init_that_asks_its_supervisor_is_told(void **state)
{
    start_well(LIST(PART("q")), 0);
    assert_int_equal(said_error, -EDEADLK);
    end();
}

static void a_child_that_unlinks_cannot_hang_its_supervisor(void **state)
{
    unlinks['a'] = true;
    start_well(LIST(NAMED("a"), NAMED("b")), 0);
    assert_int_equal(terminate(top, "a"), 0);
    assert_trace("+a+b-a");
    assert_int_equal(restart_child(top, "a"), 0);
    signal_exit(NULL, moult_whereis("a"), MOULT_KILL, NULL);
    workers_settle();
    assert_children(top, "b:running a:running"); /* it is never told */
    end();
    assert_false(alive(top));
}

/* -- simple_one_for_one -- */

static const moult_supervisor simple =
    SUPERVISOR(.strategy = MOULT_SIMPLE_ONE_FOR_ONE, .intensity = 100,
               .children = LIST(PART("w", .args = "[\"from \"]", .shutdown_ms = 100,
                                     .restart = MOULT_TRANSIENT)));

static moult_pid start_simple(void)
{
    start_well(LIST({.id = "simple", .supervisor = &simple, .name = "simple"}), 0);
    return moult_whereis("simple");
}

static void simple_children_are_made_from_one_spec(void **state)
{
    NEEDS_ONE_WORKER;
    moult_pid pid = start_simple(), first;

    assert_counts(pid, 1, 0, 0, 0);
    assert_int_equal(start_child(pid, NULL, NULL), 0);
    assert_string_equal(said, "from ");
    first = answer.pid;
    assert_int_equal(start_child(pid, NULL, "me"), 0);
    assert_string_equal(said, "from me");
    assert_trace("+w.1+w.2");
    assert_counts(pid, 1, 2, 0, 2);
    assert_children(pid, "-:running -:running");
    assert_true(moult_pid_equal(answer.pid, first)); /* the newest is the first */
    end();
    assert_trace("-w.1-w.2");
}

static void they_are_started_again_with_what_they_were_given(void **state)
{
    NEEDS_ONE_WORKER;
    moult_pid pid = start_simple();

    assert_int_equal(start_child(pid, NULL, "me"), 0);
    said[0] = 0;
    cast_int(answer.pid, -EIO);
    workers_settle();
    assert_string_equal(said, "from me");
    assert_children(pid, "-:running");
    cast_int(answer.pid, MOULT_NORMAL);
    assert_children(pid, "");
    end();
}

static void they_are_ended_by_pid_alone(void **state)
{
    moult_pid pid = start_simple(), child;

    assert_int_equal(start_child(pid, NULL, NULL), 0);
    child = answer.pid;
    assert_int_equal(terminate(pid, "w"), -ENOTSUP);
    assert_int_equal(restart_child(pid, "w"), -ENOTSUP);
    assert_int_equal(delete_child(pid, "w"), -ENOTSUP);
    assert_int_equal(terminate_pid(pid, asker), -ENOENT);
    assert_int_equal(terminate_pid(pid, child), 0);
    assert_int_equal(terminate_pid(pid, child), 0); /* it has ended */
    assert_children(pid, "");
    end();
}

static void one_that_fails_or_ignores_leaves_nothing(void **state)
{
    moult_pid pid = start_simple();

    refusals['w'] = 1;
    assert_int_equal(start_child(pid, NULL, NULL), -ECHILD);
    ignores['w'] = true;
    assert_int_equal(start_child(pid, NULL, NULL), 0);
    assert_true(moult_pid_is_none(answer.pid));
    assert_children(pid, "");
    assert_int_equal(start_child(pid, asker_child, NULL), -ENOTSUP);
    end();
}

static void they_end_all_at_once_with_one_deadline(void **state)
{
    NEEDS_ONE_WORKER;
    moult_pid pid = start_simple();

    hangs['w'] = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(start_child(pid, NULL, NULL), 0);
    end();
    assert_trace("+w.1+w.2+w.3-w.1-w.2-w.3");
    pass(99);
    assert_true(alive(pid));
    pass(1);
    assert_false(alive(pid));
    assert_false(alive(top));
}

/* -- dynamic -- */

static const moult_supervisor dynamic =
    SUPERVISOR(.strategy = MOULT_DYNAMIC, .max_children = 3, .args = "[\"of \"]",
               .intensity = 100);

static moult_pid start_dynamic(void)
{
    start_well(LIST({.id = "dynamic", .supervisor = &dynamic, .name = "dynamic"}), 0);
    return moult_whereis("dynamic");
}

static void dynamic_children_have_each_their_spec_and_no_ids(void **state)
{
    const moult_child a = PART("a", .args = "[\"a\"]"), b = NAMED("b");
    moult_pid pid = start_dynamic();

    assert_int_equal(start_child(pid, &a, NULL), 0);
    assert_string_equal(said, "of a");
    assert_int_equal(start_child(pid, &a, "again"), 0);
    assert_string_equal(said, "of again");
    assert_int_equal(start_child(pid, &b, NULL), 0);
    assert_string_equal(said, "of ");
    assert_children(pid, "-:running -:running -:running");
    assert_counts(pid, 3, 3, 0, 3);
    said[0] = 0;
    crash("b", -EIO);
    assert_string_equal(said, "of ");
    end();
}

static void there_are_no_more_than_max_children(void **state)
{
    const moult_child a = PART("a", .backoff_ms = 1000);
    moult_pid pid = start_dynamic(), child;

    for (int i = 0; i < 3; i++)
        assert_int_equal(start_child(pid, &a, NULL), 0);
    child = answer.pid;
    assert_int_equal(start_child(pid, &a, NULL), -ENOSPC);
    assert_string_equal(answer.text, "'dynamic' has 3 children, its max_children");
    cast_int(child, -EIO);
    workers_settle();
    assert_int_equal(start_child(pid, &a, NULL), -ENOSPC); /* it is coming back */
    assert_int_equal(terminate_pid(pid, child), 0);        /* known by its old pid */
    assert_int_equal(start_child(pid, &a, NULL), 0);
    end();
}

static void what_is_terminated_is_gone_whatever_its_restart(void **state)
{
    const moult_child a = PART("a");
    moult_pid pid = start_dynamic(), child;

    assert_int_equal(start_child(pid, &a, NULL), 0);
    child = answer.pid;
    assert_int_equal(terminate_pid(pid, child), 0);
    assert_children(pid, "");
    assert_int_equal(terminate_pid(pid, child), -ENOENT);
    end();
}

static void a_restart_that_ignores_forgets_the_child(void **state)
{
    NEEDS_ONE_WORKER;
    const moult_child a = PART("a");
    moult_pid pid = start_dynamic();

    assert_int_equal(start_child(pid, &a, NULL), 0);
    ignores['a'] = true;
    cast_int(answer.pid, -EIO);
    assert_children(pid, "");
    end();
}

static void a_dynamic_child_is_never_significant(void **state)
{
    const moult_child a = PART("a", .restart = MOULT_TEMPORARY, .significant = 1);

    assert_int_equal(start_child(start_dynamic(), &a, NULL), -EINVAL);
    assert_non_null(strstr(answer.text, "significant"));
    end();
}

static void mixed_deadlines_run_side_by_side(void **state)
{
    NEEDS_ONE_WORKER;
    const moult_child a = PART("a", .shutdown_ms = 100),
                      b = PART("b", .shutdown_ms = 300),
                      c = PART("c", .shutdown_ms = MOULT_BRUTAL_KILL);
    moult_pid pid = start_dynamic();
    moult_pid first, second;

    hangs['a'] = hangs['b'] = hangs['c'] = true;
    assert_int_equal(start_child(pid, &a, NULL), 0);
    first = answer.pid;
    assert_int_equal(start_child(pid, &b, NULL), 0);
    second = answer.pid;
    assert_int_equal(start_child(pid, &c, NULL), 0);
    end();
    assert_trace("+a.1+b.2+c.3-a.1-b.2");
    pass(100);
    assert_false(alive(first));
    assert_true(alive(second));
    pass(199);
    assert_true(alive(second));
    pass(1);
    assert_false(alive(second));
    assert_false(alive(top));
}

static void supervisors_are_started_at_run_time_too(void **state)
{
    static const moult_child with_pool[] = {{.id = "asker", .server = &asker_server},
                                            {.id = "pool", .supervisor = &pool},
                                            {.id = NULL}};
    const moult_child child = {.id = "p", .supervisor = &pool};
    moult_pid pid, below;

    plugin.templates = with_pool;
    pid = start_dynamic();
    assert_int_equal(start_child(pid, &child, NULL), 0);
    below = answer.pid;
    assert_trace("+x+y");
    assert_counts(pid, 1, 1, 1, 0);
    assert_children(below, "y:running x:running");
    assert_int_equal(terminate_pid(pid, below), 0);
    assert_trace("-y-x");
    assert_children(pid, "");
    end();
}

/* -- back-off -- */

static void back_off_doubles_to_its_most_and_begins_anew(void **state)
{
    static const uint64_t most_ms[] = {1000, 2000, 4000, 4000};

    start_well(
        LIST(PART("a", .name = "a", .backoff_ms = 1000, .backoff_most_ms = 4000)), 0);
    for (size_t i = 0; i < 4; i++) {
        crash("a", -EIO);
        pass(most_ms[i] / 2 - 1);
        assert_children(top, "a:restarting");
        pass(most_ms[i] / 2 + 1);
        assert_children(top, "a:running");
    }
    pass(6000);
    crash("a", -EIO);
    pass(1000);
    assert_children(top, "a:running");
    end();
}

static void a_start_that_fails_backs_off_too(void **state)
{
    start_well(LIST(PART("a", .name = "a", .backoff_ms = 100)), 0);
    trace[0] = 0;
    refusals['a'] = 2;
    crash("a", -EIO);
    assert_trace("-a");
    pass(100);
    assert_trace("+a");
    pass(200);
    assert_trace("+a");
    pass(400);
    assert_trace("+a");
    assert_children(top, "a:running");
    end();
}

/* -- another version: flags and specs are those of the new one, processes stay -- */

static struct descriptor old;

/* The top supervisor, which rests, supervises `children` now. */
static void become(const moult_child *children, int32_t strategy)
{
    struct supervisor *s = process_find(top)->data;
    struct fault why = {0};

    old = descriptor;
    plugin.children = children;
    plugin.strategy = strategy;
    assert_int_equal(descriptor_take(&plugin, NULL, &descriptor, &why), 0);
    supervisor_became(s, &descriptor.branches[0], NULL);
}

/* End all while both versions are there. */
static void end_both(void)
{
    end();
    signal_exit(NULL, asker, MOULT_KILL, NULL);
    workers_settle();
    descriptor_release(&old);
}

static void another_version_may_have_another_strategy(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_ONE_FOR_ONE);
    become(LIST(NAMED("c"), NAMED("a"), NAMED("b")), MOULT_REST_FOR_ONE);
    trace[0] = 0;
    crash("a", -EIO);
    assert_trace("-a-b+a+b");
    assert_children(top, "b:running a:running c:running");
    end_both();
}

static void another_version_may_make_a_running_child_significant(void **state)
{
    start_well(LIST(PART("a", .name = "a", .restart = MOULT_TRANSIENT), NAMED("b")), 0);
    plugin.auto_shutdown = MOULT_ALL_SIGNIFICANT;
    become(LIST(SIGNIFICANT("a", MOULT_TRANSIENT), NAMED("b")), 0);
    crash("a", MOULT_NORMAL);
    assert_false(alive(top));
    end_both();
}

static void and_may_make_it_insignificant_again(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(SIGNIFICANT("a", MOULT_TRANSIENT), NAMED("b")), 0);
    become(LIST(PART("a", .name = "a", .restart = MOULT_TRANSIENT), NAMED("b")), 0);
    crash("a", MOULT_NORMAL);
    assert_true(alive(top));
    assert_children(top, "b:running a:stopped");
    end_both();
}

static void what_was_started_at_run_time_stays_behind_what_is_listed(void **state)
{
    const moult_child x = NAMED("x");

    start_well(LIST(NAMED("a"), NAMED("b")), 0);
    assert_int_equal(start_child(top, &x, NULL), 0);
    become(LIST(NAMED("b"), NAMED("a")), 0);
    assert_children(top, "x:running a:running b:running");
    end_both();
}

/* -- partitions -- */

static uint32_t instances; /* a bit for each that has started */

static moult_next number_init(moult_ctx *ctx, void *state, moult_in *args)
{
    instances |= 1u << moult_instance(ctx);
    return moult_noreply();
}

static const moult_server numbered = {
    .size = sizeof(moult_server), .init = number_init, .handle_cast = part_cast};

static void a_key_goes_to_one_partition_for_ever(void **state)
{
    moult_pid third;

    instances = 0;
    start_well(LIST({.id = "p", .server = &numbered, .name = "p", .count = 4}), 0);
    assert_int_equal(instances, 0xf);
    third = moult_whereis("p.2");
    assert_true(moult_pid_equal(moult_partition("p", 4, 2), third));
    assert_true(moult_pid_equal(moult_partition("p", 4, 4002), third));
    assert_int_equal(moult_key("user", 4), 0x7d6780e4032b48f2u);
    crash("p.2", -EIO);
    assert_false(moult_pid_equal(moult_partition("p", 4, 2), third));
    assert_true(alive(moult_partition("p", 4, 2)));
    end();
}

static void one_per_core_is_as_many_as_there_are_workers(void **state)
{
    NEEDS_ONE_WORKER;
    start_well(
        LIST(
            {.id = "p", .server = &numbered, .name = "p", .count = MOULT_ONE_PER_CORE}),
        0);
    assert_counts(top, workers_count(), workers_count(), 0, workers_count());
    assert_true(moult_pid_equal(moult_partition("p", MOULT_ONE_PER_CORE, 77),
                                moult_whereis("p.0")));
    end();
}

/* -- many -- */

static const moult_server quiet = {.size = sizeof(moult_server),
                                   .handle_cast = part_cast};

static void start_many(moult_ctx *ctx, void *context)
{
    struct question *q = context;
    unsigned count = many(20000);

    for (unsigned i = 0; i < count && !q->error; i++) {
        q->error = moult_start_child(ctx, q->supervisor, NULL, NULL, &q->pid);
        if (i % 1000 == 0)
            cast_int(q->pid, -EIO);
    }
}

static const moult_supervisor crowd =
    SUPERVISOR(.strategy = MOULT_SIMPLE_ONE_FOR_ONE, .intensity = 10000,
               .children = LIST({.id = "q", .server = &quiet}));

static void it_supervises_many_that_were_asked_for(void **state)
{
    unsigned count = many(20000);
    moult_pid pid;

    event_set_level(EVENT_ERROR);
    start_well(LIST({.id = "crowd", .supervisor = &crowd, .name = "crowd"}), 0);
    pid = moult_whereis("crowd");
    assert_int_equal(asked(start_many, (struct question){.supervisor = pid}), 0);
    assert_counts(pid, 1, count, 0, count);
    end();
    assert_false(alive(pid));
    event_set_level(EVENT_INFO);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_for_all_ends_the_others_in_reverse_and_starts_all),
        TEST(rest_for_one_does_so_with_those_after_it),
        TEST(a_temporary_sibling_is_not_started_again),
        TEST(nor_is_one_that_came_after),
        TEST(a_temporary_child_does_not_take_its_siblings_along),
        TEST(a_group_restart_starts_those_that_did_not_run),
        TEST(a_group_restart_counts_once),
        TEST(no_restarts_means_none),
        TEST(when_another_fails_to_start_again_all_is_tried_again),
        TEST(rest_for_one_is_tried_again_from_who_failed),
        TEST(a_tree_starts_in_order_and_ends_in_reverse),
        TEST(who_gives_up_below_is_started_again_above),
        TEST(a_killed_supervisor_takes_its_tree_along_and_comes_back),
        TEST(a_failed_start_below_is_told_from_above),
        TEST(children_know_their_parent_and_have_a_path),
        TEST(any_significant_ends_the_supervisor_in_good_order),
        TEST(all_significant_waits_for_the_last),
        TEST(one_that_is_started_again_ends_nobody),
        TEST(to_terminate_a_significant_child_ends_nobody),
        TEST(a_significant_sibling_of_a_restart_ends_nobody),
        TEST(it_escalates_only_if_it_is_significant_itself),
        TEST(else_it_does_not_escalate),
        TEST(children_are_started_ended_and_deleted_by_id),
        TEST(an_id_that_is_there_is_not_started_twice),
        TEST(unknown_ids_are_not_found),
        TEST(a_start_that_fails_leaves_no_spec),
        TEST(one_that_ignores_is_kept_unless_it_is_temporary),
        TEST(a_terminated_temporary_child_is_forgotten),
        TEST(specs_that_cannot_be_are_named),
        TEST(a_restarting_child_is_neither_restarted_nor_deleted),
        TEST(a_childspec_has_all_its_keys),
        TEST(an_init_that_asks_its_supervisor_is_told),
        TEST(a_child_that_unlinks_cannot_hang_its_supervisor),
        TEST(simple_children_are_made_from_one_spec),
        TEST(they_are_started_again_with_what_they_were_given),
        TEST(they_are_ended_by_pid_alone),
        TEST(one_that_fails_or_ignores_leaves_nothing),
        TEST(they_end_all_at_once_with_one_deadline),
        TEST(dynamic_children_have_each_their_spec_and_no_ids),
        TEST(there_are_no_more_than_max_children),
        TEST(what_is_terminated_is_gone_whatever_its_restart),
        TEST(a_restart_that_ignores_forgets_the_child),
        TEST(a_dynamic_child_is_never_significant),
        TEST(mixed_deadlines_run_side_by_side),
        TEST(supervisors_are_started_at_run_time_too),
        TEST(back_off_doubles_to_its_most_and_begins_anew),
        TEST(a_start_that_fails_backs_off_too),
        TEST(another_version_may_have_another_strategy),
        TEST(another_version_may_make_a_running_child_significant),
        TEST(and_may_make_it_insignificant_again),
        TEST(what_was_started_at_run_time_stays_behind_what_is_listed),
        TEST(a_key_goes_to_one_partition_for_ever),
        TEST(one_per_core_is_as_many_as_there_are_workers),
        TEST(it_supervises_many_that_were_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
