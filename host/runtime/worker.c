/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "barrier.h"
#include "clock.h"
#include "fiber.h"
#include "group.h"
#include "run_queue.h"
#include "thread.h"
#include "watchdog.h"

#define TURN_MESSAGES 1024u /* of one process before others run */
#define TURN_CHECK    64u   /* messages between looks at how long it has been */
#define TURN_NS       250000u
#define NEXT_STREAK   64u /* turns out of the `next` slot before the queue gets one */
#define CHECK_TURNS   16u /* turns between looks at timers, outside work, grace periods */
#define SPARE_STACKS  64u /* a worker keeps */
#define NAP_MIN_NS    50000u
#define NAP_MAX_NS    4000000u
#define NAPS          3u      /* that find nothing, before a worker sleeps */
#define WORTH_NS      20000u  /* a theft that kept the thief busy for less was none */
#define JUDGE_NS      100000u /* after that it is known whether it helped */
#define REMOTE_ENOUGH 64u     /* messages from elsewhere, to judge a theft by */
#define REMOTE_NS     1000u   /* each of them should bring that much work along */

/* Where a process that is to run goes when it has left its stack. */
enum move { STAY, AWAY, BACK };

/* What a worker's futex word says. */
enum { AWAKE, ASLEEP, NAPPING };

/* What an extra worker is there for.  A futex: it waits while it is OFF. */
enum duty {
    WORKS,  /* as all others: for one that is held */
    LEAVES, /* it did, and nobody is held any more */
    BLOCKS, /* runs `given`, which is about to block */
    OFF
};

struct worker {
    /* Its own thread's; the watchdog looks at the first three. */
    /* Before all others.  Relaxed: only its own thread, or a handler on it, acts on it. */
    _Atomic(struct process *) run_next;
    /* Inside a turn.  Relaxed: the barrier asks on this thread, and for the watchdog it
     * is a hint that a handler on this thread looks at again. */
    _Atomic(struct process *) running;
    _Atomic uint64_t turns; /* relaxed, as `running` */
    struct fiber *fiber;    /* that runs */
    struct fiber *spare;    /* loops to go on with when a callback waits */
    uint32_t spares;
    uint32_t index;
    uint32_t streak, turn;
    enum move move;
    /* What the stack that was just left wants done, now that nobody runs on it. */
    struct process *parking, *ending;
    enum mailbox_state park_state;
    struct fiber *abandoned;
    /* The last theft, until it is judged. */
    struct worker *stole_from;
    uint32_t remote; /* messages from other workers since */
    uint64_t stole_at;
    uint32_t naps; /* since there was something to do */

    struct envelope_cache envelopes;
    struct clock_cache clock;
    struct worker_figures figures;
    struct fiber thread; /* the stack that the thread came with */
    pthread_t id;
    /* Others'. */
    struct run_queue queue __attribute__((aligned(64)));
    struct wheel wheel __attribute__((aligned(64)));
    _Atomic uint32_t state __attribute__((aligned(64))); /* futex: AWAKE ... */
    /* Of an extra: enum duty, and whom it is to run.  Written with the extras' lock held;
     * its thread looks at the first without, as a hint to take it. */
    _Atomic uint32_t duty;
    struct process *given;
    _Atomic bool blocking; /* in moult_blocking()'s function; relaxed, as `running` */
    _Atomic pid_t
        thread_id; /* 0: none; relaxed, a signal that is astray does nothing */
};

static struct {
    struct worker *workers; /* room for `count` and WORKERS_EXTRA */
    unsigned count;
    /* Those that ever were, extra ones too.  Release when one is ready; acquire. */
    _Atomic unsigned used;
    _Atomic unsigned active; /* that are not OFF; sequential, see rest() */
    pthread_mutex_t extras;  /* guards who is extra, and the list of who is to block */
    struct process *first_blocking, *last_blocking;
    unsigned blocking; /* extras that are BLOCKS */
    /* Work from threads that are no workers, and what a queue has no room for. */
    pthread_mutex_t lock; /* guards the list and `quiet` */
    pthread_cond_t quiet; /* all sleep */
    struct process *first, *last;
    _Atomic uint32_t injected; /* relaxed: a hint to look; the lock orders the rest */
    _Atomic uint32_t asleep;   /* in ASLEEP; sequential, see rest() */
    /* How long to leave others alone: 0 while thefts help.  Relaxed: a tuning value. */
    _Atomic uint64_t nap_ns;
    _Atomic bool stopping;
    bool fences; /* the kernel has no membarrier: senders pay for one */
} pool = {.extras = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .quiet = PTHREAD_COND_INITIALIZER};

static __thread struct worker *current;

/*
 * Not inlined, and opaque: a fiber may go on on another thread, so nobody may keep the
 * address of a thread-local across a switch.
 */
__attribute__((noinline)) struct worker *worker_current(void)
{
    struct worker *w = current;

    __asm__ volatile("" : "+r"(w));
    return w;
}

static inline struct process *running(const struct worker *w)
{
    return atomic_load_explicit(&w->running, memory_order_relaxed);
}

static inline void set_running(struct worker *w, struct process *p)
{
    atomic_store_explicit(&w->running, p, memory_order_relaxed);
}

static inline struct process *next(const struct worker *w)
{
    return atomic_load_explicit(&w->run_next, memory_order_relaxed);
}

static inline void set_next(struct worker *w, struct process *p)
{
    atomic_store_explicit(&w->run_next, p, memory_order_relaxed);
}

static inline unsigned used(void)
{
    return atomic_load_explicit(&pool.used, memory_order_acquire);
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

struct envelope_cache *worker_envelopes(void)
{
    struct worker *w = worker_current();

    return w ? &w->envelopes : NULL;
}

unsigned workers_count(void)
{
    return pool.count;
}

void worker_figures(unsigned index, struct worker_figures *out)
{
    *out = pool.workers[index].figures;
    out->turns = atomic_load_explicit(&pool.workers[index].turns, memory_order_relaxed);
}

/* -- sleeping and waking -- */

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Wake `w` if it is in `state`.  Acquire and release order nothing: queues do. */
static bool wake(struct worker *w, uint32_t state)
{
    if (!atomic_compare_exchange_strong_explicit(
            &w->state, &state, AWAKE, memory_order_seq_cst, memory_order_relaxed))
        return false;
    if (state == ASLEEP) {
        atomic_fetch_sub_explicit(&pool.asleep, 1, memory_order_seq_cst);
        watchdog_rouse();
    }
    futex_wake(&w->state);
    return true;
}

static bool wake_one(bool nappers)
{
    for (unsigned i = 0; i < used(); i++)
        if (wake(&pool.workers[i], ASLEEP))
            return true;
    for (unsigned i = 0; nappers && i < used(); i++)
        if (wake(&pool.workers[i], NAPPING))
            return true;
    return false;
}

void workers_wake(void)
{
    for (unsigned i = 0; i < used(); i++)
        if (!wake(&pool.workers[i], ASLEEP))
            wake(&pool.workers[i], NAPPING);
}

/*
 * A pusher writes its queue and then reads `asleep`; a sleeper writes `asleep` and then
 * reads the queues.  One of them must see the other's write.  The sleeper pays for both:
 * membarrier makes every running thread pass a full barrier between the two.
 */
static void share(void)
{
    if (pool.fences)
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_signal_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&pool.asleep, memory_order_relaxed))
        wake_one(false);
}

static void barrier(void)
{
    if (pool.fences)
        atomic_thread_fence(memory_order_seq_cst);
    else
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static bool anything_to_do(void)
{
    if (atomic_load_explicit(&pool.injected, memory_order_relaxed) ||
        atomic_load_explicit(&pool.stopping, memory_order_relaxed))
        return true;
    for (unsigned i = 0; i < used(); i++)
        if (!run_queue_is_empty(&pool.workers[i].queue))
            return true;
    return false;
}

/* When the first timer of all workers is due: who sleeps fires those of who is busy. */
static uint64_t next_due_ms(void)
{
    uint64_t next = TIMER_NEVER;

    for (unsigned i = 0; i < used(); i++) {
        uint64_t due =
            atomic_load_explicit(&pool.workers[i].wheel.next_ms, memory_order_relaxed);

        if (due < next)
            next = due;
    }
    return next;
}

static uint64_t sleep_ns(void)
{
    uint64_t due = next_due_ms(), now = clock_ns();

    if (due > UINT64_MAX / 1000000u) /* TIMER_NEVER, or as good as never */
        return UINT64_MAX;
    if (due * 1000000u <= now)
        return 0;
    return clock_is_virtual() ? UINT64_MAX : due * 1000000u - now;
}

bool workers_rest(void)
{
    return atomic_load_explicit(&pool.asleep, memory_order_seq_cst) ==
           atomic_load_explicit(&pool.active, memory_order_seq_cst);
}

static void tell_quiet(void)
{
    pthread_mutex_lock(&pool.lock);
    pthread_cond_broadcast(&pool.quiet);
    pthread_mutex_unlock(&pool.lock);
}

static void wait_on(struct worker *w, uint32_t state, uint64_t ns)
{
    struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    rcu_thread_offline();
    syscall(SYS_futex, &w->state, FUTEX_WAIT_PRIVATE, state,
            ns == UINT64_MAX ? NULL : &left, NULL, 0);
    rcu_thread_online();
}

/* Sleep until there is work or a timer is due. */
static void rest(struct worker *w)
{
    uint64_t ns;

    atomic_store_explicit(&w->state, ASLEEP, memory_order_seq_cst);
    if (atomic_fetch_add_explicit(&pool.asleep, 1, memory_order_seq_cst) + 1 ==
        atomic_load_explicit(&pool.active, memory_order_seq_cst))
        tell_quiet();
    barrier();
    ns = anything_to_do() ? 0 : sleep_ns();
    if (ns) {
        w->figures.slept++;
        wait_on(w, ASLEEP, ns);
    }
    wake(w, ASLEEP); /* unless somebody did */
}

/* Leave the others alone for a while, but wake for work from outside. */
static void nap(struct worker *w, uint64_t ns)
{
    atomic_store_explicit(&w->state, NAPPING, memory_order_seq_cst);
    barrier();
    if (!atomic_load_explicit(&pool.injected, memory_order_relaxed) &&
        !atomic_load_explicit(&pool.stopping, memory_order_relaxed))
        wait_on(w, NAPPING, ns);
    atomic_store_explicit(&w->state, AWAKE, memory_order_seq_cst);
}

/* -- queues -- */

static void inject(struct process *p)
{
    if (atomic_load_explicit(&pool.stopping, memory_order_relaxed))
        return; /* it is thrown away, wherever it is */
    p->run_next = NULL;
    pthread_mutex_lock(&pool.lock);
    if (pool.last)
        pool.last->run_next = p;
    else
        pool.first = p;
    pool.last = p;
    atomic_fetch_add_explicit(&pool.injected, 1, memory_order_seq_cst);
    pthread_mutex_unlock(&pool.lock);
}

static struct process *take_injected(void)
{
    struct process *p;

    if (!atomic_load_explicit(&pool.injected, memory_order_relaxed))
        return NULL;
    pthread_mutex_lock(&pool.lock);
    p = pool.first;
    if (p) {
        pool.first = p->run_next;
        if (!pool.first)
            pool.last = NULL;
        atomic_fetch_sub_explicit(&pool.injected, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&pool.lock);
    return p;
}

void worker_schedule(struct process *p)
{
    struct worker *w = worker_current();

    if (w && run_queue_push(&w->queue, p)) {
        share();
        return;
    }
    inject(p);
    if (!w)
        wake_one(true);
    else
        share();
}

void worker_schedule_next(struct process *p)
{
    struct worker *w = worker_current();
    struct process *other;

    if (!w) {
        worker_schedule(p);
        return;
    }
    other = next(w);
    set_next(w, p);
    if (other)
        worker_schedule(other);
}

static uint64_t ticks_of(const struct worker *w, uint64_t ns)
{
    return w->clock.ticks_limit ? w->clock.ticks_limit * ns / 250000u : ns * 3;
}

/* Give all that waits here to the others. */
static void hand_over(struct worker *w)
{
    struct process *p;

    while ((p = run_queue_pop(&w->queue)))
        inject(p);
    if (next(w))
        inject(next(w));
    set_next(w, NULL);
}

static void theft_helped(void)
{
    atomic_store_explicit(&pool.nap_ns, 0, memory_order_relaxed);
}

static void theft_hurt(void)
{
    uint64_t ns = atomic_load_explicit(&pool.nap_ns, memory_order_relaxed);

    ns = ns ? ns * 2 : NAP_MIN_NS;
    atomic_store_explicit(&pool.nap_ns, ns > NAP_MAX_NS ? NAP_MAX_NS : ns,
                          memory_order_relaxed);
}

/*
 * Was the last theft any good?  Not if what was stolen ran dry at once, if it talks to
 * processes elsewhere all the time (then it goes back), or if it was all that its victim
 * had to do, and has only moved.
 */
static void judge_theft(struct worker *w, bool dry)
{
    uint64_t took = clock_ticks() - w->stole_at;
    bool talks = w->remote >= (dry ? 1 : REMOTE_ENOUGH) &&
                 took / w->remote < ticks_of(w, REMOTE_NS);

    if (!dry && !talks && took < ticks_of(w, JUDGE_NS))
        return;
    if (talks || (dry && took < ticks_of(w, WORTH_NS)) ||
        atomic_load_explicit(&w->stole_from->state, memory_order_relaxed) != AWAKE)
        theft_hurt();
    else
        theft_helped();
    w->stole_from = NULL;
    if (talks)
        hand_over(w);
}

static struct process *steal(struct worker *w)
{
    unsigned count = used();

    for (unsigned i = 1; i < count; i++) {
        struct worker *from = &pool.workers[(w->index + i) % count];
        struct process *p = run_queue_steal(&from->queue, &w->queue);

        if (p) {
            w->figures.stolen++;
            w->stole_from = from;
            w->remote = 0;
            w->stole_at = clock_ticks();
            return p;
        }
    }
    return NULL;
}

void worker_count_remote(uint32_t messages)
{
    struct worker *w = worker_current();

    if (w)
        w->remote += messages;
}

static void fire_timers(struct worker *w)
{
    uint64_t now_ms = clock_cached_ns(&w->clock) / 1000000u;

    for (unsigned i = 0; i < used(); i++) {
        struct wheel *wheel = &pool.workers[i].wheel;

        if (atomic_load_explicit(&wheel->next_ms, memory_order_relaxed) <= now_ms)
            wheel_advance(wheel, now_ms);
    }
}

/* -- extra workers -- */

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    rcu_thread_offline();
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    rcu_thread_online();
}

/*
 * What this extra, which is not OFF, is to run; NULL: then it is OFF, or at the end one
 * like all others, and nobody who comes later will find that it is still there.
 */
static struct process *given_or_off(struct worker *w)
{
    bool blocks, stops;
    struct process *p;

    pthread_mutex_lock(&pool.extras);
    stops = atomic_load_explicit(&pool.stopping, memory_order_relaxed);
    blocks = atomic_load_explicit(&w->duty, memory_order_relaxed) == BLOCKS;
    p = w->given;
    w->given = NULL;
    if (!p && blocks && !stops && (p = pool.first_blocking))
        pool.first_blocking = p->run_next;
    if (!p) {
        pool.blocking -= blocks;
        atomic_store_explicit(&w->duty, stops ? WORKS : OFF, memory_order_relaxed);
        if (!stops)
            atomic_fetch_sub_explicit(&pool.active, 1, memory_order_seq_cst);
    }
    pthread_mutex_unlock(&pool.extras);
    return p;
}

/* What an extra is to run; NULL if it is one like the others now. */
static struct process *on_duty(struct worker *w)
{
    struct process *p;
    uint32_t duty;

    while ((duty = atomic_load_explicit(&w->duty, memory_order_acquire)) != WORKS) {
        if (duty == OFF) {
            futex_wait(&w->duty, OFF);
            continue;
        }
        hand_over(w);
        p = given_or_off(w);
        if (p)
            return p;
        wake_one(true); /* for what was handed over */
        tell_quiet();
    }
    return NULL;
}

static int start_thread(struct worker *w);
static void worker_init(struct worker *w, unsigned index);

/* Another one, if there may be more.  With the extras' lock held. */
static struct worker *new_extra(void)
{
    unsigned count = used();
    struct worker *w = &pool.workers[count];

    if (count == pool.count + WORKERS_EXTRA)
        return NULL;
    worker_init(w, count);
    atomic_store_explicit(&w->duty, OFF, memory_order_relaxed);
    if (start_thread(w) < 0)
        return NULL;
    atomic_store_explicit(&pool.used, count + 1, memory_order_release);
    return w;
}

/* Have an extra do this.  False if there is none.  With the extras' lock held. */
static bool add_extra(enum duty duty, struct process *p)
{
    struct worker *w = NULL;

    for (unsigned i = pool.count; i < used() && !w; i++)
        if (atomic_load_explicit(&pool.workers[i].duty, memory_order_relaxed) == OFF)
            w = &pool.workers[i];
    if (!w)
        w = new_extra();
    if (!w)
        return false;
    w->given = p;
    atomic_fetch_add_explicit(&pool.active, 1, memory_order_seq_cst);
    pool.blocking += duty == BLOCKS;
    atomic_store_explicit(&w->duty, duty, memory_order_release);
    futex_wake(&w->duty);
    return true;
}

/* With the extras' lock held. */
static void queue_blocking(struct process *p)
{
    p->run_next = NULL;
    if (pool.first_blocking)
        pool.last_blocking->run_next = p;
    else
        pool.first_blocking = p;
    pool.last_blocking = p;
}

/* Have `p`, which has left its stack, go on where it may block; else where it was. */
static void send_away(struct process *p)
{
    bool found = true;

    pthread_mutex_lock(&pool.extras);
    if (pool.blocking == WORKERS_BLOCKING || !add_extra(BLOCKS, p)) {
        found = pool.blocking > 0;
        if (found)
            queue_blocking(p);
    }
    pthread_mutex_unlock(&pool.extras);
    if (!found)
        worker_schedule(p);
}

/* `p` has left its stack and is to run: where? */
static void schedule_parked(struct worker *w, struct process *p)
{
    enum move move = w->move;

    w->move = STAY;
    if (move == AWAY) {
        send_away(p);
    } else if (move == BACK) {
        inject(p);
        wake_one(true);
    } else {
        worker_schedule(p);
    }
}

void workers_help(unsigned held)
{
    unsigned helping = 0;

    if (held > WORKERS_HELPING)
        held = WORKERS_HELPING;
    pthread_mutex_lock(&pool.extras);
    for (unsigned i = pool.count; i < used(); i++) {
        struct worker *w = &pool.workers[i];
        uint32_t duty = atomic_load_explicit(&w->duty, memory_order_relaxed);

        if (duty != WORKS && duty != LEAVES)
            continue;
        duty = ++helping > held ? LEAVES : WORKS;
        atomic_store_explicit(&w->duty, duty, memory_order_relaxed);
        if (duty == LEAVES && !wake(w, ASLEEP))
            wake(w, NAPPING);
    }
    while (helping < held && add_extra(WORKS, NULL))
        helping++;
    pthread_mutex_unlock(&pool.extras);
}

/* Now and then, also when there is always something to run. */
static struct process *look_round(struct worker *w)
{
    struct process *p;

    rcu_quiescent_state();
    fire_timers(w);
    if (atomic_load_explicit(&w->duty, memory_order_relaxed) != WORKS &&
        (p = on_duty(w)))
        return p;
    return take_injected();
}

static struct process *next_process(struct worker *w)
{
    struct process *p;

    if (w->stole_from)
        judge_theft(w, false);
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
        nap(w, ns);
    }
    if ((p = take_injected()) || (p = steal(w)))
        return p;
    if (w->naps < NAPS && ns)
        return NULL; /* look again after another nap */
    rest(w);
    w->naps = 0;
    return NULL;
}

static struct process *find_work(struct worker *w)
{
    struct process *p = next_process(w);

    if (p || (p = look_round(w)) || (p = next_process(w))) {
        w->naps = 0;
        return p;
    }
    if (w->stole_from)
        judge_theft(w, true);
    p = take_injected();
    if (!p)
        p = find_elsewhere(w);
    fire_timers(w);
    return p;
}

/* -- the loop -- */

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
           (now - *began > ticks_of(w, TURN_NS) && !clock_is_virtual());
}

static void turn(struct worker *w, struct process *p)
{
    uint32_t handled = 0, hurried = 0;
    uint64_t began = 0;
    struct hold *hold;
    struct envelope *e;

    atomic_store_explicit(&p->worker, w->index, memory_order_relaxed);
    set_running(w, p);
    p->sends = 0;
    for (;;) {
        process_fetch(p);
        if (p->flags & PROCESS_EXITING) {
            process_finish(p);
            return;
        }
        if (++handled % TURN_CHECK == 0 && is_over(handled, &began)) {
            worker_schedule(p);
            return;
        }
        hold = atomic_load_explicit(&p->hold, memory_order_seq_cst);
        e = hold ? process_next_held(p, &hurried) : process_next(p);
        if (!e) {
            if (hold ? hold_rest(p, hold) : mailbox_rest(&p->inbox, MAILBOX_IDLE))
                break;
            continue;
        }
        process_count_handled(p);
        p->class->handle(p, e); /* it may wait, and go on elsewhere */
    }
    if (!hold && (hold = atomic_load_explicit(&p->hold, memory_order_seq_cst)))
        hold_late(p, hold);
}

static void keep_spare(struct worker *w, struct fiber *f)
{
    f->next = w->spare;
    w->spare = f;
    w->spares++;
}

/* Nobody runs on the stack that was left: do what it wanted. */
static void settle(struct worker *w)
{
    struct process *p;

    if ((p = w->parking)) {
        w->parking = NULL;
        if (w->park_state == MAILBOX_RUN)
            schedule_parked(w, p);
        else if (!mailbox_rest(&p->inbox, w->park_state))
            worker_schedule_next(p);
    }
    if (w->abandoned) {
        fiber_rewind(w->abandoned);
        keep_spare(w, w->abandoned);
        w->abandoned = NULL;
    }
    if ((p = w->ending)) {
        w->ending = NULL;
        process_finish(p);
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
    atomic_store_explicit(&p->worker, w->index, memory_order_relaxed);
    keep_spare(w, mine);
    w->fiber = to;
    fiber_switch(mine, to);
}

static void loop(void)
{
    for (;;) {
        struct worker *w = worker_current();
        struct process *p;

        set_running(w, NULL);
        settle(w);
        if (atomic_load_explicit(&pool.stopping, memory_order_relaxed))
            fiber_leave(w->fiber, &w->thread);
        p = find_work(w);
        if (!p)
            continue;
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
        return fiber_create(FIBER_STACK, loop);
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
    f = fiber_create(FIBER_STACK, loop);
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

void worker_abandon(struct process *p)
{
    struct worker *w = worker_current();
    struct fiber *mine = w->fiber, *other;

    worker_block(false);
    w->ending = p;
    other = take_spare(w);
    if (!other) { /* no memory for another: begin anew on this one, from its top */
        struct fiber nobody = {0};

        fiber_rewind(mine);
        fiber_leave(&nobody, mine);
    }
    w->abandoned = mine;
    w->fiber = other;
    fiber_leave(mine, other);
}

void worker_start_timer(struct timer *t, uint64_t delay_ms)
{
    struct worker *w = worker_current();
    struct clock_cache fresh = {0};
    uint64_t now_ns;

    if (!w)
        w = &pool.workers[0];
    now_ns = w == current ? clock_cached_ns(&w->clock) : clock_cached_ns(&fresh);
    if (!clock_is_virtual())
        now_ns += CLOCK_STALE_NS; /* it may be later by that */
    if (delay_ms > INT64_MAX / 2)
        delay_ms = INT64_MAX / 2;
    if (timer_start(t, &w->wheel, (now_ns + 999999u) / 1000000u + delay_ms) &&
        atomic_load_explicit(&pool.asleep, memory_order_relaxed))
        wake_one(true); /* who sleeps must sleep shorter */
}

/* -- who watches -- */

bool worker_look(unsigned index, struct worker_look *out)
{
    struct worker *w = &pool.workers[index];
    struct process *p;

    if (index >= used())
        return false;
    p = running(w);
    *out = (struct worker_look){
        .running = p,
        .turn = atomic_load_explicit(&w->turns, memory_order_relaxed),
        .blocking = atomic_load_explicit(&w->blocking, memory_order_relaxed),
        .keeps = next(w) != NULL};
    if (p)
        out->handled = atomic_load_explicit(&p->handled, memory_order_relaxed);
    return true;
}

void worker_interrupt(unsigned index, int signal)
{
    pid_t thread =
        atomic_load_explicit(&pool.workers[index].thread_id, memory_order_relaxed);

    if (thread)
        syscall(SYS_tgkill, getpid(), thread, signal);
}

void worker_give_next(void)
{
    struct worker *w = worker_current();
    struct process *p = next(w);

    if (p && run_queue_push(&w->queue, p)) {
        set_next(w, NULL);
        share();
    }
    if (!atomic_load_explicit(&w->blocking, memory_order_relaxed))
        rcu_quiescent_state();
}

bool workers_stopping(void)
{
    return atomic_load_explicit(&pool.stopping, memory_order_relaxed);
}

/* -- threads -- */

static void *worker_main(void *argument)
{
    struct worker *w = argument;
    struct fiber *f;

    current = w;
    atomic_store_explicit(&w->thread_id, gettid(), memory_order_relaxed);
    rcu_register_thread();
    barrier_thread_start();
    watchdog_thread_start();
    fiber_adopt_thread(&w->thread);
    f = fiber_create(FIBER_STACK, loop);
    if (f) {
        w->fiber = f;
        fiber_switch(&w->thread, f);
        fiber_destroy(w->fiber);
    }
    while ((f = w->spare)) {
        w->spare = f->next;
        fiber_destroy(f);
    }
    atomic_store_explicit(&w->thread_id, 0, memory_order_relaxed);
    envelope_cache_finish(&w->envelopes);
    barrier_thread_finish();
    rcu_unregister_thread();
    current = NULL;
    return NULL;
}

void workers_prepare(void)
{
    pool.fences =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
}

static int start_thread(struct worker *w)
{
    char name[24];

    snprintf(name, sizeof(name), "worker %u", w->index);
    return thread_start(&w->id, name, worker_main, w);
}

/* Memory for extras is written when they are made. */
static void worker_init(struct worker *w, unsigned index)
{
    memset(w, 0, sizeof(*w));
    w->index = index;
    wheel_init(&w->wheel, clock_ns() / 1000000u);
}

int workers_start(unsigned count)
{
    int error = 0;

    if (count == 0 || count > WORKERS_MAX)
        return -EINVAL;
    pool.workers = aligned_alloc(64, sizeof(*pool.workers) * (count + WORKERS_EXTRA));
    if (!pool.workers)
        return -ENOMEM;
    workers_prepare();
    atomic_store_explicit(&pool.stopping, false, memory_order_relaxed);
    atomic_store_explicit(&pool.asleep, 0, memory_order_relaxed);
    atomic_store_explicit(&pool.nap_ns, 0, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++)
        worker_init(&pool.workers[i], i);
    pool.count = count;
    pool.blocking = 0;
    atomic_store_explicit(&pool.active, count, memory_order_relaxed);
    atomic_store_explicit(&pool.used, count, memory_order_relaxed);
    for (unsigned i = 0; i < count && !error; i++) {
        error = start_thread(&pool.workers[i]);
        if (error) {
            pool.count = i;
            atomic_store_explicit(&pool.used, i, memory_order_relaxed);
        }
    }
    if (error)
        workers_stop();
    return error;
}

/* Nothing runs any more: let go of what is left, without telling anybody. */
static void discard_processes(void)
{
    struct process *p;

    for (uint32_t i = 0; (p = process_at(i)); i++) {
        struct fiber *f = p->fiber;

        if (mailbox_state(atomic_load_explicit(&p->inbox, memory_order_acquire)) ==
            MAILBOX_CLOSED)
            continue;
        process_finish(p);
        fiber_destroy(f);
    }
}

/* Those that are off wait for something to do; that is to end. */
static void wake_extras(void)
{
    pthread_mutex_lock(&pool.extras);
    for (unsigned i = pool.count; i < used(); i++) {
        struct worker *w = &pool.workers[i];

        if (atomic_load_explicit(&w->duty, memory_order_relaxed) != OFF)
            continue;
        atomic_store_explicit(&w->duty, WORKS, memory_order_release);
        futex_wake(&w->duty);
    }
    pthread_mutex_unlock(&pool.extras);
}

void workers_stop(void)
{
    atomic_store_explicit(&pool.stopping, true, memory_order_seq_cst);
    workers_wake();
    wake_extras();
    /* One that still runs may add another behind it. */
    for (unsigned i = 0; i < used(); i++)
        pthread_join(pool.workers[i].id, NULL);
    watchdog_stop();               /* it ends what does not come back until here */
    pool.first = pool.last = NULL; /* what links them links free slots now */
    pool.first_blocking = pool.last_blocking = NULL;
    discard_processes();
    atomic_store_explicit(&pool.injected, 0, memory_order_relaxed);
    free(pool.workers);
    pool.workers = NULL;
    pool.count = 0;
    atomic_store_explicit(&pool.used, 0, memory_order_relaxed);
}

static bool is_quiet(void)
{
    return workers_rest() && !anything_to_do() && sleep_ns() != 0;
}

void workers_settle(void)
{
    pthread_mutex_lock(&pool.lock);
    while (!is_quiet())
        pthread_cond_wait(&pool.quiet, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}
