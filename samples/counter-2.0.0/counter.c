/* SPDX-License-Identifier: Apache-2.0 */
/* counter 2.0.0 - counts, and knows how much came and how much went. */
#include <moult.h>

/* added - removed is the count, and always fits int64_t. */
struct counter {
    uint64_t added;
    uint64_t removed;
    int64_t step;
};

MOULT_STATE(counter_state, struct counter, MOULT_FIELD(added), MOULT_FIELD(removed),
            MOULT_FIELD(step, .initial = 1));

/* Count `n` in; false, and nothing is done, if a number would not fit. */
static bool add(struct counter *c, int64_t n, int64_t *count)
{
    struct counter sum = *c;

    if (n >= 0 ? __builtin_add_overflow(c->added, n, &sum.added)
               : __builtin_sub_overflow(c->removed, n, &sum.removed))
        return false;
    if (__builtin_sub_overflow(sum.added, sum.removed, count))
        return false;
    *c = sum;
    return true;
}

static void put_totals(moult_out *out, const struct counter *c)
{
    moult_put_text(out, "added");
    moult_put_uint(out, c->added);
    moult_put_text(out, "removed");
    moult_put_uint(out, c->removed);
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct counter *c = state;
    int64_t n = 0, count;

    if (moult_match(request, "totals")) {
        moult_put_map(reply, 2);
        put_totals(reply, c);
        return moult_reply();
    }
    if (moult_match(request, "bump"))
        n = c->step;
    else if (!moult_match(request, "get") && !moult_match_int(request, "add", &n) &&
             !moult_match_int(request, "step", &c->step))
        return moult_refuse(ctx, -EINVAL,
                            "counter takes \"get\", \"totals\", \"bump\", "
                            "{\"add\": integer} and {\"step\": integer}");
    if (!add(c, n, &count))
        return moult_refuse(ctx, -EOVERFLOW, "the count would not fit 64 bits");
    moult_put_int(reply, count);
    return moult_reply();
}

static uint64_t uint_at(moult_in *in, const char *key)
{
    moult_in value = {0};

    return moult_find(in, key, &value) ? moult_get_uint(&value) : 0;
}

/*
 * Format 0 keeps the count, format 1 what was added and what was removed; of an old
 * count nobody knows more than the sum.  1.0.0 had no step, and bumped by one.
 */
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    struct counter c = {0};
    moult_in step = {0};
    int64_t count;

    moult_put_map(to, change->to == 1 ? 3 : 2);
    moult_put_int_at(to, "step",
                     moult_find(from, "step", &step) ? moult_get_int(&step) : 1);
    if (change->to == 1) {
        add(&c, moult_int_at(from, "count"), &count);
        put_totals(to, &c);
    } else {
        if (__builtin_sub_overflow(uint_at(from, "added"), uint_at(from, "removed"),
                                   &count))
            return -EOVERFLOW;
        moult_put_int_at(to, "count", count);
    }
    return 0;
}

static const moult_server counter = {.size = sizeof(moult_server),
                                     .format = 1,
                                     .state = counter_state,
                                     .handle_call = handle_call,
                                     .code_change = code_change};

static const moult_child children[] = {
    {.id = "counter", .server = &counter, .name = "counter"}, {.id = NULL}};

MOULT_PLUGIN(.description = "counts, and knows how much came and how much went",
             .children = children);
