/* SPDX-License-Identifier: Apache-2.0 */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "pid.h"

struct listing {
    struct map moves; /* pid -> its number in the migration, plus 1 */
    char **names;     /* by that number; NULL: not known any more */
};

static void name_one(struct process *p, void *context)
{
    struct listing *l = context;
    uint64_t number;

    if (map_find(&l->moves, process_pid(p).bits, &number))
        l->names[number - 1] = strdup(process_label(p));
}

static size_t listed(const struct migration *m)
{
    return m->count < LISTING_MOST ? m->count : LISTING_MOST;
}

static json_t *describe(const struct move *move, const char *name)
{
    char pid[PID_TEXT];

    return json_pack(
        "{s:s, s:s, s:s, s:I}", "server", name ? name : move->plan->to->child->id,
        "pid", pid_print(move->pid, pid), "moved", plan_move_text(move->plan->move),
        "took_us", (json_int_t)move->took_us);
}

json_t *listing_make(const struct migration *m, struct group *group)
{
    struct listing l = {.names = calloc(listed(m) + 1, sizeof(*l.names))};
    json_t *list = json_array();

    /* Who can't be named for want of memory is called as its child. */
    for (size_t i = 0; l.names && i < listed(m); i++)
        if (map_put(&l.moves, m->moves[i].pid.bits, i + 1) < 0)
            break;
    if (l.names)
        group_each(group, name_one, &l);
    for (size_t i = 0; i < listed(m); i++)
        json_array_append_new(list,
                              describe(&m->moves[i], l.names ? l.names[i] : NULL));
    for (size_t i = 0; l.names && i < listed(m); i++)
        free(l.names[i]);
    free(l.names);
    map_finish(&l.moves);
    return list;
}
