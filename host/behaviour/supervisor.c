/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "clock.h"
#include "event.h"
#include "group.h"
#include "message.h"
#include "name.h"
#include "signals.h"

#define INTENSITY    1u /* as OTP */
#define PERIOD_S     5u
#define SELF_RESTART 1 /* `code` of a cast to itself: try child `ref` again */

/* -- children -- */

static struct child *child_add(struct supervisor *s, const struct code *code,
                               uint32_t at)
{
    const char *id = code->child->id;
    size_t size = strlen(id) + 12;
    struct child *c = calloc(1, sizeof(*c) + size);

    if (!c)
        return NULL;
    if (code->child->count)
        snprintf(c->id, size, "%s.%" PRIu32, id, at);
    else
        snprintf(c->id, size, "%s", id);
    c->code = code;
    c->previous = s->last;
    if (s->last)
        s->last->next = c;
    else
        s->first = c;
    s->last = c;
    s->count++;
    return c;
}

static int children_add(struct supervisor *s, const struct code *const *codes,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t times = codes[i]->child->count ? codes[i]->child->count : 1;

        for (uint32_t n = 0; n < times; n++)
            if (!child_add(s, codes[i], n))
                return -ENOMEM;
    }
    return 0;
}

static void child_unlink(struct supervisor *s, struct child *c)
{
    if (c->previous)
        c->previous->next = c->next;
    else
        s->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    else
        s->last = c->previous;
    s->count--;
}

/* What it is registered as: "" if it is not. */
static void child_name(const struct child *c, char name[NAME_MAX_LEN + 1])
{
    const moult_child *spec = c->code->child;

    snprintf(name, NAME_MAX_LEN + 1, "%s%s", spec->name ? spec->name : "",
             spec->name && spec->count ? strrchr(c->id, '.') : "");
}

static int child_start(struct process *p, struct supervisor *s, struct child *c)
{
    struct server_spec spec = {.code = c->code, .id = c->id};
    char name[NAME_MAX_LEN + 1];
    moult_pid pid = {0};
    int error;

    child_name(c, name);
    if (name[0])
        spec.name = name;
    error = server_start(p, &spec, &pid);
    if (!error && pid.bits && map_put(&s->by_pid, pid.bits, (uintptr_t)c) < 0) {
        signal_exit(p, pid, MOULT_KILL, NULL);
        error = process_fail(p, -ENOMEM, "no memory to know the child by its pid");
    }
    if (error)
        return error;
    c->pid = pid;
    c->state = pid.bits ? CHILD_RUNNING : CHILD_STOPPED; /* ignore: no process */
    return 0;
}

/* -- ending children -- */

static bool exited(struct process *p, moult_pid child)
{
    for (struct envelope *e = p->first, *before = NULL; e; before = e, e = e->next) {
        if (e->kind != ENVELOPE_EXIT || !moult_pid_equal(e->from, child))
            continue;
        process_unqueue(p, e, before);
        envelope_destroy(e);
        return true;
    }
    return false;
}

void supervisor_end(struct process *p, moult_pid child, uint32_t shutdown_ms)
{
    uint64_t wait_ms = shutdown_ms == MOULT_SHUTDOWN_INFINITY ? MOULT_INFINITY
                       : shutdown_ms                          ? shutdown_ms
                                                              : SUPERVISOR_SHUTDOWN_MS;
    bool brutal = shutdown_ms == MOULT_BRUTAL_KILL;

    if (brutal)
        wait_ms = MOULT_INFINITY;
    signal_exit(p, child, brutal ? MOULT_KILL : MOULT_SHUTDOWN, NULL);
    if (process_await_until(p, exited, child, wait_ms) == 0)
        return;
    signal_exit(p, child, MOULT_KILL, NULL);
    process_await_until(p, exited, child, MOULT_INFINITY);
}

static void child_end(struct process *p, struct supervisor *s, struct child *c)
{
    if (c->state == CHILD_RUNNING) {
        map_remove(&s->by_pid, c->pid.bits, NULL);
        supervisor_end(p, c->pid, c->code->child->shutdown_ms);
    }
    c->pid = (moult_pid){0};
    c->state = CHILD_STOPPED;
}

static void children_end(struct process *p, struct supervisor *s)
{
    for (struct child *c = s->last; c; c = c->previous)
        child_end(p, s, c);
}

/* -- starting -- */

/* Start all from `c` on; on error those before it are left as they are. */
static int children_start(struct process *p, struct supervisor *s, struct child *c,
                          char *text, size_t size)
{
    int error;

    for (; c; c = c->next) {
        error = child_start(p, s, c);
        if (!error)
            continue;
        snprintf(text, size, "child '%s' failed to start: %s", c->id,
                 moult_call_text(&p->ctx));
        return error;
    }
    return 0;
}

static void start(struct process *p, struct supervisor *s)
{
    char text[512] = "no memory for the children";
    struct envelope *reply = envelope_create(ENVELOPE_REPLY);
    int error = reply ? children_add(s, s->spec.codes, s->spec.count) : -ENOMEM;

    if (!error)
        error = children_start(p, s, s->first, text, sizeof(text));
    if (error) {
        envelope_destroy(reply);
        children_end(p, s);
        process_exit(p, MOULT_SHUTDOWN, text);
        return;
    }
    moult_put_bool(&reply->out, true);
    reply->ref = p->current->ref;
    process_send_last(p, p->current->from, reply);
    p->current->kind = ENVELOPE_CAST;
}

/* -- another version -- */

/* End and forget the children that run code of `codes`. */
static void children_remove(struct process *p, struct supervisor *s,
                            const struct code *const *codes, size_t count)
{
    for (struct child *c = s->last, *previous; c; c = previous) {
        size_t i = 0;

        previous = c->previous;
        while (i < count && codes[i] != c->code)
            i++;
        if (i == count)
            continue;
        child_end(p, s, c);
        child_unlink(s, c);
        free(c);
    }
}

static int children_change(struct process *p, struct supervisor *s, char *text,
                           size_t size)
{
    moult_in in = out_read(&p->current->out);
    const struct code *const *codes = (const void *)(uintptr_t)moult_get_uint(&in);
    size_t count = moult_get_uint(&in);
    struct child *last = s->last;
    int error;

    if (p->current->code == SYSTEM_REMOVE) {
        children_remove(p, s, codes, count);
        return 0;
    }
    snprintf(text, size, "no memory for the children");
    error = children_add(s, codes, count);
    if (!error)
        error = children_start(p, s, last ? last->next : s->first, text, size);
    if (error)
        children_remove(p, s, codes, count);
    return error;
}

int supervisor_ask(moult_pid supervisor, enum system_request what,
                   const struct code *const *codes, size_t count, char *text,
                   size_t size)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (!e)
        return -ENOMEM;
    e->code = (int32_t)what;
    moult_put_uint(&e->out, (uintptr_t)codes);
    moult_put_uint(&e->out, count);
    return ask_and_wait(supervisor, e, MOULT_INFINITY, NULL, text, size);
}

static const struct code *code_of_id(const struct supervisor_spec *spec, const char *id)
{
    for (size_t i = 0; i < spec->count; i++)
        if (strcmp(spec->codes[i]->id, id) == 0)
            return spec->codes[i];
    return NULL;
}

int supervisor_prepare(struct supervisor *s, const struct supervisor_spec *spec,
                       const struct code ***copied)
{
    *copied = calloc(spec->count + 1, sizeof(**copied));
    if (!*copied)
        return -ENOMEM;
    memcpy(*copied, spec->codes, spec->count * sizeof(**copied));
    return 0;
}

/* Put the children of `code` at the end of the list, in the order they are in. */
static void move_to_end(struct supervisor *s, const struct code *code)
{
    struct child *c = s->first, *next;

    for (uint32_t left = s->count; c && left > 0; c = next, left--) {
        next = c->next;
        if (c->code != code)
            continue;
        child_unlink(s, c);
        c->previous = s->last;
        c->next = NULL;
        if (s->last)
            s->last->next = c;
        else
            s->first = c;
        s->last = c;
        s->count++;
    }
}

void supervisor_became(struct supervisor *s, const struct supervisor_spec *spec,
                       const struct code **copied)
{
    const struct code *from = NULL, *to = NULL;

    for (struct child *c = s->first; c; c = c->next) {
        if (c->code != from) { /* siblings of one code stand together */
            from = c->code;
            to = code_of_id(spec, from->id);
        }
        if (to)
            c->code = to;
    }
    for (size_t i = 0; i < spec->count; i++)
        move_to_end(s, spec->codes[i]);
    free((void *)(uintptr_t)s->spec.codes);
    s->spec = *spec;
    s->spec.codes = copied;
}

/* -- restarting -- */

/* Make room for `intensity` restarts, keeping the latest; false: no memory. */
static bool ring_resize(struct supervisor *s, uint32_t intensity)
{
    uint64_t *ring = calloc(intensity, sizeof(*ring));
    uint32_t kept =
        s->restart_count < s->restart_room ? s->restart_count : s->restart_room;

    if (!ring)
        return false;
    kept = kept < intensity ? kept : intensity;
    for (uint32_t i = 0; i < kept; i++)
        ring[i] = s->restart_s[(s->restart_count - kept + i) % s->restart_room];
    free(s->restart_s);
    s->restart_s = ring;
    s->restart_room = intensity;
    s->restart_count = kept;
    return true;
}

/* Note a restart; false if there were too many.  In whole seconds, as OTP counts. */
static bool within_intensity(struct supervisor *s)
{
    uint32_t intensity = s->spec.intensity ? s->spec.intensity : INTENSITY;
    uint64_t period = s->spec.period_s ? s->spec.period_s : PERIOD_S;
    uint64_t now = clock_ns() / 1000000000u, oldest;

    if (s->restart_room != intensity && !ring_resize(s, intensity))
        return false; /* another version may allow more, or less */
    oldest = s->restart_s[s->restart_count % intensity];
    s->restart_s[s->restart_count % intensity] = now;
    /* The one `intensity` restarts ago still counts if it is exactly a period old. */
    return s->restart_count++ < intensity || now - oldest > period;
}

static void give_up(struct process *p, struct supervisor *s)
{
    event_emit(EVENT_ERROR, "supervisor.gave_up", "{s:s, s:i, s:i}", "app", s->spec.app,
               "restarts", (int)(s->spec.intensity ? s->spec.intensity : INTENSITY),
               "period_s", (int)(s->spec.period_s ? s->spec.period_s : PERIOD_S));
    children_end(p, s);
    process_exit(p, MOULT_SHUTDOWN, "too many restarts");
}

static void retry_later(struct process *p, struct child *c)
{
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    c->state = CHILD_RESTARTING;
    if (!e)
        return;
    e->code = SELF_RESTART;
    e->ref = (uintptr_t)c;
    e->from = process_pid(p);
    process_send(p, process_pid(p), e);
}

static void restart(struct process *p, struct supervisor *s, struct child *c)
{
    if (!within_intensity(s)) {
        give_up(p, s);
        return;
    }
    c->restarts++;
    atomic_fetch_add_explicit(&p->group->restarts, 1, memory_order_relaxed);
    if (child_start(p, s, c) == 0) {
        event_emit(EVENT_INFO, "server.restart", "{s:s, s:s, s:s, s:i}", "server",
                   c->id, "app", c->code->app, "vsn", c->code->vsn, "restarts",
                   (int)c->restarts);
        return;
    }
    event_emit(EVENT_ERROR, "server.start_failed", "{s:s, s:s, s:s, s:s}", "server",
               c->id, "app", c->code->app, "vsn", c->code->vsn, "reason",
               moult_call_text(&p->ctx));
    retry_later(p, c); /* others are served between two attempts */
}

static bool in_good_order(int32_t reason)
{
    return reason == MOULT_NORMAL || reason == MOULT_SHUTDOWN;
}

static void child_exited(struct process *p, struct supervisor *s, struct child *c)
{
    int32_t reason = p->current->code;
    int32_t kind = c->code->child->restart;
    const char *text = signal_text(p->current);

    map_remove(&s->by_pid, c->pid.bits, NULL);
    c->pid = (moult_pid){0};
    c->state = CHILD_STOPPED;
    if (!in_good_order(reason) || kind == MOULT_PERMANENT)
        event_emit(in_good_order(reason) ? EVENT_INFO : EVENT_WARN, "server.exit",
                   "{s:s, s:s, s:s, s:s%, s:s}", "server", c->id, "app", c->code->app,
                   "vsn", c->code->vsn, "reason", *text ? text : moult_strerror(reason),
                   strlen(*text ? text : moult_strerror(reason)), "restart",
                   kind == MOULT_TEMPORARY   ? "temporary"
                   : kind == MOULT_TRANSIENT ? "transient"
                                             : "permanent");
    if (kind == MOULT_PERMANENT || (kind == MOULT_TRANSIENT && !in_good_order(reason)))
        restart(p, s, c);
}

static void handle_exit(struct process *p, struct supervisor *s)
{
    uint64_t child;

    if (map_find(&s->by_pid, p->current->from.bits, &child)) {
        child_exited(p, s, (struct child *)(uintptr_t)child);
        return;
    }
    if (moult_pid_equal(p->current->from, p->parent)) {
        children_end(p, s);
        process_exit(p, p->current->code, NULL);
    }
}

/* -- what others ask -- */

static void put_child(moult_out *out, const struct child *c)
{
    static const char *const states[] = {"stopped", "running", "restarting"};
    char name[NAME_MAX_LEN + 1];

    child_name(c, name);
    moult_put_map(out, 7);
    moult_put_text_at(out, "id", c->id);
    moult_put_text_at(out, "name", name);
    moult_put_text(out, "pid");
    if (c->pid.bits)
        moult_put_pid(out, c->pid);
    else
        moult_put_null(out);
    moult_put_text_at(out, "type", "worker");
    moult_put_text_at(out, "status", states[c->state]);
    moult_put_int_at(out, "restarts", c->restarts);
    moult_put_text_at(out, "vsn", c->code->vsn);
}

/* The first of its children, at most as many as were asked for, and how many there are. */
static void put_children(struct process *p, struct supervisor *s, moult_out *out)
{
    moult_in in = out_read(&p->current->out);
    uint64_t left = moult_get_uint(&in);

    if (left > s->count)
        left = s->count;
    moult_put_map(out, 2);
    moult_put_int_at(out, "count", s->count);
    moult_put_text(out, "children");
    moult_put_array(out, left);
    for (struct child *c = s->first; left > 0; c = c->next, left--)
        put_child(out, c);
}

static void handle_system(struct process *p, struct supervisor *s)
{
    struct envelope *reply = envelope_create(ENVELOPE_REPLY);
    char text[512] = "a supervisor has no such request";
    int error = -ENOSYS;

    if (!reply)
        return; /* the caller's timeout tells */
    if (p->current->code == SYSTEM_CHILDREN) {
        error = 0;
        put_children(p, s, &reply->out);
    } else if (p->current->code == SYSTEM_ADD || p->current->code == SYSTEM_REMOVE) {
        error = children_change(p, s, text, sizeof(text));
        moult_put_null(&reply->out);
    }
    if (error) {
        out_reset(&reply->out);
        reply->flags = ENVELOPE_ERROR;
        reply->code = error;
        signal_set_text(reply, text);
    }
    reply->ref = p->current->ref;
    process_send_last(p, p->current->from, reply);
}

static void handle_cast(struct process *p, struct supervisor *s)
{
    struct child *c = s->first;

    if (p->current->code != SELF_RESTART ||
        !moult_pid_equal(p->current->from, process_pid(p)))
        return;
    while (c && (uintptr_t)c != p->current->ref) /* it may be forgotten by now */
        c = c->next;
    if (c && c->state == CHILD_RESTARTING)
        restart(p, s, c);
}

static void handle(struct process *p, struct envelope *e)
{
    struct supervisor *s = p->data;

    p->current = e;
    switch (e->kind) {
    case ENVELOPE_START:
        start(p, s);
        break;
    case ENVELOPE_EXIT:
        handle_exit(p, s);
        break;
    case ENVELOPE_SYSTEM:
    case ENVELOPE_CALL: /* there is none that it knows */
        handle_system(p, s);
        break;
    case ENVELOPE_CAST:
        handle_cast(p, s);
        break;
    default:
        break;
    }
    if (p->flags & PROCESS_EXITING)
        return;
    envelope_destroy(p->current);
    p->current = NULL;
}

/* However it ends, none of its children outlives it. */
static void ended(struct process *p)
{
    struct supervisor *s = p->data;

    while (s->first) {
        struct child *c = s->first;

        s->first = c->next;
        if (c->state == CHILD_RUNNING)
            signal_exit_linked(p, c->pid, p->reason);
        free(c);
    }
    map_finish(&s->by_pid);
    free(s->restart_s);
    free((void *)(uintptr_t)s->spec.codes);
    free(s);
}

const struct process_class supervisor_class = {"supervisor", handle, ended, true};

int supervisor_start(struct process *parent, const struct supervisor_spec *spec,
                     moult_pid *pid)
{
    struct process_options options = {.class = &supervisor_class,
                                      .group = spec->group,
                                      .parent = process_pid(parent),
                                      .linked = true,
                                      .label = "supervisor"};
    struct supervisor *s = calloc(1, sizeof(*s));
    const struct code **codes = calloc(spec->count + 1, sizeof(struct code *));
    struct envelope *e = envelope_create(ENVELOPE_START);
    struct process *p = s && codes && e ? process_create(&options) : NULL;

    if (!p) {
        free(s);
        free(codes);
        envelope_destroy(e);
        return process_fail(parent, -ENOMEM, "no memory for a supervisor");
    }
    memcpy(codes, spec->codes, spec->count * sizeof(struct code *));
    s->spec = *spec;
    s->spec.codes = codes;
    p->data = s;
    p->flags |= PROCESS_TRAPS;
    *pid = process_pid(p);
    return process_start(parent, p, e);
}
