/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_functions - the functions of abi/moult/registry.h, on the tables of
 * registry.h.
 *
 * What is found is copied while it is visited, and so may be used however long that takes.
 */
#include <errno.h>

#include "message.h"
#include "out.h"
#include "registry.h"

#define LONG_ARRAY 0x9a /* a CBOR array whose count takes the next four bytes */

static const struct item null_item = {"\xf6", 1};

/* The item at `in`: 0 or -EBADMSG. */
static int item_at(const moult_in *in, struct item *item)
{
    moult_in copy;

    if (!in)
        return -EBADMSG;
    copy = *in;
    item->bytes = moult_get_item(&copy, &item->len);
    return copy.error ? -EBADMSG : 0;
}

static int value_at(const moult_in *in, struct item *item)
{
    *item = null_item;
    return in ? item_at(in, item) : 0;
}

static int both_at(const moult_in *key, const moult_in *value, struct item *k,
                   struct item *v)
{
    int error = item_at(key, k);

    return error ? error : value_at(value, v);
}

/* -- items -- */

moult_in moult_text_key(moult_ctx *ctx, const char *text)
{
    moult_out *draft = moult_draft(ctx);

    moult_put_text(draft, text);
    return out_read(draft);
}

moult_in moult_draft_in(const moult_out *draft)
{
    return out_read(draft);
}

/* -- registering -- */

int moult_registry_register(moult_ctx *ctx, moult_pid registry, const moult_in *key,
                            const moult_in *value, moult_pid *holder)
{
    struct item k, v;
    int error = both_at(key, value, &k, &v);

    return error ? error : registry_register(process_of(ctx), registry, k, v, holder);
}

int moult_registry_unregister(moult_ctx *ctx, moult_pid registry, const moult_in *key)
{
    struct item k;
    int error = item_at(key, &k);

    return error ? error
                 : registry_unregister(process_of(ctx), registry, k, (struct item){0});
}

int moult_registry_unregister_match(moult_ctx *ctx, moult_pid registry,
                                    const moult_in *key, const moult_in *value)
{
    struct item k, v;
    int error = both_at(key, value, &k, &v);

    return error ? error : registry_unregister(process_of(ctx), registry, k, v);
}

int moult_registry_update_value(moult_ctx *ctx, moult_pid registry, const moult_in *key,
                                const moult_in *value)
{
    struct item k, v;
    int error = both_at(key, value, &k, &v);

    return error ? error : registry_update(process_of(ctx), registry, k, v);
}

/* -- lists -- */

/* An array being written, whose count is known at its end. */
struct list {
    moult_out *out;
    uint32_t count;
    moult_pid owner; /* of whom only, for some */
};

static struct list list_begin(moult_ctx *ctx)
{
    struct list list = {.out = moult_draft(ctx)};
    uint8_t *head = out_room(list.out, 5);

    if (head) {
        head[0] = LONG_ARRAY;
        list.out->len += 5;
    }
    return list;
}

static int list_end(struct list *list, int error, moult_in *found)
{
    if (!error)
        error = list->out->error;
    if (error)
        return error;
    for (int i = 0; i < 4; i++)
        list->out->bytes[1 + i] = (uint8_t)(list->count >> (24 - 8 * i));
    *found = out_read(list->out);
    return 0;
}

static bool add_entry(void *context, struct item key, moult_pid pid, struct item value)
{
    struct list *list = context;

    list->count++;
    moult_put_array(list->out, 2);
    moult_put_pid(list->out, pid);
    moult_put_item(list->out, value.bytes, value.len);
    return list->out->error == 0;
}

static bool add_key(void *context, struct item key, moult_pid pid, struct item value)
{
    struct list *list = context;

    list->count++;
    moult_put_item(list->out, key.bytes, key.len);
    return list->out->error == 0;
}

static bool add_value(void *context, struct item key, moult_pid pid, struct item value)
{
    struct list *list = context;

    if (!moult_pid_equal(pid, list->owner))
        return true;
    list->count++;
    moult_put_item(list->out, value.bytes, value.len);
    return list->out->error == 0;
}

/* Visit what all partitions have under `key`. */
static int visit_all_of(moult_pid registry, struct item key, registry_visit *visit,
                        struct list *list)
{
    uint32_t partition = 0;
    int error = 0;

    while (!error && partition != UINT32_MAX)
        error = registry_visit_key(registry, key, &partition, visit, list);
    return error;
}

static int list_key(moult_ctx *ctx, moult_pid registry, const moult_in *key,
                    registry_visit *visit, struct list *list)
{
    struct item k;
    int error = item_at(key, &k);

    return error ? error : visit_all_of(registry, k, visit, list);
}

int moult_registry_lookup(moult_ctx *ctx, moult_pid registry, const moult_in *key,
                          moult_in *found)
{
    struct list list = list_begin(ctx);

    return list_end(&list, list_key(ctx, registry, key, add_entry, &list), found);
}

int moult_registry_values(moult_ctx *ctx, moult_pid registry, const moult_in *key,
                          moult_pid owner, moult_in *values)
{
    struct list list = list_begin(ctx);

    list.owner = owner;
    return list_end(&list, list_key(ctx, registry, key, add_value, &list), values);
}

int moult_registry_keys(moult_ctx *ctx, moult_pid registry, moult_pid owner,
                        moult_in *keys)
{
    struct list list = list_begin(ctx);

    return list_end(&list, registry_visit_owner(registry, owner, add_key, &list), keys);
}

int moult_registry_match(moult_ctx *ctx, moult_pid registry, const moult_in *key,
                         moult_registry_filter *fits, void *context, moult_in *found)
{
    struct list list = list_begin(ctx);
    moult_in copy;
    int error = moult_registry_lookup(ctx, registry, key, &copy);

    for (size_t left = error ? 0 : moult_get_array(&copy); left > 0; left--) {
        size_t len;
        moult_in entry = copy;
        const void *item = moult_get_item(&copy, &len);
        moult_pid pid;

        moult_get_array(&entry);
        pid = moult_get_pid(&entry);
        if (!fits(pid, entry, context))
            continue;
        list.count++;
        moult_put_item(list.out, item, len);
    }
    return list_end(&list, error, found);
}

/* -- dispatch -- */

/* Call `dispatch` with the entries that `list` holds, which are not few than one. */
static int dispatch_list(moult_ctx *ctx, struct list *list,
                         moult_registry_dispatcher *dispatch, void *context)
{
    moult_registry_entry *entries = moult_alloc(ctx, list->count * sizeof(*entries));
    moult_in in;
    int error = list_end(list, entries ? 0 : -ENOMEM, &in);

    if (!error) {
        moult_get_array(&in);
        for (uint32_t i = 0; i < list->count; i++) {
            moult_in entry = in;

            moult_skip(&in);
            moult_get_array(&entry);
            entries[i].pid = moult_get_pid(&entry);
            entries[i].value = entry;
        }
        dispatch(ctx, entries, list->count, context);
    }
    moult_free(ctx, entries);
    return error;
}

int moult_registry_dispatch(moult_ctx *ctx, moult_pid registry, const moult_in *key,
                            moult_registry_dispatcher *dispatch, void *context)
{
    uint32_t partition = 0;
    struct item k;
    int error = item_at(key, &k);

    while (!error && partition != UINT32_MAX) {
        struct list list = list_begin(ctx);

        error = registry_visit_key(registry, k, &partition, add_entry, &list);
        if (!error && list.count > 0)
            error = dispatch_list(ctx, &list, dispatch, context);
        draft_drop(process_of(ctx), list.out);
    }
    return error;
}

/* -- one -- */

moult_pid moult_whereis_via(moult_pid registry, const moult_in *key)
{
    struct item k;

    return item_at(key, &k) == 0 ? registry_whereis(registry, k) : (moult_pid){0};
}

uint64_t moult_registry_count(moult_pid registry)
{
    return registry_count(registry);
}

/* -- metadata -- */

int moult_registry_put_meta(moult_pid registry, const moult_in *key,
                            const moult_in *value)
{
    struct item k, v;
    int error = both_at(key, value, &k, &v);

    return error ? error : registry_put_meta(registry, k, v);
}

int moult_registry_delete_meta(moult_pid registry, const moult_in *key)
{
    struct item k;
    int error = item_at(key, &k);

    return error ? error : registry_delete_meta(registry, k);
}

static bool copy_value(void *context, struct item key, moult_pid pid, struct item value)
{
    moult_put_item(context, value.bytes, value.len);
    return false;
}

int moult_registry_meta(moult_ctx *ctx, moult_pid registry, const moult_in *key,
                        moult_in *value)
{
    moult_out *out = moult_draft(ctx);
    struct item k;
    int error = item_at(key, &k);

    if (!error)
        error = registry_visit_meta(registry, k, copy_value, out);
    if (!error)
        error = out->error ? out->error : out->len == 0 ? -ENOENT : 0;
    if (!error)
        *value = out_read(out);
    return error;
}
