/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctx - what a plugin knows as moult_ctx: the first member of every process.
 *
 * Whoever has a process can get at the whole of it from a ctx; what needs only its
 * memory (states being loaded, in any thread or helper) can do with a ctx of its own.
 */
#ifndef MOULT_CTX_H
#define MOULT_CTX_H

#include "heap.h"

struct moult_ctx {
    struct heap heap;
};

#endif
