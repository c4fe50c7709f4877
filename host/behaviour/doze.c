/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doze - servers that hibernate by themselves when nothing has come for a while.  OTP:
 * hibernate_after.
 *
 * With each message that such a server has handled a timer begins anew; what it sends is
 * the DOZE that is seen to here.  Others are not asked for any of it.
 */
#include "send_timer.h"
#include "serving.h"

static uint32_t patience_ms(const struct server *s)
{
    return s->code->child->hibernate_after_ms;
}

/* Wait for that long from now on; without memory it stays awake. */
static void wait_anew(struct process *p, struct server *s)
{
    struct relations *r = process_relations(p);
    struct envelope *e;

    if (r && r->doze)
        send_timer_cancel(p, r->doze);
    if (r)
        r->doze = 0;
    if (!r || server_idles(s)) /* its own timeout comes instead, as in OTP */
        return;
    e = envelope_create(ENVELOPE_DOZE);
    if (e)
        r->doze = send_timer_start(p, process_pid(p), patience_ms(s), e);
}

void server_over_dozing(struct process *p)
{
    struct envelope *e = p->current;
    bool dozed = e && e->kind == ENVELOPE_DOZE;
    bool due = dozed && p->relations && p->relations->doze == e->ref;

    if (p->flags & PROCESS_EXITING)
        return; /* what it owes an answer to is answered by its ending */
    p->current = NULL;
    envelope_destroy(e);
    drafts_drop(p);
    if (!dozed) {
        wait_anew(p, p->data);
    } else if (due) {
        p->relations->doze = 0;
        process_hibernate(p);
    }
}

void server_set_doze(struct process *p, const struct code *code)
{
    bool on = code->child->hibernate_after_ms;

    p->flags = (uint8_t)(on ? p->flags | PROCESS_DOZES : p->flags & ~PROCESS_DOZES);
}
