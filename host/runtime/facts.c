/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include "name.h"
#include "sys.h"

#define PIDS_MOST 16u /* of a list; more are cut */

/* Its name, or else its pid. */
static json_t *who(moult_pid pid)
{
    char name[NAME_MAX_LEN + 1], text[PID_TEXT];

    name_of(pid, name);
    return json_string(name[0] ? name : pid_print(pid, text));
}

/* Of these there are rarely any. */
static void add_pids(struct members *m, const char *key, const struct map *map,
                     bool by_key)
{
    json_t *list = map->count ? json_array() : NULL;
    const struct map_entry *entry;
    uint32_t at = 0;

    while (list && json_array_size(list) < PIDS_MOST && (entry = map_next(map, &at)))
        json_array_append_new(list,
                              who((moult_pid){by_key ? entry->key : entry->value}));
    if (list)
        members_json(m, key, list);
}

static void add_who(struct members *m, const char *key, moult_pid pid)
{
    char name[NAME_MAX_LEN + 1];

    name_of(pid, name);
    if (name[0])
        members_text(m, key, name);
    else
        members_pid(m, key, pid);
}

static void add_last(struct members *m, const struct envelope *e)
{
    members_word(m, "last", sys_kind_text(e->kind));
    if (e->kind == ENVELOPE_CALL)
        add_who(m, "client", e->from);
}

static int64_t mailbox_length(struct process *p)
{
    return (int64_t)atomic_load_explicit(&p->backlog, memory_order_relaxed) +
           mailbox_count(atomic_load_explicit(&p->inbox, memory_order_relaxed));
}

void facts_add(struct members *m, struct process *p)
{
    char name[NAME_MAX_LEN + 1];

    name_of(process_pid(p), name);
    members_pid(m, "pid", process_pid(p));
    if (name[0])
        members_text(m, "name", name);
    if (p->parent.bits)
        add_who(m, "parent", p->parent);
    members_bool(m, "trap_exit", p->flags & PROCESS_TRAPS);
    members_int(m, "mailbox", mailbox_length(p));
    members_int(m, "memory",
                (int64_t)(sizeof(*p) + p->ctx.heap.used + p->ctx.heap.queued));
    members_int(m, "reductions",
                atomic_load_explicit(&p->handled, memory_order_relaxed));
    if (p->current)
        add_last(m, p->current);
    if (p->relations) {
        add_pids(m, "links", &p->relations->links, true);
        add_pids(m, "monitors", &p->relations->watched, false);
    }
}
