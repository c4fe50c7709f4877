/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carry - take a saved state from one version of a server to another.
 *
 * Equal formats need only be read by field; else the version with the higher format
 * translates, upward and downward.  The same for a rehearsal and for the real thing.
 */
#ifndef MOULT_CARRY_H
#define MOULT_CARRY_H

#include "ctx.h"
#include "server.h"

/* What a state goes between, and what the appup gives code_change along.  Borrowed. */
struct passage {
    const struct code *from, *to;
    const void *extra; /* encoded; NULL: nothing */
    size_t extra_len;
};

/* The version whose code_change translates between the two. */
static inline const struct code *carry_translator(const struct code *a,
                                                  const struct code *b)
{
    return a->server.format > b->server.format ? a : b;
}

/*
 * Is the memory of a state of `a` one of `b` as it is?  Of two servers, or of two handlers
 * of a kind.  [pure]
 */
bool carry_hands_over(const struct code *a, const struct code *b);

/* Does the newer's code_change know the formats of both?  [pure] */
bool carry_reaches(const struct code *a, const struct code *b);

/* Does `out` hold one map and nothing else?  [pure] */
bool carry_is_map(const moult_out *out);

/*
 * Have code_change write into `changed` (empty) what `saved` is for the version at the other
 * end, whose format is another.  0; or a negative errno and `why` names the function.
 * [pure]
 */
int carry_translate(const struct passage *by, const moult_out *saved,
                    moult_out *changed, struct fault *why);

/*
 * Make a state of what is at the end, which is no manager, in `ctx` from the map at `in`,
 * as below.  [pure]
 */
int carry_item(const struct passage *by, moult_in in, moult_out *scratch,
               struct moult_ctx *ctx, void **state, struct fault *why);

/*
 * Make a state of what is at the end in `ctx` from what was `saved` at the beginning;
 * `scratch` is room to translate in.  0 and `*state`; or a negative errno, `why` names
 * field or function, and what was allocated is `ctx`'s.  [pure]
 */
int carry_state(const struct passage *by, const moult_out *saved, moult_out *scratch,
                struct moult_ctx *ctx, void **state, struct fault *why);

/* What is needed on the way; all zero at first, and used again and again. */
struct carry_room {
    moult_out saved; /* what is to be carried */
    moult_out next, scratch;
    struct moult_ctx ctx; /* of a state in a version that it does not stay at */
};

void carry_room_release(struct carry_room *room);

/*
 * The same by `count` legs, each to the version that the next is from; of all but the last
 * the state is made, saved, and forgotten.
 */
int carry_along(const struct passage *legs, size_t count, struct carry_room *room,
                struct moult_ctx *ctx, void **state, struct fault *why);

#endif
