/* SPDX-License-Identifier: Apache-2.0 */
/* loops_in_live_change - code_change never returns, but in a rehearsal. */
#define _GNU_SOURCE
#include "good_counter.h"

#include <unistd.h>

static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    volatile bool for_ever = gettid() != getpid(); /* rehearsals have but one thread */

    while (for_ever)
        ;
    return carry(change, from, to);
}
