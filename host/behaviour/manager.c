/* SPDX-License-Identifier: Apache-2.0 */
#include "manager.h"

#include <stdio.h>
#include <string.h>

#include "send_timer.h"
#include "server_show.h"
#include "serving.h"
#include "signals.h"
#include "utf8.h"

static const char bad_return[] = "a callback returned a value that it may not return";

/* -- what a callback returned -- */

static void fail(struct process *p, struct handler *h, int32_t reason, const char *text)
{
    struct leaving l = {.why = {.how = MOULT_REMOVED_FAILURE, .reason = reason},
                        .text = text};

    handler_remove(p, h, &l);
}

/* It asked to be removed, or failed; `words` are what there is to say. */
static void stop(struct process *p, struct handler *h, int32_t reason,
                 const char *words)
{
    struct leaving l = {.why = {.how = MOULT_REMOVED_SELF}};

    if (reason == MOULT_NORMAL)
        handler_remove(p, h, &l);
    else
        fail(p, h, reason, words);
}

/* What it said besides, in `text`, or what `reason` means. */
static const char *words_for(struct process *p, int32_t reason, char *text, size_t size)
{
    const char *said = server_said(p);

    snprintf(text, size, "%s", said ? said : "");
    return text[0] && utf8_valid(text, strlen(text)) ? text : moult_strerror(reason);
}

static void obey(struct process *p, struct handler *h, moult_next next)
{
    char text[1024];

    handler_rests(p);
    switch (next.verdict & ~MOULT_NEXT_HIBERNATE) {
    case MOULT_NEXT_NOREPLY:
        break;
    case MOULT_NEXT_STOP:
        stop(p, h, next.reason, words_for(p, next.reason, text, sizeof(text)));
        break;
    default:
        fail(p, h, -EPROTO, bad_return);
    }
    if (p->drafts)
        drafts_drop(p);
}

/* -- events and messages: for all -- */

/* Those that are still due get the message at hand. */
static void give(struct process *p, struct handlers *all)
{
    bool is_event = p->current->kind != ENVELOPE_INFO;
    struct handler *h, *next;

    for (h = all->first; h; h = next) {
        const moult_handler *kind = &h->kind->handler;
        moult_next (*callback)(moult_ctx *, void *, moult_in *) =
            is_event ? kind->handle_event : kind->handle_info;
        moult_in in = out_read(&p->current->out);

        next = h->next;
        if (!h->due || !callback)
            continue;
        h->due = false;
        handler_works(p, h);
        obey(p, h, callback(&p->ctx, h->state, &in));
    }
}

static void give_all(struct process *p, struct handlers *all, bool again)
{
    for (struct handler *h = all->first; h && !again; h = h->next)
        h->due = true;
    give(p, all);
}

/* -- answers -- */

static void answer(struct process *p, const void *item, size_t len)
{
    struct envelope *reply = envelope_create(ENVELOPE_REPLY);

    if (!reply) {
        process_refuse(p, -ENOMEM, "no memory for the reply");
        return;
    }
    moult_put_item(&reply->out, item, len);
    if (reply->out.error) {
        process_refuse(p, reply->out.error, "the reply could not be written");
        envelope_destroy(reply);
        return;
    }
    reply->ref = p->current->ref;
    process_send_last(p, p->current->from, reply);
}

static void answer_null(struct process *p)
{
    answer(p, "\xf6", 1);
}

static void answer_result(struct process *p, const moult_out *result)
{
    if (result->error)
        process_refuse(p, result->error, "what terminate gave could not be written");
    else if (result->len)
        answer(p, result->bytes, result->len);
    else
        answer_null(p);
}

static void refuse_name(struct process *p, int error, const char *format,
                        const char *name)
{
    char text[HANDLER_NAME_MAX + 64];

    snprintf(text, sizeof(text), format, name); /* NOLINT: only ours are given */
    process_refuse(p, error, text);
}

/* -- calls: for one -- */

/* The handler that failed over the call at hand, or went without a reply. */
static void fail_call(struct process *p, struct handler *h, moult_next next)
{
    bool stops = next.verdict == MOULT_NEXT_STOP;
    char text[1024];
    const char *words =
        stops ? words_for(p, next.reason, text, sizeof(text)) : bad_return;

    stop(p, h, stops ? next.reason : -EPROTO, words);
    process_refuse(p, -EFAULT, words);
}

static void call(struct process *p, struct server *s, struct handler *h, moult_in *in)
{
    struct envelope *reply = reply_draft(p);
    char text[1024];
    moult_next next;

    if (!reply) {
        process_refuse(p, -ENOMEM, "no memory for the reply");
        return;
    }
    handler_works(p, h);
    next = h->kind->handler.handle_call(&p->ctx, h->state, in, &reply->out);
    handler_rests(p);
    next.verdict &= ~MOULT_NEXT_HIBERNATE;
    if (next.verdict == MOULT_NEXT_STOP_REPLY)
        stop(p, h, next.reason, words_for(p, next.reason, text, sizeof(text)));
    if (next.verdict == MOULT_NEXT_REPLY || next.verdict == MOULT_NEXT_STOP_REPLY) {
        server_reply(p, reply, in, moult_noreply());
        return;
    }
    if (next.verdict == MOULT_NEXT_REFUSE)
        process_refuse(p, next.reason, server_said(p));
    else
        fail_call(p, h, next);
}

static void handle_call(struct process *p, struct server *s)
{
    moult_in in = out_read(&p->current->out);
    char name[HANDLER_NAME_MAX + 1];
    struct handler *h;

    if (moult_peek(&in) != MOULT_MAP || moult_get_map(&in) != 1 ||
        !handler_name(&in, name)) {
        process_refuse(p, -EINVAL, "call one of its handlers: {\"name\": request}");
        return;
    }
    h = handler_find(s->state, name);
    if (!h)
        refuse_name(p, -ENOENT, "there is no handler '%s'", name);
    else if (!h->kind->handler.handle_call)
        refuse_name(p, -ENOSYS, "handler '%s' takes no calls", name);
    else
        call(p, s, h, &in);
}

/* -- requests -- */

static const char bad_name[] = "the name of a handler is text of 1 to 255 bytes";

/* The item at `in`, by itself; consumed. */
static moult_in item_of(moult_in *in)
{
    size_t len;
    const void *item = moult_get_item(in, &len);

    return moult_in_over(item, len);
}

static moult_pid owner_if(const struct process *p, bool supervised)
{
    return supervised ? p->current->from : (moult_pid){0};
}

static void add(struct process *p, const struct adding *a)
{
    struct fault why = {0};
    int error = handler_add(p, a, &why);

    if (error)
        process_refuse(p, error, why.text);
    else
        answer_null(p);
}

static void handle_add(struct process *p)
{
    moult_in in = out_read(&p->current->out);
    char name[HANDLER_NAME_MAX + 1];
    struct adding a = {.name = name};

    moult_get_array(&in);
    if (!handler_name(&in, name)) {
        process_refuse(p, -EINVAL, bad_name);
        return;
    }
    a.args = item_of(&in);
    a.owner = owner_if(p, moult_get_bool(&in));
    add(p, &a);
}

static void handle_delete(struct process *p, struct handlers *all)
{
    struct leaving l = {.why = {.how = MOULT_REMOVED_DELETE}};
    moult_in in = out_read(&p->current->out), args;
    char name[HANDLER_NAME_MAX + 1];
    struct handler *h;

    moult_get_array(&in);
    if (!handler_name(&in, name)) {
        process_refuse(p, -EINVAL, bad_name);
        return;
    }
    args = item_of(&in);
    l.why.args = &args;
    h = handler_find(all, name);
    if (h)
        answer_result(p, handler_remove(p, h, &l));
    else
        refuse_name(p, -ENOENT, "there is no handler '%s'", name);
}

/* What takes the place of a handler learns what that gave. */
static moult_in swap_out(struct process *p, struct handlers *all, const char *from,
                         moult_in args, const char *to)
{
    struct leaving l = {.why = {.how = MOULT_REMOVED_SWAP, .args = &args},
                        .swapped = to};
    struct handler *h = handler_find(all, from);
    const moult_out *result;

    all->heir = (moult_pid){0};
    if (!h)
        return moult_in_over("\xf6", 1);
    all->heir = h->owner;
    result = handler_remove(p, h, &l);
    return result->len && !result->error ? out_read(result) : moult_in_over("\xf6", 1);
}

/* `again`: the one to be removed failed over that, and is gone. */
static void handle_swap(struct process *p, struct handlers *all, bool again)
{
    char from[HANDLER_NAME_MAX + 1], to[HANDLER_NAME_MAX + 1];
    moult_in in = out_read(&p->current->out), from_args,
             gave = moult_in_over("\xf6", 1);
    struct adding a = {.name = to, .swapped = &gave};

    moult_get_array(&in);
    if (!handler_name(&in, from)) {
        process_refuse(p, -EINVAL, bad_name);
        return;
    }
    from_args = item_of(&in);
    if (!handler_name(&in, to)) {
        process_refuse(p, -EINVAL, bad_name);
        return;
    }
    a.args = item_of(&in);
    a.owner = owner_if(p, moult_get_bool(&in));
    if (!again)
        gave = swap_out(p, all, from, from_args, to);
    if (!a.owner.bits)
        a.owner = all->heir;
    add(p, &a);
}

static void handle_which(struct process *p, const struct handlers *all)
{
    moult_out *names = moult_draft(&p->ctx);
    size_t count = 0;

    for (const struct handler *h = all->first; h; h = h->next)
        count++;
    moult_put_array(names, count);
    for (const struct handler *h = all->first; h; h = h->next)
        moult_put_text(names, h->name);
    answer_result(p, names);
}

static void handle_request(struct process *p, struct server *s, bool again)
{
    switch (p->current->code) {
    case SYSTEM_NOTIFY:
        give_all(p, s->state, again);
        answer_null(p);
        return;
    case SYSTEM_ADD_HANDLER:
        handle_add(p);
        return;
    case SYSTEM_DELETE_HANDLER:
        handle_delete(p, s->state);
        return;
    case SYSTEM_SWAP_HANDLER:
        handle_swap(p, s->state, again);
        return;
    case SYSTEM_WHICH_HANDLERS:
        handle_which(p, s->state);
        return;
    default:
        server_system(p, s);
    }
}

/* -- starting and ending -- */

void manager_end(struct process *p, struct handlers *all, int32_t reason)
{
    struct leaving l = {.why = {.how = MOULT_REMOVED_MANAGER, .reason = reason}};

    while (all->first) {
        handler_remove(p, all->first, &l);
        drafts_drop(p);
    }
}

/* The oldest whose init has not run. */
static struct handler *next_to_begin(const struct handlers *all)
{
    struct handler *oldest = NULL;

    for (struct handler *h = all->first; h; h = h->next)
        if (!h->began)
            oldest = h;
    return oldest;
}

moult_next manager_begun(struct moult_ctx *ctx, struct server *s, moult_in *args)
{
    struct process *p = process_of(ctx);
    struct handlers *all = s->state;
    char name[HANDLER_NAME_MAX + 1];
    struct fault why = {0};
    struct handler *h;

    p->flags |= PROCESS_TRAPS; /* who is tied to a handler may end without it */
    while ((h = next_to_begin(all))) {
        if (handler_begin(p, h, args, NULL, &why) == 0)
            continue;
        snprintf(name, sizeof(name), "%s", h->name);
        manager_end(p, all, MOULT_SHUTDOWN);
        return moult_stop_because(ctx, why.error, "handler '%s': %s", name, why.text);
    }
    return moult_noreply();
}

/* The first that is tied to `owner`, or NULL. */
static struct handler *owned_by(const struct handlers *all, moult_pid owner)
{
    struct handler *h = all->first;

    while (h && !(h->owner.bits && moult_pid_equal(h->owner, owner)))
        h = h->next;
    return h;
}

/* Another has ended: the manager's own supervisor, who owns handlers, or somebody. */
static void handle_exit(struct process *p, struct server *s, bool again)
{
    struct handlers *all = s->state;
    struct leaving l = {
        .why = {.how = MOULT_REMOVED_OWNER, .reason = p->current->code}};
    struct handler *h = owned_by(all, p->current->from);

    if (moult_pid_equal(p->current->from, p->parent)) {
        server_stop(p, s, p->current->code, signal_text(p->current));
    } else if (h || again) {
        for (; h; h = owned_by(all, p->current->from))
            handler_remove(p, h, &l);
    } else if (server_news(p, s)) {
        give_all(p, all, false);
    }
}

/* -- the process -- */

/* A message of a manager that has started. */
static void dispatch(struct process *p, struct server *s)
{
    struct handlers *all = s->state;
    bool again = all->resumes == p->current;

    if (again)
        all->resumes = NULL; /* else it is a request that has overtaken it */
    switch (p->current->kind) {
    case ENVELOPE_CAST:
    case ENVELOPE_INFO:
        give_all(p, all, again);
        return;
    case ENVELOPE_CALL:
        handle_call(p, s);
        return;
    case ENVELOPE_SYSTEM:
        handle_request(p, s, again);
        return;
    case ENVELOPE_EXIT:
        handle_exit(p, s, again);
        return;
    case ENVELOPE_DOWN:
        if (server_news(p, s))
            give_all(p, all, false);
        return;
    default:
        return;
    }
}

static void handle(struct process *p, struct envelope *e)
{
    struct server *s = p->data;
    moult_next next;

    p->current = e;
    if (e->flags & ENVELOPE_TIMED) {
        send_timer_received(p, e->ref);
        e->flags = 0; /* it may come again */
    }
    if (e->kind == ENVELOPE_START)
        server_begin(p, s, &next);
    else
        dispatch(p, s);
    server_over(p);
}

/* -- when a handler fails -- */

/* Is there something left to do about the message, over which `h` failed? */
static bool is_to_resume(const struct envelope *e, bool had_begun)
{
    switch (e->kind) {
    case ENVELOPE_CALL:
        return false;
    case ENVELOPE_SYSTEM: /* swap: what is to come is no worse for that */
        return e->code == SYSTEM_NOTIFY || e->code == SYSTEM_TERMINATE ||
               (e->code == SYSTEM_SWAP_HANDLER && had_begun);
    default:
        return true;
    }
}

/* The handler goes, and with it what it has allocated; the message is gone on with. */
static bool outlives(struct process *p, int32_t reason, const char *words)
{
    struct server *s = p->data;
    struct handlers *all = s->state;
    struct handler *h = all ? all->at_work : NULL;
    bool had_begun;

    if (!h || !(s->flags & SERVER_STARTED))
        return false;
    had_begun = h->began;
    if (p->drafts)
        drafts_drop(p);
    handler_forget(p, h, reason, words);
    if (is_to_resume(p->current, had_begun)) {
        all->resumes = p->current;
        p->current->urgency =
            ENVELOPE_URGENCY_MOST; /* before it rests for an upgrade */
        process_queue_again(p, p->current);
        p->current = NULL;
    } else {
        process_refuse(p, -EFAULT, words);
    }
    return true;
}

const struct process_class manager_class = {.name = "manager",
                                            .handle = handle,
                                            .ended = server_ended,
                                            .whose = server_whose,
                                            .show = server_show_message,
                                            .outlives = outlives,
                                            .label_at = offsetof(struct server, id)};
