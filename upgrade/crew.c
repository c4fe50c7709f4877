/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ask.h"
#include "barrier.h"
#include "watchdog.h"
#include "worker.h"

#define SHARE 64u   /* servers a worker takes at a time */
#define LOOKS 1000u /* some 30 us: less than it takes to wake somebody */

/* What a worker builds. */
struct bench {
    moult_pid pid;       /* of the process that does; the handler's */
    _Atomic size_t move; /* which, and 1; 0: none.  Relaxed: it is only told */
};

struct crew {
    struct migration *migration;
    const struct budget *budget;
    /* Next move to build; relaxed: each is one worker's, and `left` orders the end. */
    _Atomic size_t next;
    _Atomic bool failed;  /* relaxed: a hint to stop early */
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t done;
    _Atomic unsigned left; /* workers; relaxed reads without the lock are a hint */
    int error;
    struct fault *why;    /* of the first that failed */
    unsigned bench_count; /* the handler's */
    struct bench benches[WORKERS_MAX];
};

/*
 * Where a hand is that was called early.  Whoever moves it on owns what follows: the
 * handler gives it a crew, or drops it; the hand goes when it has waited long enough.
 * Acquire and release: `crew` is written before.
 */
enum { CALLED, THERE, GIVEN, GONE, DROPPED };

/* One worker's part in it; its process's, since a callback may not come back. */
struct hand {
    struct crew *crew;
    struct bench *bench;
    struct move *move; /* that is being built */
    struct room room;
    struct fault failed; /* a callback, for good */
    _Atomic uint32_t at;
};

static struct hand *early; /* that was called; the release handler's, as is the next */
static moult_pid early_pid;

/* Not by giving way: on a busy machine the core would be gone for milliseconds. */
static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void refused(struct crew *crew, int error, const struct fault *why)
{
    pthread_mutex_lock(&crew->lock);
    if (!crew->error) {
        crew->error = error;
        if (crew->why)
            *crew->why = *why;
    }
    pthread_mutex_unlock(&crew->lock);
    atomic_store_explicit(&crew->failed, true, memory_order_relaxed);
}

/* -- by a hand, on a worker -- */

/* As much time as its callbacks have, but not for ever: all others wait meanwhile. */
static void set_patience(struct process *p, const moult_child *child,
                         const struct budget *budget)
{
    uint32_t most =
        child->max_callback_ms ? child->max_callback_ms : MIGRATE_CALLBACK_MS;

    process_set_patience(p, child->warn_callback_ms, budget_patience(budget, most));
}

static void build_some(struct process *p, struct hand *hand)
{
    struct crew *crew = hand->crew;
    struct migration *m = crew->migration;
    size_t i, end;

    while ((i = atomic_fetch_add_explicit(&crew->next, SHARE, memory_order_relaxed)) <
           m->count) {
        end = i + SHARE < m->count ? i + SHARE : m->count;
        for (; i < end; i++) {
            struct fault why = {0};
            int error;

            if (atomic_load_explicit(&crew->failed, memory_order_relaxed))
                return;
            if (!move_has_to_build(&m->moves[i]))
                continue;
            hand->move = &m->moves[i];
            atomic_store_explicit(&hand->bench->move, i + 1, memory_order_relaxed);
            process_count_handled(p);
            set_patience(p, hand->move->plan->to->child, crew->budget);
            error = move_build(hand->move, crew->budget, &hand->room, &why);
            if (error)
                refused(crew, error, &why);
        }
    }
}

static bool goes(struct hand *hand, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong_explicit(
        &hand->at, &from, to, memory_order_acq_rel, memory_order_acquire);
}

static uint32_t where(const struct hand *hand)
{
    return atomic_load_explicit(&hand->at, memory_order_acquire);
}

/* Wait a moment for a crew.  Where it is then; GONE: it is the handler's, who may free it. */
static uint32_t await_crew(struct hand *hand)
{
    goes(hand, CALLED, THERE);
    for (unsigned i = 0; i < LOOKS && where(hand) == THERE; i++)
        relax();
    return goes(hand, THERE, GONE) ? GONE : where(hand);
}

static void handle(struct process *p, struct envelope *e)
{
    struct hand *hand = p->data;
    uint32_t at = await_crew(hand);

    envelope_destroy(e);
    if (at == GIVEN)
        build_some(p, hand);
    else if (at == GONE)
        p->data = NULL;
    process_exit(p, MOULT_NORMAL, NULL);
}

static void leave(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    if (atomic_fetch_sub_explicit(&crew->left, 1, memory_order_release) == 1)
        pthread_cond_signal(&crew->done);
    pthread_mutex_unlock(&crew->lock);
}

static void ended(struct process *p)
{
    struct hand *hand = p->data;
    struct crew *crew = hand ? hand->crew : NULL;

    if (!hand)
        return;
    if (crew)
        atomic_store_explicit(&hand->bench->move, 0, memory_order_relaxed);
    if (crew && hand->failed.error) {
        move_time(hand->move, &hand->room);
        refused(crew, hand->failed.error, &hand->failed);
    }
    room_release(&hand->room);
    free(hand);
    if (crew)
        leave(crew);
}

static void whose(struct process *p, struct barrier_whose *whose)
{
    struct hand *hand = p->data;
    const struct server *s = hand && hand->move ? server_of(hand->move->process) : NULL;

    if (!s)
        return;
    whose->app = s->code->app;
    whose->vsn = s->code->vsn;
    whose->server = s->id;
    whose->why = &hand->failed;
}

static const struct process_class migrator_class = {"migrator", handle, ended, false,
                                                    whose};

/* -- by the release handler -- */

/* One that is to be launched with `*go`; NULL: no memory. */
static struct process *make_hand(struct envelope **go)
{
    struct process_options options = {.class = &migrator_class,
                                      .group = &ask_group,
                                      .max_callback_ms = MIGRATE_CALLBACK_MS,
                                      .is_hosts = true};
    struct envelope *e = envelope_create(ENVELOPE_CAST);
    struct hand *hand = calloc(1, sizeof(*hand));
    struct process *p = e && hand ? process_create(&options) : NULL;

    if (!p) {
        envelope_destroy(e);
        free(hand);
        return NULL;
    }
    p->data = hand;
    e->to_generation = pid_generation(process_pid(p));
    *go = e;
    return p;
}

void crew_call(void)
{
    struct envelope *go;
    struct process *p = make_hand(&go);

    if (!p)
        return;
    early = p->data;
    early_pid = process_pid(p);
    process_launch(p, go);
    for (unsigned i = 0; i < 4 * LOOKS && where(early) == CALLED; i++)
        relax();
}

static struct bench *bench_of(struct crew *crew, moult_pid pid)
{
    struct bench *bench = &crew->benches[crew->bench_count++];

    bench->pid = pid;
    return bench;
}

/* Give `crew` to who was called.  False if nobody is there. */
static bool give_early(struct crew *crew)
{
    struct hand *hand = early;

    if (!hand)
        return false;
    hand->crew = crew;
    hand->bench = bench_of(crew, early_pid);
    if (goes(hand, CALLED, GIVEN) || goes(hand, THERE, GIVEN)) {
        early = NULL;
        return true;
    }
    hand->crew = NULL;
    crew->bench_count--;
    return false;
}

void crew_dismiss(void)
{
    struct hand *hand = early;

    early = NULL;
    if (hand && !goes(hand, CALLED, DROPPED) && !goes(hand, THERE, DROPPED))
        free(hand);
}

static bool add_hand(struct crew *crew, bool first)
{
    struct envelope *go;
    struct process *p;
    struct hand *hand;

    atomic_fetch_add_explicit(&crew->left, 1, memory_order_relaxed);
    if (first && give_early(crew))
        return true;
    p = make_hand(&go);
    if (!p) {
        atomic_fetch_sub_explicit(&crew->left, 1, memory_order_relaxed);
        return false;
    }
    hand = p->data;
    hand->crew = crew;
    hand->bench = bench_of(crew, process_pid(p));
    atomic_store_explicit(&hand->at, GIVEN, memory_order_release);
    process_launch(p, go);
    return true;
}

/* What is being built, and where that is. */
static void look(const struct crew *crew, struct stragglers *all)
{
    const struct migration *m = crew->migration;
    char where[sizeof(all->list[0].doing) - 4];

    all->app = m->plan->from->name;
    for (unsigned i = 0; i < crew->bench_count; i++) {
        const struct bench *b = &crew->benches[i];
        size_t at = atomic_load_explicit(&b->move, memory_order_relaxed);
        const struct move *move = &m->moves[at ? at - 1 : 0];
        struct straggler *s =
            at ? stragglers_add(all, move->pid, server_of(move->process)->id) : NULL;

        if (s && watchdog_slow(b->pid, where, sizeof(where)))
            snprintf(s->doing, sizeof(s->doing), "in %s", where);
        else if (s)
            snprintf(s->doing, sizeof(s->doing), "which is carried over");
    }
}

/* Until all have left, or for `ms`; true: they have. */
static bool all_left(struct crew *crew, uint64_t ms)
{
    struct timespec until;
    bool left;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += (time_t)(ms / 1000) + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&crew->lock);
    while (atomic_load_explicit(&crew->left, memory_order_relaxed) &&
           pthread_cond_clockwait(&crew->done, &crew->lock, CLOCK_MONOTONIC, &until) !=
               ETIMEDOUT)
        ;
    left = !atomic_load_explicit(&crew->left, memory_order_relaxed);
    pthread_mutex_unlock(&crew->lock);
    return left;
}

/* Not long enough to sleep, as a rule; if it is, it is told for whom. */
static void wait_for_all(struct crew *crew)
{
    uint64_t waited_ms = STRAGGLERS_TELL_MS;
    for (unsigned i = 0;
         i < LOOKS && atomic_load_explicit(&crew->left, memory_order_relaxed); i++)
        relax();
    for (uint64_t ms = waited_ms; !all_left(crew, ms); ms = STRAGGLERS_AGAIN_MS) {
        struct stragglers all = {0};

        look(crew, &all);
        stragglers_tell(&all, "migrate", waited_ms, &crew->migration->listener);
        waited_ms += STRAGGLERS_AGAIN_MS;
    }
}

int crew_build(struct migration *m, const struct budget *budget, struct fault *why)
{
    struct crew crew = {.migration = m,
                        .budget = budget,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .done = PTHREAD_COND_INITIALIZER,
                        .why = why};
    unsigned hands = 0;

    while (hands < workers_count() && (size_t)hands * SHARE < m->count &&
           add_hand(&crew, hands == 0))
        hands++;
    if (hands == 0)
        return fault(why, -ENOMEM, "no memory to move the servers");
    wait_for_all(&crew);
    return crew.error;
}
