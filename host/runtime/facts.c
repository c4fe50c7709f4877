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

static void add_pids(json_t *members, const char *key, const struct map *map,
                     bool by_key)
{
    json_t *list = map->count ? json_array() : NULL;
    const struct map_entry *entry;
    uint32_t at = 0;

    while (list && json_array_size(list) < PIDS_MOST && (entry = map_next(map, &at)))
        json_array_append_new(list,
                              who((moult_pid){by_key ? entry->key : entry->value}));
    if (list)
        json_object_set_new(members, key, list);
}

static void add_last(json_t *members, const struct envelope *e)
{
    json_object_set_new(members, "last", json_string(sys_kind_text(e->kind)));
    if (e->kind == ENVELOPE_CALL)
        json_object_set_new(members, "client", who(e->from));
}

static json_int_t mailbox_length(struct process *p)
{
    return (json_int_t)atomic_load_explicit(&p->backlog, memory_order_relaxed) +
           mailbox_count(atomic_load_explicit(&p->inbox, memory_order_relaxed));
}

void facts_add(json_t *members, struct process *p)
{
    char name[NAME_MAX_LEN + 1], pid[PID_TEXT];
    json_t *facts;

    name_of(process_pid(p), name);
    facts = json_pack(
        "{s:s, s:s*, s:o*, s:b, s:I, s:I, s:I}", "pid", pid_print(process_pid(p), pid),
        "name", name[0] ? name : NULL, "parent", p->parent.bits ? who(p->parent) : NULL,
        "trap_exit", p->flags & PROCESS_TRAPS, "mailbox", mailbox_length(p), "memory",
        (json_int_t)sizeof(*p) + (json_int_t)(p->ctx.heap.used + p->ctx.heap.queued),
        "reductions",
        (json_int_t)atomic_load_explicit(&p->handled, memory_order_relaxed));
    json_object_update_missing(members, facts);
    json_decref(facts);
    if (!members)
        return;
    if (p->current)
        add_last(members, p->current);
    if (p->relations) {
        add_pids(members, "links", &p->relations->links, true);
        add_pids(members, "monitors", &p->relations->watched, false);
    }
}
