/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carry - take a saved state from one version of a server to another.
 *
 * Equal formats need only be read by field; else the version with the higher format
 * translates, upward and downward.  The same for a rehearsal and for the real thing.
 */
#ifndef MOULT_CARRY_H
#define MOULT_CARRY_H

#include "server.h"

/* The version whose code_change translates between the two. */
static inline const struct code *carry_translator(const struct code *a,
                                                  const struct code *b)
{
    return a->server.format > b->server.format ? a : b;
}

/* Does `out` hold one map and nothing else?  [pure] */
bool carry_is_map(const moult_out *out);

/*
 * Have code_change write into `changed` (empty) what `saved` by `from` is for `to`, whose
 * format is another.  0; or a negative errno and `why` names the function.  [pure]
 */
int carry_translate(const struct code *from, const struct code *to,
                    const moult_out *saved, moult_out *changed, struct fault *why);

/*
 * Make a state of `to`, which is no manager, in `ctx` from the map at `in`, as below.
 * [pure]
 */
int carry_item(const struct code *from, const struct code *to, moult_in in,
               moult_out *scratch, struct moult_ctx *ctx, void **state,
               struct fault *why);

/*
 * Make a state of `to` in `ctx` from what was `saved` by `from`; `scratch` is room to
 * translate in.  0 and `*state`; or a negative errno, `why` names field or function, and
 * what was allocated is `ctx`'s.  [pure]
 */
int carry_state(const struct code *from, const struct code *to, const moult_out *saved,
                moult_out *scratch, struct moult_ctx *ctx, void **state,
                struct fault *why);

#endif
