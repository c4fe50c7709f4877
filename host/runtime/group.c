/* SPDX-License-Identifier: Apache-2.0 */
#include "group.h"

#include <errno.h>
#include <time.h>

#include "worker.h"

/* Release, and acquire when it is called: what it looks at was made before. */
static void (*_Atomic trouble_hook)(struct group *g, enum group_trouble what,
                                    const char *vsn);

void group_on_trouble(void (*hook)(struct group *g, enum group_trouble what,
                                   const char *vsn))
{
    atomic_store_explicit(&trouble_hook, hook, memory_order_release);
}

void group_tell_trouble(struct group *g, enum group_trouble what, const char *vsn)
{
    void (*hook)(struct group * g, enum group_trouble what, const char *vsn) =
        atomic_load_explicit(&trouble_hook, memory_order_acquire);

    if (hook)
        hook(g, what, vsn);
}

void group_init(struct group *g, const char *name)
{
    *g = (struct group){.name = name};
    pthread_mutex_init(&g->lock, NULL);
}

void group_finish(struct group *g)
{
    pthread_mutex_destroy(&g->lock);
}

uint32_t group_count(struct group *g)
{
    uint32_t count;

    pthread_mutex_lock(&g->lock);
    count = g->count;
    pthread_mutex_unlock(&g->lock);
    return count;
}

void hold_init(struct hold *hold)
{
    pthread_condattr_t attr;

    *hold = (struct hold){0};
    pthread_mutex_init(&hold->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&hold->rested, &attr);
    pthread_condattr_destroy(&attr);
}

/* With the lock held.  The last to rest freezes all: some might always be awake else. */
static void leave(struct hold *hold)
{
    if (--hold->busy != 0)
        return;
    hold->frozen = true;
    pthread_cond_signal(&hold->rested);
}

/* With the lock held. */
static void ask_to_rest(struct group *g, struct process *p)
{
    if (!g->hold || p->class->is_free)
        return;
    pthread_mutex_lock(&g->hold->lock);
    g->hold->busy++;
    atomic_store_explicit(&p->hold, g->hold, memory_order_relaxed);
    pthread_mutex_unlock(&g->hold->lock);
}

/* With the lock held. */
static bool is_frozen(const struct group *g)
{
    bool frozen;

    if (!g->hold)
        return false;
    pthread_mutex_lock(&g->hold->lock);
    frozen = g->hold->frozen;
    pthread_mutex_unlock(&g->hold->lock);
    return frozen;
}

/* With the lock held. */
static void add(struct group *g, struct process *p)
{
    p->next = process_number(g->members);
    p->previous = 0;
    if (g->members)
        g->members->previous = process_number(p);
    g->members = p;
    p->flags |= PROCESS_MEMBER;
    g->count++;
    g->free += p->class->is_free;
    ask_to_rest(g, p);
}

void group_add(struct group *g, struct process *p)
{
    pthread_mutex_lock(&g->lock);
    /* Only a member that is not at rest can start one that is to: not frozen yet. */
    if (!(p->flags & PROCESS_MEMBER))
        add(g, p);
    pthread_mutex_unlock(&g->lock);
}

bool group_enter(struct group *g, struct process *p)
{
    bool may;

    pthread_mutex_lock(&g->lock);
    may = !is_frozen(g);
    if (may)
        add(g, p);
    pthread_mutex_unlock(&g->lock);
    return may;
}

bool group_settle(struct process *p, const struct process_class *class, void *data)
{
    struct group *g = p->group;
    bool may;

    pthread_mutex_lock(&g->lock);
    may = !is_frozen(g);
    if (may) {
        g->free -= p->class->is_free;
        p->class = class;
        p->data = data;
        ask_to_rest(g, p);
    }
    pthread_mutex_unlock(&g->lock);
    return may;
}

/* Ask no more of `p`; with the lock held. */
static void forget(struct process *p, struct hold *hold)
{
    if (atomic_load_explicit(&p->hold, memory_order_relaxed) != hold)
        return;
    /* Sequential: see hold_late. */
    atomic_store_explicit(&p->hold, NULL, memory_order_seq_cst);
    leave(hold);
}

static void unlink_member(struct group *g, struct process *p)
{
    struct process *next = process_numbered(p->next);

    if (p->previous)
        process_numbered(p->previous)->next = p->next;
    else
        g->members = next;
    if (next)
        next->previous = p->previous;
    p->flags &= (uint8_t)~PROCESS_MEMBER;
}

void group_remove(struct group *g, struct process *p)
{
    struct hold *hold;

    pthread_mutex_lock(&g->lock);
    if (p->flags & PROCESS_MEMBER) { /* else it was never launched */
        unlink_member(g, p);
        g->count--;
        g->free -= p->class->is_free;
    }
    /* From here on nobody asks it to rest. */
    hold = atomic_load_explicit(&p->hold, memory_order_relaxed);
    if (hold) {
        pthread_mutex_lock(&hold->lock);
        forget(p, hold);
        pthread_mutex_unlock(&hold->lock);
    }
    pthread_mutex_unlock(&g->lock);
}

void group_each(struct group *g, void (*visit)(struct process *p, void *context),
                void *context)
{
    pthread_mutex_lock(&g->lock);
    for (struct process *p = g->members; p; p = process_numbered(p->next))
        visit(p, context);
    pthread_mutex_unlock(&g->lock);
}

/* Take `p` if it is idle.  Whoever's compare-and-swap succeeds counts it as at rest. */
static bool take_idle(struct process *p)
{
    uint64_t idle = mailbox_word(NULL, 0, MAILBOX_IDLE);

    /* Acquire: what its last turn wrote.  Sequential: see hold_late. */
    return atomic_compare_exchange_strong_explicit(
        &p->inbox, &idle, mailbox_word(NULL, 0, MAILBOX_HELD), memory_order_seq_cst,
        memory_order_relaxed);
}

void group_hold(struct group *g, struct hold *hold)
{
    pthread_mutex_lock(&g->lock);
    pthread_mutex_lock(&hold->lock);
    g->hold = hold;
    g->next_held = hold->groups;
    hold->groups = g;
    hold->busy += g->count - g->free;
    hold->frozen = false;
    for (struct process *p = g->members; p; p = process_numbered(p->next)) {
        if (p->class->is_free)
            continue;
        atomic_store_explicit(&p->hold, hold, memory_order_seq_cst);
        if (take_idle(p))
            leave(hold);
    }
    pthread_mutex_unlock(&hold->lock);
    pthread_mutex_unlock(&g->lock);
}

/*
 * The owner rests as idle and then looks at `hold`; the holder writes `hold` and then
 * looks whether it is idle.  Both sides are sequentially consistent, so at least one of
 * them sees the other's write, and the compare-and-swap makes it only one.
 */
void hold_late(struct process *p, struct hold *hold)
{
    pthread_mutex_lock(&hold->lock);
    if (atomic_load_explicit(&p->hold, memory_order_relaxed) == hold && take_idle(p))
        leave(hold);
    pthread_mutex_unlock(&hold->lock);
}

bool hold_rest(struct process *p, struct hold *hold)
{
    bool rests;

    pthread_mutex_lock(&hold->lock);
    rests = atomic_load_explicit(&p->hold, memory_order_relaxed) == hold &&
            mailbox_rest(&p->inbox, MAILBOX_HELD);
    if (rests)
        leave(hold);
    pthread_mutex_unlock(&hold->lock);
    return rests;
}

void hold_wake(struct process *p)
{
    struct hold *hold = atomic_load_explicit(&p->hold, memory_order_relaxed);
    bool woken;

    if (!hold)
        return;
    pthread_mutex_lock(&hold->lock);
    woken = !hold->frozen &&
            atomic_load_explicit(&p->hold, memory_order_relaxed) == hold &&
            mailbox_claim(&p->inbox, MAILBOX_HELD);
    if (woken)
        hold->busy++;
    pthread_mutex_unlock(&hold->lock);
    if (woken)
        worker_schedule(p);
}

static bool has_mail(struct process *p)
{
    return atomic_load_explicit(&p->backlog, memory_order_relaxed) > 0 ||
           mailbox_has(&p->inbox);
}

/* Have every member at rest serve what waits for it.  With `g`'s lock held. */
static void hurry(struct group *g, struct hold *hold)
{
    for (struct process *p = g->members; p; p = process_numbered(p->next)) {
        bool woken;

        pthread_mutex_lock(&hold->lock);
        woken = !hold->frozen && has_mail(p) &&
                atomic_load_explicit(&p->hold, memory_order_relaxed) == hold &&
                mailbox_claim(&p->inbox, MAILBOX_HELD);
        if (woken) {
            hold->busy++;
            p->flags |= PROCESS_HURRIED; /* who claims it owns it */
        }
        pthread_mutex_unlock(&hold->lock);
        if (woken)
            worker_schedule(p);
    }
}

static struct timespec after_ms(struct timespec t, uint64_t ms)
{
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Wait for the last to rest, until `end`; then freeze.  True if it is frozen. */
static bool wait_rested(struct hold *hold, const struct timespec *end)
{
    bool frozen;
    int error = 0;

    pthread_mutex_lock(&hold->lock);
    while (hold->busy && !error)
        error = pthread_cond_timedwait(&hold->rested, &hold->lock, end);
    frozen = hold->frozen = !hold->busy;
    pthread_mutex_unlock(&hold->lock);
    return frozen;
}

int hold_freeze(struct hold *hold, uint64_t timeout_ms)
{
    uint64_t waited_ms = 0, ms = HOLD_HURRY_MS;
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    while (waited_ms < timeout_ms) {
        if (ms > timeout_ms - waited_ms)
            ms = timeout_ms - waited_ms;
        end = after_ms(end, ms);
        if (wait_rested(hold, &end))
            return 0;
        /* The list only changes by who calls this. */
        for (struct group *g = hold->groups; g; g = g->next_held) {
            pthread_mutex_lock(&g->lock);
            hurry(g, hold);
            pthread_mutex_unlock(&g->lock);
        }
        waited_ms += ms;
        ms = ms < HOLD_HURRY_MS_MOST ? ms * 2 : ms;
    }
    return -ETIMEDOUT;
}

static void unlist(struct hold *hold, struct group *g)
{
    struct group **link = &hold->groups;

    while (*link && *link != g)
        link = &(*link)->next_held;
    if (*link)
        *link = g->next_held;
}

/* Put one that rests back: idle, or running if something waits for it. */
static uint64_t let_go(struct process *p)
{
    uint64_t word = mailbox_word(NULL, 0, MAILBOX_HELD);
    uint64_t waited = atomic_load_explicit(&p->backlog, memory_order_relaxed);

    /* Release: it runs on what we wrote into it, on whatever worker. */
    if (!p->first && atomic_compare_exchange_strong_explicit(
                         &p->inbox, &word, mailbox_word(NULL, 0, MAILBOX_IDLE),
                         memory_order_acq_rel, memory_order_relaxed))
        return 0;
    word = atomic_load_explicit(&p->inbox, memory_order_relaxed);
    waited += mailbox_count(word);
    if (mailbox_claim(&p->inbox, MAILBOX_HELD))
        worker_schedule(p);
    return waited;
}

uint64_t group_release(struct group *g, struct hold *hold)
{
    uint64_t waited = 0;

    pthread_mutex_lock(&g->lock);
    pthread_mutex_lock(&hold->lock);
    g->hold = NULL;
    unlist(hold, g);
    for (struct process *p = g->members; p; p = process_numbered(p->next)) {
        bool rests =
            mailbox_state(atomic_load_explicit(&p->inbox, memory_order_acquire)) ==
            MAILBOX_HELD;

        if (rests)
            hold->busy++; /* forget() takes it off again */
        forget(p, hold);
        if (rests)
            waited += let_go(p);
    }
    pthread_mutex_unlock(&hold->lock);
    pthread_mutex_unlock(&g->lock);
    return waited;
}
