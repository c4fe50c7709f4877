/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "schema_read.h"

#define WORDS (SCHEMA_MEMBERS / 64)

/* Which fields of one struct were met, by their own key and by the one they had. */
struct met {
    uint64_t own[WORDS], was[WORDS];
};

static int load_struct(struct load *l, struct place *place, uint8_t *state);

static int load_item(struct load *l, const struct place *place, uint8_t *at)
{
    struct place inside = {.up = place};

    if (place->field->kind != MOULT_KIND_STRUCT)
        return read_item(l, place, at);
    inside.schema = place->field->nested();
    if (place->written && place->written->kind == MOULT_KIND_STRUCT)
        inside.writer = place->written->nested();
    return load_struct(l, &inside, at);
}

static int load_items(struct load *l, struct place *place, uint8_t *at, size_t count)
{
    int err = 0;

    place->indexed = true;
    for (size_t i = 0; i < count && !err; i++) {
        place->index = (uint32_t)i;
        err = load_item(l, place, at);
        at += place->field->size;
    }
    place->indexed = false;
    return err;
}

/* Memory for `count` items with their initial values. */
static int make_items(struct load *l, const struct place *place, struct growing *list,
                      size_t count)
{
    const moult_field *f = place->field;
    size_t size;
    int err = 0;

    if (count > UINT32_MAX || __builtin_mul_overflow(count, (size_t)f->size, &size))
        return place_fault(place, l->why, -EOVERFLOW, "%zu items are too many", count);
    list->items = moult_alloc(l->ctx, size);
    if (!list->items)
        return place_fault(place, l->why, -ENOMEM, "no memory for %zu items", count);
    list->count = list->capacity = (uint32_t)count;
    for (size_t i = 0; f->kind == MOULT_KIND_STRUCT && i < count && !err; i++)
        err = schema_init(l->ctx, f->nested(), list->items + i * f->size);
    return err;
}

static int load_growing(struct load *l, struct place *place, uint8_t *at, size_t count)
{
    struct growing list = {0};
    int err;

    if (count == 0)
        return 0; /* as it starts */
    err = make_items(l, place, &list, count);
    if (err)
        return err;
    memcpy(at, &list, sizeof(list));
    return load_items(l, place, list.items, count);
}

static int load_field(struct load *l, struct place *place, uint8_t *at)
{
    const moult_field *f = place->field;
    const uint8_t *start = l->in->at;
    size_t count;

    if (f->many == MOULT_ONE)
        return load_item(l, place, at);
    count = moult_get_array(l->in);
    if (l->in->error)
        return read_fault(l, place, start, "an array");
    if (f->many == MOULT_GROWING)
        return load_growing(l, place, at, count);
    if (count > f->count)
        return place_fault(place, l->why, -EOVERFLOW,
                           "%zu items do not fit an array of %u", count, f->count);
    return load_items(l, place, at, count);
}

/* Back to its initial value; what it had allocated goes with the ctx. */
static int reset_field(struct load *l, const moult_schema *schema, const moult_field *f,
                       uint8_t *state)
{
    moult_field only[2] = {*f, {.key = NULL}};
    moult_schema part = *schema;
    size_t size = f->many == MOULT_GROWING ? sizeof(struct growing) : f->size;

    if (f->many == MOULT_FIXED)
        size *= f->count;
    memset(state + f->offset, 0, size);
    part.fields = only;
    return schema_init(l->ctx, &part, state);
}

static bool is_key(const char *key, const char *text, size_t len)
{
    return key && strlen(key) == len && memcmp(key, text, len) == 0;
}

static const moult_field *find_key(const moult_schema *schema, const char *text,
                                   size_t len)
{
    for (const moult_field *f = schema->fields; f->key; f++)
        if (is_key(f->key, text, len))
            return f;
    return NULL;
}

static const moult_field *find_was(const moult_schema *schema, const char *text,
                                   size_t len)
{
    for (const moult_field *f = schema->fields; f->key; f++)
        if (is_key(f->was, text, len))
            return f;
    return NULL;
}

/* The field that was called `text` before: says its version, or the writer's. */
static const moult_field *find_renamed(const struct place *place, const char *text,
                                       size_t len)
{
    const moult_field *f = find_was(place->schema, text, len), *w;

    if (f || !place->writer)
        return f;
    w = find_key(place->writer, text, len);
    return w && w->was ? find_key(place->schema, w->was, strlen(w->was)) : NULL;
}

/* Sets a bit; whether it was set before. */
static bool meet(uint64_t *words, size_t i)
{
    uint64_t bit = UINT64_C(1) << (i % 64);
    bool before = words[i / 64] & bit;

    words[i / 64] |= bit;
    return before;
}

static bool was_met(const uint64_t *words, size_t i)
{
    return words[i / 64] >> i % 64 & 1;
}

/*
 * `field` gets the value of `text`, its own key or (`renamed`) one it had: in
 * place->field, or NULL there if its own key came before and counts.
 */
static int choose(struct load *l, struct place *place, const moult_field *field,
                  struct met *met, bool renamed)
{
    size_t i = (size_t)(field - place->schema->fields);

    if (renamed && was_met(met->own, i))
        return 0;
    place->field = field;
    if (meet(renamed ? met->was : met->own, i))
        return place_fault(place, l->why, -EBADMSG, "%s is saved twice",
                           renamed ? "a key that it had before" : "its key");
    return 0;
}

/*
 * The next key, consumed, and where its value goes in place->field: NULL if it is
 * dropped.  `expected` is the field that would come next if nothing had changed.
 */
static int load_key(struct load *l, struct place *place, const moult_field *expected,
                    struct met *met)
{
    const moult_field *own, *renamed;
    const char *text;
    size_t len;

    place->field = place->written = NULL;
    if (expected->key && moult_match(l->in, expected->key)) {
        if (place->writer && expected->kind == MOULT_KIND_STRUCT)
            place->written =
                find_key(place->writer, expected->key, strlen(expected->key));
        return choose(l, place, expected, met, false);
    }
    if (moult_peek(l->in) != MOULT_TEXT) {
        moult_skip(l->in); /* no field's key */
        return 0;
    }
    text = moult_get_text(l->in, &len);
    if (l->in->error)
        return 0; /* told where the value is skipped */
    if (place->writer)
        place->written = find_key(place->writer, text, len);
    own = find_key(place->schema, text, len);
    renamed = own ? NULL : find_renamed(place, text, len);
    if (!own && !renamed)
        return 0;
    return choose(l, place, own ? own : renamed, met, !own);
}

static int load_pair(struct load *l, struct place *place, const moult_field **expected,
                     struct met *met, uint8_t *state)
{
    int err = load_key(l, place, *expected, met);
    const moult_field *f = place->field;

    if (!err && f && was_met(met->own, (size_t)(f - place->schema->fields)) &&
        was_met(met->was, (size_t)(f - place->schema->fields)))
        err = reset_field(l, place->schema, f, state);
    if (err)
        return err;
    if (f) {
        *expected = f + 1;
        return load_field(l, place, state + f->offset);
    }
    moult_skip(l->in);
    if (l->in->error)
        return place_fault(place, l->why, l->in->error,
                           "what is saved is malformed: %s", l->in->why);
    return 0;
}

static int load_struct(struct load *l, struct place *place, uint8_t *state)
{
    const moult_field *expected = place->schema->fields;
    const uint8_t *at = l->in->at;
    size_t pairs = moult_get_map(l->in);
    struct met met;
    int err = 0;

    if (l->in->error)
        return read_fault(l, place, at, "a map");
    for (uint32_t i = 0, n = place_count(place->schema); i < n; i += 64)
        met.own[i / 64] = met.was[i / 64] = 0;
    for (; pairs > 0 && !err; pairs--)
        err = load_pair(l, place, &expected, &met, state);
    return err;
}

int schema_load(moult_ctx *ctx, const moult_schema *schema, const moult_schema *writer,
                void *state, moult_in *in, struct fault *why)
{
    struct place place = {.schema = schema, .writer = writer};
    struct load l = {ctx, in, why};

    if (in->error)
        return fault(why, in->error, "state '%s': what is saved is malformed: %s",
                     schema->name, in->why);
    return load_struct(&l, &place, state);
}
