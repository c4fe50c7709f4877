/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <urcu-qsbr.h>

#include "group.h"
#include "sys.h"
#include "telemetry.h"

#define TURN_MESSAGES 1024u /* of one process before others run */
#define TURN_CHECK    64u   /* messages between looks at how long it has been */
#define TURN_FETCH    16u   /* messages between looks into a mailbox that others fill */
#define TURN_NS       250000u
#define NEXT_STREAK   64u /* turns out of the `next` slot before the queue gets one */
#define CHECK_TURNS   16u /* turns between looks at timers, outside work, grace periods */
#define SPARE_STACKS  64u /* a worker keeps */
#define NAPS          3u  /* that find nothing, before a worker sleeps */

__thread struct worker *pool_own;

/*
 * Not inlined, and opaque: a fiber may go on on another thread, so nobody may keep the
 * address of a thread-local across a switch.
 */
__attribute__((noinline)) struct worker *worker_current(void)
{
    struct worker *w = pool_own;

    __asm__ volatile("" : "+r"(w));
    return w;
}

void worker_set_current(struct worker *w)
{
    pool_own = w;
    envelope_cache_use(w ? &w->envelopes : NULL);
}

struct process *worker_running(void)
{
    struct worker *w = worker_current();

    return w ? running(w) : NULL;
}

struct fiber *worker_fiber(void)
{
    struct worker *w = worker_current();

    return w ? w->fiber : NULL;
}

bool worker_is_stack(const void *address)
{
    struct worker *w = worker_current();

    return w && w->fiber && fiber_has(w->fiber, address);
}

bool worker_is_guard(const void *address)
{
    struct worker *w = worker_current();

    return w && w->fiber && fiber_guards(w->fiber, address);
}

unsigned worker_index(void)
{
    struct worker *w = worker_current();

    return w ? w->index : 15;
}

static void fire_timers(struct worker *w)
{
    uint64_t now_ms = clock_cached_ns(&w->clock) / 1000000u;

    for (unsigned i = 0; i < pool_used(); i++) {
        struct wheel *wheel = &pool.workers[i].wheel;

        if (atomic_load_explicit(&wheel->next_ms, memory_order_relaxed) <= now_ms)
            wheel_advance(wheel, now_ms);
    }
}

/* `p` has left its stack and is to run: where? */
static void schedule_parked(struct worker *w, struct process *p)
{
    enum move move = w->move;

    w->move = STAY;
    if (move == AWAY) {
        extra_block(p);
    } else if (move == BACK) {
        pool_inject(p);
        pool_wake_one(true);
    } else {
        worker_schedule(p);
    }
}

/* Now and then, also when there is always something to run. */
static struct process *look_round(struct worker *w)
{
    struct process *p;

    rcu_quiescent_state();
    fire_timers(w);
    if (atomic_load_explicit(&w->duty, memory_order_relaxed) != WORKS &&
        (p = extra_on_duty(w)))
        return p;
    return pool_take_injected();
}

static inline struct process *next_process(struct worker *w)
{
    struct process *p;

    if (__builtin_expect(w->stole_from != NULL, 0))
        pool_judge_theft(w, false);
    if (++w->turn % CHECK_TURNS == 0 && (p = look_round(w)))
        return p;
    if ((p = next(w)) && (++w->streak < NEXT_STREAK || run_queue_is_empty(&w->queue))) {
        set_next(w, NULL);
        return p;
    }
    w->streak = 0;
    p = run_queue_pop(&w->queue);
    if (!p && (p = next(w)))
        set_next(w, NULL);
    return p;
}

/* Nothing of its own: what of others', and when? */
static struct process *find_elsewhere(struct worker *w)
{
    uint64_t ns = atomic_load_explicit(&pool.nap_ns, memory_order_relaxed);
    struct process *p;

    if (clock_is_virtual()) /* there are no naps where time stands still */
        w->naps = NAPS;
    if (ns && w->naps < NAPS) {
        w->naps++;
        pool_nap(w, ns);
    }
    if ((p = pool_take_injected()) || (p = pool_steal(w)))
        return p;
    if (w->naps < NAPS && ns)
        return NULL; /* look again after another nap */
    pool_rest(w);
    w->naps = 0;
    return NULL;
}

/* Nothing is left to do at once: are there timers, outside work, others'? */
static __attribute__((noinline)) struct process *find_more(struct worker *w)
{
    struct process *p;

    if ((p = look_round(w)) || (p = next_process(w))) {
        w->naps = 0;
        return p;
    }
    if (w->stole_from)
        pool_judge_theft(w, true);
    p = pool_take_injected();
    if (!p)
        p = find_elsewhere(w);
    fire_timers(w);
    return p;
}

/* -- the loop -- */

/* Is what it calls and casts to be told of?  It says by itself when not any more. */
static void begin_telling(struct process *p)
{
    if (__builtin_expect(
            atomic_load_explicit(&telemetry_traffic, memory_order_relaxed) != 0, 0))
        p->flags |= PROCESS_TOLD;
}

static void tell_waiting(struct process *p)
{
    if (telemetry_is_on())
        telemetry_mailbox(p, atomic_load_explicit(&p->backlog, memory_order_relaxed));
}

/* Has a turn of `handled` messages been long enough? */
static bool is_over(uint32_t handled, uint64_t *began)
{
    const struct worker *w = worker_current(); /* a callback may have moved it */
    uint64_t now = clock_ticks();

    if (handled == TURN_CHECK)
        *began = now;
    if (w->stole_from && w->remote >= REMOTE_ENOUGH)
        return true;
    return handled >= TURN_MESSAGES ||
           (now - *began > worker_ticks(w, TURN_NS) && !clock_is_virtual());
}

/* Nothing is left for `p`, that `hold` holds or nothing: true if it rests. */
static inline bool rest(struct process *p, struct hold *hold)
{
    if (__builtin_expect(hold != NULL, 0))
        return hold_rest(p, hold);
    if (!mailbox_rest(&p->inbox, MAILBOX_IDLE))
        return false;
    hold = atomic_load_explicit(&p->hold, memory_order_seq_cst);
    if (__builtin_expect(hold != NULL, 0))
        hold_late(p, hold);
    return true;
}

/* True if others run before `p` goes on, which has handled so many. */
static bool must_pause(struct process *p, uint32_t handled, uint64_t *began)
{
    tell_waiting(p);
    if (!is_over(handled, began))
        return false;
    worker_schedule(p);
    return true;
}

static inline void turn(struct worker *w, struct process *p)
{
    uint32_t handled = 0, hurried = 0;
    uint64_t began = 0;
    struct hold *hold;
    struct envelope *e;

    atomic_store_explicit(&p->worker, (uint16_t)w->index, memory_order_relaxed);
    set_running(w, p);
    begin_telling(p);
    p->sends = 0;
    for (;;) {
        hold = atomic_load_explicit(&p->hold, memory_order_seq_cst);
        if (!p->first || hold || p->ctx.heap.is_limited ||
            handled % TURN_FETCH == TURN_FETCH - 1)
            process_fetch(p);
        if (__builtin_expect(p->flags & PROCESS_EXITING, 0)) {
            process_finish(p);
            return;
        }
        e = __builtin_expect(hold != NULL, 0) ? process_next_held(p, &hurried)
                                              : process_next(p);
        if (!e) {
            if (rest(p, hold))
                return;
            continue;
        }
        if (__builtin_expect(!(p->flags & PROCESS_WATCHED), 1) || sys_lets(p, e)) {
            process_count_handled(p);
            p->class->handle(p, e); /* it may wait, and go on elsewhere */
        }
        if (++handled % TURN_CHECK == 0 && must_pause(p, handled, &began))
            return;
    }
}

static void keep_spare(struct worker *w, struct fiber *f)
{
    f->next = w->spare;
    w->spare = f;
    w->left |= ++w->spares > SPARE_STACKS;
}

/* Nobody runs on the stack that was left: do what it wanted. */
static void settle(struct worker *w)
{
    struct process *p;

    w->left = false;
    if ((p = w->parking)) {
        w->parking = NULL;
        if (w->park_state == MAILBOX_RUN)
            schedule_parked(w, p);
        else if (!mailbox_rest(&p->inbox, w->park_state))
            worker_schedule_next(p);
    }
    if ((p = w->ending)) {
        w->ending = NULL;
        process_finish(p);
    }
    if (w->abandoned) {
        fiber_trim(w->abandoned); /* what it overflowed may have been all of it */
        fiber_rewind(w->abandoned);
        keep_spare(w, w->abandoned);
        w->abandoned = NULL;
    }
    while (w->spares > SPARE_STACKS) {
        struct fiber *f = w->spare;

        w->spare = f->next;
        w->spares--;
        fiber_destroy(f);
    }
}

/* Go on where `p` waits; this loop is a spare meanwhile. */
static void resume(struct worker *w, struct process *p)
{
    struct fiber *mine = w->fiber, *to = p->fiber;

    p->fiber = NULL;
    set_running(w, p);
    begin_telling(p);
    atomic_store_explicit(&p->worker, (uint16_t)w->index, memory_order_relaxed);
    keep_spare(w, mine);
    w->fiber = to;
    fiber_switch(mine, to);
}

void worker_loop(void)
{
    for (;;) {
        struct worker *w = worker_current();
        struct process *p;

        set_running(w, NULL);
        if (w->left)
            settle(w);
        if (atomic_load_explicit(&pool.stopping, memory_order_relaxed))
            fiber_leave(w->fiber, &w->thread);
        p = next_process(w);
        if (__builtin_expect(!p, 0) && !(p = find_more(w)))
            continue;
        w->naps = 0;
        atomic_store_explicit(&w->turns,
                              atomic_load_explicit(&w->turns, memory_order_relaxed) + 1,
                              memory_order_relaxed);
        if (p->fiber)
            resume(w, p);
        else
            turn(w, p);
    }
}

static struct fiber *take_spare(struct worker *w)
{
    struct fiber *f = w->spare;

    if (!f)
        return fiber_create(FIBER_STACK, worker_loop);
    w->spare = f->next;
    w->spares--;
    return f;
}

bool worker_can_wait(void)
{
    struct worker *w = worker_current();
    struct fiber *f;

    if (w->spare)
        return true;
    f = fiber_create(FIBER_STACK, worker_loop);
    if (f)
        keep_spare(w, f);
    return f != NULL;
}

int worker_wait(struct process *p, enum mailbox_state state)
{
    struct worker *w = worker_current();
    struct fiber *mine = w->fiber, *other = take_spare(w);

    if (!other)
        return -ENOMEM;
    p->fiber = mine;
    w->left = true;
    w->parking = p;
    w->park_state = state;
    w->fiber = other;
    fiber_switch(mine, other);
    return 0;
}

int worker_move(struct process *p, bool to_block)
{
    int error;

    worker_current()->move = to_block ? AWAY : BACK;
    error = worker_wait(p, MAILBOX_RUN);
    if (error)
        worker_current()->move = STAY;
    return error;
}

/* Between the two it holds back no grace period, and is in no hurry. */
void worker_block(bool begins)
{
    struct worker *w = worker_current();

    if (begins && atomic_load_explicit(&w->duty, memory_order_relaxed) == BLOCKS) {
        atomic_store_explicit(&w->blocking, true, memory_order_relaxed);
        rcu_thread_offline();
    } else if (!begins && atomic_load_explicit(&w->blocking, memory_order_relaxed)) {
        rcu_thread_online();
        atomic_store_explicit(&w->blocking, false, memory_order_relaxed);
    }
}

/* Nobody comes back to this stack. */
static _Noreturn void leave_for_good(struct worker *w)
{
    struct fiber *mine = w->fiber, *other;

    worker_block(false);
    other = take_spare(w);
    if (!other) { /* no memory for another: begin anew on this one, from its top */
        struct fiber nobody = {0};

        w->left = true;
        fiber_rewind(mine);
        fiber_leave(&nobody, mine);
    }
    w->left = true;
    w->abandoned = mine;
    w->fiber = other;
    fiber_leave(mine, other);
}

void worker_abandon(struct process *p)
{
    struct worker *w = worker_current();

    w->ending = p;
    leave_for_good(w);
}

void worker_abandon_callback(struct process *p)
{
    struct worker *w = worker_current();

    p->fiber = NULL;
    w->parking = p;
    w->park_state = MAILBOX_RUN;
    if (atomic_load_explicit(&w->duty, memory_order_relaxed) == BLOCKS)
        w->move = BACK; /* it is not to block any more */
    leave_for_good(w);
}

void worker_start_timer(struct timer *t, uint64_t delay_ms)
{
    struct worker *own = worker_current(), *w = own ? own : &pool.workers[0];
    struct clock_cache fresh = {0};
    uint64_t now_ns =
        clock_latest_ns(own ? &own->clock : &fresh); /* none fires early */

    if (delay_ms > INT64_MAX / 2)
        delay_ms = INT64_MAX / 2;
    if (timer_start(t, &w->wheel, (now_ns + 999999u) / 1000000u + delay_ms) &&
        atomic_load_explicit(&pool.asleep, memory_order_relaxed))
        pool_wake_one(true); /* who sleeps must sleep shorter */
}

void worker_resume_timer(struct timer *t)
{
    if (timer_start(t, t->wheel, t->due_ms) &&
        atomic_load_explicit(&pool.asleep, memory_order_relaxed))
        pool_wake_one(true);
}
