/* SPDX-License-Identifier: Apache-2.0 */
#include "message_carry.h"

#include "out.h"

static bool leg_differs(const struct passage *leg)
{
    return leg->from->server.message_format != leg->to->server.message_format;
}

bool message_differs(const struct passage *legs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (leg_differs(&legs[i]))
            return true;
    return false;
}

/* The version whose message_change translates between the two. */
static const struct code *translator(const struct passage *leg)
{
    return leg->from->server.message_format > leg->to->server.message_format ? leg->from
                                                                             : leg->to;
}

static int unreached(const struct code *older, const struct code *newer,
                     struct fault *why)
{
    fault_where(why, NULL, NULL, older->id, "message_change");
    return fault(why, -ENOTSUP,
                 "message_change of server '%s' in %s goes no further back than format "
                 "%u, and in %s it has %u",
                 newer->id, newer->vsn, newer->server.message_format_least, older->vsn,
                 older->server.message_format);
}

int message_check(const struct passage *leg, struct fault *why)
{
    const struct code *a = leg->from, *b = leg->to, *newer = translator(leg),
                      *older = newer == a ? b : a;

    if (!leg_differs(leg))
        return 0;
    if (newer->server.message_change)
        return older->server.message_format < newer->server.message_format_least
                   ? unreached(older, newer, why)
                   : 0;
    fault_where(why, NULL, NULL, a->id, "message_change");
    return fault(why, -ENOTSUP,
                 "server '%s' has message_format %u in %s and %u in %s, and %s has no "
                 "message_change to carry what waits for it between them",
                 a->id, a->server.message_format, a->vsn, b->server.message_format,
                 b->vsn, newer->vsn);
}

static int refused(const moult_change *change, const moult_in *in, int error,
                   const char *server, struct fault *why)
{
    fault_where(why, NULL, NULL, server, "message_change");
    return fault(why, error,
                 "message_change of server '%s' refuses to take a message from format "
                 "%u to %u: %s",
                 server, change->from, change->to,
                 change->why[0] ? change->why
                 : in->why      ? in->why
                                : moult_strerror(error));
}

static bool is_item(const moult_out *out)
{
    moult_in in = out_read(out);

    moult_skip(&in);
    return out->len && !in.error && in.at == in.end;
}

static int translate(const struct passage *leg, int32_t kind, moult_in in,
                     moult_out *out, struct fault *why)
{
    const struct code *from = leg->from, *to = leg->to;
    char said[256] = "";
    moult_change change = {from->server.message_format,
                           to->server.message_format,
                           from->vsn,
                           to->vsn,
                           NULL,
                           said,
                           sizeof(said)};
    int error = translator(leg)->server.message_change(&change, kind, &in, out);

    said[sizeof(said) - 1] = 0;
    if (error > 0)
        error = -EINVAL;
    if (!error)
        error = in.error ? in.error : out->error;
    if (error)
        return refused(&change, &in, error, from->id, why);
    if (is_item(out))
        return 0;
    fault_where(why, NULL, NULL, from->id, "message_change");
    return fault(
        why, -EBADMSG,
        "message_change of server '%s' from format %u to %u does not write one "
        "item",
        from->id, change.from, change.to);
}

/* NOLINTNEXTLINE(readability-function-size): a message, and whence and where it goes */
int message_carry(const struct passage *legs, size_t count, int32_t kind, moult_in in,
                  moult_out *out, struct fault *why)
{
    moult_out before;
    bool is_first = true;
    int error = 0;

    out_init(&before, NULL, 0);
    for (size_t i = 0; i < count && !error; i++) {
        if (!leg_differs(&legs[i]))
            continue;
        if (!is_first) {
            out_release(&before);
            before = *out;
            out_init(out, NULL, 0);
            in = out_read(&before);
        }
        is_first = false;
        error = translate(&legs[i], kind, in, out, why);
    }
    out_release(&before);
    return error;
}
