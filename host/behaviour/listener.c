/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier.h"
#include "message.h"
#include "send_timer.h"
#include "serving.h"
#include "signals.h"
#include "telemetry.h"

struct listener {
    struct code code; /* what of it counts is whose it is, and its uses */
    moult_telemetry_function *run;
    struct envelope *config; /* or NULL: null */
    char *function;
    char event[TELEMETRY_NAME_MOST + 1]; /* that it is told of now; or "" */
    char id[];
};

/* -- one event -- */

static moult_in read_or_null(const struct envelope *e)
{
    return e && e->out.len ? out_read(&e->out) : moult_in_over("\xf6", 1);
}

/* The next item of `in`, by itself. */
static moult_in next_item(moult_in *in)
{
    size_t len;
    const void *item = moult_get_item(in, &len);

    return moult_in_over(item, len);
}

static void fail(struct process *p, int32_t error, const char *words)
{
    process_exit(p, error < 0 ? error : -EINVAL, words);
}

static void listen(struct process *p, struct listener *l)
{
    moult_in in = out_read(&p->current->out), config = read_or_null(l->config),
             measurements, metadata;
    moult_telemetry_event event = {.name = l->event,
                                   .measurements = &measurements,
                                   .metadata = &metadata,
                                   .config = &config};
    const moult_in *misread;
    const char *name;
    size_t len;
    int error;

    moult_get_array(&in);
    name = moult_get_text(&in, &len);
    snprintf(l->event, sizeof(l->event), "%.*s", (int)len, name);
    event.emitter = moult_get_pid(&in);
    event.monotonic_time = moult_get_int(&in);
    measurements = next_item(&in);
    metadata = next_item(&in);
    error = l->run(&p->ctx, &event);
    misread = measurements.error ? &measurements : &metadata;
    if (error)
        fail(p, error, moult_strerror(error));
    else if (misread->error)
        fail(p, misread->error, misread->why);
    else
        l->event[0] = 0;
}

/* There is nothing that it does besides. */
static void refuse(struct process *p)
{
    if (p->current->kind == ENVELOPE_SYSTEM && sys_answer(p))
        return;
    process_refuse(p, -ENOSYS, "a handler of telemetry takes no calls");
}

static void handle(struct process *p, struct envelope *e)
{
    p->current = e;
    if (e->flags & ENVELOPE_TIMED)
        send_timer_received(p, e->ref);
    if (e->kind == ENVELOPE_INFO && e->code == TELEMETRY_EVENT)
        listen(p, p->data);
    else if (e->kind == ENVELOPE_CALL || e->kind == ENVELOPE_SYSTEM)
        refuse(p);
    server_over(p);
}

/* -- its end -- */

/* It was not asked to end, so its handler is to blame. */
static bool has_failed(const struct process *p)
{
    return p->reason < 0;
}

static const char *reason_of(const struct process *p)
{
    return process_reason_text(p) ? process_reason_text(p) : moult_strerror(p->reason);
}

static void put_failure(moult_out *out, const struct process *p,
                        const struct listener *l)
{
    moult_in config = read_or_null(l->config);

    moult_put_map(out, 8);
    moult_put_text_at(out, "id", l->id);
    moult_put_text_at(out, "app", l->code.app);
    moult_put_text_at(out, "handler", l->function);
    moult_put_text_at(out, "event", l->event);
    moult_put_text(out, "config");
    moult_put_item(out, config.at, (size_t)(config.end - config.at));
    moult_put_text_at(out, "kind", "error");
    moult_put_int_at(out, "reason", p->reason);
    telemetry_put_words(out, reason_of(p));
}

static void tell_failure(struct process *p, const struct listener *l)
{
    struct moult_out measurements = {0}, metadata = {0};

    event_emit(EVENT_ERROR, "telemetry.failure", "{s:s, s:s, s:s, s:s, s:s, s:s%}",
               "app", l->code.app, "vsn", l->code.vsn, "id", l->id, "handler",
               l->function, "of", l->event, "reason", reason_of(p),
               strlen(reason_of(p)));
    moult_put_map(&measurements, 2);
    moult_put_int_at(&measurements, "monotonic_time", telemetry_monotonic_time());
    moult_put_int_at(&measurements, "system_time", telemetry_system_time());
    put_failure(&metadata, p, l);
    if (!measurements.error && !metadata.error)
        telemetry_emit("telemetry.handler.failure", process_pid(p), &measurements,
                       &metadata);
    out_release(&measurements);
    out_release(&metadata);
}

static void destroy(struct listener *l)
{
    code_use(&l->code, -1);
    envelope_destroy(l->config);
    free(l->function);
    free(l);
}

static void ended(struct process *p)
{
    struct listener *l = p->data;
    int error = telemetry_detach(l->id, process_pid(p), NULL);

    if (!error && has_failed(p))
        tell_failure(p, l);
    destroy(l);
}

static void whose(struct process *p, struct barrier_whose *whose)
{
    const struct listener *l = p->data;

    whose->app = l->code.app;
    whose->vsn = l->code.vsn;
    whose->server = l->id;
    whose->function = l->function;
}

static const struct process_class listener_class = {.name = "telemetry",
                                                    .handle = handle,
                                                    .ended = ended,
                                                    .whose = whose,
                                                    .is_listener = true,
                                                    .label_at =
                                                        offsetof(struct listener, id)};

/* -- its beginning -- */

static struct listener *make(const struct listener_spec *spec)
{
    size_t size = strlen(spec->id) + 1;
    struct listener *l = calloc(1, sizeof(*l) + size);

    if (!l) {
        envelope_destroy(spec->config);
        return NULL;
    }
    l->code = (struct code){
        .app = spec->group->name, .vsn = spec->code->vsn, .uses = spec->code->uses};
    code_use(&l->code, 1);
    l->config = spec->config;
    l->run = spec->run;
    memcpy(l->id, spec->id, size);
    l->function = strdup(spec->function);
    if (l->function)
        return l;
    destroy(l);
    return NULL;
}

struct process *listener_create(const struct listener_spec *spec)
{
    struct quota *quota = &spec->group->quota;
    struct listener *l = make(spec);
    struct process_options options = {.class = &listener_class,
                                      .group = spec->group,
                                      .limit = MOULT_TELEMETRY_WAITING,
                                      .max_callback_ms = MOULT_TELEMETRY_MOST_MS};
    struct process *p;

    if (!l)
        return NULL;
    if (atomic_load_explicit(&quota->limit, memory_order_relaxed))
        options.quota = quota;
    p = process_create(&options);
    if (p)
        p->data = l;
    else
        destroy(l);
    return p;
}

/* -- another version -- */

static struct listener *listener_of(const struct process *p)
{
    return p->class == &listener_class ? p->data : NULL;
}

struct change {
    const struct application_spec *to;
    const struct listener *lost; /* `to` lists no function of that name */
};

static moult_telemetry_function *counterpart(const struct change *c,
                                             const struct listener *l)
{
    return code_handler(c->to->top.all, l->function);
}

static void check(struct process *p, void *context)
{
    const struct listener *l = listener_of(p);
    struct change *c = context;

    if (l && !counterpart(c, l))
        c->lost = l;
}

int listeners_check(struct group *group, const struct application_spec *to,
                    struct fault *why)
{
    struct change c = {.to = to};

    group_each(group, check, &c);
    if (!c.lost)
        return 0;
    fault_where(why, NULL, NULL, c.lost->id, NULL);
    return fault(why, -ENOENT,
                 "telemetry handler '%s' runs '%s', which version %s does not list",
                 c.lost->id, c.lost->function, to->vsn);
}

static void become(struct process *p, void *context)
{
    const struct change *c = context;
    struct listener *l = listener_of(p);
    struct code before;

    if (!l)
        return;
    before = l->code;
    l->run = counterpart(c, l);
    l->code.vsn = c->to->vsn;
    l->code.uses = c->to->uses;
    code_use(&l->code, 1);
    code_use(&before, -1);
}

void listeners_become(struct group *group, const struct application_spec *to)
{
    struct change c = {.to = to};

    group_each(group, become, &c);
}

static void kill_one(struct process *p, void *context)
{
    const struct change *c = context;
    const struct listener *l = listener_of(p);

    if (l && l->code.uses == c->to->uses)
        signal_exit(NULL, process_pid(p), MOULT_KILL, NULL);
}

void listeners_kill(struct group *group, const struct application_spec *to)
{
    struct change c = {.to = to};

    group_each(group, kill_one, &c);
}
