/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv 1.0.0 - keeps values under keys.
 *
 *     moult call kv '{"put": ["colour", "blue"]}'
 *     moult call kv '{"get": "colour"}'
 *     moult call kv '{"delete": "colour"}'
 *     moult call kv '"keys"'
 */
#include <string.h>

#include <moult.h>

struct entry {
    moult_text key;
    moult_bytes value; /* encoded as it came */
};

MOULT_STATE(entry_state, struct entry, MOULT_FIELD(key), MOULT_FIELD(value));

struct kv {
    MOULT_LIST_OF(struct entry) entries; /* by key, bytewise */
};

MOULT_STATE(kv_state, struct kv, MOULT_STRUCT_LIST_FIELD(entries, entry_state));

/* A key that was asked for; lent as long as the request. */
struct key {
    const char *text;
    size_t len;
};

static struct key get_key(moult_in *in)
{
    struct key key;

    key.text = moult_get_text(in, &key.len);
    return key;
}

static int compare(const struct key *key, const moult_text *other)
{
    size_t len = key->len < other->len ? key->len : other->len;
    int order = len ? memcmp(key->text, other->text, len) : 0;

    return order ? order : (key->len > other->len) - (key->len < other->len);
}

/* Where `key` is, or would be. */
static uint32_t find(const struct kv *kv, const struct key *key, bool *found)
{
    uint32_t from = 0, to = kv->entries.count;

    *found = false;
    while (from < to && !*found) {
        uint32_t middle = from + (to - from) / 2;
        int order = compare(key, &kv->entries.items[middle].key);

        *found = order == 0;
        if (order > 0)
            from = middle + 1;
        else
            to = middle;
    }
    return to;
}

/* Make room for `key` at `i`; NULL: no memory. */
static struct entry *insert(moult_ctx *ctx, struct kv *kv, uint32_t i,
                            const struct key *key)
{
    struct entry added = {0}, *at;

    if (moult_text_set(ctx, &added.key, key->text, key->len) < 0)
        return NULL;
    if (!moult_list_add(ctx, &kv->entries, sizeof(added))) {
        moult_free(ctx, added.key.text);
        return NULL;
    }
    at = &kv->entries.items[i];
    memmove(at + 1, at, (kv->entries.count - 1 - i) * sizeof(*at));
    *at = added;
    return at;
}

static void erase(moult_ctx *ctx, struct kv *kv, uint32_t i)
{
    struct entry *at = &kv->entries.items[i];

    moult_free(ctx, at->key.text);
    moult_free(ctx, at->value.bytes);
    kv->entries.count--;
    memmove(at, at + 1, (kv->entries.count - i) * sizeof(*at));
}

/* -- requests -- */

static moult_next put(moult_ctx *ctx, struct kv *kv, moult_in *in, moult_out *reply)
{
    bool is_pair = moult_get_array(in) == 2, found;
    struct key key = get_key(in);
    struct entry *e = NULL;
    const void *value;
    size_t len;
    uint32_t i;

    value = moult_get_item(in, &len);
    if (!is_pair || in->error)
        return moult_refuse(ctx, -EINVAL, "put takes [key, value], where key is text");
    i = find(kv, &key, &found);
    e = found ? &kv->entries.items[i] : insert(ctx, kv, i, &key);
    if (!e || moult_bytes_set(ctx, &e->value, value, len) < 0) {
        if (e && !found)
            erase(ctx, kv, i);
        return moult_refuse(ctx, -ENOMEM, "no memory for a value of %zu bytes", len);
    }
    moult_put_bool(reply, !found);
    return moult_reply();
}

static moult_next get(moult_ctx *ctx, struct kv *kv, moult_in *in, moult_out *reply)
{
    struct key key = get_key(in);
    const struct entry *e;
    bool found;
    uint32_t i = find(kv, &key, &found);

    if (!found)
        return moult_refuse(ctx, -ENOENT, "there is nothing under that key");
    e = &kv->entries.items[i];
    moult_put_item(reply, e->value.bytes, e->value.len);
    return moult_reply();
}

static moult_next delete (moult_ctx *ctx, struct kv *kv, moult_in *in, moult_out *reply)
{
    struct key key = get_key(in);
    bool found;
    uint32_t i = find(kv, &key, &found);

    if (found)
        erase(ctx, kv, i);
    moult_put_bool(reply, found);
    return moult_reply();
}

static moult_next keys(const struct kv *kv, moult_out *reply)
{
    moult_put_array(reply, kv->entries.count);
    for (uint32_t i = 0; i < kv->entries.count; i++) {
        const moult_text *key = &kv->entries.items[i].key;

        moult_put_text_len(reply, key->len ? key->text : "", key->len);
    }
    return moult_reply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_in in;

    if (moult_match_map(request, "put", &in))
        return put(ctx, state, &in, reply);
    if (moult_match_map(request, "get", &in))
        return get(ctx, state, &in, reply);
    if (moult_match_map(request, "delete", &in))
        return delete (ctx, state, &in, reply);
    if (moult_match(request, "keys"))
        return keys(state, reply);
    return moult_refuse(ctx, -EINVAL,
                        "kv takes {\"put\": [key, value]}, {\"get\": key}, "
                        "{\"delete\": key} and \"keys\"");
}

static const moult_server kv = {
    .size = sizeof(moult_server), .state = kv_state, .handle_call = handle_call};

static const moult_child children[] = {{.id = "kv", .server = &kv, .name = "kv"},
                                       {.id = NULL}};

MOULT_PLUGIN(.description = "keeps values under keys", .children = children);
