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

/* Write `text`, a dot and `number`; what is too long is cut.  Printing takes longer. */
static const char *put_numbered(char to[CHILD_ID], const char *text, uint32_t number)
{
    char digits[12], *first = &digits[sizeof(digits) - 1];
    size_t len = strlen(text), room = CHILD_ID - 1, count;

    *first = 0;
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    *--first = '.';
    len = len < room ? len : room;
    count = (size_t)(&digits[sizeof(digits) - 1] - first);
    count = count < room - len ? count : room - len;
    memcpy(to, text, len);
    memcpy(to + len, first, count);
    to[len + count] = 0;
    return to;
}

const char *child_id(const struct child *c, char id[CHILD_ID])
{
    if (c->number == CHILD_NAMELESS)
        return "";
    return c->number == CHILD_ALONE ? child_spec(c)->id
                                    : put_numbered(id, child_spec(c)->id, c->number);
}

const char *child_title(const struct child *c, char id[CHILD_ID])
{
    return child_has_id(c) ? child_id(c, id) : c->code->id;
}

void child_name(const struct child *c, char name[NAME_MAX_LEN + 1])
{
    const moult_child *spec = child_spec(c);

    name[0] = 0;
    if (spec->name && c->number < CHILD_NAMELESS)
        put_numbered(name, spec->name, c->number);
    else if (spec->name)
        snprintf(name, NAME_MAX_LEN + 1, "%s", spec->name);
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

/* -- the indexes -- */

/* Spread what counts upward, and what a weak hash leaves. */
static uint64_t spread(uint64_t key)
{
    return key * 0x9e3779b97f4a7c15u;
}

static uint64_t hash_of_pid(const struct child *c)
{
    return spread(c->pid.bits);
}

static bool has_pid(const struct child *c, const void *pid)
{
    return moult_pid_equal(c->pid, *(const moult_pid *)pid);
}

/* FNV-1a. */
static uint64_t hash_of_text(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *id; id++)
        hash = (hash ^ (uint8_t)*id) * 0x100000001b3u;
    return spread(hash);
}

static uint64_t hash_of_id(const struct child *c)
{
    char id[CHILD_ID];

    return hash_of_text(child_id(c, id));
}

static bool has_id(const struct child *c, const void *id)
{
    char own[CHILD_ID];

    return strcmp(child_id(c, own), id) == 0;
}

static int index_make(struct children *all)
{
    int error = 0;

    for (struct child *c = all->first; c && !error; c = c->next)
        error = child_set_add(&all->by_id, c, hash_of_id);
    if (error)
        child_set_finish(&all->by_id);
    all->is_indexed = !error;
    return error;
}

struct child *children_by_id(struct children *all, const char *id)
{
    if (!all->is_indexed && index_make(all) < 0)
        return NULL;
    return child_set_find(&all->by_id, hash_of_text(id), has_id, id);
}

struct child *children_by_pid(const struct children *all, moult_pid pid)
{
    return pid.bits ? child_set_find(&all->by_pid, spread(pid.bits), has_pid, &pid)
                    : NULL;
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
                           uint32_t number, struct given *given)
{
    struct child *c = malloc(sizeof(*c));

    if (!c) {
        given_destroy(given);
        return NULL;
    }
    *c = (struct child){.code = code, .given = given, .number = number};
    if (all->is_indexed && child_set_add(&all->by_id, c, hash_of_id) < 0) {
        given_destroy(given);
        free(c);
        return NULL;
    }
    link_last(all, c);
    all->count++;
    all->supervisors += child_is_supervisor(c);
    return c;
}

/* What the `n`th of `spec` has for a number. */
static uint32_t number_of(const moult_child *spec, uint32_t n)
{
    return spec->count ? n : CHILD_ALONE;
}

int children_add_all(struct children *all, const struct code *const *codes,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t n = 0; n < child_times(codes[i]->child); n++)
            if (!children_add(all, codes[i], number_of(codes[i]->child, n), NULL))
                return -ENOMEM;
    return 0;
}

int children_add_missing(struct children *all, const struct code *code)
{
    const moult_child *spec = code->child;

    for (uint32_t n = 0; n < child_times(spec); n++) {
        const struct child c = {.code = code, .number = number_of(spec, n)};
        char id[CHILD_ID];

        if (!children_by_id(all, child_id(&c, id)) &&
            !children_add(all, code, c.number, NULL))
            return -ENOMEM;
    }
    return 0;
}

bool child_is_beyond(const struct child *c)
{
    const moult_child *spec = child_spec(c);

    if (c->given || !child_has_id(c))
        return false;
    return spec->count ? c->number >= child_times(spec) : c->number != CHILD_ALONE;
}

void children_remove(struct children *all, struct child *c)
{
    children_set(all, c, CHILD_STOPPED, (moult_pid){0});
    if (all->is_indexed)
        child_set_remove(&all->by_id, c, hash_of_id);
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
    bool is_known = moult_pid_equal(c->pid, pid);
    int error = 0;

    if (c->pid.bits && !is_known)
        child_set_remove(&all->by_pid, c, hash_of_pid);
    count_state(all, c, -1u);
    c->pid = pid;
    if (pid.bits && !is_known)
        error = child_set_add(&all->by_pid, c, hash_of_pid);
    if (error)
        c->pid = (moult_pid){0};
    c->state = error ? CHILD_STOPPED : (uint8_t)state;
    count_state(all, c, 1);
    return error;
}

void children_finish(struct children *all)
{
    while (all->first) {
        struct child *c = all->first;

        all->first = c->next;
        given_destroy(c->given);
        free(c);
    }
    child_set_finish(&all->by_pid);
    child_set_finish(&all->by_id);
    *all = (struct children){0};
}
