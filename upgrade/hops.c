/* SPDX-License-Identifier: Apache-2.0 */
#include "hops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loaded.h"
#include "plan.h"
#include "version.h"

#define BETWEEN_MAX \
    64u /* versions that are looked at; those nearest to where it goes */

/* The versions, from where it begins to where it goes, and how each is come to. */
struct search {
    struct stock *stock;
    bool up;
    const struct image *images[BETWEEN_MAX + 2];
    size_t count;
    size_t before[BETWEEN_MAX + 2]; /* the one that it is come to from */
    size_t hops[BETWEEN_MAX + 2];   /* 0: it is not come to yet */
};

/* -- which there are -- */

static bool is_between(const struct search *s, const char *vsn, const char *from,
                       const char *to)
{
    int a = version_compare(vsn, from), b = version_compare(vsn, to);

    return s->up ? a > 0 && b < 0 : a < 0 && b > 0;
}

static int by_distance(const void *a, const void *b, void *context)
{
    const struct search *s = context;
    int order = version_compare(*(const char *const *)a, *(const char *const *)b);

    return s->up ? order : -order;
}

/* The vsns between, in the direction of the way; lent by `all`.  How many. */
static size_t list_between(struct search *s, const struct upgrade_move *m,
                           const json_t *all, const char **vsns)
{
    const json_t *one;
    size_t count = 0, i;

    json_array_foreach(all, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name")),
                   *vsn = json_string_value(json_object_get(one, "vsn")),
                   *status = json_string_value(json_object_get(one, "status"));

        if (name && vsn && status && strcmp(name, m->to->name) == 0 &&
            strcmp(status, "refused") != 0 &&
            is_between(s, vsn, m->from->vsn, m->to->vsn))
            vsns[count++] = vsn;
    }
    qsort_r(vsns, count, sizeof(*vsns), by_distance, s);
    return count;
}

/* One that can't be loaded is left out. */
static void load(struct search *s, const char *name, const char *vsn)
{
    struct catalog_entry entry = {0};
    struct loaded *l;

    if (catalog_find(s->stock->catalog, name, vsn, &entry) == 0 &&
        loaded_open(s->stock, &entry, &l, NULL) == 0)
        s->images[s->count++] = l->image;
    catalog_entry_release(&entry);
}

static int load_all(struct search *s, const struct upgrade_move *m, struct fault *why)
{
    json_t *all = catalog_json(s->stock->catalog);
    const char **vsns = calloc(json_array_size(all) + 1, sizeof(*vsns));
    size_t count;

    if (!all || !vsns) {
        json_decref(all);
        free(vsns);
        return fault(why, -ENOMEM, "no memory to look for a way");
    }
    count = list_between(s, m, all, vsns);
    s->images[s->count++] = m->from;
    for (size_t i = count > BETWEEN_MAX ? count - BETWEEN_MAX : 0; i < count; i++)
        load(s, m->to->name, vsns[i]);
    s->images[s->count++] = m->to;
    json_decref(all);
    free(vsns);
    return 0;
}

/* -- which to take -- */

static bool can_go(const struct image *from, const struct image *to)
{
    struct plan plan;
    bool can = plan_make(from, to, &plan, NULL) == 0;

    if (can)
        plan_release(&plan);
    return can;
}

/* Breadth first, and only ahead: the first way found has the fewest. */
static bool look(struct search *s)
{
    size_t queue[BETWEEN_MAX + 2] = {0}, begin = 0, end = 1;

    while (begin < end && !s->hops[s->count - 1]) {
        size_t at = queue[begin++];

        for (size_t i = at + 1; i < s->count; i++) {
            if (s->hops[i] || !can_go(s->images[at], s->images[i]))
                continue;
            s->hops[i] = s->hops[at] + 1;
            s->before[i] = at;
            queue[end++] = i;
        }
    }
    return s->hops[s->count - 1] && s->hops[s->count - 1] <= ROUTE_LEGS_MAX;
}

static int take(const struct search *s, struct upgrade_move *m, struct fault *why)
{
    size_t last = s->count - 1, at = last;

    m->stops = calloc(s->hops[last] + 1, sizeof(*m->stops));
    if (!m->stops)
        return fault(why, -ENOMEM, "no memory to look for a way");
    m->stop_count = s->hops[last] + 1;
    for (size_t i = m->stop_count; i-- > 0; at = s->before[at])
        m->stops[i] = s->images[at];
    return 0;
}

/* States with their initial values go there and back, in the vet's process. */
static int try_out(struct stock *stock, const struct upgrade_move *m, struct fault *why)
{
    const char *via[ROUTE_LEGS_MAX];
    struct vet_job job = {.path = m->to->path,
                          .with = m->from->path,
                          .via = via,
                          .via_count = m->stop_count - 2};
    struct vet_report report = {0};
    int error;

    for (size_t i = 0; i < job.via_count; i++)
        via[i] = m->stops[i + 1]->path;
    error = vet_run_job(stock->vet, &job, &report, why);
    json_decref(report.lints);
    return error;
}

int hops_find(struct stock *stock, struct upgrade_move *move, struct fault *why)
{
    struct search s = {.stock = stock,
                       .up = version_compare(move->to->vsn, move->from->vsn) > 0};
    struct plan plan;
    int error = plan_make(move->from, move->to, &plan, NULL);

    if (!error)
        plan_release(&plan);
    if (error != -ENOTSUP)
        return 0; /* it is said when it is planned */
    error = load_all(&s, move, why);
    if (error || !look(&s))
        return error;
    error = take(&s, move, why);
    return error ? error : try_out(stock, move, why);
}
