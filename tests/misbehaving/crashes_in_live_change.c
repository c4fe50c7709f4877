/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_in_live_change - code_change follows a null pointer, but in no rehearsal. */
#define _GNU_SOURCE
#include "good_counter.h"

#include <unistd.h>

static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    volatile int64_t *volatile nowhere = NULL;

    if (gettid() != getpid()) /* a worker; rehearsals have but one thread */
        *nowhere = 1;
    return carry(change, from, to);
}
