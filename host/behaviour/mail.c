/* SPDX-License-Identifier: Apache-2.0 */
#include "mail.h"

#include <stdlib.h>

#include "charge.h"
#include "send_timer.h"
#include "statem.h"

/* Where a message waits; what is charged for it, and to whom, depends on that. */
enum place { PLACE_QUEUE, PLACE_INBOX, PLACE_TIMER };

struct letter {
    struct envelope *envelope;
    struct moult_out out; /* what is to be in it; from the commit on, what was */
    enum place place;
    uint64_t *charged; /* of a timer */
    int32_t kind;      /* MOULT_GOT_CALL and so on */
};

/* -- which there are -- */

/* As message_change is told; negative: it is none of these. */
static int32_t kind_of(const struct envelope *e)
{
    switch (e->kind) {
    case ENVELOPE_CALL:
        return MOULT_GOT_CALL;
    case ENVELOPE_CAST:
        return MOULT_GOT_CAST;
    case ENVELOPE_INFO:
        return MOULT_GOT_INFO;
    default:
        return -1;
    }
}

/* The same of an event that a statem has postponed. */
static int32_t kind_of_event(const struct envelope *e)
{
    switch (e->code) { /* with a prefix it is one that it made itself */
    case MOULT_EVENT_CALL:
        return MOULT_GOT_CALL;
    case MOULT_EVENT_CAST:
        return MOULT_GOT_CAST;
    case MOULT_EVENT_INFO:
        return MOULT_GOT_INFO;
    default:
        return -1;
    }
}

static int add(struct mail *m, struct envelope *e, int32_t kind, enum place place,
               uint64_t *charged)
{
    struct letter *more;

    if (kind < 0)
        return 0;
    if (m->count == m->room) {
        more = reallocarray(m->letters, m->room * 2 + 16, sizeof(*more));
        if (!more)
            return -ENOMEM;
        m->letters = more;
        m->room = m->room * 2 + 16;
    }
    m->letters[m->count++] = (struct letter){
        .envelope = e, .place = place, .charged = charged, .kind = kind};
    return 0;
}

static int add_chain(struct mail *m, struct envelope *e, enum place place)
{
    int error = 0;

    for (; e && !error; e = e->next)
        error = add(m, e, kind_of(e), place, NULL);
    return error;
}

static int add_postponed(struct mail *m, const struct statem *machine)
{
    int error = 0;

    for (struct envelope *e = machine ? machine->postponed.first : NULL; e && !error;
         e = e->next)
        error = add(m, e, kind_of_event(e), PLACE_QUEUE, NULL);
    return error;
}

static int add_timed(struct envelope *e, uint64_t *charged, void *context)
{
    return add(context, e, kind_of(e), PLACE_TIMER, charged);
}

/* The timers first: what they have sent by then is in the inbox. */
static int collect(struct mail *m, struct process *p)
{
    int error = send_timers_each(p, add_timed, m);

    /* Acquire: pairs with the release of who pushed.  Nobody takes any from behind. */
    if (!error)
        error = add_chain(
            m, mailbox_newest(atomic_load_explicit(&p->inbox, memory_order_acquire)),
            PLACE_INBOX);
    if (!error)
        error = add_chain(m, p->first, PLACE_QUEUE);
    if (!error)
        error = add_chain(m, sys_kept(p), PLACE_QUEUE);
    return error ? error : add_postponed(m, server_of(p)->machine);
}

/* -- what they become -- */

int mail_build(struct mail *m, struct process *p, const struct passage *legs,
               size_t count, struct fault *why)
{
    int error;

    m->process = p;
    send_timers_pause(p);
    error = collect(m, p);
    if (error)
        return fault(why, error, "no memory for the messages of server '%s'",
                     legs->from->id);
    for (size_t i = 0; i < m->count && !error; i++) {
        struct letter *l = &m->letters[i];

        error = message_carry(legs, count, l->kind, out_read(&l->envelope->out),
                              &l->out, why);
    }
    return error;
}

/* -- the end -- */

static void exchange(struct process *p, struct letter *l)
{
    struct envelope *e = l->envelope;
    struct moult_out old = e->out;
    int64_t more = -(int64_t)envelope_outside(e);

    charge_take_off(p, e); /* of the inbox, if it is there */
    e->out = l->out;
    l->out = old.owned ? old : (struct moult_out){0};
    more += envelope_outside(e);
    if (l->place == PLACE_INBOX)
        charge_put_on(p, e);
    else
        p->ctx.heap.queued += (uint64_t)more;
    if (l->charged)
        *l->charged += (uint64_t)more;
}

void mail_commit(struct mail *m)
{
    for (size_t i = 0; i < m->count; i++)
        exchange(m->process, &m->letters[i]);
    mail_abandon(m);
}

void mail_abandon(struct mail *m)
{
    if (m->process)
        send_timers_resume(m->process);
    m->process = NULL;
}

void mail_finish(struct mail *m)
{
    for (size_t i = 0; i < m->count; i++)
        out_release(&m->letters[i].out);
    free(m->letters);
    *m = (struct mail){0};
}

/* -- copies -- */

static const char *kind_text(int32_t kind)
{
    return kind == MOULT_GOT_CALL ? "call" : kind == MOULT_GOT_CAST ? "cast" : "info";
}

/* Leave `most` of them, from the first to the last, and of these what fits. */
static void thin_out(struct mail *m, size_t most)
{
    size_t count = m->count < most ? m->count : most, bytes = 0;
    size_t steps = count > 1 ? count - 1 : 1, all = m->count;

    m->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct letter *l = &m->letters[count < all ? i * (all - 1) / steps : i];

        bytes += l->envelope->out.len;
        if (bytes > MAIL_COPY_BYTES)
            return;
        m->letters[m->count++] = *l;
    }
}

static void put_letter(const struct letter *l, moult_out *out)
{
    moult_put_array(out, 2);
    moult_put_text(out, kind_text(l->kind));
    moult_put_item(out, l->envelope->out.bytes, l->envelope->out.len);
}

int mail_copy(struct process *p, size_t most, moult_out *out)
{
    struct mail m = {.process = p};
    int error;

    send_timers_pause(p);
    error = collect(&m, p);
    if (!error) {
        thin_out(&m, most);
        moult_put_array(out, m.count);
        for (size_t i = 0; i < m.count; i++)
            put_letter(&m.letters[i], out);
    }
    mail_abandon(&m);
    mail_finish(&m);
    return error;
}
