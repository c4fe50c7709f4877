/* SPDX-License-Identifier: Apache-2.0 */
/* Managers in other versions, and what a plugin may say of one. */
#include "event_fixture.h"

/* -- state, and other versions -- */

static void all_states_are_one(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    moult_in in, all, first, rung;
    moult_out reply;

    add_both();
    tell(NOTIFY, NULL, "ring");
    out_init(&reply, NULL, 0);
    e->code = SYSTEM_STATE;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, &reply, NULL, 0), 0);
    in = out_read(&reply);
    assert_true(moult_find(&in, "state", &all));
    assert_true(moult_find(&all, "handlers", &first));
    assert_int_equal(moult_get_array(&first), 2);
    assert_true(moult_find(&first, "state", &rung));
    assert_int_equal(moult_int_at(&rung, "rung"), 1);
    out_release(&reply);
}

static void states_can_be_replaced(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    assert_int_equal(tell(ADD, "a", "one"), 0);
    e->code = SYSTEM_REPLACE;
    moult_put_map(&e->out, 1);
    moult_put_text(&e->out, "handlers");
    moult_put_array(&e->out, 1);
    moult_put_map(&e->out, 3);
    moult_put_text_at(&e->out, "handler", "a");
    moult_put_text(&e->out, "owner");
    moult_put_null(&e->out);
    moult_put_text(&e->out, "state");
    moult_put_map(&e->out, 1);
    moult_put_int_at(&e->out, "rung", 41);
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    tell(NOTIFY, NULL, "ring");
    assert_int_equal(tell(CALL, "a", "how often"), 0);
    assert_string_equal(last.result, "42");
}

static void one_that_is_suspended_lets_all_but_a_look_wait(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    add_both();
    e->code = SYS_SUSPEND;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    tell(NOTIFY, NULL, "ring");
    assert_trace("");
    e = envelope_create(ENVELOPE_SYSTEM);
    e->code = SYSTEM_STATE;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    e = envelope_create(ENVELOPE_SYSTEM);
    e->code = SYS_RESUME;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    assert_trace("b:ring a:ring");
}

/* Kind a with another format, and b with a field that is new. */
struct new_bell {
    char label[32];
    int64_t rung, added;
};

MOULT_STATE(new_state, struct new_bell, MOULT_FIELD(label), MOULT_FIELD(rung),
            MOULT_FIELD(added, .initial = 7));

static int change_a(const moult_change *change, moult_in *from, moult_out *to)
{
    moult_in label;
    size_t len;
    const char *text;

    if (!moult_find(from, "label", &label))
        return -EBADMSG;
    text = moult_get_text(&label, &len);
    if (len == 4 && memcmp(text, "fail", 4) == 0)
        return -EINVAL;
    moult_put_map(to, 2);
    moult_put_int_at(to, "rung", moult_int_at(from, "rung") * 100);
    moult_put_text(to, "label");
    moult_put_text_len(to, text, len);
    return 0;
}

static moult_next rename_call(moult_ctx *ctx, void *state, moult_in *request,
                              moult_out *reply)
{
    const struct new_bell *b = state;

    moult_put_int(reply, b->rung * 10 + b->added);
    return moult_reply();
}

static const moult_handler new_a = {.size = sizeof(moult_handler),
                                    .name = "a",
                                    .format = 1,
                                    .state = new_state,
                                    .handle_call = rename_call,
                                    .code_change = change_a};

static const moult_handler new_b = {.size = sizeof(moult_handler),
                                    .name = "b",
                                    .state = new_state,
                                    .handle_call = rename_call};

static const moult_manager new_bells = {
    .size = sizeof(moult_manager),
    .handlers = (const moult_handler *const[]){&new_b, &plain, &new_a, NULL}};

static const moult_server new_manager = {.size = sizeof(moult_server),
                                         .manager = &new_bells};

static const moult_manager fewer_bells = {
    .size = sizeof(moult_manager),
    .handlers = (const moult_handler *const[]){&b_bell, NULL}};

static const moult_server fewer = {.size = sizeof(moult_server),
                                   .manager = &fewer_bells};

/* As a migration does it, while nothing runs. */
static int change_to(const moult_server *to, struct fault *why)
{
    struct process *p = process_find(pid);
    struct server *s = p->data;
    const struct code *code = code_of(to, "server");
    struct moult_ctx ctx = {0};
    moult_out saved, scratch;
    void *carried;
    int error;

    workers_settle();
    out_init(&saved, NULL, 0);
    out_init(&scratch, NULL, 0);
    error = server_save(s, &saved, why);
    if (!error)
        error = carry_state(&(struct passage){.from = s->code, .to = code}, &saved,
                            &scratch, &ctx, &carried, why);
    if (!error)
        server_swap(p, code, carried, &ctx);
    heap_finish(&ctx.heap);
    out_release(&saved);
    out_release(&scratch);
    return error;
}

static void each_handler_is_carried_as_its_kind_says(void **state)
{
    moult_pid who = serve(&owning);

    add_both();
    assert_int_equal(have_add(who, "a/2"), 0);
    tell(NOTIFY, NULL, "ring");
    assert_int_equal(change_to(&new_manager, NULL), 0);
    assert_handlers("a/2 b a");
    assert_int_equal(tell(CALL, "a", ""), 0);
    assert_string_equal(last.result, "1007");
    assert_int_equal(tell(CALL, "b", ""), 0);
    assert_string_equal(last.result, "17");
    signal_exit(NULL, who, MOULT_KILL, NULL); /* it is still tied */
    assert_gone(who);
    assert_handlers("b a");
}

static void what_is_carried_goes_with_its_handler(void **state)
{
    const struct heap *heap = &process_find(pid)->ctx.heap;
    uint64_t before = heap->used;

    add_both();
    assert_int_equal(change_to(&new_manager, NULL), 0);
    tell(DELETE, "a", NULL);
    tell(DELETE, "b", NULL);
    assert_int_equal(heap->used, before);
    assert_int_equal(tell(ADD, "a", NULL), 0);
}

static void one_that_can_not_be_carried_leaves_all_as_they_were(void **state)
{
    struct fault why = {0};

    assert_int_equal(tell(ADD, "b", "two"), 0);
    assert_int_equal(tell(ADD, "a", "fail"), 0);
    assert_int_equal(change_to(&new_manager, &why), -EINVAL);
    assert_non_null(strstr(why.text, "handler 'a': code_change of server 'server/a' "
                                     "refuses to go from format 0 to 1"));
    tell(DELETE, "a", NULL);
    assert_int_equal(change_to(&new_manager, NULL), 0);
}

static void a_version_without_the_kind_of_a_handler_is_refused(void **state)
{
    struct fault why = {0};

    add_both();
    assert_int_equal(change_to(&fewer, &why), -ENOTSUP);
    assert_non_null(strstr(why.text, "handler 'a' of server 'server' is of a kind that "
                                     "1 does not have"));
    tell(DELETE, "a", NULL);
    assert_int_equal(change_to(&fewer, NULL), 0);
    assert_handlers("b");
}

static void memory_that_is_handed_over_runs_the_new_kinds(void **state)
{
    struct process *p = process_find(pid);
    struct server *s = p->data;

    add_both();
    server_swap(p, code_of(&manager, "server"), s->state, NULL);
    for (const struct handler *h = ((struct handlers *)s->state)->first; h; h = h->next)
        assert_ptr_equal(h->kind, manager_kind(s->code, h->name));
    tell(NOTIFY, NULL, "ring");
    assert_trace("b:ring a:ring");
}

/* -- what a plugin may say of one -- */

static void assert_not_taken(moult_server s, const char *expected)
{
    struct code code = {.id = "bells", .server = s};
    struct fault why = {0};
    int error = manager_take(&code, NULL, &why);

    manager_forget(&code);
    assert_int_equal(error, -EINVAL);
    assert_non_null(strstr(why.text, expected));
}

#define HANDLERS(...)                                                                 \
    (moult_server)                                                                    \
    {                                                                                 \
        .manager = &(const moult_manager)                                             \
        {                                                                             \
            .size = sizeof(moult_manager), .handlers = (const moult_handler *const[]) \
            {                                                                         \
                __VA_ARGS__, NULL                                                     \
            }                                                                         \
        }                                                                             \
    }

static void a_manager_that_can_not_be_is_refused(void **state)
{
    moult_server s = HANDLERS(&a_bell);
    moult_handler half = {.size = sizeof(half), .name = "half"};

    assert_not_taken(HANDLERS(NULL), "lists no kinds of handlers");
    assert_not_taken(HANDLERS(&a_bell, &a_bell), "lists handler 'a' twice");
    s.handle_call = owner_call;
    assert_not_taken(s, "has a manager and something else");
    half.save = (int (*)(const void *, moult_out *))1;
    assert_not_taken(HANDLERS(&half), "'bells/half' has save but no load");
    half = (moult_handler){.size = 8, .name = "half"};
    assert_not_taken(HANDLERS(&half),
                     "handler 0 of server 'bells' says it has 8 bytes");
    half = (moult_handler){.size = sizeof(half), .name = "half/whole"};
    assert_not_taken(HANDLERS(&half), "has no name of 1 to 255 bytes without '/'");
}

static void lists_without_an_end_are_refused(void **state)
{
    static const moult_handler *many[1026];

    for (size_t i = 0; i < 1025; i++)
        many[i] = &a_bell;
    assert_not_taken(
        (moult_server){.manager = &(moult_manager){.size = sizeof(moult_manager),
                                                   .handlers = many}},
        "lists more than 1024 handlers");
}

/* Add handlers until there may be no more; that many. */
static void add_all(struct process *p, void *context)
{
    unsigned *count = context;
    char name[32];
    int error;

    do
        snprintf(name, sizeof(name), "plain/%u", *count);
    while (!(error = moult_add_handler(&p->ctx, pid, name, NULL)) && ++*count);
    check(error == -ENOSPC);
    check(strcmp(moult_call_text(&p->ctx), "a manager may have 10000 handlers, and has "
                                           "them") == 0);
    check(moult_delete_handler(&p->ctx, pid, "plain/0", NULL, NULL) == 0);
    check(moult_add_handler(&p->ctx, pid, name, NULL) == 0);
}

static void handlers_are_ten_thousand_at_most(void **state)
{
    unsigned count = 0;

    assert_int_equal(actor_do(owner, add_all, &count), 0);
    assert_int_equal(count, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_states_are_one),
        TEST(states_can_be_replaced),
        TEST(one_that_is_suspended_lets_all_but_a_look_wait),
        TEST(each_handler_is_carried_as_its_kind_says),
        TEST(what_is_carried_goes_with_its_handler),
        TEST(one_that_can_not_be_carried_leaves_all_as_they_were),
        TEST(a_version_without_the_kind_of_a_handler_is_refused),
        TEST(memory_that_is_handed_over_runs_the_new_kinds),
        TEST(a_manager_that_can_not_be_is_refused),
        TEST(lists_without_an_end_are_refused),
        TEST(handlers_are_ten_thousand_at_most),
    };

    return cmocka_run_group_tests_name("event_versions", tests, NULL, NULL);
}
