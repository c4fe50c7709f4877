/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journey - the legs of a way by other versions, as one.
 */
#include <stdbool.h>

#include "appup.h"
#include "route.h"
#include "version.h"

int journey_find(const struct image *const *stops, size_t count, struct journey *out,
                 struct fault *why)
{
    int error = 0;

    *out = (struct journey){.count = count - 1};
    for (size_t i = 0; i < out->count && !error; i++) {
        error = route_find(stops[i], stops[i + 1], &out->legs[i], why);
        if (!error)
            error = route_check(&out->legs[i], why);
    }
    return error;
}

/* Whose appup the leg goes by. */
static const struct image *newer_of(const struct route *r)
{
    return version_compare(r->to->vsn, r->from->vsn) > 0 ? r->to : r->from;
}

static bool is_point_of_no_return(const struct instruction *i)
{
    return instruction_is_module(i) || i->kind == MOULT_RESTART_APPLICATION ||
           i->kind == MOULT_STOP || i->kind == MOULT_POINT_OF_NO_RETURN;
}

int journey_each_apply(const struct journey *journey, bool before,
                       int (*visit)(void *context, const struct image *image,
                                    const struct instruction *i),
                       void *context)
{
    bool reboots = journey_reboots(journey);
    int error = 0;

    for (size_t l = 0; l < journey->count; l++) {
        const struct way *way = journey->legs[l].way;
        bool passed = false;

        for (size_t i = 0; way && i < way->count && !error; i++) {
            passed |= !reboots && is_point_of_no_return(&way->list[i]);
            if (way->list[i].kind == MOULT_APPLY && passed != before)
                error = visit(context, newer_of(&journey->legs[l]), &way->list[i]);
        }
    }
    return error;
}

bool journey_restarts(const struct journey *journey)
{
    for (size_t i = 0; i < journey->count; i++)
        if (way_restarts(journey->legs[i].way))
            return true;
    return false;
}

bool journey_stops(const struct journey *journey, const char *id)
{
    for (size_t i = 0; i < journey->count; i++)
        if (way_stops(journey->legs[i].way, id))
            return true;
    return false;
}

uint32_t journey_timeout_ms(const struct journey *journey, const char *id)
{
    uint32_t most = 0;

    for (size_t i = 0; i < journey->count; i++) {
        const struct instruction *one = way_find(journey->legs[i].way, id);

        if (one && one->timeout_ms > most)
            most = one->timeout_ms;
    }
    return most;
}

struct purges journey_purges(const struct journey *journey)
{
    struct purges purges = {0};

    for (size_t l = 0; l < journey->count; l++) {
        const struct way *way = journey->legs[l].way;

        for (size_t i = 0; way && i < way->count; i++) {
            const struct instruction *one = &way->list[i];

            purges.refuses |= one->pre_purge == MOULT_SOFT_PURGE;
            purges.kills_older |= one->pre_purge == MOULT_BRUTAL_PURGE;
            purges.kills_left |= one->post_purge == MOULT_BRUTAL_PURGE;
        }
    }
    return purges;
}

bool journey_reboots(const struct journey *journey)
{
    for (size_t i = 0; i < journey->count; i++)
        if (way_reboots(journey->legs[i].way))
            return true;
    return false;
}

size_t journey_passages(const struct journey *journey, const char *id,
                        struct passage *legs)
{
    const struct code *at = image_find_code(journey->legs[0].from, id);
    size_t count = 0;

    if (!at || journey_restarts(journey) || journey_stops(journey, id) ||
        !image_find_code(journey->legs[journey->count - 1].to, id))
        return 0;
    for (size_t i = 0; i < journey->count; i++) {
        const struct code *next = image_find_code(journey->legs[i].to, id);

        if (!next)
            continue;
        legs[count++] = route_passage(&journey->legs[i], at, next);
        at = next;
    }
    return count;
}
