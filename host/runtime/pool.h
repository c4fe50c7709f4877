/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - what the workers share, and each of them: for the files that make them up.
 *
 * worker.c runs processes; queue.c has what is to run, and takes it from others; rest.c
 * sleeps and wakes; extra.c are the workers beyond the cores; pool.c starts and stops.
 */
#ifndef MOULT_POOL_H
#define MOULT_POOL_H

#include <pthread.h>

#include "clock.h"
#include "fiber.h"
#include "run_queue.h"
#include "worker.h"

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
    /* Inside a turn.  The barrier asks on this thread; for the watchdog it is a hint that a
     * handler on this thread looks at again.  Release and acquire: it reads its figures. */
    _Atomic(struct process *) running;
    _Atomic uint64_t turns; /* relaxed, as `running` */
    struct fiber *fiber;    /* that runs */
    struct fiber *spare;    /* loops to go on with when a callback waits */
    uint32_t spares;
    uint32_t index;
    uint32_t streak, turn;
    enum move move;
    /* What the stack that was just left wants done, now that nobody runs on it; `left`
     * says that there is something, or that there are too many spares. */
    bool left;
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

struct pool {
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
};

extern struct pool pool;

/*
 * The worker that this thread is, or NULL.  Only for functions that are not inlined and
 * that leave for no other stack before they are done with it; others ask
 * worker_current().
 */
extern __thread struct worker *pool_own;

static inline struct process *running(const struct worker *w)
{
    return atomic_load_explicit(&w->running, memory_order_acquire);
}

static inline void set_running(struct worker *w, struct process *p)
{
    atomic_store_explicit(&w->running, p, memory_order_release);
}

static inline struct process *next(const struct worker *w)
{
    return atomic_load_explicit(&w->run_next, memory_order_relaxed);
}

static inline void set_next(struct worker *w, struct process *p)
{
    atomic_store_explicit(&w->run_next, p, memory_order_relaxed);
}

static inline unsigned pool_used(void)
{
    return atomic_load_explicit(&pool.used, memory_order_acquire);
}

/* Messages from elsewhere, to judge a theft by. */
#define REMOTE_ENOUGH 64u

/* -- worker.c -- */

/* The loop of a fiber that a worker goes on with. */
void worker_loop(void);

/* `w` is the worker of this thread, or NULL. */
void worker_set_current(struct worker *w);

/* Clock ticks of `ns`, nearly. */
uint64_t worker_ticks(const struct worker *w, uint64_t ns);

/* -- queue.c -- */

/* To whoever comes first.  [any] */
void pool_inject(struct process *p);
struct process *pool_take_injected(void);

/* Give all that waits with `w` to the others. */
void pool_hand_over(struct worker *w);

/* Something of another's queue, or NULL. */
struct process *pool_steal(struct worker *w);

/* Was the last theft any good?  `dry`: nothing is left of it. */
void pool_judge_theft(struct worker *w, bool dry);

/* -- rest.c -- */

void pool_futex_wake(_Atomic uint32_t *word);
void pool_futex_wait(_Atomic uint32_t *word, uint32_t value);

/* Wake `w` if it is in `state`. */
bool pool_wake(struct worker *w, uint32_t state);

/* Wake one that sleeps, or else, if `nappers`, one that naps. */
bool pool_wake_one(bool nappers);

/*
 * Something was put into a queue: wake one that sleeps, if any does.
 *
 * A pusher writes its queue and then reads `asleep`; a sleeper writes `asleep` and then
 * reads the queues.  One of them must see the other's write.  The sleeper pays for both:
 * membarrier makes every running thread pass a full barrier between the two.
 */
void pool_share_slowly(void);
static inline void pool_share(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(pool.fences | (atomic_load_explicit(
                                            &pool.asleep, memory_order_relaxed) != 0),
                         0))
        pool_share_slowly();
}

/* Is there something in a queue? */
bool pool_has_work(void);

/* Until the first timer of all workers is due; UINT64_MAX: that is never. */
uint64_t pool_sleep_ns(void);

/* Sleep until there is work or a timer is due. */
void pool_rest(struct worker *w);

/* Leave the others alone for a while, but wake for work from outside. */
void pool_nap(struct worker *w, uint64_t ns);

/* Wake who waits for all to sleep. */
void pool_tell_quiet(void);

/* -- extra.c -- */

/* What this extra is to run; NULL if it is one like the others now. */
struct process *extra_on_duty(struct worker *w);

/* Have `p`, which has left its stack, go on where it may block; else where it was. */
void extra_block(struct process *p);

/* Those that are off wait for something to do; that is to end. */
void extras_wake(void);

/* -- pool.c -- */

/* Start the thread of `w`.  0 or a negative errno. */
int worker_thread_start(struct worker *w);
void worker_init(struct worker *w, unsigned index);

#endif
