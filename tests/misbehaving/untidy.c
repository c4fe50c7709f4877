/* SPDX-License-Identifier: Apache-2.0 */
/*
 * untidy - works, but: exports what nobody needs, has a unique symbol and static
 * thread-local storage; and is linked with an executable stack, without a build id, and
 * never to be unloaded.
 */
#include "plain.h"

static __thread volatile int mine __attribute__((tls_model("initial-exec"))) = 1;

MOULT_EXPORT int untidy_clutter(void);

int untidy_clutter(void)
{
    return mine;
}

__asm__(".pushsection .data\n"
        ".globl untidy_unique\n"
        ".type untidy_unique, %gnu_unique_object\n"
        ".size untidy_unique, 4\n"
        "untidy_unique: .long 1\n"
        ".popsection");

MOULT_PLUGIN(.children = children);
