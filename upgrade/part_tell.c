/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_tell - what is said of one application's part in an upgrade.
 */
#include "listing.h"
#include "outline.h"
#include "part.h"

/* By which versions it went, and whether anew, for the report (taken). */
static json_t *with_way(json_t *report, const struct part *part)
{
    const struct upgrade_move *m = part->move;
    json_t *via = json_array();

    for (size_t i = 1; i + 1 < m->stop_count; i++)
        json_array_append_new(via, json_string(m->stops[i]->vsn));
    if (m->stop_count > 2)
        json_object_set(report, "via", via);
    if (part->plan.restarts)
        json_object_set_new(report, "restarted", json_true());
    json_decref(via);
    return report;
}

json_t *part_report(const struct part *part, bool lists)
{
    const struct upgrade_move *u = part->move;
    const struct migration *m = &part->migration;
    json_t *moved = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "pointer",
        (json_int_t)m->moved[PLAN_POINTER], "schema", (json_int_t)m->moved[PLAN_SCHEMA],
        "code_change", (json_int_t)m->moved[PLAN_CODE_CHANGE], "added",
        (json_int_t)m->moved[PLAN_ADDED], "removed", (json_int_t)m->moved[PLAN_REMOVED],
        "anew", (json_int_t)m->moved[PLAN_ANEW], "renewed", (json_int_t)m->renewed);

    return with_way(
        json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:I, s:I, s:I}", "application",
                  u->app->name, "from", u->from->vsn, "to", u->to->vsn, "servers",
                  (json_int_t)m->count, "moved", moved, "list",
                  lists ? listing_make(m, &u->app->group) : json_array(), "rehearsed",
                  (json_int_t)part->rehearsed.states, "rehearsed_messages",
                  (json_int_t)part->rehearsed.messages, "waited",
                  (json_int_t)part->waited),
        part);
}

json_t *part_plan_json(const struct part *part)
{
    const struct outline o = {part->whole, part->move, &part->plan, part->env,
                              part->rehearse};

    return outline_json(&o);
}

json_t *part_rehearsal_json(const struct part *part)
{
    const struct upgrade_move *m = part->move;

    return json_pack("{s:s, s:s, s:s, s:I, s:I}", "application", m->app->name, "from",
                     m->from->vsn, "to", m->to->vsn, "rehearsed",
                     (json_int_t)part->rehearsed.states, "rehearsed_messages",
                     (json_int_t)part->rehearsed.messages);
}
