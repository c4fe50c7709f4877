/* SPDX-License-Identifier: Apache-2.0 */
#include "ending.h"

#include "clock.h"
#include "signals.h"
#include "supervisor_report.h"

/* -- one -- */

/* The news that `child` has ended, if it has come, and what stands before it. */
static struct envelope *find_exit(struct process *p, moult_pid child,
                                  struct envelope **before)
{
    struct envelope *e = p->first;

    *before = NULL;
    while (e && (e->kind != ENVELOPE_EXIT || !moult_pid_equal(e->from, child))) {
        *before = e;
        e = e->next;
    }
    return e;
}

static bool has_exited(struct process *p, moult_pid child)
{
    struct envelope *before;

    return find_exit(p, child, &before) != NULL;
}

static int32_t take_exit(struct process *p, moult_pid child)
{
    struct envelope *before, *e = find_exit(p, child, &before);
    int32_t reason = e ? e->code : MOULT_NOPROC;

    if (e)
        process_unqueue(p, e, before);
    envelope_destroy(e);
    return reason;
}

int32_t end_process(struct process *p, moult_pid child, uint64_t shutdown_ms)
{
    signal_relink(p, child);
    signal_exit(p, child, MOULT_SHUTDOWN, NULL);
    if (process_await_until(p, has_exited, child, shutdown_ms) < 0) {
        signal_exit(p, child, MOULT_KILL, NULL);
        process_await_until(p, has_exited, child, MOULT_INFINITY);
    }
    return take_exit(p, child);
}

static int32_t kill_process(struct process *p, moult_pid child)
{
    signal_relink(p, child);
    signal_exit(p, child, MOULT_KILL, NULL);
    process_await_until(p, has_exited, child, MOULT_INFINITY);
    return take_exit(p, child);
}

static bool is_brutal(const struct child *c)
{
    return child_spec(c)->shutdown_ms == MOULT_BRUTAL_KILL;
}

void child_end(struct process *p, struct supervisor *s, struct child *c)
{
    moult_pid pid = c->pid;
    bool ran = c->state == CHILD_RUNNING;

    if (ran)
        report_shutdown_error(s, c, pid,
                              is_brutal(c) ? kill_process(p, pid)
                                           : end_process(p, pid, child_shutdown_ms(c)));
    children_set(&s->children, c, CHILD_STOPPED, (moult_pid){0});
}

/* -- all at once -- */

/* Take the exits that have come out of the mailbox; true when none is missing. */
static bool reap(struct process *p, moult_pid nobody)
{
    struct supervisor *s = p->data;
    struct envelope *before = NULL, *next;

    for (struct envelope *e = p->first; e; e = next) {
        struct child *c =
            e->kind == ENVELOPE_EXIT ? children_by_pid(&s->children, e->from) : NULL;

        next = e->next;
        if (!c || c->state != CHILD_RUNNING) {
            before = e;
            continue;
        }
        report_shutdown_error(s, c, e->from, e->code);
        children_set(&s->children, c, CHILD_STOPPED, (moult_pid){0});
        process_unqueue(p, e, before);
        envelope_destroy(e);
    }
    return s->children.running == 0;
}

/* Kill who has had its time, and say how long the next has from the beginning. */
static uint64_t kill_late(struct process *p, struct supervisor *s, uint64_t passed_ms)
{
    uint64_t next_ms = MOULT_INFINITY;

    for (struct child *c = s->children.first; c; c = c->next) {
        uint64_t ms = child_shutdown_ms(c);

        if (c->state != CHILD_RUNNING || c->killed)
            continue;
        if (ms <= passed_ms) {
            c->killed = true;
            signal_exit(p, c->pid, MOULT_KILL, NULL);
        } else if (ms < next_ms) {
            next_ms = ms;
        }
    }
    return next_ms;
}

static void ask_all(struct process *p, struct supervisor *s)
{
    for (struct child *c = s->children.first; c; c = c->next) {
        if (c->state != CHILD_RUNNING) { /* its restart is off */
            children_set(&s->children, c, CHILD_STOPPED, (moult_pid){0});
            continue;
        }
        signal_relink(p, c->pid);
        c->killed = is_brutal(c);
        signal_exit(p, c->pid, c->killed ? MOULT_KILL : MOULT_SHUTDOWN, NULL);
    }
}

static void end_at_once(struct process *p, struct supervisor *s)
{
    uint64_t began_ms = clock_ns() / 1000000u, passed_ms = 0, next_ms;

    ask_all(p, s);
    do {
        next_ms = kill_late(p, s, passed_ms);
        if (process_await_until(p, reap, (moult_pid){0},
                                next_ms == MOULT_INFINITY ? next_ms
                                                          : next_ms - passed_ms) == 0)
            return;
        passed_ms = clock_ns() / 1000000u - began_ms;
        passed_ms = passed_ms > next_ms ? passed_ms : next_ms;
    } while (s->children.running);
}

/* -- several -- */

void children_end(struct process *p, struct supervisor *s)
{
    if (branch_is_dynamic(&s->branch))
        end_at_once(p, s);
    for (struct child *c = s->children.last; c; c = c->previous)
        child_end(p, s, c);
}

void children_end_from(struct process *p, struct supervisor *s, struct child *c)
{
    struct child *end = c ? c->previous : NULL;

    for (struct child *at = s->children.last, *previous; at != end; at = previous) {
        previous = at->previous;
        child_end(p, s, at);
        if (at != c && child_spec(at)->restart == MOULT_TEMPORARY)
            children_remove(&s->children, at);
    }
}

void children_end_new(struct process *p, struct supervisor *s)
{
    for (struct child *c = s->children.last, *previous; c; c = previous) {
        previous = c->previous;
        if (!c->is_new)
            continue;
        child_end(p, s, c);
        children_remove(&s->children, c);
    }
}

static bool is_one_of(const struct child *c, const struct code *const *codes,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (codes[i] == c->code)
            return true;
    return false;
}

void children_pause(struct process *p, struct supervisor *s,
                    const struct code *const *codes, size_t count)
{
    for (struct child *c = s->children.last; c; c = c->previous) {
        if (c->state == CHILD_STOPPED || !is_one_of(c, codes, count))
            continue;
        child_end(p, s, c);
        c->is_paused = true;
    }
}

void children_end_of(struct process *p, struct supervisor *s,
                     const struct code *const *codes, size_t count)
{
    for (struct child *c = s->children.last, *previous; c; c = previous) {
        previous = c->previous;
        if (!is_one_of(c, codes, count) && !child_is_beyond(c))
            continue;
        child_end(p, s, c);
        children_remove(&s->children, c);
    }
}
