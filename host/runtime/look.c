/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

#include "barrier.h"
#include "group.h"
#include "message.h"
#include "name.h"
#include "signals.h"
#include "sys.h"

/* By itself, so it runs; but what made it look is not what it is at. */
static const char *status_of(const struct process *p)
{
    if (p->flags & PROCESS_EXITING)
        return "exiting";
    if (p->await)
        return "waiting";
    if (p->current)
        return "running";
    if (sys_is_suspended(p))
        return "suspended";
    return atomic_load_explicit(&p->hold, memory_order_relaxed) ? "suspended" : "idle";
}

static void put_pids(moult_out *out, const struct map *map, bool by_key)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    moult_put_array(out, map->count);
    while ((entry = map_next(map, &at)))
        moult_put_pid(out, (moult_pid){by_key ? entry->key : entry->value});
}

static void put_links(struct process *p, moult_out *out)
{
    static const struct map none;
    const struct map *links = p->relations ? &p->relations->links : &none;
    const struct map_entry *entry;
    uint32_t at = 0;

    moult_put_text(out, "parent");
    if (p->parent.bits)
        moult_put_pid(out, p->parent);
    else
        moult_put_null(out);
    moult_put_text(out, "links");
    moult_put_array(out, links->count + (p->flags & PROCESS_LINKED ? 1 : 0));
    if (p->flags & PROCESS_LINKED)
        moult_put_pid(out, p->parent);
    while ((entry = map_next(links, &at)))
        moult_put_pid(out, (moult_pid){entry->key});
    moult_put_text(out, "monitors");
    put_pids(out, p->relations ? &p->relations->watched : &none, false);
    moult_put_text(out, "monitored_by");
    put_pids(out, p->relations ? &p->relations->watchers : &none, false);
}

static void put_text_or_null(moult_out *out, const char *key, const char *text)
{
    moult_put_text(out, key);
    if (text && *text)
        moult_put_text(out, text);
    else
        moult_put_null(out);
}

static int64_t mailbox_length(struct process *p)
{
    return (int64_t)atomic_load_explicit(&p->backlog, memory_order_relaxed) +
           mailbox_count(atomic_load_explicit(&p->inbox, memory_order_relaxed));
}

void look_put(struct process *p, moult_out *out)
{
    struct barrier_whose whose = barrier_whose(p);
    char name[NAME_MAX_LEN + 1];

    name_of(process_pid(p), name);
    moult_put_map(out, 16);
    moult_put_text(out, "pid");
    moult_put_pid(out, process_pid(p));
    put_text_or_null(out, "name", name);
    put_text_or_null(out, "label", process_label(p));
    moult_put_text_at(out, "kind", p->class->name);
    put_text_or_null(out, "application", p->group->name);
    put_text_or_null(out, "vsn", whose.vsn);
    moult_put_text_at(out, "status", status_of(p));
    put_text_or_null(out, "function", whose.function);
    moult_put_int_at(out, "mailbox", mailbox_length(p));
    moult_put_int_at(out, "memory",
                     (int64_t)(sizeof(*p) + p->ctx.heap.used + p->ctx.heap.queued));
    moult_put_int_at(out, "reductions",
                     atomic_load_explicit(&p->handled, memory_order_relaxed));
    moult_put_bool_at(out, "trap_exit", p->flags & PROCESS_TRAPS);
    put_links(p, out);
}

void look_answer(struct process *p, struct envelope *e)
{
    struct envelope *reply = envelope_create(ENVELOPE_REPLY);

    if (reply)
        look_put(p, &reply->out);
    if (!reply || reply->out.error) {
        envelope_destroy(reply);
        reply = NULL;
    }
    if (!reply) { /* the request becomes the answer */
        moult_pid asker = e->from;

        envelope_reset(e, ENVELOPE_REPLY);
        e->flags = ENVELOPE_ERROR;
        e->code = -ENOMEM;
        process_send(p, asker, e);
        return;
    }
    reply->ref = e->ref;
    process_send(p, e->from, reply);
    envelope_destroy(e);
}

int moult_process_info(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms,
                       moult_in *info)
{
    struct process *p = process_of(ctx);
    bool own = moult_pid_equal(pid, process_pid(p));
    struct envelope *e = envelope_create(own ? ENVELOPE_REPLY : ENVELOPE_LOOK);
    int error;

    if (!e)
        return process_fail(p, -ENOMEM, moult_strerror(-ENOMEM));
    if (own) {
        look_put(p, &e->out);
        envelope_destroy(p->answer);
        p->answer = e;
        error = e->out.error;
    } else {
        error =
            process_call(p, pid, e, timeout_ms ? timeout_ms : MOULT_CALL_TIMEOUT_MS);
    }
    if (!error)
        *info = out_read(&p->answer->out);
    return error;
}
