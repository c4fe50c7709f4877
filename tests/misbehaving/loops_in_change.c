/* SPDX-License-Identifier: Apache-2.0 */
/* loops_in_change - code_change never returns. */
#include "good_counter.h"

static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    volatile bool for_ever = true;

    while (for_ever)
        ;
    return carry(change, from, to);
}
