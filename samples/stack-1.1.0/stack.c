/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack 1.1.0 - the same, as deep as it is told to be, and shows what is on top.
 *
 *     moult call stack '{"push": {"any": "thing"}}'
 *     moult call stack '"pop"'
 *     moult call stack '"peek"'
 *     moult call stack '{"limit": 100}'
 */
#include <moult.h>

struct stack {
    MOULT_LIST_OF(moult_bytes) items; /* encoded as they came, the newest last */
    int64_t limit;                    /* of items */
};

MOULT_STATE(stack_state, struct stack, MOULT_LIST_FIELD(items),
            MOULT_FIELD(limit, .initial = 1000));

static moult_next push(moult_ctx *ctx, struct stack *s, moult_in *item,
                       moult_out *reply)
{
    size_t len;
    const void *bytes = moult_get_item(item, &len);
    moult_bytes *top;

    if (s->items.count >= s->limit)
        return moult_refuse(ctx, -ENOSPC, "the stack is full: its limit is %lld",
                            (long long)s->limit);
    top = moult_list_add(ctx, &s->items, sizeof(*top));
    if (!top)
        return moult_refuse(ctx, -ENOMEM, "no memory for another item");
    if (moult_bytes_set(ctx, top, bytes, len) < 0) {
        s->items.count--;
        return moult_refuse(ctx, -ENOMEM, "no memory for an item of %zu bytes", len);
    }
    moult_put_int(reply, s->items.count);
    return moult_reply();
}

static moult_next pop(moult_ctx *ctx, struct stack *s, moult_out *reply)
{
    moult_bytes *top;

    if (s->items.count == 0)
        return moult_refuse(ctx, -ENOENT, "the stack is empty");
    top = &s->items.items[--s->items.count];
    moult_put_item(reply, top->bytes, top->len);
    moult_free(ctx, top->bytes);
    *top = (moult_bytes){0};
    return moult_reply();
}

static moult_next peek(moult_ctx *ctx, const struct stack *s, moult_out *reply)
{
    const moult_bytes *top;

    if (s->items.count == 0)
        return moult_refuse(ctx, -ENOENT, "the stack is empty");
    top = &s->items.items[s->items.count - 1];
    moult_put_item(reply, top->bytes, top->len);
    return moult_reply();
}

static moult_next set_limit(moult_ctx *ctx, struct stack *s, int64_t limit,
                            moult_out *reply)
{
    if (limit < s->items.count)
        return moult_refuse(ctx, -EINVAL, "there are %u items", s->items.count);
    s->limit = limit;
    moult_put_int(reply, limit);
    return moult_reply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_in item;
    int64_t limit;

    if (moult_match_map(request, "push", &item))
        return push(ctx, state, &item, reply);
    if (moult_match(request, "pop"))
        return pop(ctx, state, reply);
    if (moult_match(request, "peek"))
        return peek(ctx, state, reply);
    if (moult_match_int(request, "limit", &limit))
        return set_limit(ctx, state, limit, reply);
    return moult_refuse(ctx, -EINVAL,
                        "stack takes {\"push\": anything}, \"pop\", \"peek\" and "
                        "{\"limit\": integer}");
}

static const moult_server stack = {
    .size = sizeof(moult_server), .state = stack_state, .handle_call = handle_call};

static const moult_child children[] = {
    {.id = "stack", .server = &stack, .name = "stack"}, {.id = NULL}};

MOULT_PLUGIN(.description = "keeps things, the newest on top", .children = children);
