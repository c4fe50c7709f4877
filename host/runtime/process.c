/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charge.h"
#include "clock.h"
#include "debt.h"
#include "dictionary.h"
#include "event.h"
#include "group.h"
#include "io.h"
#include "name.h"
#include "registry.h"
#include "reqids.h"
#include "send_timer.h"
#include "signals.h"
#include "sys.h"
#include "telemetry.h"
#include "worker.h"

#define CHUNK_BITS 10u
#define CHUNK      (1u << CHUNK_BITS) /* slots */
#define CHUNKS     ((PID_INDEX_MAX + 1u) >> CHUNK_BITS)

static struct {
    pthread_mutex_t lock; /* guards all that follows, but for reads of the atomics */
    /* Release when a chunk is ready; pairs with the acquire in process_at. */
    _Atomic(struct process *) chunks[CHUNKS];
    _Atomic uint32_t used;  /* slots that ever were; release after their chunk */
    _Atomic uint32_t count; /* relaxed: a figure */
    struct process *free;   /* by `run_next` */
    _Atomic uint32_t most;  /* of those that are not the host's; relaxed: set first */
    _Atomic uint64_t
        told_s; /* when it was told that they are; relaxed: once is enough */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .most = PROCESSES_MOST};

static _Atomic uint64_t last_ref; /* relaxed: only uniqueness matters */

uint64_t process_ref(void)
{
    return atomic_fetch_add_explicit(&last_ref, 1, memory_order_relaxed) + 1;
}

struct process *process_at(uint32_t index)
{
    struct process *chunk;

    if (index > PID_INDEX_MAX)
        return NULL;
    chunk =
        atomic_load_explicit(&table.chunks[index >> CHUNK_BITS], memory_order_acquire);
    return chunk ? &chunk[index & (CHUNK - 1)] : NULL;
}

static inline struct process *find(moult_pid pid)
{
    struct process *p = process_at(pid_index(pid));

    /* Acquire: pairs with the release in process_launch, for `limit`. */
    if (!p || atomic_load_explicit(&p->pid, memory_order_acquire) != pid.bits)
        return NULL;
    return p;
}

struct process *process_find(moult_pid pid)
{
    return find(pid);
}

bool process_is_alive(moult_pid pid)
{
    struct process *p = process_find(pid);

    return p && mailbox_state(atomic_load_explicit(&p->inbox, memory_order_relaxed)) !=
                    MAILBOX_CLOSED;
}

uint32_t process_count(void)
{
    return atomic_load_explicit(&table.count, memory_order_relaxed);
}

void processes_allow(uint32_t most)
{
    atomic_store_explicit(&table.most, most ? most : PROCESSES_MOST,
                          memory_order_relaxed);
}

static bool are_most(void)
{
    return process_count() >= atomic_load_explicit(&table.most, memory_order_relaxed);
}

/* Whoever wants one more has the error; so shall who runs the host, once a second. */
static void tell_most(const struct group *group)
{
    uint64_t now_s = clock_ns() / 1000000000u + 1;

    if (atomic_exchange_explicit(&table.told_s, now_s, memory_order_relaxed) != now_s)
        event_emit(EVENT_WARN, "host.full", "{s:s, s:s, s:i, s:s}", "app", group->name,
                   "table", "processes", "limit",
                   (int)atomic_load_explicit(&table.most, memory_order_relaxed),
                   "setting", "max_processes");
}

const char *process_shortage(char *text, size_t size)
{
    if (!are_most())
        return "no memory for another process";
    snprintf(text, size,
             "the host has as many processes as it may, %" PRIu32
             ": max_processes of its configuration",
             atomic_load_explicit(&table.most, memory_order_relaxed));
    return text;
}

/* One more slot, never used before; with the lock held. */
static struct process *slot_new(void)
{
    uint32_t index = atomic_load_explicit(&table.used, memory_order_relaxed);
    struct process *chunk;

    if (index > PID_INDEX_MAX)
        return NULL;
    chunk =
        atomic_load_explicit(&table.chunks[index >> CHUNK_BITS], memory_order_relaxed);
    if (!chunk) {
        chunk = aligned_alloc(64, sizeof(*chunk) * CHUNK);
        if (!chunk)
            return NULL;
        memset(chunk, 0, sizeof(*chunk) * CHUNK);
        for (uint32_t i = 0; i < CHUNK; i++) {
            atomic_store_explicit(&chunk[i].pid, index + i, memory_order_relaxed);
            atomic_store_explicit(&chunk[i].inbox,
                                  mailbox_word(NULL, 0, MAILBOX_CLOSED),
                                  memory_order_relaxed);
        }
        atomic_store_explicit(&table.chunks[index >> CHUNK_BITS], chunk,
                              memory_order_release);
    }
    atomic_store_explicit(&table.used, index + 1, memory_order_release);
    return &chunk[index & (CHUNK - 1)];
}

static struct process *slot_get(void)
{
    struct process *p;

    pthread_mutex_lock(&table.lock);
    p = table.free;
    if (p)
        table.free = process_numbered(p->run_next);
    else
        p = slot_new();
    pthread_mutex_unlock(&table.lock);
    if (p)
        atomic_fetch_add_explicit(&table.count, 1, memory_order_relaxed);
    return p;
}

static void slot_put(struct process *p)
{
    atomic_fetch_sub_explicit(&table.count, 1, memory_order_relaxed);
    pthread_mutex_lock(&table.lock);
    p->run_next = process_number(table.free);
    table.free = p;
    pthread_mutex_unlock(&table.lock);
}

int process_reserve_bounds(struct process *p)
{
    struct bounds *b = process_bounds(p);

    if (b)
        return 0;
    b = calloc(1, sizeof(*b));
    if (!b)
        return -ENOMEM;
    /* Release: who finds it finds it all zero, or as it is by then. */
    atomic_store_explicit(&p->ctx.heap.allowance, &b->allowance, memory_order_release);
    return 0;
}

void process_set_patience(struct process *p, uint32_t warn_ms, uint32_t max_ms)
{
    struct bounds *b = process_bounds(p);

    if (!b)
        return;
    atomic_store_explicit(&b->warn_callback_ms, warn_ms, memory_order_relaxed);
    atomic_store_explicit(&b->max_callback_ms, max_ms, memory_order_relaxed);
}

void process_set_limits(struct process *p, uint32_t messages, uint64_t max_heap)
{
    struct bounds *b = process_bounds(p);
    uint64_t fit = max_heap / sizeof(struct envelope);

    messages = messages ? messages : MAILBOX_LIMIT;
    if (max_heap && fit < messages)
        messages = (uint32_t)fit;
    if (b) {
        heap_set_limit(&p->ctx.heap, max_heap);
        atomic_store_explicit(&b->max_heap, max_heap, memory_order_relaxed);
    }
    atomic_store_explicit(&p->limit, messages, memory_order_relaxed);
}

static int set_bounds(struct process *p, const struct process_options *o)
{
    bool is_bounded =
        o->max_heap || o->quota || o->warn_callback_ms || o->max_callback_ms;

    if (is_bounded && process_reserve_bounds(p) < 0)
        return -ENOMEM;
    process_set_limits(p, o->limit, o->max_heap);
    process_set_patience(p, o->warn_callback_ms, o->max_callback_ms);
    heap_share(&p->ctx.heap, o->quota);
    return 0;
}

struct process *process_create(const struct process_options *options)
{
    struct process *p;
    uint32_t generation;

    if (!options->is_hosts && are_most()) {
        tell_most(options->group);
        return NULL;
    }
    p = slot_get();
    if (!p)
        return NULL;
    if (set_bounds(p, options) < 0) {
        slot_put(p);
        return NULL;
    }
    generation = pid_generation(process_pid(p)) + 1;
    if (generation > PID_GENERATION_MAX)
        generation = 1;
    p->told_full_s = 0;
    p->class = options->class;
    p->parent = options->parent;
    p->flags = options->linked ? PROCESS_LINKED : 0;
    p->reason = MOULT_NORMAL;
    /* Release: pairs with process_find's acquire. */
    atomic_store_explicit(&p->pid, pid_make(pid_index(process_pid(p)), generation).bits,
                          memory_order_release);
    /* Release: who pushes from here on sees an open mailbox that is running. */
    atomic_store_explicit(&p->inbox, mailbox_word(NULL, 0, MAILBOX_RUN),
                          memory_order_release);
    p->group = options->group;
    return p;
}

void process_launch(struct process *p, struct envelope *first)
{
    if (first)
        process_queue(p, first);
    group_add(p->group, p);
    /* Who starts it waits for that, perhaps since before the upgrade began. */
    if (first && atomic_load_explicit(&p->hold, memory_order_relaxed))
        first->urgency = ENVELOPE_URGENCY_MOST;
    worker_schedule_next(p);
}

void process_discard(struct process *p)
{
    p->flags &= (uint8_t)~PROCESS_LINKED; /* nobody has heard of it */
    process_finish(p);
}

/* -- sending -- */

uint8_t process_urgency(const struct process *sender)
{
    if (sender->current && sender->current->urgency)
        return (uint8_t)(sender->current->urgency - 1);
    return atomic_load_explicit(&sender->hold, memory_order_relaxed)
               ? ENVELOPE_URGENCY_MOST
               : 0;
}

/* `e` (taken) was meant for who had the slot of `p` before it. */
static __attribute__((noinline)) void answer_stale(struct process *p,
                                                   struct envelope *e)
{
    if (e->kind >= ENVELOPE_SIGNAL)
        signal_refuse(e, pid_make(pid_index(process_pid(p)), e->to_generation));
    else
        process_answer_dead(e, (moult_pid){0}, MOULT_NOPROC, NULL);
}

/*
 * Give `e` to `p` directly, if `p` rests with an empty mailbox and it is what `p` rests
 * for: whoever moves it to MAILBOX_RUN owns it, queue and all.  A call and its reply go
 * this way.  True if it was done: schedule `p`.  It was found as `to`.
 */
static inline bool hand_over(struct process *p, moult_pid to, struct envelope *e,
                             bool message, uint32_t room)
{
    if (!(message ? room && mailbox_claim_empty(&p->inbox, MAILBOX_IDLE)
                  : e->kind == ENVELOPE_REPLY &&
                        mailbox_claim_empty(&p->inbox, MAILBOX_WAIT)))
        return false;
    if (__builtin_expect(!moult_pid_equal(to, process_pid(p)), 0)) {
        e->to_generation = pid_generation(to);
        answer_stale(p, e);
    } else if (message) {
        process_queue(p, e);
    } else {
        signal_act(p, e);
    }
    return true;
}

/* How many more messages there is room for, by what waits at the moment. */
static uint32_t room_now(struct process *p)
{
    uint32_t backlog = atomic_load_explicit(&p->backlog, memory_order_relaxed);
    uint32_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);

    return backlog < limit ? limit - backlog : 0;
}

/*
 * `e` (taken if this fails) was refused with `error`.  For want of room, perhaps, that has
 * come since `p` looked last.  Who looks after a process gets through to it, however much
 * waits: else one that is suspended could stay so.
 */
static __attribute__((noinline)) int push_anyway(struct process *p, moult_pid to,
                                                 struct envelope *e, int error)
{
    if (error == -EAGAIN && e->kind == ENVELOPE_SYSTEM && e->code < SYS_WORK)
        error = mailbox_push(&p->inbox, e, UINT32_MAX);
    else if (error == -EAGAIN && e->out.owned)
        error = charge_push(p, to, e, room_now(p));
    else if (error == -EAGAIN)
        error = mailbox_push(&p->inbox, e, room_now(p));
    if (error == -EAGAIN)
        charge_refused(p, to);
    if (error < 0)
        envelope_destroy(e);
    return error;
}

static void tell_sent(struct process *sender, moult_pid to, const struct envelope *e)
{
    if (sender->flags & PROCESS_WATCHED)
        sys_sends(sender, to, e);
    if (sender->flags & PROCESS_TOLD)
        telemetry_sends(sender, to, e);
}

/* It runs already, or waits for its turn or for something else. */
static inline void leave_waiting(struct process *p, unsigned here, uint8_t urgency)
{
    if (__builtin_expect(urgency, 0))
        hold_wake(p);
    if (atomic_load_explicit(&p->worker, memory_order_relaxed) != here)
        worker_count_remote(1);
}

/*
 * `e` (taken) goes into the mailbox of `p`, which was found as `to`: 1 if that wakes it,
 * 0 or an error.
 */
static inline __attribute__((always_inline)) int put_in(struct process *p, moult_pid to,
                                                        struct envelope *e,
                                                        bool message, uint32_t room,
                                                        unsigned here)
{
    uint8_t urgency = e->urgency;
    int woken;

    e->to_generation = pid_generation(to);
    e->worker = (uint8_t)here;
    if (__builtin_expect(e->out.owned, 0) && message)
        woken = charge_push(p, to, e, room);
    else
        woken = mailbox_push_as(&p->inbox, e, !message, room);
    if (__builtin_expect(woken < 0, 0))
        woken = push_anyway(p, to, e, woken);
    if (woken == 0)
        leave_waiting(p, here, urgency);
    return woken;
}

/* `message`: it is known to be one, not a signal.  In line: each use knows much more. */
static inline __attribute__((always_inline)) int
send(struct process *sender, moult_pid to, struct envelope *e, bool message, bool last)
{
    struct process *p = find(to);
    uint32_t backlog, limit, room; /* at least: see push_anyway() */
    int woken = 1;

    if (__builtin_expect(!p, 0)) {
        envelope_destroy(e);
        return -ESRCH;
    }
    message = message || e->kind < ENVELOPE_SIGNAL;
    if (sender) {
        e->urgency = process_urgency(sender);
        if (__builtin_expect(sender->flags & (PROCESS_WATCHED | PROCESS_TOLD), 0))
            tell_sent(sender, to, e);
    }
    backlog = atomic_load_explicit(&p->backlog_most, memory_order_relaxed);
    limit = atomic_load_explicit(&p->limit, memory_order_relaxed);
    room = backlog < limit ? limit - backlog : 0;
    if (!hand_over(p, to, e, message, room))
        woken =
            put_in(p, to, e, message, room,
                   sender ? atomic_load_explicit(&sender->worker, memory_order_relaxed)
                          : worker_index());
    if (woken > 0 && last)
        worker_schedule_next(p);
    else if (woken > 0)
        worker_schedule(p);
    return woken < 0 ? woken : 0;
}

int process_send(struct process *sender, moult_pid to, struct envelope *e)
{
    return send(sender, to, e, false, false);
}

int process_send_last(struct process *sender, moult_pid to, struct envelope *e)
{
    return send(sender, to, e, false, true);
}

int process_send_message(struct process *sender, moult_pid to, struct envelope *e)
{
    int error = send(sender, to, e, true, false);

    process_breathe(sender);
    return error;
}

const char *process_refusal(moult_pid to, int error, char *text, size_t size)
{
    struct process *p = error == -EAGAIN ? process_find(to) : NULL;

    if (!p)
        return moult_strerror(error);
    snprintf(text, size, "the mailbox is full: %" PRIu32 " messages may wait there",
             atomic_load_explicit(&p->limit, memory_order_relaxed));
    return text;
}

/* -- receiving -- */

void process_answer_dead(struct envelope *e, moult_pid callee, int32_t reason,
                         const char *text)
{
    moult_pid caller = e->from;

    if (e->kind != ENVELOPE_CALL && e->kind != ENVELOPE_SYSTEM &&
        e->kind != ENVELOPE_START && e->kind != ENVELOPE_LOOK) {
        envelope_destroy(e);
        return;
    }
    envelope_reset(e, ENVELOPE_REPLY);
    e->from = callee;
    e->flags = ENVELOPE_ERROR | ENVELOPE_DEAD;
    e->code = reason;
    signal_set_text(e, text);
    process_send(NULL, caller, e);
}

/*
 * Signals are among them, large ones or what was meant for another: one by one, oldest
 * first.
 */
static void receive_mixed(struct process *p, struct envelope *e)
{
    uint32_t generation = pid_generation(process_pid(p));

    while (e) {
        struct envelope *next = e->next;

        charge_take_off(p, e);
        if (e->to_generation != generation)
            answer_stale(p, e);
        else if (e->kind < ENVELOPE_SIGNAL)
            process_queue(p, e);
        else
            signal_act(p, e);
        e = next;
    }
}

/* Queue the messages from `first` to `last`, `count` of them. */
static void queue_all(struct process *p, struct envelope *first, struct envelope *last,
                      uint32_t count)
{
    if (p->last)
        p->last->next = first;
    else
        p->first = first;
    p->last = last;
    process_set_backlog(p, atomic_load_explicit(&p->backlog, memory_order_relaxed) +
                               count);
}

static void receive_all(struct process *p)
{
    uint32_t generation = pid_generation(process_pid(p));
    uint8_t here = (uint8_t)worker_index();
    uint32_t remote = 0, count = 0, mixed = 0;
    struct envelope *newest = mailbox_take(&p->inbox), *e = newest, *oldest = NULL;

    atomic_store_explicit(&p->backlog_most,
                          atomic_load_explicit(&p->backlog, memory_order_relaxed),
                          memory_order_relaxed);
    while (e) { /* turn them round, and see what they are */
        struct envelope *older = e->next;

        remote += e->worker != here;
        mixed |= (e->to_generation ^ generation) | (e->kind >= ENVELOPE_SIGNAL) |
                 e->out.owned;
        count++;
        e->next = oldest;
        oldest = e;
        e = older;
    }
    if (mixed)
        receive_mixed(p, oldest);
    else if (oldest)
        queue_all(p, oldest, newest, count);
    if (remote)
        worker_count_remote(remote);
    if (__builtin_expect(atomic_load_explicit(&p->was_full, memory_order_relaxed) ==
                             process_mark(process_pid(p)),
                         0))
        charge_tell_full(p);
}

void process_receive(struct process *p)
{
    if (mailbox_has(&p->inbox))
        receive_all(p);
    if (p->ctx.heap.is_limited)
        charge_check(p);
}

struct envelope *process_next(struct process *p)
{
    struct envelope *e = p->first;

    if (e)
        process_unqueue(p, e, NULL);
    return e;
}

static struct envelope *next_urgent(struct process *p)
{
    struct envelope *urgent = p->first, *before = NULL, *e;
    uint8_t urgency;

    while (urgent && !urgent->urgency)
        urgent = urgent->next;
    if (!urgent)
        return NULL;
    urgency = urgent->urgency;
    for (e = p->first; !moult_pid_equal(e->from, urgent->from); e = e->next)
        before = e;
    /* What its sender sent earlier comes first, and is as urgent as what waits on it. */
    e->urgency = urgency;
    process_unqueue(p, e, before);
    return e;
}

struct envelope *process_next_held(struct process *p, uint32_t *hurried)
{
    if (p->flags & PROCESS_HURRIED) {
        p->flags &= (uint8_t)~PROCESS_HURRIED;
        *hurried = atomic_load_explicit(&p->backlog, memory_order_relaxed);
    }
    if (*hurried == 0)
        return next_urgent(p);
    --*hurried;
    return process_next(p);
}

/* -- waiting -- */

static void await_fire(struct timer *t)
{
    struct await *a = (struct await *)((char *)t - offsetof(struct await, timer));

    atomic_store_explicit(&a->timed_out, true, memory_order_relaxed);
    if (mailbox_nudge(&a->process->inbox)) /* it may not have come to rest yet */
        worker_schedule(a->process);
}

static int await_end(struct process *p, struct await *a, int error)
{
    timer_cancel(&a->timer);
    p->await = NULL;
    return error;
}

/* Wait until `done` says so; process_await() and its like. */
static int wait_until(struct process *p, struct await *a, uint64_t timeout_ms,
                      bool (*done)(struct process *p, moult_pid about), moult_pid about)
{
    a->process = p;
    p->await = a;
    for (;;) {
        process_fetch(p);
        if (p->flags & PROCESS_EXITING)
            worker_abandon(p);
        if (done ? done(p, about) : a->reply != NULL)
            return await_end(p, a, 0);
        if (atomic_load_explicit(&a->timed_out, memory_order_relaxed))
            return await_end(p, a, -ETIMEDOUT);
        if (!a->timer.wheel && timeout_ms != MOULT_INFINITY) {
            a->timer.fire = await_fire;
            worker_start_timer(&a->timer, timeout_ms);
        }
        if (worker_wait(p, a->messages ? MAILBOX_RECEIVE : MAILBOX_WAIT) < 0)
            return await_end(p, a, -ENOMEM);
    }
}

int process_await(struct process *p, struct await *a, uint64_t timeout_ms)
{
    return wait_until(p, a, timeout_ms, NULL, (moult_pid){0});
}

int process_await_until(struct process *p,
                        bool (*done)(struct process *p, moult_pid about),
                        moult_pid about, uint64_t timeout_ms)
{
    struct await a = {0}; /* ref 0 is no call's: no reply is taken */

    return wait_until(p, &a, timeout_ms, done, about);
}

int process_await_done(struct process *p, struct await *a,
                       bool (*done)(struct process *p, moult_pid about),
                       uint64_t timeout_ms)
{
    return wait_until(p, a, timeout_ms, done, (moult_pid){0});
}

void process_obey(struct process *p)
{
    process_fetch(p);
    if (p->flags & PROCESS_EXITING)
        worker_abandon(p);
}

void process_take_breath(struct process *p)
{
    p->sends = 0;
    if (worker_wait(p, MAILBOX_RUN) == 0) /* else no stack: nobody else runs, for now */
        process_obey(p);
}

/* -- what only some have -- */

struct relations *process_relations(struct process *p)
{
    if (!p->relations)
        p->relations = calloc(1, sizeof(*p->relations));
    return p->relations;
}

/* -- ending -- */

void process_exit(struct process *p, int32_t reason, const char *text)
{
    struct relations *r;

    if (p->flags & PROCESS_EXITING)
        return;
    p->flags |= PROCESS_EXITING;
    p->reason = reason;
    r = text && *text ? process_relations(p) : NULL;
    if (r)
        r->reason_text = strdup(text);
}

void process_fail_callback(struct process *p, int32_t reason, const char *words)
{
    telemetry_spans_fail(p, reason, words);
    if (!(p->flags & PROCESS_EXITING) && p->class->outlives &&
        p->class->outlives(p, reason, words))
        worker_abandon_callback(p);
    process_exit(p, reason, words);
    worker_abandon(p);
}

void process_answer_all(struct process *p, struct envelope *e)
{
    moult_pid self = process_pid(p);

    while (e) {
        struct envelope *next = e->next;

        process_answer_dead(e, self, p->reason, process_reason_text(p));
        e = next;
    }
}

static void relations_destroy(struct relations *r)
{
    if (!r)
        return;
    map_finish(&r->links);
    map_finish(&r->watched);
    map_finish(&r->watchers);
    map_finish(&r->requests);
    map_finish(&r->aliases);
    reqids_finish(r->reqids);
    map_finish(&r->owed);
    map_finish(&r->timers);
    map_finish(&r->dictionary);
    map_finish(&r->descriptors);
    free(r->reason_text);
    free(r);
}

static bool is_empty(const struct relations *r)
{
    return !(r->links.count | r->watched.count | r->watchers.count | r->owed.count |
             r->timers.count | r->dictionary.count | r->descriptors.count |
             r->requests.count | r->aliases.count) &&
           !r->sys && !r->registry && !r->registered && !r->spans && !r->reqids;
}

void process_hibernate(struct process *p)
{
    struct relations *r = p->relations;

    envelope_destroy(p->answer);
    p->answer = NULL;
    if (!r)
        return;
    if (is_empty(r)) {
        relations_destroy(r);
        p->relations = NULL;
        return;
    }
    map_shrink(&r->links);
    map_shrink(&r->watched);
    map_shrink(&r->watchers);
    map_shrink(&r->owed);
    map_shrink(&r->timers);
    map_shrink(&r->dictionary);
    map_shrink(&r->descriptors);
    map_shrink(&r->requests);
    map_shrink(&r->aliases);
}

/* Signals that were on their way to a process that ended are answered or dropped. */
static void turn_away(struct process *p, struct envelope *e)
{
    while (e) {
        struct envelope *next = e->next;

        e->next = NULL;
        charge_take_off(p, e);
        if (e->to_generation != pid_generation(process_pid(p)))
            answer_stale(p, e);
        else if (e->kind < ENVELOPE_SIGNAL || e->kind == ENVELOPE_LOOK)
            process_answer_dead(e, process_pid(p), p->reason, process_reason_text(p));
        else if (e->kind == ENVELOPE_LINK || e->kind == ENVELOPE_MONITOR)
            signal_act(p, e); /* into the tables that signal_farewell reads */
        else
            envelope_destroy(e);
        e = next;
    }
}

void process_finish(struct process *p)
{
    group_remove(p->group, p); /* first: who walks the group reads `data` */
    if (p->class->ended)
        p->class->ended(p);
    if (p->await) {
        envelope_destroy(p->await->reply);
        await_end(p, p->await, 0);
    }
    sys_finish(p);
    telemetry_spans_finish(p);
    send_timers_finish(p);
    name_release(p);
    registry_leave(p);
    io_finish(p);
    turn_away(p, mailbox_in_order(mailbox_close(&p->inbox)));
    process_answer_all(p, p->current);
    p->current = NULL; /* what is sent from here on is sent on nobody's behalf */
    process_answer_all(p, p->first);
    debts_answer(p);
    signal_farewell(p);
    process_answer_all(p, p->drafts); /* calls that it received are among them */
    dictionary_finish(p);
    envelope_destroy(p->answer);
    relations_destroy(p->relations);
    heap_finish(&p->ctx.heap);
    p->first = p->last = p->drafts = p->answer = NULL;
    p->relations = NULL;
    p->data = NULL;
    p->fiber = NULL;
    p->sends = 0;
    p->flags = 0;
    atomic_store_explicit(&p->memory, 0, memory_order_relaxed);
    atomic_store_explicit(&p->backlog, 0, memory_order_relaxed);
    atomic_store_explicit(&p->backlog_most, 0, memory_order_relaxed);
    slot_put(p);
}
