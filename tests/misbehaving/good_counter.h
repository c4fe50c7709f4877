/* SPDX-License-Identifier: Apache-2.0 */
/*
 * good_counter - a counter 3 that is right in all but its code_change.
 *
 * Each of the versions that sin in code_change includes this, and then defines it.
 */
#ifndef MOULT_GOOD_COUNTER_H
#define MOULT_GOOD_COUNTER_H

#include <moult.h>

struct counter {
    int64_t total;
    int64_t step;
};

MOULT_STATE(counter_state, struct counter, MOULT_FIELD(total),
            MOULT_FIELD(step, .initial = 1));

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct counter *c = state;
    int64_t n = 0, sum;

    if (moult_match(request, "bump"))
        n = c->step;
    else if (!moult_match(request, "get") && !moult_match_int(request, "add", &n) &&
             !moult_match_int(request, "step", &c->step))
        return moult_refuse(ctx, -EINVAL, "counter does not take that");
    if (__builtin_add_overflow(c->total, n, &sum))
        return moult_refuse(ctx, -EOVERFLOW, "the count would not fit 64 bits");
    c->total = sum;
    moult_put_int(reply, c->total);
    return moult_reply();
}

/* The sin. */
static int code_change(const moult_change *change, moult_in *from, moult_out *to);

static const moult_server counter = {.size = sizeof(moult_server),
                                     .format = 2,
                                     .state = counter_state,
                                     .handle_call = handle_call,
                                     .code_change = code_change};

static const moult_child children[] = {
    {.id = "counter", .server = &counter, .name = "counter"}, {.id = NULL}};

MOULT_PLUGIN(.children = children);

/* The count in a state of format 0 (`count`) or 1 (`added` and `removed`). */
static inline int64_t count_in(moult_in *from)
{
    moult_in value = {0};
    uint64_t added, removed;

    if (moult_find(from, "count", &value))
        return moult_get_int(&value);
    added = moult_find(from, "added", &value) ? moult_get_uint(&value) : 0;
    removed = moult_find(from, "removed", &value) ? moult_get_uint(&value) : 0;
    return (int64_t)(added - removed);
}

/* Write the state that a good code_change would have written. */
static inline int carry(const moult_change *change, moult_in *from, moult_out *to)
{
    int64_t count = change->to == 2 ? count_in(from) : moult_int_at(from, "total");

    if (change->to == 1) {
        moult_put_map(to, 2);
        moult_put_text(to, "added");
        moult_put_uint(to, count > 0 ? (uint64_t)count : 0);
        moult_put_text(to, "removed");
        moult_put_uint(to, count < 0 ? 0 - (uint64_t)count : 0);
        return 0;
    }
    moult_put_map(to, 1);
    moult_put_int_at(to, change->to == 2 ? "total" : "count", count);
    return 0;
}

#endif
