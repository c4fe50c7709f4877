/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answering - what those are told whose message came to a process that is no more.
 */
#include "signals.h"

/* `e` (taken) was meant for who had the slot of `p` before it. */
void process_answer_stale(struct process *p, struct envelope *e)
{
    if (e->kind >= ENVELOPE_SIGNAL)
        signal_refuse(e, pid_make(pid_index(process_pid(p)), e->to_generation));
    else
        process_answer_dead(e, (moult_pid){0}, MOULT_NOPROC, NULL);
}

void process_answer_dead(struct envelope *e, moult_pid callee, int32_t reason,
                         const char *text)
{
    moult_pid caller = e->from;

    if (e->kind != ENVELOPE_CALL && e->kind != ENVELOPE_SYSTEM &&
        e->kind != ENVELOPE_START && e->kind != ENVELOPE_LOOK) {
        envelope_destroy(e);
        return;
    }
    envelope_reset(e, ENVELOPE_REPLY);
    e->from = callee;
    e->flags = ENVELOPE_ERROR | ENVELOPE_DEAD;
    e->code = reason;
    signal_set_text(e, text);
    process_send(NULL, caller, e);
}

void process_answer_all(struct process *p, struct envelope *e)
{
    moult_pid self = process_pid(p);

    while (e) {
        struct envelope *next = e->next;

        process_answer_dead(e, self, p->reason, process_reason_text(p));
        e = next;
    }
}
