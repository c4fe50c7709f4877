/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "carry.h"
#include "group.h"
#include "harness.h"
#include "manager.h"

/*
 * Handlers that note what they are told: "a:ring" for an event, with a sign after the name
 * of its kind that says which callback it was.  What they do then, the word says.
 */
static char trace[1024];
static moult_removal removed; /* the last */

static void mark(const char *kind, char sign, const char *what)
{
    size_t len = strlen(trace);

    snprintf(trace + len, sizeof(trace) - len, "%s%s%c%s", len ? " " : "", kind, sign,
             what);
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

struct bell {
    int64_t rung;
    char label[32];
};
MOULT_STATE(bell_state, struct bell, MOULT_FIELD(rung), MOULT_FIELD(label));

/* The word at `in`, or "-". */
static const char *word_of(moult_in in, char *word)
{
    size_t len;
    const char *text = moult_peek(&in) == MOULT_TEXT ? moult_get_text(&in, &len) : NULL;

    snprintf(word, 32, "%.*s", text ? (int)len : 1, text ? text : "-");
    return word;
}

static moult_next begin_bell(moult_ctx *ctx, void *state, moult_in *args,
                             moult_in *swapped, const char *kind)
{
    struct bell *b = state;
    char word[32];

    mark(kind, '+', word_of(*args, word));
    if (swapped)
        mark(kind, '<', word_of(*swapped, word));
    word_of(*args, word);
    if (strcmp(word, "refuse") == 0)
        return moult_refuse(ctx, -EACCES, "not now");
    if (strcmp(word, "stop") == 0)
        return moult_stop(MOULT_SHUTDOWN);
    if (strcmp(word, "reply") == 0)
        return moult_reply();
    strcpy(b->label, word);
    return moult_noreply();
}

static moult_next act(moult_ctx *ctx, struct bell *b, const char *word)
{
    b->rung++;
    if (strcmp(word, "leave") == 0)
        return moult_remove_handler();
    if (strcmp(word, "fail") == 0)
        return moult_stop_because(ctx, -EIO, "it broke");
    if (strcmp(word, "fail silently") == 0)
        return moult_stop(-ENOSPC);
    if (strcmp(word, "reply") == 0)
        return moult_reply();
    if (strcmp(word, "alloc") == 0)
        moult_alloc(ctx, 5000);
    if (strcmp(word, "ask itself") == 0 &&
        moult_which_handlers(ctx, moult_self(ctx), NULL) == -EDEADLK)
        return moult_remove_handler();
    return moult_noreply();
}

static moult_next ring(moult_ctx *ctx, void *state, moult_in *event, const char *kind,
                       char sign)
{
    char word[32];

    mark(kind, sign, word_of(*event, word));
    return act(ctx, state, word);
}

static moult_next answer(moult_ctx *ctx, void *state, moult_in *request,
                         moult_out *reply, const char *kind)
{
    struct bell *b = state;
    char word[32];

    mark(kind, '?', word_of(*request, word));
    moult_put_int(reply, b->rung);
    if (strcmp(word, "refuse") == 0)
        return moult_refuse(ctx, -EPERM, "not you");
    if (strcmp(word, "fail") == 0)
        return moult_stop_because(ctx, -EIO, "it broke");
    if (strcmp(word, "leave") == 0)
        return moult_remove_handler_reply();
    return strcmp(word, "noreply") == 0 ? moult_noreply() : moult_reply();
}

static void end_bell(moult_ctx *ctx, void *state, const moult_removal *why,
                     moult_out *result, const char *kind)
{
    const struct bell *b = state;
    char word[32];

    removed = *why;
    mark(kind, '-', word_of(*why->args, word));
    if (strcmp(b->label, "mute") != 0)
        moult_put_text(result, b->label);
}

#define KIND(k)                                                          \
    static moult_next k##_init(moult_ctx *c, void *s, moult_in *args,    \
                               moult_in *swapped)                        \
    {                                                                    \
        return begin_bell(c, s, args, swapped, #k);                      \
    }                                                                    \
    static moult_next k##_event(moult_ctx *c, void *s, moult_in *event)  \
    {                                                                    \
        return ring(c, s, event, #k, ':');                               \
    }                                                                    \
    static moult_next k##_info(moult_ctx *c, void *s, moult_in *message) \
    {                                                                    \
        return ring(c, s, message, #k, '.');                             \
    }                                                                    \
    static moult_next k##_call(moult_ctx *c, void *s, moult_in *request, \
                               moult_out *reply)                         \
    {                                                                    \
        return answer(c, s, request, reply, #k);                         \
    }                                                                    \
    static void k##_end(moult_ctx *c, void *s, const moult_removal *why, \
                        moult_out *out)                                  \
    {                                                                    \
        end_bell(c, s, why, out, #k);                                    \
    }

#define BELL(k)                                                               \
    {                                                                         \
        .size = sizeof(moult_handler), .name = #k, .state = bell_state,       \
        .init = k##_init, .handle_event = k##_event, .handle_call = k##_call, \
        .handle_info = k##_info, .terminate = k##_end                         \
    }

KIND(a)
KIND(b)

static const moult_handler a_bell = BELL(a), b_bell = BELL(b);
static const moult_handler plain = {.size = sizeof(moult_handler), .name = "plain"};
static const moult_manager bells = {
    .size = sizeof(moult_manager),
    .handlers = (const moult_handler *const[]){&a_bell, &b_bell, &plain, NULL}};
static const moult_server manager = {.size = sizeof(moult_server), .manager = &bells};

/* -- asking it -- */

static moult_pid pid; /* of the manager */
static moult_pid owner;

enum what { ADD, ADD_SUP, DELETE, SWAP, SWAP_SUP, CALL, SYNC, NOTIFY, SEND, WHICH };

static struct errand {
    enum what what;
    const char *handler, *word, *to, *to_word;
    int error;
    char text[200], result[200]; /* what was replied, words or a number */
} last;

static moult_out *draft(moult_ctx *ctx, const char *word)
{
    moult_out *m = word ? moult_draft(ctx) : NULL;

    if (word)
        moult_put_text(m, word);
    return m;
}

static void print_item(struct errand *e, moult_in in)
{
    size_t len = strlen(e->result), count = 1;
    char word[32];

    if (moult_peek(&in) == MOULT_ARRAY)
        count = moult_get_array(&in);
    for (; count > 0; count--) {
        if (moult_peek(&in) == MOULT_INT)
            snprintf(e->result + len, sizeof(e->result) - len, "%d",
                     (int)moult_get_int(&in));
        else
            snprintf(e->result + len, sizeof(e->result) - len, "%s%s", len ? " " : "",
                     word_of(in, word));
        len = strlen(e->result);
        if (moult_peek(&in) == MOULT_TEXT)
            moult_skip(&in);
    }
}

static int do_it(moult_ctx *ctx, struct errand *e, moult_in *reply)
{
    moult_swap swap = {e->handler, e->to, draft(ctx, e->word), draft(ctx, e->to_word)};

    switch (e->what) {
    case ADD:
        return moult_add_handler(ctx, pid, e->handler, draft(ctx, e->word));
    case ADD_SUP:
        return moult_add_sup_handler(ctx, pid, e->handler, draft(ctx, e->word));
    case DELETE:
        return moult_delete_handler(ctx, pid, e->handler, draft(ctx, e->word), reply);
    case SWAP:
        return moult_swap_handler(ctx, pid, &swap);
    case SWAP_SUP:
        return moult_swap_sup_handler(ctx, pid, &swap);
    case CALL:
        return moult_call_handler(ctx, pid, e->handler, draft(ctx, e->word), 0, reply);
    case SYNC:
        return moult_sync_notify(ctx, pid, draft(ctx, e->word));
    case NOTIFY:
        return moult_notify(ctx, pid, draft(ctx, e->word));
    case SEND:
        return moult_send(ctx, pid, draft(ctx, e->word));
    default:
        return moult_which_handlers(ctx, pid, reply);
    }
}

static void run_errand(struct process *p, void *context)
{
    struct errand *e = context;
    moult_in reply = moult_in_over("\xf6", 1);

    e->error = do_it(&p->ctx, e, &reply);
    snprintf(e->text, sizeof(e->text), "%s", e->error ? moult_call_text(&p->ctx) : "");
    if (!e->error)
        print_item(e, reply);
}

static int errand_of(moult_pid who, struct errand e)
{
    last = e;
    assert_int_equal(actor_do(who, run_errand, &last), 0);
    return last.error;
}

static int by(moult_pid who, enum what what, const char *handler, const char *word)
{
    return errand_of(who,
                     (struct errand){.what = what, .handler = handler, .word = word});
}

static int tell(enum what what, const char *handler, const char *word)
{
    return by(owner, what, handler, word);
}

static int swap(moult_pid who, enum what what, const char *from, const char *to)
{
    return errand_of(who, (struct errand){.what = what,
                                          .handler = from,
                                          .word = "going",
                                          .to = to,
                                          .to_word = "coming"});
}

static void assert_handlers(const char *names)
{
    assert_int_equal(tell(WHICH, NULL, NULL), 0);
    assert_string_equal(last.result, names);
}

/* With an a and then a b. */
static void add_both(void)
{
    assert_int_equal(tell(ADD, "a", "one"), 0);
    assert_int_equal(tell(ADD, "b", "two"), 0);
    assert_trace("a+one b+two");
}

/* -- who owns handlers: a server that notes what it is told -- */

static moult_handler_gone gone; /* the last */
static unsigned told;
static char gone_texts[3][64]; /* of it: handler, swapped, text */

static void copy(char *to, const char *text, size_t len)
{
    snprintf(to, sizeof(gone_texts[0]), "%.*s", (int)len, text);
}

static moult_next owner_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    struct errand *e = (struct errand *)(uintptr_t)moult_get_uint(request);

    run_errand(process_of(ctx), e);
    moult_put_null(reply);
    return moult_reply();
}

static moult_next owner_info(moult_ctx *ctx, void *state, moult_in *message)
{
    if (!moult_match_handler_gone(message, &gone))
        return moult_noreply();
    told++;
    copy(gone_texts[0], gone.handler, gone.handler_len);
    copy(gone_texts[1], gone.swapped, gone.swapped_len);
    copy(gone_texts[2], gone.text, gone.text_len);
    return moult_noreply();
}

static const moult_server owning = {
    .size = sizeof(moult_server), .handle_call = owner_call, .handle_info = owner_info};

/* `who` is such a server. */
static int have(moult_pid who, struct errand e)
{
    struct envelope *request = envelope_create(ENVELOPE_CALL);

    last = e;
    moult_put_uint(&request->out, (uintptr_t)&last);
    assert_int_equal(ask_and_wait(who, request, MOULT_INFINITY, NULL, NULL, 0), 0);
    return last.error;
}

static int have_add(moult_pid who, const char *handler)
{
    return have(who,
                (struct errand){.what = ADD_SUP, .handler = handler, .word = "one"});
}

static void assert_told(const char *handler, int32_t reason, const char *swapped,
                        const char *text)
{
    workers_settle();
    assert_int_equal(told, 1);
    assert_string_equal(gone_texts[0], handler);
    assert_int_equal(gone.reason, reason);
    assert_string_equal(gone_texts[1], swapped);
    assert_string_equal(gone_texts[2], text);
    assert_true(moult_pid_equal(gone.manager, pid));
    told = 0;
}

static void assert_removed(int32_t how, int32_t reason)
{
    workers_settle();
    assert_int_equal(removed.how, how);
    assert_int_equal(removed.reason, reason);
}

static int begin(void **state)
{
    trace[0] = 0;
    told = 0;
    removed = (moult_removal){.how = -1};
    one_worker(state);
    owner = actor(true);
    pid = serve(&manager);
    return 0;
}

/* -- add_handler -- */

static void the_newest_handler_is_told_first(void **state)
{
    add_both();
    assert_handlers("b a");
    tell(NOTIFY, NULL, "ring");
    assert_trace("b:ring a:ring");
}

static void handlers_of_one_kind_are_told_apart_by_what_follows_its_name(void **state)
{
    assert_int_equal(tell(ADD, "a/1", "one"), 0);
    assert_int_equal(tell(ADD, "a/2", "two"), 0);
    assert_handlers("a/2 a/1");
    assert_int_equal(tell(DELETE, "a/1", NULL), 0);
    assert_string_equal(last.result, "one");
    assert_handlers("a/2");
    assert_int_equal(tell(DELETE, "a", NULL), -ENOENT);
}

static void the_same_handler_may_be_there_twice(void **state)
{
    assert_int_equal(tell(ADD, "a", "one"), 0);
    assert_int_equal(tell(ADD, "a", "two"), 0);
    assert_handlers("a a");
    assert_int_equal(tell(DELETE, "a", NULL), 0);
    assert_string_equal(last.result, "two");
    assert_handlers("a");
}

static void a_kind_that_there_is_not_is_refused(void **state)
{
    assert_int_equal(tell(ADD, "c", NULL), -ENOENT);
    assert_string_equal(last.text, "there is no kind of handlers for 'c'");
    assert_int_equal(tell(ADD, "", NULL), -EINVAL);
    assert_handlers("");
}

static void an_init_that_refuses_adds_nothing(void **state)
{
    assert_int_equal(tell(ADD, "a", "refuse"), -EACCES);
    assert_string_equal(last.text, "not now");
    assert_int_equal(tell(ADD_SUP, "a", "stop"), -ECANCELED);
    assert_int_equal(tell(ADD, "a", "reply"), -EPROTO);
    assert_handlers("");
    assert_trace("a+refuse a+stop a+reply"); /* and none of them terminates */
    assert_int_equal(process_find(pid)->ctx.heap.used,
                     sizeof(struct handlers) + 32); /* a block's own bytes */
}

static moult_next late_init(moult_ctx *ctx, void *state, moult_in *args,
                            moult_in *swapped)
{
    mark("late", '+', swapped ? "swapped" : "");
    return moult_refuse(ctx, -EIO, "no bell");
}

static const moult_handler first_bell = {.size = sizeof(moult_handler),
                                         .name = "first",
                                         .at_start = 1,
                                         .init = a_init,
                                         .state = bell_state,
                                         .handle_event = a_event,
                                         .terminate = a_end};
static const moult_handler second_bell = {.size = sizeof(moult_handler),
                                          .name = "second",
                                          .at_start = 1,
                                          .handle_event = b_event,
                                          .state = bell_state};
static const moult_handler late_bell = {
    .size = sizeof(moult_handler), .name = "late", .at_start = 1, .init = late_init};

static const moult_manager two_at_start = {
    .size = sizeof(moult_manager),
    .handlers =
        (const moult_handler *const[]){&first_bell, &a_bell, &second_bell, NULL}};
static const moult_server starting = {.size = sizeof(moult_server),
                                      .manager = &two_at_start};

static void those_that_are_there_at_start_are_in_the_order_listed(void **state)
{
    pid = serve(&starting);
    assert_handlers("second first");
    tell(NOTIFY, NULL, "ring");
    assert_trace("a+- b:ring a:ring");
}

static const moult_manager one_failing = {
    .size = sizeof(moult_manager),
    .handlers = (const moult_handler *const[]){&first_bell, &late_bell, NULL}};
static const moult_server failing = {.size = sizeof(moult_server),
                                     .manager = &one_failing};

static void one_of_those_that_does_not_start_keeps_the_manager_from_it(void **state)
{
    struct started s = serve_by(parent(), &failing, NULL);

    assert_int_equal(s.reason, -EIO);
    assert_string_equal(s.text, "handler 'late': no bell");
    assert_trace("a+- late+ a--");
    assert_removed(MOULT_REMOVED_MANAGER, MOULT_SHUTDOWN);
}

/* -- delete_handler -- */

static void delete_hands_over_args_and_gives_what_terminate_gave(void **state)
{
    add_both();
    assert_int_equal(tell(DELETE, "a", "bye"), 0);
    assert_string_equal(last.result, "one");
    assert_removed(MOULT_REMOVED_DELETE, MOULT_NORMAL);
    tell(NOTIFY, NULL, "ring");
    assert_trace("a-bye b:ring");
}

static void what_gives_nothing_gives_null(void **state)
{
    assert_int_equal(tell(ADD, "a", "mute"), 0);
    assert_int_equal(tell(DELETE, "a", NULL), 0);
    assert_string_equal(last.result, "-");
    assert_int_equal(tell(ADD, "plain", NULL), 0);
    assert_int_equal(tell(DELETE, "plain", NULL), 0);
    assert_string_equal(last.result, "-");
}

static void what_is_not_there_can_not_be_deleted(void **state)
{
    assert_int_equal(tell(DELETE, "a", NULL), -ENOENT);
    assert_string_equal(last.text, "there is no handler 'a'");
}

/* -- swap_handler -- */

static void a_swap_hands_the_result_to_the_init_of_what_comes(void **state)
{
    add_both();
    assert_int_equal(swap(owner, SWAP, "a", "a/2"), 0);
    assert_removed(MOULT_REMOVED_SWAP, MOULT_NORMAL);
    assert_handlers("a/2 b");
    assert_trace("a-going a+coming a<one");
}

static void a_swap_for_what_is_not_there_adds(void **state)
{
    assert_int_equal(swap(owner, SWAP, "a", "b"), 0);
    assert_handlers("b");
    assert_trace("b+coming b<-");
}

static void a_swap_whose_init_fails_leaves_neither(void **state)
{
    struct errand e = {.what = SWAP, .handler = "a", .to = "b", .to_word = "refuse"};

    add_both();
    tell(DELETE, "b", NULL);
    assert_int_equal(errand_of(owner, e), -EACCES);
    assert_handlers("");
    e.to = "c";
    assert_int_equal(errand_of(owner, e), -ENOENT);
}

/* -- add_sup_handler and swap_sup_handler -- */

static void an_owner_is_told_why_its_handler_went(void **state)
{
    moult_pid who = serve(&owning);

    assert_int_equal(have_add(who, "a"), 0);
    tell(DELETE, "a", NULL);
    assert_told("a", MOULT_NORMAL, "", "");
    assert_int_equal(have_add(who, "a"), 0);
    tell(NOTIFY, NULL, "leave");
    assert_told("a", MOULT_NORMAL, "", "");
    assert_removed(MOULT_REMOVED_SELF, MOULT_NORMAL);
    assert_int_equal(have_add(who, "b"), 0);
    tell(NOTIFY, NULL, "fail");
    assert_told("b", -EIO, "", "it broke");
    assert_removed(MOULT_REMOVED_FAILURE, -EIO);
    assert_int_equal(have_add(who, "a"), 0);
    tell(NOTIFY, NULL, "reply");
    assert_told("a", -EPROTO, "", "a callback returned a value that it may not return");
    assert_true(alive(who));
}

static void a_handler_ends_with_its_owner(void **state)
{
    moult_pid who = serve(&owning), other = serve(&owning);

    assert_int_equal(have_add(who, "a/1"), 0);
    assert_int_equal(have_add(other, "b"), 0);
    assert_int_equal(have_add(who, "a/2"), 0);
    trace[0] = 0;
    signal_exit(NULL, who, -EIO, NULL);
    assert_gone(who);
    assert_removed(MOULT_REMOVED_OWNER, -EIO);
    assert_trace("a-- a--");
    assert_handlers("b");
    assert_int_equal(told, 0);
}

static void an_owner_is_tied_as_long_as_one_of_its_handlers_is_there(void **state)
{
    moult_pid who = serve(&owning);

    assert_int_equal(have_add(who, "a/1"), 0);
    assert_int_equal(have_add(who, "a/2"), 0);
    tell(DELETE, "a/1", NULL);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
    assert_false(alive(who)); /* by its link */
}

static void an_owner_of_none_is_not_tied(void **state)
{
    moult_pid who = serve(&owning);

    assert_int_equal(have_add(who, "a"), 0);
    tell(DELETE, "a", NULL);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
    assert_true(alive(who));
}

static void a_handler_that_was_plainly_added_is_tied_to_nobody(void **state)
{
    moult_pid who = actor(false);

    assert_int_equal(by(who, ADD, "a", "one"), 0);
    signal_exit(NULL, who, MOULT_KILL, NULL);
    assert_gone(who);
    assert_handlers("a");
}

static void what_is_swapped_in_is_tied_to_the_same_owner(void **state)
{
    moult_pid who = serve(&owning);

    assert_int_equal(have_add(who, "a"), 0);
    assert_int_equal(swap(owner, SWAP, "a", "b"), 0);
    assert_told("a", MOULT_NORMAL, "b", "");
    signal_exit(NULL, who, MOULT_KILL, NULL);
    assert_gone(who);
    assert_removed(MOULT_REMOVED_OWNER, MOULT_KILLED);
    assert_handlers("");
}

static void swap_sup_ties_it_to_who_swaps(void **state)
{
    moult_pid who = serve(&owning), other = serve(&owning);

    assert_int_equal(have_add(who, "a"), 0);
    assert_int_equal(
        have(other, (struct errand){.what = SWAP_SUP, .handler = "a", .to = "b"}), 0);
    assert_told("a", MOULT_NORMAL, "b", "");
    signal_exit(NULL, who, MOULT_KILL, NULL);
    assert_gone(who);
    assert_handlers("b");
    signal_exit(NULL, other, MOULT_KILL, NULL);
    assert_gone(other);
    assert_handlers("");
}

/* -- notify, sync_notify, call, info -- */

static void sync_notify_waits_for_all(void **state)
{
    add_both();
    assert_int_equal(tell(SYNC, NULL, "ring"), 0);
    assert_string_equal(trace, "b:ring a:ring"); /* without settling */
}

static void a_call_is_answered_by_one(void **state)
{
    add_both();
    tell(NOTIFY, NULL, "ring");
    assert_int_equal(tell(CALL, "a", "how often"), 0);
    assert_string_equal(last.result, "1");
    assert_trace("b:ring a:ring a?how often");
}

static void a_call_may_be_refused(void **state)
{
    add_both();
    assert_int_equal(tell(CALL, "a", "refuse"), -EPERM);
    assert_string_equal(last.text, "not you");
    assert_handlers("b a");
}

static void a_call_of_none_is_refused(void **state)
{
    assert_int_equal(tell(ADD, "plain", NULL), 0);
    assert_int_equal(tell(CALL, "a", "x"), -ENOENT);
    assert_string_equal(last.text, "there is no handler 'a'");
    assert_int_equal(tell(CALL, "plain", "x"), -ENOSYS);
    assert_string_equal(last.text, "handler 'plain' takes no calls");
    assert_int_equal(ask_word(pid, "plain", NULL), -EINVAL);
    assert_string_equal(asked_text(), "call one of its handlers: {\"name\": request}");
}

static void a_cast_is_an_event_and_a_message_an_info(void **state)
{
    add_both();
    cast_word(pid, "ring");
    info_word(pid, "knock");
    assert_trace("b:ring a:ring b.knock a.knock");
}

static void the_end_of_a_stranger_is_an_info(void **state)
{
    add_both();
    signal_exit(NULL, pid, -EIO, NULL);
    assert_trace("b.- a.-");
    assert_true(alive(pid));
}

static void a_handler_that_asks_its_own_manager_is_told_so(void **state)
{
    add_both();
    tell(NOTIFY, NULL, "ask itself");
    assert_handlers("");
}

static void a_kind_without_callbacks_does_nothing(void **state)
{
    assert_int_equal(tell(ADD, "plain", NULL), 0);
    assert_int_equal(tell(SYNC, NULL, "ring"), 0);
    info_word(pid, "knock");
    assert_handlers("plain");
}

/* -- going -- */

static void a_handler_may_leave(void **state)
{
    uint64_t from = event_next();

    add_both();
    tell(NOTIFY, NULL, "leave");
    assert_trace("b:leave b-- a:leave a--");
    assert_removed(MOULT_REMOVED_SELF, MOULT_NORMAL);
    assert_handlers("");
    assert_int_equal(events_named("handler.failed", from), 0);
}

static void a_handler_may_reply_and_leave(void **state)
{
    add_both();
    tell(NOTIFY, NULL, "ring");
    assert_int_equal(tell(CALL, "a", "leave"), 0);
    assert_string_equal(last.result, "1");
    assert_handlers("b");
    assert_removed(MOULT_REMOVED_SELF, MOULT_NORMAL);
}

static void a_handler_that_fails_is_removed_and_told_of(void **state)
{
    uint64_t from = event_next();

    add_both();
    tell(NOTIFY, NULL, "fail silently");
    assert_trace("b:fail silently b-- a:fail silently a--");
    assert_removed(MOULT_REMOVED_FAILURE, -ENOSPC);
    assert_int_equal(events_named("handler.failed", from), 2);
    assert_handlers("");
    assert_true(alive(pid));
}

static void what_comes_after_a_failure_is_handled_by_the_rest(void **state)
{
    add_both();
    assert_int_equal(tell(CALL, "b", "fail"), -EFAULT);
    assert_string_equal(last.text, "it broke");
    assert_int_equal(tell(ADD, "b", "two"), 0);
    assert_int_equal(tell(CALL, "b", "noreply"), -EFAULT);
    tell(NOTIFY, NULL, "ring");
    assert_handlers("a");
    assert_trace("b?fail b-- b+two b?noreply b-- a:ring");
}

static void what_a_handler_allocated_goes_with_it(void **state)
{
    const struct heap *heap = &process_find(pid)->ctx.heap;
    uint64_t before = heap->used;

    add_both();
    tell(NOTIFY, NULL, "alloc");
    workers_settle();
    assert_true(heap->used > before + 2 * (uint64_t)5000);
    tell(DELETE, "a", NULL);
    assert_true(heap->used > before + 5000);
    assert_true(heap->used < before + 2 * (uint64_t)5000);
    tell(NOTIFY, NULL, "fail");
    workers_settle();
    assert_int_equal(heap->used, before);
}

static void shut_down(struct process *p, void *context)
{
    signal_exit(p, pid, MOULT_SHUTDOWN, NULL);
}

static void all_terminate_when_the_manager_is_shut_down(void **state)
{
    moult_pid who = serve(&owning);

    add_both();
    assert_int_equal(have_add(who, "a/2"), 0);
    trace[0] = 0;
    actor_do(starter(), shut_down, NULL);
    assert_gone(pid);
    assert_trace("a-- b-- a--");
    assert_removed(MOULT_REMOVED_MANAGER, MOULT_SHUTDOWN);
    assert_told("a/2", MOULT_SHUTDOWN, "", "");
    assert_true(alive(who)); /* it was let go before */
}

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

/* -- on all cores -- */

enum { RINGERS = 4, RINGS = 500 };

static void ring_often(struct process *p, void *context)
{
    for (int i = 0; i < RINGS; i++) {
        moult_notify(&p->ctx, pid, draft(&p->ctx, "ring"));
        if (i % 50 == 0) {
            moult_add_handler(&p->ctx, pid, "plain", NULL);
            moult_delete_handler(&p->ctx, pid, "plain", NULL, NULL);
        }
    }
    moult_sync_notify(&p->ctx, pid, draft(&p->ctx, "ring"));
}

static void many_ringers_lose_no_ring(void **state)
{
    moult_pid ringers[RINGERS];

    assert_int_equal(tell(ADD, "a", "one"), 0);
    for (int i = 0; i < RINGERS; i++)
        actor_post(ringers[i] = actor(false), ring_often, NULL);
    for (int i = 0; i < RINGERS; i++)
        actor_seen(ringers[i]); /* it has done so then */
    assert_int_equal(tell(CALL, "a", "how often"), 0);
    assert_int_equal(strtol(last.result, NULL, 10), RINGERS * (RINGS + 1));
}

static int begin_two(void **state)
{
    two_workers(state);
    owner = actor(true);
    pid = serve(&manager);
    return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_handler_is_told_first),
        TEST(handlers_of_one_kind_are_told_apart_by_what_follows_its_name),
        TEST(the_same_handler_may_be_there_twice),
        TEST(a_kind_that_there_is_not_is_refused),
        TEST(an_init_that_refuses_adds_nothing),
        TEST(those_that_are_there_at_start_are_in_the_order_listed),
        TEST(one_of_those_that_does_not_start_keeps_the_manager_from_it),
        TEST(delete_hands_over_args_and_gives_what_terminate_gave),
        TEST(what_gives_nothing_gives_null),
        TEST(what_is_not_there_can_not_be_deleted),
        TEST(a_swap_hands_the_result_to_the_init_of_what_comes),
        TEST(a_swap_for_what_is_not_there_adds),
        TEST(a_swap_whose_init_fails_leaves_neither),
        TEST(an_owner_is_told_why_its_handler_went),
        TEST(a_handler_ends_with_its_owner),
        TEST(an_owner_is_tied_as_long_as_one_of_its_handlers_is_there),
        TEST(an_owner_of_none_is_not_tied),
        TEST(a_handler_that_was_plainly_added_is_tied_to_nobody),
        TEST(what_is_swapped_in_is_tied_to_the_same_owner),
        TEST(swap_sup_ties_it_to_who_swaps),
        TEST(sync_notify_waits_for_all),
        TEST(a_call_is_answered_by_one),
        TEST(a_call_may_be_refused),
        TEST(a_call_of_none_is_refused),
        TEST(a_cast_is_an_event_and_a_message_an_info),
        TEST(the_end_of_a_stranger_is_an_info),
        TEST(a_handler_that_asks_its_own_manager_is_told_so),
        TEST(a_kind_without_callbacks_does_nothing),
        TEST(a_handler_may_leave),
        TEST(a_handler_may_reply_and_leave),
        TEST(a_handler_that_fails_is_removed_and_told_of),
        TEST(what_comes_after_a_failure_is_handled_by_the_rest),
        TEST(what_a_handler_allocated_goes_with_it),
        TEST(all_terminate_when_the_manager_is_shut_down),
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
        cmocka_unit_test_setup_teardown(many_ringers_lose_no_ring, begin_two,
                                        workers_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
