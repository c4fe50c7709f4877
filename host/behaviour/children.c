/* SPDX-License-Identifier: Apache-2.0 */
#include "children.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t child_shutdown_ms(const struct child *c)
{
    uint32_t ms = child_spec(c)->shutdown_ms;

    if (ms == MOULT_SHUTDOWN_INFINITY || ms == MOULT_BRUTAL_KILL)
        return MOULT_INFINITY;
    if (ms)
        return ms;
    return child_is_supervisor(c) ? MOULT_INFINITY : CHILD_SHUTDOWN_MS;
}

void child_name(const struct child *c, char name[NAME_MAX_LEN + 1])
{
    const moult_child *spec = child_spec(c);

    name[0] = 0;
    if (spec->name)
        snprintf(name, NAME_MAX_LEN + 1, "%s%s", spec->name,
                 spec->count ? strrchr(c->id, '.') : "");
}

void given_destroy(struct given *given)
{
    if (!given)
        return;
    free((char *)(uintptr_t)given->spec.id);
    free((char *)(uintptr_t)given->spec.name);
    free(given->args);
    free(given);
}

/* -- the index by id -- */

/* FNV-1a. */
static uint64_t hash_of(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *id; id++)
        hash = (hash ^ (uint8_t)*id) * 0x100000001b3u;
    return hash ? hash : 1;
}

static int index_add(struct children *all, struct child *c)
{
    uint64_t hash = hash_of(c->id), first = 0;

    map_find(&all->by_id, hash, &first);
    c->same_hash = (struct child *)(uintptr_t)first;
    return map_put(&all->by_id, hash, (uintptr_t)c);
}

static void index_remove(struct children *all, struct child *c)
{
    uint64_t hash = hash_of(c->id), value = 0;
    struct child *other;

    map_find(&all->by_id, hash, &value);
    other = (struct child *)(uintptr_t)value;
    if (other == c && c->same_hash)
        map_put(&all->by_id, hash,
                (uintptr_t)c->same_hash); /* it is there: no growth */
    else if (other == c)
        map_remove(&all->by_id, hash, NULL);
    while (other && other != c && other->same_hash != c)
        other = other->same_hash;
    if (other && other != c)
        other->same_hash = c->same_hash;
}

static int index_make(struct children *all)
{
    int error = 0;

    for (struct child *c = all->first; c && !error; c = c->next)
        error = index_add(all, c);
    if (error)
        map_finish(&all->by_id);
    all->is_indexed = !error;
    return error;
}

struct child *children_by_id(struct children *all, const char *id)
{
    struct child *c;
    uint64_t value;

    if ((!all->is_indexed && index_make(all) < 0) ||
        !map_find(&all->by_id, hash_of(id), &value))
        return NULL;
    c = (struct child *)(uintptr_t)value;
    while (c && strcmp(c->id, id) != 0)
        c = c->same_hash;
    return c;
}

/* -- the list -- */

static void link_last(struct children *all, struct child *c)
{
    c->next = NULL;
    c->previous = all->last;
    if (all->last)
        all->last->next = c;
    else
        all->first = c;
    all->last = c;
}

static void unlink_child(struct children *all, struct child *c)
{
    if (c->previous)
        c->previous->next = c->next;
    else
        all->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    else
        all->last = c->previous;
}

struct child *children_add(struct children *all, const struct code *code,
                           const char *id, struct given *given)
{
    size_t size = strlen(id) + 1;
    struct child *c = calloc(1, offsetof(struct child, id) + size);

    if (!c) {
        given_destroy(given);
        return NULL;
    }
    memcpy(c->id, id, size);
    c->code = code;
    c->given = given;
    if (all->is_indexed && index_add(all, c) < 0) {
        given_destroy(given);
        free(c);
        return NULL;
    }
    link_last(all, c);
    all->count++;
    all->supervisors += child_is_supervisor(c);
    return c;
}

int children_add_all(struct children *all, const struct code *const *codes,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const moult_child *spec = codes[i]->child;
        char id[NAME_MAX_LEN + 1];

        for (uint32_t n = 0; n < child_times(spec); n++) {
            snprintf(id, sizeof(id), "%s.%" PRIu32, spec->id, n);
            if (!children_add(all, codes[i], spec->count ? id : spec->id, NULL))
                return -ENOMEM;
        }
    }
    return 0;
}

int children_add_missing(struct children *all, const struct code *code)
{
    const moult_child *spec = code->child;
    char id[NAME_MAX_LEN + 1];

    for (uint32_t n = 0; n < child_times(spec); n++) {
        snprintf(id, sizeof(id), "%s.%" PRIu32, spec->id, n);
        if (!children_by_id(all, spec->count ? id : spec->id) &&
            !children_add(all, code, spec->count ? id : spec->id, NULL))
            return -ENOMEM;
    }
    return 0;
}

bool child_is_beyond(const struct child *c)
{
    const moult_child *spec = child_spec(c);

    return !c->given && spec->count &&
           strtoul(strrchr(c->id, '.') + 1, NULL, 10) >= child_times(spec);
}

void children_remove(struct children *all, struct child *c)
{
    children_set(all, c, CHILD_STOPPED, (moult_pid){0});
    if (all->is_indexed)
        index_remove(all, c);
    unlink_child(all, c);
    all->count--;
    all->supervisors -= child_is_supervisor(c);
    given_destroy(c->given);
    free(c);
}

void children_move_to_end(struct children *all, struct child *c)
{
    unlink_child(all, c);
    link_last(all, c);
}

static void count_state(struct children *all, const struct child *c, uint32_t by)
{
    if (c->state == CHILD_STOPPED)
        return;
    if (c->state == CHILD_RUNNING)
        all->running += by;
    else
        all->restarting += by;
    if (child_spec(c)->significant)
        all->significant += by;
}

int children_set(struct children *all, struct child *c, enum child_state state,
                 moult_pid pid)
{
    int error = 0;

    if (c->pid.bits && !moult_pid_equal(c->pid, pid))
        map_remove(&all->by_pid, c->pid.bits, NULL);
    if (pid.bits)
        error = map_put(&all->by_pid, pid.bits, (uintptr_t)c);
    count_state(all, c, -1u);
    c->state = error ? CHILD_STOPPED : (uint8_t)state;
    c->pid = error ? (moult_pid){0} : pid;
    count_state(all, c, 1);
    return error;
}

struct child *children_by_pid(const struct children *all, moult_pid pid)
{
    uint64_t value;

    return pid.bits && map_find(&all->by_pid, pid.bits, &value)
               ? (struct child *)(uintptr_t)value
               : NULL;
}

void children_finish(struct children *all)
{
    while (all->first) {
        struct child *c = all->first;

        all->first = c->next;
        given_destroy(c->given);
        free(c);
    }
    map_finish(&all->by_pid);
    map_finish(&all->by_id);
    *all = (struct children){0};
}
