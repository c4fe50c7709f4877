/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application says of itself besides its tree: what it needs and includes, its
 * callbacks and phases, its type.
 */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "application_setting.h"
#include "ask.h"
#include "harness.h"
#include "master.h"

/*
 * Three applications, a, b and c, of one child each.  The trace has "+a" when the init of
 * a's child runs and "-a" when its terminate does; "start:a", "go:a", "prep:a", "stop:a"
 * when a callback does.
 */
enum { A, B, C, COUNT };

static struct code codes[COUNT];
static const struct code *listed[COUNT];
static moult_child children[COUNT];
static struct resource resources[COUNT];
static struct module modules[COUNT];
static struct application_spec specs[COUNT];
static const char *const names[COUNT] = {"a", "b", "c"};
static char args[COUNT]; /* CBOR: small integers */
static char trace[512];
static char *needs[COUNT][3], *includes[COUNT][3], *optional[COUNT][3];
static struct start_phase phases[COUNT][2];
static char fails[64]; /* what refuses, as it stands in the trace */
static uint64_t stop_takes_ms;

struct state {
    int64_t number;
};
MOULT_STATE(state_schema, struct state, MOULT_FIELD(number));

static void mark(const char *what, const char *name)
{
    size_t len = strlen(trace);

    snprintf(trace + len, sizeof(trace) - len, "%s%s%s", len ? " " : "", what, name);
}

static moult_next refuse_if_asked(moult_ctx *ctx, const char *what, const char *name)
{
    char text[64];

    mark(what, name);
    snprintf(text, sizeof(text), "%s%s", what, name);
    if (strcmp(text, fails) == 0)
        return moult_stop_because(ctx, -ENODEV, "%s refuses", text);
    return moult_noreply();
}

static moult_next child_init(moult_ctx *ctx, void *state, moult_in *in)
{
    struct state *s = state;

    s->number = moult_get_int(in);
    moult_trap_exit(ctx, true);
    return refuse_if_asked(ctx, "+", names[s->number]);
}

static moult_next child_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop_because(ctx, -EIO, "as told");
}

static void child_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    struct state *s = state;

    mark("-", names[s->number]);
}

static const moult_server child_server = {.size = sizeof(moult_server),
                                          .state = state_schema,
                                          .init = child_init,
                                          .handle_cast = child_cast,
                                          .terminate = child_terminate};

/* -- callbacks: they know which they are by their args -- */

static const char *self_name(moult_ctx *ctx)
{
    return process_of(ctx)->group->name;
}

static moult_next app_start(moult_ctx *ctx, moult_in *in, moult_out *state)
{
    check(moult_match(in, "args"));
    moult_put_text(state, "kept");
    return refuse_if_asked(ctx, "start:", self_name(ctx));
}

static moult_next app_phase(moult_ctx *ctx, const char *phase, moult_in *in)
{
    char what[32];

    check(moult_peek(in) == MOULT_NULL);
    snprintf(what, sizeof(what), "%s:", phase);
    return refuse_if_asked(ctx, what, self_name(ctx));
}

static void app_prep_stop(moult_ctx *ctx, moult_in *from, moult_out *state)
{
    check(moult_match(from, "kept"));
    moult_put_text(state, "prepared");
    mark("prep:", self_name(ctx));
}

static void app_stop(moult_ctx *ctx, moult_in *state)
{
    check(moult_match(state, "prepared") || moult_match(state, "kept"));
    mark("stop:", self_name(ctx));
    if (stop_takes_ms)
        moult_sleep(ctx, stop_takes_ms);
}

static const moult_application callbacks = {.size = sizeof(moult_application),
                                            .start = app_start,
                                            .start_phase = app_phase,
                                            .prep_stop = app_prep_stop,
                                            .stop = app_stop};

/* -- the three of them -- */

static void make(int i)
{
    static char args_text[] = "\x64"
                              "args";

    args[i] = (char)i;
    children[i] =
        (moult_child){.id = names[i], .server = &child_server, .name = names[i]};
    codes[i] = (struct code){.server = child_server,
                             .schema = state_schema(),
                             .app = names[i],
                             .vsn = "1.0",
                             .id = names[i],
                             .child = &children[i],
                             .args = &args[i],
                             .args_len = 1};
    listed[i] = &codes[i];
    modules[i] =
        (struct module){.callbacks = callbacks,
                        .child = {.id = "application_master", .server = &master_server},
                        .code = {.server = master_server,
                                 .app = names[i],
                                 .vsn = "1.0",
                                 .id = "application_master",
                                 .child = &modules[i].child},
                        .args = args_text,
                        .len = 5};
    resources[i] = (struct resource){
        .applications = needs[i], .included = includes[i], .optional = optional[i]};
    specs[i] = (struct application_spec){.name = names[i],
                                         .vsn = "1.0",
                                         .top = {.codes = &listed[i], .count = 1},
                                         .resource = &resources[i]};
}

static unsigned fatal; /* times that the host was told to stop */
static char fatal_reason[256];

static void on_fatal(void *context, const char *app, const char *reason)
{
    fatal++;
    snprintf(fatal_reason, sizeof(fatal_reason), "%s: %s", app, reason);
}

static int begin(void **state)
{
    memset(needs, 0, sizeof(needs));
    memset(includes, 0, sizeof(includes));
    memset(optional, 0, sizeof(optional));
    for (int i = 0; i < COUNT; i++)
        make(i);
    one_worker(state);
    applications_on_fatal(on_fatal, NULL);
    fatal = 0;
    for (int i = 0; i < COUNT; i++) {
        struct application *app = application_find(names[i]);

        if (app)
            app->type = APPLICATION_TEMPORARY;
    }
    assert_int_equal(applications_start(), 0);
    trace[0] = fails[0] = 0;
    return 0;
}

static int end(void **state)
{
    applications_stop();
    workers_settle();
    return workers_end(state);
}

static struct application *start(int i)
{
    struct application *app = NULL;
    struct fault why = {0};

    if (application_start(&specs[i], &app, &why) < 0)
        fail_msg("%s", why.text);
    return app;
}

static void assert_refused(int i, const char *expected)
{
    struct application *app = NULL;
    struct fault why = {0};

    assert_true(application_start(&specs[i], &app, &why) < 0);
    assert_string_equal(why.text, expected);
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

static void with_callbacks(int i)
{
    resources[i].mod = &modules[i];
}

static void with_phases(int i, const char *first, const char *second)
{
    static char null[] = "\xf6";

    with_callbacks(i);
    resources[i].phases = phases[i];
    resources[i].phase_count = second ? 2 : 1;
    phases[i][0] = (struct start_phase){(char *)first, null, 1};
    phases[i][1] = (struct start_phase){(char *)second, null, 1};
}

static void crash_for_good(const char *name)
{
    for (int i = 0; i < 2; i++) { /* its intensity is 1 */
        assert_int_equal(cast_word(moult_whereis(name), "crash"), 0);
        workers_settle();
    }
}

/* -- two versions -- */

static _Atomic pid_t starter_id;

static void *start_next(void *next)
{
    struct application *app;
    struct fault why = {0};

    atomic_store(&starter_id, gettid());
    check(application_start(next, &app, &why) == 0);
    return NULL;
}

/* Wait until that thread, which does only that, waits for something. */
static void wait_until_asleep(void)
{
    char path[64], state = 'R';
    FILE *f;

    while (!atomic_load(&starter_id))
        sched_yield();
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", atomic_load(&starter_id));
    while (state != 'S') {
        f = fopen(path, "re");
        assert_non_null(f);
        assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
        fclose(f);
        sched_yield();
    }
}

/* -- what it needs -- */

static void one_starts_only_when_all_that_it_needs_has_started(void **state)
{
    needs[A][0] = (char *)"b";
    assert_refused(A, "application 'a' needs 'b', which does not run");
    start(B);
    start(A);
    assert_trace("+b +a");
}

static void one_that_is_optional_need_not_be_there(void **state)
{
    needs[A][0] = optional[A][0] = (char *)"b";
    start(A);
    assert_trace("+a");
}

static void the_host_itself_may_be_needed(void **state)
{
    needs[A][0] = (char *)"kernel";
    start(A);
    assert_trace("+a");
}

static void all_are_stopped_before_what_they_need(void **state)
{
    start(A);
    start(B);
    needs[B][0] = (char *)"c"; /* as after an upgrade: c was started last */
    start(C);
    trace[0] = 0;
    applications_stop();
    assert_trace("-b -c -a");
}

/* -- callbacks -- */

static void callbacks_are_around_the_tree_and_share_a_state(void **state)
{
    struct application *app;

    with_callbacks(A);
    app = start(A);
    assert_trace("start:a +a");
    application_stop(app);
    assert_trace("prep:a -a stop:a");
    assert_int_equal(app->group.count, 0);
}

static void a_start_that_refuses_starts_nothing(void **state)
{
    with_callbacks(A);
    strcpy(fails, "start:a");
    assert_refused(A, "application 'a' 1.0 did not start: start:a refuses");
    assert_trace("start:a");
    assert_int_equal(application_find("a")->status, APPLICATION_FAILED);
}

static void a_tree_that_does_not_start_is_told_to_stop(void **state)
{
    with_callbacks(A);
    strcpy(fails, "+a");
    assert_refused(A,
                   "application 'a' 1.0 did not start: child 'a' failed to start: +a "
                   "refuses");
    assert_trace("start:a +a stop:a");
}

static void prep_stop_and_stop_run_when_it_ends_by_itself(void **state)
{
    with_callbacks(A);
    start(A);
    trace[0] = 0;
    crash_for_good("a");
    assert_trace("-a +a -a prep:a stop:a");
    assert_int_equal(application_find("a")->status, APPLICATION_FAILED);
}

static void another_version_starts_when_the_one_before_has_come_to_its_end(void **state)
{
    static _Atomic uint32_t uses[2];
    static struct application_spec next; /* it runs still when the test ends */
    pthread_t thread;

    with_callbacks(A);
    specs[A].uses = &uses[0];
    start(A);
    next = specs[A];
    next.vsn = "2.0";
    next.uses = &uses[1];
    trace[0] = 0;
    stop_takes_ms = 1000;
    crash_for_good("a");
    assert_trace("-a +a -a prep:a stop:a");
    assert_int_equal(atomic_load(&uses[0]), 1);
    assert_int_equal(pthread_create(&thread, NULL, start_next, &next), 0);
    wait_until_asleep();
    assert_ptr_equal(application_find("a")->spec, &specs[A]);
    pass(1000);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&uses[0]), 0);
    assert_int_equal(atomic_load(&uses[1]), 0);
    assert_ptr_equal(application_find("a")->spec, &next);
    stop_takes_ms = 0;
}

/* -- start phases -- */

static void phases_run_in_order_when_the_tree_is_up(void **state)
{
    with_phases(A, "init", "go");
    start(A);
    assert_trace("start:a +a init:a go:a");
}

static void a_phase_that_refuses_takes_the_start_back(void **state)
{
    with_phases(A, "init", "go");
    strcpy(fails, "init:a");
    assert_refused(A, "application 'a' 1.0 did not start: init:a refuses");
    assert_trace("start:a +a init:a -a stop:a");
}

static void phases_are_those_of_what_is_included_too_top_down(void **state)
{
    struct application *app;

    includes[A][0] = (char *)"b";
    includes[A][1] = (char *)"c";
    with_phases(A, "init", "go");
    with_phases(B, "go", NULL);
    with_phases(C, "init", "other"); /* which a has not */
    application_load(&specs[B]);
    application_load(&specs[C]);
    app = start(A);
    assert_trace("start:a +a +b +c init:a init:c go:a go:b");
    application_stop(app);
    assert_trace("prep:a -c -b -a stop:a"); /* only a's own are called */
}

/* -- included ones -- */

static void what_is_included_must_be_known(void **state)
{
    includes[A][0] = (char *)"nowhere";
    assert_refused(A, "application 'a' includes 'nowhere', which is not here");
}

static void what_is_included_starts_and_stops_as_part_of_it(void **state)
{
    struct application *app;

    includes[A][0] = (char *)"b";
    application_load(&specs[B]);
    app = start(A);
    assert_int_equal(application_find("b")->status, APPLICATION_RUNNING);
    assert_ptr_equal(application_find("b")->owner, app);
    application_stop(app);
    assert_int_equal(application_find("b")->status, APPLICATION_STOPPED);
    assert_null(application_find("b")->owner);
    assert_trace("+a +b -b -a");
}

static void what_is_included_takes_all_with_it_when_it_ends(void **state)
{
    includes[A][0] = (char *)"b";
    application_load(&specs[B]);
    start(A);
    trace[0] = 0;
    crash_for_good("b");
    assert_trace("-b +b -b -a");
    assert_int_equal(application_find("a")->status, APPLICATION_FAILED);
}

static void what_runs_by_itself_can_t_be_included(void **state)
{
    start(B);
    includes[A][0] = (char *)"b";
    assert_refused(A,
                   "application 'a' 1.0 did not start: what it includes runs already");
    assert_int_equal(application_find("b")->status, APPLICATION_RUNNING);
    assert_trace("+b +a -a");
}

/* -- types -- */

static void temporary_is_the_default_and_means_nothing_for_the_host(void **state)
{
    uint64_t from = event_next();

    start(A);
    crash_for_good("a");
    assert_int_equal(events_named("application.exit", from), 1);
    assert_int_equal(fatal, 0);
}

static void the_host_stops_when_a_permanent_one_ends(void **state)
{
    start(A)->type = APPLICATION_PERMANENT;
    crash_for_good("a");
    assert_int_equal(fatal, 1);
    assert_string_equal(fatal_reason, "a: too many restarts");
}

static void the_host_stops_when_a_transient_one_ends_abnormally(void **state)
{
    start(A)->type = APPLICATION_TRANSIENT;
    crash_for_good("a"); /* with shutdown, which is not normal */
    assert_int_equal(fatal, 1);
}

/* As sys:terminate/2 does it: by itself a supervisor never ends as normal. */
static void end_normally(struct application *app)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    e->code = SYSTEM_TERMINATE;
    moult_put_int(&e->out, MOULT_NORMAL);
    ask_and_wait(app->supervisor, e, MOULT_INFINITY, NULL, NULL, 0);
    workers_settle();
}

static void the_host_goes_on_when_a_transient_one_ends_as_normal(void **state)
{
    struct application *app = start(A);

    app->type = APPLICATION_TRANSIENT;
    end_normally(app);
    assert_false(application_runs("a"));
    assert_int_equal(fatal, 0);
}

static void it_stops_when_a_permanent_one_does(void **state)
{
    struct application *app = start(A);

    app->type = APPLICATION_PERMANENT;
    end_normally(app);
    assert_int_equal(fatal, 1);
}

static void it_stops_when_a_transient_one_can_t_be_started(void **state)
{
    assert_int_equal(application_setting_reserve("d"), 0);
    application_setting_put("d", &(struct application_setting){
                                     .type = APPLICATION_TRANSIENT, .log_level = -1});
    application_start_failed("d", "no reason");
    assert_int_equal(fatal, 1);
}

static void to_stop_a_permanent_one_does_not_stop_the_host(void **state)
{
    struct application *app = start(A);

    app->type = APPLICATION_PERMANENT;
    application_stop(app);
    assert_int_equal(fatal, 0);
}

static void the_host_stops_when_a_permanent_one_can_t_be_started(void **state)
{
    assert_int_equal(application_setting_reserve("d"), 0);
    application_setting_put("d", &(struct application_setting){
                                     .type = APPLICATION_PERMANENT, .log_level = -1});
    application_start_failed("d", "no reason");
    application_start_failed("e", "nobody cares");
    assert_int_equal(fatal, 1);
    assert_string_equal(fatal_reason, "d: no reason");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_starts_only_when_all_that_it_needs_has_started),
        TEST(one_that_is_optional_need_not_be_there),
        TEST(the_host_itself_may_be_needed),
        TEST(all_are_stopped_before_what_they_need),
        TEST(callbacks_are_around_the_tree_and_share_a_state),
        TEST(a_start_that_refuses_starts_nothing),
        TEST(a_tree_that_does_not_start_is_told_to_stop),
        TEST(prep_stop_and_stop_run_when_it_ends_by_itself),
        TEST(another_version_starts_when_the_one_before_has_come_to_its_end),
        TEST(phases_run_in_order_when_the_tree_is_up),
        TEST(a_phase_that_refuses_takes_the_start_back),
        TEST(phases_are_those_of_what_is_included_too_top_down),
        TEST(what_is_included_must_be_known),
        TEST(what_is_included_starts_and_stops_as_part_of_it),
        TEST(what_is_included_takes_all_with_it_when_it_ends),
        TEST(what_runs_by_itself_can_t_be_included),
        TEST(temporary_is_the_default_and_means_nothing_for_the_host),
        TEST(the_host_stops_when_a_permanent_one_ends),
        TEST(the_host_stops_when_a_transient_one_ends_abnormally),
        TEST(the_host_goes_on_when_a_transient_one_ends_as_normal),
        TEST(it_stops_when_a_permanent_one_does),
        TEST(it_stops_when_a_transient_one_can_t_be_started),
        TEST(to_stop_a_permanent_one_does_not_stop_the_host),
        TEST(the_host_stops_when_a_permanent_one_can_t_be_started),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
