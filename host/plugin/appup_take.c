/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appup.h"
#include "encoded.h"
#include "master.h"

/* What the structs had at first; they have only grown since. */
#define APPUP_SIZE_MIN       (offsetof(moult_appup, down) + sizeof(void *))
#define WAY_SIZE_MIN         (offsetof(moult_way, instructions) + sizeof(void *))
#define INSTRUCTION_SIZE_MIN (offsetof(moult_instruction, deps) + sizeof(void *))

/* What is being copied. */
struct taking {
    const moult_appup *from;
    struct appup *to;
    enum appup_direction direction;
    struct fault *why;
};

static int no_memory(const struct taking *t)
{
    return fault(t->why, -ENOMEM, "no memory to load a plugin");
}

static const char *direction_text(const struct taking *t)
{
    return t->direction == APPUP_UP ? "up" : "down";
}

/* Low-level forms are told as what they are forms of. */
static moult_instruction high_level(moult_instruction i)
{
    if (i.kind == MOULT_CODE_CHANGE) {
        i.kind = MOULT_UPDATE;
        i.change = MOULT_ADVANCED;
    } else if (i.kind == MOULT_LOAD) {
        i.kind = MOULT_LOAD_MODULE;
    } else if (i.kind == MOULT_REMOVE) {
        i.kind = MOULT_DELETE_MODULE;
    }
    return i;
}

static int take_deps(const struct taking *t, const moult_instruction *from,
                     struct instruction *to)
{
    size_t count = 0;

    while (from->deps && from->deps[count])
        if (++count > APPUP_LIST_MAX)
            return fault(t->why, -EINVAL,
                         "%s has more than %u deps: end them with NULL", to->where,
                         APPUP_LIST_MAX);
    if (!count)
        return 0;
    to->deps = calloc(count + 1, sizeof(*to->deps));
    for (size_t i = 0; to->deps && i < count; i++)
        if (!(to->deps[i] = strdup(from->deps[i])))
            return no_memory(t);
    return to->deps ? 0 : no_memory(t);
}

static int take_instruction(const struct taking *t, const moult_instruction *from,
                            struct way *way)
{
    char where[256], what[300];
    struct instruction *to;
    int error = 0;

    snprintf(where, sizeof(where), "instruction %zu of its appup, %s '%.64s'",
             way->count + 1, direction_text(t), way->vsn ? way->vsn : way->pattern);
    if (from->kind < MOULT_UPDATE || from->kind > MOULT_START)
        return fault(t->why, -EINVAL, "%s has kind %d, which there is not", where,
                     from->kind);
    to = way_add(way, from->kind, from->name, where);
    if (!to)
        return no_memory(t);
    to->change = from->change;
    to->timeout_ms = from->timeout_ms;
    to->pre_purge = from->pre_purge;
    to->post_purge = from->post_purge;
    snprintf(what, sizeof(what), "the args of %s", where);
    if (from->args)
        error = encoded_text(what, from->args, &to->extra, &to->extra_len, t->why);
    return error ? error : take_deps(t, from, to);
}

static int take_way(const struct taking *t, const moult_way *from, size_t number)
{
    char where[64];
    struct way *way;
    int error = 0;

    snprintf(where, sizeof(where), "number %zu of %s in its appup", number,
             direction_text(t));
    way = appup_add(t->to, t->direction, from->vsn, from->pattern, where, t->why);
    if (!way)
        return t->why ? t->why->error : -EINVAL;
    for (size_t i = 0; from->instructions && !error; i++) {
        moult_instruction own = {0};

        memcpy(&own, (const char *)from->instructions + i * t->from->instruction_size,
               t->from->instruction_size < sizeof(own) ? t->from->instruction_size
                                                       : sizeof(own));
        if (!own.kind && !own.name)
            break;
        if (i == APPUP_LIST_MAX)
            return fault(t->why, -EINVAL,
                         "%s has more than %u instructions: end them with {0}", where,
                         APPUP_LIST_MAX);
        own = high_level(own);
        error = take_instruction(t, &own, way);
    }
    return error;
}

static int take_ways(const struct taking *t, const moult_way *ways)
{
    int error = 0;

    for (size_t i = 0; ways && !error; i++) {
        moult_way own = {0};

        memcpy(&own, (const char *)ways + i * t->from->way_size,
               t->from->way_size < sizeof(own) ? t->from->way_size : sizeof(own));
        if (!own.vsn && !own.pattern && !own.instructions)
            break;
        if (i == APPUP_LIST_MAX)
            return fault(t->why, -EINVAL,
                         "%s of its appup has more than %u entries: end it with {0}",
                         direction_text(t), APPUP_LIST_MAX);
        error = take_way(t, &own, i + 1);
    }
    return error;
}

static int take_functions(const struct taking *t)
{
    const moult_appup *from = t->from;
    struct appup *to = t->to;

    if (!from->functions)
        return 0;
    if (from->function_size < sizeof(moult_applied))
        return fault(t->why, -EINVAL,
                     "its appup has functions and no function_size: begin it with "
                     "MOULT_APPUP");
    to->module = calloc(1, sizeof(*to->module));
    to->functions = calloc(APPUP_LIST_MAX, sizeof(*to->functions));
    if (!to->module || !to->functions)
        return no_memory(t);
    master_module(to->module, from->functions);
    for (size_t i = 0;; i++) {
        moult_applied own;

        memcpy(&own, (const char *)from->functions + i * from->function_size,
               sizeof(own));
        if (!own.name)
            return 0;
        if (i == APPUP_LIST_MAX || !own.call)
            return fault(t->why, -EINVAL,
                         "function %zu of its appup has no call: end them with {0}",
                         i + 1);
        to->functions[i] = (struct function){strdup(own.name), own.call};
        if (!to->functions[i].name)
            return no_memory(t);
        to->function_count++;
    }
}

int appup_take(const struct moult_plugin *plugin, struct appup *out, struct fault *why)
{
    moult_appup own = {0};
    struct taking t = {&own, out, APPUP_UP, why};
    int error;

    if (!plugin->appup)
        return 0;
    memcpy(&own, plugin->appup,
           plugin->appup->size < sizeof(own) ? plugin->appup->size : sizeof(own));
    if (own.size < APPUP_SIZE_MIN || own.way_size < WAY_SIZE_MIN ||
        own.instruction_size < INSTRUCTION_SIZE_MIN)
        return fault(why, -EINVAL,
                     "its appup says nothing of its size: begin it with "
                     "MOULT_APPUP");
    out->is_there = own.up || own.down || !own.functions; /* else a file says how */
    error = take_functions(&t);
    if (!error)
        error = take_ways(&t, own.up);
    t.direction = APPUP_DOWN;
    if (!error)
        error = take_ways(&t, own.down);
    return error ? error : appup_check(out, plugin->name, why);
}
