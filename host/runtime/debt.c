/* SPDX-License-Identifier: Apache-2.0 */
#include "debt.h"

#include "relation.h"

static uint64_t owed_key(moult_pid caller, uint64_t ref)
{
    uint64_t key = caller.bits * 0x9e3779b97f4a7c15u ^ ref;

    return key ? key : 1;
}

int debt_add(struct process *p, struct envelope *call)
{
    uint64_t key = owed_key(call->from, call->ref), chain = 0;
    int error;

    if (p->relations)
        map_find(&p->relations->owed, key, &chain);
    call->next = (struct envelope *)(uintptr_t)chain;
    error = relation_put(p, RELATION_OWED, key, (uintptr_t)call);
    if (error)
        return error;
    p->ctx.heap.queued += sizeof(*call) + envelope_outside(call);
    return 0;
}

const char *debt_problem(int error)
{
    return error == -ENOSPC ? "the server owes as many answers as it may, 1000000"
                            : "no memory to remember the call";
}

struct envelope *debt_take(struct process *p, moult_pid caller, uint64_t ref)
{
    uint64_t key = owed_key(caller, ref), chain;
    struct envelope *e, *before = NULL;

    if (!p->relations || !map_find(&p->relations->owed, key, &chain))
        return NULL;
    e = (struct envelope *)(uintptr_t)chain;
    while (e && !(moult_pid_equal(e->from, caller) && e->ref == ref)) {
        before = e;
        e = e->next;
    }
    if (!e)
        return NULL;
    if (before)
        before->next = e->next;
    else if (e->next)
        map_put(&p->relations->owed, key,
                (uintptr_t)e->next); /* no growth: it is there */
    else
        map_remove(&p->relations->owed, key, NULL);
    p->ctx.heap.queued -= sizeof(*e) + envelope_outside(e);
    return e;
}

void debts_answer(struct process *p)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    while (p->relations && (entry = map_next(&p->relations->owed, &at)))
        process_answer_all(p, (struct envelope *)(uintptr_t)entry->value);
}
