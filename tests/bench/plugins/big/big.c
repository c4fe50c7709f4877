/* SPDX-License-Identifier: Apache-2.0 */
/*
 * big - one server with a big state: a table of integers to 32 bytes, the first of which is
 * 1 in version 1.0.0 and 2 in 2.0.0, so that going there and back rewrites all of them.
 *
 *   "check"    are all there, and of this version?
 *   "codec"    {"bytes", "encode_ns", "decode_ns"} of the state
 */
#include "measure.h"

#include <string.h>

struct entry {
    uint64_t key; /* 0: nothing is here */
    uint8_t value[32];
};

struct big {
    uint64_t count, slots; /* slots are a power of two */
    struct entry *table;
};

MOULT_STATE(big_state, struct big, MOULT_FIELD(count));

/* Where `key` is, or where it is to be put. */
static struct entry *place(const struct big *b, uint64_t key)
{
    uint64_t i = key * 0x9e3779b97f4a7c15u >> 20;

    while (b->table[i & (b->slots - 1)].key != 0 &&
           b->table[i & (b->slots - 1)].key != key)
        i++;
    return &b->table[i & (b->slots - 1)];
}

static int make_room(moult_ctx *ctx, struct big *b, uint64_t count)
{
    b->count = count;
    b->slots = 16;
    while (b->slots < count * 3 / 2)
        b->slots *= 2;
    b->table = moult_alloc(ctx, b->slots * sizeof(*b->table));
    return b->table ? 0 : -ENOMEM;
}

static void write_value(uint64_t key, uint8_t first, uint8_t *value)
{
    memset(value, 0, 32);
    memcpy(value + 24, &key, sizeof(key));
    value[0] = first;
}

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct big *b = state;

    if (make_room(ctx, b, ENTRIES) < 0)
        return moult_stop(-ENOMEM);
    for (uint64_t key = 1; key <= ENTRIES; key++) {
        struct entry *e = place(b, key);

        e->key = key;
        write_value(key, FORMAT + 1, e->value);
    }
    return moult_noreply();
}

static int save(const void *state, moult_out *out)
{
    const struct big *b = state;

    moult_put_map(out, b->count);
    for (uint64_t i = 0; i < b->slots; i++) {
        if (b->table[i].key == 0)
            continue;
        moult_put_uint(out, b->table[i].key);
        moult_put_bytes(out, b->table[i].value, sizeof(b->table[i].value));
    }
    return moult_out_error(out);
}

static int load(moult_ctx *ctx, void *state, moult_in *in)
{
    struct big *b = state;
    size_t pairs = moult_get_map(in);

    if (in->error || make_room(ctx, b, pairs) < 0)
        return in->error ? in->error : -ENOMEM;
    while (pairs-- > 0) {
        uint64_t key = moult_get_uint(in);
        size_t len;
        const void *value = moult_get_bytes(in, &len);
        struct entry *e;

        if (in->error || key == 0 || len != sizeof(e->value))
            return -EBADMSG;
        e = place(b, key);
        e->key = key;
        memcpy(e->value, value, len);
    }
    return 0;
}

#if FORMAT > 0
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    size_t pairs = moult_get_map(from), len;

    moult_put_map(to, pairs);
    while (pairs-- > 0 && !from->error) {
        uint8_t value[32];

        moult_put_uint(to, moult_get_uint(from));
        memcpy(value, moult_get_bytes(from, &len), sizeof(value));
        value[0] = (uint8_t)(change->to + 1);
        moult_put_bytes(to, value, sizeof(value));
    }
    return from->error;
}
#endif

static bool is_whole(const struct big *b)
{
    uint8_t value[32];

    if (b->count != ENTRIES)
        return false;
    for (uint64_t key = 1; key <= ENTRIES; key++) {
        const struct entry *e = place(b, key);

        write_value(key, FORMAT + 1, value);
        if (e->key != key || memcmp(e->value, value, sizeof(value)) != 0)
            return false;
    }
    return true;
}

static int time_codec(moult_ctx *ctx, const struct big *b, moult_out *reply)
{
    moult_out *m = moult_draft(ctx);
    struct big copy = {.count = 0};
    uint64_t start = measure_now_ns(), encoded, decoded;
    moult_in in, all;
    size_t bytes = 0;
    int err = save(b, m);

    encoded = measure_now_ns();
    in = all = moult_draft_in(m);
    if (!err)
        err = load(ctx, &copy, &in);
    decoded = measure_now_ns();
    if (!err && (copy.count != ENTRIES || !is_whole(&copy)))
        err = -EPROTO;
    moult_free(ctx, copy.table);
    moult_get_item(&all, &bytes);
    moult_put_map(reply, 3);
    measure_put_at(reply, "bytes", bytes);
    measure_put_at(reply, "encode_ns", encoded - start);
    measure_put_at(reply, "decode_ns", decoded - encoded);
    return err;
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct big *b = state;
    int err = 0;

    if (moult_match(request, "codec"))
        err = time_codec(ctx, b, reply);
    else
        moult_put_bool(reply, true);
    if (!err && !is_whole(b))
        err = -EPROTO;
    return err ? moult_refuse(ctx, err, "the state is not whole") : moult_reply();
}

static const moult_server big = {.size = sizeof(moult_server),
                                 .format = FORMAT,
                                 .state = big_state,
                                 .init = init,
                                 .handle_call = handle_call,
#if FORMAT > 0
                                 .code_change = code_change,
#endif
                                 .save = save,
                                 .load = load};

MOULT_PLUGIN(.description = "a server with a big state",
             .children = (const moult_child[]){
                 {.id = "big", .server = &big, .name = "big"}, {.id = NULL}});
