/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

static json_t *unchanged(const struct target *t)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:{s:i}}", "application", t->name, "from",
                     t->to.manifest.vsn, "to", t->to.manifest.vsn, "servers", 0,
                     "moved", "unchanged", 0);
}

/* Of one that starts, which `started` of the whole lists as well. */
static json_t *starting(const struct targets *all, const struct target *t)
{
    json_t *report =
        json_pack("{s:s, s:s}", "application", t->name, "to", t->to.manifest.vsn);

    if (all->order.mode == UPGRADE_PLAN)
        json_object_set_new(report, "steps",
                            json_pack("[{s:s, s:s}]", "step", "start", "text",
                                      "it starts, with what it needs"));
    return report;
}

/* What is said there, if it is anything. */
static void take_over(json_t *report, const json_t *whole, const char *key)
{
    json_t *list = json_object_get(whole, key);

    if (json_array_size(list))
        json_object_set(report, key, list);
}

/* Of one target; `*next` of those that moved is told next. */
static json_t *report_one(const struct targets *all, const struct target *t,
                          const json_t *upgraded, size_t *next)
{
    if (t->is_there)
        return unchanged(t);
    return t->starts ? starting(all, t)
                     : json_incref(json_array_get(upgraded, (*next)++));
}

/* What is said of all, as part of the first. */
static void tell_of_all(json_t *first, json_t *whole)
{
    json_t *ms = json_object_get(whole, "confirm_within_ms");

    take_over(first, whole, "started");
    take_over(first, whole, "stopped");
    if (ms)
        json_object_set(first, "confirm_within_ms", ms);
}

json_t *targets_report(const struct targets *all, json_t *whole)
{
    json_t *upgraded = json_object_get(whole, "upgraded"), *report;
    size_t next = 0;

    if (all->count == 1) {
        report = report_one(all, &all->list[0], upgraded, &next);
        tell_of_all(report, whole);
        json_decref(whole);
        return report;
    }
    report = json_array();
    for (size_t i = 0; i < all->count; i++)
        json_array_append_new(report, report_one(all, &all->list[i], upgraded, &next));
    tell_of_all(json_array_get(report, 0), whole);
    json_decref(whole);
    return report;
}
