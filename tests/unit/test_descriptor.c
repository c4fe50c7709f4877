/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "descriptor.h"

static const moult_server server = {.size = sizeof(moult_server)};

#define LIST(...)         \
    (const moult_child[]) \
    {                     \
        __VA_ARGS__,      \
        {                 \
            .id = NULL    \
        }                 \
    }
#define SUPERVISOR(...)                       \
    (const moult_supervisor)                  \
    {                                         \
        sizeof(moult_supervisor), __VA_ARGS__ \
    }
#define BELOW(...) LIST({.id = "sup", .supervisor = &SUPERVISOR(__VA_ARGS__)})
#define CHILD(...)                           \
    {                                        \
        .server = &server, .id = __VA_ARGS__ \
    }

static struct moult_plugin plugin;
static struct descriptor descriptor;
static struct fault why;

static int begin(void **state)
{
    plugin = (struct moult_plugin){.magic = MOULT_MAGIC,
                                   .size = sizeof(plugin),
                                   .abi_major = MOULT_ABI_MAJOR,
                                   .child_size = sizeof(moult_child),
                                   .field_size = sizeof(moult_field),
                                   .name = "app",
                                   .vsn = "1"};
    why = (struct fault){0};
    return 0;
}

static int end(void **state)
{
    descriptor_release(&descriptor);
    return 0;
}

static int take(const moult_child *children)
{
    plugin.children = children;
    return descriptor_take(&plugin, NULL, &descriptor, &why);
}

static void assert_refused(const moult_child *children, const char *expected)
{
    assert_int_equal(take(children), -EINVAL);
    assert_non_null(strstr(why.text, expected));
    assert_int_equal(descriptor.count, 0);
    why = (struct fault){0};
}

/* -- what it says besides its children -- */

#define NAMES(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

static void what_it_needs_and_has_configured_is_copied(void **state)
{
    static const moult_env env[] = {
        {.key = "port", .type = MOULT_ENV_INT, .value = "80", .most = 90},
        {.key = NULL}};
    const struct resource *r = &descriptor.resource;

    plugin.env_size = sizeof(moult_env);
    plugin.env = env;
    plugin.applications = NAMES("kv", "log");
    plugin.optional_applications = NAMES("log");
    assert_int_equal(take(NULL), 0);
    assert_string_equal(r->applications[1], "log");
    assert_string_equal(r->optional[0], "log");
    assert_null(r->included);
    assert_int_equal(r->env_count, 1);
    assert_memory_equal(r->env[0].value, "\x18\x50", 2);
    assert_int_equal(r->env[0].most, 90);
    assert_null(descriptor.plugin.applications);
}

static void what_can_t_be_said_of_an_application_is_refused(void **state)
{
    static const moult_env twice[] = {{.key = "a"}, {.key = "a"}, {.key = NULL}};
    static const moult_env no_json[] = {{.key = "a", .value = "{"}, {.key = NULL}};
    static const moult_start_phase phases[] = {{.name = "go"}, {.name = NULL}};
    static const moult_application small = {.size = 8};

    plugin.applications = NAMES("Kv");
    assert_refused(NULL, "'Kv' of its applications is not the name of an application");
    plugin.applications = NULL;
    plugin.env = no_json;
    assert_refused(NULL, "it has an env and no env_size");
    plugin.env_size = sizeof(moult_env);
    assert_refused(NULL, "the contents of env 'a' are not JSON");
    plugin.env = twice;
    assert_refused(NULL, "its env has two keys 'a'");
    plugin.env = NULL;
    plugin.start_phases = phases;
    plugin.phase_size = sizeof(moult_start_phase);
    assert_refused(NULL, "its mod has no start_phase to call");
    plugin.start_phases = NULL;
    plugin.mod = &small;
    assert_refused(NULL, "its mod says it has 8 bytes");
}

static int handle_nothing(moult_ctx *ctx, const moult_telemetry_event *event)
{
    return 0;
}

static void telemetry_handlers_are_found_by_name(void **state)
{
    static const moult_telemetry_handler handlers[] = {{"note", handle_nothing},
                                                       {NULL, NULL}};

    plugin.telemetry = handlers;
    plugin.telemetry_size = sizeof(moult_telemetry_handler);
    assert_int_equal(take(NULL), 0);
    assert_ptr_equal(code_handler(descriptor.all, "note"), handle_nothing);
    assert_null(code_handler(descriptor.all, "other"));
    assert_null(descriptor.plugin.telemetry);
}

static void telemetry_handlers_that_can_t_be_are_refused(void **state)
{
    static const moult_telemetry_handler twice[] = {
        {"note", handle_nothing}, {"note", handle_nothing}, {NULL, NULL}};
    static const moult_telemetry_handler empty[] = {{"", handle_nothing}, {NULL, NULL}};
    static const moult_telemetry_handler nothing[] = {{"note", NULL}, {NULL, NULL}};

    plugin.telemetry = twice;
    assert_refused(NULL, "it has telemetry handlers and no telemetry_size");
    plugin.telemetry_size = sizeof(moult_telemetry_handler);
    assert_refused(NULL, "it has two telemetry handlers 'note'");
    plugin.telemetry = empty;
    assert_refused(NULL, "number 0 of its telemetry handlers has a name that is not");
    plugin.telemetry = nothing;
    assert_refused(NULL, "its telemetry handler 'note' has no function");
}

/* -- statems -- */

struct door {
    char state[8];
    int64_t opened;
};
MOULT_STATE(door_data, struct door, MOULT_FIELD(state, .initial_text = "shut"),
            MOULT_FIELD(opened));
MOULT_STATE(nameless_data, struct door, MOULT_FIELD(opened));
MOULT_STATE(undecided_data, struct door, MOULT_FIELD(state), MOULT_FIELD(opened));

static moult_next on_event(moult_ctx *ctx, void *data, const moult_event *event)
{
    return moult_keep_state();
}

static moult_next on_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_noreply();
}

#define STATES(...)                      \
    (const moult_statem_state[])         \
    {                                    \
        {"shut", on_event}, __VA_ARGS__, \
        {                                \
            0                            \
        }                                \
    }

static void assert_statem_refused(moult_server s, moult_statem m, const char *expected)
{
    s.size = sizeof(s);
    s.statem = &m;
    assert_refused(LIST({.id = "door", .server = &s}), expected);
}

static void a_statem_has_states_and_says_in_which_it_begins(void **state)
{
    moult_server good = {.state = door_data}, s = good;
    moult_statem any = {.size = sizeof(any), .handle_event = on_event}, m = any;

    assert_statem_refused((moult_server){0}, any, "has a statem, and its data no");
    s.state = nameless_data;
    assert_statem_refused(s, any, "has a statem, and its data no `char state[n]`");
    s.state = undecided_data;
    assert_statem_refused(s, any, "begins in state '', which is none of its states");
    s = good;
    s.handle_cast = on_cast;
    assert_statem_refused(s, any, "the statem gets all events");
    m.size = 4;
    assert_statem_refused(good, m, "says it has 4 bytes");
    m = (moult_statem){.size = sizeof(m)};
    assert_statem_refused(good, m, "has neither states nor handle_event");
    m.states = STATES({"open", NULL});
    assert_statem_refused(good, m, "state 'open' of server 'door' has no function");
    m.states = STATES({"half open", on_event});
    assert_statem_refused(good, m, "'half open' of server 'door' does not fit");
    m.states = STATES({"shut", on_event});
    assert_statem_refused(good, m, "lists state 'shut' twice");
    m.states = (const moult_statem_state[]){{"open", on_event}, {0}};
    assert_statem_refused(good, m, "begins in state 'shut', which is none");
}

static void what_is_below_a_supervisor_has_its_path(void **state)
{
    const struct branch *top, *below;

    assert_int_equal(
        take(LIST(
            CHILD("a"),
            {.id = "pool",
             .supervisor = &SUPERVISOR(.strategy = MOULT_REST_FOR_ONE, .intensity = 7,
                                       .children = LIST(CHILD("a"), CHILD("b")))},
            CHILD("c"))),
        0);
    top = &descriptor.branches[0];
    assert_int_equal(top->count, 3);
    assert_string_equal(top->codes[1]->id, "pool");
    assert_null(top->codes[0]->branch);
    below = top->codes[1]->branch;
    assert_int_equal(below->strategy, MOULT_REST_FOR_ONE);
    assert_int_equal(below->intensity, 7);
    assert_int_equal(below->count, 2);
    assert_string_equal(below->codes[0]->id, "pool/a");
    assert_string_equal(below->codes[0]->child->id, "a");
    assert_ptr_equal(code_find(below->all, "pool/b"), below->codes[1]);
    assert_ptr_equal(code_declared(below->all, &server), top->codes[0]);
    assert_string_equal(top->codes[2]->id, "c");
}

static void what_starts_at_run_time_only_is_a_template(void **state)
{
    plugin.templates = LIST(CHILD("t"));
    assert_int_equal(
        take(LIST(CHILD("a"),
                  {.id = "pool",
                   .supervisor = &SUPERVISOR(.strategy = MOULT_SIMPLE_ONE_FOR_ONE,
                                             .children = LIST(CHILD("w")))})),
        0);
    assert_false(code_find(descriptor.all, "a")->is_template);
    assert_false(code_find(descriptor.all, "pool")->is_template);
    assert_true(code_find(descriptor.all, "pool/w")->is_template);
    assert_true(code_find(descriptor.all, "t")->is_template);
}

static void a_plugin_of_the_first_abi_has_none_of_it(void **state)
{
    const size_t child_size = offsetof(moult_child, supervisor);
    const moult_child child = CHILD("a");
    char old[2 * offsetof(moult_child, supervisor)] = {0};

    memcpy(old, &child, child_size); /* what stands behind it is the next */
    plugin.child_size = (uint32_t)child_size;
    plugin.size = offsetof(struct moult_plugin, strategy);
    plugin.strategy = 77;
    assert_int_equal(take((const void *)old), 0);
    assert_int_equal(descriptor.count, 1);
    assert_int_equal(descriptor.branches[0].strategy, MOULT_ONE_FOR_ONE);
}

static void a_strategy_that_is_none_is_named(void **state)
{
    assert_refused(BELOW(.strategy = 9), "supervisor 'sup' has strategy 9");
    assert_refused(BELOW(.auto_shutdown = 3), "supervisor 'sup' has auto_shutdown 3");
    plugin.strategy = -1;
    assert_refused(LIST(CHILD("a")), "supervisor 'of the application' has strategy -1");
}

static void what_a_strategy_cannot_have_is_named(void **state)
{
    assert_refused(BELOW(.strategy = MOULT_SIMPLE_ONE_FOR_ONE), "lists 0 children");
    assert_refused(BELOW(.strategy = MOULT_SIMPLE_ONE_FOR_ONE,
                         .children = LIST(CHILD("a", .name = "a"))),
                   "child 'a' of a simple_one_for_one supervisor has a name");
    assert_refused(BELOW(.strategy = MOULT_DYNAMIC, .children = LIST(CHILD("a"))),
                   "is dynamic and lists 1 children");
    assert_refused(BELOW(.max_children = 3), "has max_children, which is for");
    assert_refused(BELOW(.args = "[]"), "has args, which is for");
    assert_refused(BELOW(.strategy = MOULT_DYNAMIC, .args = "["), "are not JSON");
}

static void a_child_that_cannot_be_is_named(void **state)
{
    assert_refused(LIST(CHILD("a", .significant = 1)), "significant and permanent");
    assert_refused(LIST(CHILD("a", .significant = 1, .restart = MOULT_TRANSIENT)),
                   "has no auto_shutdown");
    assert_refused(LIST({.id = "a"}), "child 'a' has no server");
    assert_refused(
        LIST({.id = "a", .server = &server, .supervisor = &SUPERVISOR(.strategy = 0)}),
        "child 'a' has a server and a supervisor");
    assert_refused(LIST(CHILD("a/b")), "the id of child 'a/b' has a '/'");
    assert_refused(LIST(CHILD("a", .backoff_ms = 9, .backoff_most_ms = 5)),
                   "child 'a' has backoff_ms 9, more than");
    assert_refused(LIST(CHILD("a"), CHILD("a")), "two children with id 'a'");
    assert_refused(BELOW(.children = LIST(CHILD("a"), CHILD("a"))),
                   "two children with id 'sup/a'");
    assert_refused(
        LIST({.id = "a", .args = "1", .supervisor = &SUPERVISOR(.strategy = 0)}),
        "child 'a' is a supervisor and takes no args");
}

static void a_child_has_not_more_than_it_may(void **state)
{
    assert_refused(LIST(CHILD("a", .count = 1000001)),
                   "child 'a' has count 1000001, more than 1000000");
    assert_refused(LIST(CHILD("a", .mailbox_limit = 1000001)),
                   "child 'a' has mailbox_limit 1000001, more than 1000000");
    assert_refused(LIST(CHILD("a", .stack_size = (64u << 20) + 1)),
                   "child 'a' has stack_size 67108865, more than 67108864");
}

static void a_list_without_an_end_is_refused(void **state)
{
    static moult_child many[1026];
    static const char *names[1026];
    static moult_env env[1026];
    static char keys[1025][8];

    for (unsigned i = 0; i < 1025; i++) {
        many[i] = (moult_child){.id = "a", .server = &server};
        snprintf(keys[i], sizeof(keys[i]), "k%u", i);
        env[i].key = names[i] = keys[i];
    }
    assert_refused(many, "it has more than 1024 children");
    plugin.applications = names;
    assert_refused(NULL, "its applications are more than 1024");
    plugin.applications = NULL;
    plugin.env = env;
    plugin.env_size = sizeof(moult_env);
    assert_refused(NULL, "its env has more than 1024 keys");
}

static void names_that_cannot_be_are_named(void **state)
{
    char longer[300];

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    assert_refused(LIST(CHILD("")), "the id of child 0 is not UTF-8 text of 1 to 255");
    assert_refused(LIST(CHILD("a"), CHILD("\xff")), "the id of child 1 is not UTF-8");
    assert_refused(LIST(CHILD(longer)), "the id of child 0 is not UTF-8 text");
    assert_refused(LIST(CHILD("a", .name = "")), "the name of child 'a' is not UTF-8");
    assert_refused(LIST(CHILD("a", .name = "\xff")), "the name of child 'a' is not");
    assert_refused(LIST(CHILD("a", .name = longer)), "the name of child 'a' is not");
    assert_refused(LIST(CHILD("a", .name = "via:rooms")),
                   "the name 'via:rooms' of child 'a' is not whole");
    assert_refused(LIST(CHILD("a", .name = "x"), CHILD("b", .name = "x")),
                   "its children 'a' and 'b' have one name, 'x'");
}

static void options_that_cannot_be_are_named(void **state)
{
    static const moult_server small = {.size = 8};

    assert_refused(LIST(CHILD("a", .restart = 3)), "child 'a' has restart 3");
    assert_refused(LIST(CHILD("a", .restart = -1)), "child 'a' has restart -1");
    assert_refused(LIST(CHILD("a", .significant = 7, .restart = MOULT_TEMPORARY)),
                   "child 'a' has significant 7: 0 or 1");
    assert_refused(LIST(CHILD("a", .renew = 2)), "child 'a' has renew 2: 0 or 1");
    assert_refused(LIST(CHILD("a", .args = "{")), "the args of child 'a' are not JSON");
    assert_refused(LIST(CHILD("a", .count = 2000000)), "child 'a' has count 2000000");
    assert_refused(LIST(CHILD("a", .mailbox_limit = 0xffffffff)),
                   "child 'a' has mailbox_limit 4294967295");
    assert_refused(LIST(CHILD("a", .stack_size = 0xffffffff)),
                   "child 'a' has stack_size 4294967295");
    assert_refused(LIST({.id = "a", .server = &small}),
                   "the server of child 'a' says it has 8 bytes");
    assert_refused(LIST({.id = "a",
                         .hibernate_after_ms = 5,
                         .supervisor = &SUPERVISOR(.strategy = 0)}),
                   "child 'a' is a supervisor and takes no hibernate_after_ms");
}

static void a_supervisor_below_itself_is_refused(void **state)
{
    static moult_supervisor self;
    static const moult_child below[] = {{.id = "again", .supervisor = &self},
                                        {.id = NULL}};

    self = (moult_supervisor){.size = sizeof(self), .children = below};
    assert_refused(below, "nested more than 16 deep");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_statem_has_states_and_says_in_which_it_begins,
                                        begin, end),
        TEST(what_it_needs_and_has_configured_is_copied),
        TEST(what_can_t_be_said_of_an_application_is_refused),
        TEST(telemetry_handlers_are_found_by_name),
        TEST(telemetry_handlers_that_can_t_be_are_refused),
        TEST(what_is_below_a_supervisor_has_its_path),
        TEST(what_starts_at_run_time_only_is_a_template),
        TEST(a_plugin_of_the_first_abi_has_none_of_it),
        TEST(a_strategy_that_is_none_is_named),
        TEST(what_a_strategy_cannot_have_is_named),
        TEST(a_child_that_cannot_be_is_named),
        TEST(a_child_has_not_more_than_it_may),
        TEST(a_list_without_an_end_is_refused),
        TEST(names_that_cannot_be_are_named),
        TEST(options_that_cannot_be_are_named),
        TEST(a_supervisor_below_itself_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
