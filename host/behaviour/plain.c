/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier.h"
#include "event.h"
#include "facts.h"
#include "group.h"
#include "message.h"
#include "relation.h"
#include "server.h"
#include "signals.h"
#include "utf8.h"

/* -- its life -- */

static void note_memory(struct process *p)
{
    atomic_store_explicit(&p->memory, (uint32_t)p->ctx.heap.used, memory_order_relaxed);
}

/* Run it again when a message comes, and give back what can be until then. */
static void hibernate(struct process *p, struct plain *s)
{
    p->current = NULL;
    envelope_destroy(s->args);
    s->args = s->again;
    s->again = NULL;
    process_hibernate(p);
    note_memory(p);
}

static void handle(struct process *p, struct envelope *e)
{
    struct plain *s = p->data;
    int32_t reason;
    moult_in in;

    if (s->args)
        process_queue_first(p, e); /* it hibernated */
    else
        s->args = e;
    p->current = s->args; /* `ended` takes it back; it only says how urgent this is */
    in = s->args->out.len ? out_read(&s->args->out) : moult_in_over("\xf6", 1);
    reason = s->call(p, s, &in);
    p->current = s->args;
    drafts_drop(p);
    if (s->server)
        plain_become_server(p, s);
    else if (s->again)
        hibernate(p, s);
    else
        process_exit(p, reason, s->said ? signal_text(s->said) : NULL);
}

/* In good order, or because somebody wanted it? */
static bool is_expected(int32_t reason)
{
    return reason == MOULT_NORMAL || reason == MOULT_SHUTDOWN || reason == MOULT_KILLED;
}

static void report(struct process *p, const struct plain *s)
{
    const char *text = process_reason_text(p);
    struct members m;

    if (is_expected(p->reason) || !event_wanted(EVENT_WARN))
        return;
    members_begin(&m);
    members_text(&m, "app", s->code->app);
    members_text(&m, "vsn", s->code->vsn);
    members_text(&m, "process", s->label);
    members_text(&m, "reason", text ? text : moult_strerror(p->reason));
    facts_add(&m, p);
    event_emit_members(EVENT_WARN, "process.exit", &m);
}

static void (*_Atomic unused)(void); /* relaxed: whom to tell */

void plains_tell_unused(void (*told)(void))
{
    atomic_store_explicit(&unused, told, memory_order_relaxed);
}

static void leave_code(const struct code *code)
{
    void (*told)(void) = atomic_load_explicit(&unused, memory_order_relaxed);
    bool last = code_leave(code);

    if (last && told)
        told();
}

static void kill_one(struct process *p, void *context)
{
    const struct plain *s = plain_of(p);

    if (s && s->code->image == context)
        signal_exit(NULL, process_pid(p), MOULT_KILL, NULL);
}

void plains_kill(struct group *group, const struct image *image)
{
    group_each(group, kill_one, (void *)(uintptr_t)image);
}

void plain_destroy(struct plain *s)
{
    envelope_destroy(s->args);
    envelope_destroy(s->again);
    envelope_destroy(s->said);
    envelope_destroy(s->result);
    free(s->becomes);
    leave_code(s->code);
    free(s);
}

static void ended(struct process *p)
{
    struct plain *s = p->data;

    report(p, s);
    p->current = NULL;
    if (s->args && s->args->kind == ENVELOPE_START) {
        s->args->next = NULL;
        p->current = s->args; /* the ending answers who waits for its start */
        s->args = NULL;
    }
    plain_destroy(s);
}

static void whose(struct process *p, struct barrier_whose *whose)
{
    const struct plain *s = p->data;

    whose->app = s->code->app;
    whose->vsn = s->code->vsn;
    whose->server = whose->function = s->label;
}

const struct process_class plain_class = {.name = "process",
                                          .handle = handle,
                                          .ended = ended,
                                          .whose = whose,
                                          .is_free = true,
                                          .label_at = offsetof(struct plain, label)};
const struct process_class task_class = {.name = "task",
                                         .handle = handle,
                                         .ended = ended,
                                         .whose = whose,
                                         .is_free = true,
                                         .label_at = offsetof(struct plain, label)};

/* -- spawning -- */

const struct code *plain_code(const struct process *p)
{
    const struct server *server = server_of(p);
    const struct plain *plain = plain_of(p);

    return server ? server->code : plain ? plain->code : NULL;
}

static struct plain *make(const struct code *code, const struct plain_spec *spec)
{
    const char *label = spec->options->label ? spec->options->label : "process";
    size_t size = strlen(label) + 1;
    struct plain *s = calloc(1, offsetof(struct plain, label) + size);

    if (!s)
        return NULL;
    s->code = code;
    s->call = spec->call;
    s->run = spec->run;
    memcpy(s->label, label, size);
    code_use(code, 1);
    return s;
}

/* What its processes share; NULL if that has no limit. */
static struct quota *quota_of(struct group *group)
{
    struct quota *quota = &group->quota;

    return atomic_load_explicit(&quota->limit, memory_order_relaxed) ? quota : NULL;
}

/* Both sides at once, since nobody runs `p` yet. */
static int tie(struct process *by, struct process *p, int32_t flags, uint64_t *ref)
{
    moult_pid pid = process_pid(p);
    int error = 0;

    *ref = flags & MOULT_MONITORED ? process_ref() : 0;
    if (flags & MOULT_LINKED)
        error = relation_put(by, RELATION_LINKS, pid.bits, 1);
    if (!error && *ref)
        error = relation_put(p, RELATION_MONITORED_BY, *ref, process_pid(by).bits);
    if (!error && *ref)
        error = relation_put(by, RELATION_MONITORS, *ref, pid.bits);
    return error;
}

void plain_discard(struct process *by, struct process *p, uint64_t ref)
{
    if (by->relations) {
        map_remove(&by->relations->links, process_pid(p).bits, NULL);
        map_remove(&by->relations->watched, ref, NULL);
    }
    if (p->relations)
        map_remove(&p->relations->watchers, ref, NULL);
    process_discard(p);
}

static struct process *create(struct process *by, const struct plain_spec *spec,
                              struct plain *s)
{
    const moult_spawn_options *o = spec->options;
    struct process_options options = {.class = spec->class,
                                      .group = by->group,
                                      .parent = process_pid(by),
                                      .linked = o->flags & MOULT_LINKED,
                                      .limit = o->mailbox_limit,
                                      .max_heap = o->max_heap,
                                      .quota = quota_of(by->group),
                                      .warn_callback_ms = o->warn_callback_ms,
                                      .max_callback_ms = o->max_callback_ms};
    struct process *p = process_create(&options);

    if (!p) {
        code_use(s->code, -1);
        free(s);
        return NULL;
    }
    p->data = s;
    return p;
}

struct process *plain_create(struct process *by, const struct plain_spec *spec,
                             moult_spawned *spawned)
{
    const struct code *code = plain_code(by);
    struct plain *s = code ? make(code, spec) : NULL;
    struct process *p = s ? create(by, spec, s) : NULL;

    if (!p)
        return NULL;
    spawned->pid = process_pid(p);
    if (tie(by, p, spec->options->flags, &spawned->ref) < 0) {
        plain_discard(by, p, spawned->ref);
        return NULL;
    }
    spec->args->to_generation = pid_generation(spawned->pid);
    spec->args->urgency = process_urgency(by);
    return p;
}

/* -- the ABI's -- */

static int32_t run_plain(struct process *p, struct plain *s, moult_in *args)
{
    return ((moult_function *)s->run)(&p->ctx, args);
}

int plain_args(struct process *by, moult_out *args, struct envelope **e)
{
    if (args)
        return draft_take(by, args, e);
    *e = envelope_create(ENVELOPE_CAST);
    return *e ? 0 : -ENOMEM;
}

/* What they had at first; they have only grown since. */
#define OPTIONS_MIN (offsetof(moult_spawn_options, max_callback_ms) + sizeof(uint32_t))

static bool are_options(const moult_spawn_options *o)
{
    return o->size >= OPTIONS_MIN && !(o->flags & ~(MOULT_LINKED | MOULT_MONITORED)) &&
           (!o->label || utf8_valid(o->label, strlen(o->label)));
}

int moult_spawn_opt(moult_ctx *ctx, moult_function *run, moult_out *args,
                    const moult_spawn_options *options, moult_spawned *spawned)
{
    moult_spawn_options known = {.size = sizeof(known)};
    struct plain_spec spec = {.class = &plain_class,
                              .call = run_plain,
                              .run = (void (*)(void))run,
                              .options = &known};
    moult_spawned own = {0};
    struct process *p;
    int error = plain_args(process_of(ctx), args, &spec.args);

    if (error)
        return error;
    if (options)
        memcpy(&known, options,
               options->size < sizeof(known) ? options->size : sizeof(known));
    if (!run || (options && !are_options(options))) {
        envelope_destroy(spec.args);
        return -EINVAL;
    }
    p = plain_create(process_of(ctx), &spec, &own);
    if (!p) {
        envelope_destroy(spec.args);
        return -ENOMEM;
    }
    if (spawned)
        *spawned = own;
    process_launch(p, spec.args);
    return 0;
}

int32_t moult_fail(moult_ctx *ctx, int32_t reason, const char *format, ...)
{
    struct plain *s = plain_of(process_of(ctx));
    char text[1024];
    va_list args;

    if (!s)
        return reason;
    envelope_destroy(s->said);
    s->said = envelope_create(ENVELOPE_REPLY);
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (s->said)
        signal_set_text(s->said, text);
    return reason;
}

int32_t moult_hibernate(moult_ctx *ctx, moult_function *run, moult_out *args)
{
    struct process *p = process_of(ctx);
    struct plain *s = p->class == &plain_class ? p->data : NULL;
    struct envelope *e;
    int error = plain_args(p, args, &e);

    if (error)
        return error;
    if (!s || !run) {
        envelope_destroy(e);
        return -ENOTSUP;
    }
    s->run = (void (*)(void))run;
    envelope_destroy(s->again);
    s->again = e;
    return 0;
}
