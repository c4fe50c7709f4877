/* SPDX-License-Identifier: Apache-2.0 */
#include "sys.h"

#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "figures.h"
#include "message.h"

#define NOTE 0x6e6f7465 /* `code` of an info that is a note */

struct tracer {
    moult_pid pid;
    uint64_t dropped; /* notes, since it was last told */
};

struct sys {
    struct envelope *first, *last;    /* messages that wait since it was suspended */
    struct envelope *oldest, *newest; /* notes of the log */
    uint32_t logged, log_most;
    uint32_t tracer_count;
    bool counts;
    struct figures *times;  /* of its calls, or NULL */
    uint64_t call, call_ns; /* the ref of the last that it took, and when */
    struct tracer tracers[SYS_TRACERS];
    uint64_t since_ns, in, out; /* while it counts; the first on the monotonic clock */
    uint32_t handled;           /* by the process, when it began to count */
    struct allowance allowance; /* of `scratch` */
    struct moult_ctx scratch;
};

static struct sys *sys_of(const struct process *p)
{
    return p->relations ? p->relations->sys : NULL;
}

/* Made when first needed; NULL: no memory. */
static struct sys *sys_make(struct process *p)
{
    struct relations *r = process_relations(p);

    if (r && !r->sys)
        r->sys = calloc(1, sizeof(*r->sys));
    return r ? r->sys : NULL;
}

static bool is_noted(const struct sys *sys)
{
    return sys->counts || sys->times || sys->log_most || sys->tracer_count;
}

/* What is told of a process is not told of in its turn. */
static bool is_note(const struct envelope *e)
{
    return e->kind == ENVELOPE_INFO && e->code == NOTE;
}

/* Does it still need looking at? */
static void set_watched(struct process *p, const struct sys *sys)
{
    bool on = sys_is_suspended(p) || is_noted(sys);

    p->flags = (uint8_t)(on ? p->flags | PROCESS_WATCHED : p->flags & ~PROCESS_WATCHED);
}

/* -- notes -- */

const char *sys_kind_text(enum envelope_kind kind)
{
    switch (kind) {
    case ENVELOPE_CALL:
        return "call";
    case ENVELOPE_CAST:
        return "cast";
    case ENVELOPE_INFO:
    case ENVELOPE_ALIASED:
        return "info";
    case ENVELOPE_REPLY:
        return "reply";
    case ENVELOPE_EXIT:
        return "exit";
    case ENVELOPE_DOWN:
        return "down";
    case ENVELOPE_RESULT:
        return "result";
    case ENVELOPE_IDLE:
        return "timeout";
    default:
        return "system";
    }
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool is_reason(const struct envelope *e)
{
    return e->kind == ENVELOPE_EXIT || e->kind == ENVELOPE_DOWN ||
           (e->kind == ENVELOPE_REPLY && e->flags & ENVELOPE_ERROR);
}

/* The content of `e`, as far as it may and can be shown, and how many bytes it has. */
static void put_content(struct process *p, const struct envelope *e, bool in_callback,
                        moult_out *out)
{
    moult_put_text(out, "message");
    if (is_reason(e) || e->out.len == 0 || e->out.len > SYS_SHOWN)
        moult_put_null(out);
    else if (p->class->show)
        p->class->show(p, e, in_callback, out);
    else
        moult_put_item(out, e->out.bytes, e->out.len);
    moult_put_int_at(out, "bytes", is_reason(e) ? 0 : e->out.len);
}

/*
 * What is to be remembered of `e`, or NULL.  A note is kept among the drafts while it is
 * written, for showing may end the process.
 */
static struct envelope *note(struct process *p, const char *way, moult_pid peer,
                             const struct envelope *e, bool in_callback)
{
    struct envelope *n = envelope_create(ENVELOPE_CAST);

    if (!n)
        return NULL;
    n->next = p->drafts;
    p->drafts = n;
    p->ctx.heap.queued += sizeof(*n);
    moult_put_map(&n->out, is_reason(e) ? 8 : 7);
    moult_put_text(&n->out, "trace");
    moult_put_pid(&n->out, process_pid(p));
    moult_put_text_at(&n->out, "event", way);
    moult_put_text_at(&n->out, "kind", sys_kind_text(e->kind));
    moult_put_text(&n->out, "peer");
    moult_put_pid(&n->out, peer);
    moult_put_int_at(&n->out, "at_us", now_us());
    put_content(p, e, in_callback, &n->out);
    if (is_reason(e))
        moult_put_int_at(&n->out, "reason", e->code);
    draft_forget(p, n);
    n->kind = ENVELOPE_INFO;
    n->code = NOTE;
    if (!n->out.error)
        return n;
    envelope_destroy(n);
    return NULL;
}

static struct envelope *copy_of(const struct envelope *n)
{
    struct envelope *copy = envelope_create(ENVELOPE_INFO);

    if (!copy)
        return NULL;
    copy->code = NOTE;
    moult_put_item(&copy->out, n->out.bytes, n->out.len);
    if (!copy->out.error)
        return copy;
    envelope_destroy(copy);
    return NULL;
}

/* Tell how many notes are missing here. */
static int tell_dropped(struct process *p, struct tracer *t)
{
    struct envelope *n = envelope_create(ENVELOPE_INFO);
    int error;

    if (!n)
        return -ENOMEM;
    n->code = NOTE;
    moult_put_map(&n->out, 3);
    moult_put_text(&n->out, "trace");
    moult_put_pid(&n->out, process_pid(p));
    moult_put_text_at(&n->out, "event", "dropped");
    moult_put_int_at(&n->out, "count", (int64_t)t->dropped);
    error = process_send(NULL, t->pid, n);
    if (!error)
        t->dropped = 0;
    return error;
}

/* 0, or -ESRCH: there is nobody to tell. */
static int tell(struct process *p, struct tracer *t, const struct envelope *n)
{
    struct envelope *copy;
    int error = t->dropped ? tell_dropped(p, t) : 0;

    if (!error) {
        copy = copy_of(n);
        error = copy ? process_send(NULL, t->pid, copy) : -ENOMEM;
    }
    if (error && error != -ESRCH)
        t->dropped++;
    return error;
}

static void forget_oldest(struct sys *sys)
{
    struct envelope *n = sys->oldest;

    sys->oldest = n->next;
    if (!sys->oldest)
        sys->newest = NULL;
    sys->logged--;
    envelope_destroy(n);
}

static void remember(struct sys *sys, struct envelope *n)
{
    n->next = NULL;
    if (sys->newest)
        sys->newest->next = n;
    else
        sys->oldest = n;
    sys->newest = n;
    if (++sys->logged > sys->log_most)
        forget_oldest(sys);
}

static void spread(struct process *p, struct sys *sys, struct envelope *n)
{
    for (uint32_t i = 0; i < sys->tracer_count;) {
        if (tell(p, &sys->tracers[i], n) == -ESRCH)
            sys->tracers[i] = sys->tracers[--sys->tracer_count];
        else
            i++;
    }
    if (sys->log_most)
        remember(sys, n);
    else
        envelope_destroy(n);
    set_watched(p, sys);
}

/* Note that `e` comes in from, or goes out to, `peer`. */
static void take_note(struct process *p, struct sys *sys, const char *way,
                      moult_pid peer, const struct envelope *e, bool in_callback)
{
    struct envelope *n;

    if (!sys->log_most && !sys->tracer_count)
        return;
    n = note(p, way, peer, e, in_callback);
    if (n)
        spread(p, sys, n);
}

void sys_sends(struct process *p, moult_pid to, const struct envelope *e)
{
    struct sys *sys = sys_of(p);

    bool is_message = e->kind <= ENVELOPE_REPLY || e->kind == ENVELOPE_ALIASED;

    if (is_note(e) || e->kind == ENVELOPE_SYSTEM || !is_message || !is_noted(sys) ||
        (p->current && p->current->kind == ENVELOPE_SYSTEM))
        return;
    sys->out++;
    if (sys->times && e->kind == ENVELOPE_REPLY && e->ref == sys->call) {
        figures_add(sys->times, clock_ns() - sys->call_ns);
        if (e->flags & ENVELOPE_ERROR)
            figures_fail(sys->times);
    }
    take_note(p, sys, "out", to, e, true);
}

/* -- being suspended -- */

static void keep(struct process *p, struct sys *sys, struct envelope *e)
{
    uint32_t backlog = atomic_load_explicit(&p->backlog, memory_order_relaxed);

    e->next = NULL;
    if (sys->last)
        sys->last->next = e;
    else
        sys->first = e;
    sys->last = e;
    /* It still waits: for the limits, and for who looks. */
    process_set_backlog(p, backlog + 1);
    p->ctx.heap.queued += envelope_outside(e);
}

/* What was kept stands before all that came later. */
static void put_back(struct process *p, struct sys *sys)
{
    if (!sys->first)
        return;
    sys->last->next = p->first;
    if (!p->first)
        p->last = sys->last;
    p->first = sys->first;
    sys->first = sys->last = NULL;
}

bool sys_lets(struct process *p, struct envelope *e)
{
    struct sys *sys = sys_of(p);

    if (e->kind == ENVELOPE_SYSTEM && e->code < SYS_WORK)
        return true;
    if (sys_is_suspended(p) &&
        !(e->kind == ENVELOPE_EXIT && moult_pid_equal(e->from, p->parent))) {
        keep(p, sys, e);
        return false;
    }
    if (is_note(e) || !is_noted(sys) || e->kind == ENVELOPE_DOZE)
        return true;
    sys->in++;
    if (sys->times && e->kind == ENVELOPE_CALL) {
        sys->call = e->ref;
        sys->call_ns = clock_ns();
    }
    p->current = e; /* whatever showing it does, it is answered */
    take_note(p, sys, "in", e->from, e, false);
    return true;
}

struct envelope *sys_kept(const struct process *p)
{
    return p->relations && p->relations->sys ? p->relations->sys->first : NULL;
}

static void set_suspended(struct process *p, struct sys *sys, bool on)
{
    atomic_store_explicit(&p->suspended, on, memory_order_relaxed);
    if (!on)
        put_back(p, sys);
}

/* -- requests -- */

static void forget_ended_tracers(struct sys *sys)
{
    for (uint32_t i = 0; i < sys->tracer_count;)
        if (process_is_alive(sys->tracers[i].pid))
            i++;
        else
            sys->tracers[i] = sys->tracers[--sys->tracer_count];
}

static int set_tracer(struct sys *sys, moult_pid pid, bool on)
{
    uint32_t i = 0;

    forget_ended_tracers(sys);
    while (i < sys->tracer_count && !moult_pid_equal(sys->tracers[i].pid, pid))
        i++;
    if (i < sys->tracer_count && !on) {
        sys->tracers[i] = sys->tracers[--sys->tracer_count];
    } else if (i == sys->tracer_count && on) {
        if (i == SYS_TRACERS)
            return -EUSERS;
        sys->tracers[sys->tracer_count++] = (struct tracer){.pid = pid};
    }
    return 0;
}

static int trace(struct process *p, struct sys *sys, moult_in *in)
{
    moult_pid pid;

    moult_get_array(in);
    pid = moult_get_pid(in);
    return moult_pid_equal(pid, process_pid(p))
               ? -EDEADLK
               : set_tracer(sys, pid, moult_get_bool(in));
}

static int set_log(struct sys *sys, uint64_t most)
{
    if (most > SYS_LOG_MOST)
        return -ERANGE;
    sys->log_most = (uint32_t)most;
    while (sys->logged > sys->log_most)
        forget_oldest(sys);
    return 0;
}

static void get_log(const struct sys *sys, moult_out *out)
{
    moult_put_array(out, sys->logged);
    for (const struct envelope *n = sys->oldest; n; n = n->next)
        moult_put_item(out, n->out.bytes, n->out.len);
}

static uint32_t handled(const struct process *p)
{
    return atomic_load_explicit(&p->handled, memory_order_relaxed);
}

static void set_statistics(const struct process *p, struct sys *sys, bool on)
{
    sys->counts = on;
    sys->in = sys->out = 0;
    sys->since_ns = clock_ns();
    sys->handled = handled(p);
}

static void get_statistics(const struct process *p, const struct sys *sys,
                           moult_out *out)
{
    if (!sys->counts) {
        moult_put_null(out);
        return;
    }
    moult_put_map(out, 4);
    moult_put_int_at(out, "for_ms", (int64_t)((clock_ns() - sys->since_ns) / 1000000u));
    moult_put_int_at(out, "in", (int64_t)sys->in);
    moult_put_int_at(out, "out", (int64_t)sys->out);
    moult_put_int_at(out, "handled", handled(p) - sys->handled);
}

/* Do what the request at hand says, and write the answer. */
static int obey(struct process *p, struct sys *sys, moult_in *in, moult_out *out)
{
    switch (p->current->code) {
    case SYS_GET_LOG:
        get_log(sys, out);
        return 0;
    case SYS_GET_STATISTICS:
        get_statistics(p, sys, out);
        return 0;
    case SYS_TRACE:
        moult_put_null(out);
        return trace(p, sys, in);
    case SYS_LOG:
        moult_put_null(out);
        return set_log(sys, moult_get_uint(in));
    case SYS_STATISTICS:
        moult_put_null(out);
        set_statistics(p, sys, moult_get_bool(in));
        return 0;
    case SYS_TIME:
        moult_put_null(out);
        sys->times = (struct figures *)(uintptr_t)moult_get_uint(in);
        return 0;
    default:
        moult_put_null(out);
        set_suspended(p, sys, p->current->code == SYS_SUSPEND);
        return 0;
    }
}

bool sys_answer(struct process *p)
{
    struct envelope *e = p->current, *reply;
    moult_in in = out_read(&e->out);
    struct sys *sys;
    int error = 0;

    if (e->code < SYS_SUSPEND || e->code > SYS_TIME)
        return false;
    sys = sys_make(p);
    reply = sys ? envelope_create(ENVELOPE_REPLY) : NULL;
    if (!reply)
        error = -ENOMEM;
    else
        error = obey(p, sys, &in, &reply->out);
    if (!error)
        error = in.error ? in.error : reply->out.error;
    if (sys)
        set_watched(p, sys);
    if (error) {
        envelope_destroy(reply);
        process_refuse(p, error, moult_strerror(error));
        return true;
    }
    reply->ref = e->ref;
    process_send_last(p, e->from, reply);
    e->kind = ENVELOPE_CAST; /* it is answered */
    return true;
}

struct moult_ctx *sys_scratch(struct process *p, uint64_t max_heap)
{
    struct sys *sys = sys_make(p);

    if (!sys)
        return NULL;
    sys->allowance = (struct allowance){.limit = max_heap};
    heap_init(&sys->scratch.heap, &sys->allowance);
    return &sys->scratch;
}

void sys_finish(struct process *p)
{
    struct sys *sys = sys_of(p);

    if (!sys)
        return;
    set_suspended(p, sys, false);
    p->flags &= (uint8_t)~PROCESS_WATCHED;
    while (sys->oldest)
        forget_oldest(sys);
    heap_finish(&sys->scratch.heap);
    free(sys);
    p->relations->sys = NULL;
}
