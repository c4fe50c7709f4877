/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - what runs: a slot, a mailbox, its own memory, and whom it is tied to.
 *
 * Slots are type-stable: their memory is a process's for ever, so that a sender with a
 * stale pid touches nothing foreign.  A pid's generation tells whether the slot still
 * holds the one it meant; one that slips through between the check and the push carries
 * the generation along and is turned away by the receiver.
 *
 * A process belongs to whoever moved its mailbox to MAILBOX_RUN; all that is not atomic
 * here is the owner's.
 */
#ifndef MOULT_PROCESS_H
#define MOULT_PROCESS_H

#include "ctx.h"
#include "envelope.h"
#include "mailbox.h"
#include "map.h"
#include "pid.h"
#include "timer.h"

#define PROCESSES_MOST    4194304u /* in a host, unless it is given another limit */
#define PROCESS_SENDS_MAX 128u /* in one turn before others run: what fits the cache */

struct barrier_whose;
struct fiber;
struct group;
struct hold;
struct name;
struct open_span;
struct owner;
struct process;
struct registry;
struct reqids;
struct sys;

/* What a kind of process does. */
struct process_class {
    const char *name;
    /* Handle one message, or an exit or down signal that became one; `e` is taken. */
    void (*handle)(struct process *p, struct envelope *e);
    /* It ends, whatever for: release what `data` holds.  Its memory goes next. */
    void (*ended)(struct process *p);
    /* It knows by itself whom it is tied to: its links are not in the tables. */
    bool keeps_links;
    /* Its callback failed: say whose code that is, perhaps in a handler.  Or NULL. */
    void (*whose)(struct process *p, struct barrier_whose *whose);
    /*
     * Write to `out`, as one item, what people may see of the content of `e`, which `p` was
     * sent or sends; without running a plugin's code if `in_callback`.  NULL: all of it.
     */
    void (*show)(struct process *p, const struct envelope *e, bool in_callback,
                 moult_out *out);
    /* An upgrade leaves it alone: it goes on in the code that it runs. */
    bool is_free;
    /*
     * Its callback failed for `reason`, in these words, and will not come back: does it
     * go on nevertheless, with its next message?  NULL: it ends.
     */
    bool (*outlives)(struct process *p, int32_t reason, const char *words);
    bool is_listener; /* it is told of what others do: of it nobody is told */
    /* Where in `data` its label begins, text for people; 0: it has none but `name`. */
    size_t label_at;
};

/* What a process waits for: the reply to a call, a message; on its stack. */
struct await {
    uint64_t ref;           /* 0: of no call */
    bool messages;          /* they wake it, too */
    struct envelope *reply; /* or the news that there will be none */
    struct timer timer;
    struct process *process;
    /* Set by the timer before it wakes the process, whose mailbox orders the two. */
    _Atomic bool timed_out;
};

/* What only some processes have; made when first needed, filled by relation.h. */
struct relations {
    struct map links;    /* pid -> 1 */
    struct map watched;  /* monitor ref -> pid; monitors of this process's own */
    struct map watchers; /* monitor ref -> pid; who monitors this process */
    struct map owed;     /* call -> envelopes; calls taken that were not answered yet */
    struct map timers;   /* id -> struct send_timer */
    struct map dictionary; /* hash of key -> struct definition; see dictionary.h */
    uint32_t timers_swept;
    struct map descriptors; /* those it has watched or owned, plus 1 -> 1; see io.h */
    struct registry *registry; /* it is one */
    struct owner *registered;  /* as far as it is in registries; see partition.h */
    struct map aliases;        /* ref -> MOULT_ALIAS_REPLY and so on; see alias.h */
    struct map requests; /* ref -> 1; calls that are not waited for; see response.h */
    struct reqids *reqids;
    uint64_t doze;           /* the timer after which it hibernates, or 0 */
    uint32_t told_full_s;    /* when it was told that one of these was full; or 0 */
    uint8_t high_water;      /* bits of how many waited when it was told of; or 0 */
    struct sys *sys;         /* see sys.h; or NULL */
    struct open_span *spans; /* that it is in, the innermost first; see telemetry.h */
    char *reason_text;       /* it ends for; or NULL */
};

enum process_flag {
    PROCESS_TRAPS = 1,    /* exit signals become messages */
    PROCESS_EXITING = 2,  /* ends as soon as it is back in the loop */
    PROCESS_LINKED = 4,   /* to `parent` */
    PROCESS_HURRIED = 8,  /* held, and to serve what waits for it first; see group.h */
    PROCESS_WATCHED = 16, /* suspended, traced or the like; see sys.h */
    PROCESS_MEMBER = 32,  /* in its group's list, whose lock guards this one too */
    PROCESS_TOLD = 64,    /* what it calls and casts is to be told; see telemetry.h */
    PROCESS_DOZES = 128   /* it hibernates by itself; its class sees to that */
};

/*
 * What only a process has that is limited in some way.  Its slot keeps it, once it had
 * one: a sender with a stale pid may still read the atomics.
 */
struct bounds {
    struct allowance allowance; /* of its heap: first, so that one pointer is both */
    _Atomic uint64_t max_heap;  /* bytes; 0: any.  Relaxed: a late sender */
    _Atomic uint64_t outside; /* bytes that messages in `inbox` have outside of them */
    /* The generation of whom a message was refused for want of room in its memory.
     * Relaxed: it is told by what is pushed then. */
    _Atomic uint32_t was_over;
    /* For the watchdog; relaxed: a handler on the worker's own thread looks again. */
    _Atomic uint32_t warn_callback_ms, max_callback_ms; /* 0: as usual; none */
};

/*
 * What a million idle ones consist of, so nothing is here that few have.  What senders read
 * and write comes first, and apart from what the owner writes with every message: else a
 * sender on another core would wait for that line each time.
 */
struct process {
    mailbox inbox;
    /* Its bits; the index is the slot's for good.  Release when taken into use; acquire in
     * find. */
    _Atomic uint64_t pid;
    /* Messages that its bounds allow, and that `backlog` was at most since it looked into
     * its mailbox last.  Relaxed: a late sender. */
    _Atomic uint32_t limit, backlog_most;
    _Atomic uint32_t doomed; /* the generation that was sent a kill */
    _Atomic uint16_t worker; /* that ran it last; relaxed, to judge thefts by */
    uint16_t told_full_s;    /* when it was told that its mailbox was full; or 0 */
    /* These rarely change. */
    const struct process_class *class;
    void *data;                  /* the class's */
    _Atomic(struct hold *) hold; /* an upgrade wants it at rest; see group.h */
    struct group *group;         /* the application it is part of */

    /* The owner's, with each message. */
    struct envelope *first, *last; /* messages taken from the mailbox, in order */
    struct envelope *current;      /* being handled, if the class left it here */
    struct envelope *drafts;       /* written, not sent */
    _Atomic uint32_t backlog; /* messages from `first` on; relaxed, for the limit */
    /* For the watchdog; relaxed: a handler on the worker's own thread looks again. */
    _Atomic uint32_t handled; /* messages, ever */
    _Atomic uint32_t memory;  /* bytes of `ctx`, at most 4 GiB; relaxed, a figure */
    uint8_t sends;            /* since its turn began */
    uint8_t flags;            /* enum process_flag */
    _Atomic bool suspended;   /* by sys.h; relaxed, a figure for others */
    /* Whose message was refused since it looked last, for want of room in its mailbox: see
     * process_mark().  Relaxed: it is told by what is pushed then. */
    _Atomic uint8_t was_full;
    struct moult_ctx ctx;

    struct fiber *fiber; /* where it waits inside a callback, or NULL */
    struct await *await;
    struct envelope *answer; /* the last call's, lent to the callback */
    struct relations *relations;
    uint64_t last_ref;
    uint32_t next, previous; /* by number, in the group; the group's lock guards them */
    struct name *name;       /* it is registered as */
    moult_pid parent;
    uint32_t run_next; /* by number, in the injection queue */
    int32_t reason;
};

_Static_assert(sizeof(struct process) == 224, "what an idle one costs; see above");

struct process_options {
    const struct process_class *class;
    struct group *group;
    moult_pid parent; /* linked to it, if `linked` */
    bool linked;
    uint32_t limit;      /* messages; 0: MAILBOX_LIMIT */
    uint64_t max_heap;   /* bytes of its own and of what waits; 0: any number */
    struct quota *quota; /* that it has a share of, or NULL */
    uint32_t warn_callback_ms, max_callback_ms;
    bool is_hosts; /* the host's own work: made also beyond its limit */
};

static inline moult_pid process_pid(const struct process *p)
{
    return (moult_pid){atomic_load_explicit(&p->pid, memory_order_relaxed)};
}

static inline struct process *process_of(moult_ctx *ctx)
{
    return (struct process *)((char *)ctx - offsetof(struct process, ctx));
}

/* The process that `pid` names now, or NULL.  It may end at any time.  [any] */
struct process *process_find(moult_pid pid);

/* Does `pid` name one that has not ended?  It may at any time.  [any] */
bool process_is_alive(moult_pid pid);

/* The one at slot `index`, or NULL past the last that ever was.  [any] */
struct process *process_at(uint32_t index);

/* In lists: 0 is none, and so is NULL. */
static inline uint32_t process_number(const struct process *p)
{
    return p ? pid_index(process_pid(p)) + 1 : 0;
}

static inline struct process *process_numbered(uint32_t number)
{
    return number ? process_at(number - 1) : NULL;
}

/* What it is called, for people.  Lives as long as the process. */
static inline const char *process_label(const struct process *p)
{
    return p->class->label_at && p->data ? (const char *)p->data + p->class->label_at
                                         : p->class->name;
}

/* Its bounds, or NULL: it has none.  [any] */
static inline struct bounds *process_bounds(struct process *p)
{
    /* Acquire: pairs with the release when it was made. */
    return (struct bounds *)atomic_load_explicit(&p->ctx.heap.allowance,
                                                 memory_order_acquire);
}

/* How long a callback of it may take, as process_set_patience() has it.  [any] */
static inline uint32_t process_warn_ms(struct process *p)
{
    struct bounds *b = process_bounds(p);

    return b ? atomic_load_explicit(&b->warn_callback_ms, memory_order_relaxed) : 0;
}

static inline uint32_t process_max_ms(struct process *p)
{
    struct bounds *b = process_bounds(p);

    return b ? atomic_load_explicit(&b->max_callback_ms, memory_order_relaxed) : 0;
}

/* Words of what it ends for, or NULL. */
static inline const char *process_reason_text(const struct process *p)
{
    return p->relations ? p->relations->reason_text : NULL;
}

/* What was_full holds for the process that `pid` named: of its generation, never 0. */
static inline uint8_t process_mark(moult_pid pid)
{
    return (uint8_t)(pid_generation(pid) | 0x80);
}

/* How many there are.  [any] */
uint32_t process_count(void);

/* There may be `most` of them, and the host's own; 0: PROCESSES_MOST.  [any] */
void processes_allow(uint32_t most);

/* Why there is no other one, in words: put in `text` or lent.  [any] */
const char *process_shortage(char *text, size_t size);

/*
 * A new process that nobody runs yet: fill in `data`, then process_launch() it.  NULL
 * when out of memory or when there are as many as there may be.  [any]
 */
struct process *process_create(const struct process_options *options);

/*
 * Have memory for limits, without which the next two can only set none: all but that of
 * messages are 0.  0 or -ENOMEM.  By who owns it.
 */
int process_reserve_bounds(struct process *p);

/* The limits of its class are others now.  By who owns it. */
void process_set_limits(struct process *p, uint32_t messages, uint64_t max_heap);

/* How long a callback may take: when to warn, 0 as usual; when to end it, 0 never. */
void process_set_patience(struct process *p, uint32_t warn_ms, uint32_t max_ms);

/* It begins to handle another message, or what takes its time as one.  By itself. */
static inline void process_count_handled(struct process *p)
{
    atomic_store_explicit(&p->handled,
                          atomic_load_explicit(&p->handled, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* Let it run, with `first` (taken) as its first message.  [any] */
void process_launch(struct process *p, struct envelope *first);

/* Throw away one that was created and not launched.  [any] */
void process_discard(struct process *p);

/*
 * Send `e` (taken, whatever happens) from `sender` (NULL: from outside).  0, -ESRCH,
 * -EAGAIN (its mailbox is full); a signal is never refused for want of room.  [any]
 */
int process_send(struct process *sender, moult_pid to, struct envelope *e);

/* The same of a message from a callback of `sender`, which counts it: others may run. */
int process_send_message(struct process *sender, moult_pid to, struct envelope *e);

/* The same, for the last thing a turn does: the receiver runs next, on this worker. */
int process_send_last(struct process *sender, moult_pid to, struct envelope *e);

/* Why a message to `to` was refused with `error`, in words: put in `text` or lent. */
const char *process_refusal(moult_pid to, int error, char *text, size_t size);

/* How urgent is what `sender`, which runs, sends now: does an upgrade wait for it? */
uint8_t process_urgency(const struct process *sender);

/* A number for a call, a monitor or a timer, not used before by anybody.  [any] */
uint64_t process_ref(void);

/* -- by the process itself, while it runs -- */

/* Take what has arrived: messages to the queue, signals are acted on. */
void process_receive(struct process *p);

/* The same, if there is anything to see to. */
static inline void process_fetch(struct process *p)
{
    if (mailbox_has(&p->inbox) || __builtin_expect(p->ctx.heap.is_limited, 0))
        process_receive(p);
}

/* The oldest message, taken from the queue; NULL if there is none. */
struct envelope *process_next(struct process *p);

/*
 * The next message while the process is held: what waited when it was hurried, of which
 * `*hurried` are left; else the oldest that an upgrade waits for, or that its sender sent
 * before it; else NULL.
 */
struct envelope *process_next_held(struct process *p, uint32_t *hurried);

/*
 * Wait until `a->reply` is there, time is up or the process must end; `timeout_ms` may be
 * MOULT_INFINITY.  0, -ETIMEDOUT, -ENOMEM (no stack to go on with).  Does not return if
 * the process ends.
 */
int process_await(struct process *p, struct await *a, uint64_t timeout_ms);

/* The same until `done` is true, asked each time a signal has come. */
int process_await_until(struct process *p,
                        bool (*done)(struct process *p, moult_pid about),
                        moult_pid about, uint64_t timeout_ms);

/*
 * The same with `a`, empty but for what it says itself; messages wake it if that says so.
 * `done` finds it as `p->await`.
 */
int process_await_done(struct process *p, struct await *a,
                       bool (*done)(struct process *p, moult_pid about),
                       uint64_t timeout_ms);

/* So many messages have been received and wait.  By `p`. */
static inline void process_set_backlog(struct process *p, uint32_t backlog)
{
    atomic_store_explicit(&p->backlog, backlog, memory_order_relaxed);
    if (backlog > atomic_load_explicit(&p->backlog_most, memory_order_relaxed))
        atomic_store_explicit(&p->backlog_most, backlog, memory_order_relaxed);
}

/* Put `e` (taken) at the end of what has been received.  By `p`. */
static inline void process_queue(struct process *p, struct envelope *e)
{
    e->next = NULL;
    if (p->last)
        p->last->next = e;
    else
        p->first = e;
    p->last = e;
    process_set_backlog(p, atomic_load_explicit(&p->backlog, memory_order_relaxed) + 1);
    if (__builtin_expect(e->out.owned, 0))
        p->ctx.heap.queued += e->out.capacity;
}

/* Put `e` (taken), which was first already, back there. */
static inline void process_queue_again(struct process *p, struct envelope *e)
{
    e->next = p->first;
    p->first = e;
    if (!p->last)
        p->last = e;
    process_set_backlog(p, atomic_load_explicit(&p->backlog, memory_order_relaxed) + 1);
    if (e->out.owned)
        p->ctx.heap.queued += e->out.capacity;
}

/* Take `e`, which stands behind `before` (NULL: first), out of the queue. */
static inline void process_unqueue(struct process *p, struct envelope *e,
                                   struct envelope *before)
{
    uint32_t backlog = atomic_load_explicit(&p->backlog, memory_order_relaxed);

    if (before)
        before->next = e->next;
    else
        p->first = e->next;
    if (p->last == e)
        p->last = before;
    e->next = NULL;
    atomic_store_explicit(&p->backlog, backlog - 1, memory_order_relaxed);
    if (__builtin_expect(e->out.owned, 0))
        p->ctx.heap.queued -= e->out.capacity;
}

/* Put `e` (taken) in front of all that has been received.  By `p`. */
static inline void process_queue_first(struct process *p, struct envelope *e)
{
    struct envelope *others = p->first, *last = p->last;

    p->first = p->last = NULL;
    process_queue(p, e);
    e->next = others;
    p->last = others ? last : e;
}

/* Take what has arrived; does not return if that ends the process. */
void process_obey(struct process *p);

/* Let others run, if this turn has sent a lot. */
void process_take_breath(struct process *p);
static inline void process_breathe(struct process *p)
{
    if (++p->sends >= PROCESS_SENDS_MAX)
        process_take_breath(p);
}

/* End when the callback returns; `text` is copied, or NULL.  The first reason stays. */
void process_exit(struct process *p, int32_t reason, const char *text);

/*
 * The callback at hand failed and its stack is to be left for good: the process ends, in
 * these words, unless its class has it go on.
 */
_Noreturn void process_fail_callback(struct process *p, int32_t reason,
                                     const char *words);

/* Everything but the slot's memory goes, and the others are told.  On a worker's loop. */
void process_finish(struct process *p);

/* It will be idle for long: give back what it can do without.  Between callbacks. */
void process_hibernate(struct process *p);

/* What only some have; NULL when out of memory. */
struct relations *process_relations(struct process *p);

/* Answer `caller` that `callee` ended, or is not there.  `e` is the call, taken. */
void process_answer_dead(struct envelope *e, moult_pid callee, int32_t reason,
                         const char *text);

/* Answer `e` (taken), which was meant for who had the slot of `p` before it. */
void process_answer_stale(struct process *p, struct envelope *e);

/* Answer all of the list `e` (taken) that `p`, which they were sent to, ends. */
void process_answer_all(struct process *p, struct envelope *e);

#endif
