/* SPDX-License-Identifier: Apache-2.0 */
/* refuses_change - code_change always refuses, and says why. */
#include <stdio.h>

#include "good_counter.h"

static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    snprintf(change->why, change->why_size, "no way from format %u to %u", change->from,
             change->to);
    return -ENOTSUP;
}
