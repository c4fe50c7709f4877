/* SPDX-License-Identifier: Apache-2.0 */
#include "pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "server.h"

struct choosing {
    struct pick *pick;
    const struct image *from, *to;
    const json_t *names; /* NULL: by their share */
    bool *found;         /* of these */
    uint64_t seen, all;  /* servers that can go */
    uint64_t wanted;     /* of all */
    int error;
};

static bool can_go(const struct choosing *c, const struct server *s)
{
    return s && s->code->image == c->from && image_find_code(c->to, s->code->id);
}

static void count(struct process *p, void *context)
{
    struct choosing *c = context;

    c->all += can_go(c, server_of(p));
}

static void take(struct choosing *c, const struct process *p)
{
    if (!c->error)
        c->error = map_put(&c->pick->pids, process_pid(p).bits, 1);
}

/* Evenly, from the first to the last. */
static void take_share(struct process *p, void *context)
{
    struct choosing *c = context;

    if (!can_go(c, server_of(p)))
        return;
    if (c->seen * c->wanted / c->all != (c->seen + 1) * c->wanted / c->all)
        take(c, p);
    c->seen++;
}

static bool is_called(const struct process *p, const char *name)
{
    char registered[NAME_MAX_LEN + 1];

    name_of(process_pid(p), registered);
    return strcmp(server_of(p)->id, name) == 0 || strcmp(registered, name) == 0;
}

static void take_named(struct process *p, void *context)
{
    struct choosing *c = context;
    const json_t *name;
    size_t i;

    if (!can_go(c, server_of(p)))
        return;
    json_array_foreach(c->names, i, name)
    {
        if (!is_called(p, json_string_value(name)))
            continue;
        c->found[i] = true;
        take(c, p);
    }
}

static int pick_share(struct choosing *c, struct group *group, double percent,
                      struct fault *why)
{
    group_each(group, count, c);
    if (!c->all)
        return fault(why, -ENOENT, "it has no server that can go to %s", c->to->vsn);
    c->wanted = (uint64_t)((double)c->all * percent / 100 + 0.5);
    if (c->wanted == 0)
        c->wanted = 1;
    group_each(group, take_share, c);
    return 0;
}

static int pick_named(struct choosing *c, struct group *group, struct fault *why)
{
    const json_t *name;
    size_t i;
    int error = 0;

    c->found = calloc(json_array_size(c->names) + 1, sizeof(*c->found));
    if (!c->found)
        return -ENOMEM;
    group_each(group, take_named, c);
    json_array_foreach(c->names, i, name)
    {
        if (!c->found[i])
            error =
                fault(why, -ENOENT, "it has no server called '%s' that can go to %s",
                      json_string_value(name), c->to->vsn);
    }
    free(c->found);
    return error;
}

/* "5%", "0.5%"; false: it is no share. */
static bool is_share(const json_t *words, double *percent)
{
    const char *word = json_string_value(json_array_get(words, 0));
    char *end = NULL;

    if (json_array_size(words) != 1 || !word)
        return false;
    *percent = strtod(word, &end);
    return end != word && strcmp(end, "%") == 0;
}

/* NOLINTNEXTLINE(readability-function-size): whom, between which versions, and by what */
int pick_make(struct pick *pick, struct group *group, const struct image *from,
              const struct image *to, const json_t *words, struct fault *why)
{
    struct choosing c = {.pick = pick, .from = from, .to = to, .names = words};
    double percent = 0;
    int error;

    *pick = (struct pick){0};
    if (!is_share(words, &percent))
        error = pick_named(&c, group, why);
    else if (percent > 0 && percent <= 100)
        error = pick_share(&c, group, percent, why);
    else
        error = fault(why, -EINVAL, "a share is more than 0%% and at most 100%%");
    error = error ? error : c.error;
    return error == -ENOMEM ? fault(why, error, "no memory for the canary") : error;
}

bool pick_has(const struct pick *pick, moult_pid pid)
{
    return pick->all || map_find(&pick->pids, pid.bits, NULL);
}

size_t pick_count(const struct pick *pick)
{
    return pick->pids.count;
}

void pick_finish(struct pick *pick)
{
    map_finish(&pick->pids);
}
