/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code - one version of one server, as the host uses it.
 *
 * Made when an image is loaded, from what the plugin says of itself; read only from then
 * on.  It lives as long as its image, and whoever runs it counts in `uses`.
 */
#ifndef MOULT_CODE_H
#define MOULT_CODE_H

#include <stdatomic.h>

#include "moult.h"

struct image;

struct code {
    moult_server server;        /* a copy; hooks that an older plugin lacks are NULL */
    const moult_schema *schema; /* or NULL: no state */
    uint64_t layout;            /* schema_layout(); equal ones hand the memory over */
    const char *app, *vsn;      /* lent by the image */
    const char *id;             /* the child's, which names it across versions */
    const moult_child *child;
    const void *args; /* encoded; what init gets */
    size_t args_len;
    struct image *image;
    /* Processes that run it, of the image's count.  Release when one leaves, acquire when
     * the image is closed; relaxed when one comes, which already owns another use. */
    _Atomic uint32_t *uses;
};

/* `by` more (or fewer) processes run `code`. */
static inline void code_use(const struct code *code, int by)
{
    if (by > 0 && code->uses)
        atomic_fetch_add_explicit(code->uses, (uint32_t)by, memory_order_relaxed);
    else if (code->uses)
        atomic_fetch_sub_explicit(code->uses, (uint32_t)-by, memory_order_release);
}

#endif
