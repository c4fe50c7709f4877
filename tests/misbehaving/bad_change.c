/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bad_change - versions of good whose code_change sins: REFUSES, CRASHES, LOOPS,
 * CALLS_NULL, RECURSES or WRITES_NOTHING; with ABOVE they do so only where the count is
 * above that.
 */
#include <stdio.h>

#include "plain.h"

#ifndef ABOVE
#define ABOVE -1
#endif

struct tally {
    int64_t tripled;
};

MOULT_STATE(tally_state, struct tally, MOULT_FIELD(tripled));

#ifdef RECURSES
static int deeper(volatile char *above)
{
    volatile char more[4096];

    more[0] = above[0];
    return above[0] ? 0 : deeper(more) + more[0];
}
#endif

static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    const char *key = change->to == 7 ? "count" : "tripled";
    int64_t count = moult_int_at(from, key);

    if (count > ABOVE) {
#if defined(REFUSES)
        snprintf(change->why, change->why_size, "%lld is too many", (long long)count);
        return -ERANGE;
#elif defined(CRASHES)
        volatile int *volatile nowhere = NULL;

        *nowhere = 1;
#elif defined(LOOPS)
        for (volatile int i = 1; i;)
            ;
#elif defined(CALLS_NULL)
        int (*volatile function)(void) = NULL;

        function();
#elif defined(RECURSES)
        volatile char top = 0;

        deeper(&top);
#else
        return 0;
#endif
    }
    moult_put_map(to, 1);
    if (change->to == 7)
        moult_put_int_at(to, "tripled", 3 * count);
    else
        moult_put_int_at(to, "count", count / 3);
    return 0;
}

static const moult_server tally = {.size = sizeof(moult_server),
                                   .format = 7,
                                   .state = tally_state,
                                   .code_change = code_change};
static const moult_child more[] = {{.id = "tally", .server = &tally}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
