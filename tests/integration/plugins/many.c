/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many - COUNT servers in versions that go by pointer, schema and code_change.
 *
 *   1.0.0  count, mark                    format 0
 *   1.0.1  the same
 *   1.1.0  `mark` is renamed to `sign`    format 0
 *   2.0.0  `twice` in place of `count`    format 1; BAD: refuses where the count is 77
 *
 *     "get" is answered by the count, {"add": n} by the sum; "whole" by the vsn if all
 *     else in the state is as it must be
 */
#include <stdio.h>

#include <moult.h>

struct one {
#if KIND == 2
    int64_t twice;
#else
    int64_t count;
#endif
#if KIND == 0
    int64_t mark;
#else
    int64_t sign;
#endif
    moult_text label;
};

#if KIND == 0
MOULT_STATE(one_state, struct one, MOULT_FIELD(count), MOULT_FIELD(mark, .initial = 7),
            MOULT_FIELD(label));
#elif KIND == 1
MOULT_STATE(one_state, struct one, MOULT_FIELD(count),
            MOULT_FIELD(sign, .was = "mark", .initial = 7), MOULT_FIELD(label));
#else
MOULT_STATE(one_state, struct one, MOULT_FIELD(twice), MOULT_FIELD(sign, .initial = 7),
            MOULT_FIELD(label));
#endif

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct one *o = state;

    if (moult_text_set(ctx, &o->label, "a label of some length", 22) < 0)
        return moult_stop(-ENOMEM);
    return moult_noreply();
}

static int64_t add(struct one *o, int64_t n)
{
#if KIND == 2
    return (o->twice += 2 * n) / 2;
#else
    return o->count += n;
#endif
}

static bool is_whole(const struct one *o)
{
#if KIND == 0
    return o->mark == 7 && o->label.len == 22;
#else
    return o->sign == 7 && o->label.len == 22;
#endif
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct one *o = state;
    int64_t n = 0;

    if (moult_match(request, "whole")) {
        moult_put_text(reply, is_whole(o) ? moult_plugin.vsn : "broken");
        return moult_reply();
    }
    if (!moult_match(request, "get") && !moult_match_int(request, "add", &n))
        return moult_refuse(ctx, -EINVAL, "one takes \"get\", \"whole\", {\"add\": n}");
    moult_put_int(reply, add(o, n));
    return moult_reply();
}

#if KIND == 2
static void carry_label(moult_in *from, moult_out *to)
{
    moult_in label = {0};
    size_t len = 0;
    const char *text =
        moult_find(from, "label", &label) ? moult_get_text(&label, &len) : "";

    moult_put_text(to, "label");
    moult_put_text_len(to, text, len);
}

static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    bool up = change->to == 1;
    int64_t count = up ? moult_int_at(from, "count") : moult_int_at(from, "twice") / 2;

#ifdef BAD
    if (up && count == 77) {
        snprintf(change->why, change->why_size, "77 brings bad luck");
        return -ERANGE;
    }
#endif
    moult_put_map(to, 2);
    moult_put_int_at(to, up ? "twice" : "count", up ? 2 * count : count);
    carry_label(from, to);
    return 0;
}
#endif

static const moult_server one = {.size = sizeof(moult_server),
#if KIND == 2
                                 .format = 1,
                                 .code_change = code_change,
#endif
                                 .state = one_state,
                                 .init = init,
                                 .handle_call = handle_call};

MOULT_PLUGIN(.children = (const moult_child[]){
                 {.id = "one", .server = &one, .name = "one", .count = COUNT},
                 {.id = NULL}});
