/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope - what travels between processes: a message or a signal.
 *
 * Short messages live inside, so a send allocates nothing besides; an envelope is two
 * cache lines and a short message touches one.  It has one owner at a time: the sender,
 * then the mailbox, then the receiver, who frees or reuses it.
 */
#ifndef MOULT_ENVELOPE_H
#define MOULT_ENVELOPE_H

#include "moult.h"
#include "out.h"

#define ENVELOPE_INLINE 68u /* bytes; what is left of 128 */

/*
 * How far urgency goes: what is sent on behalf of an urgent message is less urgent by
 * one.  So two that send each other messages for ever don't keep an upgrade waiting; what
 * it does wait for it hurries, see group.h.
 */
#define ENVELOPE_URGENCY_MOST 8u

enum envelope_kind {
    /* Messages: they wait in order and count against the mailbox's limit. */
    ENVELOPE_CAST,
    ENVELOPE_INFO,
    ENVELOPE_CALL,
    ENVELOPE_SYSTEM, /* a call that the behaviour answers, `code` says which */
    ENVELOPE_START,  /* the first a process gets: run init and answer */
    /* Signals: acted on when fetched, and what a waiting process wakes for. */
    ENVELOPE_SIGNAL,
    ENVELOPE_REPLY = ENVELOPE_SIGNAL, /* `code` 0, or an error and its text */
    ENVELOPE_EXIT,                    /* `code` is the reason */
    ENVELOPE_DOWN,                    /* `code` is the reason */
    ENVELOPE_RESULT,                  /* of the task that is watched as `ref` */
    ENVELOPE_LOOK,                    /* a call that is answered at once; see look.h */
    ENVELOPE_LINK,
    ENVELOPE_UNLINK,
    ENVELOPE_MONITOR,
    ENVELOPE_DEMONITOR,
    ENVELOPE_ANSWERED, /* somebody else answered the call `ref` of the pid inside */
    ENVELOPE_IDLE,     /* a server's own timeout */
    ENVELOPE_DOZE,     /* the time after which it hibernates */
    ENVELOPE_READY,    /* a descriptor is; an info when it has arrived */
    ENVELOPE_ALIASED   /* sent to the alias `ref`; an info when it has arrived */
};

enum envelope_flag {
    ENVELOPE_CHARGED = 1,  /* while it is in a mailbox; see charge.h */
    ENVELOPE_ERROR = 2,    /* a reply that is an error */
    ENVELOPE_DEAD = 4,     /* a reply because the callee ended; `ref` as asked */
    ENVELOPE_TIMED = 8,    /* fired by a timer of the receiver's own */
    ENVELOPE_RECEIVED = 16 /* among the drafts of who received it */
};

struct envelope {
    struct envelope *next;
    moult_pid from;
    uint64_t ref; /* of a call and its reply, a monitor, a timer */
    uint32_t to_generation;
    int32_t code;
    struct moult_out out; /* the content */
    uint8_t kind;         /* enum envelope_kind */
    uint8_t flags;        /* enum envelope_flag */
    uint8_t worker;       /* that sent it, modulo 256 */
    uint8_t urgency;      /* an upgrade waits for it, if not 0 */
    uint8_t space[ENVELOPE_INLINE];
} __attribute__((aligned(128)));

/* A cache of free envelopes; one owner, a worker. */
struct envelope_cache {
    struct envelope *free;
    uint32_t count;
};

/* It is this thread's from now on; NULL: it has none. */
void envelope_cache_use(struct envelope_cache *cache);

/* An empty envelope, given; NULL when out of memory.  On a worker, or any thread. */
struct envelope *envelope_create(enum envelope_kind kind);

/* Free `e` (taken, or NULL) and its content. */
void envelope_destroy(struct envelope *e);

/* Empty `e` for another use. */
void envelope_reset(struct envelope *e, enum envelope_kind kind);

/* The envelope that `out` is the content of. */
static inline struct envelope *envelope_of(moult_out *out)
{
    return (struct envelope *)((char *)out - offsetof(struct envelope, out));
}

/* Bytes that the content of `e` has outside of it. */
static inline uint32_t envelope_outside(const struct envelope *e)
{
    return e->out.owned ? e->out.capacity : 0;
}

/* Give all that `cache` has back to the common pool; at a worker's end. */
void envelope_cache_finish(struct envelope_cache *cache);

#endif
