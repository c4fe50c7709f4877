/* SPDX-License-Identifier: Apache-2.0 */
#include "appup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appspec.h"

static const char *const kinds[] = {
    [MOULT_UPDATE] = "update",
    [MOULT_LOAD_MODULE] = "load_module",
    [MOULT_ADD_MODULE] = "add_module",
    [MOULT_DELETE_MODULE] = "delete_module",
    [MOULT_ADD_APPLICATION] = "add_application",
    [MOULT_REMOVE_APPLICATION] = "remove_application",
    [MOULT_RESTART_APPLICATION] = "restart_application",
    [MOULT_APPLY] = "apply",
    [MOULT_RESTART] = "restart",
    [MOULT_POINT_OF_NO_RETURN] = "point_of_no_return",
    [MOULT_STOP] = "stop",
    [MOULT_START] = "start",
};

const char *instruction_text(int32_t kind)
{
    return kinds[kind];
}

const char *instruction_change_text(int32_t change)
{
    static const char *const texts[] = {[MOULT_SOFT] = "soft",
                                        [MOULT_ADVANCED] = "advanced",
                                        [MOULT_SUPERVISOR] = "supervisor"};

    return texts[change];
}

/* -- making -- */

/* Room for one more of `size` bytes, zeroed, behind the `*count` of `*list`; or NULL. */
static void *grow(void *list, size_t *count, size_t size)
{
    void *old, *more;

    memcpy(&old, list, sizeof(old));
    more = reallocarray(old, *count + 1, size);
    if (!more)
        return NULL;
    memcpy(list, &more, sizeof(more));
    return memset((char *)more + size * (*count)++, 0, size);
}

/* A pattern is for the whole of a version; by itself it must be one, too. */
static int compile(struct way *way, const char *pattern, struct fault *why)
{
    char *whole, text[128];
    int failed = regcomp(&way->regex, pattern, REG_EXTENDED | REG_NOSUB);

    if (failed) {
        regerror(failed, &way->regex, text, sizeof(text));
        return fault(why, -EINVAL, "%s: the pattern '%.64s' is none: %s", way->where,
                     pattern, text);
    }
    regfree(&way->regex);
    if (asprintf(&whole, "^(%s)$", pattern) < 0)
        return -ENOMEM;
    failed = regcomp(&way->regex, whole, REG_EXTENDED | REG_NOSUB);
    free(whole);
    if (failed)
        return -ENOMEM;
    way->pattern = strdup(pattern);
    if (!way->pattern)
        regfree(&way->regex);
    return way->pattern ? 0 : -ENOMEM;
}

struct way *appup_add(struct appup *appup, enum appup_direction direction,
                      const char *vsn, const char *pattern, const char *where,
                      struct fault *why)
{
    struct ways *ways = &appup->ways[direction];
    struct way *way = grow(&ways->list, &ways->count, sizeof(*way));
    int error = way && (way->where = strdup(where)) ? 0 : -ENOMEM;

    if (!error && !vsn == !pattern)
        error = fault(why, -EINVAL, "%s: set vsn or pattern, one of them", where);
    if (!error && vsn && !(way->vsn = strdup(vsn)))
        error = -ENOMEM;
    if (!error && pattern)
        error = compile(way, pattern, why);
    if (error == -ENOMEM)
        fault(why, error, "no memory to load a plugin");
    return error ? NULL : way;
}

struct instruction *way_add(struct way *way, int32_t kind, const char *name,
                            const char *where)
{
    struct instruction *i = grow(&way->list, &way->count, sizeof(*i));

    if (!i)
        return NULL;
    i->kind = kind;
    i->name = strdup(name ? name : "");
    i->where = strdup(where);
    return i->name && i->where ? i : NULL;
}

static void release_instruction(struct instruction *i)
{
    free(i->name);
    free(i->extra);
    free(i->where);
    appspec_release_list(i->deps);
}

static void release_way(struct way *way)
{
    for (size_t i = 0; i < way->count; i++)
        release_instruction(&way->list[i]);
    if (way->pattern)
        regfree(&way->regex);
    free(way->list);
    free(way->vsn);
    free(way->pattern);
    free(way->where);
}

void appup_clear(struct appup *appup)
{
    for (int d = 0; d < 2; d++) {
        for (size_t i = 0; i < appup->ways[d].count; i++)
            release_way(&appup->ways[d].list[i]);
        free(appup->ways[d].list);
        appup->ways[d] = (struct ways){0};
    }
    appup->is_there = false;
}

void appup_release(struct appup *appup)
{
    appup_clear(appup);
    for (size_t i = 0; i < appup->function_count; i++)
        free(appup->functions[i].name);
    free(appup->functions);
    free(appup->module);
    *appup = (struct appup){0};
}

/* -- finding -- */

const struct way *appup_find(const struct appup *appup, enum appup_direction direction,
                             const char *vsn)
{
    const struct ways *ways = &appup->ways[direction];

    for (size_t i = 0; i < ways->count; i++) {
        const struct way *way = &ways->list[i];

        if (way->vsn ? strcmp(way->vsn, vsn) == 0
                     : regexec(&way->regex, vsn, 0, NULL, 0) == 0)
            return way;
    }
    return NULL;
}

const struct instruction *way_find(const struct way *way, const char *name)
{
    for (size_t i = 0; way && i < way->count; i++)
        if (instruction_is_module(&way->list[i]) &&
            strcmp(way->list[i].name, name) == 0)
            return &way->list[i];
    return NULL;
}

static bool has_kind(const struct way *way, int32_t kind)
{
    for (size_t i = 0; way && i < way->count; i++)
        if (way->list[i].kind == kind)
            return true;
    return false;
}

bool way_restarts(const struct way *way)
{
    return has_kind(way, MOULT_RESTART_APPLICATION) || way_reboots(way);
}

bool way_reboots(const struct way *way)
{
    return has_kind(way, MOULT_RESTART);
}

bool instruction_covers(const char *of, const char *name)
{
    size_t len = strlen(of);

    return strncmp(of, name, len) == 0 && (!name[len] || name[len] == '/');
}

bool way_stops(const struct way *way, const char *name)
{
    for (size_t i = 0; way && i < way->count; i++)
        if (way->list[i].kind == MOULT_STOP &&
            instruction_covers(way->list[i].name, name))
            return true;
    return false;
}

const struct function *appup_function(const struct appup *appup, const char *name)
{
    for (size_t i = 0; i < appup->function_count; i++)
        if (strcmp(appup->functions[i].name, name) == 0)
            return &appup->functions[i];
    return NULL;
}
