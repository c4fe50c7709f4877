/* SPDX-License-Identifier: Apache-2.0 */
#include "dictionary.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "relation.h"

/* One key and its value, in the list of those with that hash. */
struct definition {
    struct definition *next;
    struct envelope *value;
    char key[];
};

/* FNV-1a; not 0, which is no key of a map. */
static uint64_t hash_of(const char *key)
{
    uint64_t hash = 0xcbf29ce484222325u;

    while (*key)
        hash = (hash ^ (uint8_t)*key++) * 0x100000001b3u;
    return hash ? hash : 1;
}

static uint64_t size_of(const struct definition *d)
{
    return sizeof(*d) + strlen(d->key) + 1 + sizeof(*d->value) +
           envelope_outside(d->value);
}

/* Where the one with `key` is linked, or the end of the list that begins at `*first`. */
static struct definition **find(struct definition **first, const char *key)
{
    while (*first && strcmp((*first)->key, key) != 0)
        first = &(*first)->next;
    return first;
}

static struct definition *list_of(const struct process *p, uint64_t hash)
{
    uint64_t value = 0;

    if (p->relations)
        map_find(&p->relations->dictionary, hash, &value);
    return (struct definition *)(uintptr_t)value;
}

static void destroy(struct process *p, struct definition *d)
{
    p->ctx.heap.queued -= size_of(d);
    envelope_destroy(d->value);
    free(d);
}

static struct definition *create(const char *key, struct envelope *value)
{
    size_t size = strlen(key) + 1;
    struct definition *d = malloc(sizeof(*d) + size);

    if (!d)
        return NULL;
    d->value = value;
    memcpy(d->key, key, size);
    return d;
}

static int define(struct process *p, const char *key, struct envelope *value)
{
    struct definition *d = create(key, value);
    uint64_t hash = hash_of(key);
    int error;

    if (!d)
        return -ENOMEM;
    d->next = list_of(p, hash);
    error = relation_put(p, RELATION_DICTIONARY, hash, (uintptr_t)d);
    if (error) {
        free(d);
        return error;
    }
    p->ctx.heap.queued += size_of(d);
    return 0;
}

int moult_dict_put(moult_ctx *ctx, const char *key, moult_out *value)
{
    struct process *p = process_of(ctx);
    struct definition *list, *d;
    struct envelope *e;
    int error = draft_take(p, value, &e);

    if (error)
        return error;
    list = list_of(p, hash_of(key));
    d = *find(&list, key);
    if (!d) {
        error = define(p, key, e);
        if (error)
            envelope_destroy(e);
        return error;
    }
    p->ctx.heap.queued -= size_of(d);
    envelope_destroy(d->value);
    d->value = e;
    p->ctx.heap.queued += size_of(d);
    return 0;
}

bool moult_dict_get(moult_ctx *ctx, const char *key, moult_in *value)
{
    struct definition *list = list_of(process_of(ctx), hash_of(key));
    struct definition *d = *find(&list, key);

    if (d && value)
        *value = out_read(&d->value->out);
    return d != NULL;
}

bool moult_dict_erase(moult_ctx *ctx, const char *key)
{
    struct process *p = process_of(ctx);
    uint64_t hash = hash_of(key);
    struct definition *list = list_of(p, hash), **link = find(&list, key), *d = *link;

    if (!d)
        return false;
    *link = d->next;
    if (list)
        map_put(&p->relations->dictionary, hash, (uintptr_t)list); /* it is there */
    else
        map_remove(&p->relations->dictionary, hash, NULL);
    destroy(p, d);
    return true;
}

void dictionary_finish(struct process *p)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    while (p->relations && (entry = map_next(&p->relations->dictionary, &at))) {
        struct definition *d = (struct definition *)(uintptr_t)entry->value, *next;

        for (; d; d = next) {
            next = d->next;
            destroy(p, d);
        }
    }
    if (p->relations)
        map_finish(&p->relations->dictionary);
}
