/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial_messages - the part of a trial that carries messages which wait for a server.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "message_carry.h"
#include "out.h"
#include "trial_carry.h"

/* MOULT_GOT_CALL and so on; negative: `kind` is none. */
static int32_t kind_of(moult_in *kind)
{
    if (moult_match(kind, "call"))
        return MOULT_GOT_CALL;
    if (moult_match(kind, "cast"))
        return MOULT_GOT_CAST;
    return moult_match(kind, "info") ? MOULT_GOT_INFO : -1;
}

static int carry(const struct trial_legs *legs, int32_t kind, moult_in in,
                 moult_out *out, struct fault *why)
{
    char what[96];

    snprintf(what, sizeof(what), "message_change from format %u to %u",
             legs->list[0].from->server.message_format,
             legs->list[legs->count - 1].to->server.message_format);
    trial_note(what, legs->list[0].from->id);
    return message_carry(legs->list, legs->count, kind, in, out, why);
}

static bool has_way(const struct trial_legs *legs, struct fault *why)
{
    for (size_t i = 0; i < legs->count; i++)
        if (message_check(&legs->list[i], why) < 0)
            return false;
    return legs->count > 0;
}

/* There it must go; and back, if there is a way, which may be refused. */
static int carry_both_ways(const struct trial_legs *there,
                           const struct trial_legs *back, moult_in *pair,
                           struct fault *why)
{
    struct fault refused = {0};
    moult_out carried, again;
    int32_t kind;
    int error;

    if (moult_get_array(pair) != 2 || (kind = kind_of(pair)) < 0)
        return fault(why, -EBADMSG, "what waits for server '%s' is no message",
                     there->list[0].from->id);
    out_init(&carried, NULL, 0);
    out_init(&again, NULL, 0);
    error = carry(there, kind, *pair, &carried, why);
    if (!error && has_way(back, &refused))
        (void)carry(back, kind, out_read(&carried), &again, &refused);
    out_release(&carried);
    out_release(&again);
    return error;
}

void trial_lint_messages(const struct trial_legs *there, json_t *lints)
{
    struct fault why = {0};

    if (there->count && !has_way(there, &why))
        trial_lint(lints, "%s", why.text);
}

int trial_carry_messages(const struct trial_legs *there, const struct trial_legs *back,
                         const struct vet_state *state, struct fault *why)
{
    moult_in in = moult_in_over(state->messages, state->messages_len);
    uint64_t count;
    int error = 0;

    if (!state->messages_len || !message_differs(there->list, there->count))
        return 0;
    if (!has_way(there, why))
        return -ENOTSUP;
    count = moult_get_array(&in);
    for (uint64_t i = 0; i < count && !in.error && !error; i++) {
        moult_in pair = in;

        error = carry_both_ways(there, back, &pair, why);
        moult_skip(&in);
    }
    return !error && in.error
               ? fault(why, -EBADMSG, "what waits for server '%s' can't be read",
                       state->server)
               : error;
}
