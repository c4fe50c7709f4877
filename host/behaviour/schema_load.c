/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "schema_read.h"

#define WORDS (SCHEMA_MEMBERS / 64)

/* One struct being loaded. */
struct filling {
    uint8_t *state;
    size_t expected;     /* the field that is next if nothing has changed */
    size_t words;        /* how many of each there are below, the others being zero */
    uint64_t own[WORDS]; /* fields that were met by their key */
    uint64_t was[WORDS]; /* and by one they had before */
};

static int load_struct(struct load *l, struct place *place, uint8_t *state);

static int load_nested(struct load *l, const struct place *place, uint8_t *at)
{
    struct place inside = {.up = place, .schema = place->field->nested()};

    if (place->written && place->written->kind == MOULT_KIND_STRUCT)
        inside.writer = place->written->nested();
    return load_struct(l, &inside, at);
}

static int load_item(struct load *l, const struct place *place, uint8_t *at)
{
    return place->field->kind == MOULT_KIND_STRUCT ? load_nested(l, place, at)
                                                   : read_item(l, place, at);
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

/*
 * Field `i` gets the next value, by its own key or (`renamed`) one it had: in
 * place->field, or NULL there if its own key came before and counts.
 */
static int choose(struct load *l, struct place *place, struct filling *to, size_t i,
                  bool renamed)
{
    uint64_t bit = UINT64_C(1) << (i % 64), *own, *was;

    for (; to->words <= i / 64; to->words++)
        to->own[to->words] = to->was[to->words] = 0;
    own = &to->own[i / 64];
    was = &to->was[i / 64];
    if (renamed && (*own & bit))
        return 0;
    place->field = &place->schema->fields[i];
    to->expected = i + 1;
    if ((renamed ? *was : *own) & bit)
        return place_fault(place, l->why, -EBADMSG, "%s is saved twice",
                           renamed ? "a key that it had before" : "its key");
    *(renamed ? was : own) |= bit;
    if (*own & *was & bit)
        return reset_field(l, place->schema, place->field, to->state);
    return 0;
}

/* The next key is not that of the field that was expected. */
static int look_up_key(struct load *l, struct place *place, struct filling *to)
{
    const moult_field *own, *renamed;
    const char *text;
    size_t len;

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
    return choose(l, place, to, (size_t)((own ? own : renamed) - place->schema->fields),
                  !own);
}

/* choose() of field `i` by its own key, where neither it nor one it had came before. */
static inline bool choose_new(struct place *place, struct filling *to, size_t i)
{
    uint64_t bit = UINT64_C(1) << (i % 64);

    if (i / 64 >= to->words || ((to->own[i / 64] | to->was[i / 64]) & bit))
        return false;
    to->own[i / 64] |= bit;
    to->expected = i + 1;
    place->field = &place->schema->fields[i];
    return true;
}

/* The next key, consumed, and where its value goes in place->field: NULL if dropped. */
static int load_key(struct load *l, struct place *place, struct filling *to)
{
    const moult_field *f = &place->schema->fields[to->expected];

    place->field = place->written = NULL;
    if (!f->key || !moult_match(l->in, f->key))
        return look_up_key(l, place, to);
    if (place->writer && f->kind == MOULT_KIND_STRUCT)
        place->written = find_key(place->writer, f->key, strlen(f->key));
    return choose_new(place, to, to->expected)
               ? 0
               : choose(l, place, to, to->expected, false);
}

static int load_pair(struct load *l, struct place *place, struct filling *to)
{
    int err = load_key(l, place, to);

    if (err)
        return err;
    if (place->field)
        return load_field(l, place, to->state + place->field->offset);
    moult_skip(l->in);
    if (l->in->error)
        return place_fault(place, l->why, l->in->error,
                           "what is saved is malformed: %s", l->in->why);
    return 0;
}

static int load_struct(struct load *l, struct place *place, uint8_t *state)
{
    const uint8_t *at = l->in->at;
    size_t pairs = moult_get_map(l->in);
    struct filling to;
    int err = 0;

    if (l->in->error)
        return read_fault(l, place, at, "a map");
    to.state = state;
    to.expected = to.words = 0; /* so that most of it need not be zeroed */
    for (; pairs > 0 && !err; pairs--)
        err = load_pair(l, place, &to);
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
