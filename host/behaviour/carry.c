/* SPDX-License-Identifier: Apache-2.0 */
#include "carry.h"

#include "manager.h"
#include "statem.h"

bool carry_hands_over(const struct code *a, const struct code *b)
{
    if (a->server.save || b->server.save)
        return false; /* hooks: what the memory holds is only known to its version */
    if (a->server.statem && !statem_has_all(a, b))
        return false; /* each is asked which state it is in */
    if (!a->schema || !b->schema)
        return !a->schema && !b->schema;
    return a->layout == b->layout;
}

bool carry_reaches(const struct code *a, const struct code *b)
{
    const struct code *newer = carry_translator(a, b), *older = newer == a ? b : a;

    return older->server.format >= newer->server.format_least;
}

bool carry_is_map(const moult_out *out)
{
    moult_in in = out_read(out);

    if (out->error || moult_peek(&in) != MOULT_MAP)
        return false;
    moult_skip(&in);
    return !in.error && in.at == in.end;
}

/* Why it was refused, in the words nearest the cause. */
static int refused(const moult_change *change, const moult_in *in, int error,
                   const char *server, struct fault *why)
{
    const char *words = change->why[0] ? change->why
                        : in->why      ? in->why
                                       : moult_strerror(error);

    fault_where(why, NULL, NULL, server, "code_change");
    return fault(why, error,
                 "code_change of server '%s' refuses to go from format %u to %u: %s",
                 server, change->from, change->to, words);
}

static int translate(const struct passage *by, moult_in in, moult_out *changed,
                     struct fault *why)
{
    const struct code *from = by->from, *to = by->to;
    moult_in extra = moult_in_over(by->extra, by->extra_len);
    char said[256] = "";
    moult_change change = {from->server.format,
                           to->server.format,
                           from->vsn,
                           to->vsn,
                           by->extra ? &extra : NULL,
                           said,
                           sizeof(said)};
    int error = carry_translator(from, to)->server.code_change(&change, &in, changed);

    said[sizeof(said) - 1] = 0;
    if (error > 0)
        error = -EINVAL;
    if (!error)
        error = in.error ? in.error : changed->error;
    if (error)
        return refused(&change, &in, error, from->id, why);
    if (carry_is_map(changed))
        return 0;
    fault_where(why, NULL, NULL, from->id, "code_change");
    return fault(
        why, -EBADMSG,
        "code_change of server '%s' from format %u to %u does not write one map: "
        "begin with moult_put_map",
        from->id, change.from, change.to);
}

int carry_translate(const struct passage *by, const moult_out *saved,
                    moult_out *changed, struct fault *why)
{
    return translate(by, out_read(saved), changed, why);
}

/* NOLINTNEXTLINE(readability-function-size): all that a state is on its way between */
int carry_item(const struct passage *by, moult_in in, moult_out *scratch,
               struct moult_ctx *ctx, void **state, struct fault *why)
{
    bool same = by->from->server.format == by->to->server.format;
    int error;

    if (!same) {
        out_reset(scratch);
        error = translate(by, in, scratch, why);
        if (error)
            return error;
        in = out_read(scratch);
    }
    return state_load(ctx, by->to, same ? by->from->schema : NULL, &in, state, why);
}

/* NOLINTNEXTLINE(readability-function-size): as above */
int carry_state(const struct passage *by, const moult_out *saved, moult_out *scratch,
                struct moult_ctx *ctx, void **state, struct fault *why)
{
    moult_in in = out_read(saved);

    if (by->to->server.manager)
        return manager_carry(by, in, scratch, ctx, state, why);
    return carry_item(by, in, scratch, ctx, state, why);
}

static int pass_through(const struct passage *by, struct carry_room *room,
                        struct fault *why)
{
    struct server server = {.code = by->to};
    moult_out carried;
    int error;

    out_reset(&room->next);
    heap_init(&room->ctx.heap, NULL);
    error =
        carry_state(by, &room->saved, &room->scratch, &room->ctx, &server.state, why);
    if (!error)
        error = server_save(&server, &room->next, why);
    heap_finish(&room->ctx.heap);
    carried = room->next;
    room->next = room->saved;
    room->saved = carried;
    return error;
}

/* NOLINTNEXTLINE(readability-function-size): as above */
int carry_along(const struct passage *legs, size_t count, struct carry_room *room,
                struct moult_ctx *ctx, void **state, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i + 1 < count && !error; i++)
        error = pass_through(&legs[i], room, why);
    return error ? error
                 : carry_state(&legs[count - 1], &room->saved, &room->scratch, ctx,
                               state, why);
}

void carry_room_release(struct carry_room *room)
{
    out_release(&room->saved);
    out_release(&room->next);
    out_release(&room->scratch);
    heap_finish(&room->ctx.heap);
}
