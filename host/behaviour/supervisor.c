/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ending.h"
#include "event.h"
#include "group.h"
#include "message.h"
#include "send_timer.h"
#include "signals.h"
#include "starting.h"
#include "supervisor_report.h"
#include "supervisor_requests.h"
#include "telling.h"

#define SELF_RESTART  1   /* `code` of a cast to itself: try a child again */
#define HOST_UNPAUSE  2   /* of one of the host's: see supervisor_unpause() */
#define BACKOFF_TIMES 60u /* its first delay, at most, unless the spec says otherwise */

const char *supervisor_strategy_text(int32_t strategy)
{
    static const char *const texts[] = {"one_for_one", "one_for_all", "rest_for_one",
                                        "simple_one_for_one", "dynamic"};

    return texts[strategy];
}

/* -- starting -- */

static void start(struct process *p, struct supervisor *s)
{
    char text[512] = "no memory for the children";
    struct envelope *reply = s->busy = envelope_create(ENVELOPE_REPLY);
    struct child *failed = NULL;
    int error = reply ? 0 : -ENOMEM;

    if (!error && !branch_is_dynamic(&s->branch))
        error = children_add_all(&s->children, s->branch.codes, s->branch.count);
    if (!error && (error = children_start(p, s, s->children.first, &failed)) < 0) {
        start_error_text(p, failed, text, sizeof(text));
        report_start_error(s, failed, moult_call_text(&p->ctx));
    }
    if (error) {
        children_end(p, s);
        process_exit(p, MOULT_SHUTDOWN, text);
        return;
    }
    s->busy = NULL;
    moult_put_bool(&reply->out, true);
    reply->ref = p->current->ref;
    error = process_send_last(p, p->current->from, reply);
    p->current->kind = ENVELOPE_CAST;
    if (error == -ESRCH) { /* it does not even know that there is a child to end */
        children_end(p, s);
        process_exit(p, MOULT_KILLED, "its starter ended meanwhile");
    }
}

/* -- another version -- */

static const struct code *code_of_id(const struct branch *branch, const char *id)
{
    if (branch->all)
        return code_find(branch->all, id);
    for (size_t i = 0; i < branch->count; i++)
        if (strcmp(branch->codes[i]->id, id) == 0)
            return branch->codes[i];
    return NULL;
}

/*
 * Put the children that are listed with `code`, or (NULL) those that were given at run
 * time, at the end, in the order they are in.
 */
static void move_to_end(struct supervisor *s, const struct code *code)
{
    struct child *c = s->children.first, *next;

    for (uint32_t left = s->children.count; c && left > 0; c = next, left--) {
        bool is_given = c->given && c->given->has_spec;

        next = c->next;
        if (code ? c->code == code && !is_given : is_given)
            children_move_to_end(&s->children, c);
    }
}

void supervisor_became(struct supervisor *s, const struct branch *branch,
                       const struct code *code)
{
    const struct code *from = NULL, *to = NULL;

    if (s->code != code) {
        code_use(code, 1);
        code_use(s->code, -1);
    }
    s->code = code;
    s->branch = *branch;
    s->children.significant = 0;
    for (struct child *c = s->children.first; c; c = c->next) {
        if (!from || c->code != from) { /* siblings of one code stand together */
            from = c->code;
            to = code_of_id(branch, from->id);
        }
        if (to)
            c->code = to;
        c->is_new = false;
        s->children.significant +=
            c->state != CHILD_STOPPED && child_spec(c)->significant;
    }
    for (size_t i = 0; i < branch->count && !branch_is_dynamic(branch); i++)
        move_to_end(s, branch->codes[i]);
    if (!branch_is_dynamic(branch))
        move_to_end(s, NULL);
}

void supervisor_place(struct supervisor *s,
                      const struct code *(*to)(const struct child *c, void *context),
                      void *context)
{
    for (struct child *c = s->children.first; c; c = c->next) {
        const struct code *code = to(c, context);

        if (code)
            c->code = code;
    }
}

/* -- restarting -- */

static void give_up(struct process *p, struct supervisor *s, const struct child *c)
{
    report_gave_up(s, c);
    children_end(p, s);
    process_exit(p, MOULT_SHUTDOWN, "too many restarts");
}

/* By which a child without a process is known until its restart: no pid of this host. */
static moult_pid new_key(void)
{
    return (moult_pid){process_ref() | 0xffull << 56};
}

/*
 * How long the next restart of `c` waits, in milliseconds.  Less up to a half, at random:
 * those that ended together do not come back together.
 */
static uint64_t backoff_ms(struct child *c)
{
    const moult_child *spec = child_spec(c);
    uint64_t first = spec->backoff_ms;
    uint64_t most =
        spec->backoff_most_ms ? spec->backoff_most_ms : first * BACKOFF_TIMES;
    uint64_t ran_ms = (clock_ns() / 1000000000u - c->started_s) * 1000, delay;
    uint64_t random = process_ref() * 0x9e3779b97f4a7c15u ^ clock_ns();

    if (first == 0)
        return 0;
    if (ran_ms > most)
        c->tries = 0;
    delay = c->tries < 32 ? first << c->tries : most;
    delay = delay < most ? delay : most;
    if (c->tries < UINT8_MAX)
        c->tries++;
    random ^= random >> 29;
    random *= 0xbf58476d1ce4e5b9u;
    return delay - (random >> 32) % (delay / 2 + 1);
}

/*
 * Try `c` again after what else waits in the mailbox, so that others are served between
 * two attempts; or in `delay_ms`.
 */
static void restart_later(struct process *p, struct supervisor *s, struct child *c,
                          uint64_t delay_ms)
{
    moult_pid key = c->pid.bits ? c->pid : new_key(), self = process_pid(p);
    struct envelope *e = envelope_create(ENVELOPE_SIGNAL); /* of the reserve */

    if (!e || children_set(&s->children, c, CHILD_RESTARTING, key) < 0) {
        envelope_destroy(e);
        process_exit(p, -ENOMEM, "no memory to start a child again");
        return;
    }
    e->kind = ENVELOPE_CAST;
    e->code = SELF_RESTART;
    e->from = self;
    moult_put_pid(&e->out, key);
    if (!delay_ms)
        process_send(p, self, e);
    else if (!send_timer_start(p, self, delay_ms, e))
        process_exit(p, -ENOMEM, "no memory to start a child again");
}

static void restarted(struct process *p, const struct supervisor *s,
                      const struct child *c)
{
    if (telemetry_is_on())
        telling_restart(p, s, c);
    report_progress(s, c);
}

static void restart_failed(struct process *p, struct supervisor *s, struct child *c)
{
    report_start_error(s, c, moult_call_text(&p->ctx));
    restart_later(p, s, c, backoff_ms(c));
}

static void restart_one(struct process *p, struct supervisor *s, struct child *c)
{
    c->restarts++;
    if (child_start(p, s, c) < 0)
        restart_failed(p, s, c); /* known by its old pid, so that it can be ended */
    else if (c->state == CHILD_RUNNING)
        restarted(p, s, c);
    else if (branch_is_dynamic(&s->branch))
        children_remove(&s->children, c); /* it ignores: there is nothing to keep */
}

/* It did not fall, so it is no restart. */
static void start_paused(struct process *p, struct supervisor *s, struct child *c)
{
    if (child_start(p, s, c) < 0)
        restart_failed(p, s, c);
    else if (c->state != CHILD_RUNNING && branch_is_dynamic(&s->branch))
        children_remove(&s->children, c); /* it ignores: there is nothing to keep */
}

void supervisor_unpause(struct process *p, struct supervisor *s)
{
    for (struct child *c = s->children.first, *next; c; c = next) {
        next = c->next;
        if (!c->is_paused)
            continue;
        c->is_paused = false;
        if (c->state == CHILD_STOPPED)
            start_paused(p, s, c);
    }
}

struct envelope *supervisor_unpausing(void)
{
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    if (e)
        e->code = HOST_UNPAUSE;
    return e;
}

/* End all from `first` on (NULL: all), and start them again in order. */
static void restart_from(struct process *p, struct supervisor *s, struct child *first)
{
    struct child *failed = NULL;
    int error;

    children_end_from(p, s, first);
    first = first ? first : s->children.first;
    error = children_start(p, s, first, &failed);
    for (struct child *c = first; c; c = c->next) {
        c->restarts++;
        if (error && c == failed)
            break;
        if (c->state == CHILD_RUNNING)
            restarted(p, s, c);
    }
    if (error)
        restart_failed(p, s, failed);
}

static bool is_one_of(const struct code *code, const struct code *const *codes,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (codes[i] == code)
            return true;
    return false;
}

void supervisor_renew(struct process *p, struct supervisor *s,
                      const struct code *const *codes, size_t count)
{
    for (struct child *c = s->children.first, *next; c; c = next) {
        next = c->next;
        if (c->state != CHILD_RUNNING || (c->given && c->given->args) ||
            !is_one_of(c->code, codes, count))
            continue;
        child_end(p, s, c);
        if (child_start(p, s, c) < 0)
            restart_failed(p, s, c);
        else if (c->state == CHILD_RUNNING)
            report_renewed(s, c);
    }
}

static void restart(struct process *p, struct supervisor *s, struct child *c)
{
    const char *vsn = c->code->vsn; /* the application's, which outlives its child */

    if (!intensity_allows(&s->intensity, s->branch.intensity, s->branch.period_s)) {
        give_up(p, s, c);
        return;
    }
    atomic_fetch_add_explicit(&p->group->restarts, 1, memory_order_relaxed);
    switch (s->branch.strategy) {
    case MOULT_ONE_FOR_ALL:
        restart_from(p, s, NULL);
        break;
    case MOULT_REST_FOR_ONE:
        restart_from(p, s, c);
        break;
    default:
        restart_one(p, s, c);
    }
    group_tell_trouble(p->group, GROUP_RESTART, vsn); /* who looks finds who started */
}

/* -- exits -- */

static bool in_good_order(int32_t reason)
{
    return reason == MOULT_NORMAL || reason == MOULT_SHUTDOWN;
}

/* It ended by itself and stays so; is that the end of its supervisor too? */
static bool ends_supervisor(const struct supervisor *s, bool was_significant)
{
    return was_significant && (s->branch.auto_shutdown == MOULT_ANY_SIGNIFICANT ||
                               (s->branch.auto_shutdown == MOULT_ALL_SIGNIFICANT &&
                                s->children.significant == 0));
}

static void not_restarted(struct process *p, struct supervisor *s, struct child *c)
{
    bool significant = child_spec(c)->significant;

    children_set(&s->children, c, CHILD_STOPPED, (moult_pid){0});
    if (child_spec(c)->restart == MOULT_TEMPORARY || branch_is_dynamic(&s->branch))
        children_remove(&s->children, c);
    if (!ends_supervisor(s, significant))
        return;
    event_emit(EVENT_INFO, "supervisor.auto_shutdown", "{s:s, s:s}", "supervisor",
               s->id, "app", s->app);
    children_end(p, s);
    process_exit(p, MOULT_SHUTDOWN, "a significant child has ended");
}

static void child_exited(struct process *p, struct supervisor *s, struct child *c)
{
    int32_t reason = p->current->code;
    int32_t kind = child_spec(c)->restart;
    uint64_t delay_ms;

    report_child_terminated(s, c, p->current);
    if (!in_good_order(reason))
        group_tell_trouble(p->group, GROUP_CRASH, c->code->vsn);
    if (kind == MOULT_TEMPORARY || (kind == MOULT_TRANSIENT && in_good_order(reason))) {
        not_restarted(p, s, c);
        return;
    }
    children_set(&s->children, c, CHILD_RESTARTING, c->pid); /* it stands: no growth */
    delay_ms = backoff_ms(c);
    if (delay_ms)
        restart_later(p, s, c, delay_ms);
    else
        restart(p, s, c);
}

static void handle_exit(struct process *p, struct supervisor *s)
{
    struct child *c = children_by_pid(&s->children, p->current->from);

    if (c && c->state == CHILD_RUNNING) {
        child_exited(p, s, c);
    } else if (moult_pid_equal(p->current->from, p->parent)) {
        children_end(p, s);
        process_exit(p, p->current->code, NULL);
    }
}

/* -- the process -- */

static void handle_cast(struct process *p, struct supervisor *s)
{
    moult_in in = out_read(&p->current->out);
    struct child *c;

    if (p->current->flags & ENVELOPE_TIMED)
        send_timer_received(p, p->current->ref);
    if (p->current->code == HOST_UNPAUSE && moult_pid_is_none(p->current->from)) {
        supervisor_unpause(p, s);
        return;
    }
    if (p->current->code != SELF_RESTART ||
        !moult_pid_equal(p->current->from, process_pid(p)))
        return;
    c = children_by_pid(&s->children, moult_get_pid(&in)); /* or it is forgotten */
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
        supervisor_answer(p, s);
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

    for (struct child *c = s->children.first; c; c = c->next)
        if (c->state == CHILD_RUNNING)
            signal_exit_linked(p, c->pid, p->reason);
    children_finish(&s->children);
    intensity_finish(&s->intensity);
    envelope_destroy(s->busy);
    out_release(&s->joined);
    if (s->code)
        code_use(s->code, -1);
    free(s);
}

const struct process_class supervisor_class = {.name = "supervisor",
                                               .handle = handle,
                                               .ended = ended,
                                               .keeps_links = true,
                                               .label_at =
                                                   offsetof(struct supervisor, id)};

static struct process *make(struct process *parent, const struct supervisor_spec *spec)
{
    struct process_options options = {.class = &supervisor_class,
                                      .group = spec->group,
                                      .parent = process_pid(parent),
                                      .linked = true};
    const char *id = spec->id ? spec->id : "supervisor";
    size_t size = strlen(id) + 1;
    struct supervisor *s = calloc(1, sizeof(*s) + size);
    struct process *p = s ? process_create(&options) : NULL;

    if (!p) {
        free(s);
        return NULL;
    }
    memcpy(s->id, id, size);
    s->branch = spec->branch;
    s->code = spec->code;
    if (s->code)
        code_use(s->code, 1);
    s->app = spec->app;
    p->data = s;
    p->flags |= PROCESS_TRAPS;
    return p;
}

int supervisor_start(struct process *parent, const struct supervisor_spec *spec,
                     moult_pid *pid)
{
    struct envelope *e = envelope_create(ENVELOPE_START);
    struct process *p = e ? make(parent, spec) : NULL;
    char text[NAME_PROBLEM];
    moult_pid started, holder = {0};
    int error;

    if (!p) {
        envelope_destroy(e);
        return process_fail(parent, -ENOMEM, process_shortage(text, sizeof(text)));
    }
    if (spec->name && (error = name_register(p, spec->name, &holder)) < 0) {
        envelope_destroy(e);
        process_discard(p);
        return process_fail(parent, error,
                            name_problem(spec->name, error, holder, text));
    }
    started = process_pid(p);
    error = process_start(parent, p, e, MOULT_INFINITY);
    if (!error)
        *pid = started;
    return error;
}
