/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_fixture - a manager of bells, and who asks it.
 */
#ifndef MOULT_EVENT_FIXTURE_H
#define MOULT_EVENT_FIXTURE_H

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

static inline void mark(const char *kind, char sign, const char *what)
{
    size_t len = strlen(trace);

    snprintf(trace + len, sizeof(trace) - len, "%s%s%c%s", len ? " " : "", kind, sign,
             what);
}

static inline void assert_trace(const char *expected)
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
static inline const char *word_of(moult_in in, char *word)
{
    size_t len;
    const char *text = moult_peek(&in) == MOULT_TEXT ? moult_get_text(&in, &len) : NULL;

    snprintf(word, 32, "%.*s", text ? (int)len : 1, text ? text : "-");
    return word;
}

static inline moult_next begin_bell(moult_ctx *ctx, void *state, moult_in *args,
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

static inline moult_next act(moult_ctx *ctx, struct bell *b, const char *word)
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

static inline moult_next ring(moult_ctx *ctx, void *state, moult_in *event,
                              const char *kind, char sign)
{
    char word[32];

    mark(kind, sign, word_of(*event, word));
    return act(ctx, state, word);
}

static inline moult_next answer(moult_ctx *ctx, void *state, moult_in *request,
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

static inline void end_bell(moult_ctx *ctx, void *state, const moult_removal *why,
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
static moult_pid pid; /* of the manager */
static moult_pid owner;
enum what { ADD, ADD_SUP, DELETE, SWAP, SWAP_SUP, CALL, SYNC, NOTIFY, SEND, WHICH };

static struct errand {
    enum what what;
    const char *handler, *word, *to, *to_word;
    int error;
    char text[200], result[200]; /* what was replied, words or a number */
} last;

static inline moult_out *draft(moult_ctx *ctx, const char *word)
{
    moult_out *m = word ? moult_draft(ctx) : NULL;

    if (word)
        moult_put_text(m, word);
    return m;
}

static inline void print_item(struct errand *e, moult_in in)
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

static inline int do_it(moult_ctx *ctx, struct errand *e, moult_in *reply)
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

static inline void run_errand(struct process *p, void *context)
{
    struct errand *e = context;
    moult_in reply = moult_in_over("\xf6", 1);

    e->error = do_it(&p->ctx, e, &reply);
    snprintf(e->text, sizeof(e->text), "%s", e->error ? moult_call_text(&p->ctx) : "");
    if (!e->error)
        print_item(e, reply);
}

static inline int errand_of(moult_pid who, struct errand e)
{
    last = e;
    assert_int_equal(actor_do(who, run_errand, &last), 0);
    return last.error;
}

static inline int by(moult_pid who, enum what what, const char *handler,
                     const char *word)
{
    return errand_of(who,
                     (struct errand){.what = what, .handler = handler, .word = word});
}

static inline int tell(enum what what, const char *handler, const char *word)
{
    return by(owner, what, handler, word);
}

static inline int swap(moult_pid who, enum what what, const char *from, const char *to)
{
    return errand_of(who, (struct errand){.what = what,
                                          .handler = from,
                                          .word = "going",
                                          .to = to,
                                          .to_word = "coming"});
}

static inline void assert_handlers(const char *names)
{
    assert_int_equal(tell(WHICH, NULL, NULL), 0);
    assert_string_equal(last.result, names);
}

/* With an a and then a b. */
static inline void add_both(void)
{
    assert_int_equal(tell(ADD, "a", "one"), 0);
    assert_int_equal(tell(ADD, "b", "two"), 0);
    assert_trace("a+one b+two");
}

static moult_handler_gone gone; /* the last */
static unsigned told;
static char gone_texts[3][64]; /* of it: handler, swapped, text */

static inline void copy(char *to, const char *text, size_t len)
{
    snprintf(to, sizeof(gone_texts[0]), "%.*s", (int)len, text);
}

static inline moult_next owner_call(moult_ctx *ctx, void *state, const moult_from *from,
                                    moult_in *request, moult_out *reply)
{
    struct errand *e = (struct errand *)(uintptr_t)moult_get_uint(request);

    run_errand(process_of(ctx), e);
    moult_put_null(reply);
    return moult_reply();
}

static inline moult_next owner_info(moult_ctx *ctx, void *state, moult_in *message)
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
static inline int have(moult_pid who, struct errand e)
{
    struct envelope *request = envelope_create(ENVELOPE_CALL);

    last = e;
    moult_put_uint(&request->out, (uintptr_t)&last);
    assert_int_equal(ask_and_wait(who, request, MOULT_INFINITY, NULL, NULL, 0), 0);
    return last.error;
}

static inline int have_add(moult_pid who, const char *handler)
{
    return have(who,
                (struct errand){.what = ADD_SUP, .handler = handler, .word = "one"});
}

static inline int begin(void **state)
{
    trace[0] = 0;
    told = 0;
    removed = (moult_removal){.how = -1};
    one_worker(state);
    owner = actor(true);
    pid = serve(&manager);
    return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

#endif
